"""Static and high-frequency dielectric response."""

from llamp_mcp.materials.groups.table import METADATA, Field, Group

PERMITTIVITY = "relative permittivity"


def _tensor(name: str, about: str) -> Field:
    return Field(name, about, own_unit=PERMITTIVITY, heavy=True)


GROUP = Group(
    name="dielectric",
    about="relative permittivity and refractive index",
    fields=(
        Field("e_total", "static, mean of the tensor's diagonal", minimum=1.0),
        Field("e_electronic", "electronic part, mean of the tensor's diagonal", minimum=1.0),
        Field("e_ionic", "ionic part, mean of the tensor's diagonal", minimum=0.0),
        Field("n", "refractive index: the square root of e_electronic", minimum=1.0),
        _tensor("total", "static tensor, 3x3, IEEE orientation"),
        _tensor("electronic", "electronic tensor, 3x3"),
        _tensor("ionic", "ionic tensor, 3x3"),
    ),
    method="density-functional perturbation theory, 0 K",
    caveat="semilocal gaps are too small, so electronic permittivities tend to be too large",
    has_prop="dielectric",
    document=(*METADATA, "total", "ionic", "electronic", "e_total", "e_ionic", "e_electronic", "n"),
)
