"""Elastic tensor and the moduli that follow from it."""

from llamp_mcp.materials.groups.table import Field, Group

MODULUS_PARTS = ("vrh", "voigt", "reuss")

GROUP = Group(
    name="elasticity",
    about="elastic tensor, bulk and shear modulus (vrh: Voigt-Reuss-Hill average)",
    fields=(
        Field("bulk_modulus", "of a polycrystal", parts=MODULUS_PARTS, leaf="vrh", minimum=0.0),
        Field("shear_modulus", "of a polycrystal", parts=MODULUS_PARTS, leaf="vrh", minimum=0.0),
        Field("universal_anisotropy", "0: isotropic", minimum=0.0),
        Field("homogeneous_poisson", "Poisson ratio", minimum=-1.0, maximum=0.5),
        Field(
            "thermal_conductivity",
            "amorphous limit from elastic constants",
            parts=("clarke", "cahill"),
            leaf="clarke",
            minimum=0.0,
        ),
        Field(
            "elastic_tensor",
            "6x6, Voigt order xx, yy, zz, yz, xz, xy; raw: axes of the calculation",
            parts=("ieee_format", "raw"),
            single=False,
            heavy=True,
        ),
    ),
    method="PBE stress-strain, 0 K",
    caveat="a negative modulus or anisotropy marks a failed fit or an unstable phase",
)
