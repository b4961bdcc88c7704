"""A source of thermo documents held in memory, and the shipped Li-Fe-O documents for it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pymatgen.core import Composition

from llamp_mcp.materials.source import Rows
from llamp_mcp.provenance import SourceMeta

if TYPE_CHECKING:
    from collections.abc import Iterable

    from llamp_mcp.materials.source import Document, Page, Query, RecipeQuery, Recipes, SpectrumKind


class ThermoSource:
    """What the two thermodynamic tools ask of a source; it counts how often they do."""

    def __init__(self, documents: Iterable[dict[str, Any]], notes: tuple[str, ...] = ()) -> None:
        self.documents, self.notes, self.requests = list(documents), notes, 0

    def meta(self) -> SourceMeta:
        return SourceMeta(
            kind="snapshot",
            name="synthetic",
            database_version="v0",
            licence="CC BY 4.0",
            attribution="nobody",
            materials=None,
            notice="synthetic documents",
        )

    def citations(self) -> dict[str, dict[str, str]]:
        return {"made-up": {"name": "made up for a test", "database_version": "v0"}}

    def entries(self, chemsys: tuple[str, ...], thermo_type: str) -> Rows:
        self.requests += 1
        found = (
            d
            for d in self.documents
            if d["thermo_type"] == thermo_type
            and Composition(d["composition"]).chemical_system in chemsys
        )
        return Rows(tuple(found), self.notes)

    def rows(
        self, endpoint: str, material_ids: tuple[str, ...], fields: tuple[str, ...] = ()
    ) -> Rows:
        assert endpoint == "thermo"
        self.requests += 1
        names = {"material_id", *fields}
        found = (d for i in material_ids for d in self.documents if d["material_id"] == i)
        return Rows(tuple({k: v for k, v in d.items() if k in names} for d in found))

    def search(self, _query: Query) -> Page:
        raise AssertionError("the summary has no part in thermodynamics")

    def structures(self, _ids: tuple[str, ...]) -> dict[str, Document]:
        raise AssertionError("structures have no part in it")

    def spectrum(self, _id: str, _kind: SpectrumKind) -> Document:
        raise AssertionError("spectra have no part in it")

    def recipes(self, _query: RecipeQuery) -> Recipes:
        raise AssertionError("recipes have no part in it")


def document(
    number: int, formula: str, energy: float, thermo_type: str = "GGA_GGA+U", **values: Any
) -> dict[str, Any]:
    """A synthetic thermo document; its id, mp-9000…, is none of the Project's."""
    return {
        "material_id": f"mp-{3_200_000 + number}",
        "formula_pretty": Composition(formula).reduced_formula,
        "composition": Composition(formula).as_dict(),
        "energy_per_atom": energy,
        "thermo_type": thermo_type,
        **values,
    }


def shipped(sample: dict[str, Any]) -> list[dict[str, Any]]:
    """The thermo documents of the shipped file that say their thermo type."""
    made = []
    for material in sample["materials"]:
        thermo = material["groups"].get("thermo", {})
        if "thermo_type" in thermo and "energy_per_atom" in thermo:
            sources = {f: key for key, fields in material["sources"].items() for f in fields}
            basis = {key: material[key] for key in ("material_id", "formula_pretty", "composition")}
            made.append({**basis, **thermo, "_sources": {k: sources[k] for k in thermo}})
    return made
