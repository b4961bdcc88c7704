"""Balancing a chemical equation, or the reason why it cannot be."""

from __future__ import annotations

from fractions import Fraction
from math import gcd, lcm
from typing import TYPE_CHECKING, Final

from llamp_mcp.errors import InvalidInput

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pymatgen.core.composition import Composition

MAX_AMOUNT: Final = 1000
"""Largest denominator with which amounts are made whole."""


def balance(compounds: Sequence[tuple[str, Composition]], first: int) -> list[int]:
    """Smallest whole amounts that conserve every element, negative for reactants.

    Args:
        compounds: Reactants, then products: as they were named, and one formula unit.
        first: Where the products begin.

    Raises:
        InvalidInput: There are none, there are several, or a compound is on the wrong side.
    """
    import numpy as np
    from pymatgen.analysis.reaction_calculator import Reaction

    names = [name for name, _ in compounds]
    compositions = [composition for _, composition in compounds]
    told = " -> ".join((" + ".join(names[:first]), " + ".join(names[first:])))
    symbols = sorted({symbol for c in compositions for symbol in c.get_el_amt_dict()})
    _check_sides(compositions, first)
    matrix = np.array([[c[symbol] for c in compositions] for symbol in symbols])
    freedom = len(compositions) - int(np.linalg.matrix_rank(matrix))
    if freedom == 0:
        raise InvalidInput(
            f"{told} cannot be balanced: no amounts conserve all of {', '.join(symbols)}",
            next_step="Add the compound that is missing, such as a gas that is taken up or given "
            "off (O2, CO2, H2O), or correct a formula.",
        )
    if freedom > 1:
        raise InvalidInput(
            f"{told} has {freedom} independent balances, so its energy is not defined",
            next_step="Leave out a compound, or ask for its partial reactions one by one.",
        )
    reaction = Reaction(compositions[:first], compositions[first:])
    amounts = _whole([float(x) for x in reaction.coeffs])
    if np.any(matrix @ np.array(amounts)):
        raise InvalidInput(f"{told} has no balance with amounts below {MAX_AMOUNT}")
    _check_signs(told, names, amounts, first)
    return amounts


def _check_sides(compositions: Sequence[Composition], first: int) -> None:
    """Every element must be on both sides."""
    left, right = (
        {e for c in side for e in c.get_el_amt_dict()}
        for side in (compositions[:first], compositions[first:])
    )
    lost = [
        f"{', '.join(sorted(elements))} only among the {side}"
        for elements, side in ((left - right, "reactants"), (right - left, "products"))
        if elements
    ]
    if lost:
        raise InvalidInput(
            f"The reaction cannot be balanced: {'; '.join(lost)}",
            next_step="Add a compound with it to the other side, or correct a formula.",
        )


def _check_signs(told: str, names: Sequence[str], amounts: Sequence[int], first: int) -> None:
    """Every compound must take part, on the side where it was named."""
    for at, (name, amount) in enumerate(zip(names, amounts, strict=True)):
        if amount == 0:
            raise InvalidInput(
                f"{name} takes no part in the balance of {told}", next_step="Leave it out."
            )
        if (amount > 0) != (at >= first):
            side = "product" if amount > 0 else "reactant"
            raise InvalidInput(
                f"{told} balances only with {name} as a {side}",
                next_step=f"Name it among the {side}s, or correct a formula.",
            )


def _whole(amounts: Sequence[float]) -> list[int]:
    """The smallest whole numbers in these proportions."""
    parts = [Fraction(amount).limit_denominator(MAX_AMOUNT) for amount in amounts]
    factor = lcm(*(part.denominator for part in parts))
    whole = [int(part * factor) for part in parts]
    return [amount // gcd(*whole) for amount in whole]
