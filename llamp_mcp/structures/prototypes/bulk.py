"""Bulk crystals by type: those of ASE, layers, and the prototypes of the AFLOW library."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from llamp_mcp.errors import InvalidInput, clip
from llamp_mcp.structures.formats import from_atoms
from llamp_mcp.structures.prototypes.arguments import Built
from llamp_mcp.structures.prototypes.formula import tokens
from llamp_mcp.structures.prototypes.layers import LAYERS, layer
from llamp_mcp.structures.prototypes.library import normal
from llamp_mcp.structures.prototypes.occupied import occupied
from llamp_mcp.structures.prototypes.spacegroup import first_shells

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ase import Atoms

    from llamp_mcp.structures.prototypes.arguments import BulkArguments

ASE_CRYSTALS: Final = (
    "sc", "fcc", "bcc", "hcp", "diamond", "zincblende", "rocksalt", "cesiumchloride", "fluorite",
    "wurtzite", "bct", "rhombohedral", "tetragonal", "orthorhombic",
)  # fmt: skip

_TAKES: Final = {
    "hcp": ("a", "c"),
    "wurtzite": ("a", "c", "u"),
    "bct": ("a", "c"),
    "tetragonal": ("a", "c"),
    "rhombohedral": ("a", "alpha"),
    "orthorhombic": ("a", "b", "c"),
}
"""Constants of those crystals of ASE that have more than a."""

_ALSO: Final = {
    "halite": "rocksalt",
    "sphalerite": "zincblende",
    "caesiumchloride": "cesiumchloride",
    "cscl": "cesiumchloride",
}
"""Other names of crystals that ASE builds, without spaces and capitals."""


def bulk(arguments: BulkArguments) -> Built:
    """A crystal of a named type.

    Raises:
        InvalidInput: No such type, or it needs other arguments.
    """
    wanted = normal(arguments.crystal or "")
    wanted = _ALSO.get(wanted, wanted)
    if wanted in LAYERS:
        return layer(wanted, arguments)
    if (wanted and wanted not in ASE_CRYSTALS) or _is_antifluorite(wanted, arguments.name):
        return occupied(arguments)
    return _ase_bulk(arguments, wanted or None)


def _is_antifluorite(crystal: str, name: str) -> bool:
    """Whether the first element is the one that fluorite has twice; ASE would mix the sites up."""
    return crystal == "fluorite" and [count for _, count in tokens(name)] == [2, 1]


def _ase_bulk(arguments: BulkArguments, crystal: str | None) -> Built:
    from ase.build import bulk as ase_bulk

    given = _constants(arguments, crystal)
    try:
        atoms = ase_bulk(
            arguments.name,
            crystal,
            **given,
            cubic=arguments.cubic,
            orthorhombic=arguments.orthorhombic,
        )
    # bulk() has no error type of its own: a wrong name is a KeyError, a cell that a crystal type
    # lacks an assertion, missing constants a TypeError.
    except (
        ValueError,
        KeyError,
        RuntimeError,
        AssertionError,
        TypeError,
        NotImplementedError,
    ) as error:
        raise InvalidInput(
            f"ASE cannot build bulk {clip(arguments.name)}: {error or type(error).__name__}",
            next_step="Name an element or a formula with crystal= and a= in Å, such as "
            "{'kind': 'bulk', 'name': 'NaCl', 'crystal': 'rocksalt', 'a': 5.64}.",
        ) from error
    structure = from_atoms(atoms)
    notes = _ase_notes(arguments, atoms, given)
    symbols = [site.species_string for site in structure]
    if len(set(symbols)) > 1:
        notes.append(
            first_shells(
                structure, [(name, symbols.index(name)) for name in dict.fromkeys(symbols)]
            )
        )
    return Built(structure, tuple(notes))


def _constants(arguments: BulkArguments, crystal: str | None) -> dict[str, float]:
    """The lattice constants and u that are given.

    Raises:
        InvalidInput: One is given twice, or is none of this crystal: ASE would pass it over.
    """
    shape = {} if arguments.lattice is None else arguments.lattice.model_dump(exclude_none=True)
    loose = {
        name: value
        for name in ("a", "c", "u", "thickness_a")
        if (value := getattr(arguments, name)) is not None
    }
    if twice := shape.keys() & loose:
        raise InvalidInput(f"{', '.join(sorted(twice))} is given beside and in lattice")
    given = shape | loose
    kind = crystal or _reference(arguments.name)
    takes = _TAKES.get(kind, ("a",))
    if foreign := [name for name in given if name not in takes]:
        raise InvalidInput(
            f"The crystal type {kind or 'of ' + arguments.name} does not take {', '.join(foreign)}",
            allowed=", ".join(takes),
        )
    return given


def _reference(name: str) -> str:
    """The crystal type that ASE's table of the elements has for a name."""
    from ase.data import atomic_numbers, reference_states

    state = reference_states[atomic_numbers[name]] if name in atomic_numbers else None
    return str(state["symmetry"]) if state else ""


def _ase_notes(arguments: BulkArguments, atoms: Atoms, given: Mapping[str, float]) -> list[str]:
    """Values that ASE put in where none were given."""
    notes = []
    a, c = given.get("a"), given.get("c")
    if a is None:
        notes.append(
            "Lattice constants are ASE's experimental reference values for "
            f"{arguments.name}, not the Materials Project's."
        )
    crystal = normal(arguments.crystal or "")
    if a is not None and c is None and crystal in ("hcp", "wurtzite"):
        height = float(atoms.cell.lengths()[2])
        ideal = abs(height / a - (8 / 3) ** 0.5) < 1e-6
        kind = "the ideal ratio" if ideal else "ASE's reference for the element"
        notes.append(f"c was not given; c = {height:.6g} Å from c/a = {height / a:.6g}, {kind}.")
    if crystal == "wurtzite" and arguments.u is None:
        notes.append(
            "u was not given; with ASE's u = 1/4 + a²/(3c²) all four bonds are equally long."
        )
    if atoms.has("initial_magmoms"):
        notes.append("Magnetic moments per site are ASE's reference values in μB.")
    return notes
