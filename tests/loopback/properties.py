"""Made-up documents of francium iodide for the endpoints that the sample has nothing of."""

from __future__ import annotations

import math

from pymatgen.analysis.alloys.core import AlloyPair
from pymatgen.analysis.graphs import StructureGraph
from pymatgen.analysis.xas.spectrum import XAS
from pymatgen.core import Element

from tests.loopback.documents import THERMO_TYPE, UPDATED, Json, about, alpha
from tests.loopback.francium import (
    EFERMI,
    FRBR,
    FRI,
    LIFRI,
    PHONON_TASK,
    STATIC_TASK,
    STRUCTURES,
    base,
    diagonal,
    fri,
    plain,
)


def phonon() -> Json:
    document = fri(
        identifier=alpha(PHONON_TASK, prefix=False),
        phonon_method="dfpt",
        epsilon_static=diagonal(8.0),
        epsilon_electronic=diagonal(3.0),
        born=[diagonal(1.0), diagonal(-1.0)],
        sum_rules_breaking={"asr": 0.5, "cnsr": 0.01},
        structure=plain(STRUCTURES[FRI]),
        total_dft_energy=-6.0,
        volume_per_formula_unit=STRUCTURES[FRI].volume,
        formula_units=1,
        code="synthetic",
    )
    for name in ("material_id", "deprecated", "deprecation_reasons", "origins", "warnings"):
        del document[name]
    return document


def absorption() -> Json:
    energies = [0.5 * step for step in range(21)]
    return fri(
        energies=energies,
        energy_max=10.0,
        absorption_coefficient=[1e5 * max(0.0, e - 2.5) for e in energies],
        average_imaginary_dielectric=[max(0.0, e - 2.5) for e in energies],
        average_real_dielectric=[3.0] * len(energies),
        bandgap=2.5,
        nkpoints=100,
        property_name="absorption",
    )


def xas(element: str, edge: str) -> Json:
    x = [100.0 + 2.0 * step for step in range(30)]
    y = [1.0 / (1.0 + math.exp(115.0 - e)) for e in x]
    spectrum = XAS(x, y, STRUCTURES[FRI], Element(element), edge=edge, absorbing_index=0)
    document = fri(
        task_id=alpha(FRI, prefix=False),
        spectrum_name="XAS",
        spectrum=plain(spectrum),
        absorbing_element=element,
        spectrum_type="XANES",
        edge=edge,
    )
    del document["material_id"]
    return document


def surface() -> Json:
    faces = [
        {
            "miller_index": miller,
            "surface_energy_EV_PER_ANG2": energy / 16.0,
            "surface_energy": energy,
            "is_reconstructed": False,
            "structure": None,
            "work_function": 3.0,
            "efermi": -1.0,
            "area_fraction": fraction,
            "has_wulff": True,
        }
        for miller, energy, fraction in (([1, 0, 0], 0.16, 0.75), ([1, 1, 0], 0.24, 0.25))
    ]
    return {
        "material_id": alpha(FRI),
        "pretty_formula": "FrI",
        "surfaces": faces,
        "weighted_surface_energy_EV_PER_ANG2": 0.01,
        "weighted_surface_energy": 0.16,
        "surface_anisotropy": 0.1,
        "shape_factor": 5.1,
        "weighted_work_function": 3.0,
        "has_reconstructed": False,
        "structure": None,
    }


def grain_boundary(sigma: int, energy: float) -> Json:
    return {
        "material_id": alpha(FRI),
        "pretty_formula": "FrI",
        "chemsys": "Fr-I",
        "sigma": sigma,
        "type": "tilt",
        "rotation_axis": [1, 1, 0],
        "gb_plane": [1, 1, 1],
        "rotation_angle": 60.0,
        "gb_energy": energy,
        "w_sep": 1.0,
        "last_updated": UPDATED,
    }


def eos() -> Json:
    """Points of a Birch-Murnaghan curve with B0 = 12 GPa and B1 = 4."""
    v0, b0, e0 = STRUCTURES[FRI].volume, 12.0 / 160.21766208, -6.0
    volumes = [v0 * (0.94 + 0.02 * step) for step in range(7)]
    strains = [((v0 / volume) ** (2 / 3) - 1) ** 2 for volume in volumes]
    return {
        "task_id": alpha(FRI, prefix=False),
        "volumes": volumes,
        "energies": [e0 + 9 * v0 * b0 / 8 * strain for strain in strains],
        "eos": [
            {"model": "birch_murnaghan", "V0": v0, "B0": 12.0, "B1": 4.0, "E0": e0, "R2": 1.0},
            {"model": "vinet", "V0": v0, "B0": 12.0, "B1": 4.0, "E0": e0, "R2": 0.99},
        ],
    }


def bonds() -> Json:
    lengths = [STRUCTURES[FRI].get_distance(0, 1)] * 6
    graph = StructureGraph.from_edges(
        STRUCTURES[FRI], {(0, 1, (0, 0, 0), image): None for image in ((0, 0, 0), (-1, 0, 0))}
    )
    return fri(
        structure_graph=plain(graph),
        method="CrystalNN",
        bond_types={"Fr-I": lengths},
        bond_length_stats={
            "all_weights": lengths,
            "min": lengths[0],
            "max": lengths[0],
            "mean": lengths[0],
            "variance": 0.0,
        },
        coordination_envs=["Fr-I(6)", "I-Fr(6)"],
        coordination_envs_anonymous=["A-B(6)"],
        property_name="bonds",
    )


def oxidation_states() -> Json:
    return fri(
        structure=plain(STRUCTURES[FRI]),
        possible_species=["Fr+", "I-"],
        possible_valences=[1.0, -1.0],
        average_oxidation_states={"Fr": 1.0, "I": -1.0},
        method="Bond Valence Analysis",
        property_name="oxi_states",
    )


