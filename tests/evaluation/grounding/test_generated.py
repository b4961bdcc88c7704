"""Claims made by rule from the values of the embedded sample, with the verdict they deserve.

The rules know nothing of the code under test: rounding is Python's, units are CODATA's (scipy), and
whether a wrong value happens to be another one that was told is looked up in the documents.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from math import isclose
from random import Random
from typing import TYPE_CHECKING, Any

import pytest
from scipy import constants

from llamp_mcp.materials.open_source import open_source
from llamp_mcp.materials.source import Query
from llamp_mcp.provenance import Fact
from llamp_mcp.settings import Settings
from tests.evaluation.grounding.told import check

if TYPE_CHECKING:
    from collections.abc import Iterator

    from llamp_mcp.materials.source import MaterialsSource

NEWEST = 1_300_000
"""Entries from here on are kept for other checks."""
KJ = constants.electron_volt * constants.Avogadro / 1000
GPA = constants.electron_volt / constants.angstrom**3 / 1e9
CONVERTED = {
    "bulk_modulus.vrh": (("eV/\u00c5\u00b3", 1 / GPA), ("kbar", 10.0)),
    "shear_modulus.vrh": (("eV/\u00c5\u00b3", 1 / GPA), ("MPa", 1000.0)),
    "formation_energy_per_atom": (("meV/atom", 1000.0), ("kJ/mol of atoms", KJ)),
    "decomposition_enthalpy": (("meV/atom", 1000.0), ("kJ/mol of atoms", KJ)),
    "energy_per_atom": (("meV/atom", 1000.0), ("kJ/mol", KJ)),
    "density": (("kg/m\u00b3", 1000.0),),
    "density_atomic": (("nm\u00b3 per atom", 1e-3),),
    "band_gap": (("meV", 1000.0),),
}
UNITS = {
    "bulk_modulus.vrh": "GPa",
    "shear_modulus.vrh": "GPa",
    "formation_energy_per_atom": "eV/atom",
    "decomposition_enthalpy": "eV/atom",
    "energy_per_atom": "eV/atom",
    "density": "g/cm\u00b3",
    "density_atomic": "\u00c5\u00b3/atom",
    "band_gap": "eV",
}
NAMES = {
    "bulk_modulus.vrh": ("bulk_modulus.vrh", "K_VRH"),
    "shear_modulus.vrh": ("shear_modulus.vrh", "shear modulus (VRH)"),
    "formation_energy_per_atom": ("formation_energy_per_atom", "formation energy"),
    "decomposition_enthalpy": ("decomposition_enthalpy", "decomposition enthalpy"),
    "energy_per_atom": ("energy_per_atom", "energy per atom"),
    "density": ("density", "mass density"),
    "density_atomic": ("density_atomic", "volume per atom"),
    "band_gap": ("band_gap", "band gap"),
}


@dataclass(frozen=True)
class Made:
    """A claim, and what should become of it."""

    kind: str
    claim: dict[str, Any]
    verdict: str


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> MaterialsSource:
    return open_source(Settings(home=tmp_path_factory.mktemp("home"), source="sample"))


@pytest.fixture(scope="module")
def values(source: MaterialsSource) -> list[tuple[str, str, str, float]]:
    """Id, formula, property and value of what the sample has that is not zero."""
    entries = source.search(Query(limit=1000)).documents
    ids = tuple(
        name
        for name in (entry["material_id"] for entry in entries)
        if name.startswith("mp-") and int(name.removeprefix("mp-")) < NEWEST
    )
    documents = {row["material_id"]: row for row in source.rows("thermo", ids).documents}
    found = []
    for summary in source.rows("summary", ids).documents:
        name = summary["material_id"]
        document = documents.get(name, {}) | summary
        for field in UNITS:
            base, _, part = field.partition(".")
            value = document.get(base)
            value = value.get(part) if part and isinstance(value, dict) else value
            if isinstance(value, float) and abs(value) > 1e-3:
                found.append((name, document["formula_pretty"], field, value))
    return found


def _claim(random: Random, row: tuple[str, str, str, float], **changed: Any) -> dict[str, Any]:
    name, _, field, value = row
    plain = {"material_id": name, "value": value, "unit": UNITS[field]}
    return {"property": random.choice(NAMES[field]), **plain, **changed}


def _right(random: Random, row: tuple[str, str, str, float]) -> Iterator[Made]:
    value = row[3]
    yield Made("exact", _claim(random, row), "supported")
    digits = random.choice((2, 3, 4))
    yield Made("rounded", _claim(random, row, value=f"{value:.{digits}g}"), "supported")
    unit, factor = random.choice(CONVERTED[row[2]])
    converted = float(f"{value * factor:.4g}")
    yield Made("converted", _claim(random, row, value=converted, unit=unit), "supported")


def _wrong(random: Random, row: tuple[str, str, str, float]) -> Iterator[Made]:
    value = row[3]
    factor = random.choice((0.7, 0.9, 0.97, 1.03, 1.1, 1.5))
    perturbed = f"{value * factor:.5g}"
    yield Made("perturbed", _claim(random, row, value=perturbed), "contradicted")
    yield Made("sign", _claim(random, row, value=f"{-value:.5g}"), "contradicted")
    unit, factor = random.choice(CONVERTED[row[2]])
    yield Made("unit", _claim(random, row, value=f"{value:.5g}", unit=unit), "contradicted")
    invented = f"mp-{random.randrange(2_000_000, 3_000_000)}"
    yield Made("invented", _claim(random, row, material_id=invented), "unknown")


def _polymorphs(
    random: Random, rows: list[tuple[str, str, str, float]]
) -> Iterator[tuple[tuple[str, str, str, float], Made]]:
    """A value that is that of another entry of the same formula."""
    for row in rows:
        others = [
            other[3]
            for other in rows
            if other[1:3] == row[1:3]
            and other[0] != row[0]
            and not isclose(other[3], row[3], rel_tol=0.02)
        ]
        if others:
            value = f"{random.choice(others):.6g}"
            yield row, Made("polymorph", _claim(random, row, value=value), "contradicted")


def _facts(rows: list[tuple[str, str, str, float]]) -> list[Fact]:
    return [Fact(name, f, value, UNITS[f], "sample", formula) for name, formula, f, value in rows]


def _claims(rows: list[tuple[str, str, str, float]]) -> list[Made]:
    random = Random(6)
    chosen = random.sample(rows, 60)
    made = [one for row in chosen for one in (*_right(random, row), *_wrong(random, row))]
    polymorphs = [one for _, one in _polymorphs(random, rows)]
    return [*made, *random.sample(polymorphs, 40)]


def _precision_and_recall(pairs: list[tuple[str, str]], verdict: str) -> tuple[float, float]:
    given = [expected for expected, found in pairs if found == verdict]
    due = [found for expected, found in pairs if expected == verdict]
    return given.count(verdict) / len(given), due.count(verdict) / len(due)


@pytest.mark.parametrize("told", ["by the ledger", "by the source"])
def test_generated_claims_are_judged_right(
    told: str, source: MaterialsSource, values: list[tuple[str, str, str, float]]
) -> None:
    """Of what the ledger holds, and of what only the source does, for ids that were returned."""
    made = _claims(values)
    kinds = Counter(one.kind for one in made)
    assert len(made) >= 400
    assert min(kinds.values()) >= 40
    ids = {row[0] for row in values}
    facts = _facts(values) if told == "by the ledger" else []
    pairs, wrong = [], []
    for start in range(0, len(made), 100):
        part = made[start : start + 100]
        result = check(facts, seen=ids, source=source, claims=[one.claim for one in part])
        for one, row in zip(part, result.claims, strict=True):
            pairs.append((one.verdict, row["verdict"]))
            if one.verdict != row["verdict"]:
                wrong.append((one, row))
    for verdict in ("supported", "contradicted"):
        precision, recall = _precision_and_recall(pairs, verdict)
        assert min(precision, recall) >= 0.98, (verdict, precision, recall, wrong[:5])


def test_every_slip_of_unit_is_explained(values: list[tuple[str, str, str, float]]) -> None:
    made = [one for one in _claims(values) if one.kind == "unit"]
    result = check(_facts(values), claims=[one.claim for one in made])
    assert all("slip of unit: the number is that in" in row["note"] for row in result.claims)


def test_every_value_of_another_polymorph_is_named_with_its_id(
    values: list[tuple[str, str, str, float]],
) -> None:
    made = [one for one in _claims(values) if one.kind == "polymorph"]
    result = check(_facts(values), claims=[one.claim for one in made])
    named = [row for row in result.claims if "this is the value of mp-" in row.get("note", "")]
    assert len(named) == len(made)
