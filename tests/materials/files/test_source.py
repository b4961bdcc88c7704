"""Answers from a materials file, against a plain search of the same documents. All made up."""

from __future__ import annotations

import json
import math
import random
import shutil
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from llamp_mcp.errors import InvalidInput, NotFound, SourceError
from llamp_mcp.materials.files.source import SqliteSource
from llamp_mcp.materials.formulas import formula_key
from llamp_mcp.materials.source import Condition, Query, RecipeQuery, pick

SYMBOLS = ("Cl", "Fe", "Li", "Na", "O")
WORDS = ("cubic", "layered", "corner", "sharing", "2")


def material(draw: random.Random, number: int) -> list[tuple[str, dict[str, Any]]]:
    """A summary and a description; every value may be missing."""
    symbols = sorted(draw.sample(SYMBOLS, draw.randint(1, 3)))
    amounts = {symbol: draw.randint(1, 3) for symbol in symbols}
    divisor = math.gcd(*amounts.values())
    name = f"mp-{3200000 + number}"
    document = {
        "material_id": name,
        "formula_pretty": "".join(f"{s}{n // divisor}" for s, n in amounts.items()),
        "formula_anonymous": "".join(
            f"{'ABC'[place]}{n // divisor}" for place, n in enumerate(sorted(amounts.values()))
        ),
        "composition": {s: float(n) for s, n in amounts.items()},
        "chemsys": "-".join(symbols),
        "elements": symbols,
        "nelements": len(symbols),
        "band_gap": draw.choice((None, 0.0, 0.5, 1.0, 2.5)),
        "energy_above_hull": draw.choice((None, 0.0, 0.01, 0.3)),
        "is_stable": draw.random() < 0.5,
        "bulk_modulus": draw.choice((None, {"vrh": 10.0}, {"vrh": 99.5, "voigt": 100.0})),
        "symmetry": {"crystal_system": draw.choice(("Cubic", "Trigonal")), "number": 225},
        "ordering": draw.choice((None, "FM", "NM")),
        "possible_species": [f"{symbol}+" for symbol in symbols if draw.random() < 0.5],
        "has_props": {"dos": draw.random() < 0.5, "thermo": True},
    }
    text = " ".join(draw.sample(WORDS, 3)).capitalize() + "."
    return [("summary", document), ("robocrys", {"material_id": name, "description": text})]


DOCUMENTS = [
    pair
    for number in random.Random(3).sample(range(1, 400), 120)
    for pair in material(random.Random(number), number)
]
SUMMARIES = [document for endpoint, document in DOCUMENTS if endpoint == "summary"]
TEXTS = {d["material_id"]: d["description"] for e, d in DOCUMENTS if e == "robocrys"}


@pytest.fixture(scope="module")
def made_up(tmp_path_factory):
    from llamp_mcp.materials.files.layout import Writer
    from tests.materials.conftest import HEADER

    path = tmp_path_factory.mktemp("file") / "made-up.sqlite"
    with Writer(path) as writer:
        for endpoint, document in DOCUMENTS:
            writer.add(endpoint, document)
        writer.finish(HEADER)
    with closing(SqliteSource(path)) as source:
        yield source


def fits_system(document: dict[str, Any], system: str) -> bool:
    parts = system.split("-")
    named = {part for part in parts if part != "*"}
    return named <= set(document["elements"]) and len(parts) == len(document["elements"])


def fits(document: dict[str, Any], query: Query) -> bool:
    """The criteria of a query but its conditions, said as plainly as can be."""
    elements = set(document["elements"])
    words = TEXTS[document["material_id"]].lower().rstrip(".").split()
    return all(
        (
            not query.formulas or formula_key(document["formula_pretty"]) in query.formulas,
            not query.anonymous or document["formula_anonymous"] == query.anonymous,
            not query.chemsys or any(fits_system(document, s) for s in query.chemsys),
            set(query.elements) <= elements,
            not set(query.exclude_elements) & elements,
            not query.material_ids or document["material_id"] in query.material_ids,
            set(query.possible_species) <= set(document["possible_species"]),
            all(document["has_props"].get(name) for name in query.has_props),
            all(word in words for word in query.text.lower().split()),
        )
    )


