from __future__ import annotations

import anyio
import pytest

from llamp_mcp.client import ToolFailed, connect, follow, run_client


def test_a_failure_within_a_connection_is_raised_as_itself(tmp_path):
    async def call_wrongly() -> None:
        async with connect({"LLAMP_HOME": str(tmp_path), "LLAMP_SOURCE": "sample"}) as client:
            await follow(client, "get_structure", {"material": "mp-foo"})

    with pytest.raises(ToolFailed, match="is not a material id"):
        run_client(call_wrongly)


def test_several_failures_at_once_stay_together():
    async def fail() -> None:
        raise ValueError

    async def fail_twice() -> None:
        async with anyio.create_task_group() as group:
            group.start_soon(fail)
            group.start_soon(fail)

    with pytest.raises(ExceptionGroup) as raised:
        run_client(fail_twice)
    assert len(raised.value.exceptions) == 2
