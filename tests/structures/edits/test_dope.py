from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pymatgen.core import Lattice, Structure

from llamp_mcp.errors import InvalidInput
from llamp_mcp.structures.edits import dope
from llamp_mcp.structures.identity import structure_id
from tests.structures.conftest import SILICON_A, crystals, edit, salt, silicon


@cache
def silicon_64() -> Structure:
    return silicon(conventional=True) * [2, 2, 2]


def magnetite() -> Structure:
    return Structure.from_spacegroup(
        "Fd-3m:2", Lattice.cubic(8.394), ["Fe", "Fe", "O"], [[0.125] * 3, [0.5] * 3, [0.2549] * 3]
    )


@given(crystals(), st.data())
def test_doping_changes_only_the_counts(structure: Structure, data: st.DataObject) -> None:
    cell = structure * [2, 1, 1]
    host = data.draw(st.sampled_from(sorted({site.specie.symbol for site in cell})))
    hosts = int(cell.composition[host])
    fraction = data.draw(st.floats(0.5 / hosts, 1))
    step = edit(cell, {"op": "dope", "species": {host: "Ge"}, "fraction": fraction})[0]
    told = step.report["doped"][0]
    placed = step.structure.composition["Ge"]
    assert told["n_dopants"] == placed == hosts - step.structure.composition[host]
    assert abs(placed - fraction * hosts) <= 0.5 + 1e-9
    assert told["fraction_achieved"] == pytest.approx(placed / hosts, abs=1e-6)
    assert np.array_equal(step.structure.frac_coords, cell.frac_coords)
    assert step.structure.lattice == cell.lattice


def test_the_same_seed_makes_the_same_structure_and_the_seeds_go_through_all_arrangements() -> None:
    made = [
        edit(silicon_64(), {"op": "dope", "species": {"Si": "P"}, "count": 2, "seed": seed})[0]
        for seed in range(10)
    ]
    again = edit(silicon_64(), {"op": "dope", "species": {"Si": "P"}, "count": 2, "seed": 4})[0]
    assert structure_id(again.structure) == structure_id(made[4].structure)
    arrangements = [step.report["arrangement"] for step in made]
    assert {told["inequivalent"] for told in arrangements} == {9}
    assert sum(told["multiplicity"] for told in arrangements[:9]) == 64 * 63 // 2
    assert structure_id(made[9].structure) == structure_id(made[0].structure)
    # Every pair of sites in diamond is one of nine distances; pymatgen tells them.
    apart = {round(float(d), 3) for d in silicon_64().distance_matrix[np.triu_indices(64, 1)]}
    told = {step.report["dopant_distance"]["shortest_a"] for step in made}
    assert told == apart


def test_one_dopant_goes_on_each_inequivalent_site_in_turn() -> None:
    # The octahedral iron of a spinel (16d, six oxygens), then the tetrahedral (8a, four).
    steps = [
        edit(magnetite(), {"op": "dope", "species": {"Fe": "Co"}, "count": 1, "seed": seed})[0]
        for seed in (0, 1)
    ]
    assert [step.report["arrangement"]["multiplicity"] for step in steps] == [16, 8]
    sites = [step.report["doped"][0]["sites"][0] for step in steps]
    assert [site["neighbours"] for site in sites] == [{"O": 6}, {"O": 4}]
    assert [site["species"] for site in sites] == ["Co", "Co"]
    assert steps[0].report["dopant_distance"]["image"]
    assert steps[0].report["dopant_distance"]["shortest_a"] == pytest.approx(8.394)


def test_the_concentration_is_that_of_the_cell() -> None:
    step = edit(silicon_64(), {"op": "dope", "species": {"Si": "B"}, "fraction": 0.02})[0]
    told = step.report["doped"][0]
    assert (told["n_dopants"], told["n_host_sites"], told["fraction_asked"]) == (1, 64, 0.02)
    assert told["fraction_achieved"] == told["concentration_atomic_percent"] / 100 == 1 / 64
    # Eight atoms in a cube of edge a; 1 Å = 1e-8 cm.
    density = 8 / (SILICON_A * 1e-8) ** 3
    assert told["concentration_per_cm3"] == pytest.approx(density / 64, rel=1e-4)


