"""The pure functions of the script that writes the sample, on data made up here."""

from __future__ import annotations

import importlib
import json
import lzma
import sys
from pathlib import Path

import pytest
from pymatgen.core import Lattice, Structure

SCRIPTS = Path(__file__).parents[2] / "scripts"


@pytest.fixture(scope="module")
def build():
    sys.path.insert(0, str(SCRIPTS))
    try:
        yield importlib.import_module("build_sample")
    finally:
        sys.path.remove(str(SCRIPTS))


@pytest.fixture
def rock_salt():
    return Structure.from_spacegroup(
        "Fm-3m", Lattice.cubic(5.6), ["Na", "Cl"], [[0, 0, 0], [0.5, 0.5, 0.5]]
    )


def test_ids_from_the_gnome_era_on_are_not_allowed(build):
    assert build.allowed_id("mp-1299999")
    assert not build.allowed_id("mp-1300000")


def test_conflicting_fields_are_named(build):
    assert build.conflicted({"_conflicts": {"band_gap": [1, 2]}}) == {"band_gap"}
    assert build.conflicted({"band_gap": 1}) == set()


def test_numbers_lose_their_noise_and_nothing_else(build):
    assert build.tidy(0.18610000000000015) == 0.1861
    assert str(build.tidy(-1e-15)) == "0.0"
    assert build.tidy({"a": [7.649035088874712e-06], "b": None}) == {"a": [7.649e-06]}
    assert build.tidy(True) is True
    with pytest.raises(ValueError, match="not a number"):
        build.tidy(float("nan"))


def test_a_printed_volume_and_density_give_the_number_of_atoms(build):
    # NaCl weighs 58.443 u: one formula unit in 43.625 Å³ has 2.2245 g/cm³.
    assert build.atoms_per_cell("NaCl", 43.625325465502776, 2.224545043829438) == 2
    assert build.atoms_per_cell("NaCl", 43.6, 3.3) is None


def test_the_first_source_of_a_value_wins(build):
    material = build.Material("mp-1", "Fe2O3")
    material.add("band_gap", 1.0, "good")
    material.add("band_gap", 2.0, "other")
    material.add("volume", None, "none")
    record = material.record()
    assert record["groups"] == {"electronic_structure": {"band_gap": 1.0}}
    assert record["sources"] == {"good": ["band_gap"]}
    assert record["composition"] == {"Fe": 2, "O": 3}


def test_a_structure_survives_its_compact_form(build, rock_salt):
    rock_salt.add_site_property("magmom", [0.0] * 8)
    body = build.compact(rock_salt)
    again = Structure(body["lattice"], body["species"], body["frac_coords"])
    assert again.volume == pytest.approx(5.6**3)
    assert again.composition == rock_salt.composition
    assert body["magmoms"] == [0.0] * 8


def test_what_follows_from_a_structure_is_marked_as_computed(build, rock_salt):
    material = build.Material("mp-1", "NaCl", structure=rock_salt)
    build.finish(material)
    assert material.values["symmetry"] == {
        "crystal_system": "Cubic",
        "symbol": "Fm-3m",
        "number": 225,
    }
    assert material.values["nsites"] == 8
    assert material.values["density_atomic"] == pytest.approx(5.6**3 / 8)
    assert set(material.sources.values()) == {"from-structure", "spglib"}


def test_a_printed_volume_is_kept_beside_another_structure_with_a_note(build, rock_salt):
    material = build.Material("mp-1", "NaCl", structure=rock_salt)
    material.add("volume", 43.6253254655, "llamp-x")
    material.add("density", 2.22454504383, "llamp-x")
    build.finish(material)
    assert material.values["volume"] == pytest.approx(43.6253, abs=1e-4)
    assert material.values["nsites"] == 2
    assert material.sources["nsites"] == "from-printed"
    assert "another database version" in material.notes[0]


def test_a_recipe_keeps_conditions_and_drops_text(build):
    empty: dict[str, list[str]] = {
        "heating_temperature": [],
        "heating_time": [],
        "heating_atmosphere": [],
    }
    heating = {
        "heating_temperature": [
            {"min_value": 850.0, "max_value": 850.0, "values": [850.0], "units": "°C", "x": 1}
        ],
        "heating_time": [],
        "heating_atmosphere": ["Ar"],
    }
    recipe = build.recipe(
        {
            "doi": "10.1/x",
            "synthesis_type": "solid-state",
            "paragraph_string": "Prose of a paper.",
            "reaction_string": "A == B",
            "targets_formula_s": ["B"],
            "precursors": [{"material_formula": "A", "material_string": "prose"}],
            "operations": [
                {"type": "MixingOperation", "token": "ground", "conditions": empty},
                {"type": "HeatingOperation", "token": "heated", "conditions": heating},
            ],
        },
        "llamp-x",
    )
    assert "rose" not in json.dumps(recipe)
    assert [step["type"] for step in recipe["operations"]] == ["Mixing", "Heating"]
    assert recipe["operations"][1]["heating_temperature"] == [
        {"min_value": 850.0, "max_value": 850.0, "values": [850.0], "units": "°C"}
    ]


def test_the_same_sample_gives_the_same_bytes_whatever_the_order_of_keys(build):
    first, second = {"a": 1, "b": [1.5]}, {"b": [1.5], "a": 1}
    assert build.encode(first) == build.encode(second)
    assert json.loads(lzma.decompress(build.encode(first))) == first


def test_a_source_without_a_description_is_refused(build):
    sources = importlib.import_module("sample_sources")
    assert sources.notebook("llamp:../lab/react.ipynb") == "llamp-react"
    assert "react" in sources.header({"llamp-react"})["sources"]["llamp-react"]["name"]
    with pytest.raises(KeyError):
        sources.header({"hearsay"})
