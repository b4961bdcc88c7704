"""Piezoelectric response."""

from llamp_mcp.materials.groups.table import METADATA, Field, Group


def _tensor(name: str, about: str) -> Field:
    return Field(name, about, own_unit="C/m²", heavy=True)


GROUP = Group(
    name="piezoelectric",
    about="piezoelectric stress tensor",
    fields=(
        Field("e_ij_max", "largest singular value of the total tensor", minimum=0.0),
        Field("max_direction", "Miller direction of the largest response"),
        Field(
            "strain_for_max",
            "normalised strain of the largest response, Voigt order xx, yy, zz, yz, xz, xy",
        ),
        _tensor("total", "3x6 tensor, IEEE orientation, Voigt order xx, yy, zz, yz, xz, xy"),
        _tensor("ionic", "its ionic part"),
        _tensor("electronic", "its electronic part"),
    ),
    method="density-functional perturbation theory, 0 K",
    caveat="only crystals without inversion symmetry have a response",
    has_prop="piezoelectric",
    document=(
        *METADATA,
        "total",
        "ionic",
        "electronic",
        "e_ij_max",
        "max_direction",
        "strain_for_max",
    ),
)
