from __future__ import annotations

import numpy as np
import pytest

from llamp_mcp.simulation.trajectories import lindemann
from tests.simulation.trajectories.conftest import asked, fcc, trajectory, walk


def test_gaussian_displacements_have_the_index_they_were_made_with():
    """sqrt(3) sigma over the nearest distance; a mean of n frames takes 1/n of the variance."""
    atoms, sigma, frames = fcc(), 0.1, 200
    rng = np.random.default_rng(1)
    positions = atoms.positions + sigma * rng.normal(size=(frames, len(atoms), 3))
    block = lindemann.block(trajectory(positions, cell=atoms.cell.array), asked())
    row = block.values["species"]["Cu"]

    exact = np.sqrt(3 * (1 - 1 / frames) * (1 - 1 / len(atoms))) * sigma / (3.6 / np.sqrt(2))
    assert row["index"] == pytest.approx(exact, rel=0.01)
    assert row["meaning"].startswith("solid")
    assert f"index = {row['index']:.4f}" in "\n".join(lindemann.text(block.values))


def test_molten_atoms_leave_their_sites():
    atoms = fcc()
    positions = atoms.positions + walk(np.random.default_rng(2), 200, len(atoms), d=0.5)
    row = lindemann.block(trajectory(positions, cell=atoms.cell.array), asked()).values["species"]

    assert "leave their sites" in row["Cu"]["meaning"]


def test_cluster_is_measured_by_its_pair_distances():
    """Two atoms whose distance is normal about 3 Å: the index is its relative width."""
    rng = np.random.default_rng(3)
    positions = np.zeros((400, 2, 3))
    positions[:, 1, 0] = 3 + 0.15 * rng.normal(size=400)
    block = lindemann.block(trajectory(positions, pbc=False), asked())

    assert block.values["species"]["all"]["index"] == pytest.approx(0.05, rel=0.1)
    assert "pairs" in block.values["definition"]


def test_rotating_cluster_is_solid():
    angle = np.linspace(0, 20, 200)
    positions = np.zeros((200, 2, 3))
    positions[:, 1] = 3 * np.stack([np.cos(angle), np.sin(angle), 0 * angle], axis=1)

    block = lindemann.block(trajectory(positions, pbc=False), asked())
    assert block.values["species"]["all"]["index"] == pytest.approx(0, abs=1e-6)
