"""Single layers: graphene and its like, and MX2 of the 2H and 1T kinds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from llamp_mcp.errors import InvalidInput, clip
from llamp_mcp.structures.formats import from_atoms
from llamp_mcp.structures.prototypes.arguments import Built
from llamp_mcp.structures.prototypes.formula import tokens

if TYPE_CHECKING:
    from llamp_mcp.structures.prototypes.arguments import BulkArguments

LAYERS: Final = {"graphene": "graphene", "mx22h": "2H", "mx21t": "1T"}
"""Names without spaces, capitals and hyphens, and what ASE calls them."""


def layer(name: str, arguments: BulkArguments) -> Built:
    """One hexagonal layer in a cell of height c.

    Raises:
        InvalidInput: Another formula, or lattice constants are missing.
    """
    from ase.build import graphene, mx2

    counts = [count for _, count in tokens(arguments.name)]
    symbols = [symbol for symbol, _ in tokens(arguments.name)]
    is_flat = name == "graphene"
    if is_flat and counts in ([1.0], [2.0]):
        formula = symbols[0] + "2"
    elif is_flat and counts == [1.0, 1.0]:
        formula = "".join(symbols)
    elif not is_flat and sorted(counts) == [1.0, 2.0]:
        one, two = sorted(zip(counts, symbols, strict=True))
        formula = f"{one[1]}{two[1]}2"
    else:
        raise InvalidInput(
            f"{clip(arguments.name)} does not fit the layer {arguments.crystal}",
            allowed="'C' or 'BN'" if is_flat else "a formula MX2, such as 'MoS2'",
        )
    if arguments.lattice is not None or arguments.u is not None:
        raise InvalidInput("A layer takes a, c and thickness_a, not lattice or u")
    thickness = arguments.thickness_a
    if thickness is None and is_flat:
        thickness = 0.0
    if arguments.a is None or arguments.c is None or thickness is None:
        raise InvalidInput(
            f"The layer {arguments.crystal} of {formula} needs a, c"
            f"{'' if is_flat else ' and thickness_a'} in Å",
            next_step="a is the in-plane constant, c the height of the cell with its vacuum"
            + ("." if is_flat else ", thickness_a the distance between the two planes of X."),
        )
    if thickness >= arguments.c:
        raise InvalidInput(
            f"The layer is {thickness:g} Å thick, the cell only {arguments.c:g} Å high",
            next_step="Give a larger c.",
        )
    given = {"formula": formula, "a": arguments.a, "thickness": thickness}
    given["vacuum"] = (arguments.c - thickness) / 2
    atoms = graphene(**given) if is_flat else mx2(kind=LAYERS[name], **given)
    atoms.pbc = True
    note = (
        f"One layer of {formula} in the middle of the cell, {arguments.c - thickness:.6g} Å of "
        f"vacuum between it and its images along c; its outer planes are {thickness:g} Å apart."
    )
    return Built(from_atoms(atoms), (note,))
