from __future__ import annotations

import numpy as np
import pytest
from ase.build import bulk, molecule
from hypothesis import given
from pymatgen.core import Lattice, Structure
from pymatgen.io.ase import AseAtomsAdaptor

from llamp_mcp.structures.pictures.bonds import find_bonds, kinds, radius_a
from tests.structures.conftest import copper, crystals, salt, silicon
from tests.structures.pictures.crystals import carbon_dioxide, perovskite


def counts(structure: Structure) -> list[int]:
    return [len(links) for links in find_bonds(structure).of_site]


@pytest.mark.parametrize(
    ("name", "arguments", "expected"),
    [
        ("NaCl", {"crystalstructure": "rocksalt", "a": 5.64}, 6),
        ("MgO", {"crystalstructure": "rocksalt", "a": 4.21}, 6),
        ("CsCl", {"crystalstructure": "cesiumchloride", "a": 4.12}, 8),
        ("GaAs", {"crystalstructure": "zincblende", "a": 5.65}, 4),
        ("ZnO", {"crystalstructure": "wurtzite", "a": 3.25, "c": 5.2}, 4),
        ("C", {"crystalstructure": "diamond", "a": 3.57}, 4),
        ("Cu", {"crystalstructure": "fcc", "a": 3.615}, 0),
        ("Fe", {"crystalstructure": "bcc", "a": 2.87}, 0),
        ("Mg", {"crystalstructure": "hcp", "a": 3.21, "c": 5.21}, 0),
    ],
)
def test_atoms_have_the_sticks_of_their_textbook_coordination(
    name: str, arguments: dict[str, object], expected: int
) -> None:
    structure = AseAtomsAdaptor.get_structure(bulk(name, **arguments))
    assert counts(structure) == [expected] * len(structure)


@pytest.mark.parametrize(("name", "expected"), [("H2", 1), ("H2O", 2), ("CH4", 4), ("C6H6", 12)])
def test_molecules_have_their_bonds(name: str, expected: int) -> None:
    structure = AseAtomsAdaptor.get_structure(molecule(name, vacuum=8, pbc=True))
    bonds = find_bonds(structure)
    assert sum(len(links) for links in bonds.of_site) == 2 * expected
    assert [len(one) for one in bonds.molecules] == [len(structure)]


def test_a_perovskite_shows_its_octahedron_alone() -> None:
    structure = perovskite()
    bonds = find_bonds(structure)
    assert [len(links) for links in bonds.of_site] == [0, 6, 2, 2, 2]
    assert bonds.crowded == {"Sr": 12}
    assert bonds.molecules == []
    assert [kind[:2] for kind in kinds(structure, bonds)] == [("O-Ti", 6)]
    assert kinds(structure, bonds)[0].longest_a == pytest.approx(3.905 / 2, abs=1e-3)


def test_covalent_networks_are_no_molecules() -> None:
    assert find_bonds(silicon()).molecules == []


def test_a_molecule_across_a_face_is_one() -> None:
    (found,) = find_bonds(carbon_dioxide(at=(0, 0, 0))).molecules
    assert sorted(found) == [0, 1, 2]


def test_alternatives_for_one_atom_are_not_joined() -> None:
    coords = np.array([[0, 0, 0], [0.1, 0, 0], [0.5, 0, 0]])
    structure = Structure(Lattice.cubic(4), [{"Li": 0.5}, {"Li": 0.5}, {"O": 1}], coords)
    joined = {link.site for link in find_bonds(structure).of_site[0]}
    assert joined == {2}


def test_a_mixed_site_has_the_mean_radius() -> None:
    ends = [
        radius_a(Structure(Lattice.cubic(4), [one], [[0] * 3])[0].species) for one in ("Cu", "Au")
    ]
    mixed = Structure(Lattice.cubic(4), [{"Cu": 0.75, "Au": 0.25}], [[0] * 3])[0].species
    assert radius_a(mixed) == pytest.approx(0.75 * ends[0] + 0.25 * ends[1])


@given(crystals())
def test_every_bond_is_known_from_both_ends(structure: Structure) -> None:
    bonds = find_bonds(structure)
    ends = {
        (site, link.site, link.image) for site, links in enumerate(bonds.of_site) for link in links
    }
    assert ends == {(b, a, tuple(-x for x in image)) for a, b, image in ends}
    for site, links in enumerate(bonds.of_site):
        for link in links:
            vector = structure[link.site].frac_coords + link.image - structure[site].frac_coords
            length = np.linalg.norm(vector @ structure.lattice.matrix)
            assert length == pytest.approx(link.distance_a)


def test_the_bonds_of_a_cell_are_counted_once() -> None:
    assert [kind.per_cell for kind in kinds(salt(), find_bonds(salt()))] == [24]
    assert kinds(copper(), find_bonds(copper())) == []
