from __future__ import annotations

import dataclasses
from typing import Any

import pytest
from ase.calculators.emt import EMT
from pymatgen.core.lattice import Lattice
from pymatgen.core.structure import Structure

from llamp_mcp.errors import Cancelled, InvalidInput
from llamp_mcp.simulation.calculate_property import (
    OPERATION,
    calculate_property,
    check,
    facts,
)
from llamp_mcp.simulation.calculators import Calculators
from llamp_mcp.simulation.properties.committee_spread import Quantity, spread
from llamp_mcp.simulation.workers.monitor import Monitor
from tests.simulation.conftest import copper, loads_force_field, silicon

FACTOR, OFFSET_EV = 1.2, 3.0


class ScaledEMT(EMT):  # type: ignore[misc]
    """EMT with every energy difference, force and stress 1.2 times larger, and another zero."""

    def calculate(self, *args, **kwargs):
        super().calculate(*args, **kwargs)
        energy = FACTOR * self.results["energy"] + OFFSET_EV * len(self.atoms)
        self.results |= {"energy": energy, "free_energy": energy}
        for name in ("forces", "stress"):
            self.results[name] = FACTOR * self.results[name]


class TwoForceFields(Calculators):
    """Knows `scaled`, too."""

    def resolve(self, name, elements, n_atoms=0):
        return super().resolve("emt" if name == "scaled" else name, elements, n_atoms)

    def load(self, name, *args, **kwargs):
        if name != "scaled":
            return super().load(name, *args, **kwargs)
        loaded = super().load("emt", *args, **kwargs)
        provenance = {**loaded.provenance, "name": "scaled"}
        return dataclasses.replace(loaded, calculator=ScaledEMT(), provenance=provenance)


@pytest.fixture
def ask(settings, structures, tmp_path):
    def ask(structure_id, cancelled=lambda: False, **arguments):
        params = OPERATION.params(
            kind="committee",
            structure_id=structure_id,
            **{"calculators": ["emt", "scaled"], **arguments},
        )
        return calculate_property(
            params,
            structures=structures,
            calculators=TwoForceFields(settings),
            monitor=Monitor("j-test", tmp_path, cancelled=cancelled),
        )

    return ask


@pytest.fixture
def refuse(settings, structures):
    def refuse(structure_id, **arguments):
        params = OPERATION.params(
            kind="committee",
            structure_id=structure_id,
            **{"calculators": ["emt", "scaled"], **arguments},
        )
        check(params, structures=structures, calculators=TwoForceFields(settings))

    return refuse


def bcc_copper() -> Structure:
    return Structure.from_spacegroup("Im-3m", Lattice.cubic(2.87), ["Cu"], [[0, 0, 0]])


def by_name(result) -> dict[str, dict[str, Any]]:
    return {one["name"]: one for one in result.values["spread"]}


def numbers(result, name: str) -> list[float]:
    return [
        one["value"]
        for member in result.values["members"]
        for one in member["numbers"]
        if one["name"] == name
    ]


def test_a_stiffer_copy_disagrees_on_the_modulus_but_not_on_the_volume(ask, put):
    """Oracle: every energy of the second member is 1.2 times that of the first, plus a constant."""
    result = ask(put(copper()), question="eos")
    modulus, volume = by_name(result)["bulk_modulus_gpa"], by_name(result)["volume_a3_per_atom"]
    first, second = numbers(result, "bulk_modulus_gpa")

    assert second / first == pytest.approx(FACTOR, rel=1e-3)
    assert modulus["disagree"]
    assert modulus["range_percent_of_middle"] == pytest.approx(20 / 1.1, rel=0.01)
    assert not volume["disagree"]
    assert volume["range"] == pytest.approx(0, abs=2e-3)
    assert any("DISAGREE on bulk_modulus_gpa" in warning for warning in result.warnings)


