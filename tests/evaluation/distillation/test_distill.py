"""The data set of the sample, held against the shipped file and against constants of nature."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from collections import Counter
from typing import Any

import pytest
from pymatgen.core import Composition
from scipy import constants

from llamp_mcp.errors import HomeError, InvalidInput, NotFound
from llamp_mcp.evaluation.distillation import card
from llamp_mcp.evaluation.distillation.distill import distill
from llamp_mcp.settings import Settings
from tests.evaluation.distillation.conftest import SIDES, read, rows

EV_J = constants.e
NUMBER = re.compile(r"(?<![\w.])-?\d+(?:\.\d+)?(?:e[+-]?\d+)?")
FACTORS = {
    "kJ/mol of atoms": EV_J * constants.N_A / 1000,
    "meV/atom": 1000.0,
    "eV/Å³": 1e9 * 1e-30 / EV_J,
    "nm": constants.h * constants.c / EV_J * 1e9,
    "kg/m³": 1000.0,
}
"""By scipy's CODATA constants."""


def _merged(record):
    values: dict[str, Any] = {}
    for group in record["groups"].values():
        values |= group
    return values


def _value(record, name):
    base, _, part = name.partition(".")
    value = _merged(record).get(base)
    return value.get(part) if part and isinstance(value, dict) else value


def _as_printed(text, value):
    """Six significant digits, or three decimals from a thousand on."""
    allowed = max(5.01e-4 if abs(value) >= 1000 else 0.0, 5.01e-6 * abs(value))
    return abs(float(text) - value) <= allowed


def test_more_than_a_thousand_pairs_are_made_in_less_than_a_minute(sample_settings, tmp_path):
    start = time.monotonic()
    told = distill(sample_settings, tmp_path / "out", limit=1_500)
    assert time.monotonic() - start < 60
    assert sum(told.rows["pairs"].values()) >= 1_000


def test_the_whole_sample_gives_every_kind_of_pair(made):
    kinds = Counter(row["kind"] for row in rows(made.folder, "pairs"))
    assert kinds == Counter(made.told.kinds)
    assert sum(kinds.values()) > 4_000
    assert set(kinds) == {
        *("value", "overview", "polymorph", "comparison", "conversion"),
        *("ambiguous", "unphysical", "refusal"),
    }
    assert kinds["refusal"] > 100
    assert made.told.left_out == {}


def test_every_fact_is_what_the_shipped_file_says(made, sample):
    for row in rows(made.folder, "pairs"):
        for fact in row["facts"]:
            held = _value(sample[fact["material_id"]], fact["property"])
            assert sample[fact["material_id"]]["formula_pretty"] == fact["formula"]
            if fact["value"] is not None:
                assert fact["value"] == held, fact
                assert _as_printed(fact["text"], held), fact
            elif isinstance(held, bool):
                assert fact["text"] == str(held).lower()
            else:
                assert fact["text"] == (", ".join(held) if isinstance(held, list) else held)


def test_every_number_of_an_answer_is_a_fact_or_follows_from_facts(made):
    for row in rows(made.folder, "pairs"):
        text = row["answer"]
        named = [*row["materials"], *row["formulas"], *row["remarks"], *row["citations"]]
        named += [fact["text"] for fact in row["facts"] if fact["value"] is None]
        for name in sorted(named, key=len, reverse=True):
            text = re.sub(rf"(?<![\w.]){re.escape(name)}(?!\w)", " ", text)
        declared = {one["text"] for one in [*row["facts"], *row["derived"]]}
        assert set(NUMBER.findall(text)) <= declared, row
        assert not re.search(r"\d", NUMBER.sub("", text)), row


def test_derived_numbers_follow_from_their_facts(made, sample):
    entries = Counter(record["formula_pretty"] for record in sample.values())
    seen = set()
    for row in rows(made.folder, "pairs"):
        for one in row["derived"]:
            of = [row["facts"][place]["value"] for place in one["of"]]
            operation, value = one["operation"], one["value"]
            seen.add(operation)
            assert _as_printed(one["text"], value)
            if operation == "scale":
                assert value == pytest.approx(of[0] * one["factor"])
            elif operation == "quotient":
                assert value == pytest.approx(one["factor"] / of[0])
            elif operation == "difference":
                assert value == pytest.approx(of[0] - of[1])
            elif match := re.fullmatch(r"entries of (\S+) in the source", one["about"]):
                assert value == entries[match[1]]
            elif match := re.fullmatch(r"atoms in a formula unit of (\S+)", one["about"]):
                assert value == Composition(match[1]).num_atoms
    assert seen == {"scale", "quotient", "difference", "count", "constant"}


