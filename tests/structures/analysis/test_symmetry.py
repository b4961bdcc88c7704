from __future__ import annotations

from typing import Any

import moyopy
import numpy as np
import pytest
from moyopy.interface import MoyoAdapter
from pymatgen.core import Lattice, Structure

from llamp_mcp.structures.analysis.block import Undetermined
from llamp_mcp.structures.symmetry import MAX_ATOMS
from tests.structures.analysis.crystals import crystal_of, iron, orbit, perovskite, told
from tests.structures.conftest import copper, salt, silicon


def moyo(structure: Structure) -> Any:
    adapter = MoyoAdapter.from_structure(structure)
    return moyopy.MoyoDataset(adapter, symprec=0.01, setting=moyopy.Setting.spglib())


def relabellings(dataset: Any) -> list[dict[str, str]]:
    """How the normalizer of the space group may rename the Wyckoff letters, by moyo."""
    positions = dataset.normalizer_wyckoff_positions()
    names = [position.letter for position in positions.wyckoffs]
    return [
        dict(zip(names, (position.letter for position in renamed), strict=True))
        for _, renamed in positions.coset_representatives
    ]


@pytest.mark.parametrize("number", range(1, 231))
def test_every_space_group_is_the_one_that_moyo_finds(number: int) -> None:
    # moyo (Shinohara and others) is an implementation of its own, by other algorithms.
    structure = crystal_of(number)
    block, dataset = told("symmetry", structure), moyo(structure)
    assert block["number"] == dataset.number == number
    assert block["hall_number"] == dataset.hall_number
    for row in block["orbits"]:
        first = row["sites"][0]
        members = [site for site, at in enumerate(dataset.orbits) if at == dataset.orbits[first]]
        assert row["n_sites"] == len(members)
        assert row["sites"] == members[: len(row["sites"])]
        assert row["site_symmetry"] == dataset.site_symmetry_symbols[first]
    ours = {row["sites"][0]: row["wyckoff"].lstrip("0123456789") for row in block["orbits"]}
    assert any(
        all(renamed[dataset.wyckoffs[site]] == letter for site, letter in ours.items())
        for renamed in relabellings(dataset)
    )


@pytest.mark.parametrize("number", [2, 15, 62, 88, 136, 166, 194, 205, 221, 227])
def test_the_wyckoff_sites_and_the_space_group_rebuild_the_crystal(number: int) -> None:
    # Identity: the operations of the group make as many positions of a site as it multiplies.
    block = told("symmetry", crystal_of(number))
    total = 0
    for row in block["orbits"]:
        # A coordinate told to five digits makes copies of a special position 1e-5 apart.
        position = np.array(row["standard_frac_coords"])
        multiplicity = int(row["wyckoff"].rstrip("abcdefghijklmnopqrstuvwxyzA"))
        assert len(orbit(number, position)) == multiplicity
        total += multiplicity
    assert total == block["standard_cell"]["n_sites"]


@pytest.mark.parametrize(
    ("structure", "expected"),
    [
        (silicon(), ("Fd-3m", 227, "F 4d 2 3 -1d", "m-3m", "cubic", "F", "cF", True)),
        (iron(), ("Im-3m", 229, "-I 4 2 3", "m-3m", "cubic", "I", "cI", True)),
        (salt(), ("Fm-3m", 225, "-F 4 2 3", "m-3m", "cubic", "F", "cF", True)),
        (crystal_of(9), ("Cc", 9, "C -2yc", "m", "monoclinic", "C", "mS", False)),
        (crystal_of(38), ("Amm2", 38, "A 2 -2", "mm2", "orthorhombic", "A", "oS", False)),
        (crystal_of(160), ("R3m", 160, 'R 3 -2"', "3m", "trigonal", "R", "hR", False)),
        (crystal_of(176), ("P6_3/m", 176, "-P 6c", "6/m", "hexagonal", "P", "hP", True)),
    ],
)
def test_the_words_are_those_of_the_international_tables(
    structure: Structure, expected: tuple[Any, ...]
) -> None:
    # International Tables for Crystallography A (doi 10.1107/97809553602060000114) and, of the
    # Hall symbols, B (doi 10.1107/97809553602060000108).
    keys = ("symbol", "number", "hall_symbol", "point_group", "crystal_system", "centring")
    block = told("symmetry", structure)
    found = (*(block[key] for key in keys), block["bravais_lattice"], block["centrosymmetric"])
    assert found == expected


def test_wyckoff_sites_of_textbook_crystals() -> None:
    rows = told("symmetry", perovskite())["orbits"]
    found = [(row["species"], row["wyckoff"], row["site_symmetry"]) for row in rows]
    assert found == [("Sr", "1a", "m-3m"), ("Ti", "1b", "m-3m"), ("O", "3c", "4/mm.m")]
    (only,) = told("symmetry", silicon())["orbits"]
    assert only["wyckoff"] in ("8a", "8b")
    assert only["site_symmetry"] == "-43m"


def test_a_supercell_is_the_same_crystal() -> None:
    small, large = (told("symmetry", cell) for cell in (perovskite(), perovskite() * (2, 1, 3)))
    assert [row["n_sites"] for row in large["orbits"]] == [6, 6, 18]
    same = ("symbol", "hall_number", "standard_cell")
    assert [small[key] for key in same] == [large[key] for key in same]
    assert [row["wyckoff"] for row in large["orbits"]] == ["1a", "1b", "3c"]


def test_a_nearly_cubic_crystal_is_seen_to_be_one() -> None:
    shifted = perovskite()
    shifted.translate_sites([1], [0, 0, 0.01])  # 0.039 Å
    block = told("symmetry", shifted)
    groups = {row["symprec_a"]: row["number"] for row in block["tolerances"]}
    assert block["number"] == 99  # P4mm
    assert groups == {0.001: 99, 0.01: 99, 0.1: 221}
    assert told("symmetry", shifted, symprec_a=0.2)["number"] == 221


def test_shared_sites_are_told_with_their_occupancies() -> None:
    mixed = copper()
    mixed[0] = {"Cu": 0.75, "Au": 0.25}
    block = told("symmetry", mixed)
    assert block["number"] == 221
    assert {row["species"] for row in block["orbits"]} == {"Cu0.75Au0.25", "Cu"}


def test_long_tables_are_cut_and_say_so() -> None:
    random = np.random.default_rng(0)
    made = Structure(Lattice.cubic(12), ["Fe"] * 40, random.random((40, 3)))
    block = told("symmetry", made)
    assert (block["total"], block["returned"], block["truncated"]) == (40, 24, True)


def test_what_has_no_symmetry_to_tell_says_why() -> None:
    doubled = Structure(Lattice.cubic(3), ["Cu", "Cu"], [[0.0, 0.0, 0.0], [0.0, 0.0, 1e-5]])
    with pytest.raises(Undetermined, match="no two atoms coincide"):
        told("symmetry", doubled)
    with pytest.raises(Undetermined, match=f"at most {MAX_ATOMS}"):
        told("symmetry", copper() * (8, 8, 8))


def test_a_search_that_spglib_would_not_end_is_not_begun() -> None:
    shaken = copper() * (6, 6, 6)
    shaken.perturb(0.02, seed=0)
    groups = {row["symprec_a"]: row["number"] for row in told("symmetry", shaken)["tolerances"]}
    assert groups == {0.001: 1, 0.01: 1, 0.1: None}
    with pytest.raises(Undetermined, match=r"symprec_a=0\.01"):
        told("symmetry", shaken, symprec_a=0.1)
