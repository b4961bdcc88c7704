"""The formats there are: names, media types, file names, limits."""

from __future__ import annotations

from pathlib import PurePath
from typing import Final, Literal

from llamp_mcp.errors import InvalidInput, clip

Format = Literal["cif", "poscar", "extxyz", "xyz", "json", "qe", "lammps"]

READ: Final = ("cif", "poscar", "extxyz", "xyz", "json")
"""Formats that a structure can be made from; the others are written only."""

MAX_BYTES: Final = 1_000_000
MAX_ATOMS: Final = 20_000

MIME_TYPES: Final[dict[str, str]] = {
    "cif": "chemical/x-cif",
    "poscar": "chemical/x-vasp-poscar",
    "extxyz": "chemical/x-xyz",
    "xyz": "chemical/x-xyz",
    "json": "application/json",
    "qe": "text/plain",
    "lammps": "text/plain",
}

SUFFIXES: Final[dict[str, str]] = {
    ".cif": "cif",
    ".mcif": "cif",
    ".poscar": "poscar",
    ".contcar": "poscar",
    ".vasp": "poscar",
    ".extxyz": "extxyz",
    ".xyz": "extxyz",
    ".json": "json",
}
"""Of the formats that are read."""

_NAMED_POSCAR: Final = ("POSCAR", "CONTCAR")


def format_of(path: PurePath) -> str:
    """The format a file name stands for.

    Raises:
        InvalidInput: The name does not tell.
    """
    stem = path.name.partition(".")[0].upper()
    found = SUFFIXES.get(path.suffix.lower())
    if found is None and stem.startswith(_NAMED_POSCAR):
        found = "poscar"
    if found is None:
        raise InvalidInput(
            f"The file name {clip(path.name)} does not tell its format",
            allowed=", ".join((*SUFFIXES, *_NAMED_POSCAR)),
            next_step="Give format= as well.",
        )
    return found


def looks_like_path(text: str) -> bool:
    """Whether a text is the name of a file rather than its contents."""
    line = text.strip()
    if "\n" in line or line.startswith("{"):
        return False
    path = PurePath(line.replace("\\", "/"))
    named = path.suffix.lower() in SUFFIXES or path.name.upper() in _NAMED_POSCAR
    return len(line) < 1000 and (named or "/" in line or "\\" in line)


def too_large(size: int) -> InvalidInput:
    """The error for a text above the limit."""
    return InvalidInput(
        f"The structure text has {size} bytes",
        allowed=f"at most {MAX_BYTES} bytes",
        next_step="Give one structure, without volumetric data or several frames.",
    )
