from __future__ import annotations

import numpy as np
import pytest
from ase import units
from ase.calculators.singlepoint import SinglePointCalculator

from llamp_mcp.simulation.trajectories import thermo, volume
from llamp_mcp.simulation.trajectories.block import Undetermined
from tests.simulation.trajectories.conftest import asked, fcc, trajectory

PER_PS = 1000 * units.fs


def frames_of(count=30, seed=0, moving=0.0):
    """Frames with velocities, energies and stresses, and the same as ASE atoms."""
    rng = np.random.default_rng(seed)
    atoms = fcc(2)
    images = []
    for _ in range(count):
        image = atoms.copy()
        momenta = rng.normal(size=(len(atoms), 3)) * np.sqrt(63.5 * units.kB * 300)
        image.set_momenta(momenta - momenta.mean(axis=0) + moving)
        stress = rng.normal(size=6) * 0.01
        image.calc = SinglePointCalculator(image, energy=rng.normal(), stress=stress)
        images.append(image)
    read = trajectory(
        [image.positions for image in images],
        cell=atoms.cell.array,
        velocities=np.array([image.get_velocities() for image in images]) * PER_PS,
        energies=np.array([image.get_potential_energy() for image in images]),
        stresses=np.array([image.get_stress() for image in images]),
    )
    return read, images


def test_temperature_energy_and_pressure_are_those_of_ase():
    read, images = frames_of()
    values = thermo.block(read, asked()).values
    n = len(images[0])
    pressure = [-i.get_stress(include_ideal_gas=True)[:3].mean() / units.GPa for i in images]

    kelvin = np.mean([image.get_temperature() for image in images]) * n / (n - 1)
    assert values["temperature"]["mean"] == pytest.approx(kelvin)
    assert values["degrees_of_freedom"] == 3 * n - 3
    total = np.mean([image.get_total_energy() for image in images]) / n
    assert values["total_energy"]["mean"] == pytest.approx(total)
    assert values["pressure"]["mean"] == pytest.approx(np.mean(pressure), rel=1e-6)


def test_centre_of_mass_that_moves_counts_among_the_degrees_of_freedom():
    read, images = frames_of(moving=1.0)

    assert thermo.block(read, asked()).values["degrees_of_freedom"] == 3 * len(images[0])


def test_series_that_drifts_is_said_not_to_be_equilibrated():
    rng = np.random.default_rng(1)
    energies = np.linspace(0, 5, 400) + 0.5 * rng.normal(size=400)
    read = trajectory(np.zeros((400, 2, 3)), energies=energies)
    block = thermo.block(read, asked())

    assert block.values["potential_energy"]["drift_per_ps"] == pytest.approx(5 / 39.9 / 2, rel=0.05)
    assert any("raise skip_ps" in warning for warning in block.warnings)
    assert block.values["not_in_frames"] == ["temperature", "total_energy", "pressure"]


def test_frames_without_any_of_it_are_undetermined():
    with pytest.raises(Undetermined, match="neither momenta nor energies"):
        thermo.block(trajectory(np.zeros((10, 2, 3))), asked())


def test_fixed_cell_is_told_in_one_line_and_has_no_picture():
    atoms = fcc(2)
    block = volume.block(trajectory([atoms.positions] * 10, cell=atoms.cell.array), asked())
    (line,) = volume.text(block.values)

    assert block.panels == []
    assert "the cell is fixed" in line
    assert block.values["volume"]["mean"] == pytest.approx(7.2**3)
    exact = 32 * 63.546 * 1.66053906892 / 7.2**3
    assert block.values["density"]["mean"] == pytest.approx(exact, rel=1e-4)


def test_cell_that_breathes_has_mean_error_and_lattice_parameters():
    rng = np.random.default_rng(2)
    sizes = 10 + 0.1 * rng.normal(size=(300, 3))
    cells = np.einsum("fi,ij->fij", sizes, np.eye(3))
    block = volume.block(trajectory(np.zeros((300, 2, 3)), cell=cells), asked())

    assert block.values["volume"]["mean"] == pytest.approx(sizes.prod(axis=1).mean())
    assert block.values["b"]["error"] == pytest.approx(0.1 / np.sqrt(300), rel=0.4)
    assert [panel.title for panel in block.panels] == ["Volume", "Cell lengths"]
    assert any(line.startswith("- gamma = (90 ") for line in volume.text(block.values))
