"""A server process over Streamable HTTP on loopback."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

START_S = 60


@contextmanager
def serving(home: Path, **environment: str) -> Iterator[str]:
    """The address of a server on the sample with these settings, once it answers.

    Its workers outlive it, as they do for users, by their idle time.
    """
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    settings = {"LLAMP_HOME": str(home), "LLAMP_SOURCE": "sample", "LLAMP_WORKER_IDLE_S": "3"}
    command = (sys.executable, "-m", "llamp_mcp", "serve", "--http", "--port", str(port))
    log = home.parent / f"{home.name}.log"
    with log.open("w") as file:
        process = subprocess.Popen(command, env=settings | environment, stdout=file, stderr=file)
    try:
        deadline = time.monotonic() + START_S
        while not _answers(port):
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < deadline, f"not up within {START_S} s: {log.read_text()}"
            time.sleep(0.05)
        yield f"http://127.0.0.1:{port}/mcp"
    finally:
        process.terminate()
        process.wait(30)


def _answers(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
