from __future__ import annotations

import numpy as np
import pytest
from ase.units import kJ, mol
from pymatgen.core import Lattice, Structure

from llamp_mcp.errors import SimulationError
from llamp_mcp.simulation.atoms import to_atoms
from llamp_mcp.simulation.calculators import Calculators
from llamp_mcp.simulation.force_field import ForceField
from llamp_mcp.simulation.lattice import quasi_harmonic, vibrations
from llamp_mcp.simulation.lattice.parts import TIGHT
from llamp_mcp.simulation.lattice.standard import standard_cell, to_structure
from llamp_mcp.simulation.workers.monitor import Monitor
from llamp_mcp.units import EV_PER_A3_IN_GPA


@pytest.fixture
def volumes(settings, tmp_path, monkeypatch):
    monkeypatch.setattr(vibrations, "MESH_LENGTH_A", 40)
    monkeypatch.setattr(quasi_harmonic, "MESH_LENGTH_A", 40)

    def volumes(structure, calculator, strains, repeats):
        monitor = Monitor("j-test", tmp_path)
        field = ForceField(Calculators(settings), calculator, [structure], 200)
        found = field.find("relaxation", structure, monitor, TIGHT)
        cell = standard_cell(to_atoms(found.structure))
        relaxed = to_structure(cell.primitive)
        return quasi_harmonic.at_volumes(relaxed, strains, repeats, field, monitor)

    return volumes


def argon() -> Structure:
    lattice = Lattice.cubic(5.25)
    return Structure.from_spacegroup("Fm-3m", lattice, ["Ar"], [[0, 0, 0]])


def test_expansion_is_the_pressure_of_the_entropy(volumes):
    """Maxwell: alpha B = (dS/dV) at constant T, with entropies of the phonons at each volume.

    And Grüneisen: alpha = gamma Cv / (B V), where gamma is minus the mean of d ln(frequency) over
    d ln(V) that the heat capacity weighs; here from frequencies of three volumes.
    """
    found = volumes(argon(), "lj", np.linspace(-0.01, 0.035, 7), [1, 1, 1])
    curves = quasi_harmonic.expansion(found, 50)
    kelvin = 30.0
    at = {name: float(curves.at(name, kelvin)) for name in curves._fields[1:7]}
    per_ev = kJ / mol / 1000  # phonopy's entropies are J/(K mol)
    entropies = [one.lattice.thermal([kelvin]).entropy[0] * per_ev for one in found]
    sizes = [one.found.structure.volume for one in found]
    slope = np.polyval(np.polyder(np.polyfit(sizes, entropies, 3)), at["volume_a3"])

    pressure = at["expansion_per_k"] * at["bulk_modulus_gpa"] / EV_PER_A3_IN_GPA
    assert pressure == pytest.approx(slope, rel=0.01)

    capacities = [one.lattice.thermal([kelvin]).heat_capacity[0] * per_ev for one in found]
    capacity = np.polyval(np.polyfit(sizes, capacities, 3), at["volume_a3"])
    gamma = pressure * at["volume_a3"] / capacity
    assert at["gruneisen"] == pytest.approx(gamma, rel=0.01)
    assert at["capacity_ev_per_k"] == pytest.approx(
        capacity + kelvin * at["volume_a3"] * pressure * at["expansion_per_k"], rel=0.01
    ), "Cp - Cv = T V alpha² B"


def test_gibbs_energy_gives_back_the_heat_capacity(volumes):
    """Identity: Cp = -T d²G/dT²."""
    found = volumes(argon(), "lj", np.linspace(-0.01, 0.035, 7), [1, 1, 1])
    curves = quasi_harmonic.expansion(found, 50)
    step, kelvin = 2.0, 30.0
    low, here, high = (float(curves.at("gibbs_ev", kelvin + d)) for d in (-step, 0, step))

    capacity = -kelvin * (low - 2 * here + high) / step**2
    assert float(curves.at("capacity_ev_per_k", kelvin)) == pytest.approx(capacity, rel=0.02)


def test_shape_is_relaxed_at_each_volume_and_axes_expand_apart(volumes):
    """Hexagonal copper: under its own pressure only, and a, b, c make up the volume's expansion."""
    hcp = Structure(
        Lattice.hexagonal(2.55, 4.16), ["Cu", "Cu"], [[1 / 3, 2 / 3, 1 / 4], [2 / 3, 1 / 3, 3 / 4]]
    )
    found = volumes(hcp, "emt", np.linspace(-0.01, 0.03, 5), [2, 2, 1])
    for one in found:
        diagonal, shear = one.found.stress_gpa[:3], one.found.stress_gpa[3:]
        assert max(diagonal) - min(diagonal) < 0.003
        assert max(map(abs, shear)) < 0.003
    curves = quasi_harmonic.expansion(found, 300)
    axial = curves.at("axial_per_k", 200)

    assert axial[0] == pytest.approx(axial[1], rel=1e-6)
    assert sum(axial) == pytest.approx(float(curves.at("expansion_per_k", 200)), rel=0.02)


def test_volumes_with_imaginary_modes_have_no_free_energy(volumes):
    bcc = Structure(Lattice.cubic(2.87), ["Cu", "Cu"], [[0.0, 0.0, 0.0], [0.5, 0.5, 0.5]])
    found = volumes(bcc, "emt", np.linspace(-0.01, 0.01, 5), [2, 2, 2])

    with pytest.raises(SimulationError, match="Only 0 of 5 volumes have no imaginary modes"):
        quasi_harmonic.stable(found)


def test_temperatures_beyond_the_volumes_are_cut_off(volumes):
    found = volumes(argon(), "lj", np.linspace(-0.01, 0.02, 5), [1, 1, 1])
    curves = quasi_harmonic.expansion(found, 200)

    assert curves.temperatures_k[-1] < 100
    assert curves.volume_a3[-1] <= found[-1].found.structure.volume


def test_volumes_that_even_zero_point_vibrations_leave_are_refused(volumes):
    compressed = volumes(argon(), "lj", np.linspace(-0.03, -0.01, 5), [1, 1, 1])

    with pytest.raises(SimulationError, match="zero-point"):
        quasi_harmonic.expansion(compressed, 200)
