from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any, get_args

import pytest

from llamp_mcp.errors import InvalidInput
from llamp_mcp.materials import OPERATIONS, groups
from llamp_mcp.materials.endpoints import ENDPOINTS
from llamp_mcp.materials.groups import GROUPS, HOME, SUMMARY, GroupName, eos
from llamp_mcp.units import EV_PER_A3_IN_GPA

PACKAGE = Path(groups.__file__).parent

MODELS = {
    "summary": "summary.SummaryDoc",
    "thermo": "thermo.ThermoDoc",
    "elasticity": "elasticity.ElasticityDoc",
    "magnetism": "magnetism.MagnetismDoc",
    "dielectric": "polar.DielectricDoc",
    "piezoelectric": "polar.PiezoelectricDoc",
    "electronic_structure": "electronic_structure.ElectronicStructureDoc",
    "phonon": "phonon.PhononBSDOSTask",
    "absorption": "absorption.AbsorptionDoc",
    "xas": "xas.XASDoc",
    "surface": "surface_properties.SurfacePropDoc",
    "grain_boundary": "grain_boundary.GrainBoundaryDoc",
    "eos": "eos.EOSDoc",
    "bonds": "bonds.BondingDoc",
    "oxidation_states": "oxidation_states.OxidationStateDoc",
    "chemenv": "chemenv.ChemEnvDoc",
    "robocrys": "robocrys.RobocrystallogapherDoc",
    "similarity": "similarity.SimilarityDoc",
    "substrates": "substrates.SubstratesDoc",
    "electrodes": "electrode.InsertionElectrodeDoc",
    "alloys": "alloys.AlloyPairDoc",
    "provenance": "provenance.ProvenanceDoc",
    "tasks": "tasks.CoreTaskDoc",
}
"""The models of the documents that the Project's own client gets, by group."""


def model_fields(group):
    module, _, name = MODELS[group].partition(".")
    return getattr(importlib.import_module(f"emmet.core.{module}"), name).model_fields


def test_every_group_file_is_listed():
    files = {path.stem for path in PACKAGE.glob("*.py")} - {"__init__", "table"}
    assert files == set(GROUPS) == set(get_args(GroupName)) == set(MODELS)
    assert list(GROUPS) == list(get_args(GroupName))


def test_every_operation_file_is_listed():
    with_operation = {
        path.stem for path in PACKAGE.parent.glob("*.py") if "\nOPERATION = " in path.read_text()
    }
    assert with_operation == {operation.name for operation in OPERATIONS}


@pytest.mark.parametrize("name", list(GROUPS))
def test_the_fields_of_a_document_are_those_of_emmet(name):
    known = GROUPS[name].document
    assert set(known) == set(model_fields(name))
    assert len(known) == len(set(known))


@pytest.mark.parametrize("name", list(GROUPS))
def test_every_field_is_made_from_fields_of_the_documents(name):
    group = GROUPS[name]
    aliases = {info.alias for info in model_fields(name).values()} - {None}
    for field in group.fields:
        assert set(field.needs) <= {*group.document, *aliases}, field.name
    assert group.source_of in ENDPOINTS
    assert {*group.always} <= set(group.document)
    assert not group.rows or group.field(group.rows) in group.fields


UNITS_OF_EMMET = {
    "eV/atom": ("eV/atom", "eV/Atom"),
    "eV": ("eV",),
    "GPa": ("GPa",),
    "J/m²": ("J/m²", "J/m^2"),
    "eV/Å²": ("eV/Å²",),
    "C/m²": ("C/m²",),
    "Å²": ("Å²",),
    "Å³": ("Å³", "A³", "Angstrom**3"),
    "1/cm": ("cm^-1",),
    "meV": ("meV",),
    "%": ("%",),
    "V": (" V ",),
    "mAh/g": ("mAh/g",),
    "mAh/cm³": ("mAh/cc",),
    "Wh/kg": ("Wh/kg",),
    "Wh/l": ("Wh/l",),
    "°": ("degrees",),
    "g/cm³": ("g/cm³",),
}


def nested_model(annotation):
    """The model that a field's list or object is made of."""
    from pydantic import BaseModel

    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    found = (nested_model(part) for part in get_args(annotation))
    return next((model for model in found if model), None)


def told_units():
    """Group, field, our unit and emmet's description, wherever emmet's text names a unit."""
    for name, group in GROUPS.items():
        documented = model_fields(name)
        for field in group.fields:
            info = documented.get(field.name)
            parts = nested_model(info.annotation) if info else None
            if field.columns and name in {"substrates", "electrodes", "grain_boundary", "phonon"}:
                yield from (
                    (name, key, unit, documented[key].description) for key, unit in field.columns
                )
            elif field.columns and parts:
                for key, unit in field.columns:
                    yield name, f"{field.name}.{key}", unit, parts.model_fields[key].description
            elif info:
                yield name, field.name, field.unit or "", info.description or ""


