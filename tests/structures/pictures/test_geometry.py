from __future__ import annotations

import json

import numpy as np
import pytest
from ase.data import covalent_radii
from ase.data.vdw_alvarez import vdw_radii
from pymatgen.core import DummySpecies, Lattice, Species, Structure

from llamp_mcp.errors import InvalidInput
from llamp_mcp.structures.pictures import geometry as geometry_module
from llamp_mcp.structures.pictures.bonds import MOST_BONDS, TOLERANCE_A
from llamp_mcp.structures.pictures.colours import element_colours
from llamp_mcp.structures.pictures.geometry import geometry, hex_of
from llamp_mcp.structures.pictures.scene import compose
from tests.structures.pictures.crystals import carbon_dioxide, perovskite, slab


def test_a_structure_crosses_as_plain_numbers_in_the_colours_of_its_picture() -> None:
    structure = perovskite()
    data = json.loads(json.dumps(geometry(structure, "s-1")))
    colours = element_colours(["Sr", "Ti", "O"])

    assert (data["structure_id"], data["formula"], data["n_atoms"]) == ("s-1", "SrTiO3", 5)
    assert np.allclose(data["cell"], structure.lattice.matrix)
    assert np.allclose(data["frac_coords"], structure.frac_coords)
    assert data["elements"] == [
        {"symbol": name, "count": count, "colour": hex_of(colours[name])}
        for name, count in (("Sr", 1), ("Ti", 1), ("O", 3))
    ]
    assert [data["kinds"][kind]["label"] for kind in data["kind"]] == ["Sr", "Ti", "O", "O", "O"]
    assert data["bonds"]["tolerance_a"] == TOLERANCE_A
    assert data["bonds"]["most"] == MOST_BONDS


def test_radii_are_covalent_and_van_der_waals_ones_of_the_tables() -> None:
    kind = geometry(perovskite())["kinds"][1]
    assert kind["covalent_a"] == pytest.approx(covalent_radii[22])
    assert kind["van_der_waals_a"] == pytest.approx(vdw_radii[22])
    assert kind["ball_a"] < kind["covalent_a"] < kind["van_der_waals_a"]
    assert kind["metal"]
    assert not geometry(perovskite())["kinds"][2]["metal"]


def test_a_partly_occupied_site_is_slices_that_make_up_the_whole() -> None:
    data = geometry(Structure(Lattice.cubic(3.7), [{"Cu": 0.5, "Au": 0.3}], [[0, 0, 0]]))
    (kind,) = data["kinds"]
    assert [part["symbol"] for part in kind["parts"]] == ["Cu", "Au", "vacant"]
    assert [part["share"] for part in kind["parts"]] == pytest.approx([0.5, 0.3, 0.2])
    assert kind["parts"][2]["colour"] == "#ffffff"
    assert kind["occupancy"] == pytest.approx(0.8)
    assert kind["covalent_a"] == pytest.approx(
        (0.5 * covalent_radii[29] + 0.3 * covalent_radii[79]) / 0.8
    )
    assert [one["symbol"] for one in data["elements"]] == ["Cu", "Au", "vacant"]


def test_oxidation_states_are_kinds_of_their_own() -> None:
    species = [Species("Fe", 2), Species("Fe", 3)]
    data = geometry(Structure(Lattice.cubic(4), species, np.array([[0, 0, 0], [0.5, 0.5, 0.5]])))
    assert [kind["label"] for kind in data["kinds"]] == ["Fe2+", "Fe3+"]
    assert [one["symbol"] for one in data["elements"]] == ["Fe"]


def test_what_is_no_element_has_a_radius_all_the_same() -> None:
    dummy = Structure(Lattice.cubic(4), [DummySpecies("X")], [[0, 0, 0]])
    (kind,) = geometry(dummy)["kinds"]
    assert kind["van_der_waals_a"] == 2.0


@pytest.mark.parametrize("at", [(0.5, 0.5, 0.5), (0.02, 0.5, 0.99)])
def test_molecules_are_whole_where_they_are_drawn(at: tuple[float, float, float]) -> None:
    structure = carbon_dioxide(at=at)
    data = geometry(structure)
    places = (np.array(data["frac_coords"]) + data["home"]) @ np.array(data["cell"])
    assert data["molecule"] == [0, 0, 0]
    assert np.ptp(places, axis=0).max() < 2.5
    drawn = compose(structure, (1, 1, 1), with_bonds=True)
    assert np.allclose(places[drawn.sites], drawn.centres, atol=1e-5)


def test_vacuum_is_told_and_a_slab_across_a_face_is_in_one_piece() -> None:
    data = geometry(slab(shift=-0.2))
    heights = np.array(data["frac_coords"])[:, 2] + np.array(data["home"])[:, 2]
    assert data["vacuum"] == [False, False, True]
    assert np.ptp(heights) == pytest.approx(0.21)


def test_along_an_axis_that_is_not_periodic_nothing_is_moved_or_repeated() -> None:
    lattice = Lattice(np.eye(3) * 5, pbc=(True, True, False))
    data = geometry(Structure(lattice, ["Cu", "Cu"], [[0, 0, -0.4], [0.5, 0.5, 1.3]]))
    assert data["pbc"] == [True, True, False]
    assert data["vacuum"] == [False, False, True]
    assert [cell[2] for cell in data["home"]] == [0, 0]


def test_among_very_many_atoms_no_molecules_are_looked_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(geometry_module, "MOST_ATOMS_WITH_MOLECULES", 2)
    assert geometry(carbon_dioxide())["molecule"] == [-1, -1, -1]


def test_too_many_atoms_are_refused_with_the_number_allowed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(geometry_module, "MOST_ATOMS", 4)
    with pytest.raises(InvalidInput, match=r"cannot show 5 atoms.*at most 4"):
        geometry(perovskite())
