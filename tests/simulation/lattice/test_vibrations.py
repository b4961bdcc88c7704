from __future__ import annotations

import numpy as np
import phonopy
import pytest
from ase import Atoms
from ase.build import bulk
from ase.calculators.emt import EMT
from ase.calculators.lj import LennardJones
from ase.phonons import Phonons
from ase.units import _amu, _e, kB
from pymatgen.core import Lattice, Structure

from llamp_mcp.simulation.calculators import ARGON_EPSILON_EV, ARGON_SIGMA_A, Calculators
from tests.simulation.conftest import copper, loads_force_field, silicon

GAS_CONSTANT = 8.31446261815324
"""J/(K mol): exact, of the 2019 SI (doi 10.1088/1681-7575/aa950a)."""
PLANCK_EV_S = 4.135667696923859e-15
"""Exact likewise, eV s."""


def argon(a: float = 5.25) -> Structure:
    return Structure.from_spacegroup("Fm-3m", Lattice.cubic(a), ["Ar"], [[0, 0, 0]])


def ase_frequencies_thz(atoms, calculator, directory) -> np.ndarray:
    """At Γ of a cell, by ASE's own displacements: all modes that a cell of this size holds."""
    phonons = Phonons(atoms, calculator, supercell=(1, 1, 1), delta=0.01, name=str(directory))
    phonons.run()
    phonons.read(acoustic=True)
    energies = np.real(phonons.band_structure([[0, 0, 0]], verbose=False)[0])
    found: np.ndarray = np.sort(energies / PLANCK_EV_S / 1e12)
    return found


def test_copper_equals_ases_own_phonons(phonons, structures, tmp_path):
    """Oracle: ase.phonons of the conventional cell, whose Γ holds Γ and the three X."""
    result = phonons(copper(), supercell=[1, 1, 1])
    a = structures.get(result.structure_id).volume ** (1 / 3) * 4 ** (1 / 3)
    oracle = ase_frequencies_thz(bulk("Cu", a=a, cubic=True), EMT(), tmp_path / "ase")
    ours = np.sort(3 * result.frequencies_thz["X"] + result.frequencies_thz["GAMMA"])

    assert ours == pytest.approx(oracle, abs=0.02)
    assert ours[3:] == pytest.approx(oracle[3:], rel=2e-3)


@loads_force_field
def test_silicon_equals_ases_own_phonons_at_x(phonons, settings, structures, tmp_path):
    """Oracle: ase.phonons with the trained MACE in double precision."""
    result = phonons(silicon(), calculator="si-mace", supercell=[1, 1, 1])
    a = structures.get(result.structure_id).volume ** (1 / 3) * 4 ** (1 / 3)
    loaded = Calculators(settings).load("si-mace", ["Si"], dtype="float64").calculator
    oracle = ase_frequencies_thz(bulk("Si", a=a, cubic=True), loaded, tmp_path / "ase")
    ours = np.sort(3 * result.frequencies_thz["X"] + result.frequencies_thz["GAMMA"])

    assert ours[3:] == pytest.approx(oracle[3:], rel=5e-3)


def test_argon_at_x_equals_the_sum_over_its_pairs(phonons, structures):
    """Analytic: D = sum over neighbours of the pair's second derivatives times 1 - cos(q R).

    The potential is ASE's own, of two atoms; the wave is one that the supercell holds, so that
    its size does not matter.
    """
    result = phonons(argon(), calculator="lj", supercell=[2, 2, 2])
    a = structures.get(result.structure_id).volume ** (1 / 3) * 4 ** (1 / 3)
    lennard_jones = LennardJones(
        epsilon=ARGON_EPSILON_EV, sigma=ARGON_SIGMA_A, rc=3 * ARGON_SIGMA_A, smooth=True
    )

    def pair(r: float) -> float:
        dimer = Atoms("Ar2", positions=[[0, 0, 0], [r, 0, 0]], calculator=lennard_jones)
        return float(dimer.get_potential_energy())

    dynamical, h = np.zeros((3, 3)), 1e-3
    steps = range(-4, 5)
    for i, j, k in ((i, j, k) for i in steps for j in steps for k in steps):
        vector = a / 2 * np.array([i, j, k])
        r = float(np.linalg.norm(vector))
        if (i + j + k) % 2 or not 0 < r < 3 * ARGON_SIGMA_A - 2 * h:
            continue
        first = (pair(r + h) - pair(r - h)) / (2 * h)
        second = (pair(r + h) - 2 * pair(r) + pair(r - h)) / h**2
        along = np.outer(vector, vector) / r**2
        force_constants = second * along + first / r * (np.eye(3) - along)
        dynamical += force_constants * (1 - np.cos(2 * np.pi / a * vector[2]))
    mass = bulk("Ar", "fcc", a=a).get_masses()[0]
    squares = np.linalg.eigvalsh(dynamical) / mass * _e / _amu * 1e20
    oracle = np.sqrt(squares) / (2 * np.pi) / 1e12

    assert result.frequencies_thz["X"] == pytest.approx(oracle, rel=2e-3)


