"""Structures to text: files of crystals, and the structure part of inputs of codes."""

from __future__ import annotations

import io
import json
from itertools import groupby
from typing import TYPE_CHECKING, Final

from llamp_mcp.errors import InvalidInput, one_of
from llamp_mcp.structures.formats.atoms import to_atoms
from llamp_mcp.structures.formats.inputs import lammps_notes, qe_notes, write_lammps, write_qe
from llamp_mcp.structures.formats.kinds import MIME_TYPES
from llamp_mcp.structures.symmetry import analyzer, undetermined

if TYPE_CHECKING:
    from collections.abc import Callable

    from pymatgen.core import Structure

_KEEPS_OCCUPANCIES: Final = ("cif", "json")
_KEEPS_CHARGES: Final = ("cif", "json")
_KEEPS_MOMENTS: Final = ("extxyz", "xyz", "json")


def write_structure(structure: Structure, fmt: str, symprec_a: float = 0.0) -> str:
    """The text of a file holding the structure, lengths in Å, exact to 1e-6 or better.

    Args:
        structure: What is written.
        fmt: One of `Format`.
        symprec_a: Of CIF only: above 0 its standard conventional cell, refined to the symmetry that
            spglib finds within this tolerance in Å, as an asymmetric unit with space group.

    Raises:
        InvalidInput: An unknown format, or one that cannot hold partial occupancies.
    """
    if fmt not in MIME_TYPES:
        raise one_of("format", fmt, MIME_TYPES)
    if fmt not in _KEEPS_OCCUPANCIES and not structure.is_ordered:
        raise InvalidInput(
            f"Format {fmt!r} cannot hold the partial occupancies of {structure.formula}",
            allowed="cif, json",
            next_step="Export as cif or json.",
        )
    if symprec_a and fmt != "cif":
        raise InvalidInput(
            f"symprec_a={symprec_a:g} cannot be used with format {fmt!r}, which has no symmetry",
            allowed="format='cif'",
            next_step="For the standard cell use the edit 'conventional' and export that.",
        )
    if symprec_a:
        return _write_symmetric_cif(structure, symprec_a)
    return _WRITERS[fmt](structure)


def loses(structure: Structure, fmt: str, symprec_a: float = 0.0) -> tuple[str, ...]:
    """What a file of this format does not keep of the structure, and how to read it."""
    notes: list[str] = []
    if fmt == "xyz":
        notes.append("XYZ carries no cell and no periodicity; use extxyz, cif or poscar for them.")
    elif fmt == "cif":
        notes.append(_cif_note(structure, symprec_a))
    elif fmt == "poscar":
        notes.extend(_poscar_notes(structure))
    elif fmt == "qe":
        notes.extend(qe_notes(structure))
    elif fmt == "lammps":
        notes.extend(lammps_notes(structure))
    decorated = {
        name
        for name in ("oxi_state", "spin")
        if any(getattr(species, name, None) is not None for species in structure.composition)
    }
    if fmt not in _KEEPS_CHARGES and decorated:
        notes.append(f"Oxidation states and spins are not kept in {fmt}; json keeps them.")
    elif fmt == "cif" and "spin" in decorated:
        notes.append("Spins are not kept in cif; json keeps them.")
    if fmt not in _KEEPS_MOMENTS and any(structure.site_properties.get("magmom", ())):
        notes.append(f"Magnetic moments per site are not kept in {fmt}; json and extxyz keep them.")
    return tuple(notes)


def _cif_note(structure: Structure, symprec_a: float) -> str:
    if not symprec_a:
        return (
            "CIF keeps the shape of the cell, not its orientation in space; written in P1, with "
            "every site; a reader may order the sites differently."
        )
    found = analyzer(structure, symprec_a)
    return (
        f"Written as the asymmetric unit of {found.get_space_group_symbol()} "
        f"({found.get_space_group_number()}), found within {symprec_a:g} Å, in its standard "
        "conventional cell with coordinates refined to that symmetry: neither the cell nor the "
        "order of the sites is that of the handle; symprec_a=0 keeps them."
    )


def _poscar_notes(structure: Structure) -> list[str]:
    blocks = [symbol for symbol, _ in groupby(site.specie.symbol for site in structure)]
    notes = [f"Order of the species, for the POTCAR: {' '.join(blocks)}."]
    if len(blocks) > len(set(blocks)):
        notes.append(
            f"The order of the sites is kept, so species repeat in {len(blocks)} blocks and VASP "
            "wants as many POTCARs; the edit 'sort' groups them."
        )
    return notes


def _write_cif(structure: Structure) -> str:
    from pymatgen.io.cif import CifWriter

    return str(CifWriter(structure, significant_figures=10))


def _write_symmetric_cif(structure: Structure, symprec_a: float) -> str:
    from pymatgen.io.cif import CifWriter
    from pymatgen.symmetry.analyzer import SymmetryUndeterminedError

    analyzer(structure, symprec_a)  # its failure is told; CifWriter would write P1 instead
    try:
        return str(CifWriter(structure, symprec=symprec_a, significant_figures=10))
    except SymmetryUndeterminedError as error:  # of the refined cell, at a tiny tolerance
        raise undetermined(symprec_a, error) from error


def _write_poscar(structure: Structure) -> str:
    from pymatgen.io.vasp.inputs import Poscar

    return Poscar(structure).get_str(significant_figures=12)


def _write_ase(structure: Structure, fmt: str) -> str:
    from ase.io import write

    out = io.StringIO()
    write(out, to_atoms(structure), format=fmt)
    return out.getvalue()


def _write_json(structure: Structure) -> str:
    from monty.json import MontyEncoder

    return json.dumps(structure.as_dict(), cls=MontyEncoder)


_WRITERS: Final[dict[str, Callable[[Structure], str]]] = {
    "cif": _write_cif,
    "poscar": _write_poscar,
    "extxyz": lambda structure: _write_ase(structure, "extxyz"),
    "xyz": lambda structure: _write_ase(structure, "xyz"),
    "json": _write_json,
    "qe": write_qe,
    "lammps": write_lammps,
}
