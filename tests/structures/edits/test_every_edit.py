"""What holds for every edit, over random crystals of all 14 Bravais lattices."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from pymatgen.analysis.structure_matcher import StructureMatcher
from pymatgen.core import Lattice, Structure
from pymatgen.symmetry.analyzer import SpacegroupAnalyzer

from llamp_mcp.errors import InvalidInput
from llamp_mcp.structures.contacts import COVALENT_FRACTION, SHORTEST_BOND_A, contacts
from llamp_mcp.structures.edits import EDITS
from llamp_mcp.structures.formats import parse, write_structure
from llamp_mcp.structures.identity import structure_id
from tests.structures.conftest import BRAVAIS, edit, lattices
from tests.structures.edits.cases import (
    ANY,
    CASES,
    CHARGED,
    OTHERS,
    SMALL,
    directions,
    positions,
    strains,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from llamp_mcp.structures.edits.apply import Step


OPS = [known.name for known in EDITS if known.name in CASES]
EQUAL_MATTER = ("supercell", "translate", "rotate", "sort", "primitive", "conventional")
"""The same crystal: distances, density and space group stay."""


def examples(op: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    return settings(
        max_examples=CASES[op].examples,
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
    )


def tried(data: st.DataObject, op: str) -> tuple[Structure, dict[str, Any], Step]:
    """A crystal, an edit of it, and its step; what is refused has a reason and is tried anew."""
    structure = data.draw(CASES[op].crystals)
    asked = {"op": op, **data.draw(CASES[op].arguments(structure))}
    try:
        return structure, asked, edit(structure, asked, others=OTHERS)[0]
    except InvalidInput as error:
        assert f"({op})" in str(error)  # noqa: PT017
        assert "nothing was changed" in str(error)  # noqa: PT017
    assume(False)
    raise AssertionError


def shortest_a(structure: Structure) -> float:
    """The shortest distance by pymatgen's matrix of distances and its reduced lattice vectors."""
    between = structure.distance_matrix[np.triu_indices(len(structure), k=1)]
    return float(min([*between, *structure.lattice.get_niggli_reduced_lattice().abc]))


def test_every_edit_is_tried() -> None:
    assert {known.name for known in EDITS} <= set(CASES)


@pytest.mark.parametrize("op", OPS)
def test_what_holds_for_every_edit(op: str) -> None:
    @examples(op)
    @given(st.data())
    def holds(data: st.DataObject) -> None:
        structure, asked, step = tried(data, op)
        untouched(structure, asked, step)
        told(structure, step)
        apart(step)
        reads_back(step.structure)
        if op in EQUAL_MATTER:
            equal_matter(structure, step)

    holds()


def untouched(structure: Structure, asked: dict[str, Any], step: Step) -> None:
    """The input stays, and the same edit gives the same structure and report."""
    again_from = structure.copy()
    handle = structure_id(structure)
    again = edit(structure, asked, others=OTHERS)[0]
    assert structure == again_from
    assert structure.site_properties == again_from.site_properties
    assert structure_id(structure) == handle
    assert structure_id(again.structure) == structure_id(step.structure)
    assert (again.report, again.notes) == (step.report, step.notes)


def told(structure: Structure, step: Step) -> None:
    """The report is finite JSON, and its counts and volumes are those of the structures."""
    report, made = step.report, step.structure
    assert json.loads(json.dumps(report, allow_nan=False)) == report
    assert report["n_atoms"] == len(made)
    assert report["composition_before"] == structure.composition.formula
    assert report["composition_after"] == made.composition.formula
    assert report["volume_a3_after"] == pytest.approx(abs(np.linalg.det(made.lattice.matrix)))
    if made.is_ordered:
        assert report["min_distance_a"] == pytest.approx(shortest_a(made), abs=1e-3)
    if "determinant" in report:
        assert made.volume == pytest.approx(report["determinant"] * structure.volume, rel=1e-6)
    assert np.linalg.det(made.lattice.matrix) * np.linalg.det(structure.lattice.matrix) > 0


def apart(step: Step) -> None:
    """Atoms that are too near are told of."""
    near = contacts(step.structure)
    too_near = near.shortest.distance_a < SHORTEST_BOND_A or near.tightest.ratio < COVALENT_FRACTION
    assert too_near == any("unphysical" in text for text in (*step.notes, str(step.report)))


