"""Static and high-frequency dielectric response."""

from llamp_mcp.materials.groups.table import Field, Group

PERMITTIVITY = "relative permittivity"

GROUP = Group(
    name="dielectric",
    about="relative permittivity",
    fields=(
        Field("e_total", "static, mean of the tensor's diagonal", minimum=1.0),
        Field("e_electronic", "electronic part, mean of the tensor's diagonal", minimum=1.0),
        Field(
            "total",
            "static tensor, 3x3, Cartesian",
            own_unit=PERMITTIVITY,
            single=False,
            heavy=True,
        ),
        Field(
            "electronic", "electronic tensor, 3x3", own_unit=PERMITTIVITY, single=False, heavy=True
        ),
    ),
    method="density-functional perturbation theory, 0 K",
)
