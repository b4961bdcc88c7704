"""Files: only of the workspace, only regular ones, only so large, and nothing in them runs."""

from __future__ import annotations

import json
import os
import pickle
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import anyio
import numpy as np
import pytest
from ase import Atoms
from ase.io import write
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from llamp_mcp.errors import InvalidInput
from llamp_mcp.settings import resolve_in_workspace
from llamp_mcp.simulation.trajectories.files import open_frames
from llamp_mcp.simulation.trajectories.reading import read_trajectory
from llamp_mcp.structures import workspace as workspace_module
from llamp_mcp.structures.formats import MAX_BYTES, READ, parse
from llamp_mcp.structures.workspace import open_in_workspace

if TYPE_CHECKING:
    from tests.conftest import Driver

pytestmark = pytest.mark.anyio

CIF = "data_x\n_cell_length_a 3\n_cell_length_b 3\n_cell_length_c 3\n_cell_angle_alpha 90\n\
_cell_angle_beta 90\n_cell_angle_gamma 90\nloop_\n_atom_site_label\n_atom_site_fract_x\n\
_atom_site_fract_y\n_atom_site_fract_z\nCu 0 0 0\n"
POSCAR = "Cu\n1.0\n3 0 0\n0 3 0\n0 0 3\nCu\n1\nDirect\n0 0 0\n"
EXTXYZ = '1\nLattice="3 0 0 0 3 0 0 0 3" Properties=species:S:1:pos:R:3\nCu 0 0 0\n'
JSON = (
    '{"lattice": {"matrix": [[3,0,0],[0,3,0],[0,0,3]]}, "sites": [{"species": '
    '[{"element": "Cu", "occu": 1}], "abc": [0, 0, 0]}]}'
)
TEXTS = {"cif": CIF, "poscar": POSCAR, "extxyz": EXTXYZ, "json": JSON}
XDATCAR = "Cu\n1.0\n3 0 0\n0 3 0\n0 0 3\nCu\n1\nDirect configuration=     1\n0 0 0\n"
OUTSIDE = ("../si.cif", "a/../../si.cif", "/etc/passwd", "link/si.cif", "file.cif", "~/si.cif")
ODD = (".", "", "nothing.cif", "x" * 300 + ".cif", "a\0.cif", "~nobody/si.cif", "folder.cif")


@pytest.fixture
def folder(server: Driver) -> Path:
    """The workspace, with links out of it, a pipe and a directory; and a file beside it."""
    workspace = server.services.settings.workspace_path
    workspace.mkdir(parents=True)
    (workspace.parent / "si.cif").write_text(CIF)
    (workspace / "link").symlink_to(workspace.parent)
    (workspace / "file.cif").symlink_to(workspace.parent / "si.cif")
    (workspace / "device.cif").symlink_to("/dev/zero")
    (workspace / "folder.cif").mkdir()
    for name in ("pipe.cif", "pipe.traj", "pipe.extxyz", "XDATCAR"):
        os.mkfifo(workspace / name)
    return workspace


@pytest.mark.parametrize("name", [*OUTSIDE, "device.cif"])
async def test_nothing_outside_of_the_workspace_is_read_or_written(
    server: Driver, folder: Path, name: str
) -> None:
    made = await server.call("create_structure", text=CIF, format="cif")
    handle = made["structure_id"]
    before = (folder.parent / "si.cif").read_text()
    for tool, arguments in (
        ("create_structure", {"path": name, "format": "cif"}),
        ("analyze_trajectory", {"path": name, "what": ["rdf"]}),
        ("export_structure", {"structure_id": handle, "path": name, "overwrite": True}),
    ):
        text = await server.error(tool, **arguments)
        assert "outside the workspace" in text, text
    assert (folder.parent / "si.cif").read_text() == before


@pytest.mark.parametrize("name", [*ODD, "pipe.cif", "pipe.traj", "pipe.extxyz", "XDATCAR"])
async def test_what_is_no_file_is_refused_at_once(server: Driver, folder: Path, name: str) -> None:
    with anyio.fail_after(30):
        for tool, arguments in (
            ("create_structure", {"path": name, "format": "cif"}),
            ("analyze_trajectory", {"path": name, "what": ["rdf"]}),
        ):
            text = await server.error(tool, **arguments)
            assert not text.endswith(tool), text  # then it would be a bug of ours


async def test_a_pipe_is_not_written_into(server: Driver, folder: Path) -> None:
    made = await server.call("create_structure", text=CIF, format="cif")
    arguments = {"structure_id": made["structure_id"], "path": "pipe.cif"}
    with anyio.fail_after(30):
        assert "exists" in await server.error("export_structure", **arguments)


async def test_a_huge_file_is_not_read(server: Driver, folder: Path) -> None:
    with (folder / "huge.cif").open("wb") as file:
        file.truncate(2**40)
    with (folder / "huge.extxyz").open("wb") as file:
        file.truncate(2**40)
    with anyio.fail_after(30):
        text = await server.error("create_structure", path="huge.cif")
        assert str(MAX_BYTES) in text
        assert "MB" in await server.error("analyze_trajectory", path="huge.extxyz", what=["rdf"])


def test_a_link_that_appears_after_the_check_is_not_followed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace, secret = tmp_path / "workspace", tmp_path / "secret"
    for place in (workspace / "a", secret):
        place.mkdir(parents=True)
        (place / "x.cif").write_text(place.name)
    with open_in_workspace(workspace, "a/x.cif") as file:
        assert file.read() == b"a"

    resolve = resolve_in_workspace

    def swapped(root: Path, name: str) -> Path:
        found = resolve(root, name)
        (workspace / "a").rename(workspace / "b")
        (workspace / "a").symlink_to(secret)
        return found

    monkeypatch.setattr(workspace_module, "resolve_in_workspace", swapped)
    with pytest.raises(InvalidInput, match="cannot be read"):
        open_in_workspace(workspace, "a/x.cif")


