"""The tool that makes a structure from text, a file, or a prototype."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field

from llamp_mcp.errors import InvalidInput, NotFound
from llamp_mcp.operation import Operation, Params
from llamp_mcp.provenance import LineageStep
from llamp_mcp.settings import resolve_in_workspace
from llamp_mcp.structures.description import StructureResult, describe, facts
from llamp_mcp.structures.formats import MAX_BYTES, READ, format_of, parse, too_large
from llamp_mcp.structures.variants import Arguments, Flat
from llamp_mcp.structures.workspace import open_in_workspace

if TYPE_CHECKING:
    from pathlib import Path

    from llamp_mcp.settings import Settings
    from llamp_mcp.structures.store import StructureStore


def _kinds() -> dict[str, type[Arguments]]:
    from llamp_mcp.structures.prototypes import PROTOTYPES

    return PROTOTYPES


PrototypeObject = Annotated[dict[str, Any], Flat("kind", _kinds)]


class CreateStructureParams(Params):
    """Exactly one of text, path and prototype."""

    text: str = Field("", description="contents of a structure file")
    format: Literal["", "cif", "poscar", "extxyz", "xyz", "json"] = Field(
        "", description="of text, or of a path without ending"
    )
    path: str = Field("", description="in the workspace")
    prototype: PrototypeObject = Field(
        default_factory=dict,
        description='such as {"kind": "bulk", "name": "Cu", "crystal": "fcc", "a": 3.615}',
    )


def create_structure(
    params: CreateStructureParams, *, structures: StructureStore, settings: Settings
) -> StructureResult:
    """Make a structure of your own and get its structure_id. Give one of text, path, prototype.

    For a material of the Project use get_structure.
    """
    given = [name for name in ("text", "path", "prototype") if getattr(params, name)]
    if len(given) != 1:
        raise InvalidInput(
            f"create_structure needs exactly one of text, path, prototype; got "
            f"{' and '.join(given) or 'none'}",
            next_step="For a material of the Materials Project use get_structure.",
        )
    if params.prototype:
        from llamp_mcp.structures.prototypes import build

        structure, notes = build(params.prototype)
        step = LineageStep(
            action="create_structure", origin="prototype", parameters=dict(params.prototype)
        )
    else:
        text, fmt, origin = _source(params, settings)
        structure, notes = parse(text, fmt)
        step = LineageStep(action="create_structure", origin=origin, parameters={"format": fmt})
    handle = structures.put(structure, step)
    recorded = step.model_copy(update={"structure_id": handle})
    return describe(structure, handle, lineage=[recorded], notes=notes)


def _source(params: CreateStructureParams, settings: Settings) -> tuple[str, str, str]:
    """Text, format, and where the text came from."""
    if params.path:
        path = resolve_in_workspace(settings.workspace_path, params.path)
        fmt = params.format or format_of(path)
        return _read(path, params.path, settings), fmt, f"file {params.path}"
    if not params.format:
        raise InvalidInput(
            "text needs its format", allowed=", ".join(READ), next_step="Give format=."
        )
    return params.text, params.format, f"{params.format} text given by the caller"


def _read(path: Path, name: str, settings: Settings) -> str:
    """Contents of a file in the workspace."""
    if not path.is_file():
        workspace = sorted(entry.name for entry in path.parent.glob("*") if entry.is_file())
        raise NotFound(
            f"There is no file {path.name!r} in the workspace folder {str(path.parent)!r}",
            allowed=", ".join(workspace[:20]),
        )
    with open_in_workspace(settings.workspace_path, name) as file:
        data = file.read(MAX_BYTES + 1)  # it may be growing
        if len(data) > MAX_BYTES:
            raise too_large(max(len(data), path.stat().st_size))
    try:
        return data.decode("utf-8").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        raise InvalidInput(f"The file {path.name!r} is not text (UTF-8)") from error


OPERATION = Operation(
    name="create_structure",
    title="Create a structure",
    params=CreateStructureParams,
    result=StructureResult,
    run=create_structure,
    toolset="structures",
    read_only=True,
    facts=facts,
)
