"""Rebuild the embedded sample from a data folder.

    python scripts/build_sample.py DATA_FOLDER [--out llamp_mcp/materials/data/sample.json.xz]

The folder holds what its own MANIFEST.md lists. What is shipped are facts in a schema of this
project, each with its source; the same folder and library versions give the same bytes.

Left out on purpose: ids from mp-1300000 on (they may be GNoME entries, which are BY-NC), every
value that its source gives in several versions without saying which is which, paragraphs of
papers, and entries whose formula nobody printed.
"""

from __future__ import annotations

import argparse
import gzip
import json
import lzma
import math
import warnings
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import sample_sources
import spglib
from pymatgen.analysis.phase_diagram import PhaseDiagram
from pymatgen.core import Composition, Structure
from pymatgen.entries.computed_entries import ComputedStructureEntry
from sample_schema import HOME

from llamp_mcp.structures.symmetry import analyzer

FIRST_EXCLUDED_NUMBER = 1_300_000
HULL_WINDOW_EV = 0.05
ENERGY_MATCH_EV = 1e-5
"""A structure is taken for the id whose energy per atom it has to this accuracy."""
REFERENCE_TOLERANCE_EV = 1e-3
"""An elemental reference is not believed where a structure this much lower is on file."""
SYMPREC_A = 0.1
NUCLEON_PER_A3_IN_G_PER_CM3 = 1.66053906660
"""1 u/Å³ in g/cm³ (CODATA 2018, doi 10.1103/RevModPhys.93.025010)."""

_COMMON = (
    "NaCl MgO CaO KCl LiF LiCl NaF KBr KI NaBr NaI RbI CsCl CsI GaAs GaN GaP GaSb AlN AlP AlAs InN "
    "InP InAs InSb SiC BN BP BAs ZnO ZnS ZnSe ZnTe CdS CdSe CdTe TiC TiN ZrC HfC VC TaC WC TiB2 "
    "ZrB2 MgB2 CaF2 SrF2 BaF2 MgF2 BeO Li2O SrO BaO UO2 ThO2 CeO2 MoS2 WS2 Mg2Si LiH Bi2Te3 SnTe "
    "InSe MgZn2 FeS2 Cu2O CuO FePt TiAl SiO2"
)
COMMON_BINARIES = frozenset(_COMMON.split())


@dataclass
class Material:
    """One entry while it is put together."""

    material_id: str
    formula: str
    values: dict[str, Any] = field(default_factory=dict)
    sources: dict[str, str] = field(default_factory=dict)
    structure: Structure | None = None
    structure_source: str = ""
    notes: list[str] = field(default_factory=list)

    def add(self, name: str, value: Any, source: str) -> None:
        """Keep a value; the first source of a field wins, so add the best one first."""
        if value is not None and name not in self.values:
            self.values[name], self.sources[name] = tidy(value), source

    def record(self) -> dict[str, Any]:
        """The entry in the schema of the sample."""
        groups: dict[str, dict[str, Any]] = {}
        for name, value in self.values.items():
            groups.setdefault(HOME[name], {})[name] = value
        by_source: dict[str, list[str]] = {}
        for name, source in sorted(self.sources.items()):
            by_source.setdefault(source, []).append(name)
        composition = Composition(Composition(self.formula).get_integer_formula_and_factor()[0])
        record: dict[str, Any] = {
            "material_id": self.material_id,
            "formula_pretty": self.formula,
            "composition": {str(e): int(n) for e, n in composition.items()},
            "groups": groups,
            "sources": by_source,
        }
        if self.notes:
            record["notes"] = self.notes
        if self.structure is not None:
            record["structure"] = compact(self.structure) | {"source": self.structure_source}
        return record


def tidy(value: Any) -> Any:
    """Nine significant digits for floats, nine decimals at most: no noise, no -0.0, no NaN."""
    if isinstance(value, dict):
        return {key: tidy(item) for key, item in value.items() if item is not None}
    if isinstance(value, list):
        return [tidy(item) for item in value]
    if isinstance(value, float):
        if not math.isfinite(value):
            raise ValueError(f"not a number: {value!r}")
        return round(float(f"{value:.9g}"), 9) + 0.0
    return value


