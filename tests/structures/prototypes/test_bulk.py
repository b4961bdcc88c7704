from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from llamp_mcp.errors import InvalidInput
from llamp_mcp.structures.contacts import contacts
from llamp_mcp.structures.prototypes import build
from llamp_mcp.structures.prototypes.library import _FLAWED, find, library
from llamp_mcp.structures.prototypes.occupied import asymmetric_unit
from llamp_mcp.structures.shells import coordination
from llamp_mcp.structures.symmetry import space_group

if TYPE_CHECKING:
    from pymatgen.core import Structure

    from llamp_mcp.structures.prototypes import Built

CRYSTALS: dict[str, tuple[int, dict[str, Any], dict[str, tuple[int, str]]]] = {
    "perovskite": (221, {"name": "SrTiO3", "a": 3.905}, {"Sr": (12, "O"), "Ti": (6, "O")}),
    "spinel": (227, {"name": "MgAl2O4", "a": 8.08}, {"Mg": (4, "O"), "Al": (6, "O")}),
    "rutile": (136, {"name": "SnO2", "a": 4.737, "c": 3.186}, {"Sn": (6, "O"), "O": (3, "Sn")}),
    "anatase": (141, {"name": "TiO2", "a": 3.785, "c": 9.514}, {"Ti": (6, "O"), "O": (3, "Ti")}),
    "corundum": (167, {"name": "Cr2O3", "a": 4.96, "c": 13.59}, {"Cr": (6, "O"), "O": (4, "Cr")}),
    "fluorite": (225, {"name": "CeO2", "a": 5.411}, {"Ce": (8, "O"), "O": (4, "Ce")}),
    "antifluorite": (225, {"name": "Li2O", "a": 4.619}, {"Li": (4, "O"), "O": (8, "Li")}),
    "cesium chloride": (221, {"name": "CsCl", "a": 4.12}, {"Cs": (8, "Cl"), "Cl": (8, "Cs")}),
    "zinc blende": (216, {"name": "GaAs", "a": 5.65}, {"Ga": (4, "As"), "As": (4, "Ga")}),
    "wurtzite": (186, {"name": "ZnO", "a": 3.25, "c": 5.207}, {"Zn": (4, "O"), "O": (4, "Zn")}),
    "A15": (223, {"name": "Nb3Sn", "a": 5.29}, {"Sn": (12, "Nb")}),
    "half-Heusler": (216, {"name": "TiSnNi", "a": 5.93}, {"Ti": (4, "Ni"), "Sn": (4, "Ni")}),
    "Heusler": (225, {"name": "Cu2MnAl", "a": 5.95}, {"Mn": (8, "Cu"), "Al": (8, "Cu")}),
    "NiAs": (194, {"name": "NiAs", "a": 3.602, "c": 5.009}, {"As": (6, "Ni")}),
    "CdI2": (164, {"name": "CdI2", "a": 4.24, "c": 6.84}, {"Cd": (6, "I"), "I": (3, "Cd")}),
    "pyrite": (205, {"name": "FeS2", "a": 5.418}, {"Fe": (6, "S")}),
    "layered rocksalt": (
        166,
        {"name": "LiCoO2", "a": 2.816, "c": 14.05},
        {"Li": (6, "O"), "Co": (6, "O")},
    ),
    "cuprite": (224, {"name": "Cu2O", "a": 4.27}, {"Cu": (2, "O"), "O": (4, "Cu")}),
    "graphite": (194, {"name": "C", "a": 2.461, "c": 6.708}, {"C": (3, "C")}),
    "C7": (194, {"name": "MoS2", "a": 3.16, "c": 12.29}, {"Mo": (6, "S"), "S": (3, "Mo")}),
    "D0_2": (204, {"name": "CoAs3", "a": 8.205}, {"Co": (6, "As")}),
}
"""Space group number in the literature, and the nearest neighbours that textbooks give."""


def bulk(**given: Any) -> Built:
    return build({"kind": "bulk", **given})


def shell(structure: Structure, symbol: str) -> tuple[int, str]:
    site = next(at for at, one in enumerate(structure) if one.species_string == symbol)
    found = coordination(structure, site)
    return found["coordination"], "+".join(found["neighbours"])


@pytest.mark.parametrize("crystal", CRYSTALS)
def test_a_named_crystal_has_its_space_group_and_coordination(crystal: str) -> None:
    number, given, around = CRYSTALS[crystal]
    built = bulk(crystal=crystal, **given)
    group = space_group(built.structure)
    assert group is not None
    assert group.number == number
    assert {symbol: shell(built.structure, symbol) for symbol in around} == around
    edges = (given["a"], given["a"] / 2**0.5)  # ASE's cells are primitive
    assert min(abs(built.structure.lattice.a - edge) for edge in edges) < 1e-6
    assert not contacts(built.structure).warning


