"""The tool that writes a structure as text or into a file of the workspace."""

from __future__ import annotations

import secrets
from contextlib import suppress
from typing import TYPE_CHECKING

from pydantic import Field
from pydantic.json_schema import SkipJsonSchema

from llamp_mcp.errors import InvalidInput, unusable
from llamp_mcp.operation import Operation, Params, ResourceLink, Result
from llamp_mcp.settings import resolve_in_workspace
from llamp_mcp.structures.formats import MIME_TYPES, Format, loses, write_structure
from llamp_mcp.structures.symmetry import MAX_SYMPREC_A

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from llamp_mcp.settings import Settings
    from llamp_mcp.structures.store import StructureStore

TEXT_SHOWN = 12_000
"""Characters of text in an answer: digits cost about half a token each."""

LINKED = ("cif", "poscar", "extxyz", "json")
"""Formats the `structure://` resource serves: those that hold the whole structure."""


class ExportStructureParams(Params):
    """A structure, a format, and where to."""

    structure_id: str = Field(description="handle")
    format: Format = Field("cif", description="qe, lammps: structure part of the input")
    path: str = Field("", description="file in the workspace; empty: the text comes back")
    symprec_a: float = Field(
        0, ge=0, le=MAX_SYMPREC_A, description="cif: Å; above 0 the symmetrised standard cell"
    )
    overwrite: bool = Field(False, description="replace an existing file")


class ExportStructureResult(Result):
    """The text of a file, or where it was written."""

    structure_id: str
    format: str
    symprec_a: SkipJsonSchema[float] = 0
    contents: str = Field("", serialization_alias="text", description="empty when written")
    path: str | None = None
    n_characters: SkipJsonSchema[int]
    truncated: SkipJsonSchema[bool]
    notes: list[str] = Field(default_factory=list)

    def text(self) -> str:
        """Where the file is, or its contents."""
        head = f"{self.structure_id} as {self.format}, n_characters = {self.n_characters}"
        notes = "".join(f"\nnote: {note}" for note in self.notes)
        if self.path:
            return f"{head}, written to {self.path}{notes}"
        cut = f", cut after {len(self.contents)}" if self.truncated else ""
        return f"{head}{cut}{notes}\n{self.contents}"

    def links(self) -> Iterable[ResourceLink]:
        """The whole text as a resource, where the answer holds only its beginning."""
        if self.truncated and _is_linked(self.format, self.symprec_a):
            yield ResourceLink(
                uri=f"structure://{self.structure_id}.{self.format}",
                name=f"{self.structure_id}.{self.format}",
                mime_type=MIME_TYPES[self.format],
                description=f"all {self.n_characters} characters",
            )


def export_structure(
    params: ExportStructureParams, *, structures: StructureStore, settings: Settings
) -> ExportStructureResult:
    """Write a structure as text or into a file of the workspace.

    For VASP (poscar), pymatgen (json), Quantum ESPRESSO (qe), LAMMPS.
    """
    structure = structures.get(params.structure_id)
    contents = write_structure(structure, params.format, params.symprec_a)
    notes = list(loses(structure, params.format, params.symprec_a))
    path = None
    if params.path:
        path = resolve_in_workspace(settings.workspace_path, params.path)
        _write(path, contents, overwrite=params.overwrite)
    truncated = path is None and len(contents) > TEXT_SHOWN
    if truncated:
        where = (
            "; the linked resource holds all" if _is_linked(params.format, params.symprec_a) else ""
        )
        notes.append(f"The text is cut{where}; with path= it is written whole into a file.")
    return ExportStructureResult(
        structure_id=params.structure_id,
        format=params.format,
        symprec_a=params.symprec_a,
        contents="" if path else contents[:TEXT_SHOWN],
        path=str(path) if path else None,
        n_characters=len(contents),
        truncated=truncated,
        notes=notes,
    )


def _is_linked(fmt: str, symprec_a: float) -> bool:
    """Whether a resource has the same text: it knows nothing of a tolerance."""
    return fmt in LINKED and not symprec_a


def _write(path: Path, contents: str, *, overwrite: bool) -> None:
    """Write the file whole or not at all.

    Raises:
        InvalidInput: It exists already, or is a directory.
        HomeError: The workspace cannot be written, or its disk is full.
    """
    if path.is_dir():
        raise InvalidInput(f"The path {str(path)!r} is a directory", next_step="Name a file.")
    if path.exists() and not overwrite:
        raise InvalidInput(
            f"The file {str(path)!r} exists; it was not changed",
            next_step="Choose another name, or set overwrite=true.",
        )
    partial = path.with_name(f".{path.name}.{secrets.token_hex(4)}.partial")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        partial.write_text(contents, encoding="utf-8")
        partial.replace(path)
    except OSError as error:
        raise unusable(f"Cannot write {str(path)!r}", error) from error
    finally:
        with suppress(OSError):  # most often it is already the file asked for
            partial.unlink()


OPERATION = Operation(
    name="export_structure",
    title="Export a structure",
    params=ExportStructureParams,
    result=ExportStructureResult,
    run=export_structure,
    toolset="structures",
    read_only=False,
    destructive=True,
)
