"""A prototype of the library with other species and lattice constants."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Final, NamedTuple

from llamp_mcp.errors import InvalidInput, clip
from llamp_mcp.structures.prototypes.arguments import Built, CellShape
from llamp_mcp.structures.prototypes.formula import tokens
from llamp_mcp.structures.prototypes.library import SOURCE, Prototype, find, library
from llamp_mcp.structures.prototypes.settings import Setting, lattice_of, setting_named
from llamp_mcp.structures.prototypes.spacegroup import Placed, assemble

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pymatgen.core import Lattice
    from spglib import SpglibDataset

    from llamp_mcp.structures.prototypes.arguments import BulkArguments

SYMPREC_A = 1e-3
"""With it spglib finds the space group of the label in all but two of the 288 records."""


_FOR_ORIGIN_1: Final = frozenset(["A2B_tI12_141_e_a"])
"""Records (of I4_1/amd) whose z counts from the first origin, in a cell of the second.

As it stands anatase would have O-O of 2.05 Å and only four O around Ti.
"""


class AsymmetricUnit(NamedTuple):
    """What a record of the library says, in the standard setting.

    Attributes:
        setting: The standard one; with two origins, that at a centre of inversion.
        lattice: The record's.
        sites: With the elements of the record.
    """

    setting: Setting
    lattice: Lattice
    sites: tuple[Placed, ...]


def occupied(arguments: BulkArguments) -> Built:
    """The prototype that `crystal` names, with the elements of `name` on its sites.

    Raises:
        InvalidInput: No such prototype, another stoichiometry, or lattice constants are missing.
    """
    prototype = find(arguments.crystal or "")
    unit = asymmetric_unit(prototype.label, prototype.compound)
    _check_cell(arguments, prototype, unit)
    mapping, told = _mapping(arguments.name, prototype, unit)
    lattice = _lattice(arguments, prototype, unit)
    sites, internal = _internal(arguments, prototype, unit)
    written = list(mapping)
    placed = [
        one._replace(species=mapping[one.species])
        for one in sorted(sites, key=lambda site: written.index(site.species))
    ]
    notes = (f"Prototype {prototype}; {SOURCE}.", told, *internal)
    return assemble(unit.setting, lattice, placed, notes)


@lru_cache(maxsize=16)
def asymmetric_unit(label: str, compound: str) -> AsymmetricUnit:
    """The record of a label and its compound, brought to the standard setting by spglib."""
    import spglib
    from pymatgen.core import Lattice

    structure = next(
        one for one in library() if (one.label, one.compound) == (label, compound)
    ).structure()
    elements = structure.elements
    cell = (
        structure.lattice.matrix,
        structure.frac_coords,
        [elements.index(site.specie) for site in structure],
    )
    spglib.error.OLD_ERROR_HANDLING = False  # else it warns at every call
    number = spglib.get_symmetry_dataset(cell, symprec=SYMPREC_A).number
    setting = setting_named(number)
    if setting.other_origin:
        setting = setting_named(setting.other_origin)
    dataset = spglib.get_symmetry_dataset(cell, symprec=SYMPREC_A, hall_number=setting.hall)
    names = [element.symbol for element in elements]
    sites = _sites(dataset, setting, names)
    if label in _FOR_ORIGIN_1:
        sites = tuple(map(_lowered, sites))
    return AsymmetricUnit(setting, Lattice(dataset.std_lattice), sites)


def _lowered(site: Placed) -> Placed:
    if site.position is None or not site.values:
        return site
    values = {"z": site.values["z"] - 1 / 8}
    return site._replace(point=site.position.point(**values), values=values)


def _sites(dataset: SpglibDataset, setting: Setting, elements: Sequence[str]) -> tuple[Placed, ...]:
    """One site of each orbit, on the first representative of its position."""
    found: dict[tuple[str, str, tuple[float, ...]], Placed] = {}
    for kind, point in zip(dataset.std_types, dataset.std_positions, strict=True):
        position, values = setting.locate(point)
        assert position is not None
        place = Placed(elements[kind], position.point(**values), position, values)
        key = (place.species, position.letter, tuple(round(x, 5) for x in values.values()))
        found.setdefault(key, place)
    return tuple(found.values())


def _mapping(name: str, prototype: Prototype, unit: AsymmetricUnit) -> tuple[dict[str, str], str]:
    """Which element goes where an element of the record is, and how that is told.

    Raises:
        InvalidInput: The stoichiometry is another.
    """
    from pymatgen.core import Composition

    held: dict[str, float] = dict.fromkeys(map(str, Composition(prototype.compound)), 0.0)
    for site in unit.sites:
        held[site.species] += site.position.multiplicity if site.position else 0
    written = tokens(name)
    per_formula = sum(held.values()) / sum(count for _, count in written)
    free, mapping = dict(held), {}
    for symbol, count in written:
        fits = [one for one, many in free.items() if abs(many - count * per_formula) < 1e-3]
        if not fits:
            break
        mapping[fits[0]] = symbol
        del free[fits[0]]
    if free or len(mapping) != len(written):
        raise InvalidInput(
            f"{clip(name)} has not the stoichiometry of {prototype.compound}, the prototype "
            f"{clip(prototype.mineral or prototype.label)}",
            allowed=f"{len(held)} symbols with counts as in {prototype.compound}; an element on "
            "several sites is written once for each (spinel Fe3O4 as FeFe2O4)",
        )
    return mapping, _told(mapping, held, unit)


def _told(mapping: dict[str, str], held: dict[str, float], unit: AsymmetricUnit) -> str:
    where = {
        element: "+".join(
            dict.fromkeys(
                one.position.name for one in unit.sites if one.species == element and one.position
            )
        )
        for element in held
    }
    said = ", ".join(f"{new} on the {old} site {where[old]}" for old, new in mapping.items())
    same = [mapping[old] for old in mapping if list(held.values()).count(held[old]) > 1]
    if len(set(same)) < 2:
        return f"Sites by stoichiometry: {said}."
    return (
        f"Sites: {said}. The stoichiometry leaves open which of {', '.join(same)} goes where: "
        "they follow the order of the formula; write it in another order to exchange them."
    )


def _check_cell(arguments: BulkArguments, prototype: Prototype, unit: AsymmetricUnit) -> None:
    """Flags that mean nothing here must not be passed over.

    Raises:
        InvalidInput: A cell of another kind is asked for.
    """
    system = unit.setting.system
    for name in ("cubic", "orthorhombic"):
        if getattr(arguments, name) and system != name:
            raise InvalidInput(
                f"{name}=true: the conventional cell of {prototype.compound} is {system}",
                next_step="Leave it out; the edit supercell with matrix makes other cells.",
            )
    if arguments.thickness_a is not None:
        raise InvalidInput(f"thickness_a is that of a layer; {prototype.compound} is a bulk type")


def _lattice(arguments: BulkArguments, prototype: Prototype, unit: AsymmetricUnit) -> Lattice:
    """The lattice constants given, completed by the crystal system.

    Raises:
        InvalidInput: One is missing, given twice, or does not fit.
    """
    given = {} if arguments.lattice is None else arguments.lattice.model_dump(exclude_none=True)
    loose = {name: getattr(arguments, name) for name in ("a", "c")}
    loose = {name: value for name, value in loose.items() if value is not None}
    if twice := given.keys() & loose:
        raise InvalidInput(f"{', '.join(sorted(twice))} is given beside and in lattice")
    names = ("a", "b", "c", "alpha", "beta", "gamma")
    record = zip(names, unit.lattice.parameters, strict=True)
    hint = (
        f"The record of {prototype.compound} has "
        f"{', '.join(f'{name} = {value:.6g}' for name, value in record)} (Å, degrees)"
    )
    try:
        if "a" not in given | loose:
            raise InvalidInput(f"The crystal type {arguments.crystal} needs a in Å")
        return lattice_of(CellShape(**{**given, **loose}), unit.setting)
    except InvalidInput as error:
        raise InvalidInput(error.what, allowed=error.allowed, next_step=hint) from error


def _internal(
    arguments: BulkArguments, prototype: Prototype, unit: AsymmetricUnit
) -> tuple[tuple[Placed, ...], list[str]]:
    """The sites with their internal coordinates, and where these come from.

    Raises:
        InvalidInput: `u` is given, but the prototype has none or several.
    """
    free = [one for one in unit.sites if one.values]
    names = [f"{one.species} {one.position}" for one in free]
    if arguments.u is None:
        if not free:
            return unit.sites, []
        moved = " with z counted from the other origin" * (prototype.label in _FOR_ORIGIN_1)
        way = "u" if _is_single(free) else "kind=spacegroup with these sites"
        return unit.sites, [
            f"Internal coordinates are those of the record of {prototype.compound}{moved}: relax "
            f"them, or set them ({way})."
        ]
    if not _is_single(free):
        raise InvalidInput(
            f"u={arguments.u:g} means nothing for {prototype.compound}, which has "
            + (f"the internal coordinates of {'; '.join(names)}" if free else "no free coordinate"),
            next_step="Leave u out, or use kind='spacegroup' with sites, each with its wyckoff "
            "and x, y, z.",
        )
    (old,) = free
    assert old.position is not None
    values = dict.fromkeys(old.values, arguments.u)
    new = old._replace(point=old.position.point(**values), values=values)
    sites = tuple(new if one is old else one for one in unit.sites)
    (name,), (before,) = values.keys(), old.values.values()
    return sites, [
        f"u is {name} of the {old.species} site {old.position} in {unit.setting.symbol}; the "
        f"record of {prototype.compound} has {before:.6g}."
    ]


def _is_single(free: Sequence[Placed]) -> bool:
    return len(free) == 1 and len(free[0].values) == 1
