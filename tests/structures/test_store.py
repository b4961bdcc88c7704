from __future__ import annotations

import sqlite3
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import TYPE_CHECKING

import pytest
from pymatgen.core import Structure

from llamp_mcp.errors import HomeError, NotFound
from llamp_mcp.provenance import LineageStep
from llamp_mcp.structures.store import StructureStore
from tests.structures.conftest import copper, salt, silicon

if TYPE_CHECKING:
    from pathlib import Path

ORIGIN = LineageStep(action="create_structure", origin="file si.cif")

WRITER = """
import sys
from pathlib import Path
from pymatgen.core import Lattice, Structure
from llamp_mcp.provenance import LineageStep
from llamp_mcp.structures.store import StructureStore
store = StructureStore(Path(sys.argv[1]))
step = LineageStep(action="create_structure", origin=f"process {sys.argv[2]}")
for n in range(20):
    print(store.put(Structure(Lattice.cubic(4 + n), ["Cu"], [[0, 0, 0]]), step))
"""


def test_the_same_structure_gets_the_same_handle_and_another_one_another(
    store: StructureStore,
) -> None:
    handle = store.put(silicon(), ORIGIN)
    assert store.put(silicon(), ORIGIN) == handle
    assert store.put(copper(), ORIGIN) != handle
    assert store.get(handle) == silicon()


def test_what_is_stored_cannot_be_changed_from_outside(store: StructureStore) -> None:
    structure = silicon()
    handle = store.put(structure, ORIGIN)
    structure.remove_sites([0])
    store.get(handle).remove_sites([0])
    assert len(store.get(handle)) == 2


def test_structures_and_their_history_survive_a_restart(tmp_path: Path) -> None:
    handle = StructureStore(tmp_path).put(silicon(), ORIGIN)
    reopened = StructureStore(tmp_path)
    assert reopened.get(handle) == silicon()
    assert reopened.history(handle) == [ORIGIN.model_copy(update={"structure_id": handle})]


def test_partial_occupancies_charges_and_moments_come_back(store: StructureStore) -> None:
    structure = salt()
    structure[0] = {"Na+": 0.5, "K+": 0.5}
    structure.add_site_property("magmom", [0.5] * len(structure))
    structure.set_charge(1)
    back = store.get(store.put(structure, ORIGIN))
    assert back[0].species == structure[0].species
    assert back.site_properties["magmom"] == [0.5] * len(structure)
    assert back.as_dict()["charge"] == 1


def test_a_history_runs_from_the_origin_through_every_step(store: StructureStore) -> None:
    first = store.put(silicon(), ORIGIN)
    second = store.put(silicon() * (2, 1, 1), LineageStep(action="supercell", parent=first))
    third = store.put(copper(), LineageStep(action="substitute", parent=second))
    assert [step.action for step in store.history(third)] == [
        "create_structure",
        "supercell",
        "substitute",
    ]
    assert [step.structure_id for step in store.history(third)] == [first, second, third]


def test_a_users_file_equal_to_a_material_does_not_inherit_its_id(store: StructureStore) -> None:
    material = LineageStep(action="get_structure", origin="mp-149, database 2025.1")
    handle = store.put(silicon(), material)
    assert store.put(silicon(), ORIGIN) == handle
    assert [step.origin for step in store.history(handle)] == ["file si.cif"]
    store.put(silicon(), material)
    assert [step.origin for step in store.history(handle)] == ["mp-149, database 2025.1"]


def test_a_history_that_leads_back_to_its_start_ends(store: StructureStore) -> None:
    here = store.put(silicon(), ORIGIN)
    there = store.put(copper(), LineageStep(action="strain", parent=here))
    assert store.put(silicon(), LineageStep(action="strain", parent=there)) == here
    store.put(silicon(), LineageStep(action="primitive", parent=here))
    actions = [step.action for step in store.history(here)]
    assert actions == ["create_structure", "strain", "strain", "primitive"]


