"""The AFLOW library of crystallographic prototypes that comes with pymatgen.

Mehl et al., Comput. Mater. Sci. 136, S1 (2017), doi 10.1016/j.commatsci.2017.01.017: 288 crystal
structures, each with the compound it was determined on.
"""

from __future__ import annotations

import gzip
import json
import re
from difflib import get_close_matches
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from llamp_mcp.errors import InvalidInput, clip

if TYPE_CHECKING:
    from pymatgen.core import Structure

SOURCE: Final = "AFLOW library of prototypes, doi 10.1016/j.commatsci.2017.01.017"

_ALIASES: Final = {
    "perovskite": "AB3C_cP5_221_a_c_b",
    "antiperovskite": "AB3C_cP5_221_a_c_b",
    "antifluorite": "AB2_cF12_225_a_c",
    "heusler": "AB2C_cF16_225_a_c_b",
    "fullheusler": "AB2C_cF16_225_a_c_b",
    "halfheusler": "ABC_cF12_216_b_c_a",
    "pyrite": "AB2_cP12_205_a_c",
    "graphite": "A_hP4_194_bc",
    "layeredrocksalt": "ABC2_hR4_166_a_b_c",
    "alphanafeo2": "ABC2_hR4_166_a_b_c",
    "licoo2": "ABC2_hR4_166_a_b_c",
    "k2nif4": "AB2C4_tI14_139_a_e_ce",
    "hexagonalboronnitride": "AB_hP4_194_c_d",
    "hbn": "AB_hP4_194_c_d",
}
"""Names in use that the library lacks or gives to several of its prototypes."""


_FLAWED: Final = {
    ("A2B_oP24_61_2c_c", "TiO2"): "Ti-O of 1.55 Å",
    ("A2B_mC48_15_ae3f_2f", "SiO2"): "O-O of 1.97 Å",
    ("AB2_oF72_43_ab_3b", "GeS2"): "S-S of 1.28 Å",
    ("AB_mP4_11_e_e", "TiNi"): "Ti-Ni of 1.45 Å",
    ("AB2_hP24_194_ef_fgh", "MgNi2"): "Mg-Mg of 1.46 Å",
    ("sigma_tP30_136_bf2ij", "Cr4Fe4Ni4PdRh2"): "neighbours at 1.26 Å",
    ("ABC_cP12_198_a_a_a", "NiSbS"): "Ni-Sb of 1.03 Å",
    ("A_cI16_206_c", "Si"): "Si-Si of 1.43 Å",
    ("A5B2_hR7_166_a2c_c", "B5Mo2"): "Mo-B of 1.57 Å",
    ("A2B_hP18_180_fi_bd", "Mg2Ni"): "Mg-Mg of 2.05 Å",
    ("A2B_oP12_19_2a_a", "Ag2Se"): "Ag-Se of 2.07 Å",
    ("AB_oP8_62_c_c", "FeB"): "Fe-B of 1.67 Å",
    ("A2B_oC12_36_2a_a", "HgBr2"): "Br-Br of 2.49 Å",
    ("ABC_oP6_59_a_a_a", "CNCl"): "N-Cl of 1.16 Å, where C should be",
    ("A3B_hP24_151_3c_2a", "CrCl3"): "coordinates that miss its space group",
}
"""Records of pymatgen's copy, by label and compound, that no such crystal has."""


class Prototype(NamedTuple):
    """An entry of the library.

    Attributes:
        label: AFLOW's, such as `A2B_tP6_136_f_a`.
        mineral: Name of the mineral or structure, or "".
        strukturbericht: Symbol such as C4, or "".
        compound: Reduced formula of the compound of the record.
        record: The structure as pymatgen's JSON.
    """

    label: str
    mineral: str
    strukturbericht: str
    compound: str
    record: dict[str, Any]

    @property
    def space_group(self) -> int:
        """Number, as the label has it."""
        return int(self.label.split("_")[2])

    def structure(self) -> Structure:
        """The structure of the record."""
        from pymatgen.core import Structure

        return Structure.from_dict(self.record).remove_oxidation_states()

    def __str__(self) -> str:
        names = [self.mineral, self.strukturbericht and f"Strukturbericht {self.strukturbericht}"]
        told = ", ".join(name for name in (*names, f"AFLOW {self.label}") if name)
        return f"{self.compound} ({told})"


