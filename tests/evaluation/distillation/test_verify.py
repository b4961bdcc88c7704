from __future__ import annotations

import pytest

from llamp_mcp.evaluation.distillation.rows import CitedFact, Derived, Exchange
from llamp_mcp.evaluation.distillation.verify import ungrounded

FACT = CitedFact(
    material_id="mp-22862",
    formula="NaCl",
    property="bulk_modulus.vrh",
    value=23.77,
    text="23.77",
    unit="GPa",
    source="benchmark file 2025.1",
)
GROUP = FACT.model_copy(update={"property": "symmetry.symbol", "value": None, "text": "P6_3/mmc"})
SUM = Derived(
    text="1", value=1.0, unit=None, operation="count", of=(), factor=None, about="entries"
)


def _exchange(answer):
    return Exchange(
        name="x",
        kind="value",
        question="?",
        answer=answer,
        formulas=("NaCl", "Fe2O3"),
        materials=("mp-22862",),
        facts=(FACT, GROUP),
        derived=(SUM,),
        remarks=("below 0",),
    )


@pytest.mark.parametrize(
    "answer",
    [
        "NaCl (mp-22862) has 23.77 GPa. Source: benchmark file 2025.1.",
        "The only 1 of Fe2O3, P6_3/mmc; a value below 0 would be wrong.",
        "No number at all, in GPa or Å³.",
    ],
)
def test_declared_numbers_and_names_pass(answer):
    assert ungrounded(_exchange(answer)) == []


@pytest.mark.parametrize(
    ("answer", "found"),
    [
        ("NaCl has 23.8 GPa.", "23.8"),
        ("NaCl has 23.77 GPa, MgO 151.45 GPa.", "151.45"),
        ("NaCl has -23.77 GPa.", "-23.77"),
        ("See mp-1265.", "1265"),
        ("In 2025 it was 23.77 GPa.", "2025"),
        ("It has P6_3/mmm.", "P6_3/mmm"),
        ("It is 123.77 GPa.", "123.77"),
        ("Of TiO2 there is none.", "TiO2"),
    ],
)
def test_any_other_digit_is_found(answer, found):
    assert any(found in one for one in ungrounded(_exchange(answer)))
