"""What can be searched for: the filters of the Project's summary, and what people call them.

Every source filters by these names; the live one sends `parameter` to the Project's API.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Final, Literal

from llamp_mcp.errors import InvalidInput, clip, one_of
from llamp_mcp.materials.groups import GROUPS
from llamp_mcp.units import unit_of

Kind = Literal["number", "integer", "flag", "word"]


@dataclass(frozen=True, slots=True)
class Filter:
    """A scalar of a summary document that a search can ask for.

    Attributes:
        name: The Project's field name, dotted where the value lies in an object.
        parameter: The query parameter of the Project's API: with `_min` and `_max` for numbers,
            as it is for flags and words.
        kind: `number` and `integer` take ranges, `flag` and `word` one value.
        sortable: Whether the Project's API sorts by it. It ignores, without a word, a request to
            sort by any other field.
    """

    name: str
    parameter: str
    kind: Kind = "number"
    sortable: bool = True

    @property
    def is_range(self) -> bool:
        """Whether a range can be put on it."""
        return self.kind in {"number", "integer"}

    @property
    def unit(self) -> str:
        """Its unit; empty where it has none."""
        unit = unit_of(self.name) or ""
        return "" if unit == "dimensionless" else unit


def _numbers(*names: str, sortable: bool = True) -> tuple[Filter, ...]:
    return tuple(Filter(name, name, sortable=sortable) for name in names)


def _moduli(name: str, letter: str) -> tuple[Filter, ...]:
    parts = ("vrh", "voigt", "reuss")
    return tuple(Filter(f"{name}.{p}", f"{letter}_{p}", sortable=False) for p in parts)


FILTERS: Final[dict[str, Filter]] = {
    filter_.name: filter_
    for filter_ in (
        Filter("nsites", "nsites", "integer"),
        Filter("nelements", "nelements", "integer"),
        *_numbers("volume", "density", "density_atomic"),
        *_numbers("energy_above_hull", "formation_energy_per_atom", "energy_per_atom"),
        *_numbers("uncorrected_energy_per_atom"),
        # the API filters by these, but its list of sort fields lacks them or misspells them
        *_numbers("equilibrium_reaction_energy_per_atom", "universal_anisotropy", sortable=False),
        *_numbers("dos_energy_up", "dos_energy_down", sortable=False),
        *_moduli("bulk_modulus", "k"),
        *_moduli("shear_modulus", "g"),
        *_numbers("band_gap", "cbm", "vbm", "efermi", "homogeneous_poisson"),
        *_numbers("total_magnetization", "total_magnetization_normalized_vol"),
        *_numbers("total_magnetization_normalized_formula_units"),
        Filter("num_magnetic_sites", "num_magnetic_sites", "integer"),
        Filter("num_unique_magnetic_sites", "num_unique_magnetic_sites", "integer"),
        *_numbers("e_total", "e_ionic", "e_electronic", "n", "e_ij_max"),
        *_numbers("weighted_surface_energy_EV_PER_ANG2", "weighted_surface_energy"),
        *_numbers("weighted_work_function", "surface_anisotropy", "shape_factor"),
        *(
            Filter(name, name, "flag", sortable=False)
            for name in ("is_stable", "is_gap_direct", "is_metal", "theoretical")
        ),
        Filter("has_reconstructed", "has_reconstructed", "flag", sortable=False),
        Filter("ordering", "ordering", "word"),
        Filter("symmetry.crystal_system", "crystal_system", "word", sortable=False),
        Filter("symmetry.number", "spacegroup_number", "word", sortable=False),
        Filter("symmetry.symbol", "spacegroup_symbol", "word", sortable=False),
    )
}

RANGES: Final = tuple(name for name, filter_ in FILTERS.items() if filter_.is_range)
FLAGS: Final = tuple(name for name, filter_ in FILTERS.items() if filter_.kind == "flag")

_OBJECTS: Final = {
    "bands": "bandstructure",
    "bandstructure": "bandstructure",
    "dos": "dos",
    "phonon_bands": "phonon",
    "phonon_dos": "phonon",
    "charge_density": "charge_density",
}
HAS_PROPS: Final[dict[str, str]] = {
    name: group.has_prop
    for group in GROUPS.values()
    for name in (group.has_prop, group.name)
    if group.has_prop
} | _OBJECTS
"""What an entry can have data of: names people may use → the Project's name of it."""

