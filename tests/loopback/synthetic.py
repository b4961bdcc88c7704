"""Made-up documents of francium iodide, the one material that every endpoint knows.

The values are round ones chosen by hand; the form is emmet-core's, which `test_seed.py` checks.
"""

from __future__ import annotations

import math

from pymatgen.electronic_structure.bandstructure import Kpoint

from tests.loopback import properties
from tests.loopback.documents import THERMO_TYPE, Json, about, alpha
from tests.loopback.francium import (
    BANDS_TASK,
    DEPRECATED,
    DOS_TASK,
    EFERMI,
    FRBR,
    FRI,
    GNOME,
    LIFEPO4,
    PHONON_TASK,
    STATIC_TASK,
    STRUCTURES,
    base,
    diagonal,
    fri,
    plain,
)

HAS_PROPS = (
    "materials", "thermo", "xas", "grain_boundaries", "electronic_structure", "bandstructure",
    "dos", "magnetism", "elasticity", "dielectric", "piezoelectric", "surface_properties",
    "oxi_states", "provenance", "eos", "phonon", "absorption", "insertion_electrodes",
    "substrates", "chemenv",
)  # fmt: skip
"""What FrI has, by the names of emmet's HasProps."""


def collections() -> dict[str, list[Json]]:
    """All of them, by collection."""
    return {
        "summary": [_summary_fri(), _summary_frbr(), _target(), *_hidden()],
        "materials": [
            {**base(i, c), "structure": plain(STRUCTURES[i]), "task_ids": []}
            for i, c in ((FRI, {"Fr": 1, "I": 1}), (FRBR, {"Fr": 1, "Br": 1}))
        ],
        "thermo": _thermo(),
        "elasticity": [_elasticity()],
        "magnetism": [_magnetism()],
        "dielectric": [_dielectric()],
        "piezoelectric": [_piezoelectric()],
        "electronic_structure": [_electronic_structure()],
        "phonon": [properties.phonon()],
        "absorption": [properties.absorption()],
        "xas": [properties.xas("Fr", "L3"), properties.xas("I", "K")],
        "surface_properties": [properties.surface()],
        "grain_boundaries": [properties.grain_boundary(3, 0.4), properties.grain_boundary(5, 0.6)],
        "eos": [properties.eos()],
        "bonds": [properties.bonds()],
        "oxidation_states": [properties.oxidation_states()],
        "chemenv": [properties.chemenv()],
        "robocrys": [properties.robocrys(FRI, "I"), properties.robocrys(FRBR, "Br")],
        "similarity": [properties.similarity()],
        "substrates": [properties.substrate("1 0 0", 60.0), properties.substrate("1 1 1", 80.0)],
        "insertion_electrodes": [properties.electrode()],
        "alloys": [properties.alloy()],
        "provenance": [properties.provenance()],
        "tasks": [properties.task()],
    }


def _band_summary() -> Json:
    gamma = Kpoint([0.0, 0.0, 0.0], STRUCTURES[FRI].lattice.reciprocal_lattice, label="\\Gamma")
    edge: Json = {
        "band_index": {"1": [0]},
        "kpoint_index": [10, 11],
        "kpoint": plain(gamma),
        "projections": {},
    }
    return {
        "task_id": alpha(BANDS_TASK, prefix=False),
        "band_gap": 2.5,
        "direct_gap": 2.5,
        "cbm": {**edge, "band_index": {"1": [1]}, "energy": 2.5},
        "vbm": {**edge, "energy": 0.0},
        "efermi": EFERMI,
        "is_gap_direct": True,
        "is_metal": False,
        "magnetic_ordering": "NM",
        "nbands": 2.0,
    }


_ELECTRONIC: Json = {
    "band_gap": 2.5,
    "cbm": 2.5,
    "vbm": 0.0,
    "efermi": EFERMI,
    "is_gap_direct": True,
    "is_metal": False,
}
_MAGNETIC: Json = {
    "ordering": "NM",
    "is_magnetic": False,
    "num_magnetic_sites": 0,
    "num_unique_magnetic_sites": 0,
    "types_of_magnetic_species": [],
    "total_magnetization": 0.0,
    "total_magnetization_normalized_vol": 0.0,
    "total_magnetization_normalized_formula_units": 0.0,
}
_MODULI: Json = {
    "bulk_modulus": {"voigt": 12.0, "reuss": 12.0, "vrh": 12.0},
    "shear_modulus": {"voigt": 6.0, "reuss": 5.0, "vrh": 5.5},
    "universal_anisotropy": 1.0,
    "homogeneous_poisson": 0.3,
}
_ENERGIES: Json = {
    "uncorrected_energy_per_atom": -2.9,
    "energy_per_atom": -3.0,
    "formation_energy_per_atom": -1.5,
    "energy_above_hull": 0.0,
    "is_stable": True,
    "equilibrium_reaction_energy_per_atom": -1.5,
    "decomposes_to": None,
}


def _dos_summary() -> Json:
    total = {"1": {"band_gap": 2.5, "cbm": 2.5, "vbm": 0.0, "efermi": EFERMI}}
    return {
        "task_id": alpha(DOS_TASK, prefix=False),
        "magnetic_ordering": "NM",
        "total": total,
        "elemental": {"Fr": {"total": total}, "I": {"total": total}},
        "orbital": {"s": total, "p": total},
    }