def test_the_zero_of_a_force_field_does_not_enter_a_difference(ask, put):
    fcc, bcc = put(copper()), put(bcc_copper())
    result = ask(fcc, question="energy", structure_ids=[bcc])
    first, second = numbers(result, "energy_difference_ev_per_atom")

    assert second == pytest.approx(FACTOR * first, abs=1e-4)
    assert result.values["lowest"] == {"emt": fcc, "scaled": fcc}
    assert "energy_ev_per_atom" not in by_name(result), "absolute energies are never told"


def test_formation_energies_are_of_each_members_own_elements(ask, put):
    result = ask(put(bcc_copper()), question="energy", reference_ids=[put(copper(a=3.7))])
    first, second = numbers(result, "formation_energy_ev_per_atom")

    assert first > 0.01
    assert second == pytest.approx(FACTOR * first, abs=1e-4)


def test_a_threshold_decides_what_is_disagreement(ask, put):
    assert ask(put(copper()), question="eos", threshold=30).warnings == []


def test_spread_of_three_numbers():
    """Oracle: by hand. 1, 2, 4 have range 3, middle 2.5, sample variance 7/3."""
    told = spread(Quantity("bulk_modulus_gpa", "s-0"), [1.0, 4.0, 2.0], None)

    assert (told["min"], told["max"], told["range"]) == (1, 4, 3)
    assert told["range_percent_of_middle"] == pytest.approx(120)
    assert told["standard_deviation"] == pytest.approx((7 / 3) ** 0.5)
    assert not {"mean", "average", "value"} & told.keys()


def test_text_gives_each_members_numbers_and_no_mean(ask, put):
    result = ask(put(copper()), question="eos")
    text = result.text()

    for value in (*numbers(result, "bulk_modulus_gpa"), *numbers(result, "volume_a3_per_atom")):
        assert f"{value:.6g}" in text
    assert "no mean is given" in text
    assert "calculator emt (" in text
    assert "calculator scaled (" in text


def test_a_fact_belongs_to_the_member_that_found_it(ask, put):
    told = {fact.property: fact for fact in facts(ask(put(copper()), question="volume"))}

    assert told["volume_a3_per_atom (emt)"].source.startswith("calculator emt ")
    assert told["volume_a3_per_atom (scaled)"].source.startswith("calculator scaled ")


def test_an_interrupted_committee_keeps_the_member_that_was_done(ask, put, tmp_path, monkeypatch):
    structure_id, parts = put(copper(a=3.65)), tmp_path / "parts.jsonl"
    whole = ask(structure_id, question="volume")
    parts.unlink()
    with pytest.raises(Cancelled):
        ask(structure_id, parts.is_file, question="volume")
    calls, calculate = [], EMT.calculate

    def told(self, *args, **kwargs):
        calls.append(type(self))
        return calculate(self, *args, **kwargs)

    monkeypatch.setattr(EMT, "calculate", told)

    assert ask(structure_id, question="volume") == whole
    assert set(calls) == {ScaledEMT}


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        ({"question": "energy"}, "cannot be compared between calculators"),
        ({"question": "eos", "calculators": ["emt", "emt"]}, "named twice"),
        ({"question": "eos", "calculators": ["emt"]}, "calculators"),
        ({"question": "eos", "calculators": ["emt", "nonsense"]}, "Unknown calculator"),
        ({"question": "eos", "structure_ids": ["s-0"]}, "no use for question 'eos'"),
        ({"question": "truth"}, "question"),
        ({"question": "eos", "calculator": "emt"}, "does not take 'calculator'"),
    ],
)
def test_what_could_not_be_compared_is_refused(refuse, put, arguments, why):
    with pytest.raises(InvalidInput, match=why):
        refuse(put(copper()), **arguments)


@loads_force_field
def test_two_real_models_disagree_on_silicon(ask, put):
    """As measured: 90 GPa with the MACE trained here, 78 with CHGNet."""
    result = ask(put(silicon()), question="eos", calculators=["si-mace", "chgnet"])

    assert by_name(result)["bulk_modulus_gpa"]["disagree"]
    assert not by_name(result)["volume_a3_per_atom"]["disagree"]
    assert all(one["sha256"] for one in result.values["members"])