def meets(document: dict[str, Any], condition: Condition) -> bool:
    value = pick(document, condition.field)
    if value is None:
        return False
    return (
        (condition.equals is None or value == condition.equals)
        and (condition.minimum is None or value >= condition.minimum)
        and (condition.maximum is None or value <= condition.maximum)
    )


def expected(query: Query) -> tuple[int, list[str], dict[str, int]]:
    base = [d for d in SUMMARIES if fits(d, query)]
    found = [d for d in base if all(meets(d, c) for c in query.conditions)]
    lacking = {
        c.field: sum(
            pick(d, c.field) is None and all(meets(d, o) for o in query.conditions if o is not c)
            for d in base
        )
        for c in query.conditions
    }
    found.sort(key=lambda d: int(d["material_id"][3:]))
    if query.sort_by == "material_id":
        ordered = found[::-1] if query.descending else found
    else:
        valued = [d for d in found if pick(d, query.sort_by) is not None]
        lowest_first = sorted({pick(d, query.sort_by) for d in valued}, reverse=query.descending)
        valued.sort(key=lambda d: lowest_first.index(pick(d, query.sort_by)))
        ordered = valued + [d for d in found if pick(d, query.sort_by) is None]
    page = ordered[query.offset : query.offset + query.limit]
    return len(found), [d["material_id"] for d in page], lacking


NUMBERS = st.sampled_from(["band_gap", "energy_above_hull", "bulk_modulus.vrh", "nelements"])
BOUNDS = st.none() | st.sampled_from([0.0, 0.01, 0.5, 1.0, 2.5, 10.0, 99.5])
CONDITIONS = st.one_of(
    st.builds(Condition, NUMBERS, minimum=BOUNDS, maximum=BOUNDS),
    st.builds(Condition, NUMBERS, equals=st.sampled_from([0.0, 1.0, 10.0])),
    st.builds(Condition, st.just("is_stable"), equals=st.sampled_from([1, 0])),
    st.builds(Condition, st.just("ordering"), equals=st.sampled_from(["FM", "NM", "AFM"])),
    st.builds(Condition, st.just("symmetry.crystal_system"), equals=st.just("Cubic")),
    st.builds(Condition, st.just("cbm")),  # no document has it
)


def some(values, most=2):
    return st.lists(st.sampled_from(list(values)), max_size=most, unique=True).map(tuple)


IDS = [d["material_id"] for d in SUMMARIES]
KEYS = sorted({formula_key(d["formula_pretty"]) for d in SUMMARIES})
QUERIES = st.builds(
    Query,
    formulas=st.just(()) | some([*KEYS, "Xe1"], 3),
    anonymous=st.sampled_from(["", "", "", "A1B1", "A1B2"]),
    chemsys=st.just(()) | some(["Fe-O", "Fe", "Cl-Na", "Fe-*", "O-*-*", "*-*", "Xe"]),
    elements=some(SYMBOLS),
    exclude_elements=some([*SYMBOLS, "Xe"]),
    material_ids=st.just(()) | some([*IDS, "mp-1"], 9),
    possible_species=st.just(()) | some(["Fe+", "O+", "Xe+"]),
    has_props=st.just(()) | some(["dos", "thermo", "phonon"]),
    text=st.just("") | some(WORDS).map(" ".join),
    conditions=st.lists(CONDITIONS, max_size=3, unique_by=lambda c: c.field).map(tuple),
    sort_by=st.sampled_from(
        ("energy_above_hull", "band_gap", "material_id", "formula_pretty", "ordering", "cbm")
    ),
    descending=st.booleans(),
    limit=st.integers(0, 30),
    offset=st.integers(0, 20),
)


@settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
@given(query=QUERIES)
def test_a_search_finds_what_a_plain_look_at_all_documents_finds(made_up, query):
    page = made_up.search(query)
    ids = [document["material_id"] for document in page.documents]
    assert (page.total, ids, page.lacking) == expected(query)


def test_the_fields_asked_for_come_with_the_formula_and_nothing_else(made_up):
    page = made_up.search(Query(fields=("bulk_modulus.vrh", "band_gap"), limit=100))
    assert {name for d in page.documents for name in d} == {
        *("material_id", "formula_pretty", "bulk_modulus", "band_gap")
    }


