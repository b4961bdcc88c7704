from __future__ import annotations

import json
from pathlib import PurePath
from typing import TYPE_CHECKING, Literal

import numpy as np
import pytest
from hypothesis import given
from pymatgen.analysis.structure_matcher import StructureMatcher
from pymatgen.core import Lattice, Structure

from llamp_mcp.errors import InvalidInput
from llamp_mcp.structures.formats import (
    format_of,
    loses,
    parse,
    read_structure,
    to_atoms,
    write_structure,
)
from llamp_mcp.structures.identity import structure_id
from llamp_mcp.structures.symmetry import space_group
from tests.structures.conftest import copper, crystals, salt, silicon

if TYPE_CHECKING:
    from numpy.typing import NDArray

ORIENTED: tuple[Literal["poscar", "extxyz", "json"], ...] = ("poscar", "extxyz", "json")

DISORDERED = Structure(
    Lattice.cubic(4), [{"Fe": 0.5, "Ni": 0.3}, "O"], [[0.0, 0.0, 0.0], [0.5, 0.5, 0.5]]
)

POSCAR_WITHOUT_SYMBOLS = "a\n1.0\n3 0 0\n0 3 0\n0 0 3\n1 1\nDirect\n0 0 0\n.5 .5 .5\n"
POSCAR_NAN = "a\n1.0\n3 0 0\n0 3 0\n0 0 nan\nSi\n1\nDirect\n0 0 0\n"
POSCAR_FLAT = "a\n1.0\n3 0 0\n0 3 0\n3 3 0\nSi\n1\nDirect\n0 0 0\n"
XYZ = "2\n\nSi 0 0 0\nSi 1 1 1\n"


def apart(one: Structure, other: Structure) -> NDArray[np.float64]:
    """Differences of fractional coordinates, nearest images."""
    difference = one.frac_coords - other.frac_coords
    nearest: NDArray[np.float64] = np.abs(difference - np.round(difference))
    return nearest


@pytest.mark.parametrize("fmt", ORIENTED)
@given(structure=crystals())
def test_cell_sites_and_order_come_back_exact_to_a_millionth(
    fmt: str, structure: Structure
) -> None:
    back = read_structure(write_structure(structure, fmt), fmt)
    assert back.species == structure.species
    assert np.abs(back.lattice.matrix - structure.lattice.matrix).max() < 1e-6
    assert apart(back, structure).max() < 1e-6


@given(structure=crystals())
def test_cif_brings_back_the_shape_of_the_cell_and_every_site(structure: Structure) -> None:
    back = read_structure(write_structure(structure, "cif"), "cif")
    assert back.composition == structure.composition
    assert back.lattice.parameters == pytest.approx(structure.lattice.parameters, abs=1e-6)
    order = [
        int(np.argmin(structure.lattice.get_all_distances([site.frac_coords], back.frac_coords)))
        for site in structure
    ]
    assert sorted(order) == list(range(len(structure)))
    assert [back[at].species for at in order] == [site.species for site in structure]
    assert apart(Structure.from_sites([back[at] for at in order]), structure).max() < 1e-6


@given(structure=crystals(charged=True))
def test_json_keeps_the_identity(structure: Structure) -> None:
    text = write_structure(structure, "json")
    assert structure_id(read_structure(text, "json")) == structure_id(structure)


@pytest.mark.parametrize("fmt", ["cif", "json"])
def test_partial_occupancies_come_back(fmt: str) -> None:
    read = parse(write_structure(DISORDERED, fmt), fmt)
    assert read.structure.composition.almost_equals(DISORDERED.composition)
    assert any("partially occupied" in note for note in read.notes)


@pytest.mark.parametrize("fmt", ["poscar", "extxyz", "xyz"])
def test_a_format_without_occupancies_refuses_them(fmt: str) -> None:
    with pytest.raises(InvalidInput, match="cif, json"):
        write_structure(DISORDERED, fmt)


def test_xyz_is_written_without_a_cell_and_says_so() -> None:
    lines = write_structure(silicon(), "xyz").splitlines()
    assert lines[0] == "2"
    positions = [[float(x) for x in line.split()[1:]] for line in lines[2:]]
    assert np.allclose(positions, silicon().cart_coords, atol=1e-9)
    assert "no cell" in loses(silicon(), "xyz")[0]


@pytest.mark.parametrize("fmt", ["xyz", "extxyz"])
def test_xyz_without_a_cell_is_not_read_as_a_crystal(fmt: str) -> None:
    with pytest.raises(InvalidInput, match=r"no cell.*extxyz"):
        parse(XYZ, fmt)


def test_extended_xyz_under_the_name_of_xyz_is_read() -> None:
    assert read_structure(write_structure(silicon(), "extxyz"), "xyz") == read_structure(
        write_structure(silicon(), "extxyz"), "extxyz"
    )


def test_of_several_frames_the_last_is_read_and_said() -> None:
    text = write_structure(copper(), "extxyz") + write_structure(silicon(), "extxyz")
    read = parse(text, "extxyz")
    assert read.structure.composition.reduced_formula == "Si"
    assert any("2 frames" in note for note in read.notes)


def test_a_symmetric_cif_is_expanded_and_rounded_coordinates_are_told() -> None:
    text = """data_NaCl
_symmetry_space_group_name_H-M 'P 3'
_cell_length_a 4
_cell_length_b 4
_cell_length_c 5
_cell_angle_alpha 90
_cell_angle_beta 90
_cell_angle_gamma 120
loop_
_symmetry_equiv_pos_as_xyz
'x, y, z'
'-y, x-y, z'
'-x+y, -x, z'
loop_
_atom_site_label
_atom_site_type_symbol
_atom_site_fract_x
_atom_site_fract_y
_atom_site_fract_z
Na1 Na 0.3333 0.6667 0.25
"""
    read = parse(text, "cif")
    assert len(read.structure) == 1
    assert any("rounded" in note for note in read.notes)