def test_units_are_converted_by_the_constants_of_nature(made):
    units: Counter[str] = Counter()
    for row in rows(made.folder, "pairs"):
        for one in row["derived"]:
            if row["kind"] == "conversion" and one["unit"] in FACTORS and one["of"]:
                assert one["factor"] == pytest.approx(FACTORS[one["unit"]], rel=1e-9), row
                units[one["unit"]] += 1
            if one["unit"] == "kJ/mol" and one["operation"] == "scale":
                atoms = Composition(row["formulas"][0]).num_atoms
                expected = atoms * FACTORS["kJ/mol of atoms"]
                assert one["factor"] == pytest.approx(expected, rel=1e-9)
    assert set(units) == set(FACTORS)


def test_a_refusal_gives_no_number_and_the_source_has_none(made, sample):
    held: dict[str, set[str]] = {record["formula_pretty"]: set() for record in sample.values()}
    for record in sample.values():
        held[record["formula_pretty"]] |= set(_merged(record))
    asked = [row for row in rows(made.folder, "chat") if row["kind"] == "refusal"]
    for row in asked:
        for message in row["messages"]:
            for call in message["tool_calls"] or ():
                arguments = json.loads(call["function"]["arguments"])
                (material,) = arguments["materials"]
                field = arguments["fields"][0].partition(".")[0]
                assert material not in sample
                assert field not in held.get(material, set()), row
    pairs = [row for row in rows(made.folder, "pairs") if row["kind"] == "refusal"]
    assert all(row["facts"] == [] for row in pairs)
    assert all(one["operation"] == "count" for row in pairs for one in row["derived"])


def test_an_unphysical_value_is_never_given_without_a_warning(made):
    bounds = {"homogeneous_poisson": (-1, 0.5), "universal_anisotropy": (0, 1e9)}
    for row in rows(made.folder, "pairs"):
        for fact in row["facts"]:
            low, high = bounds.get(fact["property"], (None, None))
            if "modulus" in fact["property"]:
                low, high = 0, 1e9
            if low is not None and not low <= fact["value"] <= high:
                assert row["kind"] == "unphysical"
                assert "do not use it" in row["answer"]


def test_the_known_pitfalls_are_in_it(made):
    """Cobalt's failed tensor with the sound one beside it, and manganese without a choice (S1)."""
    by_question = {
        (row["formulas"][0], row["kind"]): row["answer"]
        for row in rows(made.folder, "pairs")
        if any(fact["property"] == "bulk_modulus.vrh" for fact in row["facts"])
        and row["kind"] in {"unphysical", "ambiguous"}
        and len({fact["material_id"] for fact in row["facts"]}) > 1
    }
    assert "-1127.579 GPa" in by_question["Co", "unphysical"]
    assert "mp-102, with 200.587 GPa" in by_question["Co", "unphysical"]
    assert "mp-8634: 280.959 GPa; mp-542909: 248.693 GPa" in by_question["Mn", "ambiguous"]


def test_no_material_of_one_side_is_mentioned_on_another(made, sample):
    formula_of = {
        identifier: Composition(record["formula_pretty"]).reduced_formula
        for identifier, record in sample.items()
    }
    known = set(formula_of.values())
    for config in ("pairs", "chat"):
        found = {}
        for side in SIDES:
            text = "\n".join(json.dumps(row) for row in read(made.folder, config, side))
            ids = set(re.findall(r"\bmp-\d+\b", text))
            declared = {f for row in read(made.folder, config, side) for f in row["formulas"]}
            found[side] = {formula_of[identifier] for identifier in ids & formula_of.keys()}
            found[side] |= {Composition(formula).reduced_formula for formula in declared} & known
        assert all(found.values())
        for one, other in (("train", "test"), ("train", "validation"), ("validation", "test")):
            assert found[one] & found[other] == set()


