"""Structures from text: CIF, POSCAR, extended XYZ and pymatgen's JSON."""

from __future__ import annotations

import io
import json
import re
import warnings
from contextlib import contextmanager
from threading import Lock
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from llamp_mcp.errors import InvalidInput, clip, one_of
from llamp_mcp.structures.formats.atoms import from_atoms
from llamp_mcp.structures.formats.kinds import (
    MAX_ATOMS,
    MAX_BYTES,
    READ,
    looks_like_path,
    too_large,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pymatgen.core import Structure

_SAFE_MODULES: Final = ("pymatgen.core.", "pymatgen.electronic_structure.core")
"""Modules a JSON document may name: decoding one imports what it names."""


_WIDE: Final = re.compile(r":[RILS]:\d{4,}")
_ROUNDED: Final = "coordinates rounded to ideal values"
_ONE_PARSER: Final = Lock()
"""Catching warnings swaps a hook of the whole process."""


class ReadStructure(NamedTuple):
    """A structure read from text, and what the reader had to say about it."""

    structure: Structure
    notes: tuple[str, ...]


def read_structure(text: str, fmt: str) -> Structure:
    """The structure in a text; see `parse`, which also gives the notes."""
    return parse(text, fmt).structure


def parse(text: str, fmt: str) -> ReadStructure:
    """Read a structure from the text of a file.

    Args:
        text: Contents of the file, at most 1 MB.
        fmt: cif, poscar, extxyz or json (a pymatgen Structure dict). Coordinates in Å.

    Raises:
        InvalidInput: Empty, too large, a path instead of text, another format, or not readable.
    """
    if fmt not in READ:
        raise one_of("format", fmt, READ)
    _check_text(text, fmt)
    _check_counts(text, fmt)
    notes: list[str] = []
    with _parsing(fmt, notes):
        structure = _READERS[fmt](text, notes)
    _check_structure(structure, fmt)
    if not structure.is_ordered:
        notes.append("Some sites are partially occupied; their occupancies are kept.")
    return ReadStructure(structure, tuple(dict.fromkeys(notes)))


def _check_text(text: str, fmt: str) -> None:
    if not text.strip():
        raise InvalidInput("The text of the structure is empty", next_step="Give the file's text.")
    size = len(text.encode())
    if size > MAX_BYTES:
        raise too_large(size)
    if looks_like_path(text):
        raise InvalidInput(
            f"{clip(text)} looks like a file path, not like the text of a {fmt} file",
            next_step="Use path= for a file in the workspace, or give the file's contents as text.",
        )


def _check_counts(text: str, fmt: str) -> None:
    """Refuse more atoms than there may be by their number, before a parser makes room for them."""
    lines = text.splitlines()[:8]
    told = lines[:1] if fmt in ("extxyz", "xyz") else lines[5:7] if fmt == "poscar" else []
    for line in told:
        numbers = [word for word in line.split() if word.isdecimal()]
        if any(len(word) > 9 for word in numbers) or sum(map(int, numbers)) > MAX_ATOMS:
            raise InvalidInput(
                f"The text says that it holds {clip(line.strip())} atoms",
                allowed=f"at most {MAX_ATOMS} atoms",
            )
    if fmt in ("extxyz", "xyz") and _WIDE.search("\n".join(lines[:2])):
        raise _unreadable(fmt, "its second line tells of more than 999 columns of one property")


def _check_structure(structure: Structure, fmt: str) -> None:
    import numpy as np

    if not len(structure):
        raise _unreadable(fmt, "it holds no atoms")
    if len(structure) > MAX_ATOMS:
        raise InvalidInput(
            f"The structure has {len(structure)} atoms", allowed=f"at most {MAX_ATOMS} atoms"
        )
    if not (
        np.isfinite(structure.lattice.matrix).all() and np.isfinite(structure.frac_coords).all()
    ):
        raise _unreadable(fmt, "a lattice vector or coordinate is not a finite number")
    if abs(structure.volume) < 1e-3:
        raise _unreadable(fmt, f"the cell has a volume of {structure.volume:g} Å³")


@contextmanager
def _parsing(fmt: str, notes: list[str]) -> Iterator[None]:
    """Turn what the parsers raise into our error, and their warnings into notes."""
    with _ONE_PARSER, warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            yield
        except InvalidInput:
            raise
        # The parsers of pymatgen and ASE index into what they split; all of these mean "not this
        # format", and nothing of ours runs inside.
        except (
            ValueError,
            KeyError,
            IndexError,
            TypeError,
            AttributeError,
            AssertionError,
            OSError,
            ArithmeticError,
            NotImplementedError,
            RuntimeError,
            StopIteration,
        ) as error:
            said = [str(w.message) for w in caught if issubclass(w.category, UserWarning)]
            raise _unreadable(fmt, "; ".join([str(error), *said[:2]])) from error
    notes.extend(_one_line(str(w.message)) for w in caught if issubclass(w.category, UserWarning))


def _unreadable(fmt: str, reason: str) -> InvalidInput:
    return InvalidInput(
        f"The text cannot be read as {fmt}: {_one_line(reason)}",
        next_step=f"Check that format={fmt!r} is right and the text is complete.",
    )


def _one_line(text: str) -> str:
    return " ".join(text.split())[:300]


def _read_cif(text: str, notes: list[str]) -> Structure:
    from pymatgen.io.cif import CifParser

    parser: Any = CifParser.from_str(text)
    found: list[Structure] = parser.parse_structures(primitive=False, on_error="raise")
    if len(parser.symmetry_operations) == 1 and any(_ROUNDED in said for said in parser.warnings):
        # 0.3333 is made 1/3 so that symmetry may act on it; without symmetry it stays as it is.
        parser = CifParser.from_str(text, frac_tolerance=0)
        found = parser.parse_structures(primitive=False, on_error="raise")
    notes.extend(_one_line(said) for said in parser.warnings if "stoichiometry" not in said)
    if len(found) > 1:
        notes.append(f"The CIF holds {len(found)} structures; the first one was read.")
    return found[0]


def _read_poscar(text: str, notes: list[str]) -> Structure:
    from pymatgen.io.vasp.inputs import BadPoscarWarning, Poscar

    # Without element symbols the parser would make up H, He, Li…
    warnings.simplefilter("error", BadPoscarWarning)
    try:
        structure = Poscar.from_str(text, read_velocities=False).structure
    except BadPoscarWarning as warning:
        raise _unreadable(
            "poscar", f"{warning}. Put the element symbols on the sixth line"
        ) from None
    if "selective_dynamics" in structure.site_properties:
        structure.remove_site_property("selective_dynamics")
        notes.append("Selective dynamics flags are not kept.")
    return structure


def _read_extxyz(text: str, notes: list[str]) -> Structure:
    from ase.io import read

    if "lattice=" not in text.lower():
        raise _no_cell()
    frames = read(io.StringIO(text), format="extxyz", index=":")
    if len(frames) > 1:
        notes.append(f"The text holds {len(frames)} frames; the last one was read.")
    atoms = frames[-1]
    if not atoms.pbc.all():
        notes.append("The text says it is not periodic in every direction; here it is.")
    return from_atoms(atoms)


def _read_xyz(text: str, notes: list[str]) -> Structure:
    if "lattice=" in text.lower():
        return _read_extxyz(text, notes)
    raise _no_cell()


def _no_cell() -> InvalidInput:
    return InvalidInput(
        "Plain XYZ carries no cell, so it describes no crystal",
        allowed='extxyz with Lattice="…" on its second line, cif, poscar, json',
        next_step="Give the structure in one of these formats; "
        "for a molecule in a box use prototype={'kind': 'molecule', 'name': …}.",
    )


def _read_json(text: str, _notes: list[str]) -> Structure:
    from pymatgen.core import Structure

    document = json.loads(text)
    if not isinstance(document, dict) or not {"lattice", "sites"} <= document.keys():
        raise _unreadable("json", "expected an object with 'lattice' and 'sites'")
    _refuse_foreign_classes(document)
    return Structure.from_dict(document)


def _refuse_foreign_classes(node: Any) -> None:
    if isinstance(node, dict):
        module = node.get("@module")
        if module is not None and not str(module).startswith(_SAFE_MODULES):
            raise _unreadable("json", f"it names the module {clip(module)}")
        node = list(node.values())
    if isinstance(node, list):
        for item in node:
            _refuse_foreign_classes(item)


_READERS: Final[dict[str, Callable[[str, list[str]], Structure]]] = {
    "cif": _read_cif,
    "poscar": _read_poscar,
    "extxyz": _read_extxyz,
    "xyz": _read_xyz,
    "json": _read_json,
}
