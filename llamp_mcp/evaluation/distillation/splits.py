"""Train, validation and test: divided by material, so that nothing that is tested was learnt.

The side of a reduced formula is a matter of its digest alone. So it is the same in every run, with
every seed and from every source, and a formula that comes in later moves no other. All polymorphs
of a formula are on one side, and whatever is about formulas of two sides is left out.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from llamp_mcp.errors import InvalidInput
from llamp_mcp.evaluation.distillation.rows import digest
from llamp_mcp.materials.formulas import formula_key

if TYPE_CHECKING:
    from collections.abc import Iterable

SIDES: Final = ("train", "validation", "test")
_STEPS: Final = 2**32


@dataclass(frozen=True, slots=True)
class Division:
    """Which side a formula is on.

    Args:
        test: Fraction of the formulas that are kept for the test, from 0 to 0.5.
        validation: Likewise.

    Raises:
        InvalidInput: A fraction is out of bounds.
    """

    test: float = 0.1
    validation: float = 0.1

    def __post_init__(self) -> None:
        for name, value in (("test", self.test), ("validation", self.validation)):
            if not 0 <= value <= 0.5:
                raise InvalidInput(
                    f"The fraction of formulas for {name} is {value!r}", allowed="0 to 0.5"
                )

    def side(self, formula: str) -> str:
        """The side of a formula, however it is written."""
        return self.side_of_key(formula_key(formula))

    def side_of_key(self, key: str) -> str:
        """The side of a key of `formula_key`, or of any other text."""
        drawn = digest(f"side of {key}") % _STEPS / _STEPS
        if drawn < self.test:
            return "test"
        return "validation" if drawn < self.test + self.validation else "train"

    def common(self, keys: Iterable[str]) -> str | None:
        """The one side that all keys are on; None when they are on several; train for none."""
        sides = {self.side_of_key(key) for key in keys} or {"train"}
        return sides.pop() if len(sides) == 1 else None
