from __future__ import annotations

import numpy as np
import pytest
from ase import Atoms
from ase.geometry.rdf import get_rdf
from hypothesis import given, settings
from hypothesis import strategies as st

from llamp_mcp.errors import InvalidInput
from llamp_mcp.simulation.trajectories import coordination, rdf
from llamp_mcp.simulation.trajectories.block import Undetermined
from llamp_mcp.simulation.trajectories.neighbours import Sample
from tests.simulation.trajectories.conftest import asked, fcc, trajectory

TRICLINIC = np.array([[10.0, 0, 0], [3.0, 9.0, 0], [-2.0, 1.0, 11.0]])


def rattled(atoms, width, frames, seed=0):
    rng = np.random.default_rng(seed)
    positions = atoms.positions + width * rng.normal(size=(frames, len(atoms), 3))
    return trajectory(positions, cell=atoms.cell.array, symbols=atoms.get_chemical_symbols())


@pytest.mark.parametrize("cell", [np.eye(3) * 10, TRICLINIC])
def test_ideal_gas_is_one_at_all_distances_in_any_cell(cell):
    rng = np.random.default_rng(1)
    gas = trajectory(rng.uniform(size=(60, 40, 3)) @ cell, cell=cell)
    found = rdf.distribution(gas, "Cu", "Cu", float(gas.widths_a.min()) / 2)
    coarse = found.counts.sum(axis=1).mean() / (
        39 / gas.volumes_a3[0] * 4 / 3 * np.pi * (found.r_a[-1] + rdf.BIN_A / 2) ** 3
    )

    assert coarse == pytest.approx(1, abs=0.02)
    assert found.smooth[found.r_a > 2].mean() == pytest.approx(1, abs=0.02)
    assert found.shell.peak_a is None, "noise is no shell"


def test_perfect_fcc_has_twelve_neighbours_and_a_hot_one_keeps_them():
    for width in (0.001, 0.08):
        hot = rattled(fcc(), width, 20)
        row = rdf.block(hot, asked()).values["pairs"]["Cu-Cu"]

        assert row["coordination_number"] == pytest.approx(12, abs=0.02)
        assert row["first_peak_a"] == pytest.approx(3.6 / np.sqrt(2), abs=0.03)
        assert 2.6 < row["first_minimum_a"] < 3.6


def test_values_are_those_of_ase_but_for_its_self_pairs():
    """ASE counts N partners of N atoms, we N - 1."""
    atoms = Atoms("Li20O20", positions=np.random.default_rng(2).uniform(size=(40, 3)) @ TRICLINIC)
    atoms.set_cell(TRICLINIC)
    atoms.pbc = True
    one = trajectory([atoms.positions], cell=TRICLINIC, symbols=atoms.get_chemical_symbols())
    for pair, factor in (("Li-O", 1.0), ("Li-Li", 20 / 19)):
        ours = rdf.distribution(one, pair[:2], pair[3:], 4.0)
        theirs, at = get_rdf(atoms, 4.0, len(ours.r_a), elements=pair.split("-"))

        assert at == pytest.approx(ours.r_a)
        assert theirs * factor == pytest.approx(ours.g, abs=0.02 * ours.g.max())


@settings(deadline=None, max_examples=15)
@given(st.integers(0, 999), st.floats(2.0, 12.0))
def test_distances_are_those_to_every_image_by_brute_force(seed, cutoff):
    rng = np.random.default_rng(seed)
    cell = np.eye(3) * 5 + rng.uniform(-1.5, 1.5, size=(3, 3))
    points = rng.uniform(size=(3, 3)) @ cell
    few = trajectory([points], cell=cell)
    (table,) = Sample(few, np.arange(3), np.arange(3), cutoff)
    reach = range(-8, 9)
    shifts = np.array([[i, j, k] for i in reach for j in reach for k in reach]) @ cell
    brute = np.linalg.norm(points[None, :, None] + shifts - points[:, None, None], axis=-1)
    brute = np.sort(brute[(brute < cutoff) & (brute > 1e-9)])

    assert np.sort(table[np.isfinite(table)]) == pytest.approx(brute)


def test_cutoff_beyond_half_the_cell_is_refused_with_the_largest_allowed():
    with pytest.raises(InvalidInput, match=r"at most 5\.400 Å"):
        rdf.block(rattled(fcc(), 0.05, 4), asked(cutoff_a=6))


def test_pair_is_checked():
    hot = rattled(fcc(), 0.05, 4)
    with pytest.raises(InvalidInput, match="is no pair"):
        rdf.block(hot, asked(pair="CuCu"))
    with pytest.raises(InvalidInput, match="no 'Au' in this"):
        rdf.block(hot, asked(pair="Cu-Au"))


def test_cluster_has_no_density_to_compare_with():
    cluster = trajectory(np.zeros((20, 4, 3)), pbc=False)
    with pytest.raises(Undetermined, match="not periodic"):
        rdf.block(cluster, asked())


def test_coordination_of_rock_salt_is_six_both_ways_even_in_its_small_cell():
    from ase.build import bulk

    salt = bulk("NaCl", "rocksalt", a=5.64, cubic=True)
    pairs = coordination.block(rattled(salt, 0.05, 10), asked(pair="Na-Cl")).values["pairs"]

    assert {name: row["mean"] for name, row in pairs.items()} == pytest.approx(
        {"Cl around Na": 6, "Na around Cl": 6}
    )
    assert pairs["Cl around Na"]["share_percent"] == {"6": 100}


def test_coordination_counts_within_the_cutoff_given():
    hot = rattled(fcc(), 0.02, 10)
    row = coordination.block(hot, asked(cutoff_a=3.9)).values["pairs"]["Cu around Cu"]

    assert (row["mean"], row["std_over_atoms"]) == (18, 0), "12 and then 6"
    assert any(
        "18: 100 %" in line
        for line in coordination.text({"cutoff": "given", "pairs": {"Cu around Cu": row}})
    )


def test_work_is_bounded_by_looking_from_some_atoms_and_it_is_said(monkeypatch):
    monkeypatch.setattr("llamp_mcp.simulation.trajectories.neighbours.PAIRS_PER_CALL", 50_000)
    row = rdf.block(rattled(fcc(), 0.05, 60), asked()).values["pairs"]["Cu-Cu"]

    assert row["sample"] == "40 frames, 11 central atoms"
    assert row["coordination_number"] == pytest.approx(12, abs=0.05)
