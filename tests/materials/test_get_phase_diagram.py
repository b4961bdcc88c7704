from __future__ import annotations

import pytest
from pydantic import ValidationError
from pymatgen.core import Composition, Lattice, Structure

from llamp_mcp.errors import InvalidInput, NotFound
from llamp_mcp.materials.get_phase_diagram import OPERATION, PhaseDiagramParams, get_phase_diagram
from llamp_mcp.materials.presentation import number
from llamp_mcp.provenance import LineageStep
from tests.materials.thermodynamics.thermo_source import ThermoSource, document, shipped


@pytest.fixture
def documents(sample):
    return shipped(sample)


@pytest.fixture
def ask(documents, structures):
    def call(chemsys, source=None, **arguments):
        arguments = {"thermo_type": "GGA_GGA+U", **arguments}
        params = PhaseDiagramParams(chemsys=chemsys, **arguments)
        return get_phase_diagram(
            params, source=source or ThermoSource(documents), structures=structures
        )

    return call


@pytest.fixture
def own(structures):
    """A made-up cell Li2 Fe4 O10."""
    species = ["Li"] * 2 + ["Fe"] * 4 + ["O"] * 10
    cell = Structure(Lattice.cubic(6), species, [[at / 16] * 3 for at in range(16)])
    return structures.put(cell, LineageStep(action="test"))


def rows(result):
    return [*result.stable, *result.unstable]


def test_the_stored_hull_energies_of_lithium_iron_oxides_come_out_again(ask, documents):
    """Oracle: the values stored in the sample, computed from all of emmet's entries."""
    result = ask("Li-Fe-O", max_e_above_hull=5, limit=50)
    stored = {d["material_id"]: d for d in documents}
    shown = rows(result)
    assert len(shown) == 11 + 50
    for row in shown:
        document = stored[row["material_id"]]
        for name in ("energy_above_hull", "formation_energy_per_atom", "energy_per_atom"):
            assert row[name] == pytest.approx(document[name], abs=2e-8)
    assert not any("database_energy_above_hull" in row for row in shown)
    assert {row["formula"] for row in result.stable} == {
        d["formula_pretty"] for d in documents if d["is_stable"]
    }


def test_the_order_of_the_elements_does_not_matter(ask):
    assert ask("O-Fe-Li") == ask("Li-Fe-O")


def test_decomposition_conserves_atoms_and_releases_the_energy_above_the_hull(ask, documents):
    result = ask("Li-Fe-O", limit=50)
    energy = {d["material_id"]: d["energy_per_atom"] for d in documents}
    for row in result.unstable:
        left = Composition(row["formula"])
        products = result.decomposition[row["material_id"]]["products"]
        parts = [(p["amount"], Composition(p["formula"]), p["material_id"]) for p in products]
        right = sum((c * n for n, c, _ in parts), Composition())
        assert right.almost_equals(left, rtol=1e-6)
        released = sum(n * c.num_atoms * energy[i] for n, c, i in parts) / left.num_atoms
        above = row["energy_per_atom"] - released
        assert above == pytest.approx(row["energy_above_hull"], abs=1e-6)


def test_a_formula_means_its_system_and_its_own_decomposition(ask):
    result = ask("Fe3O4")
    assert result.chemsys == "Fe-O"
    asked = result.decomposition["Fe3O4"]
    assert {p["formula"]: p["amount"] for p in asked["products"]} == pytest.approx(
        {"Fe2O3": 1, "FeO": 1}
    )
    assert asked["lowest_entry"] == "mp-19306"
    assert "Fe3O4 asked for: the hull has formation_energy_per_atom" in result.text()


def test_a_composition_without_an_entry_still_decomposes(ask):
    result = ask("LiFe3O7")
    assert "lowest_entry" not in result.decomposition["LiFe3O7"]
    assert "no entry of this composition" in result.text()