def test_thermal_properties_obey_thermodynamics(phonons):
    """Identities: S = -dF/dT, C = T dS/dT, Dulong and Petit's 3R, no entropy and ZPE at 0 K."""
    result = phonons(copper(), supercell=[2, 2, 2], temperatures_k=[0, 299, 300, 301, 5000])
    cold, before, here, after, hot = result.thermal

    def rows(name: str) -> tuple[float, float, float]:
        return before[name], here[name], after[name]

    f0, _, f2 = rows("free_energy_kj_per_mol")
    s0, s1, s2 = rows("entropy_j_per_k_mol")
    assert -1000 * (f2 - f0) / 2 == pytest.approx(s1, rel=1e-4)
    assert 300 * (s2 - s0) / 2 == pytest.approx(here["heat_capacity_j_per_k_mol"], rel=1e-4)
    assert hot["heat_capacity_j_per_k_mol"] == pytest.approx(3 * GAS_CONSTANT, rel=1e-3)
    assert cold["heat_capacity_j_per_k_mol"] == 0
    assert cold["entropy_j_per_k_mol"] == 0
    avogadro_kb_per_kj = GAS_CONSTANT / kB / 1000
    assert cold["free_energy_kj_per_mol"] == pytest.approx(
        result.zero_point_energy_ev_per_atom * avogadro_kb_per_kj, rel=1e-3
    )
    assert result.thermal_per == "Cu (1 atoms)"


def test_larger_supercells_converge(phonons):
    """Waves that both hold are the same to 1 % once forces do not reach around the cell."""
    found = [
        phonons(argon(), str(n), calculator="lj", supercell=[n, n, n]).frequencies_thz["L"]
        for n in (2, 3)
    ]

    assert found[0] == pytest.approx(found[1], rel=0.01)


def test_thermal_properties_are_those_of_plancks_oscillators(phonons):
    """Oracle: the same force constants, sampled by hand on another grid, and Planck's formulas."""
    result = phonons(copper(), supercell=[2, 2, 2], temperatures_k=[300], mesh_length_a=100)
    (row,) = result.thermal
    read = phonopy.load(result.phonopy_file, log_level=0)
    steps = (np.arange(12) + 0.5) / 12
    grid = np.stack(np.meshgrid(steps, steps, steps), axis=-1).reshape(-1, 3)
    quanta = read.run_qpoints(grid).frequencies * 1e12 * PLANCK_EV_S
    x = quanta / (kB * 300)
    per_mole = GAS_CONSTANT / kB * 3
    free = (quanta / 2 + kB * 300 * np.log(-np.expm1(-x))).mean() * per_mole
    capacity = (kB * x**2 * np.exp(x) / np.expm1(x) ** 2).mean() * per_mole

    assert row["free_energy_kj_per_mol"] == pytest.approx(free / 1000, abs=0.01)
    assert row["heat_capacity_j_per_k_mol"] == pytest.approx(capacity, rel=1e-3)
    zero_point = result.zero_point_energy_ev_per_atom
    assert zero_point == pytest.approx(3 * quanta.mean() / 2, rel=2e-3)


def test_heat_capacity_of_a_cold_crystal_grows_with_the_cube_of_temperature(phonons):
    """Debye's law, where only long waves are excited and the mesh is still finer than they."""
    result = phonons(copper(), supercell=[2, 2, 2], temperatures_k=[8, 12], mesh_length_a=150)
    low, high = (row["heat_capacity_j_per_k_mol"] for row in result.thermal)

    assert high / low == pytest.approx((12 / 8) ** 3, rel=0.07)
