"""Entries of the fake source are made up: ids from mp-3200001 on, cells of round numbers."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError
from pymatgen.analysis.structure_matcher import ElementComparator, StructureMatcher
from pymatgen.core import Lattice, Structure

from llamp_mcp.errors import InvalidInput, NotFound
from llamp_mcp.materials.get_structure import StructureParams, get_structure
from llamp_mcp.materials.identify_structure import OPERATION, IdentifyParams, identify_structure
from llamp_mcp.materials.source import Page
from llamp_mcp.provenance import LineageStep, SourceMeta
from llamp_mcp.structures.store import StructureStore
from tests.server.test_text import complete

EDGE_A = 3.0
NORMALISATION = (2 / EDGE_A**3) ** (1 / 3)
"""Inverse of the cube root of the volume per site of the two-atom cell, 1/Å."""


def two_atoms(edge_a=EDGE_A, shift_a=0.0):
    """One Na and one Cl in a cube; Cl at its centre, or shifted along x."""
    where = [[0.0] * 3, [0.5 + shift_a / edge_a, 0.5, 0.5]]
    return Structure(Lattice.cubic(edge_a), ["Na", "Cl"], where)


def rocksalt():
    lattice = Lattice([[0, 2.5, 2.5], [2.5, 0, 2.5], [2.5, 2.5, 0]])
    return Structure(lattice, ["Na", "Cl"], [[0.0] * 3, [0.5] * 3])


class MadeUp:
    """Entries of composition NaCl, in the order of the list; counts the requests."""

    def __init__(self, *structures, energies=(), lack=()):
        self.entries = {f"mp-{3200001 + i}": found for i, found in enumerate(structures)}
        self.energies = dict(zip(self.entries, energies, strict=False))
        self.lack, self.requests = lack, []

    def meta(self):
        return SourceMeta(
            kind="snapshot",
            name="made up",
            database_version="2020.01",
            licence="CC BY 4.0",
            attribution="nobody",
            materials=0,
            notice="made-up entries",
        )

    def citations(self):
        return {"one": {"name": "First origin", "database_version": "v1"}}

    def search(self, query):
        self.requests.append(query)
        here = self.entries if query.formulas == ("Cl1 Na1",) else {}
        documents = [
            {
                "material_id": identifier,
                "formula_pretty": "NaCl",
                "symmetry": {"symbol": "P1", "number": 1, "crystal_system": "triclinic"},
                **({"energy_above_hull": e} if (e := self.energies.get(identifier)) else {}),
                "_sources": {"symmetry": "one"},
            }
            for identifier in here
        ]
        return Page(len(documents), tuple(documents), {})

    def structures(self, ids):
        self.requests.append(ids)
        return {
            identifier: {
                "lattice": self.entries[identifier].lattice.matrix.tolist(),
                "species": [site.specie.symbol for site in self.entries[identifier]],
                "frac_coords": self.entries[identifier].frac_coords.tolist(),
                "source": "one",
            }
            for identifier in ids
            if identifier not in self.lack
        }


@pytest.fixture
def store(tmp_path):
    return StructureStore(tmp_path)


@pytest.fixture
def identify(store):
    def call(structure, source, **arguments):
        handle = store.put(structure, LineageStep(action="test"))
        params = IdentifyParams(structure_id=handle, **arguments)
        return identify_structure(params, source=source, structures=store)

    return call


def ids(rows):
    return [row["material_id"] for row in rows]


def test_an_entry_is_found_whatever_its_cell_origin_and_orientation(identify):
    disguised = two_atoms() * [[2, 1, 0], [0, 1, 0], [0, 0, 2]]
    disguised.translate_sites(list(range(len(disguised))), [0.1, 0.2, 0.3])
    result = identify(disguised, MadeUp(two_atoms(), rocksalt()))
    assert ids(result.matches) == ["mp-3200001"]
    assert result.matches[0]["rms_distance"] == pytest.approx(0, abs=1e-6)
    assert result.matches[0]["volume_difference_percent"] == pytest.approx(0, abs=1e-6)
    assert ids(result.others) == ["mp-3200002"]


def test_a_displacement_is_measured_in_units_of_the_free_length_per_atom(identify):
    """Oracle: Cl moved by d is, after the best common shift, d/2 at each of the two atoms."""
    found = identify(two_atoms(shift_a=0.1), MadeUp(two_atoms())).matches[0]
    assert found["rms_distance"] == pytest.approx(0.05 * NORMALISATION, abs=1e-5)
    assert found["max_distance"] == pytest.approx(0.05 * NORMALISATION, abs=1e-5)


def test_the_volume_difference_is_that_per_atom_of_the_given_structure(identify):
    """Oracle: 1 % in length is 1.01³ - 1 in volume; the shape is compared at equal volume."""
    found = identify(two_atoms(EDGE_A * 1.01) * [2, 1, 1], MadeUp(two_atoms())).matches[0]
    assert found["volume_difference_percent"] == pytest.approx(3.0301, abs=1e-4)
    assert found["rms_distance"] == pytest.approx(0, abs=1e-6)


def test_the_nearest_entry_comes_first_and_equal_ones_by_energy(identify):
    source = MadeUp(
        two_atoms(shift_a=0.2),
        two_atoms(),
        two_atoms(shift_a=0.1),
        two_atoms(),
        energies=(1, 3, 2, 1),
    )
    result = identify(two_atoms(), source)
    assert ids(result.matches) == ["mp-3200004", "mp-3200002", "mp-3200003", "mp-3200001"]
    assert any("magnetic ordering" in note for note in result.notes)


def test_one_atom_far_off_is_no_match_though_the_average_is_small(identify):
    """As in the Project's find_structure, where the largest displacement decides."""
    large = two_atoms() * [2, 2, 2]
    large.translate_sites([5], [0, 0.05, 0])
    large.translate_sites([9], [0, 0, 0.04])
    moved = large.copy()
    moved.translate_sites([3], [0.2, 0, 0])
    rms, largest = StructureMatcher(comparator=ElementComparator()).get_rms_dist(large, moved)
    assert rms < 0.3 < largest
    assert identify(moved, MadeUp(large)).matches == []


