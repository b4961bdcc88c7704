"""Programs of the tests: installed by the lock file, and ended with all that they started."""

from __future__ import annotations

import json
import subprocess
import sys

import psutil
import pytest

from tests.node import tools

PARENT = """
import subprocess, sys
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
print(child.pid, flush=True)
child.wait()
"""


def test_what_is_killed_takes_all_that_it_started_with_it() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", PARENT], stdout=subprocess.PIPE, text=True
    ) as parent:
        assert parent.stdout is not None
        family = [psutil.Process(pid) for pid in (parent.pid, int(parent.stdout.readline()))]
        tools.kill(parent.pid)
    assert psutil.wait_procs(family, timeout=5)[1] == []


def test_a_program_that_takes_too_long_is_ended() -> None:
    with pytest.raises(subprocess.TimeoutExpired):
        tools.run_command((sys.executable, "-c", "import time; time.sleep(600)"), within_s=0.5)


def test_every_package_is_pinned_to_the_version_in_the_lock_file(node: None) -> None:
    wanted = json.loads((tools.HERE / "package.json").read_text())["dependencies"]
    locked = json.loads((tools.HERE / "package-lock.json").read_text())["packages"]
    for name, version in wanted.items():
        assert locked[f"node_modules/{name}"]["version"] == version
        manifest = json.loads((tools.MODULES / name / "package.json").read_text())
        assert manifest["version"] == version
