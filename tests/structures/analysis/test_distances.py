from __future__ import annotations

from math import acos, atan2, degrees, sqrt

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from pymatgen.core import Lattice, Structure

from llamp_mcp.errors import InvalidInput
from llamp_mcp.structures.formats import to_atoms
from tests.structures.analysis.crystals import alloy, molybdenite, perovskite, told
from tests.structures.conftest import crystals, salt


@given(structure=crystals(), chosen=st.permutations(range(6)))
def test_distances_angles_and_dihedrals_are_those_of_ase(
    structure: Structure, chosen: list[int]
) -> None:
    sites = [site for site in chosen if site < len(structure)][:4]
    assume(len(sites) > 1)
    block = told("distances", structure, sites=sites)
    atoms = to_atoms(structure)
    for row in block["pairs"]:
        expected = atoms.get_distance(row["site"], row["to_site"], mic=True)
        assert row["distance_a"] == pytest.approx(expected, abs=1e-5)
    assume(all(row["equally_near_images"] == 1 for row in block["pairs"]))
    if len(sites) == 3:
        assert block["angle_deg"] == pytest.approx(atoms.get_angle(*sites, mic=True), abs=1e-3)
    if len(sites) == 4 and block["dihedral_deg"] is not None:
        turned = atoms.get_dihedral(*sites, mic=True) - block["dihedral_deg"]
        assert (turned + 180) % 360 - 180 == pytest.approx(0, abs=1e-2)


@given(structure=crystals())
def test_the_image_told_is_where_the_distance_leads(structure: Structure) -> None:
    assume(len(structure) > 1)
    moved = structure.copy()
    moved.translate_sites([1], [2, -1, 0], to_unit_cell=False)
    (row,) = told("distances", moved, sites=[0, 1])["pairs"]
    length = moved[0].distance(moved[1], jimage=row["image"])
    assert length == pytest.approx(row["distance_a"], abs=1e-5)


def test_angles_between_the_bonds_of_molybdenite_are_those_of_its_prism() -> None:
    # Sulphur lies r = a / sqrt(3) beside and h above and below the metal, three times each.
    h, r = 0.129 * 12.3, 3.16 / sqrt(3)
    above = degrees(2 * atan2(h, r))
    across = degrees(acos((-(r**2) / 2 - h**2) / (r**2 + h**2)))
    block = told("distances", molybdenite(), sites=[3, 0, 5])
    found = sorted({block["angle_deg"], *block["other_angle_deg"]})
    assert found == pytest.approx(sorted({above, across}), abs=1e-3)


def test_equally_near_images_are_told_with_every_angle_they_give() -> None:
    block = told("distances", perovskite(), sites=[2, 1, 3])
    assert (block["angle_deg"], "other_angle_deg" in block) == (90, False)
    assert [row["equally_near_images"] for row in block["pairs"]] == [2, 2]
    block = told("distances", salt(), sites=[0, 4, 1])
    found = sorted({block["angle_deg"], *block["other_angle_deg"]})
    assert found == pytest.approx([54.7356, 125.2644], abs=1e-3)
    assert "equally near" in block["note"]


def test_more_than_four_sites_give_all_pairs_nearest_first() -> None:
    block = told("distances", salt(), sites=list(range(8)))
    lengths = [row["distance_a"] for row in block["pairs"]]
    assert (block["total"], len(lengths)) == (28, 28)
    assert lengths == sorted(lengths)
    many = told("distances", salt() * (2, 1, 1), sites=list(range(16)))
    assert (many["total"], many["returned"], many["truncated"]) == (120, 60, True)


def test_a_straight_chain_has_no_dihedral_angle() -> None:
    chain = Structure(Lattice.cubic(20), ["C"] * 4, [(0.1 + 0.06 * n, 0.5, 0.5) for n in range(4)])
    block = told("distances", chain, sites=[0, 1, 2, 3])
    assert [row["distance_a"] for row in block["pairs"]] == pytest.approx([1.2] * 3)
    assert block["dihedral_deg"] is None
    assert "straight" in block["note"]
    assert told("distances", chain, sites=[0, 1, 2])["angle_deg"] == pytest.approx(180, abs=1e-3)


def test_shared_sites_are_named_in_full() -> None:
    (row,) = told("distances", alloy(0.75), sites=[0, 1])["pairs"]
    assert row["species"] == "Cu0.75Au0.25-Cu0.75Au0.25"


@pytest.mark.parametrize("sites", [[], [1], [0, 0], [0, 1, 0]])
def test_too_few_or_repeated_sites_are_refused(sites: list[int]) -> None:
    with pytest.raises(InvalidInput, match="two or more different sites"):
        told("distances", salt(), sites=sites)
