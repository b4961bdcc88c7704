from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from pymatgen.core import Composition, Lattice, Structure

from llamp_mcp.errors import InvalidInput
from llamp_mcp.structures.identity import structure_id
from tests.structures.conftest import copper, edit, salt


def alloy(**shares: float) -> Structure:
    """The primitive cell of an fcc alloy."""
    lattice = Lattice([[0, 1.9, 1.9], [1.9, 0, 1.9], [1.9, 1.9, 0]])
    return Structure(lattice, [shares], [[0, 0, 0]])


def unlike(structure: Structure, one: str, other: str, nearest_a: float) -> float:
    """The Warren-Cowley parameter of the pairs at a distance, by pymatgen's neighbours."""
    held = np.array([site.species_string for site in structure])
    centres = np.flatnonzero(held == one)
    near = [structure.get_neighbors(structure[int(at)], nearest_a + 0.05) for at in centres]
    seen = [
        site.species_string
        for sites in near
        for site in sites
        if site.nn_distance > nearest_a - 0.05
    ]
    return 1 - seen.count(other) / len(seen) / float(np.mean(held == other))


def test_an_alloy_becomes_a_cell_of_whole_atoms_whose_correlations_are_told() -> None:
    step = edit(alloy(Cu=0.75, Au=0.25), {"op": "sqs", "target_atoms": 32, "iterations": 20000})[0]
    assert step.structure.is_ordered
    assert step.structure.composition.formula == "Cu24 Au8"
    assert step.report["determinant"] == 32
    told = step.report["sublattices"][0]
    assert told["asked"] == {"Cu": 0.75, "Au": 0.25}
    assert told["placed"] == {"Cu": 24, "Au": 8}
    assert told["neighbours"] == [12, 6, 24, 12, 24]
    assert told["shells_a"] == pytest.approx([3.8 * np.sqrt(n / 2) for n in range(1, 6)], abs=1e-3)
    for nearest_a, parameter in zip(told["shells_a"], told["warren_cowley"]["Cu-Au"], strict=True):
        assert unlike(step.structure, "Cu", "Au", nearest_a) == pytest.approx(parameter, abs=1e-4)
    weighted = sum(abs(a) / k for k, a in enumerate(told["warren_cowley"]["Cu-Au"], start=1))
    assert told["objective"] == pytest.approx(weighted, abs=2e-4)
    assert told["objective"] < 0.06
    assert step.report["volumetric_strain_percent"] == 0


def test_the_same_seed_makes_the_same_structure() -> None:
    steps = [
        edit(
            alloy(Cu=0.5, Au=0.5),
            {"op": "sqs", "target_atoms": 24, "iterations": 2000, "seed": seed},
        )[0]
        for seed in (3, 3, 4)
    ]
    handles = [structure_id(step.structure) for step in steps]
    assert handles[0] == handles[1] != handles[2]


def test_only_the_shared_sites_are_filled_and_vacancies_are_a_species() -> None:
    zirconia = Structure.from_spacegroup(
        "Fm-3m",
        Lattice.cubic(5.14),
        [Composition({"Zr4+": 0.75, "Y3+": 0.25}), Composition({"O2-": 0.875})],
        [[0] * 3, [0.25] * 3],
    )
    zirconia.append("H+", [0.5, 0.5, 0.5])
    step = edit(zirconia, {"op": "sqs", "iterations": 1000})[0]
    assert step.structure.formula == "Y1 Zr3 H1 O7"
    assert [part["placed"] for part in step.report["sublattices"]] == [
        {"Y3+": 1, "Zr4+": 3},
        {"O2-": 7, "vacancy": 1},
    ]
    assert list(step.report["sublattices"][1]["warren_cowley"]) == ["O2--vacancy"]
    assert step.structure[-1].species_string == "H+"
    assert all(
        any(np.allclose(site.coords, old.coords) for old in zirconia) for site in step.structure
    )
    assert any("2 sublattices" in note for note in step.notes)
    assert step.report["sublattices"][0]["search"] == "complete"


def test_the_cell_as_it_is_serves_where_no_size_is_given() -> None:
    cell = alloy(Cu=0.5, Au=0.5) * [2, 2, 2]
    step = edit(cell, {"op": "sqs"})[0]
    assert (len(step.structure), step.structure.lattice) == (8, cell.lattice)
    assert step.report["sublattices"][0]["tried"] == 70


def test_the_cell_is_a_multiple_of_the_one_with_whole_atoms() -> None:
    step = edit(alloy(Cu=0.8, Au=0.2), {"op": "sqs", "target_atoms": 12, "iterations": 1000})[0]
    assert step.structure.composition.reduced_formula == "Cu4Au"
    assert len(step.structure) in (10, 15)
    small = edit(alloy(Cu=0.9, Au=0.1), {"op": "sqs", "target_atoms": 2, "iterations": 1000})[0]
    assert small.structure.composition.formula == "Cu9 Au1"


def test_a_high_entropy_alloy_has_a_row_for_every_pair() -> None:
    quarter = alloy(Nb=0.25, Mo=0.25, Ta=0.25, W=0.25)
    step = edit(quarter, {"op": "sqs", "target_atoms": 16, "iterations": 1000})[0]
    assert step.structure.composition.formula == "Ta4 Nb4 Mo4 W4"
    assert len(step.report["sublattices"][0]["warren_cowley"]) == 6


@pytest.mark.parametrize(
    ("cell", "arguments", "said"),
    [
        (salt(), {}, "no partially occupied site.*substitute"),
        (alloy(Cu=0.75, Au=0.25), {}, "0.75 Cu, 0.25 Au.*multiple of 4 cells"),
        (alloy(Cu=0.5, Au=0.5), {"target_atoms": 2000}, "2002 sites.*at most 1000"),
        (alloy(Cu=0.5, Au=0.5), {"target_atoms": 30000}, "target_atoms = 30000"),
        (alloy(Cu=0.5, Au=0.5), {"target_atoms": 0}, "target_atoms: .*greater than"),
        (alloy(Cu=0.5, Au=0.5), {"iterations": 0}, "iterations: .*greater than"),
        (copper(), {"repeats": [2, 2, 2]}, "does not take 'repeats'"),
    ],
)
def test_an_impossible_search_is_explained(
    cell: Structure, arguments: dict[str, Any], said: str
) -> None:
    with pytest.raises(InvalidInput, match=said):
        edit(cell, {"op": "sqs", **arguments})
