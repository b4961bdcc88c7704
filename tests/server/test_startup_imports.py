"""What a fresh interpreter imports until it has listed its tools."""

from __future__ import annotations

import subprocess
import sys

HEAVY = {
    "torch",
    "mace",
    "chgnet",
    "ase",
    "pymatgen",
    "mp_api",
    "emmet",
    "numpy",
    "scipy",
    "matplotlib",
    "phonopy",
    "matcalc",
    "pandas",
    "spglib",
    "monty",
}

PROGRAM = """
import sys, anyio
from llamp_mcp.server.app import create_server
from llamp_mcp.settings import Settings
tools = anyio.run(create_server(Settings()).list_tools)
assert tools
print(" ".join(sorted({name.partition(".")[0] for name in sys.modules})))
"""


def test_listing_tools_imports_nothing_heavy() -> None:
    seen = subprocess.run(
        [sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True, timeout=60
    )
    assert not HEAVY & set(seen.stdout.split())
