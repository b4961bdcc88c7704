"""The Python environments that force fields live in.

Most live in that of this process; a family whose requirements contradict the others' may have an
interpreter of its own. Nothing is imported to find out: an interpreter is asked once for the
metadata of its packages.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Final

from llamp_mcp.simulation.calculators import packages

if TYPE_CHECKING:
    from collections.abc import Mapping

ASK_TIMEOUT_S: Final = 20.0
OURS: Final = "llamp-mcp"
PACKAGES: Final = {"mace": "mace-torch", "chgnet": "chgnet", "sevenn": "sevenn"}
"""The package of each family of force fields that needs torch."""

_ASKED: Final = (OURS, "torch", "ase", *PACKAGES.values())
_NEEDED: Final = ("PATH", "HOME", "LANG", "LD_LIBRARY_PATH")
"""Variables that an interpreter gets which is only asked what it has: no secret among them."""


@dataclass(frozen=True, slots=True)
class Package:
    """An installed package, as it describes itself."""

    version: str
    licence: str
    folder: Path


@dataclass(frozen=True, slots=True)
class Environment:
    """What an interpreter has.

    Attributes:
        interpreter: Its path.
        prefix: Two interpreters of the same prefix are the same environment.
        packages: Those of interest that are installed, by name.
        problem: Why it cannot be used at all, and what to do; empty when it can.
    """

    interpreter: str
    prefix: str = ""
    packages: Mapping[str, Package] = field(default_factory=dict)
    problem: str = ""

    @property
    def is_here(self) -> bool:
        """Whether it is that of this process."""
        return self.prefix == sys.prefix

    def version_of(self, package: str) -> str:
        """Name and version of an installed package; empty when it is not installed."""
        found = self.packages.get(package)
        return f"{package} {found.version}" if found else ""


@cache
def here() -> Environment:
    """That of this process."""
    return _environment(sys.executable, packages.describe(list(_ASKED)))


@cache
def ask(interpreter: Path) -> Environment:
    """That of another interpreter, asked once in the life of this process."""
    path = os.path.abspath(interpreter.expanduser())  # noqa: PTH100  # a link must stay a link
    command = [path, "-P", str(Path(packages.__file__)), *_ASKED]
    try:
        answer = subprocess.run(
            command,
            capture_output=True,
            text=True,
            timeout=ASK_TIMEOUT_S,
            check=True,
            stdin=subprocess.DEVNULL,
            env={name: os.environ[name] for name in _NEEDED if name in os.environ},
        )
        found = _environment(path, json.loads(answer.stdout))
    except (OSError, subprocess.SubprocessError, ValueError, KeyError) as error:
        reason = getattr(error, "stderr", "") or str(error)
        problem = (
            f"the interpreter {path!r} cannot be asked what it has: {reason.strip()[-300:]}; "
            "correct LLAMP_ENVIRONMENTS"
        )
        return Environment(path, problem=problem)
    return _checked(found)


def _environment(interpreter: str, described: dict[str, object]) -> Environment:
    told = described["packages"]
    assert isinstance(told, dict)
    found = {
        name: Package(one["version"], one["licence"], Path(one["folder"]))
        for name, one in told.items()
    }
    return Environment(interpreter, str(described["prefix"]), found)


def _checked(found: Environment) -> Environment:
    """A worker started there must be of our own version: it reads our jobs."""
    ours, theirs = here().packages.get(OURS), found.packages.get(OURS)
    if ours is None or (theirs is not None and theirs.version == ours.version):
        return found
    problem = (
        f"the interpreter {found.interpreter!r} has {found.version_of(OURS) or f'no {OURS}'}; "
        f"run: {found.interpreter} -m pip install {OURS}=={ours.version}"
    )
    return Environment(found.interpreter, found.prefix, found.packages, problem)
