"""Elastic tensor and the moduli that follow from it."""

from typing import Any

from llamp_mcp.materials.groups.table import METADATA, Field, Group, only_document

MODULUS_PARTS = ("vrh", "voigt", "reuss")


def fold(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """The one document; emmet-core has an alias for Young's modulus."""
    document = only_document(rows)
    alias = document.pop("youngs_modulus", None)
    return document if alias is None else {"young_modulus": alias, **document}


GROUP = Group(
    name="elasticity",
    about="elastic tensor, bulk and shear modulus (vrh: Voigt-Reuss-Hill average)",
    fields=(
        Field("bulk_modulus", "of a polycrystal", parts=MODULUS_PARTS, minimum=0.0),
        Field("shear_modulus", "of a polycrystal", parts=MODULUS_PARTS, minimum=0.0),
        Field(
            "young_modulus",
            "of a polycrystal, in Pa, not GPa",
            raw=("young_modulus", "youngs_modulus"),
            minimum=0.0,
        ),
        Field("universal_anisotropy", "0: isotropic", minimum=0.0),
        Field("homogeneous_poisson", "Poisson ratio", minimum=-1.0, maximum=0.5),
        Field("debye_temperature", "from the sound velocities", minimum=0.0),
        Field(
            "sound_velocity",
            "from the averaged moduli",
            own_unit="m/s",
            parts=("transverse", "longitudinal"),
            minimum=0.0,
        ),
        Field(
            "thermal_conductivity",
            "amorphous limit from elastic constants",
            parts=("clarke", "cahill"),
            minimum=0.0,
        ),
        Field("state", "whether the fit succeeded"),
        Field(
            "elastic_tensor",
            "6x6, Voigt order xx, yy, zz, yz, xz, xy; raw: axes of the calculation",
            parts=("ieee_format", "raw"),
            heavy=True,
        ),
        Field(
            "compliance_tensor",
            "6x6, Voigt order xx, yy, zz, yz, xz, xy; raw: axes of the calculation",
            parts=("ieee_format", "raw"),
            heavy=True,
        ),
        Field("order", "of the expansion of the tensor", named=True),
        Field("fitting_method", "of the tensor", named=True),
    ),
    method="PBE stress-strain, 0 K",
    caveat="a negative modulus or anisotropy marks a failed fit or an unstable phase",
    has_prop="elasticity",
    document=(
        *METADATA,
        "order",
        "elastic_tensor",
        "compliance_tensor",
        "bulk_modulus",
        "shear_modulus",
        "sound_velocity",
        "thermal_conductivity",
        "young_modulus",
        "universal_anisotropy",
        "homogeneous_poisson",
        "debye_temperature",
        "fitting_data",
        "fitting_method",
        "state",
    ),
    fold=fold,
)
