"""Phonon calculations and what they give beside their spectra."""

from llamp_mcp.materials.groups.table import STRUCTURE_METADATA, Field, Group, ascending, listing

GROUP = Group(
    name="phonon",
    about="phonon calculations of a material; get_spectrum has their bands and densities of states",
    fields=(
        Field(
            "phonons",
            "one per calculation; epsilon_static: permittivity tensor; sum_rules_breaking: "
            "violation of the acoustic and charge sum rules",
            columns=(
                ("identifier", ""),
                ("phonon_method", ""),
                ("code", ""),
                ("total_dft_energy", "eV/atom"),
                ("volume_per_formula_unit", "Å³"),
                ("sum_rules_breaking", ""),
                ("epsilon_static", "relative permittivity"),
            ),
            raw=(
                "identifier",
                "phonon_method",
                "code",
                "total_dft_energy",
                "volume_per_formula_unit",
                "sum_rules_breaking",
                "epsilon_static",
            ),
        ),
    ),
    method="harmonic: dfpt (perturbation theory), phonopy or pheasy (finite displacement)",
    caveat="imaginary modes are in the bands, not here; Born charges (born, in e, of inequivalent "
    "sites) come when named",
    has_prop="phonon",
    document=(
        *STRUCTURE_METADATA,
        "identifier",
        "phonon_method",
        "epsilon_static",
        "epsilon_electronic",
        "born",
        "last_updated",
        "sum_rules_breaking",
        "structure",
        "total_dft_energy",
        "volume_per_formula_unit",
        "formula_units",
        "supercell_matrix",
        "primitive_matrix",
        "code",
        "post_process_settings",
        "thermal_displacement_data",
        "calc_meta",
    ),
    fold=listing("phonons", ascending("phonon_method", "identifier")),
    rows="phonons",
)
