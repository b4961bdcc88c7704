"""The ledger that real tools fill, held against what may be said after they were called."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from llamp_mcp.client import text_of
from llamp_mcp.evaluation.check_grounding import OPERATION, Claim, GroundingParams, GroundingResult
from llamp_mcp.provenance import ids_in

if TYPE_CHECKING:
    from tests.conftest import Driver

pytestmark = pytest.mark.anyio


async def told(server: Driver, tool: str, **arguments: Any) -> None:
    """Call a tool, and note the ids of its answer that were not its arguments."""
    text = text_of(await server.raw(tool, **arguments))
    server.services.ledger.saw("local", ids_in(text) - ids_in(str(arguments)))


def check(server: Driver, text: str = "", **claim: Any) -> GroundingResult:
    services = server.services
    result: GroundingResult = OPERATION.run(
        GroundingParams(text=text, claims=[Claim(**claim)] if claim else []),
        told=tuple(services.ledger.facts("local")),
        seen=services.ledger.seen("local"),
        source=services.source,
    )
    return result


async def test_an_answer_from_properties_is_supported_and_one_from_memory_is_not(
    server: Driver,
) -> None:
    await told(server, "get_properties", materials=["Si", "Fe"], groups=["summary", "elasticity"])
    result = check(
        server,
        "Si (mp-149) has a band gap of 0.61 eV and space group Fd-3m. The bulk modulus of Fe "
        "(mp-13) is 207 GPa. Experimentally the band gap of Si is 1.12 eV. Its density is "
        "2.5 g/cm\u00b3. See also mp-9258.",
    )
    verdicts = [claim["verdict"] for claim in result.claims]
    assert (verdicts.count("supported"), verdicts.count("unknown")) == (3, 1)
    assert verdicts.count("contradicted") == 1
    assert result.unknown_ids == ["mp-9258"]


async def test_ids_that_only_a_selection_names_were_returned_and_are_looked_up(
    server: Driver,
) -> None:
    await told(server, "get_properties", materials=["Fe"], fields=["bulk_modulus"])
    facts = {fact.subject for fact in server.services.ledger.facts("local")}
    assert "mp-136" not in facts
    result = check(server, material_id="mp-136", property="bulk modulus", value=137, unit="GPa")
    assert result.unknown_ids == []
    assert result.claims[0]["value"] is not None
    assert "read from the source now" in result.claims[0]["note"]


async def test_an_id_that_only_the_caller_named_was_not_returned(server: Driver) -> None:
    await told(server, "get_properties", materials=["mp-9258"], fields=["band_gap"])
    result = check(server, material_id="mp-9258", property="band gap", value=1.0, unit="eV")
    assert result.unknown_ids == ["mp-9258"]


async def test_a_calculation_and_the_database_are_both_told_of_one_structure(
    server: Driver,
) -> None:
    await told(server, "get_properties", materials=["mp-30"], fields=["bulk_modulus"])
    structure = (await server.call("get_structure", material="mp-30"))["structure_id"]
    answer = await server.done("fit_eos", structure_id=structure, calculator="emt")
    modulus = answer["result"]["bulk_modulus_gpa"]
    assert modulus == pytest.approx(134.4, abs=1.0)  # effective medium theory, not PBE
    result = check(
        server,
        f"The EMT bulk modulus of Cu (mp-30) is {modulus:.1f} GPa ({modulus / 160.21766:.3f} "
        f"eV/\u00c5\u00b3), by {structure}. In the Materials Project, mp-30 has a bulk modulus of "
        "151.4 GPa. "
        "The lattice parameter a of Cu is 3.62 \u00c5. The bulk modulus of Cu is 0.84 GPa.",
    )
    assert [c["verdict"] for c in result.claims] == [*["supported"] * 4, "contradicted"]
    assert "eV/\u00c5\u00b3" in result.claims[-1]["note"]


async def test_a_doi_of_a_recipe_may_be_cited_and_an_invented_one_not(server: Driver) -> None:
    await told(server, "find_synthesis", target="LiFePO4", limit=2)
    result = check(server, "See doi 10.1007/s10853-011-6139-7 and doi 10.1000/j.invented.2024.")
    assert result.unknown_ids == ["10.1000/j.invented.2024"]