def test_lists_are_cut_with_their_totals(ask):
    result = ask("Li-Fe-O", limit=3)
    assert (len(result.stable), len(result.unstable)) == (3, 3)
    assert (result.total_stable, result.total_unstable, result.total_entries) == (11, 61, 74)
    assert "Stable (3 of 11 shown)" in result.text()
    assert "Unstable (3 of 61 shown)" in result.text()


def test_the_bound_limits_what_is_unstable(ask):
    assert ask("Li-Fe-O", max_e_above_hull=0).unstable == []
    heights = [row["energy_above_hull"] for row in ask("Li-Fe-O", max_e_above_hull=0.01).unstable]
    assert heights
    assert heights == sorted(heights)
    assert max(heights) <= 0.01


def test_the_text_holds_every_id_and_number_within_its_budget(ask, own):
    include = [{"structure_id": own, "formation_energy_ev_per_atom": -1.6}]
    result = ask("Li-Fe-O", limit=50, include=include)
    text = result.text()
    for row in rows(result):
        name = row.get("material_id") or row["structure_id"]
        line = next(line for line in text.splitlines() if line.startswith(name))
        numbers = [value for value in row.values() if isinstance(value, float)]
        numbers += [p["amount"] for p in result.decomposition.get(name, {}).get("products", ())]
        assert all(number(value) in line for value in numbers)
    assert len(text.encode()) / 4 < 6_000
    assert text.startswith("Source: synthetic documents.")


def test_sources_of_rows_are_named(ask, documents):
    marked = [{**d, "_sources": {"energy_per_atom": "made-up"}} for d in documents]
    result = ask("Fe-O", source=ThermoSource(marked))
    assert result.sources == {"made-up": "made up for a test (v0)"}
    assert "[a] made up for a test" in result.text()
    fact = next(iter(OPERATION.facts(result)))
    assert (fact.unit, fact.source) == ("eV/atom", "made up for a test (v0)")


def test_another_hull_energy_of_the_database_stands_beside_ours_with_a_reason(ask, documents):
    changed = [
        {**d, "energy_above_hull": 0.08} if d["material_id"] == "mp-19306" else d for d in documents
    ]
    result = ask("Fe-O", source=ThermoSource(changed))
    row = next(row for row in result.unstable if row["material_id"] == "mp-19306")
    assert row["energy_above_hull"] == pytest.approx(0.0130592, abs=1e-6)
    assert row["database_energy_above_hull"] == 0.08
    assert "for 1 of 30 entries the database's own energy_above_hull differs" in result.text()
    facts = {f.property: f.value for f in OPERATION.facts(result) if f.subject == "mp-19306"}
    assert facts["energy_above_hull"] == 0.08
    assert facts["computed_energy_above_hull"] == row["energy_above_hull"]


def test_notes_of_the_source_are_passed_on(ask, documents):
    result = ask("Fe", source=ThermoSource(documents, ("fetched 2026-01-01",)))
    assert "Note: fetched 2026-01-01" in result.text()


def test_a_formation_energy_places_a_structure_and_moves_no_hull(ask, own):
    include = [{"structure_id": own, "formation_energy_ev_per_atom": -1.9}]
    result = ask("Li-Fe-O", include=include)
    row = next(row for row in result.stable if "user" in row)
    assert row["structure_id"] == own
    assert row["formula"] == "LiFe2O5"
    assert row["formation_energy_per_atom"] == pytest.approx(-1.9)
    asked = ask("LiFe2O5").decomposition["LiFe2O5"]
    below = -1.9 - asked["formation_energy_per_atom"]
    assert row["energy_above_hull"] == pytest.approx(below)
    assert below < 0
    assert result.decomposition[own]["products"] == asked["products"]
    assert result.total_stable == ask("Li-Fe-O").total_stable == 11
    assert "(yours)" in result.text()
    assert "below the Project's hull" in result.text()


