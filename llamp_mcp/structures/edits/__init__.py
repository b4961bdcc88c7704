"""Edits of structures, one file each; every file is listed here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from llamp_mcp.structures.edits import (
    adsorbate,
    conventional,
    decorate_oxidation_states,
    dope,
    grain_boundary,
    insert,
    interface,
    interstitial,
    order,
    perturb,
    primitive,
    remove,
    rotate,
    scale_volume,
    set_lattice,
    slab,
    sort,
    sqs,
    strain,
    substitute,
    supercell,
    translate,
    twist,
    vacancy,
    vacuum,
)

if TYPE_CHECKING:
    from llamp_mcp.structures.edits.edit import Edit

EDITS: Final[tuple[Edit, ...]] = (
    supercell.EDIT,
    substitute.EDIT,
    dope.EDIT,
    vacancy.EDIT,
    interstitial.EDIT,
    insert.EDIT,
    remove.EDIT,
    order.EDIT,
    sqs.EDIT,
    decorate_oxidation_states.EDIT,
    strain.EDIT,
    perturb.EDIT,
    translate.EDIT,
    rotate.EDIT,
    set_lattice.EDIT,
    scale_volume.EDIT,
    sort.EDIT,
    primitive.EDIT,
    conventional.EDIT,
    slab.EDIT,
    adsorbate.EDIT,
    vacuum.EDIT,
    interface.EDIT,
    twist.EDIT,
    grain_boundary.EDIT,
)