def _summary_fri() -> Json:
    return fri(
        **_ENERGIES,
        **_ELECTRONIC,
        **_MAGNETIC,
        **_MODULI,
        structure=plain(STRUCTURES[FRI]),
        theoretical=True,
        possible_species=["Fr+", "I-"],
        phonon_IDs={"dfpt": [alpha(PHONON_TASK, prefix=False)]},
        database_IDs={"icsd": ["icsd-99990001"]},
        task_ids=[alpha(task, prefix=False) for task in (STATIC_TASK, BANDS_TASK, DOS_TASK)],
        weighted_surface_energy_EV_PER_ANG2=0.01,
        weighted_surface_energy=0.16,
        weighted_work_function=3.0,
        surface_anisotropy=0.1,
        shape_factor=5.1,
        has_reconstructed=False,
        e_total=8.0,
        e_ionic=5.0,
        e_electronic=3.0,
        n=math.sqrt(3.0),
        e_ij_max=0.5,
        bandstructure={"setyawan_curtarolo": _band_summary()},
        dos=_dos_summary(),
        xas=[
            {"edge": edge, "absorbing_element": element, "spectrum_type": "XANES"}
            for element, edge in (("Fr", "L3"), ("I", "K"))
        ],
        grain_boundaries=[
            {"sigma": sigma, "type": "tilt", "gb_energy": energy, "rotation_angle": 60.0}
            for sigma, energy in ((3, 0.4), (5, 0.6))
        ],
        has_props=dict.fromkeys(HAS_PROPS, True),
        property_name="summary",
    )


def _summary_frbr() -> Json:
    energies = {**_ENERGIES, "formation_energy_per_atom": -1.75, "energy_above_hull": 0.025}
    return base(
        FRBR,
        {"Fr": 1, "Br": 1},
        **{**energies, "is_stable": False},
        **_MAGNETIC,
        structure=plain(STRUCTURES[FRBR]),
        theoretical=True,
        possible_species=["Fr+", "Br-"],
        has_props={"materials": True, "thermo": True},
        task_ids=[],
        property_name="summary",
    )


def _target() -> Json:
    """An entry without values: recipes belong to a formula, of which a snapshot needs an entry."""
    composition = {"Li": 1, "Fe": 1, "P": 1, "O": 4}
    return {**about(LIFEPO4, composition), "has_props": {"materials": True}, "task_ids": []}


def _hidden() -> list[Json]:
    """What must never be seen: an entry that is not for commercial use, and a deprecated one."""
    shown = {
        **_ENERGIES,
        "structure": plain(STRUCTURES[FRI]),
        "has_props": {"materials": True},
        "property_name": "summary",
    }
    gnome = about(GNOME, {"Fr": 2, "Te": 1}, licence="BY-NC")
    gone = {**about(DEPRECATED, {"Fr": 1, "F": 1}), "deprecated": True}
    return [{**gnome, **shown}, {**gone, **shown}]


def _thermo() -> list[Json]:
    def document(base: Json, kind: str, shift: float) -> Json:
        energies = {**_ENERGIES, "energy_per_atom": -3.0 + shift}
        return {
            **base,
            **energies,
            "thermo_type": kind,
            "thermo_id": f"{base['material_id']}_{kind}",
            "energy_uncertainy_per_atom": 0.01,
            "decomposition_enthalpy": -1.5 + shift,
            "decomposition_enthalpy_decomposes_to": [],
            "energy_type": "GGA",
            "entry_types": ["GGA"],
            "entries": {},
            "property_name": "thermo",
        }

    kinds = (("GGA_GGA+U", 0.0), ("R2SCAN", -8.0), (THERMO_TYPE, -8.5))
    gnome = about(GNOME, {"Fr": 2, "Te": 1}, licence="BY-NC")
    return [*(document(fri(), *kind) for kind in kinds), document(gnome, THERMO_TYPE, 0.0)]


def _elasticity() -> Json:
    c11, c12, c44 = 20.0, 8.0, 5.0
    tensor = [[c11 if i == j else c12 for j in range(3)] + [0.0] * 3 for i in range(3)]
    tensor += [[c44 if i == j else 0.0 for j in range(6)] for i in range(3, 6)]
    return fri(
        **_MODULI,
        order=2,
        elastic_tensor={"raw": tensor, "ieee_format": tensor},
        compliance_tensor=None,
        sound_velocity=None,
        thermal_conductivity={"clarke": 0.2, "cahill": 0.3},
        young_modulus=14.3,
        debye_temperature=90.0,
        fitting_method="finite_difference",
        state="successful",
        property_name="elasticity",
    )


def _magnetism() -> Json:
    return fri(**_MAGNETIC, exchange_symmetry=225, magmoms=[0.0, 0.0], property_name="magnetism")


def _dielectric() -> Json:
    return fri(
        total=diagonal(8.0),
        ionic=diagonal(5.0),
        electronic=diagonal(3.0),
        e_total=8.0,
        e_ionic=5.0,
        e_electronic=3.0,
        n=math.sqrt(3.0),
        property_name="dielectric",
    )


def _piezoelectric() -> Json:
    rows = [[0.0, 0.0, 0.0, 0.5 if i == 0 else 0.0, 0.0, 0.0] for i in range(3)]
    return fri(
        total=rows,
        ionic=rows,
        electronic=[[0.0] * 6 for _ in range(3)],
        e_ij_max=0.5,
        max_direction=[1, 0, 0],
        strain_for_max=[0.0, 0.0, 0.0, 1.0, 0.0, 0.0],
        property_name="piezoelectric",
    )


def _electronic_structure() -> Json:
    return fri(
        **_ELECTRONIC,
        magnetic_ordering="NM",
        bandstructure={"setyawan_curtarolo": _band_summary(), "hinuma": None},
        dos=_dos_summary(),
        property_name="electronic_structure",
    )
