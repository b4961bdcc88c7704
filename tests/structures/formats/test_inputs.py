from __future__ import annotations

import io
from tempfile import NamedTemporaryFile

import numpy as np
import pytest
from ase.io import read
from hypothesis import given
from pymatgen.core import Lattice, Structure
from pymatgen.io.lammps.data import LammpsData
from pymatgen.io.pwscf import PWInput

from llamp_mcp.errors import InvalidInput
from llamp_mcp.structures.formats import from_atoms, loses, parse, write_structure
from tests.structures.conftest import copper, crystals, salt, silicon


def said(structure: Structure, fmt: str) -> str:
    return " ".join(loses(structure, fmt))


@given(structure=crystals())
def test_ase_and_pymatgen_read_the_crystal_back_from_a_quantum_espresso_input(
    structure: Structure,
) -> None:
    text = write_structure(structure, "qe")
    back = from_atoms(read(io.StringIO(text), format="espresso-in"))
    assert back.species == structure.species
    assert np.abs(back.lattice.matrix - structure.lattice.matrix).max() < 1e-6
    assert np.abs(back.cart_coords - structure.cart_coords).max() < 1e-6
    # pymatgen wants all namelists and k-points in an input.
    rest = "".join(f"&{name}\n/\n" for name in ("CONTROL", "ELECTRONS", "IONS", "CELL"))
    other = PWInput.from_str(f"{rest}{text}\nK_POINTS gamma\n").structure
    assert other.species == structure.species
    assert np.abs(other.distance_matrix - structure.distance_matrix).max() < 1e-6


@given(structure=crystals())
def test_pymatgen_and_ase_read_the_crystal_back_from_lammps_data(structure: Structure) -> None:
    text = write_structure(structure, "lammps")
    back = from_atoms(read(io.StringIO(text), format="lammps-data", atom_style="atomic"))
    with NamedTemporaryFile("w+", suffix=".lmp") as file:
        file.write(text)
        file.flush()
        other = LammpsData.from_file(file.name, atom_style="atomic").structure
    for one in (back, other):
        assert np.abs(one.distance_matrix - structure.distance_matrix).max() < 1e-6
        assert one.lattice.parameters == pytest.approx(structure.lattice.parameters, abs=1e-6)
    assert back.species == structure.species


def test_a_quantum_espresso_input_holds_nothing_that_the_structure_does_not_tell() -> None:
    text = write_structure(salt(), "qe")
    assert "K_POINTS" not in text
    assert text.count("&") == 1
    assert "Na 22.98976928 PSEUDOPOTENTIAL_OF_Na" in text
    assert "PSEUDOPOTENTIAL_OF_Na, PSEUDOPOTENTIAL_OF_Cl stand where" in said(salt(), "qe")
    assert "K_POINTS" in said(salt(), "qe")


def test_the_types_of_lammps_are_in_the_order_of_the_sites_and_told() -> None:
    text = write_structure(salt(), "lammps")
    assert "1      22.98" in text
    assert "Atom types: 1 = Na, 2 = Cl. For units metal" in said(salt(), "lammps")


def test_what_becomes_of_the_cell_in_lammps_is_told() -> None:
    assert "turned" not in said(copper(), "lammps")
    assert "turned" in said(silicon(), "lammps")
    mirrored = Structure(Lattice(copper().lattice.matrix * [1, 1, -1]), ["Cu"], [[0, 0, 0]])
    assert "mirror image" in said(mirrored, "lammps")
    tilted = Structure(
        Lattice([[4.0, 0.0, 0.0], [3.0, 4.0, 0.0], [0.0, 0.0, 4.0]]), ["Cu"], [[0, 0, 0]]
    )
    assert "xy = 0.750" in said(tilted, "lammps")
    hexagonal = Structure(
        Lattice([[3.0, 0.0, 0.0], [-1.5, 2.6, 0.0], [0.0, 0.0, 5.0]]), ["Mg"], [[0, 0, 0]]
    )
    assert loses(hexagonal, "lammps")[1:] == ()


@pytest.mark.parametrize("fmt", ["qe", "lammps"])
def test_magnetic_moments_stay_out_of_an_input_and_this_is_told(fmt: str) -> None:
    magnetic = copper()
    magnetic.add_site_property("magmom", [1.0, 2.0, 3.0, 4.0])
    assert write_structure(magnetic, fmt) == write_structure(copper(), fmt)
    assert f"Magnetic moments per site are not kept in {fmt}" in said(magnetic, fmt)


@pytest.mark.parametrize("fmt", ["qe", "lammps"])
def test_a_site_without_an_element_has_no_mass_to_write(fmt: str) -> None:
    empty = Structure(Lattice.cubic(4), ["X"], [[0, 0, 0]])
    with pytest.raises(InvalidInput, match="is not an element"):
        write_structure(empty, fmt)


@pytest.mark.parametrize("fmt", ["qe", "lammps"])
def test_inputs_are_written_only(fmt: str) -> None:
    with pytest.raises(InvalidInput, match=f"Unknown format '{fmt}'.*cif, extxyz"):
        parse(write_structure(salt(), fmt), fmt)
