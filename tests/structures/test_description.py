from __future__ import annotations

import re

import pytest

from llamp_mcp.provenance import LineageStep, SourceMeta
from llamp_mcp.structures.description import SITES_SHOWN, StructureResult, describe, facts
from tests.structures.conftest import SILICON_A, copper, silicon

HANDLE = "s-0123456789abcdef"
STEP = LineageStep(action="get_structure", origin="mp-149", structure_id=HANDLE)
META = SourceMeta(
    kind="sample",
    name="embedded sample",
    database_version="2025.1",
    licence="CC BY 4.0",
    attribution="Jain et al.",
    materials=3,
    notice="An extract.",
)


def described(**changes: object) -> StructureResult:
    arguments = {"lineage": [STEP], "cell": "primitive", "material_id": "mp-149", **changes}
    return describe(silicon(), HANDLE, **arguments)  # type: ignore[arg-type]


def test_the_fields_are_those_of_the_crystal() -> None:
    result = described()
    assert (result.formula, result.n_atoms, result.cell) == ("Si", 2, "primitive")
    assert result.lattice["a"] == pytest.approx(SILICON_A / 2**0.5, abs=1e-6)
    assert result.lattice["gamma"] == pytest.approx(60)
    assert result.volume_a3 == pytest.approx(SILICON_A**3 / 4, abs=1e-5)
    assert result.spacegroup == {"symbol": "Fd-3m", "number": 227, "symprec_a": 0.01}
    assert result.sites[1] == {"index": 1, "species": "Si", "frac_coords": [0.875] * 3}


def test_the_text_holds_every_number_and_id() -> None:
    result = described(source=META, notes=["the stable entry"])
    text = result.text()
    for word in (HANDLE, "mp-149", "Fd-3m (227)", "the stable entry", "2025.1", "CC BY 4.0"):
        assert word in text
    for value in (*result.lattice.values(), result.volume_a3, *result.sites[1]["frac_coords"]):
        assert re.search(rf"(?<![\d.]){re.escape(f'{value:.6g}')}(?!\d)", text)


def test_more_than_sixty_sites_are_cut_and_counted() -> None:
    result = describe(copper() * (4, 4, 4), HANDLE, lineage=[STEP])
    assert (len(result.sites), result.n_atoms) == (SITES_SHOWN, 256)
    assert "196 more" in result.text()
    assert len(result.text()) < 24_000 / 4


def test_facts_name_the_handle_and_the_material() -> None:
    told = {(fact.subject, fact.property): fact for fact in facts(described())}
    volume = told["mp-149", "volume_a3"]
    assert volume.value == pytest.approx(SILICON_A**3 / 4, abs=1e-5)
    assert volume.unit == "Å³"
    assert told[HANDLE, "n_atoms"].value == 2
    assert told[HANDLE, "a"].unit == "Å"
    assert told[HANDLE, "gamma"].unit == "degrees"
    assert told[HANDLE, "spacegroup_number"].value == 227
