"""Edits of structures, one file each; every file is listed here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from llamp_mcp.structures.edits import (
    conventional,
    insert,
    interstitial,
    perturb,
    primitive,
    remove,
    strain,
    substitute,
    supercell,
    vacancy,
)

if TYPE_CHECKING:
    from llamp_mcp.structures.edits.edit import Edit

EDITS: Final[tuple[Edit, ...]] = (
    supercell.EDIT,
    substitute.EDIT,
    vacancy.EDIT,
    interstitial.EDIT,
    insert.EDIT,
    remove.EDIT,
    strain.EDIT,
    perturb.EDIT,
    primitive.EDIT,
    conventional.EDIT,
)