def test_units_are_those_of_emmets_descriptions():
    compared = 0
    for group, field, unit, description in told_units():
        for known, spellings in UNITS_OF_EMMET.items():
            named = any(spelling in f"{description} " for spelling in spellings)
            if unit == known and named:
                compared += 1
            # a unit that emmet names is ours, unless it is part of another one (eV in eV/atom)
            if named and known not in unit and field != "max_delta_volume":
                assert any(s in f"{description} " for s in UNITS_OF_EMMET.get(unit, ())), (
                    group,
                    field,
                    unit,
                    description,
                )
    assert compared > 40


def test_the_unit_of_every_listed_number_is_stated():
    plain = {"exchange_symmetry", "dimensionality", "order"}
    for name, group in GROUPS.items():
        documented = model_fields(name)
        for field in group.fields:
            kind = str(documented[field.name].annotation) if field.name in documented else ""
            if "float" in kind and not field.columns and field.name not in plain:
                told = field.unit or field.name in {
                    *("strain_for_max", "average_oxidation_states", "composition"),
                    *("composition_reduced", "possible_valences", "valences", "feature_vector"),
                }
                assert told, (name, field.name)


def test_a_name_is_at_home_in_one_group_only():
    for name, home in HOME.items():
        users = {
            g.name
            for g in GROUPS.values()
            for f in g.fields
            if f.name == name and not f.local and g.name != "summary"
        }
        assert users == {home} or home == "summary"
    assert HOME["bulk_modulus"] == "elasticity"
    assert HOME["energy_above_hull"] == "thermo"
    assert HOME["density"] == "summary"


@pytest.mark.parametrize("name", ["total", "energies", "method", "bandgap"])
def test_a_name_that_means_several_things_asks_for_its_group(name):
    with pytest.raises(InvalidInput, match="alone does not say which value is meant"):
        groups.home_of(name)
    with pytest.raises(InvalidInput, match="alone does not say"):
        groups.field_named(name)


def test_the_same_name_has_the_unit_of_its_group():
    assert groups.field_named("total", "dielectric").unit == "relative permittivity"
    assert groups.field_named("total", "piezoelectric").unit == "C/m²"
    assert groups.field_named("n").name == "n"


def test_a_field_that_is_only_documented_is_found_where_it_is():
    assert groups.home_of("fitting_data") == "elasticity"
    assert groups.home_of("adj_pairs") == "electrodes"
    assert groups.home_of("structure") == "summary"
    assert groups.home_of("task_ids") == "summary"
    field = groups.field_named("fitting_data", "elasticity")
    assert field.heavy
    assert field.unit is None


def test_a_field_of_one_of_several_documents_is_given_in_their_list():
    field = groups.field_named("final_structure", "grain_boundary")
    assert field.name == "grain_boundaries"
    assert {"sigma", "final_structure"} <= set(field.needs)


@pytest.mark.parametrize("name", list(GROUPS))
def test_each_group_is_described_with_units_and_method(name):
    text = groups.describe_group(name)
    assert "Method:" in text
    for field in GROUPS[name].fields:
        assert f"- {field.name}" in text
        assert field.unit is None or f"[{field.unit}]" in text
        assert all(f"{key} [{unit}]" in text for key, unit in field.columns if unit) or field.parts
    assert all(name in text for name in GROUPS[name].document)


def test_unknown_names_are_refused_with_the_allowed_ones():
    with pytest.raises(InvalidInput, match=r"elasticity.*Did you mean 'elasticity'"):
        groups.group_named("elastic")
    with pytest.raises(InvalidInput, match="Did you mean 'band_gap'"):
        groups.field_named("band_gaps")
    with pytest.raises(InvalidInput, match=r"bulk_modulus\.vrh"):
        groups.field_named("bulk_modulus.hill")
    with pytest.raises(InvalidInput, match=r"'density\.x'"):
        groups.field_named("density.x")
    with pytest.raises(InvalidInput, match=r"field of xas 'spectrm'.*Did you mean 'spectrum'"):
        groups.field_named("spectrm", "xas")


def test_the_summary_has_every_scalar_that_a_search_shows():
    assert {"theoretical", "is_gap_direct", "weighted_work_function", "e_ij_max"} <= set(SUMMARY)
    assert all(groups.field_named(name) is field for name, field in SUMMARY.items())


# --- what the folds do to raw documents; all values here are made up ---


def test_thermo_gives_the_preferred_type_and_the_others_beside_it():
    rows = [
        {"thermo_type": "R2SCAN", "energy_above_hull": 0.3, "energy_per_atom": -9.0},
        {"thermo_type": "GGA_GGA+U", "energy_above_hull": 0.2},
        {"thermo_type": "GGA_GGA+U_R2SCAN", "energy_above_hull": 0.1},
    ]
    told = GROUPS["thermo"].fold(rows)
    assert (told["thermo_type"], told["energy_above_hull"]) == ("GGA_GGA+U_R2SCAN", 0.1)
    assert "energy_per_atom" not in told  # that of another type must never fill a gap
    assert told["other_thermo_types"] == [
        {"thermo_type": "GGA_GGA+U", "energy_above_hull": 0.2},
        {"thermo_type": "R2SCAN", "energy_above_hull": 0.3},
    ]


