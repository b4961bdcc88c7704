"""Structures as text: what is read, what is written, and what a format does not keep."""

from llamp_mcp.structures.formats.atoms import from_atoms, to_atoms
from llamp_mcp.structures.formats.kinds import (
    MAX_ATOMS,
    MAX_BYTES,
    MIME_TYPES,
    READ,
    Format,
    format_of,
    too_large,
)
from llamp_mcp.structures.formats.reading import ReadStructure, parse, read_structure
from llamp_mcp.structures.formats.writing import loses, write_structure

__all__ = [
    "MAX_ATOMS",
    "MAX_BYTES",
    "MIME_TYPES",
    "READ",
    "Format",
    "ReadStructure",
    "format_of",
    "from_atoms",
    "loses",
    "parse",
    "read_structure",
    "to_atoms",
    "too_large",
    "write_structure",
]
