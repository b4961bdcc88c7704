"""The crystal structure of a material, behind a handle."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field

from llamp_mcp.errors import InvalidInput, NotFound
from llamp_mcp.materials import formulas, identifiers, selection
from llamp_mcp.operation import Operation, Params
from llamp_mcp.provenance import LineageStep
from llamp_mcp.structures.description import StructureResult, describe, facts

if TYPE_CHECKING:
    from pymatgen.core.structure import Structure

    from llamp_mcp.materials.source import Document, MaterialsSource
    from llamp_mcp.structures.store import StructureStore

SYMPREC_A = 0.1
"""The tolerance with which the Materials Project assigns space groups."""
_ELSEWHERE = (
    "Look for related materials with search_materials, or build the cell with create_structure "
    "from data that has a source."
)


class StructureParams(Params):
    """Arguments of `get_structure`."""

    material: str = Field(description="id or formula: 'mp-149', 'Si'")
    cell: Literal["primitive", "conventional"] = Field(
        default="primitive", description="conventional: the standard cell of the space group"
    )


def get_structure(
    params: StructureParams, *, source: MaterialsSource, structures: StructureStore
) -> StructureResult:
    """Fetch the crystal structure of a material; returns a structure_id for the other tools.

    A formula means its entry lowest on the hull; the notes say which. Sites are numbered from 0.
    """
    material_id, record, words = _select(params.material, source)
    structure, notes = _in_cell(_structure(record), params.cell)
    meta = source.meta()
    citation = source.citations().get(record.get("source", ""))
    if citation is not None:  # an extract mixes database versions: say this structure's own
        version = f"{citation['database_version']} (source {record['source']})"
        meta = meta.model_copy(update={"database_version": version})
    origin = f"{material_id}, Materials Project, {meta.database_version}"
    step = LineageStep(action="get_structure", origin=origin, parameters={"cell": params.cell})
    handle = structures.put(structure, step)
    return describe(
        structure,
        handle,
        lineage=structures.history(handle),
        cell=params.cell,
        material_id=material_id,
        source=meta,
        notes=(*words, *notes, *record.get("_notes", ())),
    )


def _select(requested: str, source: MaterialsSource) -> tuple[str, Document, list[str]]:
    """The id that is meant, its structure on file, and how it was selected.

    Raises:
        NotFound: No entry of that id or formula has a structure here.
        InvalidInput: Several have, and none can be chosen.
    """
    kind, name = identifiers.material(requested)
    if kind == "id":
        if record := source.structures((name,)).get(name):
            return name, record, []
        raise NotFound(
            f"No structure of {name} in this source; {source.meta().notice}", next_step=_ELSEWHERE
        )
    entries = selection.entries(source, (name,), ())
    documents = entries.by_formula[name]
    hull = {material: selection.hull_energy(entry) for material, entry in documents.items()}
    held = source.structures(tuple(documents)) if documents else {}
    found = [entry for material, entry in documents.items() if material in held]
    if not found:
        raise NotFound(
            f"No structure of composition {requested} in this source ({len(documents)} entries)",
            next_step=_ELSEWHERE,
        )
    choice = selection.choose(found, hull, "structure")[0]
    if not choice.chosen:
        raise InvalidInput(
            f"{requested} is ambiguous: {choice.selection}",
            next_step="Compare them with search_materials and call again with one of these ids.",
        )
    chosen = choice.document["material_id"]
    words = [f"{requested}: {choice.selection}", *formulas.remarks(requested), *entries.notes]
    return chosen, held[chosen], words


def _structure(record: dict[str, Any]) -> Structure:
    from pymatgen.core.structure import Structure

    moments = {"magmom": record["magmoms"]} if "magmoms" in record else None
    return Structure(
        record["lattice"], record["species"], record["frac_coords"], site_properties=moments
    )


def _in_cell(stored: Structure, cell: str) -> tuple[Structure, list[str]]:
    """The structure in the cell asked for, and in which convention."""
    if cell == "primitive":
        primitive = stored.get_primitive_structure(use_site_props=True)
        if len(primitive) == len(stored):
            return stored, ["primitive cell as the Project stores it, axes unchanged"]
        return primitive, [f"primitive cell, reduced from a stored cell of {len(stored)} atoms"]
    from llamp_mcp.structures.symmetry import analyzer

    standard = analyzer(stored, SYMPREC_A).get_conventional_standard_structure()
    notes = [f"conventional standard cell (Setyawan and Curtarolo), tolerance {SYMPREC_A:g} Å"]
    if any(stored.site_properties.get("magmom", ())):
        notes.append("magnetic moments left out: the standard cell is that of the nuclei")
    return standard, notes


OPERATION = Operation(
    name="get_structure",
    title="Get a structure",
    params=StructureParams,
    result=StructureResult,
    run=get_structure,
    toolset="materials",
    read_only=True,
    facts=facts,
)
