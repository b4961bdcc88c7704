"""What the interactive views read of the server."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from ase.build import bulk
from ase.io import write
from mcp.shared.exceptions import MCPError

if TYPE_CHECKING:
    from tests.conftest import Driver

pytestmark = pytest.mark.anyio


async def read(server: Driver, uri: str) -> dict[str, Any]:
    found = await server.client.read_resource(uri)
    (content,) = found.contents
    assert content.mime_type == "application/json"
    data: dict[str, Any] = json.loads(content.text)  # type: ignore[union-attr]
    return data


async def test_a_structure_has_a_geometry(server: Driver) -> None:
    made = await server.call("get_structure", material="Si", cell="conventional")
    data = await read(server, f"structure://{made['structure_id']}/geometry")
    assert data["structure_id"] == made["structure_id"]
    assert data["n_atoms"] == made["n_atoms"] == 8
    for site in made["sites"]:
        assert np.allclose(data["frac_coords"][site["index"]], site["frac_coords"], atol=1e-5)


async def test_a_structure_that_does_not_exist_is_said_to(server: Driver) -> None:
    with pytest.raises(MCPError, match="s-0000000000000000"):
        await read(server, "structure://s-0000000000000000/geometry")


async def test_a_job_of_molecular_dynamics_has_frames(server: Driver) -> None:
    cell = {"kind": "bulk", "name": "Cu", "crystal": "fcc", "a": 3.6, "cubic": True}
    made = await server.call("create_structure", prototype=cell)
    job = await server.done(
        "run_md", structure_id=made["structure_id"], calculator="emt", steps=20, sample_every=5
    )
    data = await read(server, f"job://{job['job_id']}/frames")
    assert data["source"] == {"job_id": job["job_id"], "state": "completed"}
    assert data["steps"] == data["frame_numbers"] or data["steps"] == [0, 5, 10, 15, 20]
    assert len(data["temperature_k"]) == 5


async def test_a_file_of_the_workspace_has_frames_under_its_name(server: Driver) -> None:
    server.services.settings.open_home()
    folder = server.services.settings.workspace_path / "runs at 300 K"
    folder.mkdir(parents=True)
    write(folder / "melt.extxyz", [bulk("Cu", cubic=True) for _ in range(3)])
    data = await read(server, "trajectory://runs%20at%20300%20K/melt.extxyz")
    assert data["source"] == {"path": "runs at 300 K/melt.extxyz"}
    assert data["frame_numbers"] == [0, 1, 2]
    assert data["times_ps"] is None


@pytest.mark.parametrize("path", ["../secret.traj", "..%2Fsecret.traj", "/etc/secret.traj"])
async def test_a_file_outside_the_workspace_has_none(server: Driver, path: str) -> None:
    server.services.settings.open_home()
    with pytest.raises(MCPError, match="outside the workspace"):
        await read(server, f"trajectory://{path}")
