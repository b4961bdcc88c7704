from __future__ import annotations

import time

import numpy as np
import pytest
from pymatgen.analysis.defects.generators import VoronoiInterstitialGenerator
from pymatgen.core import Lattice, Structure
from pymatgen.symmetry.analyzer import SpacegroupAnalyzer

from llamp_mcp.errors import InvalidInput
from llamp_mcp.structures.voids import SiteKind, Void, find_voids
from tests.structures.conftest import SILICON_A, copper, salt, silicon

IRON = Structure.from_spacegroup("Im-3m", Lattice.cubic(2.866), ["Fe"], [[0, 0, 0]])
MAGNESIUM = Structure.from_spacegroup(
    "P6_3/mmc", Lattice.hexagonal(3.21, 5.21), ["Mg"], [[1 / 3, 2 / 3, 0.25]]
)
POLONIUM = Structure(Lattice.cubic(3.35), ["Po"], [[0, 0, 0]])
TITANIUM_DISULFIDE = Structure.from_spacegroup(
    "P-3m1", Lattice.hexagonal(3.41, 5.70), ["Ti", "S"], [[0, 0, 0], [1 / 3, 2 / 3, 0.25]]
)


def first_of(structure: Structure, kind: SiteKind) -> Void:
    return next(void for void in find_voids(structure) if void.kind == kind)


@pytest.mark.parametrize(
    ("structure", "kind", "count", "multiplicity", "radius"),
    [
        # Distances by elementary geometry in units of the lattice constant.
        (silicon(conventional=True), "tetrahedral", 4, 8, SILICON_A * 3**0.5 / 4),
        (silicon(conventional=True), "hexagonal", 6, 16, SILICON_A * 11**0.5 / 8),
        (silicon(conventional=True), "bond_centred", 2, 16, SILICON_A * 3**0.5 / 8),
        (copper(), "octahedral", 6, 4, 3.615 / 2),
        (copper(), "tetrahedral", 4, 8, 3.615 * 3**0.5 / 4),
        (IRON, "tetrahedral", 4, 12, 2.866 * 5**0.5 / 4),
        (IRON, "octahedral", 2, 6, 2.866 / 2),
        (POLONIUM, "cubic", 8, 1, 3.35 * 3**0.5 / 2),
        (salt(), "cubic", 8, 8, 5.64 * 3**0.5 / 4),
        (MAGNESIUM, "octahedral", 6, 2, (3.21**2 / 3 + 5.21**2 / 16) ** 0.5),
        (TITANIUM_DISULFIDE, "octahedral", 6, 1, (3.41**2 / 3 + (5.70 / 4) ** 2) ** 0.5),
    ],
)
def test_textbook_sites_are_found_counted_and_measured(
    structure: Structure, kind: SiteKind, count: int, multiplicity: int, radius: float
) -> None:
    void = first_of(structure, kind)
    assert (void.coordination, void.multiplicity) == (count, multiplicity)
    assert void.radius_a == pytest.approx(radius, abs=1e-6)


def test_zincblende_has_two_tetrahedral_sites_told_apart_by_their_neighbours() -> None:
    arsenide = Structure.from_spacegroup(
        "F-43m", Lattice.cubic(5.65), ["Ga", "As"], [[0, 0, 0], [0.25, 0.25, 0.25]]
    )
    found = [void for void in find_voids(arsenide) if void.kind == "tetrahedral"]
    assert {void.neighbours for void in found} == {"4 As", "4 Ga"}
    assert {void.multiplicity for void in found} == {4}


@pytest.mark.parametrize("structure", [silicon(), copper()], ids=["silicon", "copper"])
def test_the_sites_are_those_of_pymatgen_analysis_defects(structure: Structure) -> None:
    # Second implementation; it reports no bond centres.
    theirs = [
        min(near.nn_distance for near in structure.get_sites_in_sphere(defect.site.coords, 4))
        for defect in VoronoiInterstitialGenerator().generate(structure, ["Li"])
    ]
    ours = [void.radius_a for void in find_voids(structure) if void.kind != "bond_centred"]
    assert sorted(ours) == pytest.approx(sorted(theirs), abs=1e-3)


