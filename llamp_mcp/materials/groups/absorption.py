"""Optical absorption."""

from llamp_mcp.materials.groups.table import METADATA, Field, Group

GROUP = Group(
    name="absorption",
    about="optical absorption spectrum; get_spectrum plots it",
    fields=(
        Field("bandgap", "of the calculation", own_unit="eV", local=True, minimum=0.0),
        Field("nkpoints", "k-points of the calculation", own_unit="k-points"),
        Field("energy_max", "highest energy of the spectrum", own_unit="eV"),
        Field("energies", "photon energies", own_unit="eV", heavy=True),
        Field(
            "absorption_coefficient",
            "at the energies",
            own_unit="1/cm",
            heavy=True,
        ),
        Field(
            "average_real_dielectric",
            "real part of the dielectric function at the energies, mean of the diagonal",
            own_unit="relative permittivity",
            heavy=True,
        ),
        Field(
            "average_imaginary_dielectric",
            "imaginary part of the dielectric function at the energies, mean of the diagonal",
            own_unit="relative permittivity",
            heavy=True,
        ),
    ),
    method="frequency-dependent dielectric function in the independent-particle approximation, PBE",
    caveat="no excitons, and the onset lies as much too low as the band gap is too small",
    has_prop="absorption",
    document=(
        *METADATA,
        "energies",
        "energy_max",
        "absorption_coefficient",
        "average_imaginary_dielectric",
        "average_real_dielectric",
        "bandgap",
        "nkpoints",
    ),
)
