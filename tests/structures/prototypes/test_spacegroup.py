from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from ase.spacegroup import crystal as ase_crystal
from pymatgen.core import Lattice, Structure

from llamp_mcp.errors import InvalidInput
from llamp_mcp.structures.formats import from_atoms
from llamp_mcp.structures.prototypes import build
from llamp_mcp.structures.symmetry import space_group


def spacegroup(**changes: Any) -> dict[str, Any]:
    site = {"species": "Si", "frac_coords": [0.125, 0.125, 0.125]}
    given = {"spacegroup": "Fd-3m:2", "lattice": {"a": 5.43}, "sites": [site]}
    return {"kind": "spacegroup", **given, **changes}


def rutile(**oxygen: Any) -> dict[str, Any]:
    sites = [{"species": "Ti", "wyckoff": "2a"}, {"species": "O", **oxygen}]
    return spacegroup(spacegroup=136, lattice={"a": 4.594, "c": 2.958}, sites=sites)


def distances(structure: Structure) -> list[float]:
    """Of all pairs within 5 Å, in ascending order."""
    found: list[float] = np.sort(structure.get_neighbor_list(5.0)[3]).tolist()
    return found


def test_a_space_group_with_lattice_and_sites_makes_the_whole_cell() -> None:
    built = build(spacegroup())
    expected = Structure.from_spacegroup("Fd-3m:2", Lattice.cubic(5.43), ["Si"], [[0.125] * 3])
    assert built.structure == expected
    assert "8 atoms" in built.notes[0]
    assert "Si 8a (1/8,1/8,1/8)" in built.notes[0]
    assert "4 Si at 2.351 Å" in built.notes[1]


@pytest.mark.parametrize(
    ("group", "cell", "point"),
    [
        (2, (5, 6, 7, 80, 95, 105), (0.12, 0.31, 0.44)),
        (14, (5, 6, 7, 90, 100, 90), (0.12, 0.31, 0.44)),
        (62, (5, 6, 7, 90, 90, 90), (0.12, 0.25, 0.44)),
        (122, (5, 5, 9, 90, 90, 90), (0.25, 0.25, 0.125)),
        (167, (5, 5, 13, 90, 90, 120), (0.3, 0, 0.25)),
        (176, (9, 9, 7, 90, 90, 120), (1 / 3, 2 / 3, 0.1)),
        (205, (5.4,) * 3 + (90,) * 3, (0.385,) * 3),
    ],
)
def test_the_cell_is_that_of_ases_crystal(
    group: int, cell: tuple[float, ...], point: tuple[float, ...]
) -> None:
    names = ("a", "b", "c", "alpha", "beta", "gamma")
    site = {"species": "Ar", "frac_coords": list(point)}
    lattice = dict(zip(names, cell, strict=True))
    built = build(spacegroup(spacegroup=group, lattice=lattice, sites=[site])).structure
    other = from_atoms(ase_crystal("Ar", [point], spacegroup=group, cellpar=cell))
    assert len(built) == len(other)
    assert distances(built) == pytest.approx(distances(other), abs=1e-6)


def test_a_wyckoff_letter_with_its_parameter_is_the_point_it_means() -> None:
    by_letter = build(rutile(wyckoff="4f", x=0.305))
    by_point = build(rutile(frac_coords=[0.305, 0.305, 0]))
    assert by_letter.structure == by_point.structure
    assert by_letter.notes == by_point.notes
    assert "O 4f (x,x,0) x=0.305" in by_letter.notes[0]


def test_a_letter_beside_coordinates_is_checked() -> None:
    assert build(rutile(wyckoff="f", frac_coords=[0.805, 0.195, 0.5])).structure.formula == "Ti2 O4"
    with pytest.raises(InvalidInput, match=r"is on 4f \(x,x,0\).*, not on 4g.*wyckoff='4f'"):
        build(rutile(wyckoff="4g", frac_coords=[0.305, 0.305, 0]))


