"""Structures built from a few words: bulk crystals, space group with sites, molecules in a box."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from llamp_mcp.structures.prototypes.arguments import (
    PROTOTYPES,
    Built,
    BulkArguments,
    MoleculeArguments,
    SpacegroupArguments,
)
from llamp_mcp.structures.variants import parse_variant

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["PROTOTYPES", "Built", "build"]


def build(given: Mapping[str, Any]) -> Built:
    """The structure a prototype object describes.

    Raises:
        InvalidInput: The object is wrong, or nothing can be built from it.
    """
    from llamp_mcp.structures.prototypes.bulk import bulk
    from llamp_mcp.structures.prototypes.molecule import molecule
    from llamp_mcp.structures.prototypes.spacegroup import spacegroup

    _, arguments = parse_variant("prototype", "kind", PROTOTYPES, given)
    match arguments:
        case BulkArguments():
            return bulk(arguments)
        case SpacegroupArguments():
            return spacegroup(arguments)
        case MoleculeArguments():
            return molecule(arguments)
    raise TypeError(f"{type(arguments)} has no builder")