def test_text_that_holds_no_word_matches_nothing(made_up):
    assert made_up.search(Query(text=" ?! ")).total == 0


def test_a_number_asked_of_words_matches_nothing(made_up):
    assert made_up.search(Query(conditions=(Condition("ordering", minimum=0),))).total == 0
    assert made_up.search(Query(conditions=(Condition("band_gap", equals="FM"),))).total == 0


def test_ids_are_in_the_order_of_their_numbers_not_of_their_text(write):
    names = ["mp-1000", "mp-99", "mp-aaaaaabd", "mvc-99"]  # aaaaaabd is 29
    source = write(
        [("summary", {"material_id": n, "formula_pretty": "O2", "chemsys": "O"}) for n in names]
    )
    found = source.search(Query()).documents
    assert [d["material_id"] for d in found] == ["mp-aaaaaabd", "mp-99", "mvc-99", "mp-1000"]


def test_rows_come_in_the_order_of_the_ids_several_per_material(write):
    first, second = "mp-3200001", "mp-3200002"
    rows = [(first, "K"), (second, "K"), (first, "L3")]
    source = write([("xas", {"material_id": name, "edge": edge}) for name, edge in rows])
    found = source.rows("xas", (second, "mp-5", first), ("edge",)).documents
    assert [(d["material_id"], d["edge"]) for d in found] == [
        (second, "K"),
        (first, "K"),
        (first, "L3"),
    ]
    assert not source.rows("eos", (first,)).documents
    with pytest.raises(InvalidInput, match="Did you mean 'xas'"):
        source.rows("xass", (first,))


def test_rows_keep_the_sources_of_the_fields_asked_for(write):
    document = {
        "material_id": "mp-3200001",
        "band_gap": 1.0,
        "volume": 2.0,
        "_sources": {"band_gap": "a", "volume": "b"},
        "_notes": ["made up"],
    }
    source = write([("summary", document | {"formula_pretty": "O2", "chemsys": "O"})])
    (found,) = source.rows("summary", ("mp-3200001",), ("volume",)).documents
    assert found == {
        "material_id": "mp-3200001",
        "volume": 2.0,
        "_sources": {"volume": "b"},
        "_notes": ["made up"],
    }


@pytest.fixture
def crystal():
    from pymatgen.core import Lattice, Structure

    return Structure(
        Lattice.from_parameters(3.1, 4.2, 5.3, 91, 102, 113),
        ["Na", "Cl"],
        [[0.0, 0.0, 0.0], [0.5, 0.25, 0.125]],
        site_properties={"magmom": [0.0, 1.5]},
    )


def test_a_structure_comes_back_from_the_summary_it_came_in(write, crystal):
    from pymatgen.core import Structure

    name, body = "mp-3200001", json.loads(crystal.to_json())
    summary = {"material_id": name, "formula_pretty": "NaCl", "chemsys": "Cl-Na"}
    source = write([("summary", summary | {"structure": body})])
    record = source.structures((name, "mp-5"))[name]
    made = Structure(
        record["lattice"],
        record["species"],
        record["frac_coords"],
        site_properties={"magmom": record["magmoms"]},
    )
    assert made == crystal
    assert source.rows("summary", (name,)).documents[0]["structure"] == body
    assert source.search(Query(fields=("structure",))).documents[0]["structure"] == body
    assert "structure" not in source.rows("summary", (name,), ("formula_pretty",)).documents[0]


def test_entries_are_of_one_thermo_type_however_it_is_written(write):
    def thermo(name, chemsys, thermo_type):
        return {
            "material_id": name,
            "formula_pretty": "x",
            "chemsys": chemsys,
            "thermo_type": thermo_type,
        }

    rows = [
        thermo("mp-3200001", "Fe", "GGA_GGA+U"),
        thermo("mp-3200001", "Fe", "r2SCAN"),
        thermo("mp-3200002", "Fe-O", "R2SCAN"),
        thermo("mp-3200003", "Cl", "R2SCAN"),
    ]
    summaries = {row["material_id"]: {**row, "formula_pretty": "Fe"} for row in rows}
    source = write(
        [
            *(("summary", summary) for summary in summaries.values()),
            *(("thermo", row) for row in rows),
        ]
    )
    found = source.entries(("Fe", "O", "Fe-O"), "R2SCAN").documents
    assert [(d["material_id"], d["thermo_type"]) for d in found] == [
        ("mp-3200001", "R2SCAN"),
        ("mp-3200002", "R2SCAN"),
    ]


