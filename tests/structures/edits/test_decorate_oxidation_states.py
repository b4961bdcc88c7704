from __future__ import annotations

from functools import cache
from typing import Any

import pytest
from hypothesis import given
from pymatgen.analysis.bond_valence import BVAnalyzer
from pymatgen.core import Composition, Lattice, Species, Structure

from llamp_mcp.errors import InvalidInput
from llamp_mcp.structures.edits import decorate_oxidation_states
from llamp_mcp.structures.identity import structure_id
from tests.structures.conftest import copper, crystals, edit, salt

GIVEN = {"Li": 1, "Fe": 3, "O": -2, "Si": 4}


@cache
def olivine() -> Structure:
    """LiFePO4."""
    return Structure.from_spacegroup(
        "Pnma",
        Lattice.orthorhombic(10.332, 6.010, 4.692),
        ["Li", "Fe", "P", "O", "O", "O"],
        [
            [0, 0, 0],
            [0.2822, 0.25, 0.9747],
            [0.0948, 0.25, 0.4182],
            [0.0968, 0.25, 0.7428],
            [0.4571, 0.25, 0.2060],
            [0.1656, 0.0465, 0.2848],
        ],
    )


def spinel(a: float, first: str, second: str, u: float) -> Structure:
    return Structure.from_spacegroup(
        "Fd-3m:2", Lattice.cubic(a), [first, second, "O"], [[0.125] * 3, [0.5] * 3, [u] * 3]
    )


def decorate(structure: Structure, **arguments: Any) -> Any:
    return edit(structure, {"op": "decorate_oxidation_states", **arguments})[0]


@pytest.mark.parametrize("method", ["bond_valence", "composition"])
def test_both_methods_know_lithium_iron_phosphate(method: str) -> None:
    step = decorate(olivine(), method=method)
    told = {name: list(states) for name, states in step.report["oxidation_states"].items()}
    assert told == {"Li": ["+1"], "Fe": ["+2"], "P": ["+5"], "O": ["-2"]}
    assert step.report["net_charge_e"] == 0
    assert step.report["method"].startswith(method)
    assert step.structure.charge == 0


def test_the_composition_tells_the_other_neutral_combinations() -> None:
    report = decorate(olivine(), method="composition").report
    assert {"Li": 1, "Fe": 3, "P": 4, "O": -2} in report["other_combinations"]
    assert report["n_combinations"] == len(report["other_combinations"]) + 1


def test_mixed_valence_is_told_by_site_or_as_an_average() -> None:
    magnetite = spinel(8.394, "Fe", "Fe", 0.2549)
    by_site = decorate(magnetite, method="bond_valence")
    states = {site.specie.oxi_state for site in by_site.structure if site.specie.symbol == "Fe"}
    assert states == {2, 3}
    assert by_site.report["oxidation_states"]["Fe"] == {"+2": 8, "+3": 16}
    assert by_site.report["sites_of_mixed_valence"]["Fe+2"] == list(range(8))
    assert any("share them" in note for note in by_site.notes)
    average = decorate(magnetite, method="composition")
    assert average.report["oxidation_states"]["Fe"] == {"+2.667": 24}
    assert any("average over mixed valence" in note for note in average.notes)
    assert average.report["net_charge_e"] == 0


def test_a_supercell_is_decorated_as_its_primitive_cell_is() -> None:
    cell = olivine() * [2, 2, 1]
    step = decorate(cell, method="bond_valence")
    expected = BVAnalyzer().get_valences(cell)
    assert [site.specie.oxi_state for site in step.structure] == expected


def test_shared_sites_are_decorated_too() -> None:
    rock = Structure.from_spacegroup(
        "Fm-3m",
        Lattice.cubic(4.2),
        [Composition({"Li": 0.5, "Fe": 0.5}), "O"],
        [[0] * 3, [0.5] * 3],
    )
    step = decorate(rock, method="bond_valence")
    assert step.structure[0].species.as_dict() == {"Li+": 0.5, "Fe3+": 0.5}
    mixed = Structure(Lattice.cubic(4), [{"Fe2+": 0.5, "Fe3+": 0.5}], [[0] * 3])
    one = decorate(mixed, oxidation_states={"Fe": 3}).structure
    assert one[0].species.as_dict() == {"Fe3+": 1.0}


@given(crystals())
def test_given_states_are_set_and_taken_away_again(structure: Structure) -> None:
    states = {symbol: GIVEN[symbol] for symbol in {site.specie.symbol for site in structure}}
    step = decorate(structure, oxidation_states=states)
    expected = [states[site.specie.symbol] for site in structure]
    assert [site.specie.oxi_state for site in step.structure] == expected
    assert step.report["net_charge_e"] == sum(expected)
    assert bool(step.notes) == (sum(expected) != 0)
    # Another handle, because ions are other species.
    assert structure_id(step.structure) != structure_id(structure)
    back = decorate(step.structure, method="remove")
    assert structure_id(back.structure) == structure_id(structure)


def test_spin_and_moments_stay() -> None:
    iron = Structure(Lattice.cubic(3), [Species("Fe", 2, spin=5), "O2-"], [[0.0] * 3, [0.5] * 3])
    iron.add_site_property("magmom", [4.0, 0.0])
    made = decorate(iron, oxidation_states={"Fe": 3, "O": -2}).structure
    assert (made[0].specie.oxi_state, made[0].specie.spin) == (3, 5)
    assert made.site_properties["magmom"] == [4.0, 0.0]


def test_a_charge_set_on_the_structure_is_kept_and_the_difference_told() -> None:
    charged = salt()
    charged.set_charge(1)
    step = decorate(charged, oxidation_states={"Na": 1, "Cl": -1})
    assert step.structure._charge == 1
    assert any("charge is set to +1 e" in note for note in step.notes)


@pytest.mark.parametrize(
    ("structure", "arguments", "said"),
    [
        (salt(), {}, "exactly one of oxidation_states | method; got none"),
        (salt(), {"oxidation_states": {"Na": 1}}, "leaves out Cl"),
        (salt(), {"oxidation_states": {"Na": 1, "Cl": -1, "K": 1}}, "holds no K.*Cl, Na"),
        (salt(), {"oxidation_states": {"Na": 12, "Cl": -1}}, "12.*-9 to 9"),
        (salt(), {"method": "guess"}, "method: .*'bond_valence', 'composition' or 'remove'"),
        (copper(), {"method": "bond_valence"}, 'no neutral set.*method "composition"'),
        # Mn3+ and Mn4+ in equal numbers on equivalent sites.
        (spinel(8.25, "Li", "Mn", 0.263), {"method": "bond_valence"}, "all equivalent sites"),
        (
            Structure(Lattice.cubic(4), ["Na", "K"], [[0.0] * 3, [0.5] * 3]),
            {"method": "composition"},
            "No neutral combination.*Give oxidation_states",
        ),
    ],
)
def test_states_that_cannot_be_found_are_explained(
    structure: Structure, arguments: dict[str, Any], said: str
) -> None:
    with pytest.raises(InvalidInput, match=said):
        decorate(structure, **arguments)


def test_too_large_a_primitive_cell_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decorate_oxidation_states, "_MAX_PRIMITIVE", 27)
    with pytest.raises(InvalidInput, match=r"primitive cell has 28 atoms.*at most 27"):
        decorate(olivine() * [2, 1, 1], method="bond_valence")
