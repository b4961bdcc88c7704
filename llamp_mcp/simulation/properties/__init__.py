"""Kinds of property that `calculate_property` computes, one file each; every file is listed here.

To add a kind, write a file that ends with

    KIND = Kind(name="vacancy_energy", arguments=VacancyArguments, check=check,
                run=vacancy_energy, text=text, facts=facts)

and one entry in `KINDS`. `arguments` is an `Arguments` (`structures/variants.py`) with short
descriptions; its fields become optional arguments of the one tool, and each call is checked
against the model of its own kind: an argument of another kind is an error. `check` and `run`
get (`Asked`, arguments) and, by keyword, `structures`, `calculators` (and `monitor`); `run`
returns an `Answered`, and `text` makes its lines from `Answered.values` alone. Its start-up
imports must be light: heavy packages inside functions.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from llamp_mcp.simulation.properties import (
    adsorption_energy,
    committee,
    surface_energy,
    thermal_expansion,
    vacancy_energy,
)

if TYPE_CHECKING:
    from llamp_mcp.simulation.properties.kind import Kind

KINDS: Final[tuple[Kind, ...]] = (
    surface_energy.KIND,
    adsorption_energy.KIND,
    vacancy_energy.KIND,
    committee.KIND,
    thermal_expansion.KIND,
)
