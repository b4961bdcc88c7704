"""Substitutions that make partially occupied sites; whole ones are in test_sites.py."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pymatgen.core import Lattice, Structure

from llamp_mcp.errors import InvalidInput
from llamp_mcp.structures.identity import structure_id
from tests.structures.conftest import copper, crystals, edit, salt


def share(structure: Structure, **species: str) -> Structure:
    return edit(structure, {"op": "substitute", "species": species})[0].structure


@given(crystals(), st.integers(1, 99), st.data())
def test_shares_conserve_the_rest(structure: Structure, percent: int, data: st.DataObject) -> None:
    old = data.draw(st.sampled_from(sorted({site.specie.symbol for site in structure})))
    amount = structure.composition[old]
    part = percent / 100
    made = share(structure, **{old: f"{old}{1 - part:.2f}Ge{part:.2f}"})
    assert made.composition["Ge"] == pytest.approx(amount * part)
    assert made.composition[old] == pytest.approx(amount * (1 - part))
    assert made.composition.num_atoms == pytest.approx(structure.composition.num_atoms)
    assert (made.frac_coords == structure.frac_coords).all()


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("Cu0.75Au0.25", {"Cu": 0.75, "Au": 0.25}),
        ("Cu.75 Au.25", {"Cu": 0.75, "Au": 0.25}),
        ("Cu:0.750, Au:0.250", {"Cu": 0.75, "Au": 0.25}),  # as reports and CIF readers write it
        ("Mn3+0.5Mn4+0.5", {"Mn3+": 0.5, "Mn4+": 0.5}),
        ("Li+0.4O2-0.6", {"Li+": 0.4, "O2-": 0.6}),
        ("Cu0.5", {"Cu": 0.5}),
        ("Fe0.25Fe0.25", {"Fe": 0.5}),
        ("Au1.0", {"Au": 1.0}),
        ("Fe3+", {"Fe3+": 1.0}),
    ],
)
def test_shares_may_be_written_so(written: str, meant: dict[str, float]) -> None:
    assert share(copper(), Cu=written)[0].species.as_dict() == pytest.approx(meant)


def test_what_is_left_empty_is_told() -> None:
    step = edit(salt(), {"op": "substitute", "species": {"Na": "K0.5Na0.4"}})[0]
    assert step.report["substituted"] == {"Na -> K0.5Na0.4": 4}
    shared = step.report["partially_occupied"]
    assert (shared["n_sites"], shared["vacant_on_average"]) == (4, 0.4)
    assert step.structure.composition.formula == "K2 Na1.6 Cl4"


def test_a_shared_site_is_shared_further() -> None:
    mixed = Structure(Lattice.cubic(4), [{"Fe": 0.5, "Ni": 0.5}], [[0, 0, 0]])
    made = share(mixed, Fe="Fe0.5Co0.5")
    assert made[0].species.as_dict() == {"Fe": 0.25, "Co": 0.25, "Ni": 0.5}


def test_shares_and_whole_species_make_different_handles() -> None:
    made = [share(salt(), Na=name) for name in ("K", "K0.5Na0.5", "K0.25Na0.75")]
    assert len({structure_id(one) for one in made}) == 3
    assert "partially_occupied" not in (
        edit(salt(), {"op": "substitute", "species": {"Na": "K"}})[0].report
    )


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("K0.5Na0.6", "'K0.5Na0.6' puts 1.1 atoms on a site.*at most 1"),
        ("K2", "'K2' puts 2 atoms"),
        ("K0.0", "'K0.0' puts 0 atoms"),
        ("Qq0.5", "'Qq' is not a chemical species"),
        ("KNa", "'KNa' is not a chemical species"),
        ("K0.5-Na0.5", "is not a chemical species"),
        ("", "is not a chemical species"),
    ],
)
def test_impossible_shares_are_explained(name: str, said: str) -> None:
    with pytest.raises(InvalidInput, match=said):
        edit(salt(), {"op": "substitute", "species": {"Na": name}})