def test_several_hosts_are_doped_at_once() -> None:
    step = edit(salt(), {"op": "dope", "species": {"Na": "K", "Cl": "Br"}, "count": 1})[0]
    assert step.structure.composition.formula == "K1 Na3 Br1 Cl3"
    assert [told["dopant"] for told in step.report["doped"]] == ["K", "Br"]
    # Br next to K at a/2, or across the cube's diagonal: 12 and 4 of 16 arrangements.
    assert step.report["arrangement"]["multiplicity"] == 12
    assert step.report["dopant_distance"]["shortest_a"] == pytest.approx(2.82)


def test_too_many_arrangements_are_sampled_by_the_seed_and_it_is_said() -> None:
    arguments = {"op": "dope", "species": {"Si": "P"}, "fraction": 0.125}
    made = [edit(silicon_64(), {**arguments, "seed": seed})[0] for seed in (1, 1, 2)]
    assert "at random" in made[0].report["arrangement"]["chosen"]
    assert made[0].report["arrangement"]["arrangements"] == 4426165368  # 64 over 8
    handles = [structure_id(step.structure) for step in made]
    assert handles[0] == handles[1] != handles[2]
    sites = made[0].report["doped"][0]["site_numbers"]
    assert [made[0].structure[site].specie.symbol for site in sites] == ["P"] * 8


def test_a_single_dopant_needs_no_table_of_operations(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dope, "site_permutations", lambda _structure: None)
    arguments = {"op": "dope", "species": {"Fe": "Co"}}
    one = edit(magnetite(), {**arguments, "count": 1})[0].report["arrangement"]
    assert (one["inequivalent"], one["multiplicity"]) == (2, 16)
    two = edit(magnetite(), {**arguments, "count": 2})[0].report["arrangement"]
    assert "at random" in two["chosen"]


def test_moments_kept_from_the_host_are_told() -> None:
    iron = Structure(Lattice.cubic(2.87), ["Fe", "Fe"], [[0.0] * 3, [0.5] * 3])
    iron.add_site_property("magmom", [2.2, 2.2])
    step = edit(iron, {"op": "dope", "species": {"Fe": "Co"}, "count": 1})[0]
    assert step.structure.site_properties["magmom"] == [2.2, 2.2]
    assert any("magnetic moment" in note for note in step.notes)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"fraction": 0.01}, "fraction = 0.01 of 4 Na sites.*at least 13 cells.*about 25 cells"),
        ({"count": 5}, "count = 5.*at most the 4 Na sites"),
        ({}, "exactly one of fraction | count; got none"),
        ({"fraction": 0.5, "count": 1}, "got fraction and count"),
        ({"fraction": 1.5}, "fraction = 1.5, allowed: above 0, at most 1"),
        ({"count": 0}, "count = 0, allowed: at least 1"),
        ({"species": {"Fe": "K"}, "count": 1}, "holds no Fe.*Cl, Na"),
        ({"species": {"Na": "Qq"}, "count": 1}, "'Qq' is not a chemical species"),
    ],
)
def test_an_impossible_doping_is_explained(arguments: dict[str, Any], said: str) -> None:
    with pytest.raises(InvalidInput, match=said):
        edit(salt(), {"op": "dope", "species": {"Na": "K"}, **arguments})


def test_a_host_named_twice_or_shared_is_refused() -> None:
    ions = Structure(Lattice.cubic(5), ["Fe2+", "Fe3+"], [[0.0] * 3, [0.5] * 3])
    with pytest.raises(InvalidInput, match="name the same sites"):
        edit(ions, {"op": "dope", "species": {"Fe": "Co", "Fe3+": "Al3+"}, "count": 1})
    shared = Structure(Lattice.cubic(4), [{"Fe": 0.5, "Ni": 0.5}], [[0, 0, 0]])
    with pytest.raises(InvalidInput, match=r"Site 0 holds Fe:0.5, Ni:0.5.*order or sqs"):
        edit(shared, {"op": "dope", "species": {"Fe": "Co"}, "count": 1})
