"""The tool that edits a structure: a list of edits, all or nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field

from llamp_mcp.operation import Operation, Params
from llamp_mcp.provenance import LineageStep
from llamp_mcp.structures.description import Cell, StructureResult, describe, facts
from llamp_mcp.structures.polyhedra import POLYHEDRON_RULE
from llamp_mcp.structures.shells import SHELL_RULE
from llamp_mcp.structures.variants import Arguments, Flat

if TYPE_CHECKING:
    from llamp_mcp.structures.store import StructureStore

MAX_EDITS = 20


def _kinds() -> dict[str, type[Arguments]]:
    from llamp_mcp.structures.edits import EDITS

    return {edit.name: edit.arguments for edit in EDITS}


EditObject = Annotated[dict[str, Any], Flat("op", _kinds)]


class EditStructureParams(Params):
    """A structure and what to do with it."""

    structure_id: str = Field(description="handle")
    edits: list[EditObject] = Field(
        min_length=1, max_length=MAX_EDITS, description="sites count from 0"
    )


class EditStructureResult(StructureResult):
    """The edited structure and a report of every step."""

    steps: list[dict[str, Any]] = Field(description="op, structure_id, report")

    def text(self) -> str:
        """The new structure, then each step with every value of its report."""
        lines = [
            f"step {at} {step['op']} -> {step['structure_id']}: {as_text(step['report'])}"
            for at, step in enumerate(self.steps)
        ]
        return "\n".join([super().text(), *lines, f"{SHELL_RULE}; {POLYHEDRON_RULE}"])


def edit_structure(
    params: EditStructureParams, *, structures: StructureStore
) -> EditStructureResult:
    """Edit a crystal: cell, sites, strain, surfaces, interfaces, disorder.

    Applied in order, all or none; a report proves the geometry of each. Example:
    [{"op": "supercell", "target_atoms": 16}, {"op": "interstitial", "species": "Li",
    "site_kind": "tetrahedral"}].
    """
    from llamp_mcp.structures.edits.apply import apply_edits, parse_edits

    edits = parse_edits(params.edits)
    steps = apply_edits(structures.get(params.structure_id), edits, structures.get)
    lineage = [LineageStep(action=step.op, parameters=step.arguments) for step in steps]
    lineage[0] = lineage[0].model_copy(update={"parent": params.structure_id})
    handles = structures.put_chain([step.structure for step in steps], lineage)
    notes = [note for step in steps for note in step.notes]
    described = describe(
        steps[-1].structure,
        handles[-1],
        lineage=structures.history(handles[-1]),
        cell=_cell(steps[-1].op),
        notes=list(dict.fromkeys(notes)),
    )
    return EditStructureResult(
        **{name: getattr(described, name) for name in StructureResult.model_fields},
        steps=[
            {"op": step.op, "structure_id": handle, "report": step.report}
            for step, handle in zip(steps, handles, strict=True)
        ],
    )


def _cell(op: str) -> Cell:
    return op if op in ("primitive", "conventional") else "as_given"  # type: ignore[return-value]


def as_text(value: Any) -> str:
    """A report in one line, every value in it, numbers to six significant digits."""
    match value:
        case bool() | None:
            return str(value)
        case float():
            return f"{value:.6g}"
        case dict():
            return ", ".join(f"{name} = {_nested(item)}" for name, item in value.items())
        case list():
            return " ".join(_nested(item) for item in value)
    return str(value)


def _nested(value: Any) -> str:
    text = as_text(value)
    if isinstance(value, dict):
        return f"{{{text}}}"
    return f"[{text}]" if isinstance(value, list) else text


OPERATION = Operation(
    name="edit_structure",
    title="Edit a structure",
    params=EditStructureParams,
    result=EditStructureResult,
    run=edit_structure,
    toolset="structures",
    read_only=True,
    facts=facts,
)
