from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from llamp_mcp.errors import InvalidInput, NotFound
from llamp_mcp.materials import spectra
from llamp_mcp.materials.files.layout import Writer
from llamp_mcp.materials.files.source import SqliteSource
from llamp_mcp.materials.get_spectrum import OPERATION, SpectrumParams
from tests.materials.spectra import models

if TYPE_CHECKING:
    from llamp_mcp.materials.source import SpectrumKind

STABLE, HIGH, BARE, IRON = "mp-3200001", "mp-3200002", "mp-3200003", "mp-3200004"
GAMMA_X = models.path(("\\Gamma", "X"))
ENERGIES = np.linspace(-2, 8, 1001)


def summary(material_id, formula, hull, *props):
    return {
        "material_id": material_id,
        "formula_pretty": formula,
        "composition_reduced": {formula: 1.0} if formula == "Fe" else {"Na": 1.0, "Cl": 1.0},
        "chemsys": "Fe" if formula == "Fe" else "Cl-Na",
        "elements": ["Fe"] if formula == "Fe" else ["Cl", "Na"],
        "nelements": 1 if formula == "Fe" else 2,
        "energy_above_hull": hull,
        "is_stable": hull == 0,
        "has_props": {"bandstructure": False, "materials": True} | dict.fromkeys(props, True),
    }


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    """Three made-up entries of NaCl and one of Fe; the ids are none of the Project's."""
    path = tmp_path_factory.mktemp("spectra") / "made-up.sqlite"
    phonons = models.diatomic(GAMMA_X, 6.0, 1.0, 3.0)
    documents: dict[SpectrumKind, dict[str, Any]] = {
        "bands": models.bands(GAMMA_X, 0.5, models.indirect(GAMMA_X, 1.1, 0.4)),
        "dos": models.dos(ENERGIES, 5.0, np.sqrt(ENERGIES.clip(0))),
        "phonon_bands": models.phonon_bands(GAMMA_X, phonons),
        "phonon_dos": models.phonon_dos(models.debye(5.0, 2), models.rock_salt()),
    }
    with Writer(path) as writer:
        writer.add("summary", summary(BARE, "NaCl", 0.0))
        writer.add("summary", summary(STABLE, "NaCl", 0.1, "bandstructure", "dos", "phonon"))
        writer.add("summary", summary(HIGH, "NaCl", 0.2, "bandstructure"))
        writer.add("summary", summary(IRON, "Fe", 0.0, "dos", "xas"))
        for kind, document in documents.items():
            note = f"{kind} of a model"
            writer.add_spectrum(kind, {**document, "material_id": STABLE, "_notes": [note]})
        absorption = {
            "material_id": HIGH,
            "energies": ENERGIES[200:].tolist(),
            "absorption_coefficient": (1e4 * ENERGIES[200:]).tolist(),
        }
        writer.add("absorption", absorption)
        for element, edge in (("Na", "K"), ("Cl", "K"), ("Cl", "L3")):
            made = models.xas(element, edge, "XANES", 1000.0)
            writer.add("xas", {**made, "material_id": HIGH})
        writer.add("xas", {**models.xas("Na", "K", "XANES", 1000.0), "material_id": STABLE})
        writer.finish(
            {
                "kind": "snapshot",
                "name": "made up",
                "database_version": "v0",
                "licence": "none",
                "attribution": "nobody",
                "notice": "made-up spectra",
                "here": "this made-up file",
            }
        )
    opened = SqliteSource(path)
    yield opened
    opened.close()


@pytest.fixture
def get(source):
    def call(material, kind, **arguments):
        params = SpectrumParams(material=material, kind=kind, **arguments)
        return OPERATION.run(params, source=source)

    return call


WHERE = {
    "bands": STABLE,
    "dos": STABLE,
    "phonon_bands": STABLE,
    "phonon_dos": STABLE,
    "absorption": HIGH,
    "xas": HIGH,
}


def test_the_table_of_these_tests_names_every_kind():
    assert set(WHERE) == set(spectra.KINDS)


@pytest.mark.parametrize("kind", WHERE)
def test_every_kind_gives_text_link_and_picture(get, kind):
    result = get(WHERE[kind], kind)
    (link,), (picture,) = result.links(), result.images()
    assert link.uri == f"mp://{WHERE[kind]}/spectrum/{kind}"
    assert picture.startswith(b"\x89PNG")
    assert result.text().startswith("Source: made-up spectra.")
    assert "_picture" not in result.model_dump()
    assert len(result.text()) / 4 < 1500


def scalars(value):
    if isinstance(value, dict):
        for part in value.values():
            yield from scalars(part)
    elif isinstance(value, list):
        for part in value:
            yield from scalars(part)
    else:
        yield value


