"""Edits of sites: substitute, vacancy, remove, insert."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pymatgen.core import Lattice, Structure

from llamp_mcp.errors import InvalidInput
from llamp_mcp.structures.identity import structure_id
from tests.structures.conftest import copper, crystals, edit, salt, silicon


@given(crystals(), st.data())
def test_substituting_everywhere_moves_nothing_and_counts_right(
    structure: Structure, data: st.DataObject
) -> None:
    old = data.draw(st.sampled_from(sorted({site.specie.symbol for site in structure})))
    step = edit(structure, {"op": "substitute", "species": {old: "Ge"}})[0]
    amount = structure.composition[old]
    assert step.structure.composition["Ge"] == amount
    assert step.structure.composition[old] == 0
    assert step.report["substituted"] == {f"{old} -> Ge": amount}
    assert np.array_equal(step.structure.frac_coords, structure.frac_coords)
    back = edit(step.structure, {"op": "substitute", "species": {"Ge": old}})[0]
    assert structure_id(back.structure) == structure_id(structure)


def test_two_species_may_change_places() -> None:
    made = edit(salt(), {"op": "substitute", "species": {"Na": "Cl", "Cl": "Na"}})[0].structure
    assert [site.specie.symbol for site in made] == ["Cl"] * 4 + ["Na"] * 4


def test_only_the_given_sites_change_and_their_surroundings_are_told() -> None:
    step = edit(silicon() * 2, {"op": "substitute", "species": {"Si": "Ge"}, "sites": [3]})[0]
    assert [index for index, site in enumerate(step.structure) if site.specie.symbol == "Ge"] == [3]
    told = step.report["sites"][0]
    assert (told["site"], told["species"], told["coordination"]) == (3, "Ge", 4)
    assert told["neighbours"] == {"Si": 4}


def test_a_charge_state_may_be_named_or_not() -> None:
    mixed = Structure(
        Lattice.cubic(5), ["Fe2+", "Fe3+", "O2-"], [[0.0] * 3, [0.5] * 3, [0.5, 0.0, 0.0]]
    )
    named = edit(mixed, {"op": "substitute", "species": {"Fe3+": "Al3+"}})[0].structure
    assert [site.species_string for site in named] == ["Fe2+", "Al3+", "O2-"]
    every = edit(mixed, {"op": "substitute", "species": {"Fe": "Al3+"}})[0].structure
    assert [site.species_string for site in every] == ["Al3+", "Al3+", "O2-"]


def test_a_shared_site_keeps_its_occupancies() -> None:
    shared = Structure(Lattice.cubic(4), [{"Fe": 0.5, "Ni": 0.3}], [[0, 0, 0]])
    made = edit(shared, {"op": "substitute", "species": {"Ni": "Co"}})[0].structure
    assert {str(sp): amount for sp, amount in made[0].species.items()} == {"Fe": 0.5, "Co": 0.3}


def test_a_vacancy_of_a_species_takes_one_atom_and_counts_the_inequivalent_ones() -> None:
    step = edit(salt(), {"op": "vacancy", "species": "Cl"})[0]
    assert step.report["removed"] == [
        {"site": 4, "species": "Cl", "frac_coords": salt()[4].frac_coords.tolist()}
    ]
    assert step.report["inequivalent_sites"] == [{"site": 4, "equivalent": 4}]
    assert step.report["surrounded_by"][0]["neighbours"] == {"Na": 6}
    assert step.structure.composition.formula == "Na4 Cl3"


def test_inequivalent_sites_of_a_species_are_told_apart() -> None:
    # Magnetite: iron on 8a (8 sites) and 16d (16 sites); the oxygen is one class of 32.
    magnetite = Structure.from_spacegroup(
        "Fd-3m:2",
        Lattice.cubic(8.394),
        ["Fe", "Fe", "O"],
        [[0.125] * 3, [0.5] * 3, [0.2549] * 3],
    )
    report = edit(magnetite, {"op": "vacancy", "species": "Fe"})[0].report
    assert [group["equivalent"] for group in report["inequivalent_sites"]] == [8, 16]


def test_removing_a_species_takes_all_its_atoms() -> None:
    step = edit(salt(), {"op": "remove", "species": "Cl"})[0]
    assert (step.report["n_removed"], step.structure.formula) == (4, "Na4")


@pytest.mark.parametrize("op", ["vacancy", "remove"])
@given(structure=crystals(), data=st.data())
def test_removing_sites_leaves_the_others_in_order(
    op: str, structure: Structure, data: st.DataObject
) -> None:
    numbers = st.lists(st.integers(0, len(structure) - 1), unique=True, min_size=1)
    sites = data.draw(numbers)
    if len(sites) == len(structure):
        with pytest.raises(InvalidInput, match="all"):
            edit(structure, {"op": op, "sites": sites})
        return
    step = edit(structure, {"op": op, "sites": sites})[0]
    expected = [site for index, site in enumerate(structure) if index not in sites]
    assert step.structure.sites == expected
    assert step.structure.lattice == structure.lattice
    assert step.report["volumetric_strain_percent"] == 0
    assert [gone["site"] for gone in step.report["removed"]] == sorted(sites)


@given(structure=crystals(), coords=st.lists(st.floats(0, 0.99), min_size=3, max_size=3))
def test_an_atom_inserted_and_removed_leaves_the_structure_as_it_was(
    structure: Structure, coords: list[float]
) -> None:
    edits: list[dict[str, Any]] = [
        {"op": "insert", "species": "H", "frac_coords": coords},
        {"op": "remove", "species": "H"},
    ]
    try:
        steps = edit(structure, *edits)
    except InvalidInput as error:
        assert "apart" in str(error)  # noqa: PT017
        return
    assert structure_id(steps[-1].structure) == structure_id(structure)


def test_cartesian_and_fractional_positions_agree() -> None:
    by_angstrom = edit(copper(), {"op": "insert", "species": "H", "cart_coords_a": [1.8075, 0, 0]})
    by_fraction = edit(copper(), {"op": "insert", "species": "H", "frac_coords": [0.5, 0, 0]})
    one, other = by_angstrom[0].structure, by_fraction[0].structure
    assert structure_id(one) == structure_id(other)
    # The octahedral site of fcc: six neighbours at half the lattice constant.
    inserted = by_fraction[0].report["inserted"]
    assert inserted["coordination"] == 6
    assert inserted["distances_a"] == pytest.approx([1.8075] * 6, abs=1e-3)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"op": "substitute", "species": {"Fe": "Co"}}, "holds no Fe.*Cl, Na"),
        ({"op": "substitute", "species": {"Na": "Qq"}}, "'Qq' is not a chemical species"),
        ({"op": "substitute", "species": {"Qq": "Na"}}, "'Qq' is not a chemical species"),
        ({"op": "substitute", "species": {}}, "species: .*at least 1"),
        ({"op": "substitute", "species": "Na"}, "species: .*dictionary"),
        ({"op": "substitute", "species": {"Na": "K"}, "sites": [5]}, "Site 5 holds Cl, not Na"),
        ({"op": "substitute", "species": {"Na": "K"}, "sites": [8]}, "no site 8.*0 to 7.*Cl, Na"),
        ({"op": "vacancy", "site": 8}, "no site 8.*0 to 7"),
        ({"op": "vacancy", "site": -1}, "no site -1"),
        ({"op": "vacancy", "species": "Fe"}, "holds no Fe"),
        ({"op": "vacancy"}, "exactly one of site | sites | species; got none"),
        ({"op": "vacancy", "site": 1, "species": "Na"}, "got site and species"),
        ({"op": "remove", "sites": list(range(8))}, "all 8 atoms"),
        ({"op": "remove", "sites": []}, "sites: .*at least 1"),
        ({"op": "insert", "species": "H"}, "exactly one of frac_coords | cart_coords_a"),
        ({"op": "insert", "species": "H", "frac_coords": [0, 0, 0]}, "0.000 Å apart"),
        ({"op": "insert", "species": "H", "frac_coords": [0, 0]}, "at least 3"),
    ],
)
def test_an_impossible_edit_of_sites_is_explained(arguments: dict[str, Any], said: str) -> None:
    with pytest.raises(InvalidInput, match=said):
        edit(salt(), arguments)
