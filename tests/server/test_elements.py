"""Elemental references of a formation energy come from the database, or from the caller."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.conftest import Driver

pytestmark = pytest.mark.anyio


async def cu3au(server: Driver) -> str:
    prototype = {
        "kind": "spacegroup",
        "spacegroup": 221,
        "lattice": {"a": 3.75},
        "sites": [
            {"species": "Au", "frac_coords": [0, 0, 0]},
            {"species": "Cu", "frac_coords": [0, 0.5, 0.5]},
        ],
    }
    return str((await server.call("create_structure", prototype=prototype))["structure_id"])


async def test_references_are_the_entries_lowest_on_the_hull(server: Driver) -> None:
    handle = await cu3au(server)
    done = await server.done(
        "calculate_energy", structure_id=handle, calculator="emt", reference="elements"
    )
    result = done["result"]
    expected = {
        (await server.call("get_structure", material=s))["structure_id"] for s in ["Cu", "Au"]
    }
    assert {one["structure_id"] for one in result["references"]} == expected
    energies = {one["element"]: one["energy_ev_per_atom"] for one in result["references"]}
    by_hand = result["energy_ev_per_atom"] - 0.75 * energies["Cu"] - 0.25 * energies["Au"]
    assert result["formation_energy_ev_per_atom"] == pytest.approx(by_hand, abs=1e-9)


async def test_what_the_caller_gives_is_used(server: Driver) -> None:
    prototype = {"kind": "bulk", "name": "Cu", "crystal": "bcc", "a": 2.9}
    bcc = (await server.call("create_structure", prototype=prototype))["structure_id"]
    done = await server.done(
        "calculate_energy",
        structure_id=await cu3au(server),
        calculator="emt",
        reference="elements",
        reference_ids=[bcc],
    )
    references = {one["element"]: one["structure_id"] for one in done["result"]["references"]}
    assert references["Cu"] == bcc


async def test_a_batch_shares_the_references(server: Driver) -> None:
    prototype = {"kind": "bulk", "name": "Cu", "crystal": "fcc", "a": 3.6}
    cu = (await server.call("create_structure", prototype=prototype))["structure_id"]
    done = await server.done(
        "calculate_energy",
        structure_ids=[cu, await cu3au(server)],
        calculator="emt",
        reference="elements",
    )
    first, second = done["result"]["rows"]
    assert first["formation_energy_ev_per_atom"] == pytest.approx(0, abs=1e-3)
    assert abs(second["formation_energy_ev_per_atom"]) < 1


async def test_an_element_without_a_structure_says_what_to_do(server: Driver) -> None:
    prototype = {"kind": "bulk", "name": "C", "crystal": "diamond", "a": 3.57}
    diamond = (await server.call("create_structure", prototype=prototype))["structure_id"]
    text = await server.error(
        "calculate_energy", structure_id=diamond, calculator="emt", reference="elements"
    )
    assert "no reference structure of C" in text
    assert "reference_ids" in text
