from __future__ import annotations

import pytest
import scipy.constants
from pymatgen.analysis.reaction_calculator import ComputedReaction
from pymatgen.core import Composition
from pymatgen.entries.computed_entries import ComputedEntry

from llamp_mcp.errors import InvalidInput, NotFound
from llamp_mcp.materials.get_reaction_energy import (
    EV_IN_KJ_PER_MOL,
    OPERATION,
    ReactionParams,
    get_reaction_energy,
)
from llamp_mcp.materials.presentation import number
from llamp_mcp.materials.thermodynamics.hull import MIXED
from tests.materials.thermodynamics.thermo_source import ThermoSource, document, shipped

TITANATE = [
    document(1, "BaCO3", -7.0),
    document(2, "TiO2", -8.5),
    document(3, "TiO2", -8.9),
    document(4, "BaTiO3", -8.1),
    document(5, "CO2", -7.6),
]
"""Synthetic energies."""


@pytest.fixture
def documents(sample):
    return shipped(sample)


@pytest.fixture
def ask(documents):
    def call(reactants, products, source=None, thermo_type="GGA_GGA+U"):
        params = ReactionParams(reactants=reactants, products=products, thermo_type=thermo_type)
        return get_reaction_energy(params, source=source or ThermoSource(documents))

    return call


def test_an_electronvolt_is_as_many_kilojoules_per_mole_as_codata_says():
    """Oracle: the constants of scipy (CODATA)."""
    exact = scipy.constants.e * scipy.constants.N_A / 1000
    assert pytest.approx(exact, rel=1e-12) == EV_IN_KJ_PER_MOL
    assert pytest.approx(96.48533212, abs=1e-8) == EV_IN_KJ_PER_MOL


def test_the_oxidation_of_iron_is_its_formation_energy_per_atom_times_ten(ask, documents):
    """Oracle: by hand. 4 Fe + 3 O2 -> 2 Fe2O3, ten atoms, whose formation energy is stored."""
    result = ask(["Fe", "O2"], ["Fe2O3"])
    stored = next(d for d in documents if d["material_id"] == "mp-19770")
    formation = stored["formation_energy_per_atom"]
    assert result.equation == "4 Fe + 3 O2 -> 2 Fe2O3"
    assert result.energy_ev == pytest.approx(10 * formation, abs=1e-6)
    assert result.energy_kj_per_mol == pytest.approx(965 * formation, rel=1e-3)
    assert result.energy_ev_per_atom == pytest.approx(formation, abs=1e-7)
    assert result.per_formula_unit["formula"] == "Fe2O3"
    assert result.per_formula_unit["energy_ev"] == pytest.approx(5 * formation, abs=1e-6)


@pytest.mark.parametrize(
    ("reactants", "products"),
    [
        (["Li2O", "Fe2O3"], ["LiFeO2"]),
        (["Li", "Fe2O3"], ["Fe", "Li2O"]),
        (["Li5FeO4", "Fe2O3"], ["LiFeO2"]),
        (["Li2FeO3"], ["Li2O2", "FeO"]),
    ],
)
def test_energies_agree_with_the_formation_energies_and_with_pymatgen(
    ask, documents, reactants, products
):
    """Oracles: the sum over stored formation energies, and ComputedReaction of pymatgen."""
    result = ask(reactants, products)
    stored = {d["material_id"]: d for d in documents}

    def made(row):
        composition = Composition(row["formula"])
        energy = stored[row["material_id"]]["energy_per_atom"]
        return ComputedEntry(composition, energy * composition.num_atoms)

    by_hand = 0.0
    sides: dict[str, list[ComputedEntry]] = {"reactant": [], "product": []}
    for row in result.entries:
        sides[row["role"]].append(made(row))
        sign = 1 if row["role"] == "product" else -1
        atoms = row["amount"] * Composition(row["formula"]).num_atoms
        formation = stored[row["material_id"]]["formation_energy_per_atom"]
        by_hand += sign * atoms * formation
    assert result.energy_ev == pytest.approx(by_hand, abs=1e-6)
    reaction = ComputedReaction(sides["reactant"], sides["product"])
    scale = result.entries[len(reactants)]["amount"]  # its first product has amount 1
    assert result.energy_ev == pytest.approx(scale * reaction.calculated_reaction_energy, abs=1e-6)


def test_barium_titanate_from_carbonate_is_balanced_from_the_lowest_entries(ask):
    """Story S11, with synthetic energies."""
    source = ThermoSource(TITANATE)
    result = ask(["BaCO3", "TiO2"], ["BaTiO3", "CO2"], source)
    assert result.equation == "BaCO3 + TiO2 -> BaTiO3 + CO2"
    assert result.energy_ev == pytest.approx(-8.1 * 5 - 7.6 * 3 + 7.0 * 5 + 8.9 * 3)
    oxide = result.entries[1]
    assert oxide["material_id"] == "mp-3200003"
    assert oxide["selection"] == "the lowest of 2 entries: mp-3200003, mp-3200002"
    assert source.requests == 1


def test_an_id_names_a_polymorph_and_a_transformation_is_a_reaction(ask, documents):
    result = ask(["mp-18782"], ["mp-757614"])
    stored = {d["material_id"]: d["energy_above_hull"] for d in documents}
    assert result.equation == "LiFeO2 -> LiFeO2"
    assert result.energy_ev_per_atom == pytest.approx(-stored["mp-18782"], abs=1e-8)
    assert [row["selection"] for row in result.entries] == ["asked for by id"] * 2


