"""Band gap and band edges."""

from llamp_mcp.materials.groups.table import METADATA, Field, Group

GROUP = Group(
    name="electronic_structure",
    about="band gap and band edges; get_spectrum has bands and density of states",
    fields=(
        Field("band_gap", "0: metallic in this functional", minimum=0.0),
        Field("is_gap_direct", "whether the gap is direct"),
        Field("is_metal", "whether there is no gap"),
        Field("cbm", "conduction band minimum, on the calculation's energy scale"),
        Field("vbm", "valence band maximum, on the calculation's energy scale"),
        Field("efermi", "Fermi energy, on the calculation's energy scale"),
        Field("magnetic_ordering", "of the calculation"),
    ),
    method="PBE GGA(+U) Kohn-Sham gap",
    caveat="semilocal gaps are typically 30-50 % too small, and 0 may be a small gap in experiment",
    has_prop="electronic_structure",
    document=(
        *METADATA,
        "band_gap",
        "cbm",
        "vbm",
        "efermi",
        "is_gap_direct",
        "is_metal",
        "magnetic_ordering",
        "bandstructure",
        "dos",
    ),
)
