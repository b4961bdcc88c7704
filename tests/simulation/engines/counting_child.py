"""Our process beside a Dask worker, which also knows `count`; imported by that worker, so started.

`dask worker --preload tests.simulation.engines.counting_child` has it started in place of ours.
"""

from __future__ import annotations

from llamp_mcp.simulation.engines import child, task
from llamp_mcp.simulation.workers import execution
from llamp_mcp.simulation.workers.kinds import kinds
from tests.simulation.counting import OPERATION


def command(interpreter: str) -> list[str]:
    return [interpreter, "-P", "-m", "tests.simulation.engines.counting_child"]


if __name__ == "__main__":
    execution.kinds = lambda settings: {  # type: ignore[attr-defined]
        **kinds(settings),
        "count": OPERATION,
    }
    child.main()
else:
    task.command = command
