"""How people ask for properties, and how answers name them.

To have another property asked for, add its words. One without is told in overviews only, by its
own name.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Words:
    """Words for one property. In texts, {s} is the material and {v} the value with its unit.

    Attributes:
        noun: In questions and tables.
        term: In answers, more exactly; empty: the noun.
        asked: Further ways to ask, beside those that fit every property.
        told: Ways to answer, in place of those that fit every property.
        yes: The answer for a value that is true.
        no: And for one that is false.
        meaning: What a reader should know of it, without numbers.
        zero: Said of a value of zero.
        more: A comparison in which {a} has a larger value, and {b} the smaller.
        larger: The question whose answer is the one with the larger value.
        listed: Whether it is a list, which is asked for in the plural.
    """

    noun: str
    term: str = ""
    asked: tuple[str, ...] = ()
    told: tuple[str, ...] = ()
    yes: str = ""
    no: str = ""
    meaning: str = ""
    zero: str = ""
    more: str = ""
    larger: str = ""
    listed: bool = False

    @property
    def exact(self) -> str:
        """The name in answers."""
        return self.term or self.noun


GENERAL_QUESTIONS: Final = (
    "What is the {noun} of {s}?",
    "What does the Materials Project give as the {noun} of {s}?",
    "Look up the {noun} of {s}, please, and say where the value is from.",
    "I need the {noun} of {s} for a report, with its source.",
    "Can you tell me the {noun} of {s}?",
    "{Noun} of {s}?",
    "Please give me the {noun} of {s} and name the entry it belongs to.",
    "For {s}, what is the {noun}?",
)
LISTED_QUESTIONS: Final = (
    "Which {noun} of {s} are on record?",
    "List the {noun} of {s}.",
    "What is known of the {noun} of {s}?",
)
GENERAL_ANSWERS: Final = (
    "The {term} of {s} is {v}.",
    "For {s}, the {term} is {v}.",
    "{s} has {a_term} of {v}.",
)
LISTED_ANSWERS: Final = ("The {term} of {s} are: {v}.", "On record for {s} are these {term}: {v}.")

WORDS: Final[dict[str, Words]] = {
    "nsites": Words(
        "number of atoms in the cell",
        asked=("How many atoms are in the cell of {s}?", "How large is the cell of {s}, in atoms?"),
        told=("{s} has {v}.", "The structure of {s} has {v}."),
        meaning="It is the cell of the database, which is usually primitive.",
    ),
    "volume": Words(
        "cell volume",
        asked=("How large is the unit cell of {s}?",),
        told=("The cell volume of {s} is {v}.", "The volume of {s} is {v}."),
    ),
    "density": Words(
        "density",
        "mass density",
        asked=("How dense is {s}?", "What does a cubic centimetre of {s} weigh, according to DFT?"),
        more="{a} is denser than {b}",
        larger="Which is denser, {x} or {y}?",
    ),
    "density_atomic": Words(
        "volume per atom",
        asked=("How much room does an atom take in {s}?",),
        more="{a} has a larger volume per atom than {b}",
        larger="Which has the larger volume per atom, {x} or {y}?",
    ),
    "symmetry": Words(
        "space group",
        asked=(
            "Which space group does {s} have?",
            "In which crystal system does {s} crystallise?",
            "What is the symmetry of {s}?",
            "Give me the space group symbol and number of {s}.",
        ),
        told=("The space group of {s} is {v}.", "{s} crystallises in the space group {v}."),
    ),
    "energy_above_hull": Words(
        "energy above the convex hull",
        asked=(
            "How far above the convex hull is {s}?",
            "How unstable is {s} against decomposition at 0 K?",
            "Is {s} close to the hull? By how much does it miss it?",
        ),
        zero="It lies on the hull, so it is stable against decomposition at zero temperature.",
        meaning="It is the energy gained by decomposing into the stable phases, at zero "
        "temperature and without vibrations.",
        more="{a} lies higher above the hull than {b}",
    ),
    "formation_energy_per_atom": Words(
        "formation energy",
        "formation energy per atom",
        asked=(
            "How much energy is released when {s} forms from the elements?",
            "What is the formation energy per atom of {s}?",
        ),
        meaning="It is counted from the elements, per atom and not per formula unit.",
        zero="That is so by definition for the reference phase of an element.",
        more="{b} has a lower formation energy per atom than {a}",
        larger="Which has the lower formation energy per atom, {x} or {y}?",
    ),
    "is_stable": Words(
        "on the convex hull",
        asked=(
            "Is {s} thermodynamically stable?",
            "Is {s} on the convex hull?",
            "Does DFT find {s} stable against decomposition?",
        ),
        yes="Yes: {s} is on the convex hull, and so stable against decomposition at zero "
        "temperature.",
        no="No: {s} is above the convex hull, so it is not the ground state of its composition or "
        "decomposes into other phases at zero temperature.",
    ),
    "energy_per_atom": Words(
        "energy per atom",
        "calculated total energy per atom",
        asked=("What total energy per atom was calculated for {s}?",),
        meaning="It is on the energy scale of the calculation, so only differences within one "
        "source mean anything.",
    ),
    "decomposition_enthalpy": Words(
        "decomposition enthalpy",
        asked=("How stable is {s} against its competing phases?",),
        meaning="A negative value means that it is stable by that much against the competing "
        "phases of other composition.",
    ),
    "equilibrium_reaction_energy_per_atom": Words("equilibrium reaction energy per atom"),
    "bulk_modulus.vrh": Words(
        "bulk modulus",
        "bulk modulus (Voigt-Reuss-Hill average)",
        asked=(
            "How hard is it to compress {s}?",
            "How incompressible is {s}?",
            "What is K_VRH of {s}?",
        ),
        more="{a} is harder to compress than {b}",
        larger="Which is harder to compress, {x} or {y}?",
    ),
    "bulk_modulus.voigt": Words("Voigt bulk modulus", "bulk modulus (Voigt bound)"),
    "bulk_modulus.reuss": Words("Reuss bulk modulus", "bulk modulus (Reuss bound)"),
    "shear_modulus.vrh": Words(
        "shear modulus",
        "shear modulus (Voigt-Reuss-Hill average)",
        asked=("How stiff is {s} against shear?", "What is G_VRH of {s}?"),
        more="{a} is stiffer against shear than {b}",
        larger="Which is stiffer against shear, {x} or {y}?",
    ),
    "shear_modulus.voigt": Words("Voigt shear modulus", "shear modulus (Voigt bound)"),
    "shear_modulus.reuss": Words("Reuss shear modulus", "shear modulus (Reuss bound)"),
    "young_modulus": Words("Young's modulus", asked=("How stiff is {s} under tension?",)),
    "universal_anisotropy": Words(
        "universal elastic anisotropy",
        asked=("How anisotropic is {s} elastically?",),
        zero="It is elastically isotropic.",
        more="{a} is elastically more anisotropic than {b}",
        larger="Which is elastically more anisotropic, {x} or {y}?",
    ),
    "homogeneous_poisson": Words("Poisson ratio"),
    "debye_temperature": Words("Debye temperature"),
    "thermal_conductivity.clarke": Words(
        "Clarke thermal conductivity",
        "lower limit of the thermal conductivity (Clarke model)",
        meaning="It is an amorphous limit from the elastic constants, not the conductivity of the "
        "crystal.",
    ),
    "thermal_conductivity.cahill": Words(
        "Cahill thermal conductivity",
        "lower limit of the thermal conductivity (Cahill model)",
        meaning="It is an amorphous limit from the elastic constants, not the conductivity of the "
        "crystal.",
    ),
    "sound_velocity.transverse": Words("transverse sound velocity"),
    "sound_velocity.longitudinal": Words("longitudinal sound velocity"),
    "ordering": Words(
        "magnetic ordering",
        asked=(
            "How is {s} ordered magnetically?",
            "Is {s} ferromagnetic, antiferromagnetic or non-magnetic in the database?",
        ),
        meaning="FM is ferromagnetic, FiM ferrimagnetic, AFM antiferromagnetic, NM non-magnetic.",
    ),
    "total_magnetization": Words(
        "total magnetisation", asked=("What is the magnetic moment of the cell of {s}?",)
    ),
    "total_magnetization_normalized_formula_units": Words(
        "magnetisation per formula unit",
        asked=("How many Bohr magnetons per formula unit does {s} have?",),
    ),
    "total_magnetization_normalized_vol": Words("magnetisation per volume"),
    "is_magnetic": Words(
        "magnetic",
        asked=("Is {s} magnetic?", "Does any site of {s} carry a magnetic moment?"),
        yes="Yes: at least one site of {s} carries a magnetic moment in the calculation.",
        no="No: no site of {s} carries a magnetic moment in the calculation.",
    ),
    "types_of_magnetic_species": Words(
        "elements that carry magnetic moments",
        asked=("Which elements carry the magnetic moments in {s}?",),
        told=("The magnetic moments of {s} are carried by {v}.",),
        listed=True,
    ),
    "num_magnetic_sites": Words("number of magnetic sites in the cell"),
    "num_unique_magnetic_sites": Words("number of inequivalent magnetic sites"),
    "band_gap": Words(
        "band gap",
        "Kohn-Sham band gap",
        asked=(
            "How large is the band gap of {s}?",
            "Does {s} have a band gap, according to DFT?",
            "What band gap does DFT give for {s}?",
        ),
        zero="It is metallic in this functional.",
        more="{a} has a wider computed gap than {b}",
        larger="Which has the wider band gap, {x} or {y}?",
    ),
    "is_gap_direct": Words(
        "direct gap",
        asked=("Is the band gap of {s} direct?", "Is the gap of {s} direct or indirect?"),
        yes="Yes: the band gap of {s} is direct.",
        no="No: the band gap of {s} is not direct.",
    ),
    "is_metal": Words(
        "metallic",
        asked=("Is {s} a metal?",),
        yes="Yes: {s} has no band gap in this functional.",
        no="No: {s} has a band gap in this functional.",
    ),
    "cbm": Words("conduction band minimum"),
    "vbm": Words("valence band maximum"),
    "efermi": Words("Fermi energy"),
    "e_total": Words(
        "static dielectric constant",
        "static relative permittivity (mean of the diagonal)",
        more="{a} has a larger static permittivity than {b}",
        larger="Which has the larger static dielectric constant, {x} or {y}?",
    ),
    "e_electronic": Words(
        "high-frequency dielectric constant",
        "electronic relative permittivity (mean of the diagonal)",
    ),
    "e_ionic": Words(
        "ionic part of the dielectric constant",
        "ionic relative permittivity (mean of the diagonal)",
    ),
    "n": Words(
        "refractive index",
        more="{a} has a larger refractive index than {b}",
        larger="Which refracts light more strongly, {x} or {y}?",
    ),
    "e_ij_max": Words(
        "piezoelectric modulus",
        "largest piezoelectric modulus",
        more="{a} has a larger piezoelectric modulus than {b}",
        larger="Which has the stronger piezoelectric response, {x} or {y}?",
    ),
    "weighted_surface_energy": Words(
        "surface energy", "surface energy averaged over the Wulff shape"
    ),
    "weighted_work_function": Words("work function", "work function averaged over the Wulff shape"),
    "surface_anisotropy": Words("anisotropy of the surface energy"),
    "shape_factor": Words("shape factor of the Wulff shape"),
    "average_oxidation_states": Words(
        "oxidation states",
        "mean oxidation states",
        asked=(
            "Which oxidation states do the elements of {s} have?",
            "What is the valence of each element in {s}?",
        ),
        told=("The mean oxidation states in {s} are {v}.",),
        listed=True,
    ),
    "theoretical": Words(
        "without a known experimental source",
        asked=("Has {s} been made in an experiment, as far as the database knows?",),
        yes="No experimental source of the structure of {s} is known to the database.",
        no="Yes: an experimental source of the structure of {s} is known to the database.",
    ),
    "mineral": Words("mineral or prototype"),
    "dimensionality": Words("dimensionality of the structure"),
    "description": Words(
        "description of the structure",
        asked=("Describe the crystal structure of {s}.", "What does {s} look like, in words?"),
        told=("{s}, as robocrystallographer describes it: {v}",),
    ),
    "bandgap": Words("band gap of the absorption calculation"),
    "bond_length_stats.mean": Words("mean bond length"),
    "bond_length_stats.min": Words("shortest bond length"),
    "bond_length_stats.max": Words("longest bond length"),
    "surfaces": Words("surface facets", listed=True),
    "grain_boundaries": Words("grain boundaries", listed=True),
    "spectra": Words("X-ray absorption spectra", listed=True),
    "eos": Words("equation-of-state fits", listed=True),
    "bond_lengths": Words("bond lengths", listed=True),
    "phonons": Words("phonon calculations", listed=True),
    "references": Words("literature references", listed=True),
    "decomposes_to": Words(
        "decomposition products",
        asked=("What does {s} decompose to?",),
        meaning="The amounts are fractions of the atoms.",
        listed=True,
    ),
    "sim": Words("most similar structures", listed=True),
    "coordination_envs": Words(
        "coordination environments",
        asked=("How are the atoms of {s} coordinated?",),
        listed=True,
    ),
    "possible_species": Words("ions", asked=("Which ions does {s} consist of?",), listed=True),
    "substrates": Words("substrates", listed=True),
    "electrodes": Words("battery electrodes", listed=True),
    "alloys": Words("alloys", listed=True),
    "has_reconstructed": Words(
        "with a known reconstructed surface",
        asked=("Is a reconstructed surface of {s} known?",),
        yes="Yes: the database has a reconstructed surface of {s}.",
        no="No: the database has no reconstructed surface of {s}.",
    ),
    "uncorrected_energy_per_atom": Words(
        "uncorrected energy per atom", "total energy per atom without corrections"
    ),
}

OVERVIEWS: Final = {
    "summary": ("Give me an overview of {s}.", "What is known about {s}?", "Summarise {s} for me."),
    "thermo": (
        "What is known about the stability of {s}?",
        "Summarise the thermodynamics of {s}.",
    ),
    "elasticity": (
        "Summarise the elastic properties of {s}.",
        "Which elastic properties of {s} are on record?",
    ),
    "magnetism": ("Summarise the magnetism of {s}.", "What are the magnetic properties of {s}?"),
    "dielectric": ("What are the dielectric properties of {s}?",),
    "electronic_structure": ("Summarise the electronic structure of {s}.",),
}
"""Questions for all of a group; another group is asked for by its name."""
NO_OVERVIEW: Final = frozenset({"provenance", "tasks"})
"""Groups that are about people and computers, not about the material."""


def words(name: str) -> Words:
    """The words for a property; its own name where it has none."""
    return WORDS.get(name) or Words(name.replace("_", " ").replace(".", ", "))


def questions(known: Words) -> tuple[str, ...]:
    """The ways to ask that fit every property of its kind, with {noun}, {Noun} and {s}."""
    return LISTED_QUESTIONS if known.listed else GENERAL_QUESTIONS


def with_article(noun: str) -> str:
    """The noun with its indefinite article."""
    return f"{'an' if noun[0] in 'aeioAEIO' else 'a'} {noun}"