def test_wider_tolerances_find_a_more_distorted_relative(identify):
    source = MadeUp(two_atoms())
    far = two_atoms(shift_a=0.6)
    assert not identify(far, source, site_tolerance=0.05).matches
    assert ids(identify(far, source).matches) == ["mp-3200001"]


def test_oxidation_states_and_spins_do_not_matter(identify):
    decorated = two_atoms().add_oxidation_state_by_element({"Na": 1, "Cl": -1})
    decorated.add_spin_by_element({"Na": 1})
    result = identify(decorated, MadeUp(two_atoms()))
    assert ids(result.matches) == ["mp-3200001"]
    assert any("not oxidation states" in note for note in result.notes)


def test_another_polymorph_is_named_and_what_that_means(identify):
    result = identify(two_atoms(), MadeUp(rocksalt()))
    assert result.matches == []
    assert ids(result.others) == ["mp-3200001"]
    text = result.text()
    assert "0 of 1 entries of this composition match" in text
    assert "mp-3200001 NaCl: space group P1 1 [a]" in text
    assert "known here, but in other structures" in text


def test_an_unknown_composition_is_said(identify):
    result = identify(Structure(Lattice.cubic(3), ["Si"], [[0, 0, 0]]), MadeUp(two_atoms()))
    assert (result.candidates, result.matches, result.others) == (0, [], [])
    assert "No entry of composition Si in this source" in result.text()


def test_an_entry_without_a_structure_on_file_is_named(identify):
    result = identify(two_atoms(), MadeUp(two_atoms(), lack=("mp-3200001",)))
    assert result.others[0]["reason"] == "no structure on file"
    assert "have no structure on file" in result.text()


def test_a_partially_occupied_structure_is_told_to_be_ordered_first(identify):
    mixed = {"Na": 0.5, "Cl": 0.5}
    result = identify(
        Structure(Lattice.cubic(3), [mixed, mixed], [[0.0] * 3, [0.5] * 3]), MadeUp(two_atoms())
    )
    assert result.matches == []
    assert ids(result.others) == ["mp-3200001"]
    assert any("op 'order'" in note for note in result.notes)


def test_any_number_of_entries_takes_two_requests(identify):
    source = MadeUp(*[two_atoms(3 + i / 10) for i in range(30)])
    assert len(identify(two_atoms(), source).matches) == 30
    assert len(source.requests) == 2
    assert len(source.requests[1]) == 30


def test_a_long_list_of_other_entries_is_cut_and_counted(identify):
    result = identify(two_atoms(), MadeUp(*[rocksalt() for _ in range(23)]))
    assert len(result.others) == 20
    assert any(note.startswith("3 more entries") for note in result.notes)


def test_the_text_holds_every_number_with_its_source(identify):
    result = identify(two_atoms(EDGE_A * 1.01, shift_a=0.1), MadeUp(two_atoms(), energies=(0.125,)))
    found, text = result.matches[0], result.text()
    line = next(line for line in text.splitlines() if line.startswith("mp-3200001 NaCl"))
    assert "energy_above_hull = 0.125 eV/atom" in line
    assert f"rms_distance = {found['rms_distance']:g}" in line
    assert f"max_distance = {found['max_distance']:g}" in line
    assert f"{found['volume_difference_percent']:+g} %" in line
    assert "length_tolerance = 0.2, site_tolerance = 0.3, angle_tolerance_deg = 5" in text
    assert "[a] First origin (v1)" in text
    assert text.startswith("Source: made-up entries.")
    complete(text, result.model_dump())


def test_facts_are_tied_to_the_entries(identify):
    result = identify(two_atoms(), MadeUp(two_atoms(), energies=(0.125,)))
    told = {fact.property: (fact.subject, fact.value) for fact in OPERATION.facts(result)}
    assert told["energy_above_hull"] == ("mp-3200001", 0.125)
    assert told["symmetry.number"] == ("mp-3200001", 1)
    assert told[f"rms_distance({result.structure_id})"] == ("mp-3200001", 0.0)


def test_a_structure_that_is_too_large_to_compare_is_refused(identify):
    with pytest.raises(InvalidInput, match=r"686 atoms.*at most 500.*primitive"):
        identify(two_atoms() * [7, 7, 7], MadeUp())


def test_an_unknown_handle_is_said(store):
    params = IdentifyParams(structure_id="s-0000000000000000")
    source: Any = MadeUp()
    with pytest.raises(NotFound):
        identify_structure(params, source=source, structures=store)


@pytest.mark.parametrize("value", [0, 100])
def test_the_tolerance_has_bounds(value):
    with pytest.raises(ValidationError):
        IdentifyParams(structure_id="s-0", site_tolerance=value)


def test_silicon_of_the_sample_is_identified_from_its_conventional_cell(source, structures):
    params = StructureParams(material="mp-149", cell="conventional")
    handle = get_structure(params, source=source, structures=structures).structure_id
    result = identify_structure(
        IdentifyParams(structure_id=handle), source=source, structures=structures
    )
    assert result.matches[0]["material_id"] == "mp-149"
    assert result.matches[0]["rms_distance"] == pytest.approx(0, abs=1e-6)