_SAID: Final[dict[str, str]] = {
    "bulk_modulus": "bulk_modulus.vrh",
    "shear_modulus": "shear_modulus.vrh",
    # mp-api's names of its search arguments
    "total_energy": "energy_per_atom",
    "formation_energy": "formation_energy_per_atom",
    "uncorrected_energy": "uncorrected_energy_per_atom",
    "equilibrium_reaction_energy": "equilibrium_reaction_energy_per_atom",
    "elastic_anisotropy": "universal_anisotropy",
    "poisson_ratio": "homogeneous_poisson",
    "num_sites": "nsites",
    "num_elements": "nelements",
    "piezoelectric_modulus": "e_ij_max",
    "surface_energy_anisotropy": "surface_anisotropy",
    # words of the field
    "e_above_hull": "energy_above_hull",
    "hull_energy": "energy_above_hull",
    "number_of_sites": "nsites",
    "number_of_elements": "nelements",
    "fermi_energy": "efermi",
    "refractive_index": "n",
    "dielectric_constant": "e_total",
    "magnetization": "total_magnetization",
    "surface_energy": "weighted_surface_energy",
    "work_function": "weighted_work_function",
    "metallic": "is_metal",
    "direct_gap": "is_gap_direct",
    "stable": "is_stable",
    "magnetic_ordering": "ordering",
    "crystal_system": "symmetry.crystal_system",
    "spacegroup": "symmetry",
    "id": "material_id",
    "formula": "formula_pretty",
}


def _squeezed(name: str) -> str:
    return re.sub(r"[^a-z0-9.]", "", name.lower())


_KNOWN: Final[dict[str, str]] = {
    **{_squeezed(filter_.parameter): name for name, filter_ in FILTERS.items()},
    **{_squeezed(name): target for name, target in _SAID.items()},
    **{_squeezed(name): name for name in FILTERS},
}


def meant(name: str) -> str:
    """The Project's name of a field that people call otherwise; an unknown name as it stands.

    `Band gap`, `bandgap` and `band_gap` are one, and so are `k_vrh` and `bulk_modulus`, which is
    the Voigt-Reuss-Hill average unless `bulk_modulus.voigt` or `.reuss` is named.
    """
    return _KNOWN.get(_squeezed(name), name.strip())


def range_filter(name: str) -> Filter:
    """The filter on a number that a name means.

    Raises:
        InvalidInput: There is none; the text says what to use.
    """
    known = meant(name)
    if known in RANGES:
        return FILTERS[known]
    raise _not_a(name, known, "range", RANGES)


def flag_filter(name: str) -> Filter:
    """The filter on a truth value that a name means.

    Raises:
        InvalidInput: There is none; the text says what to use.
    """
    known = meant(name)
    if known in FLAGS:
        return FILTERS[known]
    raise _not_a(name, known, "flag", FLAGS)


def data_named(name: str) -> str:
    """The Project's name of what an entry has data of.

    Raises:
        InvalidInput: There is no such data, or the Project does not say who has it.
    """
    said = name.strip().lower()
    if said not in HAS_PROPS:
        raise one_of("data in has_props", name, HAS_PROPS)
    return HAS_PROPS[said]


def sort_field(name: str) -> str:
    """The field that a name to sort by means.

    Raises:
        InvalidInput: There is no order by it.
    """
    known = meant(name)
    if known in _SORTS:
        return known
    raise _unknown(name, "sort", _SORTS)


_SORTS: Final = (*RANGES, "material_id", "formula_pretty")
_ARGUMENT: Final = {
    "ordering": "magnetic_ordering='FM'",
    "symmetry": "spacegroup_number or crystal_system",
    "is_magnetic": "magnetic_ordering, or ranges={'num_magnetic_sites': [1, null]}",
    "possible_species": "possible_species=['Fe3+']",
}
"""The argument of `search_materials` for what is no range and no flag."""


def _not_a(name: str, known: str, purpose: str, allowed: tuple[str, ...]) -> InvalidInput:
    """The error for a name that has another use, or none."""
    use = _ARGUMENT.get(known.partition(".")[0], "")
    if known in RANGES:
        unit = FILTERS[known].unit
        use = f"ranges={{'{known}': [min, max]}}" + (f" in {unit}" if unit else "")
    elif known in FLAGS:
        use = f"flags={{'{known}': true}}"
    if use:
        return InvalidInput(f"{known} takes no {purpose}", next_step=f"Use {use}.")
    return _unknown(name, purpose, allowed)


def _unknown(name: str, purpose: str, allowed: tuple[str, ...]) -> InvalidInput:
    said = _squeezed(name)
    close = get_close_matches(said, _KNOWN, n=1, cutoff=0.8)
    near = close or [known for known in _KNOWN if len(said) > 2 and said in known]
    likely = {_KNOWN[known] for known in near} & set(allowed)
    return InvalidInput(
        f"Unknown field for a {purpose} {clip(name)}",
        allowed=", ".join(sorted(allowed)),
        next_step=f"Did you mean {likely.pop()!r}?"
        if len(likely) == 1
        else "For other values find candidates first, then ask get_properties for them.",
    )