def test_total_energies_of_the_same_method_are_placed_as_they_are(ask, own):
    per_atom = {"structure_id": own, "energy_ev_per_atom": -6.9, "same_method": True}
    total = {"structure_id": own, "energy_ev": -6.9 * 16, "same_method": True}
    first, second = (ask("Li-Fe-O", include=[item]).unstable[0] for item in (per_atom, total))
    assert first["energy_above_hull"] == pytest.approx(second["energy_above_hull"])
    assert first["energy_per_atom"] == pytest.approx(-6.9)
    assert first["energy_above_hull"] > 0


def test_an_energy_far_from_the_hull_is_questioned(ask, own):
    include = [{"structure_id": own, "energy_ev_per_atom": -3, "same_method": True}]
    assert "more than 1 eV/atom from the hull" in ask("Li-Fe-O", include=include).text()


@pytest.mark.parametrize(
    ("item", "match"),
    [
        ({"energy_ev": -1}, "same_method=true"),
        ({"energy_ev_per_atom": -1}, "MaterialsProject2020Compatibility"),
        ({}, "exactly one of"),
        ({"energy_ev": -1, "energy_ev_per_atom": -1, "same_method": True}, "exactly one of"),
        ({"energy": -1}, "energy"),
        ({"formation_energy_ev_per_atom": float("nan")}, "finite"),
    ],
)
def test_energies_that_cannot_be_compared_are_refused(item, match):
    with pytest.raises(ValidationError, match=match):
        PhaseDiagramParams(chemsys="Fe-O", include=[{"structure_id": "s-1", **item}])


def test_total_energies_have_no_place_among_mixed_ones(ask, own):
    include = [{"structure_id": own, "energy_ev_per_atom": -7, "same_method": True}]
    with pytest.raises(InvalidInput, match="formation_energy_ev_per_atom"):
        ask("Li-Fe-O", thermo_type="GGA_GGA+U_R2SCAN", include=include)


def test_a_structure_of_another_system_is_refused_before_anything_is_asked(ask, own, documents):
    source = ThermoSource(documents)
    include = [{"structure_id": own, "formation_energy_ev_per_atom": -1}]
    with pytest.raises(InvalidInput, match="has Li, which Fe-O has not"):
        ask("Fe-O", source=source, include=include)
    assert source.requests == 0


@pytest.mark.parametrize(("chemsys", "pictures"), [("Fe", 0), ("Fe-O", 1), ("Li-Fe-O", 1)])
def test_two_and_three_elements_have_a_picture(ask, chemsys, pictures):
    result = ask(chemsys)
    images = list(result.images())
    assert len(images) == pictures
    assert all(image.startswith(b"\x89PNG") for image in images)
    assert ("no plot" in result.text()) == (not pictures)
    assert "_picture" not in result.model_dump()


def test_four_elements_have_a_hull_but_no_picture(ask):
    source = ThermoSource([document(n, e, -1.0) for n, e in enumerate(("Li", "Fe", "P", "O"))])
    result = ask("Li-Fe-P-O", source=source)
    assert result.total_stable == 4
    assert not list(result.images())


def test_the_error_for_another_thermo_type_says_which_one_is_here(ask):
    with pytest.raises(NotFound, match=r"74 GGA_GGA\+U\..*thermo_type='GGA_GGA\+U'"):
        ask("Li-Fe-O", thermo_type="R2SCAN")


@pytest.mark.parametrize("chemsys", ["Li-Li", "Qq-O", "", "Li-Fe-Mn-Co-Ni-P-O", "LiFeMnCoNiPO"])
def test_bad_systems_are_refused(ask, chemsys):
    with pytest.raises(InvalidInput):
        ask(chemsys)


def test_the_shipped_sample_answers_and_says_what_it_is(source, structures):
    params = PhaseDiagramParams(chemsys="Li-Fe-O", thermo_type="GGA_GGA+U")
    result = get_phase_diagram(params, source=source, structures=structures)
    assert (result.total_stable, result.total_entries) == (11, 74)
    assert "offline extract" in result.text()
    assert "[a] Materials Project Li-Fe-O entries" in result.text()
