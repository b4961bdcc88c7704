"""A batch of structures in one call: one job each, one table."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.conftest import Driver

pytestmark = [pytest.mark.anyio, pytest.mark.filterwarnings("ignore::ResourceWarning")]

LATTICES_A = (3.55, 3.6, 3.65)


async def copper(server: Driver, a: float) -> str:
    prototype = {"kind": "bulk", "name": "Cu", "crystal": "fcc", "a": a, "cubic": True}
    made = await server.call("create_structure", prototype=prototype)
    return str(made["structure_id"])


@pytest.fixture
async def handles(server: Driver) -> list[str]:
    return [await copper(server, a) for a in LATTICES_A]


async def test_each_structure_is_a_job_and_a_row(server: Driver, handles: list[str]) -> None:
    batch = await server.done("calculate_energy", structure_ids=handles, calculator="emt")

    assert batch["state"] == "completed"
    assert batch["job_id"].startswith("b-")
    assert batch["progress"]["done"] == batch["progress"]["total"] == 3
    rows = batch["result"]["rows"]
    assert [row["requested"] for row in rows] == handles
    for row, handle in zip(rows, handles, strict=True):
        alone = await server.done("calculate_energy", structure_id=handle, calculator="emt")
        assert row["energy_ev_per_atom"] == alone["result"]["energy_ev_per_atom"]
        member = await server.call("get_job", job_id=row["job_id"])
        assert member["result"]["energy_ev_per_atom"] == row["energy_ev_per_atom"]


async def test_the_text_has_a_line_for_each_structure(server: Driver, handles: list[str]) -> None:
    batch = await server.done("calculate_energy", structure_ids=handles, calculator="emt")
    text = await server.text("get_job", job_id=batch["job_id"])
    for row in batch["result"]["rows"]:
        (line,) = [line for line in text.splitlines() if row["requested"] in line]
        assert f"energy_ev_per_atom = {row['energy_ev_per_atom']:.8g}" in line
    assert text.count("calculator emt") == 1


async def test_one_bad_structure_refuses_the_whole_batch(
    server: Driver, handles: list[str]
) -> None:
    silicon = await server.call("get_structure", material="mp-149")
    text = await server.error(
        "relax_structure", structure_ids=[*handles, silicon["structure_id"]], calculator="emt"
    )
    assert "does not cover Si" in text
    assert (await server.call("get_job"))["jobs"] == []


async def test_a_structure_that_fails_does_not_hide_the_others(
    server: Driver, handles: list[str]
) -> None:
    batch = await server.done(
        "relax_structure", structure_ids=handles, calculator="emt", max_steps=1
    )
    rows = batch["result"]["rows"]
    assert [row["converged"] for row in rows] == [False, False, False]
    assert all("not converged" in " ".join(row["warnings"]) for row in rows)


async def test_the_list_of_jobs_says_why_one_failed(server: Driver) -> None:
    apart = await copper(server, 3.6)
    job = await server.done("fit_eos", structure_id=apart, calculator="emt", strain=0.002, points=5)
    far = await server.done(
        "run_md", structure_id=await copper(server, 0.6), calculator="emt", steps=5
    )
    rows = {row["job_id"]: row for row in (await server.call("get_job"))["jobs"]}

    assert (job["state"], rows[job["job_id"]]["message"]) == ("completed", "")
    assert far["state"] == "failed"
    assert rows[far["job_id"]]["message"] == far["error"]


async def test_a_batch_is_cancelled_as_one(server: Driver, handles: list[str]) -> None:
    slow = [await copper(server, a) for a in (3.4, 3.45, 3.8)]
    batch = await server.call(
        "relax_structure", structure_ids=slow, calculator="chgnet", wait_s=0, fmax_ev_per_a=1e-9
    )
    ended = await server.call("cancel_job", job_id=batch["job_id"])
    assert ended["state"] == "cancelled"
    listed = await server.call("get_job", state="cancelled")
    assert {job["batch"] for job in listed["jobs"]} == {batch["job_id"]}
    assert len(listed["jobs"]) == 3


async def test_the_list_is_filtered(server: Driver, handles: list[str]) -> None:
    await server.done("calculate_energy", structure_ids=handles, calculator="emt")
    one = await server.done("fit_eos", structure_id=handles[1], calculator="emt")

    def ids(answer: dict[str, Any]) -> list[str]:
        return [job["job_id"] for job in answer["jobs"]]

    assert ids(await server.call("get_job", kind="fit_eos")) == [one["job_id"]]
    assert len(ids(await server.call("get_job", state="completed"))) == 4
    assert ids(await server.call("get_job", state="failed")) == []
    assert "Did you mean 'fit_eos'" in await server.error("get_job", kind="fit_eoss")


async def test_both_a_structure_and_a_batch_are_refused(server: Driver, handles: list[str]) -> None:
    text = await server.error(
        "calculate_energy", structure_id=handles[0], structure_ids=handles, calculator="emt"
    )
    assert "structure_id" in text
    assert "not both" in text


async def test_an_unknown_batch_is_named(server: Driver) -> None:
    assert "b-0123" in await server.error("get_job", job_id="b-0123456789abcde")


async def test_the_resource_of_a_batch_is_its_table(server: Driver, handles: list[str]) -> None:
    batch = await server.done("calculate_energy", structure_ids=handles, calculator="emt")
    (contents,) = (await server.client.read_resource(f"job://{batch['job_id']}")).contents
    assert all(handle in str(contents) for handle in handles)
