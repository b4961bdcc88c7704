"""Documents as the Project stores them, made of the shipped sample."""

from __future__ import annotations

import json
import lzma
from functools import cache
from pathlib import Path
from typing import Any

from pymatgen.core import Composition, Lattice, Structure

Json = dict[str, Any]

SAMPLE = Path(__file__).parents[2] / "llamp_mcp" / "materials" / "data" / "sample.json.xz"
UPDATED = "2025-09-25T00:00:00"
THERMO_TYPE = "GGA_GGA+U_R2SCAN"
SAMPLE_THERMO_TYPE = "GGA_GGA+U"
"""What the sample's energies without a named thermo type are filed under here."""

_HAS_PROPS = {
    "elasticity": "elasticity",
    "dielectric": "dielectric",
    "magnetism": "magnetism",
    "thermo": "thermo",
    "electronic_structure": "electronic_structure",
    "oxidation_states": "oxi_states",
}
_SUMMARY_FIELDS = (
    "density", "density_atomic", "nsites", "symmetry", "volume", "energy_above_hull",
    "energy_per_atom", "formation_energy_per_atom", "is_stable", "bulk_modulus",
    "shear_modulus", "homogeneous_poisson", "universal_anisotropy", "band_gap", "is_magnetic",
    "num_magnetic_sites", "num_unique_magnetic_sites", "ordering", "total_magnetization",
    "total_magnetization_normalized_formula_units", "total_magnetization_normalized_vol",
    "types_of_magnetic_species", "e_electronic", "e_total",
)  # fmt: skip


def alpha(material_id: str, *, prefix: bool = True) -> str:
    """An id as the Project's database stores it: `mp-149` is `mp-aaaaaaft`.

    Base 26, eight letters; the identifiers of tasks have no prefix. Above mp-3347529 that is also
    how users see them.
    """
    word = material_id.rpartition("-")[2]
    number, letters = (0, word) if word.isalpha() else (int(word), "")
    while number or len(letters) < 8:
        number, digit = divmod(number, 26)
        letters = chr(ord("a") + digit) + letters
    return f"mp-{letters}" if prefix else letters


@cache
def sample() -> Json:
    data: Json = json.loads(lzma.decompress(SAMPLE.read_bytes()))
    return data


def about(material_id: str, composition: Json, *, licence: str = "BY-C") -> Json:
    """What every document says of its material."""
    whole = Composition(composition)
    reduced, _ = whole.get_reduced_composition_and_factor()
    elements = sorted(element.symbol for element in whole.elements)
    return {
        "material_id": alpha(material_id),
        "formula_pretty": whole.reduced_formula,
        "formula_anonymous": reduced.anonymized_formula,
        "composition": dict(whole.get_el_amt_dict()),
        "composition_reduced": dict(reduced.get_el_amt_dict()),
        "chemsys": "-".join(elements),
        "elements": elements,
        "nelements": len(elements),
        "deprecated": False,
        "deprecation_reasons": None,
        "last_updated": UPDATED,
        "origins": [],
        "warnings": [],
        "builder_meta": {
            "emmet_version": "0.87.3",
            "pymatgen_version": "2026.10.24",
            "build_date": UPDATED,
            "license": licence,
        },
    }


def structure_of(record: Json | None) -> Json | None:
    """A compact record of the sample as pymatgen writes a structure."""
    if record is None:
        return None
    properties = {"magmom": record["magmoms"]} if "magmoms" in record else None
    structure = Structure(
        Lattice(record["lattice"]),
        record["species"],
        record["frac_coords"],
        site_properties=properties,
    )
    written: Json = json.loads(json.dumps(structure.as_dict()))
    return written


def of_sample() -> dict[str, list[Json]]:
    """All materials and recipes of the sample, by collection."""
    found: dict[str, list[Json]] = {name: [] for name in ("summary", "materials", "synthesis")}
    for material in sample()["materials"]:
        for name, document in documents_of(material).items():
            found.setdefault(name, []).append(document)
    found["synthesis"] = [recipe(record) for record in sample()["recipes"]]
    return found


def documents_of(material: Json) -> dict[str, Json]:
    """The documents of one material of the sample, by collection."""
    groups: dict[str, Json] = material["groups"]
    base = about(material["material_id"], material["composition"])
    structure = structure_of(material.get("structure"))
    values = {name: value for fields in groups.values() for name, value in fields.items()}
    has = {_HAS_PROPS[name]: True for name in groups if name in _HAS_PROPS}
    documents: dict[str, Json] = {
        "summary": {
            **base,
            **{name: values[name] for name in _SUMMARY_FIELDS if name in values},
            "structure": structure,
            "theoretical": False,
            "has_props": {"materials": True, **has},
            "task_ids": [alpha(material["material_id"], prefix=False)],
            "property_name": "summary",
        },
        "materials": {
            **base,
            **groups.get("summary", {}),
            "structure": structure,
            "initial_structures": [],
            "task_ids": [alpha(material["material_id"], prefix=False)],
        },
    }
    for name in groups.keys() - {"summary"}:
        fields = dict(groups[name])
        if name == "thermo":
            fields.setdefault("thermo_type", SAMPLE_THERMO_TYPE)
            fields["thermo_id"] = f"{base['material_id']}_{fields['thermo_type']}"
        documents[name] = {**base, **fields, "property_name": name}
    return documents


def recipe(record: Json) -> Json:
    """A recipe as the Project's synthesis collection holds it.

    The sample keeps no paragraphs (they are the publishers'), so the text that keywords are looked
    for in is made of the names of the recipe.
    """
    operations = [
        {
            "type": f"{step['type']}Operation".replace("SynthesisOperation", "Synthesis"),
            "token": step["type"].lower(),
            "conditions": {
                "heating_temperature": step["heating_temperature"],
                "heating_time": step["heating_time"],
                "heating_atmosphere": step["heating_atmosphere"],
                "mixing_device": None,
                "mixing_media": None,
            },
        }
        for step in record["operations"]
    ]
    names = [*record["targets"], *record["precursors"], *(o["token"] for o in operations)]
    return {
        "doi": record["doi"],
        "paragraph_string": "Synthetic paragraph: " + ", ".join(names),
        "synthesis_type": record["synthesis_type"],
        "reaction_string": record["reaction_string"],
        "reaction": {"left_side": [], "right_side": [], "element_substitution": {}},
        "operations": operations,
        "target": {
            "material_string": record["targets"][0],
            "material_formula": record["targets"][0],
            "composition": [],
        },
        "targets_formula": [_first(name).formula for name in record["targets"]],
        "targets_formula_s": [_first(name).reduced_formula for name in record["targets"]],
        "precursors": [
            {"material_string": name, "material_formula": name, "composition": []}
            for name in record["precursors"]
        ],
        "precursors_formula": [_first(name).formula for name in record["precursors"]],
        "precursors_formula_s": [_first(name).reduced_formula for name in record["precursors"]],
    }


def _first(formula: str) -> Composition:
    """Of a hydrate and the like, the part before the dot, as emmet takes it."""
    return Composition(formula.partition("·")[0])
