"""The properties a claim may be about: their names, and what the facts of this server call them."""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Final

from llamp_mcp.evaluation.grounding.quantities import CELL

TOLD, RELATED = 0, 1
"""How a fact bears on a property: it is its value, or only a value that may be meant as well."""


@dataclass(frozen=True, slots=True)
class Property:
    """A property with all its names.

    Attributes:
        name: How it is called here.
        names: What a text calls it.
        fields: Names of facts that are its value, a star standing for anything.
        also: Names of facts that may be meant, but whose value proves no other wrong.
        symbols: Short names that mean it in a structured claim, not in a text.
        unit: A unit of it; empty: a plain number, or words.
        per: What a fact in a unit that does not say so is counted per.
        certain: The property that decides it, with the largest value for which it is true.
    """

    name: str
    names: tuple[str, ...]
    fields: tuple[str, ...]
    also: tuple[str, ...] = ()
    symbols: tuple[str, ...] = ()
    unit: str = ""
    per: str = ""
    certain: tuple[str, float] | None = None

    def rank(self, fact: str) -> int | None:
        """How a fact bears on it, by the name of the fact without group; None: not at all."""
        if any(fnmatchcase(fact, pattern) for pattern in self.fields):
            return TOLD
        if any(fnmatchcase(fact, pattern) for pattern in self.also):
            return RELATED
        return None


_ENERGY: Final = "eV/atom"
_VOLUME: Final = "\u00c5\u00b3"


def _modulus(name: str, symbol: str, *symbols: str) -> tuple[Property, ...]:
    """A modulus of a polycrystal: the average, and its two bounds."""
    word = name.replace("_", " ")
    bounds = tuple(
        Property(
            f"{name}.{bound}",
            (f"{bound} {word}", f"{word} {bound}"),
            (f"{name}.{bound}",),
            symbols=(f"{symbol} {bound}",),
            unit="GPa",
        )
        for bound in ("voigt", "reuss")
    )
    average = Property(
        name,
        (word, f"{word.split()[0]} moduli", f"vrh {word}", f"{word} vrh", f"hill {word}"),
        (f"{name}.vrh", f"{name}_gpa", f"{name}_vrh_gpa"),
        also=(f"{name}.voigt", f"{name}.reuss", f"{name}_*_gpa", f"{name}_gpa at *"),
        symbols=(symbol, f"{symbol} vrh", f"{symbol}vrh", f"{symbol} hill", f"{symbol}0", *symbols),
        unit="GPa",
    )
    return (*bounds, average)


