"""What a tool says about a structure: cell, symmetry, sites, where it came from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field

from llamp_mcp.operation import Result
from llamp_mcp.provenance import Fact, LineageStep, SourceMeta

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from pymatgen.core import Structure

SITES_SHOWN = 60

Cell = Literal["primitive", "conventional", "as_given"]


class StructureResult(Result):
    """A structure behind its handle."""

    structure_id: str
    material_id: str | None = None
    formula: str = Field(description="reduced")
    n_atoms: int
    lattice: dict[str, float] = Field(description="a b c (Å) alpha beta gamma (degrees)")
    volume_a3: float
    spacegroup: dict[str, Any] | None = Field(description="symbol, number, symprec_a")
    cell: Cell
    sites: list[dict[str, Any]] = Field(description="index, species, frac_coords")
    source: dict[str, str] | None = None
    lineage: list[LineageStep]
    notes: list[str] = Field(default_factory=list)

    def text(self) -> str:
        """One line each for the cell, its symmetry, its sites, its lineage and the notes."""
        named = f" = {self.material_id}" if self.material_id else ""
        lines = [
            f"structure_id {self.structure_id}{named}: {self.formula}, n_atoms = {self.n_atoms}, "
            f"cell {self.cell}",
            self._cell_text(),
            self._sites_text(),
            "lineage: " + " -> ".join(_step_text(step) for step in self.lineage),
        ]
        if self.source:
            source = self.source
            lines.append(
                f"source: {source['name']} ({source['kind']}), {source['database_version']}, "
                f"{source['licence']}. {source['notice']}"
            )
        return "\n".join([*lines, *(f"note: {note}" for note in self.notes)])

    def _cell_text(self) -> str:
        lattice = self.lattice
        lengths = ", ".join(f"{name} = {lattice[name]:.6g}" for name in ("a", "b", "c"))
        angles = ", ".join(f"{name} = {lattice[name]:.6g}" for name in ("alpha", "beta", "gamma"))
        group = self.spacegroup
        symmetry = (
            f"spacegroup {group['symbol']} ({group['number']}), symprec {group['symprec_a']:g} Å"
            if group
            else "spacegroup not determined"
        )
        return f"{lengths} Å; {angles} degrees; volume = {self.volume_a3:.6g} Å³; {symmetry}"

    def _sites_text(self) -> str:
        shown = "; ".join(
            f"{site['index']} {site['species']} "
            + " ".join(f"{x:.6g}" for x in site["frac_coords"])
            for site in self.sites
        )
        rest = self.n_atoms - len(self.sites)
        cut = f"; … {rest} more: export_structure gives all" if rest else ""
        return f"sites (index species, fractional coordinates): {shown}{cut}"


def describe(
    structure: Structure,
    structure_id: str,
    *,
    lineage: Sequence[LineageStep],
    cell: Cell = "as_given",
    material_id: str | None = None,
    source: SourceMeta | None = None,
    notes: Sequence[str] = (),
) -> StructureResult:
    """The result that stands for a structure.

    Args:
        structure: What is described.
        structure_id: Its handle in the store.
        lineage: Oldest first.
        cell: The setting asked for, where one was.
        material_id: Only of a structure that is the material's as the database has it.
        source: The database, when the structure comes straight from it.
        notes: What the reader must know.
    """
    from llamp_mcp.structures.contacts import contacts

    warning = contacts(structure).warning
    return StructureResult(
        structure_id=structure_id,
        material_id=material_id,
        formula=structure.composition.reduced_formula,
        lineage=list(lineage),
        cell=cell,
        source=None if source is None else source.summary(),
        notes=[*notes, *([warning] if warning else [])],
        **geometry(structure),
    )


def geometry(structure: Structure) -> dict[str, Any]:
    """The keys of a result that follow from the structure alone."""
    from llamp_mcp.structures.identity import position
    from llamp_mcp.structures.symmetry import SYMPREC_A, space_group

    lattice = structure.lattice
    names = ("a", "b", "c", "alpha", "beta", "gamma")
    group = space_group(structure)
    return {
        "n_atoms": len(structure),
        "lattice": {
            name: round(float(value), 6)
            for name, value in zip(names, lattice.parameters, strict=True)
        },
        "volume_a3": round(float(lattice.volume), 6),
        "spacegroup": {"symbol": group.symbol, "number": group.number, "symprec_a": SYMPREC_A}
        if group
        else None,
        "sites": [
            {
                "index": index,
                "species": site.species_string,
                "frac_coords": position(site),
            }
            for index, site in enumerate(structure[:SITES_SHOWN])
        ],
    }


def facts(result: StructureResult) -> Iterable[Fact]:
    """Values of the structure worth remembering for the check of answers."""
    source = f"geometry of {result.structure_id}"
    subjects = [result.structure_id, *([result.material_id] if result.material_id else [])]
    values: list[tuple[str, float | int | str, str | None]] = [
        ("n_atoms", result.n_atoms, None),
        ("volume_a3", result.volume_a3, "Å³"),
        *(
            (name, value, "Å" if len(name) == 1 else "degrees")
            for name, value in result.lattice.items()
        ),
    ]
    if result.spacegroup:
        values.append(("spacegroup_symbol", result.spacegroup["symbol"], None))
        values.append(("spacegroup_number", result.spacegroup["number"], None))
    for subject in subjects:
        for name, value, unit in values:
            yield Fact(subject, name, value, unit, source, result.formula)


def _step_text(step: LineageStep) -> str:
    return f"{step.text()} = {step.structure_id}" if step.structure_id else step.text()