def chemenv() -> Json:
    return fri(
        structure=plain(STRUCTURES[FRI]),
        valences=[1.0, -1.0],
        species=["Fr+"],
        chemenv_symbol=["O:6"],
        chemenv_iupac=["OC-6"],
        chemenv_iucr=["[6o]"],
        chemenv_name=["Octahedron"],
        chemenv_name_with_alternatives=[
            "Octahedron (also known as Square dipyramid, Square bipyramid, Triangular antiprism, "
            "Trigonal antiprism)"
        ],
        csm=[0.0],
        method="valences",
        warnings=None,
        mol_from_site_environments=[None],
        wyckoff_positions=["4a"],
        property_name="chemenv",
    )


def robocrys(material_id: str, anion: str) -> Json:
    return {
        **base(material_id, {"Fr": 1, anion: 1}),
        "description": (
            f"Fr{anion} is synthetic and halite-like. Fr is bonded to six equivalent {anion} atoms "
            "to form a mixture of corner and edge-sharing octahedra."
        ),
        "condensed_structure": {
            "mineral": {"type": "Halite, Rock salt", "name": None},
            "dimensionality": 3,
            "formula": f"Fr{anion}",
            "spg_symbol": "Fm-3m",
            "crystal_system": "cubic",
        },
        "robocrys_version": "0.2.12",
        "property_name": "robocrys",
    }


def similarity() -> Json:
    return fri(
        sim=[
            {"task_id": alpha(FRBR), "nelements": 2, "dissimilarity": 0.1, "formula": "FrBr"},
            {"task_id": alpha("mp-22862"), "nelements": 2, "dissimilarity": 0.5, "formula": "NaCl"},
        ],
        feature_vector=[1.0] + [0.0] * 121,
        method="CrystalNN",
        property_name="similarity",
    )


def substrate(orientation: str, area: float) -> Json:
    return {
        "film_id": FRI,  # plain strings in emmet-core: the API compares them as they come
        "sub_id": "mp-22862",
        "sub_form": "NaCl",
        "film_orient": orientation,
        "orient": orientation,
        "area": area,
        "energy": 0.2,
        "norients": 2,
    }


def electrode() -> Json:
    step: Json = {
        "formula_charge": "FrI",
        "formula_discharge": "LiFrI",
        "max_delta_volume": 0.05,
        "average_voltage": 1.5,
        "capacity_grav": 75.0,
        "capacity_vol": 300.0,
        "energy_grav": 112.5,
        "energy_vol": 450.0,
        "fracA_charge": 0.0,
        "fracA_discharge": 1 / 3,
        "stability_charge": 0.0,
        "stability_discharge": 0.02,
        "id_charge": alpha(FRI),
        "id_discharge": alpha(LIFRI),
    }
    return {
        **step,
        "battery_id": f"{alpha(FRI)}_Li",
        "battery_type": "insertion",
        "battery_formula": "Li0-1FrI",
        "framework_formula": "FrI",
        "framework": {"Fr": 1.0, "I": 1.0},
        "thermo_type": THERMO_TYPE,
        "material_ids": [alpha(FRI), alpha(LIFRI)],
        "working_ion": "Li",
        "num_steps": 1,
        "max_voltage_step": 0.0,
        "elements": ["Fr", "I"],
        "nelements": 2,
        "chemsys": "Fr-I",
        "formula_anonymous": "AB",
        "warnings": [],
        "last_updated": UPDATED,
        "host_structure": plain(STRUCTURES[FRI]),
        "adj_pairs": [step],
        "entries_composition_summary": {
            "all_formulas": ["FrI", "LiFrI"],
            "all_chemsys": ["Fr-I", "Fr-I-Li"],
            "all_formula_anonymous": ["AB", "ABC"],
            "all_elements": ["Fr", "I", "Li"],
            "all_composition_reduced": {"Fr": [1.0], "I": [1.0], "Li": [1.0]},
        },
        "builder_meta": about(FRI, {"Fr": 1})["builder_meta"],
    }


def alloy() -> Json:
    first, second = alpha(FRBR), alpha(FRI)
    pair = AlloyPair.from_structures(
        structures=(STRUCTURES[FRBR], STRUCTURES[FRI]),
        structures_with_oxidation_states=(STRUCTURES[FRBR], STRUCTURES[FRI]),
        ids=(first, second),
        properties=(
            {"energy_above_hull": 0.025, "formation_energy_per_atom": -1.75},
            {"energy_above_hull": 0.0, "formation_energy_per_atom": -1.5, "band_gap": 2.5},
        ),
    )
    return {"pair_id": f"{first}_{second}", "alloy_pair": plain(pair)}


def provenance() -> Json:
    return fri(
        created_at=UPDATED,
        references=["@article{synthetic, title={A made-up reference}, year={2026}}"],
        authors=[{"name": "Nobody", "email": "nobody@example.org"}],
        remarks=["synthetic"],
        tags=["synthetic"],
        theoretical=True,
        database_IDs={"icsd": ["icsd-99990001"]},
        history=[],
        property_name="provenance",
    )


def task() -> Json:
    document = fri(
        task_id=alpha(STATIC_TASK, prefix=False),
        calc_type="GGA Static",
        task_type="Static",
        run_type="GGA",
        completed_at=UPDATED,
        vasp_version="0.0.0",
        structure=plain(STRUCTURES[FRI]),
        output={"energy": -6.0, "energy_per_atom": -3.0, "bandgap": 2.5, "efermi": EFERMI},
        input={"parameters": {"ENCUT": 520}, "is_hubbard": False, "hubbards": {}},
        tags=["synthetic"],
    )
    del document["material_id"]
    return document