def equal_matter(structure: Structure, step: Step) -> None:
    """The same crystal: the same density, distances and space group."""
    assert step.structure.density == pytest.approx(structure.density, rel=1e-4)
    assert step.structure.reduced_formula == structure.reduced_formula
    assert step.report["spacegroup_after"] == step.report["spacegroup_before"]
    assert step.report["volumetric_strain_percent"] == pytest.approx(0, abs=1e-3)
    assert shortest_a(step.structure) == pytest.approx(shortest_a(structure), abs=1e-3)


def reads_back(made: Structure) -> None:
    """Every format that can hold the structure gives it back to 1e-6."""
    for fmt in ("cif", "poscar", "extxyz", "json") if made.is_ordered else ("cif", "json"):
        read = parse(write_structure(made, fmt), fmt).structure
        assert len(read) == len(made)
        assert read.lattice.parameters == pytest.approx(made.lattice.parameters, abs=2e-6)
        apart_frac = read.frac_coords[:, None] - made.frac_coords[None]
        off = np.abs(apart_frac - np.round(apart_frac)).max(axis=2)
        order = off.argmin(axis=1)
        assert sorted(order) == list(range(len(made)))
        assert off[np.arange(len(made)), order].max() < 2e-6
        for site, at in zip(read, order, strict=True):
            elements = site.species.element_composition
            assert elements.almost_equals(made[int(at)].species.element_composition)


@given(ANY, strains)
def test_strained_back_is_the_crystal_itself(structure: Structure, voigt: list[float]) -> None:
    steps = edit(structure, {"op": "strain", "voigt": voigt})
    tensor = np.array(steps[0].report["strain_tensor"])
    back = np.linalg.inv(np.eye(3) + tensor) - np.eye(3)
    (again,) = edit(steps[0].structure, {"op": "strain", "matrix": back.tolist()})
    assert np.allclose(again.structure.lattice.matrix, structure.lattice.matrix, atol=1e-6)
    assert np.allclose(again.structure.frac_coords, structure.frac_coords)
    least = np.linalg.svd(np.eye(3) + tensor)[1].min()
    assert shortest_a(steps[0].structure) >= least * shortest_a(structure) - 1e-6


@given(CHARGED, positions, st.sampled_from(["frac_vector", "vector_a"]))
def test_translated_back_is_the_crystal_itself(
    structure: Structure, vector: list[float], frame: str
) -> None:
    there, back = edit(
        structure,
        {"op": "translate", frame: vector},
        {"op": "translate", frame: [-x for x in vector]},
    )
    assert back.structure == structure
    assert there.report["length_a"] == pytest.approx(
        np.linalg.norm(there.report["vector_a"]), abs=1e-6
    )
    assert np.allclose(
        structure.lattice.get_cartesian_coords(there.report["frac_vector"]),
        there.report["vector_a"],
        atol=1e-6,
    )


@given(CHARGED, directions, st.floats(-180, 180))
def test_rotated_back_is_the_crystal_itself(
    structure: Structure, axis: list[int], angle: float
) -> None:
    there, back = edit(
        structure,
        {"op": "rotate", "axis": axis, "angle_deg": angle},
        {"op": "rotate", "axis": axis, "angle_deg": -angle},
    )
    assert np.allclose(back.structure.lattice.matrix, structure.lattice.matrix, atol=1e-9)
    assert np.allclose(back.structure.frac_coords, structure.frac_coords, atol=1e-9)
    matrix = np.array(there.report["rotation_matrix"])
    assert np.allclose(matrix @ matrix.T, np.eye(3), atol=1e-7)
    assert np.allclose(
        structure.lattice.matrix @ matrix.T, there.structure.lattice.matrix, atol=1e-6
    )
    assert there.structure.site_properties == structure.site_properties


@given(SMALL, st.lists(st.integers(1, 2), min_size=3, max_size=3))
def test_the_primitive_cell_of_a_supercell_is_that_of_the_crystal(
    structure: Structure, repeats: list[int]
) -> None:
    _, small = edit(structure, {"op": "supercell", "repeats": repeats}, {"op": "primitive"})
    (direct,) = edit(structure, {"op": "primitive"})
    assert len(small.structure) == len(direct.structure)
    assert StructureMatcher(scale=False).fit(small.structure, direct.structure)