@pytest.mark.parametrize(
    ("given", "number"),
    [
        ({"name": "Cu"}, 225),
        ({"name": "NaCl", "crystal": "rocksalt", "a": 5.64}, 225),
        ({"name": "CsCl", "crystal": "cesiumchloride", "a": 4.1, "cubic": True}, 221),
        ({"name": "Mg"}, 194),
        ({"name": "C", "crystal": "graphene", "a": 2.46, "c": 15}, 191),
        ({"name": "BN", "crystal": "graphene", "a": 2.5, "c": 15}, 187),
        ({"name": "MoS2", "crystal": "MX2-2H", "a": 3.18, "c": 20, "thickness_a": 3.19}, 187),
        ({"name": "S2Ti", "crystal": "MX2-1T", "a": 3.4, "c": 20, "thickness_a": 2.9}, 164),
    ],
)
def test_crystals_and_layers_of_ase_have_their_space_groups(
    given: dict[str, Any], number: int
) -> None:
    group = space_group(bulk(**given).structure)
    assert group is not None
    assert group.number == number


def test_a_bulk_crystal_has_the_constants_given() -> None:
    built = bulk(name="Cu", crystal="fcc", a=3.615, cubic=True)
    assert built.structure.lattice.abc == pytest.approx((3.615,) * 3)
    assert built.structure.formula == "Cu4"
    assert built.notes == ()


def test_constants_from_a_table_and_magnetic_moments_are_told() -> None:
    notes = " ".join(bulk(name="Fe").notes)
    assert "ASE's experimental reference" in notes
    assert "Magnetic moments" in notes


def test_what_ase_puts_in_for_c_and_u_is_told() -> None:
    built = bulk(name="ZnO", crystal="wurtzite", a=3.25)
    notes = " ".join(built.notes)
    bonds = coordination(built.structure, 0)["distances_a"]
    assert "c = 5.30723 Å from c/a = 1.63299, the ideal ratio" in notes
    assert "u = 1/4 + a²/(3c²)" in notes
    assert max(bonds) - min(bonds) < 1e-3
    assert "ASE's reference for the element" in bulk(name="Mg", crystal="hcp", a=3.2).notes[0]


def test_where_stoichiometry_decides_the_order_of_the_formula_does_not_matter() -> None:
    one, other = bulk(name="Li2O", crystal="C1", a=4.6), bulk(name="OLi2", crystal="C1", a=4.6)
    assert one.structure == other.structure
    assert "Li on the F site 8c, O on the Ca site 4a" in " ".join(one.notes)


def test_where_it_does_not_the_formula_as_written_decides_and_this_is_told() -> None:
    one = bulk(name="SrTiO3", crystal="perovskite", a=3.9)
    other = bulk(name="TiSrO3", crystal="perovskite", a=3.9)
    assert shell(one.structure, "Sr") == (12, "O")
    assert shell(other.structure, "Sr") == (6, "O")
    assert "leaves open which of Sr, Ti goes where" in " ".join(one.notes)


def test_an_element_on_two_kinds_of_site_is_written_twice() -> None:
    built = bulk(name="FeFe2O4", crystal="spinel", a=8.39)
    assert built.structure.composition.reduced_formula == "Fe3O4"
    with pytest.raises(InvalidInput, match="Fe3O4 as FeFe2O4"):
        bulk(name="Fe3O4", crystal="spinel", a=8.39)


def test_u_sets_the_one_internal_coordinate() -> None:
    built = bulk(name="TiO2", crystal="rutile", a=4.594, c=2.958, u=0.31)
    assert "O 4f (x,x,0) x=0.31" in built.notes[0]
    assert "the record of TiO2 has 0.30" in built.notes[-1]
    default = bulk(name="TiO2", crystal="rutile", a=4.594, c=2.958)
    assert "record of TiO2: relax them, or set them (u)" in default.notes[-1]


def test_ideal_spinel_has_octahedra_of_equal_edges() -> None:
    # With u = 1/4 (from the centre of inversion) the anions are close packed.
    built = bulk(name="MgAl2O4", crystal="spinel", a=8.0, u=0.25).structure
    oxygen = [at for at, site in enumerate(built) if site.species_string == "O"]
    near = built.distance_matrix[np.ix_(oxygen, oxygen)] + 99 * np.eye(len(oxygen))
    assert near.min() == pytest.approx(8.0 / 8**0.5)


def test_a_monoclinic_prototype_takes_its_lattice_as_an_object() -> None:
    lattice = {"a": 5.15, "b": 5.21, "c": 5.32, "beta": 99.2}
    built = bulk(name="HfO2", crystal="baddeleyite", lattice=lattice)
    assert built.structure.lattice.parameters == pytest.approx((5.15, 5.21, 5.32, 90, 99.2, 90))
    assert shell(built.structure, "Hf") == (7, "O")


def test_the_corrected_record_of_anatase_is_told() -> None:
    built = bulk(name="TiO2", crystal="anatase", a=3.785, c=9.514)
    assert "counted from the other origin" in built.notes[-1]


