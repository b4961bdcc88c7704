"""A list of edits, one after the other, each with its report."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from llamp_mcp.errors import InvalidInput
from llamp_mcp.operation import needs
from llamp_mcp.structures.edits import EDITS
from llamp_mcp.structures.edits.edit import check_apart
from llamp_mcp.structures.symmetry import SYMPREC_A, space_group
from llamp_mcp.structures.variants import Arguments, parse_variant

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pymatgen.core import Structure

    from llamp_mcp.structures.edits.edit import Edit, Edited, Lookup

_BY_NAME = {edit.name: edit for edit in EDITS}


class Step(NamedTuple):
    """One edit done: its name, its arguments as given, the structure it made, its report."""

    op: str
    arguments: dict[str, Any]
    structure: Structure
    report: dict[str, Any]
    notes: tuple[str, ...]


def parse_edits(edits: Sequence[Mapping[str, Any]]) -> list[tuple[str, Arguments]]:
    """Every edit's name and checked arguments.

    Raises:
        InvalidInput: The first thing wrong in any of them.
    """
    models = {edit.name: edit.arguments for edit in EDITS}
    return [parse_variant(f"edits[{at}]", "op", models, edit) for at, edit in enumerate(edits)]


def apply_edits(
    structure: Structure, edits: Sequence[tuple[str, Arguments]], lookup: Lookup
) -> list[Step]:
    """Apply the edits in order.

    Args:
        structure: It is left as it was.
        edits: As `parse_edits` gives them.
        lookup: Other structures by their handles, for edits that join two.

    Raises:
        InvalidInput: An edit failed; the text names it, and no later one was tried.
    """
    steps: list[Step] = []
    for at, (op, arguments) in enumerate(edits):
        before = steps[-1].structure if steps else structure
        group = steps[-1].report["spacegroup_after"] if steps else _group(structure)
        try:
            edited = _run(_BY_NAME[op], before, arguments, lookup)
            for site in edited.structure:
                site.label = None  # pymatgen would keep "Si" where germanium took the place
            report = _report(before, edited, group)
        except InvalidInput as error:
            raise InvalidInput(
                f"edits[{at}] ({op}): {error.what}; nothing was changed",
                allowed=error.allowed,
                next_step=error.next_step,
            ) from error
        given = arguments.model_dump(exclude_none=True)
        steps.append(Step(op, given, edited.structure, report, edited.notes))
    return steps


def _run(edit: Edit, before: Structure, arguments: Arguments, lookup: Lookup) -> Edited:
    if "lookup" in needs(edit.run):
        return edit.run(before, arguments, lookup=lookup)
    return edit.run(before, arguments)


def _group(structure: Structure) -> str | None:
    found = space_group(structure)
    return str(found) if found else None


def _report(before: Structure, edited: Edited, group: str | None) -> dict[str, Any]:
    """What the edit told, and what is told of every edit.

    Raises:
        InvalidInput: The edit brought two atoms onto each other.
    """
    after = edited.structure
    near = check_apart(before, after)
    common = {
        "composition_before": before.composition.formula,
        "composition_after": after.composition.formula,
        "n_atoms": len(after),
        "volume_a3_before": round(float(before.volume), 6),
        "volume_a3_after": round(float(after.volume), 6),
        **_volumetric_strain(before, edited),
        "min_distance_a": round(near.shortest.distance_a, 3),
        "spacegroup_before": group,
        "spacegroup_after": _group(after),
        "spacegroup_symprec_a": SYMPREC_A,
    }
    if near.warning:
        common["warning"] = near.warning
    return {**edited.report, **common}


def _volumetric_strain(before: Structure, edited: Edited) -> dict[str, float]:
    if edited.cells is None:
        return {}
    strain = edited.structure.volume / (before.volume * edited.cells) - 1
    return {"volumetric_strain_percent": round(100 * float(strain), 6) + 0.0}
