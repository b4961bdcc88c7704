from __future__ import annotations

import pytest

from llamp_mcp.errors import InvalidInput, NotFound
from llamp_mcp.materials.get_structure import StructureParams, get_structure


@pytest.fixture
def get(source, structures):
    def call(material, **arguments):
        params = StructureParams(material=material, **arguments)
        return get_structure(params, source=source, structures=structures)

    return call


def test_silicon_keeps_the_cell_of_the_project(get, structures):
    """Si at one eighth and seven eighths: the setting in which story S7 names its sites."""
    result = get("mp-149")
    assert (result.material_id, result.formula, result.n_atoms) == ("mp-149", "Si", 2)
    assert [site["frac_coords"] for site in result.sites] == [[0.875] * 3, [0.125] * 3]
    assert "as the Project stores it" in result.notes[0]
    assert structures.get(result.structure_id).composition.formula == "Si2"


def test_the_conventional_cell_of_silicon_has_eight_atoms_and_four_times_the_volume(get):
    primitive, conventional = get("Si"), get("Si", cell="conventional")
    assert conventional.n_atoms == 8
    assert conventional.volume_a3 == pytest.approx(4 * primitive.volume_a3, rel=1e-6)
    assert conventional.spacegroup["number"] == 227
    assert conventional.cell == "conventional"


def test_lineage_begins_with_the_id_and_the_version_of_the_structure(get):
    step = get("mp-22862").lineage[0]
    assert step.action == "get_structure"
    assert step.origin == (
        "mp-22862, Materials Project, downloaded January 2025 (source matcalc-2025.1)"
    )
    assert step.structure_id == get("mp-22862").structure_id


def test_the_two_volumes_of_sodium_chloride_are_told_apart(get):
    result = get("mp-22862")
    assert result.volume_a3 == pytest.approx(46.096, abs=1e-3)
    assert any("43.6253" in note and "another database version" in note for note in result.notes)


def test_a_formula_selects_by_the_hull_and_says_so(get):
    result = get("LiFeO2")
    assert result.material_id == "mp-757614"
    assert "on the hull" in result.notes[0]
    assert "5 candidates" in result.notes[0]


class _Counting:
    """Says which questions a source was asked."""

    def __init__(self, source):
        self._source, self.asked = source, []

    def __getattr__(self, name):
        self.asked.append(name)
        return getattr(self._source, name)


@pytest.mark.parametrize(("material", "searches"), [("mp-149", 0), ("LiFeO2", 1)])
def test_structures_are_asked_for_together_whatever_the_number_of_candidates(
    source, structures, material, searches
):
    counting = _Counting(source)
    get_structure(StructureParams(material=material), source=counting, structures=structures)
    assert counting.asked.count("structures") == 1
    assert counting.asked.count("search") == searches
    assert not {"rows", "entries"} & set(counting.asked)


def test_a_formula_is_understood_however_it_is_written(get):
    assert get("LiFeO₂").material_id == get("Fe Li O2").material_id == "mp-757614"


def test_a_formula_without_hull_energies_is_ambiguous_and_the_ids_are_named(get):
    with pytest.raises(InvalidInput, match=r"ambiguous.*mp-2534.*with one of these ids"):
        get("GaAs")


def test_a_stored_cell_that_is_not_primitive_is_reduced_and_that_is_said(get):
    result = get("mp-90")
    assert result.n_atoms == 1
    assert "reduced from a stored cell of 2 atoms" in result.notes[0]


def test_magnetic_moments_go_with_the_stored_cell_and_not_with_the_standard_one(get, structures):
    stored, standard = get("mp-13"), get("mp-13", cell="conventional")
    assert structures.get(stored.structure_id).site_properties["magmom"][0] > 2
    assert any("moments left out" in note for note in standard.notes)
    assert not any("moments" in note for note in get("mp-149", cell="conventional").notes)


def test_the_same_request_gives_the_same_handle(get):
    assert get("mp-149").structure_id == get("Si").structure_id


@pytest.mark.parametrize("material", ["mp-3666", "mp-5", "C60", "LiTaO3"])
def test_a_structure_that_is_not_here_is_said_with_what_to_do(get, material):
    with pytest.raises(NotFound, match=r"search_materials|create_structure"):
        get(material)


@pytest.mark.parametrize("material", ["hello", "mp-foo", "mp-99999999999", "Qq2", "H2O)", ""])
def test_bad_names_are_refused(get, material):
    with pytest.raises(InvalidInput, match="Allowed"):
        get(material)