def test_every_record_is_its_own_asymmetric_unit() -> None:
    # The corrected one aside, all pairs within 4 Å are as far apart as in the record.
    for prototype in library():
        if (prototype.label, prototype.compound) in _FLAWED or prototype.mineral == "Anatase":
            continue
        unit, record = asymmetric_unit(prototype.label, prototype.compound), prototype.structure()
        orbits = [(site.species, unit.setting.orbit(site.point)) for site in unit.sites]
        built = type(record)(
            unit.lattice,
            [species for species, orbit in orbits for _ in orbit],
            np.vstack([orbit for _, orbit in orbits]),
        )
        ours, theirs = (np.sort(one.get_neighbor_list(4.0)[3]) for one in (built, record))
        times = len(built) / len(record)
        assert times == pytest.approx(round(times)), prototype
        assert np.allclose(ours, np.repeat(theirs, round(times)), atol=2e-3), prototype


def test_records_with_overlapping_atoms_are_refused() -> None:
    for prototype in library():
        if (prototype.label, prototype.compound) not in _FLAWED:
            assert contacts(prototype.structure()).shortest.ratio > 0.65, prototype
    with pytest.raises(InvalidInput, match=r"Brookite.*is wrong: it has Ti-O of 1\.55 Å"):
        find("brookite")


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"name": "Qq"}, "ASE cannot build bulk 'Qq'"),
        ({"name": "NaCl"}, "crystal= and a="),
        ({"name": "NaCl", "crystal": "rocksalt"}, "lattice constant"),
        ({"name": "Cu", "crystal": "perovskyte", "a": 4}, "'perovskyte'.*mean 'perovskite'"),
        ({"name": "Mg2SiO4", "crystal": "olivine", "a": 4}, "called 'olivine'.*kind='spacegroup'"),
        ({"name": "SiO2", "crystal": "quartz", "a": 4.9}, "2 prototypes.*alpha.*beta"),
        ({"name": "Cu", "a": -1}, "a: .*greater than 0"),
        ({"name": "Mg", "cubic": True}, "ASE cannot build bulk 'Mg'"),
        ({"name": "SrTiO3", "crystal": "perovskite"}, "needs a in Å.*The record of CaTiO3 has a ="),
        ({"name": "TiO2", "crystal": "rutile", "a": 4.6}, "needs c.*The record of TiO2 has.*c = 2"),
        ({"name": "SrTiO", "crystal": "perovskite", "a": 4}, "'SrTiO' has not the stoichiometry"),
        ({"name": "Sr(TiO3)", "crystal": "perovskite", "a": 4}, "not a formula of elements"),
        ({"name": "TiO2", "crystal": "rutile", "a": 4.6, "c": 3, "cubic": True}, "is tetragonal"),
        (
            {"name": "Al2O3", "crystal": "corundum", "a": 4.76, "c": 13, "u": 0.3},
            r"u=0.3 means nothing.*Al 12c \(0,0,z\); O 18e \(x,0,1/4\)",
        ),
        ({"name": "SrTiO3", "crystal": "perovskite", "a": 4, "u": 0.3}, "no free coordinate"),
        (
            {"name": "SrTiO3", "crystal": "perovskite", "a": 4, "lattice": {"a": 4}},
            "a is given beside and in lattice",
        ),
        ({"name": "SrTiO3", "crystal": "E2_1", "a": 4, "thickness_a": 3}, "bulk type"),
        ({"name": "Cu", "crystal": "fcc", "a": 3.6, "thickness_a": 3}, "fcc does not take thick"),
        ({"name": "Cu", "crystal": "fcc", "a": 3.6, "c": 4}, "fcc does not take c.*Allowed: a"),
        ({"name": "Cu", "c": 4}, "fcc does not take c"),
        ({"name": "Hg", "lattice": {"a": 3, "beta": 80}}, "rhombohedral does not take beta"),
        ({"name": "Cu", "crystal": "fcc", "a": 3.6, "lattice": {"a": 3.7}}, "beside and in"),
        ({"name": "MoS2", "crystal": "MX2-2H", "a": 3.18}, "needs a, c and thickness_a"),
        ({"name": "MoS2", "crystal": "graphene", "a": 3.18}, "'C' or 'BN'"),
        ({"name": "C", "crystal": "graphene", "a": 2.46, "c": 9, "thickness_a": 9}, "larger c"),
        ({"name": "C", "crystal": "graphene", "a": 2.46, "c": 9, "u": 0.1}, "not lattice or u"),
        ({"kind": "bulk", "name": "Cu", "spacegroup": 225}, "does not take 'spacegroup'"),
    ],
)
def test_what_cannot_be_built_is_explained(given: dict[str, Any], said: str) -> None:
    with pytest.raises(InvalidInput, match=said):
        bulk(**given)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"name": "Cu"}, "prototype has no 'kind'"),
        ({"kind": "slab"}, "Unknown kind of prototype 'slab'"),
    ],
)
def test_a_prototype_has_a_kind(given: dict[str, Any], said: str) -> None:
    with pytest.raises(InvalidInput, match=said):
        build(given)
