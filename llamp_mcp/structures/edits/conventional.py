"""`conventional`: the standard conventional cell."""

from __future__ import annotations

from typing import TYPE_CHECKING

from llamp_mcp.structures.edits.edit import Edit, Edited
from llamp_mcp.structures.edits.standard_cell import StandardCellArguments, standardised
from llamp_mcp.structures.symmetry import analyzer

if TYPE_CHECKING:
    from pymatgen.core import Structure


def conventional(structure: Structure, arguments: StandardCellArguments) -> Edited:
    """Change to the standard conventional cell."""
    symmetry = analyzer(structure, arguments.symprec_a)
    made = symmetry.get_conventional_standard_structure()
    return standardised(structure, made, symmetry, arguments.symprec_a)


EDIT = Edit(name="conventional", arguments=StandardCellArguments, run=conventional)