@given(ANY)
def test_the_matrix_of_a_standard_cell_gives_its_shape_from_the_former_vectors(
    structure: Structure,
) -> None:
    (step,) = edit(structure, {"op": "conventional"})
    made = Lattice(np.array(step.report["matrix"]) @ structure.lattice.matrix)
    assert made.parameters == pytest.approx(step.structure.lattice.parameters, abs=2e-2)
    # They are lattice vectors of the crystal: whole numbers of primitive vectors.
    primitive = SpacegroupAnalyzer(structure, symprec=0.01).get_symmetry_dataset()
    inside = made.matrix @ np.linalg.inv(primitive.primitive_lattice)
    assert np.allclose(inside, np.round(inside), atol=2e-2)


@given(ANY, lattices("triclinic P"), st.sampled_from(["fractional", "cartesian"]))
def test_a_lattice_set_back_is_the_crystal_itself(
    structure: Structure, lattice: Lattice, keep: str
) -> None:
    asked = {"op": "set_lattice", "keep": keep}
    there_and_back = (
        {**asked, "matrix": cell.matrix.tolist()} for cell in (lattice, structure.lattice)
    )
    try:
        there, back = edit(structure, *there_and_back)
    except InvalidInput as error:
        assert "apart" in str(error)  # noqa: PT017
        return
    assert there.structure.lattice == lattice
    if keep == "fractional":
        assert np.allclose(back.structure.frac_coords, structure.frac_coords)
    assert np.allclose(back.structure.lattice.matrix, structure.lattice.matrix)


@given(CHARGED, st.sampled_from(["a", "b", "c", "symbol", "electronegativity"]))
def test_sorting_is_a_permutation_and_sorting_again_changes_nothing(
    structure: Structure, by: str
) -> None:
    once, twice = edit(structure, {"op": "sort", "by": by}, {"op": "sort", "by": by})
    order = once.report["old_site_of_new"]
    assert sorted(order) == list(range(len(structure)))
    assert [structure[old] for old in order] == list(once.structure)
    assert once.structure == twice.structure
    assert structure_id(once.structure) == structure_id(twice.structure)
    assert twice.report["n_moved"] == 0


@given(CHARGED, st.floats(0.5, 2))
def test_a_volume_scaled_back_is_the_crystal_itself(structure: Structure, factor: float) -> None:
    assume(shortest_a(structure) * factor ** (1 / 3) > 0.6)
    there, back = edit(
        structure,
        {"op": "scale_volume", "factor": factor},
        {"op": "scale_volume", "volume_a3": float(structure.volume)},
    )
    assert there.structure.volume == pytest.approx(factor * structure.volume)
    assert there.report["spacegroup_after"] == there.report["spacegroup_before"]
    assert np.allclose(back.structure.lattice.matrix, structure.lattice.matrix, atol=1e-9)


@given(CHARGED, st.integers(0, 7), st.sampled_from([1e-4, 1e-3]))
def test_handles_are_equal_for_equal_structures_and_differ_for_others(
    structure: Structure, site: int, shift: float
) -> None:
    assert structure_id(structure) == structure_id(structure.copy())
    moved = structure.copy()
    moved.translate_sites([site % len(structure)], [shift, 0, 0])
    assert structure_id(moved) != structure_id(structure)
    stretched = structure.copy()
    stretched.lattice = Lattice(structure.lattice.matrix * (1 + shift))
    assert structure_id(stretched) != structure_id(structure)


@pytest.mark.parametrize("kind", BRAVAIS)
def test_one_atom_on_each_bravais_lattice_has_its_system_and_centring(kind: str) -> None:
    # The oracle is crystallography: a lattice has the holohedry of its system, and its centring.
    system, centring = kind.split()

    @settings(max_examples=3, deadline=None)
    @given(lattices(kind))
    def check(lattice: Lattice) -> None:
        (step,) = edit(Structure(lattice, ["Cu"], [[0, 0, 0]]), {"op": "conventional"})
        symbol = step.report["spacegroup_after"]
        found = SpacegroupAnalyzer(step.structure).get_crystal_system()
        order = [
            "triclinic",
            "monoclinic",
            "orthorhombic",
            "tetragonal",
            "trigonal",
            "hexagonal",
            "cubic",
        ]
        wanted = {"rhombohedral": "trigonal"}.get(system, system)
        # Parameters drawn equal by chance make a higher system.
        assert order.index(found) >= order.index(wanted)
        if found == wanted:
            assert symbol[0] == centring

    check()
