from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from llamp_mcp.errors import HomeError, InvalidInput, NotFound
from llamp_mcp.provenance import LineageStep
from llamp_mcp.structures.export_structure import (
    TEXT_SHOWN,
    ExportStructureParams,
    ExportStructureResult,
    export_structure,
)
from llamp_mcp.structures.formats import read_structure
from llamp_mcp.structures.identity import structure_id
from tests.structures.conftest import copper, silicon

if TYPE_CHECKING:
    from llamp_mcp.settings import Settings
    from llamp_mcp.structures.store import StructureStore

ORIGIN = LineageStep(action="create_structure")


@pytest.fixture
def handle(store: StructureStore) -> str:
    return store.put(silicon(), ORIGIN)


def export(
    store: StructureStore, settings: Settings, handle: str, **arguments: Any
) -> ExportStructureResult:
    params = ExportStructureParams(structure_id=handle, **arguments)
    return export_structure(params, structures=store, settings=settings)


def test_the_text_reads_back_as_the_same_structure(
    store: StructureStore, settings: Settings, handle: str
) -> None:
    result = export(store, settings, handle, format="poscar")
    assert structure_id(read_structure(result.contents, "poscar")) == handle
    assert result.contents in result.text()
    assert result.model_dump(by_alias=True)["text"] == result.contents
    assert (result.truncated, list(result.links())) == (False, [])


def test_a_file_is_written_into_the_workspace(
    store: StructureStore, settings: Settings, handle: str
) -> None:
    result = export(store, settings, handle, format="json", path="new/si.json")
    assert result.path == str(settings.workspace_path.resolve() / "new" / "si.json")
    assert structure_id(read_structure(Path(result.path).read_text(), "json")) == handle
    assert result.contents == ""
    assert result.path in result.text()


def test_an_existing_file_is_replaced_only_on_request(
    store: StructureStore, settings: Settings, handle: str
) -> None:
    path = settings.workspace_path / "si.cif"
    path.write_text("precious")
    with pytest.raises(InvalidInput, match=r"was not changed.*overwrite=true"):
        export(store, settings, handle, path="si.cif")
    assert path.read_text() == "precious"
    export(store, settings, handle, path="si.cif", overwrite=True)
    assert "data_Si" in path.read_text()


def test_a_long_text_is_cut_and_linked(store: StructureStore, settings: Settings) -> None:
    large = store.put(copper() * (6, 6, 6), ORIGIN)
    result = export(store, settings, large, format="cif")
    assert result.truncated
    assert len(result.contents) == TEXT_SHOWN < result.n_characters
    assert [link.uri for link in result.links()] == [f"structure://{large}.cif"]
    assert str(result.n_characters) in result.text()
    assert any("path=" in note for note in result.notes)


def test_a_long_xyz_has_no_resource_and_is_not_linked(
    store: StructureStore, settings: Settings
) -> None:
    large = store.put(copper() * (6, 6, 6), ORIGIN)
    result = export(store, settings, large, format="xyz")
    assert result.truncated
    assert list(result.links()) == []


def test_a_symmetrised_cif_is_not_the_resource_and_not_linked(
    store: StructureStore, settings: Settings
) -> None:
    handle = store.put(copper(), ORIGIN)
    result = export(store, settings, handle, format="cif", symprec_a=0.01)
    assert "Fm-3m (225), found within 0.01 Å" in result.text()
    cut = result.model_copy(update={"truncated": True})
    assert list(cut.links()) == []
    assert list(cut.model_copy(update={"symprec_a": 0}).links()) != []


@pytest.mark.parametrize(("fmt", "said"), [("qe", "PSEUDOPOTENTIAL_OF_Si"), ("lammps", "1 = Si")])
def test_inputs_of_codes_say_what_is_missing_or_chosen(
    store: StructureStore, settings: Settings, handle: str, fmt: str, said: str
) -> None:
    result = export(store, settings, handle, format=fmt)
    assert said in result.text()
    assert result.contents in result.text()


def test_what_xyz_does_not_hold_is_noted(
    store: StructureStore, settings: Settings, handle: str
) -> None:
    assert "no cell" in export(store, settings, handle, format="xyz").text()


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("../si.cif", "outside the workspace"),
        ("/tmp/si.cif", "outside the workspace"),
        ("folder", "is a directory"),
    ],
)
def test_a_path_that_cannot_be_written_to_is_explained(
    store: StructureStore, settings: Settings, handle: str, path: str, said: str
) -> None:
    (settings.workspace_path / "folder").mkdir()
    with pytest.raises(InvalidInput, match=said):
        export(store, settings, handle, path=path)


def test_a_file_in_the_way_of_a_folder_is_explained(
    store: StructureStore, settings: Settings, handle: str
) -> None:
    (settings.workspace_path / "a").write_text("")
    with pytest.raises(HomeError, match="Cannot write"):
        export(store, settings, handle, path="a/si.cif")


def test_a_full_disk_leaves_the_old_file_and_no_other(
    store: StructureStore, settings: Settings, handle: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = settings.workspace_path / "si.cif"
    path.write_text("precious")

    def full(self: Path, *_: object, **__: object) -> int:
        self.touch()
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_text", full)
    with pytest.raises(HomeError, match="no space is left"):
        export(store, settings, handle, path="si.cif", overwrite=True)
    assert path.read_text() == "precious"
    assert [entry.name for entry in settings.workspace_path.iterdir()] == ["si.cif"]


def test_an_unknown_structure_is_explained(store: StructureStore, settings: Settings) -> None:
    with pytest.raises(NotFound, match="'s-0' is not a structure id"):
        export(store, settings, "s-0")
