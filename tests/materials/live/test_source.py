"""The live source against the Project's own API on loopback; see `tests/loopback`."""

from __future__ import annotations

from dataclasses import replace

import pytest

from llamp_mcp.errors import InvalidInput, NotFound, SourceError
from llamp_mcp.materials.endpoints import ENDPOINTS
from llamp_mcp.materials.live.rows import NON_COMMERCIAL, with_licence
from llamp_mcp.materials.live.source import LiveSource
from llamp_mcp.materials.source import Condition, Query, RecipeQuery
from tests.loopback.francium import DEPRECATED, FRBR, FRI, GNOME


@pytest.fixture
def asked(project):
    """The API with a key of this test."""
    return project.another()


@pytest.fixture
def source(asked, tmp_path):
    live = LiveSource(asked.settings(tmp_path / "home", request_timeout_s=30))
    live._client._bounds = replace(live._client._bounds, backoff_s=0.01)
    return live


def ids(answer):
    return [document["material_id"] for document in answer.documents]


def test_it_says_what_it_is(source, project):
    meta = source.meta()
    assert (meta.kind, meta.database_version) == ("live", project.database_version)
    assert "10.1063/1.4812323" in meta.attribution
    citation = source.citations()["materials_project"]
    assert citation["database_version"] == project.database_version
    assert citation["licence"] == "CC BY 4.0"


@pytest.mark.parametrize("endpoint", ENDPOINTS)
def test_every_endpoint_gives_its_documents_in_few_requests(endpoint, source, asked):
    found = source.rows(endpoint, (FRBR, FRI, "mp-3340999"))
    assert FRI in ids(found)
    assert "aaaaa" not in str([d["material_id"] for d in found.documents])
    assert len(asked.requests()) <= 2
    assert ids(found) == sorted(ids(found), key=(FRBR, FRI).index)


@pytest.mark.parametrize("endpoint", ENDPOINTS)
def test_only_the_fields_asked_for_come_with_what_names_the_material(endpoint, source):
    fields = {"eos": "eos", "alloys": "pair_id", "substrates": "energy", "tasks": "task_id"}
    fields |= {"insertion_electrodes": "average_voltage", "grain_boundaries": "sigma"}
    fields |= {"xas": "edge", "phonon": "phonon_method", "surface_properties": "shape_factor"}
    field = fields.get(endpoint, "last_updated")
    document = source.rows(endpoint, (FRI,), (field,)).documents[0]
    extra = {"builder_meta", "task_id", "film_id", "identifier", "material_ids", "pair_id"}
    assert field in document
    assert document.keys() <= {field, "material_id", "alloy_pair", *extra}


def test_an_alloy_comes_once_for_each_material_asked_for(source):
    assert ids(source.rows("alloys", (FRI, FRBR), ("pair_id",))) == [FRI, FRBR]
    assert ids(source.rows("alloys", (FRBR,), ("pair_id",))) == [FRBR]


def test_several_documents_of_a_material_all_come(source):
    found = source.rows("thermo", (FRI,), ("thermo_type",))
    types = {document["thermo_type"] for document in found.documents}
    assert len(types) == len(found.documents) == 3


def test_no_ids_are_no_request(source, asked):
    assert source.rows("thermo", ()).documents == ()
    assert asked.requests() == []


def test_an_unknown_endpoint_is_told(source):
    with pytest.raises(InvalidInput, match="Did you mean 'thermo'"):
        source.rows("therm", (FRI,))


