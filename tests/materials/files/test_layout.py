"""The writer of materials files. All values are made up."""

from __future__ import annotations

import signal
import sqlite3
import subprocess
import sys
import textwrap
from contextlib import closing
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from llamp_mcp.errors import HomeError, InvalidInput, SourceError
from llamp_mcp.materials.files.layout import Writer, pack, unpack
from llamp_mcp.materials.files.source import SqliteSource
from tests.materials.conftest import HEADER

VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(codec="utf-8"), max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text("abé", max_size=5), inner),
    max_leaves=12,
)
BODIES = st.dictionaries(st.sampled_from(["a", "b", "c", "total", "warnings"]), VALUES)


def summary(material_id: str, **values) -> dict[str, Any]:
    return {"material_id": material_id, "formula_pretty": "NaCl", "chemsys": "Cl-Na"} | values


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(BODIES, st.binary(max_size=200))
def test_a_packed_document_comes_back_as_it_was(document, dictionary):
    assert unpack(pack(document, dictionary), dictionary) == document


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(BODIES, st.data())
def test_a_flipped_bit_never_makes_another_document(document, data):
    body = bytearray(pack(document))
    place = data.draw(st.integers(0, len(body) - 1))
    body[place] ^= 1 << data.draw(st.integers(0, 7))
    try:
        found = unpack(bytes(body))
    except ValueError:
        return
    assert found == document  # a bit that deflate does not read


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(BODIES, st.data())
def test_a_document_cut_short_is_said(document, data):
    body = pack(document)
    with pytest.raises(ValueError, match=r"damaged|cut short"):
        unpack(body[: data.draw(st.integers(0, len(body) - 1))])


@settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))
@given(documents=st.lists(BODIES, min_size=1, max_size=12))
def test_every_document_of_a_file_comes_back_whole_and_in_order(write, documents):
    asked = ("mp-3200002", "mp-3200001")
    rows = [
        ("tasks", {"material_id": asked[number % 2], "number": number} | document)
        for number, document in enumerate(documents)
    ]
    found = write(rows).rows("tasks", asked).documents
    expected = [d for name in asked for _, d in rows if d["material_id"] == name]
    assert list(found) == expected


def test_what_a_file_holds_is_counted(write):
    source = write(
        [
            ("summary", summary("mp-3200001", structure={"lattice": []})),
            ("summary", summary("mp-3200002")),
            ("thermo", summary("mp-3200001", thermo_type="GGA")),
            ("thermo", summary("mp-3200001", thermo_type="R2SCAN")),
        ],
        recipes=[{"doi": "10.0/1"}, {"doi": "10.0/2"}, {"doi": "10.0/1"}],
        spectra=[("dos", {"material_id": "mp-3200001", "densities": {}})],
    )
    assert source.meta().materials == 2
    assert source.meta().coverage == {
        "summary": 2,
        "structure": 1,
        "thermo": 1,
        "dos": 1,
        "synthesis_recipes": 2,
    }


def test_a_document_of_several_materials_is_kept_once(tmp_path):
    pair = {"pair_id": "mp-3200001_mp-3200002", "note": "x" * 100}
    path = tmp_path / "file.sqlite"
    with Writer(path) as writer:
        for name in ("mp-3200001", "mp-3200002", "mp-3200001"):
            writer.add("alloys", pair | {"material_id": name})
        writer.finish(HEADER)
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("SELECT count(*) FROM document").fetchone() == (1,)
    with closing(SqliteSource(path)) as source:
        found = source.rows("alloys", ("mp-3200002", "mp-3200001")).documents
    assert [d["material_id"] for d in found] == ["mp-3200002", "mp-3200001"]
    assert all(d["note"] == pair["note"] for d in found)


@pytest.mark.parametrize(
    ("endpoint", "document", "said"),
    [
        ("summary", {"formula_pretty": "NaCl"}, "no material_id"),
        ("summaries", {"material_id": "mp-3200001"}, "Did you mean 'summary'"),
    ],
)
def test_what_cannot_be_filed_is_refused(tmp_path, endpoint, document, said):
    with Writer(tmp_path / "file.sqlite") as writer, pytest.raises(InvalidInput, match=said):
        writer.add(endpoint, document)


def test_a_finished_file_is_not_added_to(write):
    source = write([("summary", summary("mp-3200001"))])
    with pytest.raises(InvalidInput, match="finished"):
        Writer(source.path)


def test_an_unfinished_file_cannot_be_asked(tmp_path):
    path = tmp_path / "file.sqlite"
    with Writer(path) as writer:
        writer.add("summary", summary("mp-3200001"))
        writer.commit()
    with closing(SqliteSource(path)) as source, pytest.raises(SourceError, match="no finished"):
        source.meta()


def test_of_two_writers_of_one_file_the_second_is_told(tmp_path):
    path = tmp_path / "file.sqlite"
    with Writer(path) as first:
        first.note("begun", True)
        with pytest.raises(HomeError, match="locked"):
            Writer(path)


def test_a_folder_that_is_not_there_is_said(tmp_path):
    with pytest.raises(HomeError, match="Cannot write the materials file"):
        Writer(tmp_path / "nowhere" / "file.sqlite")


def test_a_file_of_something_else_is_not_written_over(tmp_path):
    path = tmp_path / "notes.txt"
    path.write_text("notes of an afternoon, which must not be lost\n" * 50)
    with pytest.raises(HomeError, match="not a database"):
        Writer(path)
    assert path.read_text().startswith("notes of an afternoon")


def test_notes_are_kept_until_the_file_is_finished(tmp_path):
    path = tmp_path / "file.sqlite"
    with Writer(path) as writer:
        writer.note("page", 3)
        writer.commit()
    with Writer(path) as writer:
        assert writer.noted("page") == 3
        assert writer.noted("other") is None
        writer.finish(HEADER)
    with closing(sqlite3.connect(path)) as connection:
        tables = {row[0] for row in connection.execute("SELECT name FROM sqlite_master")}
    assert "state" not in tables


def test_what_was_committed_outlives_a_killed_process(tmp_path):
    path = tmp_path / "file.sqlite"
    program = f"""
        import os, signal
        from pathlib import Path
        from llamp_mcp.materials.files.layout import Writer
        writer = Writer(Path({str(path)!r}), durable=True)
        for number in range(10):
            writer.add("summary", {{"material_id": f"mp-320000{{number}}", "chemsys": "Cl-Na",
                                    "formula_pretty": "NaCl"}})
            writer.note("done", number)
            if number < 7:
                writer.commit()
        os.kill(os.getpid(), signal.SIGKILL)
    """
    killed = subprocess.run([sys.executable, "-c", textwrap.dedent(program)], check=False)
    assert killed.returncode == -signal.SIGKILL
    with Writer(path) as writer:
        assert writer.noted("done") == 6
        assert len(writer.material_ids("summary")) == 7
        writer.finish(HEADER)
    with closing(SqliteSource(path)) as source:
        assert source.meta().materials == 7


def test_files_are_the_same_whatever_process_writes_them(write):
    documents = [("summary", summary(f"mp-320000{n}", possible_species=["Na+"])) for n in range(5)]
    first, second = write(documents), write(documents)
    assert first.path.read_bytes() == second.path.read_bytes()