@pytest.mark.parametrize(
    ("oxygen", "said"),
    [
        ({"wyckoff": "4f"}, r"position 4f \(x,x,0\) of P4_2/mnm takes x; got none"),
        ({"wyckoff": "4f", "x": 0.3, "z": 0.1}, "takes x; got x, z"),
        ({"wyckoff": "2a", "x": 0.3}, "takes none of x, y, z; got x"),
        ({"wyckoff": "4f", "x": 0.5}, r"is on 2b \(0,0,1/2\) of P4_2/mnm, not on 4f"),
        ({"wyckoff": "4m", "x": 0.3}, r"no Wyckoff position '4m'.*4f \(x,x,0\); 4g"),
        ({}, "frac_coords, or wyckoff"),
        ({"frac_coords": [0, 0, 0], "x": 0.3}, "either frac_coords or x, y, z"),
        ({"wyckoff": "2a"}, "sites are Ti 2a .*; O 2a .*no site is given twice"),
    ],
)
def test_a_letter_that_does_not_fit_is_explained(oxygen: dict[str, Any], said: str) -> None:
    with pytest.raises(InvalidInput, match=said):
        build(rutile(**oxygen))


def test_rounded_coordinates_of_a_special_position_do_not_split_the_atom() -> None:
    molybdenite = spacegroup(
        spacegroup=194,
        lattice={"a": 3.16, "c": 12.3},
        sites=[
            {"species": "Mo", "frac_coords": [0.333, 0.667, 0.25]},
            {"species": "S", "frac_coords": [0.3333, 0.6667, 0.621]},
        ],
    )
    built = build(molybdenite)
    group = space_group(built.structure, 1e-6)
    assert built.structure.formula == "Mo2 S4"
    assert group is not None
    assert group.number == 194
    moved = [note for note in built.notes if "rounded" in note]
    assert ["moved by 0.0018 Å" in note for note in moved] == [True, False]
    assert len(moved) == 2


def test_a_site_too_near_to_a_symmetry_element_for_two_atoms_is_refused() -> None:
    site = {"species": "Na", "frac_coords": [0.02, 0, 0]}
    with pytest.raises(InvalidInput, match=r"0\.160 Å from its own image.*special position"):
        build(spacegroup(spacegroup=225, lattice={"a": 5.64}, sites=[site]))


def test_of_two_origins_the_one_used_is_told_with_the_name_of_the_other() -> None:
    # In origin choice 1, taken for a bare number, 1/8 is the 16-fold site of Fd-3m.
    built = build(spacegroup(spacegroup=227))
    assert len(built.structure) == 16
    assert any("for Fd-3m:1" in note and "'Fd-3m:2'" in note for note in built.notes)
    assert any("for Fd-3m:2" in note and "'Fd-3m:1'" in note for note in build(spacegroup()).notes)


def test_coordinates_that_only_fit_the_other_origin_are_told_so() -> None:
    sites = [{"species": "O", "wyckoff": "32e", "x": 0.2624}]
    with pytest.raises(InvalidInput, match=r"other origin: spacegroup='Fd-3m:2'"):
        build(spacegroup(spacegroup=227, lattice={"a": 8.08}, sites=sites))


def test_a_setting_without_letters_still_tells_each_site() -> None:
    site = {"species": "Ca", "frac_coords": [0.99, 0.05, 0.25]}
    lattice = {"a": 5.38, "b": 5.44, "c": 7.64}
    built = build(spacegroup(spacegroup="Pbnm", lattice=lattice, sites=[site]))
    group = space_group(built.structure)
    assert "4 atoms in the conventional cell of Pbnm: Ca (0.99, 0.05, 0.25)" in built.notes[0]
    assert group is not None
    with pytest.raises(InvalidInput, match="standard settings only, and Pbnm is another"):
        build(spacegroup(spacegroup="Pbnm", lattice=lattice, sites=[{**site, "wyckoff": "4c"}]))


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


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (spacegroup(spacegroup=231), "Unknown space group 231.*1 to 230"),
        (spacegroup(spacegroup="Q4"), "Unknown space group 'Q4'"),
        (spacegroup(spacegroup="Fm-3m:2"), "Unknown space group 'Fm-3m:2'"),
        (spacegroup(spacegroup=136), "tetragonal lattice of P4_2/mnm needs c"),
        (spacegroup(lattice={"a": 4, "b": 5}), "does not fit the cubic space group"),
        (spacegroup(lattice={"b": 4}), "needs 'lattice.a'"),
        (spacegroup(lattice={"a": -4}), "lattice: .*greater than 0"),
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
