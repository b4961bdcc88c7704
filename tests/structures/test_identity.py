from __future__ import annotations

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pymatgen.core import Lattice, Structure

from llamp_mcp.errors import NotFound
from llamp_mcp.structures.identity import check_form, structure_id
from tests.structures.conftest import crystals, salt, silicon


def one_atom(x: float, lattice: Lattice | None = None, species: str = "Li") -> str:
    return structure_id(Structure(lattice or Lattice.cubic(4), [species], [[x, 0.5, 0.5]]))


@given(crystals(charged=True))
def test_an_id_is_s_and_sixteen_hex_digits_and_survives_a_copy(structure: Structure) -> None:
    handle = structure_id(structure)
    assert re.fullmatch(r"s-[0-9a-f]{16}", handle)
    assert structure_id(structure.copy()) == handle
    assert structure_id(Structure.from_dict(structure.as_dict())) == handle


@given(crystals(), st.tuples(*[st.integers(-3, 3)] * 3))
def test_periodic_images_of_an_atom_are_the_same_atom(
    structure: Structure, shift: tuple[int, int, int]
) -> None:
    rounded = np.round(structure.frac_coords, 5)
    moved = Structure(structure.lattice, structure.species, rounded + np.array(shift))
    assert structure_id(moved) == structure_id(
        Structure(structure.lattice, structure.species, rounded)
    )


@pytest.mark.parametrize("x", [1.0, -1e-9, 0.9999999, -0.0, 2.0])
def test_what_rounds_to_the_next_image_is_zero(x: float) -> None:
    assert one_atom(x) == one_atom(0.0)


def test_a_negative_zero_in_the_lattice_is_a_zero() -> None:
    matrix = np.eye(3) * 4
    signed = np.where(matrix == 0, -0.0, matrix)
    assert one_atom(0.1, Lattice(signed)) == one_atom(0.1, Lattice(matrix))


def test_differences_below_a_millionth_do_not_count_and_above_do() -> None:
    assert one_atom(0.1 + 1e-8) == one_atom(0.1)
    assert one_atom(0.1 + 2e-6) != one_atom(0.1)
    assert one_atom(0.1, Lattice.cubic(4 + 2e-6)) != one_atom(0.1)


def test_species_charge_order_and_orientation_tell_structures_apart() -> None:
    base = salt()
    turned = Structure(
        Lattice(np.roll(base.lattice.matrix, 1, axis=1)), base.species, base.frac_coords
    )
    charged = base.copy()
    charged.set_charge(1)
    oxidised = base.copy()
    oxidised.add_oxidation_state_by_element({"Na": 1, "Cl": -1})
    spinning = base.copy()
    spinning.add_spin_by_element({"Na": 1})
    backwards = Structure.from_sites(list(base)[::-1])
    mixed = base.copy()
    mixed[0] = {"Na": 0.5, "K": 0.5}
    all_of_them = [base, turned, charged, oxidised, spinning, backwards, mixed, silicon()]
    assert len({structure_id(structure) for structure in all_of_them}) == len(all_of_them)


def test_the_order_in_which_a_shared_site_names_its_species_does_not_count() -> None:
    lattice = Lattice.cubic(4)
    one = Structure(lattice, [{"Na": 0.4, "K": 0.6}], [[0, 0, 0]])
    other = Structure(lattice, [{"K": 0.6, "Na": 0.4}], [[0, 0, 0]])
    assert structure_id(one) == structure_id(other)


def test_magnetic_moments_beside_the_species_do_not_count() -> None:
    magnetic = salt()
    magnetic.add_site_property("magmom", [1.0] * len(magnetic))
    assert structure_id(magnetic) == structure_id(salt())


@pytest.mark.parametrize("handle", ["", "mp-149", "s-0", "s-" + "G" * 16, "s-" + "0" * 17])
def test_text_that_is_no_handle_is_refused_with_its_form(handle: str) -> None:
    with pytest.raises(NotFound, match="16 hex digits"):
        check_form(handle)
