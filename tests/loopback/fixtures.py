"""The fixture `project`: the Project's own API on loopback, one server per test run.

The server runs in a second environment (`make test` creates .venv-api; LLAMP_API_PYTHON names
another interpreter). Without one the tests that need it are skipped, on CI they fail.
"""

from __future__ import annotations

import fcntl
import json
import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
import uuid
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import pytest

from llamp_mcp.settings import Settings
from tests.loopback.control import KEY_LENGTH, KEY_PREFIX

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
STARTING_S = 180.0
"""How long the server may take to start: 20 s of processor time, shared with other tests."""


def new_key() -> str:
    """A key of its own: requests are counted, and faults injected, per key."""
    return (KEY_PREFIX + uuid.uuid4().hex)[:KEY_LENGTH]


@dataclass(frozen=True)
class Project:
    """A running API, as one key sees it.

    Attributes:
        endpoint: For MP_API_ENDPOINT.
        s3: Address of the service that stands for the Project's buckets.
        database_version: What its heartbeat says.
        key: An API key that it takes.
    """

    endpoint: str
    s3: str
    database_version: str
    key: str = field(default_factory=new_key)

    def settings(self, home: Path, **more: Any) -> Settings:
        """Settings of a server that asks this API live."""
        chosen = {"mp_api_key": self.key, "mp_api_endpoint": self.endpoint, "source": "live"}
        return Settings(home=home, **(chosen | more))

    def another(self) -> Project:
        """The same API with a new key: nothing counted, nothing wrong."""
        return Project(self.endpoint, self.s3, self.database_version)

    def requests(self) -> list[dict[str, Any]]:
        """Data requests of this key since the last reset: method, path, query."""
        return self._control("requests")

    def reset(self) -> None:
        """Forget the requests and the faults of this key."""
        self._control("reset")

    def fail(self, kind: str, times: int = 1, *, path: str = "", after: int = 0) -> None:
        """Make the next requests of this key fail; see `tests.loopback.control` for the kinds."""
        query = urlencode({"kind": kind, "times": times, "path": path, "after": after})
        self._control(f"fail?{query}")

    def _control(self, command: str) -> list[dict[str, Any]]:
        request = urllib.request.Request(
            f"{self.endpoint}_rig/{command}", headers={"X-API-KEY": self.key}
        )
        with urllib.request.urlopen(request, timeout=30) as response:
            listed: list[dict[str, Any]] = json.load(response)
        return listed


def api_python() -> Path:
    """The interpreter of the second environment; it need not exist."""
    return Path(os.environ.get("LLAMP_API_PYTHON") or ROOT / ".venv-api" / "bin" / "python")


@contextmanager
def _only_one(lock: Path) -> Iterator[None]:
    with lock.open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def running(directory: Path, parent: int) -> Project:
    """The API that runs for a directory; started if none answers. Ends with its parent.

    Raises:
        RuntimeError: It does not start; the text holds its last words.
    """
    state = directory / "state.json"
    with _only_one(directory / "lock"):
        if found := _answering(state):
            return found
        state.unlink(missing_ok=True)
        seed = directory / "seed"
        if not seed.exists():
            draft = directory / f"seed-{uuid.uuid4().hex[:8]}"
            command = [sys.executable, "-m", "tests.loopback.seed", str(draft)]
            subprocess.run(command, cwd=ROOT, check=True, timeout=STARTING_S)
            draft.rename(seed)
        log = directory / "server.log"
        _spawn(["--seed", str(seed), "--state", str(state), "--parent", str(parent)], log)
        deadline = time.monotonic() + STARTING_S
        while time.monotonic() < deadline:
            if found := _answering(state):
                return found
            time.sleep(0.2)
        raise RuntimeError(f"the loopback API does not answer:\n{log.read_text()[-2000:]}")


def _spawn(options: list[str], log: Path) -> None:
    """Start the server apart from this process, which may end before others have done with it."""
    python = str(api_python())
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
    os.posix_spawn(
        python,
        [python, "-m", "tests.loopback.server", "--idle", "1200", "--lifetime", "3600", *options],
        {"PATH": os.environ.get("PATH", ""), "PYTHONPATH": str(ROOT), "HOME": str(log.parent)},
        file_actions=[
            (os.POSIX_SPAWN_OPEN, 1, str(log), flags, 0o600),
            (os.POSIX_SPAWN_DUP2, 1, 2),
        ],
    )


def _answering(state: Path) -> Project | None:
    try:
        told = json.loads(state.read_text(encoding="utf-8"))
        found = Project(told["endpoint"], told["s3"], told["database_version"])
        found.requests()
    except (OSError, ValueError):  # not started, or gone
        return None
    return found


@pytest.fixture(scope="session")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    """The Project's API on loopback; mp-api's S3 goes to its stand-in as long as tests run."""
    if not api_python().exists():
        reason = f"no second environment at {api_python()}: `make test` creates it"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    base, parent = tmp_path_factory.getbasetemp(), os.getpid()
    if "PYTEST_XDIST_WORKER" in os.environ:
        base, parent = base.parent, os.getppid()
    directory = base / "loopback"
    directory.mkdir(exist_ok=True)
    found = running(directory, parent)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ENDPOINT_URL", found.s3)
        patch.setenv("AWS_ALLOW_HTTP", "true")
        yield found
