from __future__ import annotations

import inspect

import pytest

from llamp_mcp.errors import InvalidInput
from llamp_mcp.materials import filters
from llamp_mcp.materials.groups import GROUPS
from llamp_mcp.materials.search_materials import SearchParams

_OF_MP_API = {
    "elastic_anisotropy": "universal_anisotropy",
    "equilibrium_reaction_energy": "equilibrium_reaction_energy_per_atom",
    "formation_energy": "formation_energy_per_atom",
    "num_elements": "nelements",
    "num_sites": "nsites",
    "piezoelectric_modulus": "e_ij_max",
    "poisson_ratio": "homogeneous_poisson",
    "surface_energy_anisotropy": "surface_anisotropy",
    "total_energy": "energy_per_atom",
    "uncorrected_energy": "uncorrected_energy_per_atom",
}
"""mp-api's own words, by its source (`min_max_name_dict` of `SummaryRester.search`)."""


def test_every_number_of_a_summary_document_can_be_searched_for():
    """The API makes a filter of every number of emmet's model, and of the parts of the moduli."""
    from emmet.core.summary import SummaryDoc

    annotations = {name: field.annotation for name, field in SummaryDoc.model_fields.items()}
    numbers = {name for name, kind in annotations.items() if kind in (float, float | None)}
    integers = {name for name, kind in annotations.items() if kind in (int, int | None)}
    ours = {n: f.kind for n, f in filters.FILTERS.items() if f.is_range and "." not in n}
    assert ours == dict.fromkeys(numbers, "number") | dict.fromkeys(integers, "integer")


def test_every_argument_of_the_projects_client_has_a_filter_or_an_argument():
    from mp_api.client.routes.materials.summary import SummaryRester  # noqa: TID251

    theirs = set(inspect.signature(SummaryRester.search).parameters)
    control = {"self", "kwargs", "num_chunks", "chunk_size", "all_fields", "fields", "deprecated"}
    control |= {"include_gnome", "_page", "_sort_fields", "_limit"}
    parameters = {filter_.parameter for filter_ in filters.FILTERS.values()}
    for name in theirs - control:
        known = _OF_MP_API.get(name, name)
        assert known in {*parameters, *SearchParams.model_fields}, name


def test_the_words_of_the_projects_client_are_understood():
    assert {name: filters.meant(name) for name in _OF_MP_API} == _OF_MP_API


def test_data_names_are_those_of_the_project():
    from emmet.core.summary import HasProps

    theirs = {item.value for item in HasProps} - {"materials"}  # which every entry has
    assert set(filters.HAS_PROPS.values()) == theirs


def test_a_filter_has_the_unit_of_its_field():
    summary = GROUPS["summary"]
    for name, filter_ in filters.FILTERS.items():
        unit = summary.resolve(name).unit or ""
        assert filter_.unit == ("" if unit == "dimensionless" else unit), name


@pytest.mark.parametrize(
    ("said", "field"),
    [
        ("bandgap", "band_gap"),
        ("Band gap", "band_gap"),
        ("bulk_modulus", "bulk_modulus.vrh"),
        ("k_vrh", "bulk_modulus.vrh"),
        ("G_VRH", "shear_modulus.vrh"),
        ("bulk modulus.voigt", "bulk_modulus.voigt"),
        ("e_above_hull", "energy_above_hull"),
        ("refractive index", "n"),
        ("weighted_surface_energy_ev_per_ang2", "weighted_surface_energy_EV_PER_ANG2"),
    ],
)
def test_names_people_use_are_understood(said, field):
    assert filters.range_filter(said).name == field
    assert filters.sort_field(said) == field


@pytest.mark.parametrize("name", filters.FILTERS)
def test_a_filter_means_itself(name):
    assert filters.meant(name) == name


@pytest.mark.parametrize(
    ("question", "name", "advice"),
    [
        (filters.range_filter, "ordering", "magnetic_ordering='FM'"),
        (filters.range_filter, "is_metal", "flags={'is_metal': true}"),
        (filters.range_filter, "symmetry.number", "spacegroup_number"),
        (filters.range_filter, "gap", "Did you mean 'band_gap'"),
        (filters.range_filter, "young_modulus", "get_properties"),
        (filters.range_filter, "beauty", "Allowed: band_gap, bulk_modulus.reuss"),
        (filters.flag_filter, "band_gap", r"ranges={'band_gap': \[min, max\]} in eV"),
        (filters.flag_filter, "is_magnetic", "num_magnetic_sites"),
        (filters.flag_filter, "metal", "Did you mean 'is_metal'"),
        (filters.sort_field, "is_stable", "Allowed: band_gap"),
        (filters.sort_field, "energy", "Allowed: band_gap"),
        (filters.data_named, "bonds", "Allowed: absorption"),
        (filters.data_named, "elasticty", "Did you mean 'elasticity'"),
    ],
)
def test_a_wrong_name_is_refused_with_what_to_use(question, name, advice):
    with pytest.raises(InvalidInput, match=advice):
        question(name)


def test_groups_can_be_asked_for_by_our_names():
    assert filters.data_named("oxidation_states") == "oxi_states"
    assert filters.data_named(" Surface ") == "surface_properties"
