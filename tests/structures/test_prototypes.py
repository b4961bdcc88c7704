from __future__ import annotations

from typing import Any

import pytest
from pymatgen.core import Lattice, Structure

from llamp_mcp.errors import InvalidInput
from llamp_mcp.structures.prototypes import TWO_ORIGINS, build
from llamp_mcp.structures.symmetry import space_group


def spacegroup(**changes: Any) -> dict[str, Any]:
    site = {"species": "Si", "frac_coords": [0.125, 0.125, 0.125]}
    given = {"spacegroup": "Fd-3m:2", "lattice": {"a": 5.43}, "sites": [site]}
    return {"kind": "spacegroup", **given, **changes}


def test_a_bulk_crystal_has_the_constants_given() -> None:
    built = build({"kind": "bulk", "name": "Cu", "crystal": "fcc", "a": 3.615, "cubic": True})
    assert built.structure.lattice.abc == pytest.approx((3.615,) * 3)
    assert built.structure.formula == "Cu4"
    assert built.notes == ()


@pytest.mark.parametrize(
    ("given", "number"),
    [
        ({"name": "Cu"}, 225),
        ({"name": "NaCl", "crystal": "rocksalt", "a": 5.64}, 225),
        ({"name": "ZnS", "crystal": "wurtzite", "a": 3.8, "c": 6.2}, 186),
        ({"name": "GaAs", "crystal": "zincblende", "a": 5.65}, 216),
        ({"name": "Mg"}, 194),
        ({"name": "CsCl", "crystal": "cesiumchloride", "a": 4.1, "cubic": True}, 221),
    ],
)
def test_crystal_types_have_their_space_groups(given: dict[str, Any], number: int) -> None:
    group = space_group(build({"kind": "bulk", **given}).structure)
    assert group is not None
    assert group.number == number


def test_constants_from_a_table_and_magnetic_moments_are_told() -> None:
    notes = " ".join(build({"kind": "bulk", "name": "Fe"}).notes)
    assert "ASE's experimental reference" in notes
    assert "Magnetic moments" in notes


def test_a_space_group_with_lattice_and_sites_makes_the_whole_cell() -> None:
    built = build(spacegroup())
    expected = Structure.from_spacegroup("Fd-3m:2", Lattice.cubic(5.43), ["Si"], [[0.125] * 3])
    assert built.structure == expected
    assert "8 atoms" in built.notes[0]


def test_of_two_origins_the_one_used_is_told_with_the_name_of_the_other() -> None:
    # In origin choice 1, pymatgen's for a bare number, 1/8 is the 16-fold site of Fd-3m.
    built = build(spacegroup(spacegroup=227))
    assert len(built.structure) == 16
    assert "choice 1" in built.notes[1]
    assert "'Fd-3m:2'" in built.notes[1]
    assert "choice 2" in build(spacegroup()).notes[1]
    assert len(TWO_ORIGINS) == 24


@pytest.mark.parametrize(
    ("group", "lattice", "parameters"),
    [
        (225, {"a": 4}, (4, 4, 4, 90, 90, 90)),
        (136, {"a": 4.6, "c": 2.96}, (4.6, 4.6, 2.96, 90, 90, 90)),
        (161, {"a": 5.15, "c": 13.8}, (5.15, 5.15, 13.8, 90, 90, 120)),
        ("R-3m:R", {"a": 4, "c": 4, "alpha": 50, "beta": 50, "gamma": 50}, (4, 4, 4, 50, 50, 50)),
        (62, {"a": 4, "b": 5, "c": 6}, (4, 5, 6, 90, 90, 90)),
        (14, {"a": 4, "b": 5, "c": 6, "beta": 100}, (4, 5, 6, 90, 100, 90)),
    ],
)
def test_the_crystal_system_fills_in_what_it_fixes(
    group: int | str, lattice: dict[str, float], parameters: tuple[float, ...]
) -> None:
    built = build(spacegroup(spacegroup=group, lattice=lattice))
    assert built.structure.lattice.parameters == pytest.approx(parameters)


def test_a_molecule_stands_in_a_box_with_the_vacuum_told() -> None:
    built = build({"kind": "molecule", "name": "CO2"})
    heights = built.structure.cart_coords.max(axis=0) - built.structure.cart_coords.min(axis=0)
    assert built.structure.lattice.abc == pytest.approx(tuple(heights + 10))
    assert built.structure.composition.reduced_formula == "CO2"
    assert "10 Å" in built.notes[0]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"name": "Cu"}, "prototype has no 'kind'"),
        ({"kind": "slab"}, "Unknown kind of prototype 'slab'"),
        ({"kind": "bulk", "name": "Cu", "spacegroup": 225}, "does not take 'spacegroup'"),
        ({"kind": "bulk", "name": "Qq"}, "ASE cannot build bulk 'Qq'"),
        ({"kind": "bulk", "name": "NaCl"}, "crystal= and a="),
        ({"kind": "bulk", "name": "NaCl", "crystal": "rocksalt"}, "lattice constant"),
        ({"kind": "bulk", "name": "Cu", "crystal": "fccc"}, "crystal: .*'fcc'"),
        ({"kind": "bulk", "name": "Cu", "a": -1}, "a: .*greater than 0"),
        ({"kind": "bulk", "name": "Mg", "cubic": True}, "ASE cannot build bulk 'Mg'"),
        ({"kind": "molecule", "name": "LiFePO4"}, "Unknown molecule 'LiFePO4'.*CO2"),
        (spacegroup(spacegroup=231), "Unknown space group 231.*1 to 230"),
        (spacegroup(spacegroup="Q4"), "Unknown space group 'Q4'"),
        (spacegroup(spacegroup=136), "tetragonal group needs c"),
        (spacegroup(lattice={"a": 4, "b": 5}), "does not fit the cubic space group"),
        (spacegroup(lattice={"b": 4}), "needs 'lattice.a'"),
        (spacegroup(sites=[]), "sites: .*at least 1"),
        (spacegroup(sites=[{"species": "Qq", "frac_coords": [0, 0, 0]}]), "'Qq' is not a chemical"),
        (spacegroup(sites=[{"species": "Si", "frac_coords": [0, 0]}]), "sites.0.: .*at least 3"),
    ],
)
def test_what_cannot_be_built_is_explained(given: dict[str, Any], said: str) -> None:
    with pytest.raises(InvalidInput, match=said):
        build(given)


def test_an_impossible_angle_is_explained() -> None:
    lattice = {"a": 4, "b": 4, "c": 4, "alpha": 20, "beta": 150, "gamma": 60}
    with pytest.raises(InvalidInput, match="angles"):
        build(spacegroup(spacegroup=1, lattice=lattice))


def test_the_number_in_text_is_a_number() -> None:
    one, other = build(spacegroup(spacegroup="225")), build(spacegroup(spacegroup=225))
    assert one.structure == other.structure