class Burglar:
    """What a pickle runs when it is read."""

    def __reduce__(self) -> tuple[Any, ...]:
        return (os.mkdir, (str(Path("burgled").resolve()),))


@pytest.mark.parametrize("name", ["x.traj", "x.extxyz", "XDATCAR", "x.npz", "x.pkl", "x.cif"])
async def test_nothing_in_a_file_is_run(
    server: Driver, folder: Path, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    path = folder / name
    if path.exists():
        path.unlink()
    for data in (pickle.dumps(Burglar()), b"- of Ulm" + pickle.dumps(Burglar())):
        path.write_bytes(data)
        await server.error("analyze_trajectory", path=name, what=["rdf"])
        await server.error("create_structure", path=name, format="cif")
    np.savez(tmp_path / "made.npz", a=np.array([Burglar()], dtype=object))
    path.write_bytes((tmp_path / "made.npz").read_bytes())
    await server.error("analyze_trajectory", path=name, what=["rdf"])
    assert not (tmp_path / "burgled").exists()


async def test_json_imports_nothing_that_it_names(server: Driver) -> None:
    for module in ("os", "subprocess", "llamp_mcp.settings", "pymatgen.io.vasp"):
        foreign: dict[str, Any] = {
            "@module": module,
            "@class": "system",
            "lattice": {},
            "sites": [],
        }
        text = await server.error("create_structure", text=json.dumps(foreign), format="json")
        assert module in text


@pytest.mark.parametrize(
    ("fmt", "bomb"),
    [
        ("poscar", "Cu\n1.0\n3 0 0\n0 3 0\n0 0 3\nCu\n999999999\nDirect\n0 0 0\n"),
        ("extxyz", '999999999\nLattice="3 0 0 0 3 0 0 0 3"\nCu 0 0 0\n'),
        ("extxyz", '1\nLattice="3 0 0 0 3 0 0 0 3" Properties=species:S:1:pos:R:999999999\nCu 0\n'),
        ("cif", CIF + "".join(f"Cu {n / 1e6} 0 0\n" for n in range(2_000))),
        ("cif", CIF.replace("90", "1e-300")),
        ("json", "[" * 100_000),
        ("json", '{"lattice": ' + "[" * 100_000),
    ],
)
def test_a_text_that_asks_for_too_much_is_refused(fmt: str, bomb: str) -> None:
    with pytest.raises(InvalidInput):
        parse(bomb, fmt)


@pytest.mark.parametrize(
    ("name", "bomb"),
    [
        ("x.extxyz", b"999999999999\n\nCu 0 0 0\n"),
        ("x.extxyz", b"9" * 5_000 + b"\n\n"),
        ("XDATCAR", XDATCAR.replace("\n1\n", "\n999999999999\n").encode()),
        ("x.traj", b"- of UlmASE-Trajectory  " + np.array([3, 2**40, 48, 0], "<i8").tobytes()),
    ],
)
def test_a_trajectory_that_asks_for_too_much_is_refused(
    name: str, bomb: bytes, tmp_path: Path
) -> None:
    path = tmp_path / name
    path.write_bytes(bomb)
    with pytest.raises(InvalidInput):
        open_frames(path)


FUZZED = settings(
    max_examples=int(os.environ.get("LLAMP_FUZZ_EXAMPLES", "60")),
    derandomize="LLAMP_FUZZ_EXAMPLES" not in os.environ,
    database=None,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
CHANGES = st.lists(
    st.tuples(st.integers(0, 10_000), st.integers(0, 6), st.binary(max_size=4)),
    min_size=1,
    max_size=4,
)


def damaged(data: bytes, changes: list[tuple[int, int, bytes]]) -> bytes:
    """The data with some of its bytes replaced, removed or added."""
    for place, removed, put in changes:
        at = place % len(data)
        data = data[:at] + put + data[at + removed :] or b"?"
    return data


@pytest.mark.parametrize("fmt", TEXTS)
@FUZZED
@given(changes=CHANGES)
def test_a_damaged_structure_is_read_or_refused(
    fmt: str, changes: list[tuple[int, int, bytes]]
) -> None:
    text = damaged(TEXTS[fmt].encode(), changes).decode("utf-8", "replace")
    for format_said in (fmt, *READ):
        try:
            structure = parse(text, format_said).structure
        except InvalidInput:
            continue
        assert len(structure)


@pytest.fixture(scope="module")
def trajectories(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("trajectories")
    frames = [Atoms("Cu2", [[0, 0, 0], [0, 0, 2 + n]], cell=[9] * 3, pbc=True) for n in range(3)]
    for name in ("x.traj", "x.extxyz"):
        write(made / name, frames)
    (made / "XDATCAR").write_text(XDATCAR * 3)
    return made


@pytest.mark.parametrize("name", ["x.traj", "x.extxyz", "XDATCAR"])
@FUZZED
@given(changes=CHANGES)
def test_a_damaged_trajectory_is_read_or_refused(
    trajectories: Path, name: str, changes: list[tuple[int, int, bytes]]
) -> None:
    path = trajectories / f"damaged-{threading.get_ident()}-{name}"
    path.write_bytes(damaged((trajectories / name).read_bytes(), changes))
    try:
        read = read_trajectory(path, clock=lambda _: None, skip_ps=0, continuous=False)
    except InvalidInput:
        return
    assert len(read.trajectory)
