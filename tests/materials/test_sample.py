from __future__ import annotations

import multiprocessing
import sqlite3
from contextlib import closing

import pytest

from llamp_mcp.errors import HomeError, NotFound
from llamp_mcp.materials.index import build_index, index_path, open_index, shipped_data
from llamp_mcp.materials.sample import SampleSource
from llamp_mcp.materials.source import Condition, Query
from llamp_mcp.settings import Settings


def _index(home):
    return index_path(home / "cache", shipped_data())


def _total(home) -> int:
    return SampleSource(Settings(home=home, mp_api_key=None)).search(Query()).total


def test_the_index_is_built_once_and_named_after_its_content(tmp_path):
    total = _total(tmp_path)
    stamp = _index(tmp_path).stat().st_mtime_ns
    assert _total(tmp_path) == total
    assert _index(tmp_path).stat().st_mtime_ns == stamp
    assert [path.name for path in (tmp_path / "cache").iterdir()] == [_index(tmp_path).name]


@pytest.mark.parametrize("damage", [b"", b"not a database", None])
def test_a_broken_or_deleted_index_is_built_again(tmp_path, damage):
    source = SampleSource(Settings(home=tmp_path, mp_api_key=None))
    total = source.search(Query()).total
    if damage is None:
        _index(tmp_path).unlink()
    else:
        _index(tmp_path).write_bytes(damage)
    assert source.search(Query()).total == total


def test_a_truncated_index_is_built_again(tmp_path):
    source = SampleSource(Settings(home=tmp_path, mp_api_key=None))
    total = source.search(Query(fields=("density",), limit=1000)).total
    data = _index(tmp_path).read_bytes()
    _index(tmp_path).write_bytes(data[: len(data) // 3])
    assert source.search(Query(fields=("density",), limit=1000)).total == total


def test_processes_that_race_for_the_index_all_get_the_answer(tmp_path):
    context = multiprocessing.get_context("spawn")
    with context.Pool(2) as pool:
        totals = pool.map(_total, [tmp_path] * 4)
    assert len(set(totals)) == 1
    assert [path.name for path in (tmp_path / "cache").iterdir()] == [_index(tmp_path).name]


def test_a_cache_that_cannot_be_written_is_said(tmp_path):
    (tmp_path / "cache").write_text("a file is in the way")
    with pytest.raises(HomeError, match="LLAMP_HOME"):
        _total(tmp_path)


def test_the_index_is_read_only(tmp_path):
    path = _index(tmp_path)
    build_index(shipped_data(), path)
    with closing(open_index(path)) as connection, pytest.raises(sqlite3.OperationalError):
        connection.execute("DELETE FROM material")


def test_the_notice_says_what_it_is_and_how_to_get_more(source):
    meta = source.meta()
    assert meta.kind == "sample"
    assert f"offline extract of {meta.materials}" in meta.notice
    assert "absence here means nothing" in meta.notice
    assert "materialsproject.org/api" in meta.notice
    assert "10.1063/1.4812323" in meta.attribution
    assert "https://creativecommons.org/licenses/by/4.0/" in meta.attribution


def test_with_a_key_the_notice_says_that_it_is_not_used_yet(tmp_path):
    settings = Settings(home=tmp_path, mp_api_key="0" * 32)
    notice = SampleSource(settings).meta().notice
    assert "MP_API_KEY is set, but this version cannot query the live Project yet" in notice
    assert "0000" not in notice


def test_conditions_count_the_entries_that_lack_the_field(source):
    page = source.search(
        Query(formula="Co1", conditions=(Condition("bulk_modulus.vrh", minimum=0),))
    )
    assert [d["material_id"] for d in page.documents] == ["mp-102"]
    assert page.lacking == {"bulk_modulus.vrh": 0}
    page = source.search(
        Query(formula="Mn1", conditions=(Condition("bulk_modulus.vrh", minimum=0),))
    )
    assert page.total == 2
    assert page.lacking == {"bulk_modulus.vrh": 1}  # mp-35, the hull entry


def test_documents_come_in_the_order_of_the_ids_without_those_that_lack_the_field(source):
    found = source.documents("electronic_structure", ("mp-32", "mp-13", "mp-149"), ("band_gap",))
    assert [d["material_id"] for d in found] == ["mp-32", "mp-149"]


def test_a_dotted_field_that_is_absent_does_not_count(source):
    assert source.documents("elasticity", ("mp-22862",), ("bulk_modulus.vrh",))
    assert not source.documents("elasticity", ("mp-22862",), ("bulk_modulus.voigt",))


def test_a_missing_structure_is_told_from_a_missing_entry(source):
    with pytest.raises(NotFound, match="has no structure for mp-3666"):
        source.structure("mp-3666")
    with pytest.raises(NotFound, match="mp-5 is not in this offline extract"):
        source.structure("mp-5")