def test_sites_scale_with_a_supercell() -> None:
    small, large = silicon(), silicon() * (3, 2, 2)
    expected = [(void.kind, 12 * void.multiplicity) for void in find_voids(small)]
    assert [(void.kind, void.multiplicity) for void in find_voids(large)] == expected


def test_sites_that_no_symmetry_joins_are_listed_apart_though_their_distances_agree() -> None:
    # In silicon with one atom exchanged, the sites far from it keep their distances to silicon.
    doped = silicon(conventional=True) * (2, 2, 2)
    doped[0] = "Ge"
    found = [void for void in find_voids(doped) if void.kind == "tetrahedral"]
    assert sum(void.multiplicity for void in found) == 64
    assert len({void.neighbours for void in found}) == 2
    # Orbits under the point group of the dopant, counted by pymatgen's operations.
    operations = SpacegroupAnalyzer(doped, angle_tolerance=-1).get_symmetry_operations()
    for void in found:
        orbit = {
            tuple((np.round(op.operate(void.frac_coords), 5) % 1).round(5)) for op in operations
        }
        assert len(orbit) == void.multiplicity


def test_a_site_between_two_nearly_equal_vertices_is_counted_once() -> None:
    # Baddeleyite: 0.2 Å apart are two vertices of the tessellation with radii equal to 1e-3 Å.
    zirconia = Structure.from_spacegroup(
        "P2_1/c",
        Lattice.monoclinic(5.15, 5.21, 5.32, 99.2),
        ["Zr", "O", "O"],
        [[0.275, 0.04, 0.208], [0.07, 0.33, 0.345], [0.45, 0.757, 0.479]],
    )
    # Sites of P2_1/c come in fours, or in twos at centres of inversion.
    assert {void.multiplicity for void in find_voids(zirconia * (2, 2, 2))} == {32, 16}


def test_without_symmetry_every_site_is_its_own() -> None:
    rattled = (silicon(conventional=True) * (2, 1, 1)).perturb(0.1, min_distance=None, seed=3)
    assert {void.multiplicity for void in find_voids(rattled)} == {1}


def test_a_site_of_another_shape_is_told_by_its_polyhedron() -> None:
    rutile = Structure.from_spacegroup(
        "P4_2/mnm", Lattice.tetragonal(4.59, 2.96), ["Ti", "O"], [[0, 0, 0], [0.305, 0.305, 0]]
    )
    for void in find_voids(rutile):
        if void.kind == "other" and void.polyhedron:
            assert f"other ({void.polyhedron}) at (" in str(void)
            break
    else:
        pytest.fail("rutile has no such site")


def test_small_displacements_leave_the_shape_of_a_site() -> None:
    rattled = (silicon(conventional=True) * (2, 2, 2)).perturb(0.05, min_distance=None, seed=3)
    tetrahedral = [void for void in find_voids(rattled) if void.kind == "tetrahedral"]
    assert sum(void.multiplicity for void in tetrahedral) == 64


def test_a_hundred_atoms_take_less_than_a_second() -> None:
    large = silicon(conventional=True) * (3, 2, 2)
    find_voids(silicon())
    began = time.process_time()
    find_voids(large)
    assert time.process_time() - began < 1


@pytest.mark.parametrize(
    "structure",
    [
        Structure(Lattice.cubic(30), ["He"], [[0, 0, 0]]),
        Structure(
            Lattice.hexagonal(2.46, 30), ["C", "C"], [[1 / 3, 2 / 3, 0.5], [2 / 3, 1 / 3, 0.5]]
        ),
    ],
    ids=["atom in a box", "graphene"],
)
def test_vacuum_is_no_interstitial_site(structure: Structure) -> None:
    assert find_voids(structure) == []


def test_a_cell_too_large_to_search_is_refused_with_the_limit() -> None:
    with pytest.raises(InvalidInput, match=r"2048 atoms.*at most 2000"):
        find_voids(silicon() * (16, 8, 8))