def parabola(modulus_gpa, count=7):
    """Volumes (Å³) and energies (eV) of a solid whose bulk modulus at the minimum is given."""
    v0 = 20.0
    second = modulus_gpa / EV_PER_A3_IN_GPA / v0
    volumes = [v0 * (0.94 + 0.02 * i) for i in range(count)]
    return {"volumes": volumes, "energies": [0.5 * second * (v - v0) ** 2 - 5 for v in volumes]}


def fitted(told):
    return [fit.get("B0") for fit in told["eos"]]


def test_a_legacy_bulk_modulus_in_ev_per_cubic_angstrom_becomes_gpa():
    legacy = {"vinet": {"V0": 20.0, "E0": -5.0, "B": 100.0 / EV_PER_A3_IN_GPA, "C": 4.1}}
    told = eos.fold([{"eos": legacy, **parabola(100.0)}])
    assert fitted(told) == [pytest.approx(100.0)]
    assert told["eos"][0]["B1"] == 4.1
    assert "converted" in told["_notes"][0]


def test_a_bulk_modulus_that_is_in_gpa_stays():
    fits = [{"model": "vinet", "V0": 20.0, "B0": 104.0}, {"model": "birch", "B0": 97.0}]
    told = eos.fold([{"eos": fits, **parabola(100.0)}])
    assert fitted(told) == [97.0, 104.0]
    assert told["_notes"] == []


def test_a_bulk_modulus_of_unknown_unit_is_left_out_and_said():
    told = eos.fold([{"eos": {"vinet": {"B": 0.6}}}])
    assert fitted(told) == [None]
    assert "left out" in told["_notes"][0]
    told = eos.fold([{"eos": [{"model": "vinet", "B0": 9000.0}], **parabola(100.0)}])
    assert fitted(told) == [None]
    assert "neither" in told["_notes"][0]


def test_a_modern_fit_without_energies_keeps_the_unit_of_the_schema():
    assert fitted(eos.fold([{"eos": [{"model": "vinet", "B0": 104.0}]}])) == [104.0]


def test_references_are_told_by_doi_and_title():
    bibtex = "@article{x, title = {Of {Nothing}}, year = {1999}, doi = {10.0000/none}}"
    told = GROUPS["provenance"].fold(
        [
            {
                "references": [bibtex, "private communication"],
                "authors": [{"name": "A. Nobody", "email": "nobody@example.org"}],
            }
        ]
    )
    assert told["references"][0]["doi"] == "10.0000/none"
    assert told["references"][1] == {"text": "private communication"}
    assert told["authors"] == ["A. Nobody"]
    assert told["bibtex"] == [bibtex, "private communication"]


def test_substrates_come_by_area_then_energy():
    rows: list[dict[str, Any]] = [
        {"sub_id": "mp-1", "area": 90.0, "energy": 0.0},
        {"sub_id": "mp-2", "area": 50.0, "energy": 0.2},
        {"sub_id": "mp-3", "area": 50.0, "energy": 0.1},
        {"sub_id": "mp-4"},
    ]
    told = GROUPS["substrates"].fold(rows)["substrates"]
    assert [row["sub_id"] for row in told] == ["mp-3", "mp-2", "mp-1", "mp-4"]


def test_parallel_lists_of_polyhedra_become_one_row_per_site():
    row = {"species": ["Xa2+", "Xb4+"], "chemenv_symbol": ["O:6", "T:4"], "csm": [0.1, None]}
    assert GROUPS["chemenv"].fold([row])["environments"] == [
        {"species": "Xa2+", "chemenv_symbol": "O:6", "csm": 0.1},
        {"species": "Xb4+", "chemenv_symbol": "T:4", "csm": None},
    ]
    uneven = {"species": ["Xa2+", "Xb4+"], "csm": [0.1]}
    assert "environments" not in GROUPS["chemenv"].fold([uneven])


def test_an_alloy_pair_is_told_in_short_and_kept_whole():
    pair = {
        "id_a": "mp-1",
        "formula_a": "XaO",
        "structure_a": {"sites": [1, 2, 3]},
        "properties_a": {"band_gap": 1.5},
        "pair_formula": "XaO_XbO",
    }
    told = GROUPS["alloys"].fold([{"alloy_pair": pair, "pair_id": "mp-1_mp-2"}])
    assert told["alloys"] == [
        {"pair_formula": "XaO_XbO", "id_a": "mp-1", "formula_a": "XaO", "band_gap_a": 1.5}
    ]
    assert told["alloy_pair"] == [pair]


def test_several_documents_where_one_is_expected_are_said():
    told = GROUPS["magnetism"].fold([{"ordering": "FM"}, {"ordering": "AFM"}])
    assert told["ordering"] == "FM"
    assert "2 such documents" in told["_notes"][0]
