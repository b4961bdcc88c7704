from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from llamp_mcp.errors import InvalidInput
from llamp_mcp.provenance import LineageStep
from llamp_mcp.structures.create_structure import CreateStructureParams, create_structure
from llamp_mcp.structures.formats import write_structure
from tests.structures.conftest import silicon

if TYPE_CHECKING:
    from llamp_mcp.settings import Settings
    from llamp_mcp.structures.description import StructureResult
    from llamp_mcp.structures.store import StructureStore

CIF = write_structure(silicon(), "cif")


def create(store: StructureStore, settings: Settings, **arguments: Any) -> StructureResult:
    return create_structure(CreateStructureParams(**arguments), structures=store, settings=settings)


def test_text_becomes_a_stored_structure_with_its_origin(
    store: StructureStore, settings: Settings
) -> None:
    result = create(store, settings, text=CIF, format="cif")
    assert store.get(result.structure_id).composition.reduced_formula == "Si"
    assert result.material_id is None
    assert [step.origin for step in result.lineage] == ["cif text given by the caller"]
    assert result.lineage[0].structure_id == result.structure_id


def test_a_file_of_the_workspace_is_read_by_its_name(
    store: StructureStore, settings: Settings
) -> None:
    (settings.workspace_path / "si.cif").write_text(CIF)
    (settings.workspace_path / "si.dat").write_text(CIF)
    by_name = create(store, settings, path="si.cif")
    by_format = create(store, settings, path="si.dat", format="cif")
    assert by_name.structure_id == by_format.structure_id
    assert by_name.lineage[0].origin == "file si.cif"


def test_a_prototype_records_what_it_was_built_from(
    store: StructureStore, settings: Settings
) -> None:
    prototype = {"kind": "bulk", "name": "Cu", "crystal": "fcc", "a": 3.615, "cubic": True}
    result = create(store, settings, prototype=prototype)
    assert (result.formula, result.n_atoms) == ("Cu", 4)
    assert result.lineage[0].parameters == prototype


def test_atoms_of_a_text_that_are_too_near_are_told(
    store: StructureStore, settings: Settings
) -> None:
    poscar = "Si2\n1.0\n5 0 0\n0 5 0\n0 0 5\nSi\n2\nDirect\n0 0 0\n0.2 0 0\n"
    result = create(store, settings, text=poscar, format="poscar")
    assert result.text().count("unphysical: site 0 (Si) and site 1 (Si) are 1.000 Å apart") == 1


def test_a_prototype_proves_its_geometry_in_the_text(
    store: StructureStore, settings: Settings
) -> None:
    prototype = {"kind": "bulk", "name": "SrTiO3", "crystal": "perovskite", "a": 3.905}
    text = create(store, settings, prototype=prototype).text()
    assert "Sr 1a: 12 O at 2.761 Å; Ti 1b: 6 O at 1.952 Å" in text
    assert "10.1016/j.commatsci.2017.01.017" in text


def test_a_users_text_equal_to_a_material_keeps_its_own_origin(
    store: StructureStore, settings: Settings
) -> None:
    poscar = write_structure(silicon(), "poscar")
    known = store.put(silicon(), LineageStep(action="get_structure", origin="mp-149"))
    result = create(store, settings, text=poscar, format="poscar")
    assert result.structure_id == known
    assert result.material_id is None
    assert "mp-149" not in result.text()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({}, "exactly one of text, path, prototype; got none.*get_structure"),
        ({"text": CIF, "path": "si.cif"}, "got text and path"),
        ({"text": CIF}, "text needs its format"),
        ({"text": "si.cif", "format": "cif"}, "looks like a file path"),
        ({"text": "x" * 10_000_000, "format": "cif"}, "10000000 bytes"),
        ({"path": "absent.cif"}, "no file 'absent.cif'.*here.cif"),
        ({"path": "../../etc/passwd"}, "outside the workspace"),
        ({"path": "/etc/passwd", "format": "poscar"}, "outside the workspace"),
        ({"path": "nul\x00.cif"}, "cannot be a file name"),
        ({"path": "long" * 100 + ".cif"}, "cannot be a file name"),
        ({"path": "~nobody-here/si.cif"}, "cannot be a file name"),
        ({"path": "link.cif"}, "outside the workspace"),
        ({"path": "here.dat"}, "does not tell its format"),
        ({"path": "large.cif"}, "2000000 bytes"),
        ({"path": "picture.cif"}, "not text"),
        ({"prototype": {"kind": "bulk", "name": "Qq"}}, "Qq"),
    ],
)
def test_what_cannot_be_made_is_explained_and_nothing_is_stored(
    store: StructureStore, settings: Settings, arguments: dict[str, Any], said: str
) -> None:
    workspace = settings.workspace_path
    (workspace / "here.cif").write_text(CIF)
    (workspace / "here.dat").write_text(CIF)
    (workspace / "large.cif").write_text("x" * 2_000_000)
    (workspace / "picture.cif").write_bytes(b"\xff\xfe\x00")
    (workspace / "link.cif").symlink_to("/etc/passwd")
    with pytest.raises(InvalidInput, match=said):
        create(store, settings, **arguments)
    assert store.newest() == []
