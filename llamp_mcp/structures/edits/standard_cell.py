"""What `primitive` and `conventional` share: standard cells by symmetry."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from llamp_mcp.structures.edits.edit import Edited
from llamp_mcp.structures.symmetry import SYMPREC_A
from llamp_mcp.structures.variants import Arguments

if TYPE_CHECKING:
    from pymatgen.core import Structure

_CONVENTION = (
    "standard cell of Setyawan and Curtarolo (doi 10.1016/j.commatsci.2010.05.010) by spglib and "
    "pymatgen; axes, origin and site order are the standard's, positions idealised within symprec"
)


class StandardCellArguments(Arguments):
    """How exact the symmetry must be."""

    symprec_a: Annotated[float, Field(gt=0, le=1)] = Field(
        SYMPREC_A, description="symmetry tolerance in Å, default 0.01"
    )


def standardised(before: Structure, after: Structure, symprec_a: float) -> Edited:
    """The edit that put `after` in the place of `before`, with its convention said."""
    names = ", ".join(sorted(before.site_properties))
    notes = (
        (f"dropped with the cell: {names} per site; a magnetic order may need a larger cell",)
        if names
        else ()
    )
    report = {"convention": _CONVENTION, "symprec_a": symprec_a}
    return Edited(after, report, cells=len(after) / len(before), notes=notes)