@pytest.mark.parametrize(
    ("query", "check"),
    [
        (Query(formulas=("Fe1 O4 P1",)), lambda d: d["formula_pretty"] == "FePO4"),
        (
            Query(formulas=("Fe1 O4 P1", "Si1"), elements=("O",)),
            lambda d: d["formula_pretty"] == "FePO4",
        ),
        (Query(chemsys=("Fe-O",)), lambda d: d["chemsys"] == "Fe-O"),
        (Query(chemsys=("Ba-O-*",)), lambda d: d["nelements"] == 3),
        (Query(elements=("Ba",), exclude_elements=("C",)), lambda d: "Ba" in d["elements"]),
        (Query(anonymous="ABC3"), lambda d: d["formula_anonymous"] == "ABC3"),
        (
            Query(conditions=(Condition("bulk_modulus.vrh", minimum=200, maximum=300),)),
            lambda d: 200 <= d["bulk_modulus"]["vrh"] <= 300,
        ),
        (
            Query(conditions=(Condition("is_stable", equals=True),)),
            lambda d: d["is_stable"] is True,
        ),
        (
            Query(conditions=(Condition("symmetry.number", equals=225),)),
            lambda d: d["symmetry"]["number"] == 225,
        ),
        (
            Query(conditions=(Condition("symmetry.crystal_system", equals="Cubic"),)),
            lambda d: d["symmetry"]["crystal_system"] == "Cubic",
        ),
        (
            Query(conditions=(Condition("ordering", equals="FM"),)),
            lambda d: d["ordering"] == "FM",
        ),
        (
            Query(conditions=(Condition("bulk_modulus.vrh"),)),
            lambda d: d["bulk_modulus"]["vrh"] is not None,
        ),
        (Query(has_props=("elasticity",)), lambda d: d["has_props"]["elasticity"]),
    ],
)
def test_searches_find_what_they_ask_for(source, query, check):
    names = "chemsys nelements elements formula_anonymous bulk_modulus is_stable symmetry ordering"
    fields = (*names.split(), "has_props")
    found = source.search(replace(query, fields=fields))
    assert 0 < len(found.documents) <= found.total
    assert all(check(document) for document in found.documents)


@pytest.mark.parametrize("sort_by", ["energy_above_hull", "density", "bulk_modulus.vrh"])
@pytest.mark.parametrize("descending", [False, True])
def test_pages_join_to_the_whole_in_order(source, sort_by, descending):
    def found(limit, offset=0):
        return source.search(
            Query(
                elements=("Si",), sort_by=sort_by, descending=descending, limit=limit, offset=offset
            )
        )

    whole = found(1000)
    size = max(1, whole.total // 3)
    pages = [found(size, offset) for offset in range(0, whole.total, size)]
    assert whole.total > 3
    assert [identifier for page in pages for identifier in ids(page)] == ids(whole)


def test_counting_gives_the_total_of_the_search(source):
    whole = source.search(Query(elements=("O",), limit=1000))
    assert source.search(Query(elements=("O",), limit=0)).total == whole.total > 20


def test_what_is_deprecated_or_not_for_all_does_not_show_up(source):
    assert source.search(Query(material_ids=(GNOME, DEPRECATED))).total == 0


def test_entries_of_many_systems_are_one_request(source, asked):
    systems = ("Ba", "O", "Ti", "Ba-O", "O-Ti", "Ba-O-Ti")
    found = source.entries(systems, "GGA_GGA+U_R2SCAN")
    assert len(asked.requests()) == 1
    assert {"Ba", "O2", "BaTiO3"} <= {d["formula_pretty"] for d in found.documents}
    needed = {"composition", "energy_per_atom", "formation_energy_per_atom", "energy_above_hull"}
    assert all(needed | {"is_stable", "thermo_type"} <= d.keys() for d in found.documents)


def test_both_spellings_of_r2scan_are_one_thermo_type(source):
    found = source.entries(("Fr-I",), "R2SCAN")
    assert [d["thermo_type"] for d in found.documents] == ["R2SCAN"]


def test_structures_of_many_ids_are_one_request(source, asked):
    found = source.structures(("mp-149", "mp-3340999", FRI))
    assert list(found) == ["mp-149", FRI]
    assert len(asked.requests()) == 1
    silicon = found["mp-149"]
    assert silicon["species"] == ["Si", "Si"]
    assert len(silicon["lattice"]) == 3
    assert silicon["source"] in source.citations()


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        ("bands", "BandStructureSymmLine"),
        ("dos", "Dos"),
        ("phonon_bands", "PhononBandStructureSymmLine"),
        ("phonon_dos", "PhononDos"),
    ],
)
def test_spectra_are_pymatgens_objects_and_come_back_from_the_cache(source, kind, name):
    from monty.json import MontyDecoder

    document = source.spectrum(FRI, kind)
    assert document["material_id"] == FRI
    assert document["_notes"]
    extra = ("material_id", "_notes")
    body = {key: value for key, value in document.items() if key not in extra}
    assert type(MontyDecoder().process_decoded(body)).__name__ == name
    again = source.spectrum(FRI, kind)
    assert "answered from the cache" in again["_notes"][-1]
    assert {key: again[key] for key in body} == body


