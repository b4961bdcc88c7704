"""How many data requests a question costs the Project, counted at the Project's own API.

`get_properties` for ten formulas and three groups, through an MCP client, beside a loop over the
formulas and groups with bare mp-api; heartbeats are no data requests.

    python benchmarks/api_requests.py [--endpoint URL]

The API is started as the tests start it (LLAMP_API_PYTHON or .venv-api) unless one is given.
Limit: four requests for all thirty values.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

sys.path.insert(0, str(Path(__file__).parents[1]))  # the tests' server, which is not installed

import anyio
from mcp import Client

from llamp_mcp.server.app import create_server

if TYPE_CHECKING:
    from tests.loopback.fixtures import Project

FORMULAS = ["Sc", "Ti", "V", "Cr", "Mn", "Fe", "Co", "Ni", "Cu", "Zn"]
GROUPS = ["elasticity", "thermo", "magnetism"]
LIMIT = 4


async def ours(api: Project, home: Path) -> list[dict[str, Any]]:
    """The rows of one call of the tool."""
    async with Client(create_server(api.settings(home))) as client:
        asked = {"materials": FORMULAS, "groups": GROUPS}
        result = await client.call_tool("get_properties", asked)
    assert not result.is_error, result.content
    assert result.structured_content is not None
    rows: list[dict[str, Any]] = result.structured_content["results"]
    return rows


def naive(api: Project) -> int:
    """A loop such as one writes by hand; how many documents it got."""
    from mp_api.client import MPRester  # noqa: TID251 - it is what is measured

    documents = 0
    settings: Any = {"use_document_model": False, "mute_progress_bars": True}
    with MPRester(api.key, endpoint=api.endpoint, **settings) as project:
        for formula in FORMULAS:
            found = project.materials.summary.search(formula=formula, fields=["material_id"])
            for group in GROUPS:
                search = getattr(project.materials, group).search
                documents += len(search(material_ids=[d["material_id"] for d in found]))
    return documents


def told(api: Project, what: str, start: float, got: str) -> int:
    """Print one line and how the requests spread; the number of requests."""
    asked = api.requests()
    paths = Counter(request["path"].split("/")[-2] for request in asked)
    spread = ", ".join(f"{name} {count}" for name, count in sorted(paths.items()))
    print(f"{what:16} {len(asked):3} requests ({spread})")
    print(f"{'':16} {1e3 * (time.perf_counter() - start):6.0f} ms, {got}")
    return len(asked)


def measure(api: Project) -> bool:
    """Print the figures; whether they are within the limit."""
    with tempfile.TemporaryDirectory() as home:
        anyio.run(ours, api.another(), Path(home))  # imports what is needed
    with tempfile.TemporaryDirectory() as home:
        start = time.perf_counter()
        rows = anyio.run(ours, api, Path(home))
        count = told(api, "get_properties", start, f"{len(rows)} rows")
    loop = api.another()
    naive(api.another())
    start = time.perf_counter()
    told(loop, "bare mp-api loop", start, f"{naive(loop)} documents")
    return count <= LIMIT


def main() -> None:
    """Find or start the API and measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--endpoint", default="", help="of a loopback API that runs already")
    options = parser.parse_args()

    from tests.loopback.fixtures import Project, running

    if options.endpoint:
        api = Project(options.endpoint, "", "")
    else:
        directory = Path(tempfile.mkdtemp(prefix="llamp-loopback-"))
        api = running(directory, os.getpid())
    if not measure(api):
        sys.exit(f"more than {LIMIT} requests")


if __name__ == "__main__":
    main()
