from __future__ import annotations

from functools import cache
from math import comb, cosh, pi, sqrt
from typing import Any

import pytest
from hypothesis import given
from pymatgen.core import Composition, Lattice, Structure
from pymatgen.core.ewald import EwaldSummation
from pymatgen.transformations.standard_transformations import (
    OrderDisorderedStructureTransformation,
)
from scipy import constants

from llamp_mcp.errors import InvalidInput
from llamp_mcp.structures.edits import order
from tests.structures.conftest import crystals, edit, salt

EV_A = constants.e / (4 * pi * constants.epsilon_0) * 1e10
"""Energy of two elementary charges 1 Å apart, eV."""


def half(repeats: int = 2) -> Structure:
    """A simple cubic lattice whose sites Na+ and Cl- share, 2.82 Å apart."""
    cell = Structure(Lattice.cubic(2.82), [{"Na+": 0.5, "Cl-": 0.5}], [[0, 0, 0]])
    return cell * [repeats, repeats, repeats]


@cache
def spinel() -> Structure:
    return Structure.from_spacegroup(
        "Fd-3m:2",
        Lattice.cubic(8.25),
        ["Li+", Composition({"Mn3+": 0.5, "Mn4+": 0.5}), "O2-"],
        [[0.125] * 3, [0.5] * 3, [0.263] * 3],
    )


def layered(*repeats: int) -> Structure:
    """Half-charged LiCoO2: lithium leaves, cobalt is oxidised."""
    return Structure.from_spacegroup(
        "R-3m",
        Lattice.hexagonal(2.82, 14.05),
        [Composition({"Li+": 0.5}), Composition({"Co3+": 0.5, "Co4+": 0.5}), "O2-"],
        [[0, 0, 0.5], [0, 0, 0], [0, 0, 0.2415]],
    ) * list(repeats)


def test_rock_salt_is_the_lowest_ordering_of_two_ions_on_a_cubic_lattice() -> None:
    step = edit(half(), {"op": "order"})[0]
    # Benson's series of the Madelung constant of rock salt, 1.7476.
    odd = range(1, 16, 2)
    madelung = 12 * pi * sum(cosh(pi / 2 * sqrt(m * m + n * n)) ** -2 for m in odd for n in odd)
    assert madelung == pytest.approx(1.747565, abs=1e-6)
    assert step.report["ewald_energy_ev"] == pytest.approx(-4 * madelung * EV_A / 2.82, rel=1e-5)
    assert step.report["spacegroup_after"] == "Fm-3m (225)"
    assert step.structure.composition.formula == "Na4 Cl4"
    # The six ways to colour the corners of a cube half and half (Pólya).
    assert (step.report["arrangements"], step.report["orderings"]) == (70, 6)
    assert sum(one["multiplicity"] for one in step.report["lowest"]) == 70
    assert step.report["lowest"][0] == {"above_lowest_ev": 0, "multiplicity": 2}
    assert any("point charges only" in note for note in step.notes)


def test_the_ranking_is_that_of_pymatgens_transformation() -> None:
    step = edit(spinel(), {"op": "order"})[0]
    theirs = OrderDisorderedStructureTransformation().apply_transformation(
        spinel(), return_ranked_list=10
    )
    assert isinstance(theirs, list)
    energies = [float(one["energy"]) for one in theirs if isinstance(one, dict)]
    assert len(energies) == 10
    lowest = step.report["ewald_energy_ev"]
    ours = [
        lowest + one["above_lowest_ev"]
        for one in step.report["lowest"]
        for _ in range(one["multiplicity"])
    ]
    assert step.report["arrangements"] == comb(16, 8)
    assert ours[:10] == pytest.approx(energies, abs=1e-3)


@pytest.mark.parametrize("rank", [0, 1, 5])
def test_each_rank_has_the_energy_told_of_it(rank: int) -> None:
    step = edit(layered(2, 1, 1), {"op": "order", "rank": rank})[0]
    assert step.structure.is_ordered
    assert step.structure.formula == "Li3 Co6 O12"
    total = EwaldSummation(step.structure).total_energy
    assert step.report["ewald_energy_ev"] == pytest.approx(total, abs=1e-3)
    above = [one["above_lowest_ev"] for one in step.report["lowest"]]
    assert above == sorted(above)


def test_the_background_of_a_charged_cell_is_part_of_the_energy() -> None:
    charged = Structure(Lattice.cubic(3), [{"Na+": 0.5, "Mg2+": 0.5}], [[0, 0, 0]]) * [2, 1, 1]
    step = edit(charged, {"op": "order"})[0]
    assert step.report["ewald_energy_ev"] == pytest.approx(
        EwaldSummation(step.structure).total_energy, abs=1e-4
    )
    assert any("+3 e per cell" in note for note in step.notes)


