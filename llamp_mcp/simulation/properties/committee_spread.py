"""How far the members of a committee of force fields are apart, and how that is told."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from llamp_mcp.simulation.properties.kind import Values

_UNITS: Final = {
    "formation_energy_ev_per_atom": "eV/atom",
    "energy_difference_ev_per_atom": "eV/atom",
    "bulk_modulus_gpa": "GPa",
    "volume_a3_per_atom": "Å³/atom",
}
_THRESHOLD: Final = {"eV/atom": 0.03, "GPa": 10.0, "Å³/atom": 3.0}
"""Range above which members are said to disagree: eV/atom, else percent of the middle.

0.03 eV/atom is about kT at room temperature, and the order of the energies that separate
polymorphs; 10 % and 3 % are about how far such force fields are from experiment.
"""


class Quantity(NamedTuple):
    """One number that every member gives: of a structure, in a unit."""

    name: str
    structure_id: str


class Member(NamedTuple):
    """What one force field says."""

    told: dict[str, Any]
    calculator: dict[str, Any]
    numbers: dict[Quantity, float]
    converged: bool


def spread(quantity: Quantity, values: Sequence[float], asked: float | None) -> dict[str, Any]:
    """How far the members are apart in one quantity.

    Args:
        quantity: Which.
        values: One per member.
        asked: Threshold in eV/atom for energies, else in percent; None: our own.
    """
    from statistics import stdev

    unit = _UNITS[quantity.name]
    low, high = min(values), max(values)
    threshold = _THRESHOLD[unit] if asked is None else asked
    absolute = unit == "eV/atom"
    percent = None if absolute else 100 * (high - low) / ((high + low) / 2)
    return {
        **quantity._asdict(),
        "unit": unit,
        "min": low,
        "max": high,
        "range": high - low,
        "standard_deviation": stdev(values),
        "range_percent_of_middle": percent,
        "threshold": threshold,
        "threshold_unit": "eV/atom" if absolute else "%",
        "disagree": bool((high - low if percent is None else percent) > threshold),
    }


def lowest(members: Sequence[Member]) -> dict[str, str]:
    """The structure of lowest energy by each member; one that is not told is the zero."""
    found = {}
    for member in members:
        energies = {quantity.structure_id: value for quantity, value in member.numbers.items()}
        for relaxed in member.told["relaxed"]:
            energies.setdefault(relaxed["structure_id"], 0.0)
        found[member.told["calculator"]] = min(energies, key=lambda one: energies[one])
    return found


def warnings(values: Values) -> Iterator[str]:
    """What the members disagree on."""
    for one in values["spread"]:
        if one["disagree"]:
            yield (
                f"the members DISAGREE on {one['name']} of {one['structure_id']}: range beyond "
                f"{one['threshold']:g} {one['threshold_unit']}; none of the numbers should be used "
                "without another source"
            )
    if len(set(values["lowest"].values())) > 1:
        yield "the members disagree on which structure is lowest in energy"
    for handles in zip(*(member["relaxed"] for member in values["members"]), strict=True):
        if len({one["spacegroup"] for one in handles}) > 1:
            yield (
                f"{handles[0]['structure_id']} relaxes to different space groups: "
                "not the same phase everywhere"
            )


def text(values: Values) -> Iterator[str]:
    """Every member's numbers, then the spread of each quantity."""
    yield (
        f"question {values['question']}; each calculator relaxed atoms and cell by itself; no mean "
        "is given, and agreement is no proof: models trained on the same data share their errors"
    )
    if values["question"] == "energy":
        yield (
            "energies are relative, because the zero of each calculator is its own: formation "
            "energies against the elements relaxed by the same calculator, or differences to the "
            "first structure; not to be mixed with Materials Project energies"
        )
    if values["question"] == "eos":
        yield f"Birch-Murnaghan, 7 volumes within ±{100 * values['strain']:g} % linear strain"
    for member in values["members"]:
        numbers = ", ".join(
            f"{one['name']} = {one['value']:.6g} {_UNITS[one['name']]} of {one['structure_id']}"
            for one in member["numbers"]
        )
        relaxed = ", ".join(f"{one['relaxed_id']} {one['spacegroup']}" for one in member["relaxed"])
        state = "" if member["converged"] else ", NOT converged"
        yield f"{member['calculator']}: {numbers} (relaxed: {relaxed}{state})"
    for one in values["spread"]:
        percent = one["range_percent_of_middle"]
        relative = "" if percent is None else f" = {percent:.3g} % of the middle"
        verdict = "DISAGREE" if one["disagree"] else "agree"
        yield (
            f"{one['name']} of {one['structure_id']}: {one['min']:.6g} to {one['max']:.6g} "
            f"{one['unit']}, range {one['range']:.4g} {one['unit']}{relative}, standard deviation "
            f"{one['standard_deviation']:.3g} {one['unit']}: {verdict} (threshold "
            f"{one['threshold']:g} {one['threshold_unit']})"
        )
    if values["lowest"]:
        told = ", ".join(f"{name}: {handle}" for name, handle in values["lowest"].items())
        yield f"lowest in energy by {told}"


def facts(values: Values) -> Iterable[tuple[str, str, float, str]]:
    """Each member's numbers, its name with the property."""
    for member in values["members"]:
        for one in member["numbers"]:
            name = f"{one['name']} ({member['calculator']})"
            yield one["structure_id"], name, one["value"], _UNITS[one["name"]]