def normal(name: str) -> str:
    """A name without capitals, spaces and punctuation."""
    return re.sub(r"[^a-z0-9]", "", name.lower())


def find(name: str) -> Prototype:
    """The prototype a name stands for.

    Args:
        name: Of a mineral, a Strukturbericht symbol, AFLOW's label, or the formula of the
            compound of the record.

    Raises:
        InvalidInput: There is none, or there are several.
    """
    wanted = normal(name)
    label = normal(_ALIASES.get(wanted, ""))
    entries = library()
    keys = {wanted, label} - {""}
    found = [one for one in entries if normal(one.label) in keys]
    found = found or [one for one in entries if wanted == normal(one.strukturbericht)]
    found = found or [one for one in entries if wanted in map(normal, one.mineral.split(","))]
    found = found or [one for one in entries if wanted == normal(one.compound)]
    found = found or [one for one in entries if wanted and wanted in normal(one.mineral)]
    if len(found) == 1:
        return _sound(found[0])
    if found:
        raise InvalidInput(
            f"{clip(name)} stands for {len(found)} prototypes",
            allowed="; ".join(map(str, found[:12])),
            next_step="Name one by its mineral, Strukturbericht symbol, compound or label.",
        )
    known = {normal(key): key for one in entries for key in _names(one)}
    known |= {alias: alias for alias in _ALIASES}
    close = [known[key] for key in get_close_matches(wanted, known, n=3, cutoff=0.6)]
    raise InvalidInput(
        f"crystal: no prototype is called {clip(name)}",
        allowed="a crystal of ASE (fcc, rocksalt, wurtzite …), or of AFLOW's library a mineral "
        "(perovskite, spinel, rutile …), a Strukturbericht symbol (A15, L2_1 …), a label or the "
        "formula of its compound (NiAs, CdI2 …)",
        next_step=(f"Did you mean {' or '.join(map(repr, close))}? " if close else "")
        + "Any other crystal: kind='spacegroup' with lattice and sites.",
    )


def _sound(one: Prototype) -> Prototype:
    if flaw := _FLAWED.get((one.label, one.compound)):
        raise InvalidInput(
            f"The record of {one} in pymatgen's copy of the library is wrong: it has {flaw}",
            next_step="Use kind='spacegroup' with lattice and sites from a publication.",
        )
    return one


def _names(one: Prototype) -> list[str]:
    return [name for name in (one.label, one.strukturbericht, one.mineral, one.compound) if name]


@cache
def library() -> tuple[Prototype, ...]:
    """All entries."""
    # pymatgen decodes all of its file when it imports it, which takes seconds; one is needed.
    from pymatgen.core import Composition

    spec = find_spec("pymatgen.analysis.prototypes")
    assert spec is not None
    assert spec.submodule_search_locations is not None
    path = Path(spec.submodule_search_locations[0]) / "aflow_prototypes.json.gz"
    with gzip.open(path, "rt", encoding="utf-8") as file:
        entries = json.load(file)
    made = []
    for entry in entries:
        tags, record = entry["tags"], entry["snl"]
        symbols = [site["species"][0]["element"] for site in record["sites"]]
        made.append(
            Prototype(
                tags["aflow"],
                _tag(tags["mineral"]),
                _tag(tags["strukturbericht"]),
                Composition("".join(symbols)).reduced_formula,
                record,
            )
        )
    return tuple(made)


def _tag(told: str | None) -> str:
    return "" if told in (None, "None") else str(told)