PROPERTIES: Final = (
    Property(
        "bulk_modulus_derivative",
        ("bulk modulus derivative", "derivative of the bulk modulus", "pressure derivative"),
        ("bulk_modulus_derivative",),
        symbols=("b prime", "b1"),
    ),
    *_modulus("bulk_modulus", "k", "b0", "b 0"),
    *_modulus("shear_modulus", "g"),
    Property(
        "youngs_modulus",
        ("young's modulus", "youngs modulus", "young modulus", "elastic modulus"),
        ("young_modulus", "youngs_modulus_gpa"),
        symbols=("e",),
        unit="GPa",
    ),
    Property(
        "poisson_ratio",
        ("poisson's ratio", "poisson ratio", "poissons ratio"),
        ("homogeneous_poisson", "poisson_ratio"),
        symbols=("nu",),
    ),
    Property(
        "anisotropy",
        ("universal anisotropy", "elastic anisotropy", "anisotropy index"),
        ("universal_anisotropy", "anisotropy"),
    ),
    Property(
        "debye_temperature",
        ("debye temperature",),
        ("debye_temperature", "debye_temperature_k"),
        unit="K",
    ),
    Property(
        "thermal_conductivity",
        ("thermal conductivity",),
        (),
        also=("thermal_conductivity.*",),
        unit="W/(m K)",
    ),
    Property(
        "vacancy_formation_energy",
        ("vacancy formation energy", "vacancy energy", "defect formation energy"),
        ("vacancy_formation_energy_ev", "formation_energy_ev"),
        unit="eV",
    ),
    Property(
        "formation_energy",
        (
            "formation energy",
            "formation energies",
            "energy of formation",
            "formation enthalpy",
            "enthalpy of formation",
            "heat of formation",
        ),
        ("formation_energy_per_atom", "formation_energy_ev_per_atom"),
        also=("other_thermo_types[[]*].formation_energy_per_atom",),
        symbols=("e form", "e f", "ef", "h f", "delta h f"),
        unit=_ENERGY,
    ),
    Property(
        "energy_above_hull",
        (
            "energy above hull",
            "energy above the hull",
            "energies above hull",
            "energy above the convex hull",
            "energy above convex hull",
            "hull energy",
            "hull distance",
            "distance to the hull",
            "distance from the hull",
            "distance to the convex hull",
            "above the convex hull",
            "above the hull",
            "above hull",
            "e_hull",
            "ehull",
            "e_above_hull",
        ),
        ("energy_above_hull", "computed_energy_above_hull"),
        also=("other_thermo_types[[]*].energy_above_hull",),
        unit=_ENERGY,
    ),
    Property(
        "decomposition_enthalpy",
        ("decomposition enthalpy", "decomposition energy", "enthalpy of decomposition"),
        ("decomposition_enthalpy", "decomposition_enthalpy_ev_per_atom"),
        unit=_ENERGY,
    ),
    Property(
        "equilibrium_reaction_energy",
        ("equilibrium reaction energy",),
        ("equilibrium_reaction_energy_per_atom",),
        unit=_ENERGY,
    ),
    Property(
        "reaction_energy",
        ("reaction energy", "reaction enthalpy", "enthalpy of reaction"),
        ("reaction_energy_*", "reaction_energy"),
        unit="eV",
    ),
    Property(
        "surface_energy",
        ("surface energy",),
        ("weighted_surface_energy*", "surface_energy_*"),
        unit="J/m\u00b2",
    ),
    Property("adsorption_energy", ("adsorption energy",), ("adsorption_energy_ev",), unit="eV"),
    Property(
        "migration_barrier",
        ("migration barrier", "diffusion barrier", "energy barrier"),
        ("barrier_ev",),
        unit="eV",
    ),
    Property(
        "zero_point_energy",
        ("zero-point energy", "zero point energy"),
        ("zero_point_energy_*",),
        unit=_ENERGY,
    ),
    Property("free_energy", ("free energy",), (), also=("free_energy_*",), unit="kJ/mol"),
    Property(
        "work_function", ("work function",), ("weighted_work_function", "work_function*"), unit="eV"
    ),
    Property(
        "energy",
        ("energy per atom", "total energy", "potential energy", "dft energy"),
        ("energy_per_atom", "energy_ev_per_atom", "energy_ev"),
        also=("uncorrected_energy_per_atom", "relaxed_energy_ev_per_atom", "potential_energy_*"),
        symbols=("energy",),
        unit=_ENERGY,
        per=CELL,
    ),
    Property(
        "direct_gap", ("direct gap energy", "smallest direct gap"), ("*.direct_gap",), unit="eV"
    ),
    Property(
        "band_gap",
        ("band gap", "bandgap", "band gaps", "bandgaps", "energy gap", "gap", "gaps"),
        ("band_gap",),
        also=("bands.band_gap", "dos.band_gap", "*.gap_spin_*", "dos_energy_*"),
        symbols=("eg", "e g", "e gap", "egap"),
        unit="eV",
    ),
    Property(
        "fermi_energy",
        ("fermi energy", "fermi level"),
        ("efermi", "*.fermi_energy"),
        symbols=("e fermi",),
        unit="eV",
    ),
    Property(
        "cbm", ("conduction band minimum",), ("cbm", "*.cbm_energy"), symbols=("cbm",), unit="eV"
    ),
    Property(
        "vbm", ("valence band maximum",), ("vbm", "*.vbm_energy"), symbols=("vbm",), unit="eV"
    ),
    Property(
        "number_density", ("number density",), ("density.number_density_per_nm3",), unit="nm^-3"
    ),
    Property(
        "density",
        ("mass density", "density"),
        ("density", "density.density_g_cm3"),
        unit="g/cm\u00b3",
    ),
    Property(
        "volume",
        ("unit cell volume", "cell volume", "equilibrium volume", "atomic volume", "volume"),
        (
            "volume",
            "volume_a3",
            "density_atomic",
            "density.volume_a3",
            "density.volume_per_atom_a3",
            "volume_a3_per_atom",
            "equilibrium_volume_a3_per_atom",
            "volume_mean_a3",
        ),
        also=("volume_a3_per_atom at *", "volume_*_a3"),
        symbols=("v", "v0"),
        unit=_VOLUME,
        per=CELL,
    ),
    *(
        Property(
            letter,
            (
                f"lattice parameter {letter}",
                f"lattice constant {letter}",
                f"{letter} lattice parameter",
                f"{letter} lattice constant",
            ),
            (letter,),
            symbols=(letter, f"lattice {letter}"),
            unit="\u00c5",
        )
        for letter in "abc"
    ),
    *(
        Property(angle, (f"angle {angle}",), (angle,), symbols=(angle,), unit="degrees")
        for angle in ("alpha", "beta", "gamma")
    ),
    Property(
        "lattice_parameter",
        ("lattice parameter", "lattice constant", "lattice parameters", "lattice constants"),
        ("a", "b", "c"),
        unit="\u00c5",
    ),
    Property(
        "nsites",
        (),
        ("nsites", "n_atoms", "n_sites"),
        symbols=("nsites", "n atoms", "number of atoms", "number of sites", "atoms in the cell"),
    ),
    Property(
        "e_electronic",
        (
            "electronic dielectric constant",
            "high-frequency dielectric constant",
            "optical dielectric constant",
        ),
        ("e_electronic",),
        symbols=("eps inf", "epsilon infinity"),
    ),
    Property("e_ionic", ("ionic dielectric constant",), ("e_ionic",)),
    Property(
        "dielectric_constant",
        (
            "static dielectric constant",
            "dielectric constant",
            "relative permittivity",
            "permittivity",
        ),
        ("e_total",),
        also=("e_electronic",),
        symbols=("eps 0", "epsilon", "epsilon 0", "eps r"),
    ),
    Property(
        "refractive_index", ("refractive index", "index of refraction"), ("n",), symbols=("n",)
    ),
    Property(
        "piezoelectric_modulus",
        ("piezoelectric modulus", "piezoelectric coefficient", "piezoelectric constant"),
        ("e_ij_max",),
        unit="C/m\u00b2",
    ),
    Property(
        "magnetization_by_volume",
        ("magnetization per volume", "magnetisation per volume"),
        ("total_magnetization_normalized_vol",),
        unit="\u03bcB/\u00c5\u00b3",
    ),
    Property(
        "magnetization",
        (
            "total magnetization",
            "total magnetisation",
            "total magnetic moment",
            "magnetic moment",
            "magnetization",
            "magnetisation",
        ),
        ("total_magnetization", "total_magnetization_normalized_formula_units"),
        symbols=("moment", "mu"),
        unit="\u03bcB",
        per=CELL,
    ),
    Property(
        "spacegroup",
        ("space group", "spacegroup", "space-group", "space group number", "space group symbol"),
        ("symmetry.symbol", "symmetry.number", "spacegroup_symbol", "spacegroup_number"),
        symbols=("sg", "symmetry"),
    ),
    Property("crystal_system", ("crystal system",), ("symmetry.crystal_system",)),
    Property("ordering", ("magnetic ordering", "magnetic order", "ordering"), ("ordering",)),
    Property(
        "is_stable",
        (),
        ("is_stable",),
        symbols=("stable", "stability", "on hull", "thermodynamically stable"),
        certain=("energy_above_hull", 1e-8),
    ),
    Property(
        "is_metal", (), ("is_metal",), symbols=("metal", "metallic"), certain=("band_gap", 0.0)
    ),
    Property(
        "is_gap_direct",
        (),
        ("is_gap_direct", "bands.is_gap_direct"),
        symbols=("direct gap", "direct band gap", "direct", "gap type"),
    ),
    Property("is_magnetic", (), ("is_magnetic",), symbols=("magnetic",)),
    Property(
        "temperature",
        (
            "calcination temperature",
            "heating temperature",
            "sintering temperature",
            "annealing temperature",
            "synthesis temperature",
        ),
        ("operations.*.temperature_k*",),
        also=("temperature_*_k",),
        symbols=("temperature",),
        unit="K",
    ),
)
WORDS: Final = frozenset(
    (
        *("spacegroup", "crystal_system", "ordering", "is_stable", "is_metal", "is_gap_direct"),
        "is_magnetic",
    )
)
"""Those whose values are words."""