def test_a_spectrum_comes_back_and_a_missing_one_is_no_statement_about_the_project(write):
    spectrum = {"material_id": "mp-3200001", "densities": {"1": [0.5, 0.25]}}
    source = write([], spectra=[("dos", spectrum)])
    assert source.spectrum("mp-3200001", "dos") == spectrum
    with pytest.raises(NotFound, match="says nothing about the Materials Project"):
        source.spectrum("mp-3200001", "bands")


def test_recipes_are_counted_and_cut(write):
    recipes = [
        {"doi": f"10.0/{n}", "targets_formula_s": ["LiFePO4" if n % 2 else "TiO2"]}
        for n in range(7)
    ]
    found = write([], recipes=recipes).recipes(RecipeQuery(target="LiFePO4", limit=2))
    assert found.total == 3
    assert [d["doi"] for d in found.documents] == ["10.0/1", "10.0/3"]


def test_a_file_without_materials_answers_that_there_are_none(write):
    source = write([])
    assert source.search(Query(elements=("O",), chemsys=("O",), text="cubic")).total == 0
    assert source.meta().materials == 0


def break_header(path):
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("PRAGMA user_version = 99")


def swap_for_another_database(path):
    path.unlink()
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("CREATE TABLE header (body TEXT)")


def break_columns(path):
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE field SET data = x'00112233'")


def break_dictionaries(path):
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE endpoint SET dictionary = x'00112233'")


def break_documents(path):
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE document SET body = substr(body, 1, 20)")


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (lambda path: path.unlink(), "no such file"),
        (lambda path: path.write_bytes(b""), "no finished materials file"),
        (lambda path: path.write_bytes(b"text" * 9000), "not a database"),
        (lambda path: path.write_bytes(path.read_bytes()[:-20_000]), "malformed"),
        (lambda path: path.write_bytes(path.read_bytes()[:1000]), r"malformed|not a database"),
        (break_header, "its format is 99"),
        (swap_for_another_database, "no finished materials file"),
        (break_columns, "decompressing"),
        (break_dictionaries, "decompressing"),
        (break_documents, r"is damaged|cut short"),
    ],
)
def test_a_file_that_cannot_be_read_is_said_with_what_to_do(made_up, tmp_path, damage, said):
    path = tmp_path / "copy.sqlite"
    shutil.copy(made_up.path, path)
    damage(path)
    with closing(SqliteSource(path)) as source:
        with pytest.raises(SourceError, match=said) as error:
            source.search(Query())
        assert "copy.sqlite" in str(error.value)
        assert "llamp-mcp snapshot" in str(error.value)


def test_many_threads_get_the_answers_one_would_get(made_up):
    draw = random.Random(5)
    queries = [
        Query(elements=(draw.choice(SYMBOLS),), sort_by=draw.choice(("band_gap", "formula_pretty")))
        for _ in range(40)
    ]
    ids = tuple(IDS[:7])
    with closing(SqliteSource(made_up.path)) as fresh, ThreadPoolExecutor(8) as pool:
        pages = list(pool.map(fresh.search, queries))
        rows = list(pool.map(lambda _: fresh.rows("robocrys", ids), range(20)))
    assert pages == [made_up.search(query) for query in queries]
    assert all(row == made_up.rows("robocrys", ids) for row in rows)


def test_asking_leaves_the_file_as_it_is(made_up):
    before = made_up.path.read_bytes()
    made_up.search(Query())
    assert made_up.path.read_bytes() == before
    assert [path.name for path in made_up.path.parent.iterdir()] == [made_up.path.name]


def test_a_closed_file_is_opened_again(made_up):
    total = made_up.search(Query()).total
    made_up.close()
    assert made_up.search(Query()).total == total
