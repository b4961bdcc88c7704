"""How much memory this process takes."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Final

_STATM: Final = Path("/proc/self/statm")
PS_EVERY_S: Final = 1.0


def resident_mb() -> float:
    """Resident memory in MiB; 0 where the system does not tell.

    Resident, and not a limit on the address space: torch reserves far more than it uses, and macOS
    does not hold to such a limit.
    """
    if _STATM.is_file():
        pages = int(_STATM.read_text(encoding="ascii").split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / 2**20
    command = ["ps", "-o", "rss=", "-p", str(os.getpid())]
    told = subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()
    return int(told) / 2**10 if told.isdigit() else 0.0


def glance_every_s() -> float:
    """How often to look, in seconds at least: elsewhere than on Linux it costs a process."""
    return 0.0 if _STATM.is_file() else PS_EVERY_S