def test_a_spectrum_that_is_not_there_is_told(source):
    with pytest.raises(NotFound, match="no dos of mp-3340001"):
        source.spectrum("mp-3340001", "dos")


def test_s3_that_is_away_is_told(source, monkeypatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    with pytest.raises(SourceError, match="S3 cannot be reached"):
        source.spectrum(FRI, "bands")


def test_recipes_have_their_dois(source):
    found = source.recipes(RecipeQuery(target="LiFePO4", limit=3))
    assert found.total >= len(found.documents) == 3
    assert all(d["doi"].startswith("10.") for d in found.documents)
    assert all("LiFePO4" in d["targets_formula_s"] for d in found.documents)


def test_temperatures_of_recipes_are_asked_in_kelvin(source):
    found = source.recipes(RecipeQuery(target="LiFePO4", temperature_k=(800, 1000)))
    printed = [
        value + 273.15
        for document in found.documents
        for step in document["operations"]
        for heating in step["conditions"]["heating_temperature"] or ()
        for value in heating["values"]
    ]
    assert any(800 <= value <= 1000 for value in printed)
    assert source.recipes(RecipeQuery(target="LiFePO4", temperature_k=(5000, None))).total == 0


def test_several_precursors_must_all_be_there(source):
    one = source.recipes(RecipeQuery(target="LiFePO4", precursors=("Li2CO3",)))
    both = source.recipes(RecipeQuery(target="LiFePO4", precursors=("Li2CO3", "FePO4")))
    assert 0 < both.total < one.total
    assert all("FePO4" in d["precursors_formula_s"] for d in both.documents)


@pytest.mark.parametrize("kind", ["429", "500", "503", "garbage", "half"])
def test_a_fault_that_passes_is_not_noticed(source, asked, kind):
    asked.fail(kind, 1)
    assert ids(source.search(Query(material_ids=("mp-149",)))) == ["mp-149"]
    assert len(asked.requests()) == 2


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("401", "refused the key"),
        ("403", "refused the key"),
        ("429-long", "Call again in 3600 s"),
        ("503", "HTTP 503"),
    ],
)
def test_a_fault_that_stays_is_told(source, asked, kind, text):
    asked.fail(kind, 99)
    with pytest.raises(SourceError, match=text):
        source.search(Query(material_ids=("mp-149",)))


def test_a_silent_socket_ends_with_the_timeout(asked, tmp_path):
    impatient = LiveSource(asked.settings(tmp_path, request_timeout_s=5))
    impatient.meta()
    asked.fail("silent", 9)
    with pytest.raises(SourceError, match="did not answer within 5 s"):
        impatient.search(Query(material_ids=("mp-149",)))


def test_a_wrong_key_is_told(asked, tmp_path):
    wrong = LiveSource(asked.settings(tmp_path, mp_api_key="wrong" + "0" * 27))
    with pytest.raises(SourceError, match="refused the key in MP_API_KEY"):
        wrong.search(Query(material_ids=("mp-149",)))


def test_what_is_not_for_commercial_use_says_so():
    document = {"material_id": FRI, "builder_meta": {"license": "BY-NC"}, "_notes": ["a note"]}
    assert with_licence(document)["_notes"] == ["a note", NON_COMMERCIAL]
    assert "_notes" not in with_licence({"builder_meta": {"license": "BY-C"}})
