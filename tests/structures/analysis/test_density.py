from __future__ import annotations

import pytest
from ase.data import atomic_masses, atomic_numbers
from pymatgen.core import Lattice, Structure
from scipy import constants

from llamp_mcp.structures.analysis.block import Undetermined
from tests.structures.analysis.crystals import alloy, perovskite, told
from tests.structures.conftest import copper, salt, silicon


@pytest.mark.parametrize("structure", [silicon(), copper(), salt(), perovskite()])
def test_density_is_mass_over_volume(structure: Structure) -> None:
    # Masses of ASE and the atomic mass constant of CODATA, by SciPy.
    mass_u = sum(atomic_masses[atomic_numbers[site.specie.symbol]] for site in structure)
    grams = mass_u * constants.atomic_mass * 1000
    block = told("density", structure)
    assert block["density_g_cm3"] == pytest.approx(grams / (structure.volume * 1e-24), rel=2e-4)
    per_volume = len(structure) / (structure.volume * 1e-3)
    assert block["number_density_per_nm3"] == pytest.approx(per_volume, abs=1e-4)


def test_formula_units_and_atoms_of_a_cell() -> None:
    block = told("density", perovskite() * (2, 1, 1))
    assert (block["formula_unit"], block["formula_units"]) == ("SrTiO3", 2)
    assert (block["n_sites"], block["n_atoms"]) == (10, 10)


def test_a_shared_site_weighs_what_sits_on_it() -> None:
    made = told("density", alloy(0.75))["density_g_cm3"]
    pure = [told("density", alloy(share))["density_g_cm3"] for share in (1, 0)]
    assert made == pytest.approx(0.75 * pure[0] + 0.25 * pure[1], abs=2e-5)
    vacant = Structure(Lattice.cubic(4), [{"Li": 0.5}, "O"], [[0.0] * 3, [0.5] * 3])
    block = told("density", vacant)
    assert (block["n_sites"], block["n_atoms"]) == (2, 1.5)
    assert (block["formula_unit"], block["formula_units"]) == ("Li0.5O1", 1)


def test_a_cell_with_vacuum_is_no_solid() -> None:
    assert "note" not in told("density", silicon())
    slab = copper()
    slab.lattice = Lattice.orthorhombic(3.615, 3.615, 15)
    assert "along c" in told("density", slab)["note"]


def test_a_placeholder_has_no_mass() -> None:
    with pytest.raises(Undetermined, match="substitute"):
        told("density", Structure(Lattice.cubic(3), ["X"], [[0, 0, 0]]))