def test_the_fast_search_finds_what_the_complete_one_does(monkeypatch: pytest.MonkeyPatch) -> None:
    cells = [half(), layered(2, 1, 1), spinel()]
    complete = [edit(cell, {"op": "order"})[0] for cell in cells]
    monkeypatch.setattr(order, "MAX_ARRANGEMENTS", 1)
    for cell, known in zip(cells, complete, strict=True):
        step = edit(cell, {"op": "order"})[0]
        assert step.report["method"].startswith("fast")
        assert step.report["ewald_energy_ev"] == pytest.approx(known.report["ewald_energy_ev"])
        assert step.structure.composition == known.structure.composition
        assert step.structure == edit(cell, {"op": "order"})[0].structure


@given(crystals(charged=True))
def test_ordering_keeps_composition_cell_and_positions(structure: Structure) -> None:
    cell = structure * [1, 2, 1]
    for site in cell:
        if site.specie.symbol == "Li":
            site.species = {"Na+": 0.5, "Mg2+": 0.5}
    if cell.is_ordered:
        with pytest.raises(InvalidInput, match="ordered already"):
            edit(cell, {"op": "order"})
        return
    step = edit(cell, {"op": "order"})[0]
    assert step.structure.is_ordered
    assert step.structure.composition.almost_equals(cell.composition)
    assert step.structure.lattice == cell.lattice
    assert (step.structure.frac_coords == cell.frac_coords).all()


def test_occupancies_that_do_not_make_whole_atoms_tell_the_supercell_that_does() -> None:
    cell = half(1)
    with pytest.raises(InvalidInput, match=r"0.5 Na\+, 0.5 Cl-.*multiple of 2 cells \(2 sites\)"):
        edit(cell, {"op": "order"})
    steps = edit(cell, {"op": "supercell", "repeats": [2, 1, 1]}, {"op": "order"})
    assert steps[1].structure.formula == "Na1 Cl1"
    crooked = Structure(Lattice.cubic(3), [{"Na+": 0.51234, "Cl-": 0.48766}], [[0, 0, 0]])
    with pytest.raises(InvalidInput, match=r"0.5123 Na.*multiple of 39 cells"):
        edit(crooked, {"op": "order"})


def test_thirds_written_with_three_digits_are_thirds() -> None:
    third = {"Ni2+": 0.333, "Co3+": 0.333, "Mn4+": 0.333}
    cell = Structure(Lattice.hexagonal(2.87, 14.2), [third], [[0, 0, 0]]) * [3, 1, 1]
    step = edit(cell, {"op": "order"})[0]
    assert step.structure.formula == "Mn1 Co1 Ni1"
    told = step.report["sublattices"][0]
    assert told["placed"] == {"Ni2+": 1, "Co3+": 1, "Mn4+": 1}


def test_ions_of_equal_charge_are_said_not_to_be_decided() -> None:
    shares = {"Na+": 0.25, "K+": 0.25, "Mg2+": 0.5}
    cell = Structure(Lattice.cubic(4), [shares], [[0, 0, 0]]) * [2, 2, 1]
    step = edit(cell, {"op": "order"})[0]
    assert any("equal charges" in note for note in step.notes)


@pytest.mark.parametrize(
    ("cell", "arguments", "said"),
    [
        (salt(), {}, "no partially occupied site.*substitute"),
        (
            Structure(Lattice.cubic(4), [{"Cu": 0.5, "Au": 0.5}], [[0] * 3]) * [2, 1, 1],
            {},
            "needs oxidation states, and Au, Cu has none.*decorate_oxidation_states",
        ),
        (
            Structure(Lattice.cubic(4), [{"Na+": 0.5, "K+": 0.5}], [[0] * 3]) * [2, 1, 1],
            {},
            "has the same charge, so every ordering.*Use sqs",
        ),
        (half(), {"rank": 6}, "rank = 6, but 6 orderings.*0 to 5"),
        (half(), {"rank": -1}, "rank: .*greater than or equal to 0"),
        (half(8), {}, "512 sites.*at most 500"),
    ],
)
def test_an_impossible_ordering_is_explained(
    cell: Structure, arguments: dict[str, Any], said: str
) -> None:
    with pytest.raises(InvalidInput, match=said):
        edit(cell, {"op": "order", **arguments})