def test_ids_and_formulas_together_take_two_requests(ask, documents):
    source = ThermoSource(documents)
    assert ask(["Fe", "mp-12957"], ["FeO"], source).equation == "2 Fe + O2 -> 2 FeO"
    assert source.requests == 2


def test_the_text_holds_every_number_and_id(ask):
    result = ask(["Li2O", "Fe2O3"], ["LiFeO2"])
    text = result.text()
    unit = result.per_formula_unit
    for value in (
        result.energy_ev,
        result.energy_kj_per_mol,
        result.energy_ev_per_atom,
        unit["energy_ev"],
        unit["energy_kj_per_mol"],
    ):
        assert number(value) in text
    for row in result.entries:
        line = next(line for line in text.splitlines() if f" {row['material_id']} " in line)
        assert line.startswith(f"{row['role']} {row['amount']} ")
        assert number(row["energy_per_atom"]) in line
        assert number(row["energy_above_hull"]) in line
        assert row["thermo_type"] in line
        assert row["selection"] in line
    assert "no temperature" in text


def test_facts_are_the_values_of_the_entries(ask):
    facts = {(f.subject, f.property): f.value for f in OPERATION.facts(ask(["Fe", "O2"], ["FeO"]))}
    assert facts["mp-13", "energy_above_hull"] == 0
    assert facts["mp-1274279", "energy_per_atom"] == pytest.approx(-8.19051, abs=1e-5)


def test_a_constant_per_element_changes_no_reaction_energy(ask, documents):
    """Oracle: an invariance, that of a balanced equation."""
    shift = {"Fe": 7.0, "Li": -2.5, "O": 0.75}
    moved = [
        {
            **d,
            "energy_per_atom": d["energy_per_atom"]
            + sum(
                shift[e] * f
                for e, f in Composition(d["composition"])
                .fractional_composition.get_el_amt_dict()
                .items()
            ),
        }
        for d in documents
    ]
    before = ask(["Li5FeO4", "Fe2O3"], ["LiFeO2"])
    after = ask(["Li5FeO4", "Fe2O3"], ["LiFeO2"], ThermoSource(moved))
    assert after.energy_ev == pytest.approx(before.energy_ev, abs=1e-6)


@pytest.mark.parametrize(
    ("reactants", "products", "match"),
    [
        (["FeO"], ["Fe2O3"], "cannot be balanced"),
        (["2 Fe", "O2"], ["FeO"], "begins with an amount"),
        (["Qq2"], ["FeO"], "Qq"),
        (["mp-foo"], ["FeO"], "not a material id"),
    ],
)
def test_bad_reactions_are_refused(ask, reactants, products, match):
    with pytest.raises(InvalidInput, match=match):
        ask(reactants, products)


def test_compounds_without_an_entry_are_named(ask):
    with pytest.raises(NotFound, match=r"entry of BaTiO3, CO2 in this source.*MP_API_KEY"):
        ask(["BaCO3", "TiO2"], ["BaTiO3", "CO2"], ThermoSource(TITANATE[:3]))


@pytest.mark.parametrize("iron", ["Fe", "mp-13"])
def test_the_thermo_type_that_has_all_is_named(ask, iron):
    with pytest.raises(NotFound, match=r"No R2SCAN entry.*thermo_type='GGA_GGA\+U', which has all"):
        ask([iron, "O2"], ["FeO"], thermo_type="R2SCAN")


def as_mixed(documents, shifts):
    return ThermoSource(
        {
            **d,
            "thermo_type": MIXED,
            "energy_per_atom": d["energy_per_atom"] + shifts.get(d["material_id"], 0),
        }
        for d in documents
    )


def test_mixed_energies_on_one_scale_give_the_reaction_energy(ask, documents):
    mixed = ask(["Fe", "O2"], ["FeO"], as_mixed(documents, {}), MIXED)
    assert mixed.energy_ev == pytest.approx(ask(["Fe", "O2"], ["FeO"]).energy_ev)


def test_mixed_energies_on_two_scales_are_refused(ask, documents):
    source = as_mixed(documents, {"mp-1274279": -6.5})
    with pytest.raises(InvalidInput, match=r"differ by 26 eV.*thermo_type='GGA_GGA\+U'"):
        ask(["Fe", "O2"], ["FeO"], source, MIXED)


def test_mixed_energies_that_cannot_be_checked_are_refused(ask):
    source = as_mixed(TITANATE, {})
    with pytest.raises(InvalidInput, match="no formation energy to check it by"):
        ask(["BaCO3", "TiO2"], ["BaTiO3", "CO2"], source, MIXED)


def test_the_shipped_sample_answers_for_ids_and_formulas(source, ask):
    mixed = ask(["mp-13", "O2"], ["Fe2O3"], source)
    assert mixed.equation == "4 Fe + 3 O2 -> 2 Fe2O3"
    assert mixed.energy_ev == pytest.approx(ask(["Fe", "O2"], ["Fe2O3"]).energy_ev, abs=1e-6)
    assert "[a] Materials Project Li-Fe-O entries" in mixed.text()


def test_the_shipped_sample_has_no_barium_and_says_so(source, ask):
    with pytest.raises(NotFound, match="entry of BaCO3, TiO2, BaTiO3, CO2 in this source"):
        ask(["BaCO3", "TiO2"], ["BaTiO3", "CO2"], source)