@pytest.mark.parametrize("kind", WHERE)
def test_the_text_holds_every_number_of_the_structured_result(get, kind):
    at = [] if kind.endswith("bands") else [1000.5 if kind == "xas" else 0.75]
    result = get(WHERE[kind], kind, at=at)
    text = result.text()
    told = {float(word) for word in re.findall(r"-?\d+\.?\d*(?:e[+-]?\d+)?", text)}
    for value in scalars([result.values, [[row["x"], row["value"]] for row in result.at]]):
        if isinstance(value, str):
            assert value in text
        elif not isinstance(value, bool):
            assert any(abs(value - one) <= 1e-5 * abs(value) + 1e-12 for one in told), value


@pytest.mark.parametrize("kind", WHERE)
def test_every_unit_belongs_to_a_value(get, kind):
    result = get(WHERE[kind], kind)
    named = set(result.values) | {
        f"{name}.{part}"
        for name, value in result.values.items()
        if isinstance(value, dict)
        for part in value
    }
    assert set(result.units) <= named


@pytest.mark.parametrize("kind", WHERE)
def test_the_linked_data_are_json_with_units_and_source(source, kind):
    data = json.loads(json.dumps(spectra.data(source, WHERE[kind], kind), allow_nan=False))
    assert (data["material_id"], data["kind"]) == (WHERE[kind], kind)
    assert data["source"]["notice"] == "made-up spectra"
    assert data["units"]


def test_notes_of_the_source_are_passed_on(get):
    assert "bands of a model" in get(STABLE, "bands").notes


def test_a_formula_means_the_lowest_entry_that_has_the_spectrum_and_says_so(get):
    result = get("NaCl", "bands")
    assert (result.material_id, result.formula) == (STABLE, "NaCl")
    assert "of 2 candidates with bands" in result.selection
    assert f"lower but without bands here: {BARE}" in result.selection
    assert result.selection in result.text()


def test_a_formula_asks_the_documents_themselves_for_absorption_and_xas(get):
    assert get("NaCl", "absorption").material_id == HIGH
    assert get("NaCl", "xas").material_id == STABLE


def test_element_and_edge_count_when_a_formula_is_resolved(get):
    result = get("NaCl", "xas", element="Cl", edge="L3")
    assert result.material_id == HIGH
    assert "only candidate with Cl L3 xas" in result.selection
    assert result.values["edge"] == "L3"


def test_an_entry_without_the_spectrum_is_told_with_the_kinds_it_has(get):
    with pytest.raises(NotFound, match=rf"bands of {IRON} in this made-up file.*lists: dos, xas"):
        get(IRON, "bands")


def test_a_formula_none_of_whose_entries_has_it_is_told_with_the_kinds_there_are(get):
    with pytest.raises(NotFound, match=r"No entry of Fe .*bands.*\(1 entry .*for Fe: dos, xas"):
        get("Fe", "bands")


def test_a_spectrum_the_summary_lists_but_the_file_lacks_names_the_choice_made(get):
    with pytest.raises(NotFound, match=r"no spectrum dos .*another id may be named"):
        get("Fe", "dos")


def test_an_unknown_id_is_not_found(get):
    with pytest.raises(NotFound, match="mp-3200009"):
        get("mp-3200009", "xas")


@pytest.mark.parametrize("entry", [{}, {"has_props": None}, {"has_props": {"dos": False}}])
def test_a_summary_that_lists_nothing_promises_nothing(entry):
    from llamp_mcp.materials.get_spectrum import known_kinds

    assert known_kinds(entry) == ()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"kind": "dos", "element": "Na"}, "element and edge mean nothing for kind='dos'"),
        ({"kind": "absorption", "edge": "K"}, "element and edge mean nothing"),
        ({"kind": "xas", "element": "Qq"}, "Qq"),
        ({"kind": "bands", "at": [1.0]}, "at means nothing for kind='bands'.*dos"),
        ({"kind": "dos", "window": [1.0]}, r"window=\[1.0\] is no range"),
        ({"kind": "dos", "window": [2.0, 1.0]}, "min below max"),
        ({"kind": "phonon_dos", "at": [99.0]}, "at=99 THz.*0 to 5 THz"),
    ],
)
def test_arguments_that_mean_nothing_are_refused(get, arguments, words):
    with pytest.raises(InvalidInput, match=words):
        get(STABLE, **arguments)


def test_facts_are_named_after_the_kind_and_bear_unit_and_source(get):
    facts = {fact.property: fact for fact in OPERATION.facts(get(STABLE, "bands"))}
    assert facts["bands.band_gap"].value == pytest.approx(1.1)
    assert facts["bands.cbm.energy"].unit == "eV"
    assert facts["bands.band_gap"].subject == STABLE
    assert facts["bands.band_gap"].source == "made up (v0)"
    assert "band_gap" not in facts


def test_the_window_crops_the_picture_and_not_the_gap(get):
    whole, part = get(STABLE, "bands"), get(STABLE, "bands", window=[-1, 1])
    assert part.values == whole.values
    assert list(part.images()) != list(whole.images())


def test_a_wrong_kind_of_data_is_refused(source):
    with pytest.raises(InvalidInput, match=r"Unknown kind 'band'.*Did you mean 'bands'"):
        spectra.data(source, STABLE, "band")
