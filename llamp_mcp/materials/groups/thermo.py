"""Energies and stability."""

from typing import Any, Final

from llamp_mcp.materials.groups.table import METADATA, Field, Group

PRODUCT: Final = (("material_id", ""), ("formula", ""), ("amount", ""))
TYPES: Final = ("GGA_GGA+U_R2SCAN", "GGA_GGA+U", "R2SCAN")
"""The order in which the Project prefers them; its summary shows the first there is."""

_COMPARED: Final = (
    "thermo_type",
    "energy_above_hull",
    "formation_energy_per_atom",
    "is_stable",
)


def _rank(row: dict[str, Any]) -> int:
    thermo_type = row.get("thermo_type")
    return TYPES.index(thermo_type) if thermo_type in TYPES else len(TYPES)


def fold(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """The document of the preferred thermo type, with the others beside it, never mixed."""
    first, *others = sorted(rows, key=_rank)
    told = [{key: row[key] for key in _COMPARED if key in row} for row in others]
    return {**first, "other_thermo_types": told}


GROUP = Group(
    name="thermo",
    about="energies and stability against decomposition",
    fields=(
        Field("energy_above_hull", "0: on the convex hull, stable at 0 K"),
        Field("formation_energy_per_atom", "from the elements, per atom, not per formula unit"),
        Field("is_stable", "whether it is on the hull"),
        Field(
            "decomposition_enthalpy",
            "to the competing phases of other composition; negative: stable by that much",
        ),
        Field("energy_per_atom", "of the calculation, with corrections; compare within one source"),
        Field(
            "equilibrium_reaction_energy_per_atom",
            "of a stable entry, from its neighbours on the hull; negative",
        ),
        Field(
            "decomposes_to",
            "phases of lowest energy at its composition, for an entry above the hull; amount: "
            "fraction of the atoms",
            columns=PRODUCT,
            shown=8,
        ),
        Field("thermo_type", "functional mix of the energies"),
        Field(
            "other_thermo_types",
            "the same from other functional mixes; never to be mixed with the values above",
            columns=(
                ("thermo_type", ""),
                ("energy_above_hull", "eV/atom"),
                ("formation_energy_per_atom", "eV/atom"),
                ("is_stable", ""),
            ),
            raw=_COMPARED,
        ),
        Field("uncorrected_energy_per_atom", "as calculated", named=True),
        Field("energy_uncertainy_per_atom", "of the corrections", named=True),
        Field("energy_type", "calculation the energy is from", named=True),
        Field("entry_types", "kinds of calculation there are", named=True),
        Field(
            "decomposition_enthalpy_decomposes_to",
            "the phases of decomposition_enthalpy",
            columns=PRODUCT,
            named=True,
        ),
    ),
    method="PBE GGA(+U) with MP corrections unless thermo_type says otherwise; 0 K, no vibrations",
    caveat="hull and corrections change between database versions: compare within one source",
    has_prop="thermo",
    always=("thermo_type",),
    document=(
        *METADATA,
        "thermo_type",
        "uncorrected_energy_per_atom",
        "energy_per_atom",
        "energy_uncertainy_per_atom",
        "formation_energy_per_atom",
        "energy_above_hull",
        "is_stable",
        "equilibrium_reaction_energy_per_atom",
        "decomposes_to",
        "decomposition_enthalpy",
        "decomposition_enthalpy_decomposes_to",
        "energy_type",
        "entry_types",
        "entries",
    ),
    fold=fold,
)
