"""Band gap."""

from llamp_mcp.materials.groups.table import Field, Group

GROUP = Group(
    name="electronic_structure",
    about="band gap",
    fields=(Field("band_gap", "0: metallic in this functional"),),
    method="PBE GGA(+U) Kohn-Sham gap",
    caveat="semilocal gaps are typically 30-50 % too small, and 0 may be a small gap in experiment",
)