def compact(structure: Structure) -> dict[str, Any]:
    """Lattice vectors as rows (Å), species, fractional coordinates, moments (μB) where known."""
    body: dict[str, Any] = {
        "lattice": [[round(float(x), 8) + 0.0 for x in row] for row in structure.lattice.matrix],
        "species": [site.specie.symbol for site in structure],
        "frac_coords": [[round(float(x), 8) + 0.0 for x in s.frac_coords] for s in structure],
    }
    moments = structure.site_properties.get("magmom")
    if moments and all(moment is not None for moment in moments):
        body["magmoms"] = [round(float(moment), 3) + 0.0 for moment in moments]
    return body


def allowed_id(material_id: str) -> bool:
    """Whether an id predates the GNoME entries, which must not be shipped."""
    return int(material_id.partition("-")[2]) < FIRST_EXCLUDED_NUMBER


def conflicted(document: dict[str, Any]) -> set[str]:
    """Fields a notebook answer gives in several versions, without saying which is which."""
    return set(document.get("_conflicts", ()))


def atoms_per_cell(formula: str, volume: float, density: float) -> int | None:
    """Number of atoms that a printed volume (Å³) and density (g/cm³) imply, if a whole one."""
    composition = Composition(formula)
    formula_units = density * volume / NUCLEON_PER_A3_IN_G_PER_CM3 / float(composition.weight)
    whole = round(formula_units)
    return (
        whole * round(composition.num_atoms) if abs(formula_units - whole) < 0.01 * whole else None
    )


def recipe(document: dict[str, Any], source: str) -> dict[str, Any]:
    """A synthesis recipe as facts, without a word of the paper's text."""
    operations = []
    for operation in document["operations"]:
        conditions = operation["conditions"]
        operations.append(
            {
                "type": operation["type"].removesuffix("Operation"),
                "heating_temperature": _quantities(conditions["heating_temperature"]),
                "heating_time": _quantities(conditions["heating_time"]),
                "heating_atmosphere": conditions["heating_atmosphere"],
            }
        )
    return {
        "doi": document["doi"],
        "synthesis_type": document["synthesis_type"],
        "reaction_string": document["reaction_string"],
        "targets": document["targets_formula_s"],
        "precursors": [item["material_formula"] for item in document["precursors"]],
        "operations": operations,
        "source": source,
    }


