from __future__ import annotations

import pytest
from pymatgen.core import Composition
from scipy.optimize import linprog

from llamp_mcp.errors import InvalidInput, NotFound
from llamp_mcp.materials.identifiers import subsystems
from llamp_mcp.materials.thermodynamics.hull import (
    MIXED,
    Hull,
    build,
    entry,
    read,
    unit_composition,
)
from tests.materials.thermodynamics.thermo_source import ThermoSource, document, shipped

AL, NI = -3.0, -5.0
"""Synthetic energies of the elements, eV/atom."""


def alloy(number, formula, formation, **values):
    x = Composition(formula).get_atomic_fraction("Ni")
    return document(number, formula, (1 - x) * AL + x * NI + formation, **values)


ALLOYS = [
    document(1, "Al", AL),
    document(2, "Ni", NI),
    alloy(3, "AlNi", -0.6),
    alloy(4, "Al3Ni", -0.2),
    alloy(5, "AlNi3", -0.4),
    alloy(6, "Al2Ni2", -0.55),
    alloy(7, "Al", 0.05),
]


@pytest.fixture
def hull():
    return build(ThermoSource(ALLOYS), ["Al", "Ni"], "GGA_GGA+U")[0]


def named(hull, number):
    return next(e for e in hull.entries if e.name == f"mp-{3_200_000 + number}")


def test_a_system_has_all_its_subsystems_in_alphabetical_order():
    assert subsystems(["O-Fe"]) == ("Fe", "O", "Fe-O")
    assert len(subsystems(["A-B-C-D-E-F"])) == 63


@pytest.mark.parametrize(
    ("given", "atoms"), [("O", 2), ({"Fe": 4, "O": 6}, 5), ("Li2O2", 4), ({"Fe3+": 2, "O2-": 3}, 5)]
)
def test_a_formula_unit_is_reduced_and_molecules_stay_whole(given, atoms):
    assert unit_composition(given).num_atoms == atoms


@pytest.mark.parametrize(
    ("number", "above"), [(1, 0), (2, 0), (3, 0), (4, 0.1), (5, 0), (6, 0.05), (7, 0.05)]
)
def test_heights_above_a_binary_hull_are_those_worked_out_by_hand(hull, number, above):
    """Oracle: by hand. The tie line Al-AlNi is at -0.3 eV/atom above Al3Ni's composition."""
    assert hull.above(named(hull, number)) == pytest.approx(above, abs=1e-9)


def test_decomposition_is_counted_in_formula_units(hull):
    """Al3Ni -> AlNi + 2 Al."""
    products = hull.products(named(hull, 4).composition)
    assert {e.formula: amount for e, amount in products} == pytest.approx({"AlNi": 1, "Al": 2})


def test_formation_energies_are_from_the_lowest_entry_of_each_element(hull):
    assert hull.references["Al"].energy == AL
    assert hull.formation_energy(named(hull, 3)) == pytest.approx(-0.6)


@pytest.fixture
def iron_oxides(sample):
    found = read(shipped(sample), ()).found
    return Hull(found, ["Fe", "Li", "O"])


def test_the_hull_of_a_ternary_agrees_with_linear_programming(iron_oxides):
    """Oracle: a second method. The hull is the cheapest mixture of entries of a composition."""
    entries = iron_oxides.entries
    fractions = [
        [e.composition.get_atomic_fraction(symbol) for e in entries] for symbol in ("Fe", "Li", "O")
    ]
    for e in entries:
        target = [e.composition.get_atomic_fraction(symbol) for symbol in ("Fe", "Li", "O")]
        best = linprog([c.energy for c in entries], A_eq=fractions, b_eq=target)
        assert iron_oxides.hull_energy(e.composition) == pytest.approx(best.fun, abs=1e-7)


@pytest.mark.parametrize(
    "shift", [{"Fe": 3.0, "Li": -1.5, "O": 0.25}, {"Fe": -40, "Li": 0, "O": 9}]
)
def test_a_constant_per_element_changes_no_height_and_no_formation_energy(iron_oxides, shift):
    """Oracle: an invariance. Only energies of reactions have a meaning, not their zero."""
    moved = []
    for e in iron_oxides.entries:
        constant = sum(shift[s] * e.composition.get_atomic_fraction(s) for s in shift)
        moved.append({**e.document, "energy_per_atom": e.energy + constant})
    other = Hull(read(moved, ()).found, ["Fe", "Li", "O"])
    for before, after in zip(iron_oxides.entries, other.entries, strict=True):
        assert other.above(after) == pytest.approx(iron_oxides.above(before), abs=1e-8)
        formation = iron_oxides.formation_energy(before)
        assert other.formation_energy(after) == pytest.approx(formation, abs=1e-8)


def test_entries_come_in_one_request():
    source = ThermoSource(ALLOYS)
    build(source, ["Al", "Ni"], "GGA_GGA+U")
    assert source.requests == 1


def test_documents_without_an_energy_are_counted_and_repeated_ones_are_not():
    documents = [*ALLOYS, ALLOYS[0], {**document(8, "AlNi", 0), "energy_per_atom": None}]
    entries = read(documents, ("fetched yesterday",))
    assert len(entries.found) == len(ALLOYS)
    assert entries.notes == ("fetched yesterday", "1 entries have no energy here and were left out")


def test_notes_of_documents_are_passed_on_once():
    documents = [alloy(n, "AlNi", 0, _notes=["licence BY-NC"]) for n in (1, 2)]
    assert read(documents, ()).notes == ("licence BY-NC",)


def test_a_document_without_composition_is_read_by_its_formula():
    made = entry({"material_id": "mp-3200001", "formula_pretty": "Fe2O3", "energy_per_atom": -1})
    assert made is not None
    assert made.composition == Composition("Fe2O3")


def test_a_missing_element_is_named_and_never_made_up():
    source = ThermoSource([d for d in ALLOYS if d["formula_pretty"] != "Ni"])
    with pytest.raises(NotFound, match=r"6 GGA_GGA\+U entries of Al-Ni, but none of elemental Ni"):
        build(source, ["Al", "Ni"], "GGA_GGA+U")


def test_a_thermo_type_without_entries_names_the_one_that_has_them():
    with pytest.raises(NotFound) as error:
        build(ThermoSource(ALLOYS), ["Al", "Ni"], "R2SCAN")
    assert "no R2SCAN entries of Al-Ni" in str(error.value)
    assert "here: 0 GGA_GGA+U_R2SCAN, 7 GGA_GGA+U." in str(error.value)
    assert "thermo_type='GGA_GGA+U'" in str(error.value)


def mixed(compound_shift):
    formation = {1: 0.0, 2: 0.0, 3: -0.6}
    documents = [
        {**d, "thermo_type": MIXED, "formation_energy_per_atom": formation[at]}
        for at, d in enumerate(ALLOYS[:3], 1)
    ]
    documents[2]["energy_per_atom"] += compound_shift
    return ThermoSource(documents)


def test_mixed_entries_on_one_scale_make_a_hull():
    hull, _ = build(mixed(0), ["Al", "Ni"], MIXED)
    assert hull.above(named(hull, 3)) == 0


def test_mixed_entries_on_two_scales_are_refused_with_what_to_ask_instead():
    """As when a compound is on the GGA and the elements on the r2SCAN scale."""
    with pytest.raises(InvalidInput, match=r"1 of 3 entries.*mp-3200003.*'GGA_GGA\+U'"):
        build(mixed(4.2), ["Al", "Ni"], MIXED)