def test_the_newest_structures_come_first_each_once(store: StructureStore) -> None:
    silicon_id = store.put(silicon(), ORIGIN)
    copper_id = store.put(copper(), ORIGIN)
    store.put(silicon(), LineageStep(action="primitive", parent=copper_id))
    newest = store.newest()
    assert [(line.structure_id, line.action) for line in newest] == [
        (silicon_id, "primitive"),
        (copper_id, "create_structure"),
    ]
    assert (newest[1].formula, newest[1].n_atoms) == ("Cu4", 4)
    assert len(store.newest(limit=1)) == 1


def test_an_unknown_id_says_how_to_get_one(store: StructureStore) -> None:
    with pytest.raises(NotFound, match="get_structure or create_structure"):
        store.get("s-0123456789abcdef")


def test_a_chain_is_stored_whole_or_not_at_all(store: StructureStore) -> None:
    unstorable = LineageStep.model_construct(action="x", parameters={"value": object()})
    with pytest.raises(Exception, match="serialize"):
        store.put_chain([silicon(), copper()], [ORIGIN, unstorable])
    assert store.newest() == []


def test_two_processes_and_several_threads_write_at_once(tmp_path: Path) -> None:
    writers = [
        subprocess.Popen(
            [sys.executable, "-c", WRITER, str(tmp_path), str(number)],
            stdout=subprocess.PIPE,
            text=True,
        )
        for number in range(2)
    ]
    store = StructureStore(tmp_path)
    with ThreadPoolExecutor(4) as pool:
        own = list(pool.map(lambda n: store.put(copper() * (1, 1, n), ORIGIN), range(1, 9)))
    printed = [writer.communicate()[0].split() for writer in writers]
    assert [writer.returncode for writer in writers] == [0, 0]
    assert printed[0] == printed[1]
    assert len(printed[0]) == 20
    everything = {line.structure_id for line in store.newest(limit=1000)}
    assert everything == {*own, *printed[0]}
    assert [len(store.get(handle)) for handle in own] == [4 * n for n in range(1, 9)]


def test_a_full_disk_is_said_and_leaves_the_store_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = StructureStore(tmp_path)
    handle = store.put(silicon(), ORIGIN)

    real = sqlite3.connect

    def nearly_full(*args: object, **kwargs: object) -> sqlite3.Connection:
        connection: sqlite3.Connection = real(*args, **kwargs)  # type: ignore[call-overload]
        pages = connection.execute("PRAGMA page_count").fetchone()[0]
        connection.execute(f"PRAGMA max_page_count = {pages}")
        return connection

    monkeypatch.setattr("llamp_mcp.structures.store.sqlite3.connect", nearly_full)
    large = Structure.from_sites(list((copper() * (6, 6, 6)).perturb(0.1, seed=1)))
    with pytest.raises(HomeError, match="no space is left on its disk; nothing was changed"):
        store.put(large, ORIGIN)
    monkeypatch.undo()
    assert [line.structure_id for line in store.newest()] == [handle]


def test_a_file_that_is_no_database_is_said(tmp_path: Path) -> None:
    (tmp_path / "structures.sqlite").write_text("not a database " * 100)
    with pytest.raises(HomeError, match="not a database"):
        StructureStore(tmp_path)


def test_a_home_that_does_not_exist_is_said(tmp_path: Path) -> None:
    with pytest.raises(HomeError, match="LLAMP_HOME"):
        StructureStore(tmp_path / "nowhere")


def test_a_full_quota_takes_no_more_and_keeps_what_is_there(tmp_path: Path) -> None:
    handle = StructureStore(tmp_path).put(silicon(), ORIGIN)
    with closing(sqlite3.connect(tmp_path / "structures.sqlite")) as db, db:
        db.execute("CREATE TABLE ballast (bytes BLOB)")
        db.execute("INSERT INTO ballast VALUES (zeroblob(2000000))")
    full = StructureStore(tmp_path, limit_mb=1)
    with pytest.raises(HomeError, match="LLAMP_STRUCTURES_MB"):
        full.put(copper(), ORIGIN)
    assert full.get(handle) == silicon()