@pytest.mark.parametrize(
    ("text", "fmt", "said"),
    [
        ("hello\nworld", "cif", "cannot be read as cif"),
        ("data_x\n_cell_length_a 3\n", "cif", "_atom_site_label"),
        ("hello\nworld\n", "poscar", "cannot be read as poscar"),
        (POSCAR_WITHOUT_SYMBOLS, "poscar", "element symbols on the sixth line"),
        (POSCAR_NAN, "poscar", "not a finite number"),
        (POSCAR_FLAT, "poscar", "volume"),
        (write_structure(silicon(), "cif"), "poscar", "format='poscar' is right"),
        (write_structure(silicon(), "poscar"), "cif", "format='cif' is right"),
        (write_structure(silicon(), "poscar"), "json", "cannot be read as json"),
        (write_structure(silicon(), "cif"), "extxyz", "no cell"),
        ('2\nLattice="1 0 0"\nSi 0 0 0\nSi 1 1 1\n', "extxyz", "cannot be read as extxyz"),
        ("{}", "json", "'lattice' and 'sites'"),
        ("[" * 100_000, "json", "cannot be read as json"),
        ("", "cif", "empty"),
        ("  \n", "json", "empty"),
        ("si.cif", "cif", "use path=|Use path="),
        ("/home/me/POSCAR", "poscar", "Use path="),
        (r"C:\data\si.json", "json", "Use path="),
        ("x\n" * 5_000_000, "cif", "10000000 bytes.*1000000 bytes"),
        ("é" * 600_000, "cif", "1200000 bytes"),
        (write_structure(silicon(), "cif"), "pdb", "Unknown format 'pdb'"),
    ],
)
def test_text_that_cannot_be_used_is_explained(text: str, fmt: str, said: str) -> None:
    with pytest.raises(InvalidInput, match=said) as caught:
        parse(text, fmt)
    assert len(str(caught.value)) < 800


def test_json_that_names_a_class_of_another_package_is_refused_before_it_is_imported() -> None:
    document = silicon().as_dict()
    document["sites"][0]["properties"] = {"x": {"@module": "subprocess", "@class": "Popen"}}
    with pytest.raises(InvalidInput, match="subprocess"):
        parse(json.dumps(document), "json")


def test_json_of_an_element_that_is_none_is_explained() -> None:
    document = silicon().as_dict()
    document["sites"][0]["species"][0]["element"] = "Qq"
    with pytest.raises(InvalidInput, match="Qq"):
        parse(json.dumps(document), "json")


@pytest.mark.parametrize(
    ("name", "fmt"),
    [("si.CIF", "cif"), ("POSCAR", "poscar"), ("CONTCAR.relaxed", "poscar"), ("a.vasp", "poscar"),
     ("a.extxyz", "extxyz"), ("a.xyz", "extxyz"), ("b/c.json", "json")],
)  # fmt: skip
def test_the_format_of_a_file_is_told_by_its_name(name: str, fmt: str) -> None:
    assert format_of(PurePath(name)) == fmt


def test_a_name_that_tells_no_format_asks_for_it() -> None:
    with pytest.raises(InvalidInput, match="format="):
        format_of(PurePath("structure.dat"))


def test_what_a_format_loses_is_said() -> None:
    oxidised = salt()
    oxidised.add_oxidation_state_by_element({"Na": 1, "Cl": -1})
    assert any("Oxidation states" in note for note in loses(oxidised, "poscar"))
    assert any("orientation" in note for note in loses(oxidised, "cif"))
    assert loses(oxidised, "json") == ()


def test_magnetic_moments_reach_ase_unless_one_is_missing() -> None:
    magnetic = copper()
    magnetic.add_site_property("magmom", [1.0, 2.0, 3.0, 4.0])
    assert to_atoms(magnetic).get_initial_magnetic_moments().tolist() == [1, 2, 3, 4]
    magnetic.add_site_property("magmom", [1.0, 2.0, 3.0, None])
    assert not to_atoms(magnetic).has("initial_magmoms")


@pytest.mark.parametrize("fmt", ["cif", "poscar"])
def test_moments_and_repeated_species_that_a_file_does_not_keep_are_told(fmt: str) -> None:
    mixed = Structure(Lattice.cubic(5), ["Fe", "O", "Fe"], np.diag([0.0, 0.3, 0.5]))
    mixed.add_site_property("magmom", [2.0, 0.0, -2.0])
    notes = " ".join(loses(mixed, fmt))
    assert f"Magnetic moments per site are not kept in {fmt}" in notes
    assert ("Fe O Fe" in notes and "3 blocks" in notes and "'sort'" in notes) == (fmt == "poscar")


@pytest.mark.parametrize("crystal", [salt(), silicon(), copper() * (2, 1, 1)])
def test_a_symmetrised_cif_is_the_same_crystal_with_its_space_group(crystal: Structure) -> None:
    text = write_structure(crystal, "cif", 0.01)
    group = space_group(crystal)
    assert group is not None
    assert f"_symmetry_Int_Tables_number   {group.number}" in text
    assert StructureMatcher(scale=False).fit(read_structure(text, "cif"), crystal)
    assert "neither the cell nor the order" in loses(crystal, "cif", 0.01)[0]
    assert str(group) in loses(crystal, "cif", 0.01)[0]


def test_only_cif_is_symmetrised() -> None:
    with pytest.raises(InvalidInput, match=r"symprec_a=0\.01 cannot.*'poscar'.*conventional"):
        write_structure(salt(), "poscar", 0.01)
