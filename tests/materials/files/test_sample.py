from __future__ import annotations

import multiprocessing
import sqlite3
from contextlib import closing

import pytest

from llamp_mcp.errors import HomeError
from llamp_mcp.materials.files.sample import SampleSource, sample_path, shipped_data
from llamp_mcp.materials.source import Condition, Query, RecipeQuery
from llamp_mcp.settings import Settings


def _file(home):
    return sample_path(home / "cache", shipped_data())


def _opened(home) -> SampleSource:
    return SampleSource(Settings(home=home, mp_api_key=None, source="sample"))


def _total(home) -> int:
    with closing(_opened(home)) as source:
        return source.search(Query()).total


def test_the_file_is_written_once_and_named_after_its_content(tmp_path):
    total = _total(tmp_path)
    stamp = _file(tmp_path).stat().st_mtime_ns
    assert _total(tmp_path) == total
    assert _file(tmp_path).stat().st_mtime_ns == stamp
    assert [path.name for path in (tmp_path / "cache").iterdir()] == [_file(tmp_path).name]


@pytest.mark.parametrize("damage", [b"", b"not a database", None])
def test_a_broken_or_deleted_file_is_written_again(tmp_path, damage):
    total = _total(tmp_path)
    if damage is None:
        _file(tmp_path).unlink()
    else:
        _file(tmp_path).write_bytes(damage)
    assert _total(tmp_path) == total


def test_a_file_of_another_format_is_written_again(tmp_path):
    total = _total(tmp_path)
    with closing(sqlite3.connect(_file(tmp_path))) as connection, connection:
        connection.execute("PRAGMA user_version = 99")
    assert _total(tmp_path) == total


def test_a_truncated_file_is_written_again(tmp_path):
    total = _total(tmp_path)
    data = _file(tmp_path).read_bytes()
    _file(tmp_path).write_bytes(data[: len(data) // 3])
    assert _total(tmp_path) == total


def test_a_file_that_vanishes_while_it_is_read_does_no_harm(tmp_path):
    with closing(_opened(tmp_path)) as source:
        total = source.search(Query()).total
        _file(tmp_path).unlink()
        assert source.search(Query(fields=("density",))).total == total


def test_processes_that_race_for_the_file_all_get_the_answer(tmp_path):
    context = multiprocessing.get_context("spawn")
    with context.Pool(2) as pool:
        totals = pool.map(_total, [tmp_path] * 4)
    assert len(set(totals)) == 1
    assert [path.name for path in (tmp_path / "cache").iterdir()] == [_file(tmp_path).name]


def test_a_cache_that_cannot_be_written_is_said(tmp_path):
    (tmp_path / "cache").write_text("a file is in the way")
    with pytest.raises(HomeError, match="LLAMP_HOME"):
        _total(tmp_path)


def test_the_notice_says_what_it_is_and_how_to_get_more(source):
    meta = source.meta()
    assert meta.kind == "sample"
    assert f"offline extract of {meta.materials}" in meta.notice
    assert "absence here means nothing" in meta.notice
    assert "for the full database set MP_API_KEY" in meta.notice
    assert "materialsproject.org/api" in meta.notice
    assert "10.1063/1.4812323" in meta.attribution
    assert "https://creativecommons.org/licenses/by/4.0/" in meta.attribution


def test_with_a_key_the_notice_says_how_to_use_it(tmp_path):
    settings = Settings(home=tmp_path, mp_api_key="0" * 32, source="sample")
    with closing(SampleSource(settings)) as source:
        notice = source.meta().notice
    assert "MP_API_KEY is set: unset LLAMP_SOURCE for the full database" in notice
    assert "0000" not in notice


def test_every_value_of_the_shipped_file_comes_back_with_its_source(source, sample):
    ids = tuple(record["material_id"] for record in sample["materials"])
    for group in ("thermo", "elasticity", "magnetism", "dielectric", "oxidation_states"):
        found = {d["material_id"]: d for d in source.rows(group, ids).documents}
        for record in sample["materials"]:
            keys = {name: key for key, names in record["sources"].items() for name in names}
            for name, value in record["groups"].get(group, {}).items():
                document = found[record["material_id"]]
                assert document[name] == value
                assert document["_sources"][name] == keys[name]
        assert len(found) == source.meta().coverage[group]


def test_the_summary_repeats_what_the_project_repeats_there(source):
    (summary,) = source.rows("summary", ("mp-19770",)).documents
    assert summary["composition"] == {"Fe": 2, "O": 3}
    assert summary["chemsys"] == "Fe-O"
    assert summary["energy_above_hull"] == 0.0
    assert summary["_sources"]["symmetry"] == "spglib"
    assert summary["structure"]["source"] == "emmet-li-fe-o-2021"
    assert summary["has_props"]["thermo"] is True


def test_a_note_comes_with_the_summary_it_is_about(source):
    (summary,) = source.rows("summary", ("mp-22862",), ("volume",)).documents
    assert "another database version" in summary["_notes"][0]
    (elasticity,) = source.rows("elasticity", ("mp-22862",)).documents
    assert "_notes" not in elasticity


def test_conditions_count_the_entries_that_lack_the_field(source):
    modulus = (Condition("bulk_modulus.vrh", minimum=0),)
    page = source.search(Query(formulas=("Co1",), conditions=modulus))
    assert [d["material_id"] for d in page.documents] == ["mp-102"]
    assert page.lacking == {"bulk_modulus.vrh": 0}
    page = source.search(Query(formulas=("Mn1",), conditions=modulus))
    assert page.total == 2
    assert page.lacking == {"bulk_modulus.vrh": 1}  # mp-35, the hull entry


def test_entries_of_li_fe_o_are_all_of_one_computation(source):
    systems = ("Fe", "Fe-Li", "Fe-Li-O", "Fe-O", "Li", "Li-O", "O")
    found = source.entries(systems, "GGA_GGA+U").documents
    assert len(found) == 74
    assert {d["_sources"]["energy_per_atom"] for d in found} == {"emmet-li-fe-o-2021"}
    assert all(d["composition"] and d["formula_pretty"] for d in found)
    assert not source.entries(systems, "R2SCAN").documents


def test_a_missing_structure_is_not_made_up(source):
    found = source.structures(("mp-149", "mp-3666", "mp-5"))
    assert list(found) == ["mp-149"]
    assert found["mp-149"]["source"] in source.citations()


def test_recipes_have_the_shape_of_the_projects(source):
    found = source.recipes(RecipeQuery(target="LiFePO4", limit=10))
    assert found.total == 5
    for recipe in found.documents:
        assert recipe["targets_formula_s"] == ["LiFePO4"]
        assert set(recipe["_sources"].values()) <= set(source.citations())
    heated = source.recipes(RecipeQuery(target="LiFePO4", operations=("HeatingOperation",)))
    steps = [step for recipe in heated.documents for step in recipe["operations"]]
    heating = [step for step in steps if step["type"] == "HeatingOperation"]
    assert any(step["conditions"]["heating_temperature"] for step in heating)