def test_chats_have_the_form_of_chat_completions(made):
    tools = {
        tool["function"]["name"] for tool in json.loads((made.folder / "tools.json").read_text())
    }
    for row in rows(made.folder, "chat"):
        roles = [message["role"] for message in row["messages"]]
        calls = len(row["tools"])
        assert roles == ["system", "user", *["assistant", "tool"] * calls, "assistant"]
        for asked, told in zip(row["messages"][2:-1:2], row["messages"][3:-1:2], strict=True):
            (call,) = asked["tool_calls"]
            assert call["id"] == told["tool_call_id"]
            assert call["function"]["name"] in tools
            assert told["content"]
            json.loads(call["function"]["arguments"])


def test_what_an_answer_says_stands_in_what_the_tool_told(made):
    """Every fact of a pair is in the text of the call of its chat, as it is printed."""
    chats = {row["id"].removeprefix("chat-"): row for row in rows(made.folder, "chat")}
    for row in rows(made.folder, "pairs"):
        chat = chats[row["id"].removeprefix("pair-")]
        told = "\n".join(m["content"] for m in chat["messages"] if m["role"] == "tool")
        for fact in row["facts"]:
            assert fact["text"] in told, (row, told)


@pytest.mark.anyio
async def test_the_texts_of_tools_are_those_a_client_gets(made, drive, sample_settings):
    chats = rows(made.folder, "chat")[:: len(rows(made.folder, "chat")) // 40]
    async with drive(sample_settings) as driver:
        for row in chats:
            for asked, told in zip(row["messages"][2:-1:2], row["messages"][3:-1:2], strict=True):
                call = asked["tool_calls"][0]["function"]
                result = await driver.raw(call["name"], **json.loads(call["arguments"]))
                assert told["content"] == result.content[0].text


def test_texts_read_well(made):
    for row in rows(made.folder, "pairs"):
        assert not re.search(r"\bNone\b|\bnan\b|\{|\}| {2}|\(\)|\.\.|;\.|,\.", row["answer"]), row
        assert not re.search(r"None|\{|\}| {2}|,\?|\?\?|,\.", row["question"]), row
        assert row["question"][-1] in "?."
        assert row["answer"][-1] == "."
        for number in NUMBER.findall(row["answer"]):
            digits = number.partition("e")[0].replace(".", "").lstrip("-0")
            assert len(digits) <= 8, row
    questions = Counter(row["question"] for row in rows(made.folder, "pairs"))
    assert max(questions.values()) == 1


def test_progress_is_told_and_ends(made):
    done, total, _ = made.reports[-1]
    assert done == total
    assert len({report[2] for report in made.reports}) == 3
    assert len(made.reports) > 100


@pytest.mark.slow
def test_it_loads_with_datasets_offline(made, tmp_path):
    """In a process of its own: `datasets` reads its settings when it is imported."""
    code = """
import json, sys, datasets
told = {}
for config in ("pairs", "chat"):
    loaded = datasets.load_dataset(sys.argv[1], config, cache_dir=sys.argv[2])
    features = {str(part.features) for part in loaded.values()}
    told[config] = {"rows": {s: p.num_rows for s, p in loaded.items()}, "features": len(features)}
    told[config]["first"] = loaded["test"][0]
sys.stdout.write(json.dumps(told))
"""
    environment = os.environ | {
        "HF_HUB_OFFLINE": "1",
        "HF_HOME": str(tmp_path / "hf"),
        "HF_DATASETS_DISABLE_PROGRESS_BARS": "1",
    }
    command = [sys.executable, "-c", code, str(made.folder), str(tmp_path / "cache")]
    ran = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    told = json.loads(ran.stdout)
    for config in ("pairs", "chat"):
        assert told[config]["rows"] == made.told.rows[config]
        assert told[config]["features"] == 1
        assert told[config]["first"] == read(made.folder, config, "test")[0]


def test_the_same_seed_gives_the_same_bytes_and_another_other_words(sample_settings, tmp_path):
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        distill(sample_settings, tmp_path / name, limit=300, seed=seed)
    files = {
        name: {
            path.relative_to(tmp_path / name).as_posix(): path.read_bytes()
            for path in (tmp_path / name).rglob("*")
            if path.is_file()
        }
        for name in "abc"
    }
    assert files["a"] == files["b"]
    assert files["a"]["data/pairs/train.jsonl"] != files["c"]["data/pairs/train.jsonl"]
    sides: dict[str, str] = {}
    for name in "ac":
        for side in SIDES:
            for row in read(tmp_path / name, "pairs", side):
                for formula in row["formulas"]:
                    assert sides.setdefault(formula, side) == side


def test_the_limit_of_pairs_is_kept_and_said(sample_settings, tmp_path):
    told = distill(sample_settings, tmp_path / "out", limit=200)
    assert 180 <= sum(told.rows["pairs"].values()) <= 200
    assert told.left_out["formulas beyond the limit of pairs"] > 100


def test_the_live_database_is_refused(tmp_path):
    settings = Settings(home=tmp_path, source="live")
    with pytest.raises(InvalidInput, match="snapshot"):
        distill(settings, tmp_path / "out")


def test_a_source_under_another_licence_is_refused(snapshot, tmp_path):
    header = {
        "kind": "snapshot",
        "name": "made-up materials",
        "database_version": "made up",
        "licence": "all rights reserved",
        "attribution": "nobody",
        "notice": "made-up materials",
    }
    with pytest.raises(InvalidInput, match="all rights reserved"):
        distill(snapshot([], header), tmp_path / "out")


def test_materials_that_are_not_free_are_left_out_and_counted(snapshot, tmp_path):
    documents = []
    for number, (formula, licence) in enumerate(
        [("NaCl", "BY-C"), ("KCl", "BY-C"), ("KCl", "BY-NC"), ("LiF", "BY-NC"), ("LiBr", "BY-C")], 1
    ):
        elements = {str(e): int(n) for e, n in Composition(formula).items()}
        documents.append(
            (
                "summary",
                {
                    "material_id": f"mp-{number}",
                    "formula_pretty": formula,
                    "composition": elements,
                    "composition_reduced": elements,
                    "chemsys": "-".join(sorted(elements)),
                    "elements": sorted(elements),
                    "nelements": len(elements),
                    "nsites": 2,
                    "density": 1.25 * number,
                    "energy_above_hull": 0.01 * number,
                    "builder_meta": {"license": licence},
                },
            )
        )
    told = distill(snapshot(documents), tmp_path / "out")
    assert told.left_out == {"entries of formulas with an entry that is not CC BY 4.0": 3}
    text = "".join(path.read_text() for path in (tmp_path / "out" / "data").rglob("*.jsonl"))
    assert '"mp-1"' in text
    assert '"mp-5"' in text
    assert not re.search(r"\bmp-[234]\b", text)


def test_a_folder_is_never_replaced_unasked(sample_settings, tmp_path):
    out = tmp_path / "out"
    distill(sample_settings, out, limit=20)
    before = (out / "manifest.json").read_bytes()
    with pytest.raises(InvalidInput, match="--force"):
        distill(sample_settings, out, limit=30)
    assert (out / "manifest.json").read_bytes() == before
    distill(sample_settings, out, limit=30, force=True)
    assert (out / "manifest.json").read_bytes() != before
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_a_folder_of_something_else_is_not_even_replaced_by_force(sample_settings, tmp_path):
    (tmp_path / "thesis.tex").write_text("years of work")
    with pytest.raises(InvalidInput, match="no distillation made"):
        distill(sample_settings, tmp_path, limit=20, force=True)
    assert (tmp_path / "thesis.tex").read_text() == "years of work"


@pytest.mark.parametrize("what", ["asking about materials", "comparing materials", "writing"])
def test_a_run_that_is_stopped_leaves_nothing(sample_settings, tmp_path, what):
    def stop(_done, _total, doing):
        if doing == what:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        distill(sample_settings, tmp_path / "out", limit=20, report=stop)
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_leaves_the_old_data_set(sample_settings, tmp_path, monkeypatch):
    out = tmp_path / "out"
    distill(sample_settings, out, limit=20)
    before = (out / "manifest.json").read_bytes()

    def full(folder, _told):
        folder.mkdir()
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(card, "write", full)
    with pytest.raises(HomeError, match="no space"):
        distill(sample_settings, out, limit=30, force=True)
    assert (out / "manifest.json").read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


@pytest.mark.parametrize("arguments", [{"limit": 0}, {"test": 0.6}, {"validation": -0.1}])
def test_arguments_out_of_bounds_are_refused(sample_settings, tmp_path, arguments):
    with pytest.raises(InvalidInput, match="Allowed"):
        distill(sample_settings, tmp_path / "out", **arguments)


def test_recordings_that_are_not_there_are_missed(sample_settings, tmp_path):
    with pytest.raises(NotFound, match="LLAMP_RECORD"):
        distill(sample_settings, tmp_path / "out", limit=20, recordings=tmp_path / "nowhere")
