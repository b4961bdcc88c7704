"""The three sources that must say the same: the Project live, a snapshot of it, the sample."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Any, get_args

import pytest

from llamp_mcp.materials.endpoints import ENDPOINTS
from llamp_mcp.materials.files import fetch as snapshot_fetch
from llamp_mcp.materials.files import snapshot
from llamp_mcp.materials.files.request import SnapshotRequest
from llamp_mcp.materials.source import SpectrumKind
from llamp_mcp.settings import Settings
from tests.conftest import driving
from tests.loopback import hull
from tests.loopback.documents import sample
from tests.loopback.francium import FRBR, FRI, LIFEPO4

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.conftest import Driver
    from tests.loopback.fixtures import Project

SYNTHETIC = [FRI, FRBR, LIFEPO4, *(phase.material_id for phase in hull.PHASES)]


@pytest.fixture(scope="session")
def snapshot_file(project: Project, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A snapshot of everything the API has, fetched with the product's own code."""
    directory = tmp_path_factory.mktemp("snapshot")
    api = project.another()
    request = SnapshotRequest.of(
        material_ids=[*(m["material_id"] for m in sample()["materials"]), *SYNTHETIC],
        groups=ENDPOINTS,
        spectra=get_args(SpectrumKind),
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(snapshot_fetch, "_PAUSE_S", 0.0)  # loopback needs no politeness
        patch.setattr(snapshot_fetch, "_TASKS_PER_REQUEST", 100)  # made-up materials have few
        made = snapshot.download(
            api.settings(directory / "home"), request, directory / "all.sqlite", lambda *_: None
        )
    return made.path


class Sources:
    """The same question to several servers, each with another source."""

    def __init__(self, settings: dict[str, Settings]) -> None:
        self.settings = settings

    async def ask(self, *names: str, tool: str, **arguments: Any) -> dict[str, dict[str, Any]]:
        """Structured answers by source; none may be an error."""
        return {
            name: await self.each(name, lambda server: server.call(tool, **arguments))
            for name in names or self.settings
        }

    async def each(self, name: str, question: Callable[[Driver], Any]) -> Any:
        """What a question gets from a new server with this source."""
        async with driving(self.settings[name]) as server:
            return await question(server)


@pytest.fixture
def sources(project: Project, snapshot_file: Path, tmp_path: Path) -> Sources:
    copy = tmp_path / "all.sqlite"
    shutil.copy(snapshot_file, copy)
    return Sources(
        {
            "live": project.another().settings(tmp_path / "live"),
            "snapshot": Settings(home=tmp_path / "offline", source=str(copy)),
            "sample": Settings(home=tmp_path / "sample", source="sample"),
        }
    )
