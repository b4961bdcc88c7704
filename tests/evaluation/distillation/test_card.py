from __future__ import annotations

import hashlib
import json
import re

import yaml

from llamp_mcp.evaluation.distillation import card
from tests.evaluation.distillation.conftest import SIDES, read, rows


def _card(made):
    return (made.folder / "README.md").read_text(encoding="utf-8")


def test_the_front_matter_names_files_that_are_there(made):
    front = yaml.safe_load(_card(made).split("---\n")[1])
    assert front["license"] == "cc-by-4.0"
    assert front["language"] == ["en"]
    assert front["size_categories"] == ["1K<n<10K"]
    for config in front["configs"]:
        for one in config["data_files"]:
            assert (made.folder / one["path"]).is_file()


def test_declared_columns_are_those_of_every_row(made):
    front = yaml.safe_load(_card(made).split("---\n")[1])
    for info in front["dataset_info"]:
        names = [feature["name"] for feature in info["features"]]
        for row in rows(made.folder, info["config_name"]):
            assert list(row) == names


def test_the_datasheet_has_the_headings_of_gebru_and_the_right_counts(made):
    text = _card(made)
    headings = re.findall(r"^## (.+)$", text, re.MULTILINE)
    assert headings == [
        *("Motivation", "Composition", "Collection process", "Preprocessing", "Uses"),
        *("Distribution", "Maintenance"),
    ]
    for config in card.CONFIGS:
        counts = " | ".join(str(len(read(made.folder, config, side))) for side in SIDES)
        assert f"| {config} | {counts} |" in text
    assert "{" not in text.split("---\n", 2)[2]


def test_the_licence_names_the_project_and_what_was_changed(made):
    text = (made.folder / "LICENSE.md").read_text(encoding="utf-8")
    for words in ("CC BY 4.0", "10.1063/1.4812323", "Changes:", "licenses/by/4.0"):
        assert words in text


def test_every_source_that_a_value_names_is_cited_in_the_card(made):
    text = _card(made)
    for row in rows(made.folder, "pairs"):
        assert all(f"* {source}" in text for source in row["citations"])


def test_the_manifest_pins_every_file(made):
    manifest = json.loads((made.folder / "manifest.json").read_text())
    files = {
        path.relative_to(made.folder).as_posix()
        for path in made.folder.rglob("*")
        if path.is_file()
    }
    assert set(manifest["files"]) == files - {"manifest.json"}
    for name, told in manifest["files"].items():
        data = (made.folder / name).read_bytes()
        assert told == {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}
    assert manifest["rows"] == made.told.rows


def test_only_a_folder_with_our_manifest_is_ours(made, tmp_path):
    assert card.is_ours(made.folder)
    (tmp_path / "manifest.json").write_text('{"format": "of another program"}')
    assert not card.is_ours(tmp_path)


def test_no_path_of_this_machine_is_in_any_file(made, home):
    for path in made.folder.rglob("*.*"):
        assert str(home).encode() not in path.read_bytes()
