"""The tool that compares structures: how far a match is apart, or why there is none."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from pydantic import Field
from pydantic.json_schema import SkipJsonSchema

from llamp_mcp.errors import InvalidInput, clip
from llamp_mcp.operation import Operation, Params, Result
from llamp_mcp.provenance import Fact
from llamp_mcp.structures.edit_structure import as_text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pymatgen.core import Structure

    from llamp_mcp.structures.store import StructureStore

MAX_STRUCTURES: Final = 10
MAX_ATOMS: Final = 5000

METHOD: Final = (
    "elements and positions are compared (not oxidation states or spins), with the tolerances of "
    "pymatgen's StructureMatcher: lattices map within length_tolerance (relative) and "
    "angle_tolerance_deg, the largest displacement is at most site_tolerance times (V/n)^(1/3). "
    "Displacements: paired sites on the lattice of mean parameters{scaled}, mean displacement "
    "removed; normalised = by (V/n)^(1/3) of that lattice. principal_strains_percent: stretches of "
    "the corresponding axes from the reference to this structure minus 1, rotation removed, "
    "volume change included. cell_in_reference_axes: rows a, b, c of this cell as given in the "
    "axes of the reference as given, strain removed. reference_site and site: one of those that "
    "lattice translations make equal. mirror_image: no correspondence of the same hand is as good"
)

AVERAGED: Final = (
    "averaged: the cells are supercells of each other only after averaging positions over "
    "translations that hold within 0.25 Å; displacements are those of the averaged cells"
)


_UNITS: Final = {"_a3": "Å³", "_a": "Å", "_percent": "%"}


class CompareStructuresParams(Params):
    """Structures and what counts as the same; the tolerances are StructureMatcher's."""

    structure_ids: list[str] = Field(
        min_length=2, max_length=MAX_STRUCTURES, description="first: the reference"
    )
    length_tolerance: float = Field(default=0.2, gt=0, le=0.5, description="of lengths, relative")
    site_tolerance: float = Field(default=0.3, gt=0, le=0.5, description="of (volume/atom)^(1/3)")
    angle_tolerance_deg: float = Field(default=5, gt=0, le=15, description="degrees")
    scale: bool = Field(default=True, description="to equal volume")
    primitive: bool = Field(default=True, description="reduce cells first")
    ignore_species: list[str] = Field(default=[], description="left out")


class CompareStructuresResult(Result):
    """What each structure is, and how each compares with the first."""

    structures: list[dict[str, Any]]
    comparisons: list[dict[str, Any]]
    tolerances: SkipJsonSchema[dict[str, Any]]
    method: SkipJsonSchema[str]

    def text(self) -> str:
        """One line per structure, a few per comparison, then the definitions."""
        lines = [as_text(row) for row in self.structures]
        for row in self.comparisons:
            mapping, reasons = row.get("mapping", []), row.get("reasons", [])
            plain = {name: row[name] for name in row if name not in ("mapping", "reasons")}
            lines.append(f"against {self.structures[0]['structure_id']}: {as_text(plain)}")
            lines += [f"  reason: {reason}" for reason in reasons]
            if mapping:
                pairs = "; ".join(as_text(list(pair.values())) for pair in mapping)
                lines.append(f"  mapping ({' '.join(mapping[0])}): {pairs}")
        allowed = as_text(self.tolerances)
        return "\n".join([*lines, f"compared with {allowed}", f"definitions: {self.method}"])


def compare_structures(
    params: CompareStructuresParams, *, structures: StructureStore
) -> CompareStructuresResult:
    """Compare stored structures with the first: match, RMSD, site mapping, strain, or why not.

    For database entries use identify_structure.
    """
    from llamp_mcp.structures.comparison.cells import bare

    given = [structures.get(handle) for handle in params.structure_ids]
    for handle, structure in zip(params.structure_ids, given, strict=True):
        _check_size(handle, structure)
    _check_ignored(params.ignore_species, given)
    bared = [bare(structure, params.ignore_species) for structure in given]
    comparisons = [
        {"structure_id": handle, **_compared(params, bared[0], handle, structure)}
        for handle, structure in zip(params.structure_ids[1:], bared[1:], strict=True)
    ]
    scaled = " scaled to the mean volume per site" if params.scale else ""
    averaged = any("averaged" in row for row in comparisons)
    return CompareStructuresResult(
        structures=[
            _described(handle, structure)
            for handle, structure in zip(params.structure_ids, given, strict=True)
        ],
        comparisons=comparisons,
        tolerances={
            name: getattr(params, name)
            for name in CompareStructuresParams.model_fields
            if name != "structure_ids"
        },
        method=METHOD.format(scaled=scaled) + (f". {AVERAGED}" if averaged else ""),
    )


def _check_size(handle: str, structure: Structure) -> None:
    if len(structure) > MAX_ATOMS:
        raise InvalidInput(
            f"{handle} has {len(structure)} sites",
            allowed=f"at most {MAX_ATOMS}",
            next_step="Reduce it with edit_structure (op 'primitive') and call again.",
        )


def _check_ignored(ignored: list[str], given: list[Structure]) -> None:
    present = {species.symbol for structure in given for species in structure.composition}
    if unknown := sorted(set(ignored) - present):
        raise InvalidInput(
            f"ignore_species {clip(unknown)}: in none of the structures",
            allowed=", ".join(sorted(present)),
        )


def _described(handle: str, structure: Structure) -> dict[str, Any]:
    from llamp_mcp.structures.symmetry import SYMPREC_A, space_group

    group = space_group(structure)
    return {
        "structure_id": handle,
        "formula": structure.composition.reduced_formula,
        "n_sites": len(structure),
        "volume_per_site_a3": round(float(structure.volume) / len(structure), 5),
        "spacegroup": str(group) if group else None,
        "symprec_a": SYMPREC_A,
    }


def _compared(
    params: CompareStructuresParams, reference: Structure, handle: str, other: Structure
) -> dict[str, Any]:
    from llamp_mcp.structures.comparison.overlay import Tolerances
    from llamp_mcp.structures.comparison.pair import compare

    if handle == params.structure_ids[0]:
        # Only a repeated handle: what it stands for needs no comparison.
        return {"match": True, "identical": "the same structure_id: the same representation"}
    tolerances = Tolerances(
        params.length_tolerance,
        params.site_tolerance,
        params.angle_tolerance_deg,
        params.scale,
        params.primitive,
    )
    return compare(reference, other, tolerances)


def _facts(result: CompareStructuresResult) -> Iterator[Fact]:
    """Every scalar of each structure, and of each comparison, which is named with its reference."""
    reference = result.structures[0]["structure_id"]
    formulas = {row["structure_id"]: row["formula"] for row in result.structures}
    for row in (*result.structures, *result.comparisons):
        subject = row["structure_id"]
        suffix = f"({reference})" if "match" in row else ""
        for name, value in row.items():
            if isinstance(value, (bool, int, float)):
                unit = next((unit for end, unit in _UNITS.items() if name.endswith(end)), None)
                source = f"geometry of {subject}"
                yield Fact(subject, name + suffix, value, unit, source, formulas[subject])


OPERATION = Operation(
    name="compare_structures",
    title="Compare structures",
    params=CompareStructuresParams,
    result=CompareStructuresResult,
    run=compare_structures,
    toolset="structures",
    read_only=True,
    facts=_facts,
)