def _quantities(items: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [
        {key: item[key] for key in ("min_value", "max_value", "values", "units")} for item in items
    ]


class Builder:
    """Reads the folder and collects materials and recipes."""

    def __init__(self, folder: Path) -> None:
        self.facts = _load(folder / "mp_facts.json.gz")
        notebooks = folder / "llamp_notebooks"
        self.printed = _load(notebooks / "llamp_notebook_mp_docs_by_id.json")
        self.answers = _load(notebooks / "llamp_notebook_mp_docs_raw.json")
        self.entries = _load(folder / "emmet" / "Li-Fe-O.json.gz")
        self.element_references = _load(folder / "MP-PBE-Element-Refs.json.gz")
        self.materials: dict[str, Material] = {}

    def build(self) -> dict[str, Any]:
        """The whole sample."""
        self.add_li_fe_o()
        self.add_elements()
        self.add_printed()
        self.add_thermo_typed()
        self.add_binaries()
        for material in self.materials.values():
            self.add_structure(material)
            finish(material)
        records = [m.record() for m in self.materials.values() if m.values]
        records.sort(key=lambda record: int(record["material_id"].partition("-")[2]))
        recipes = self.recipes()
        used = {s for r in records for s in r["sources"]} | {r["source"] for r in recipes}
        used |= {r["structure"]["source"] for r in records if "structure" in r}
        return sample_sources.header(used) | {"materials": records, "recipes": recipes}

    def material(self, material_id: str, formula: str = "") -> Material | None:
        """The entry to add to, or None for one that must not or cannot be shipped."""
        formula = formula or self.facts.get(material_id, {}).get("formula_pretty", "")
        if not formula or not allowed_id(material_id):
            return None
        formula = Composition(formula).reduced_formula
        return self.materials.setdefault(material_id, Material(material_id, formula))

    def add_li_fe_o(self) -> None:
        """Entries of the Li-Fe-O system near their hull, with the hull computed here."""
        entries = [ComputedStructureEntry.from_dict(entry) for entry in self.entries]
        diagram = PhaseDiagram(entries)
        for entry in entries:
            above = diagram.get_e_above_hull(entry)
            material_id = entry.data["material_id"]
            if above > HULL_WINDOW_EV and "elastic_tensor" not in self.facts.get(material_id, {}):
                continue
            material = self.material(material_id, entry.reduced_formula)
            if material is None:
                continue
            hull = sample_sources.LI_FE_O_HULL
            material.add("energy_above_hull", above, hull)
            material.add("is_stable", bool(round(above, 9) == 0), hull)
            material.add("formation_energy_per_atom", diagram.get_form_energy_per_atom(entry), hull)
            material.add("energy_per_atom", entry.energy_per_atom, sample_sources.LI_FE_O)
            material.add("thermo_type", "GGA_GGA+U", sample_sources.LI_FE_O)
            states = entry.data["oxidation_states"] or None
            material.add("average_oxidation_states", states, sample_sources.LI_FE_O)
            material.structure = entry.structure
            material.structure_source = sample_sources.LI_FE_O

    def add_elements(self) -> None:
        """Reference structures of the elements: zero formation energy by definition."""
        for material_id, fact in self.facts.items():
            if not fact.get("is_elemental_reference"):
                continue
            material = self.material(material_id)
            if material is None:
                continue
            symbol = str(Composition(material.formula).elements[0])
            on_file = self.element_references.get(symbol, {"energy_per_atom": [], "structure": []})
            energy = fact["energy_per_atom"]
            material.add("energy_per_atom", energy, sample_sources.ELEMENT_ENERGIES)
            lowest = min(on_file["energy_per_atom"], default=energy)
            if lowest > energy - REFERENCE_TOLERANCE_EV:
                for name in ("formation_energy_per_atom", "energy_above_hull"):
                    material.add(name, 0.0, sample_sources.BY_DEFINITION)
                material.add("is_stable", True, sample_sources.BY_DEFINITION)
            if material.structure is None:
                self._match_by_energy(material, energy, on_file)

    def _match_by_energy(self, material: Material, energy: float, on_file: dict[str, Any]) -> None:
        pairs = zip(on_file["structure"], on_file["energy_per_atom"], strict=True)
        found = [s for s, other in pairs if abs(other - energy) < ENERGY_MATCH_EV]
        if len(found) == 1 and "05-crystal" not in self._origin(material.material_id):
            material.structure = Structure.from_dict(found[0])
            material.structure_source = sample_sources.ELEMENT_STRUCTURES

    def _origin(self, material_id: str) -> str:
        origin: str = self.facts[material_id]["_src"].get("structure", "")
        return origin

    def add_printed(self) -> None:
        """Values printed by the notebooks, without those given in several versions."""
        for material_id, document in self.printed.items():
            fields = set(document) & set(HOME) - {"formula_pretty"} - conflicted(document)
            material = self.material(material_id) if fields else None
            if material is None:
                continue
            origins = self.facts[material_id]["_src"]
            for name in sorted(fields):
                value = document[name]
                source = sample_sources.notebook(origins[name])
                material.add(name, _symmetry(value) if name == "symmetry" else value, source)
            if document.get("energy_above_hull") == 0:
                source = sample_sources.notebook(origins["energy_above_hull"])
                material.add("is_stable", True, source)

    def add_thermo_typed(self) -> None:
        """The printed formation energies whose thermo type is known: the GGA_GGA+U ones."""
        for answer in self.answers:
            for document in answer["docs"]:
                if document.get("thermo_id", "").endswith("_GGA_GGA+U"):
                    material = self.material(document["material_id"], document["formula_pretty"])
                    if material is None:
                        continue
                    source = sample_sources.notebook(f"llamp:{answer['notebook']}")
                    energy = document["formation_energy_per_atom"]
                    material.add("formation_energy_per_atom", energy, source)
                    material.add("thermo_type", "GGA_GGA+U", source)

    def add_binaries(self) -> None:
        """Well-known binaries, every polymorph on file; and moduli of what is already here."""
        for material_id, fact in self.facts.items():
            wanted = fact.get("formula_pretty") in COMMON_BINARIES
            if "bulk_modulus_vrh" not in fact or not (wanted or material_id in self.materials):
                continue
            material = self.material(material_id)
            if material is not None:
                for name in ("bulk_modulus", "shear_modulus"):
                    value = {"vrh": fact[f"{name}_vrh"]}
                    material.add(name, value, sample_sources.MATCALC)
                if "e_total" in fact:
                    add_dielectric(material, fact)
        for material_id in ("mp-4824",):  # NaZnP of story S10: a structure and nothing else
            self.material(material_id)

    def add_structure(self, material: Material) -> None:
        """The structure on file for this id, where there is one."""
        fact = self.facts.get(material.material_id, {})
        if material.structure is None and "structure" in fact:
            origin = self._origin(material.material_id)
            if not origin.startswith("matcalc MP-PBE"):
                material.structure = Structure.from_dict(fact["structure"])
                material.structure_source = sample_sources.structure(origin)

    def recipes(self) -> list[dict[str, Any]]:
        """Each recipe once, by DOI."""
        found: dict[str, dict[str, Any]] = {}
        for answer in self.answers:
            for document in answer["docs"]:
                if document.get("operations") and document["doi"] not in found:
                    source = sample_sources.notebook(f"llamp:{answer['notebook']}")
                    found[document["doi"]] = recipe(document, source)
        return [found[doi] for doi in sorted(found)]


def add_dielectric(material: Material, fact: dict[str, Any]) -> None:
    """Dielectric tensors of the phonon calculation, and their means, computed here."""
    source = sample_sources.RBI_PHONON
    for name, key in (("total", "e_total"), ("electronic", "e_electronic")):
        tensor = fact[key]
        material.add(name, [[round(x, 6) + 0.0 for x in row] for row in tensor], source)
        material.add(key, sum(tensor[i][i] for i in range(3)) / 3, sample_sources.TENSOR_MEAN)


def finish(material: Material) -> None:
    """What follows from the structure, or from a printed volume and density."""
    structure = material.structure
    printed_volume = material.values.get("volume")
    if printed_volume and "density" in material.values:
        atoms = atoms_per_cell(material.formula, printed_volume, material.values["density"])
        material.add("nsites", atoms, sample_sources.FROM_PRINTED)
        if atoms:
            material.add("density_atomic", printed_volume / atoms, sample_sources.FROM_PRINTED)
    if structure is None:
        return
    if printed_volume and abs(structure.volume / printed_volume - 1) > 0.005:
        material.notes.append(
            f"volume and density of {material.material_id} ({printed_volume:.6g} Å³ per cell) are "
            f"of another database version than its structure here ({structure.volume:.6g} Å³)"
        )
    material.add("nsites", len(structure), sample_sources.FROM_STRUCTURE)
    material.add("volume", structure.volume, sample_sources.FROM_STRUCTURE)
    material.add("density", float(structure.density), sample_sources.FROM_STRUCTURE)
    per_atom = structure.volume / len(structure)
    material.add("density_atomic", per_atom, sample_sources.FROM_STRUCTURE)
    found = analyzer(structure, SYMPREC_A)
    symmetry = {
        "crystal_system": found.get_crystal_system().capitalize(),
        "symbol": found.get_space_group_symbol(),
        "number": found.get_space_group_number(),
    }
    material.add("symmetry", symmetry, sample_sources.SPGLIB)


def _symmetry(printed: dict[str, Any]) -> dict[str, Any]:
    return {key: printed[key] for key in ("crystal_system", "symbol", "number")}


def encode(sample: dict[str, Any]) -> bytes:
    """The same sample always gives the same bytes."""
    text = json.dumps(sample, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return lzma.compress(text.encode(), format=lzma.FORMAT_XZ, preset=9 | lzma.PRESET_EXTREME)


def _load(path: Path) -> Any:
    opener = gzip.open if path.suffix == ".gz" else open
    with opener(path, "rt", encoding="utf-8") as file:
        return json.load(file)


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("folder", type=Path, help="the data folder")
    default = Path(__file__).parents[1] / "llamp_mcp" / "materials" / "data" / "sample.json.xz"
    parser.add_argument("--out", type=Path, default=default)
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")  # pymatgen and spglib deprecations do not concern the data
    sample = Builder(arguments.folder).build()
    data = encode(sample)
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    arguments.out.write_bytes(data)
    print(f"{arguments.out}: {len(sample['materials'])} materials, {len(data)} bytes")
    print(f"spglib {spglib.__version__}")


if __name__ == "__main__":
    main()
