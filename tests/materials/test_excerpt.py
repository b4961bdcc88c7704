"""What of a document fits in an answer; all values are made up."""

from __future__ import annotations

from llamp_mcp.materials.excerpt import MAX_VALUES, count, excerpt
from llamp_mcp.materials.groups import GROUPS

ID = "mp-3200001"


def told(group, names, *, by_name=False, **fields):
    document = {"material_id": ID, **fields}
    return excerpt(document, GROUPS[group], names, by_name=by_name)


def facets(number):
    return [
        {"miller_index": [n, 0, 1], "surface_energy": n / 10, "efermi": 1.0} for n in range(number)
    ]


def test_a_long_list_is_cut_with_its_count_and_where_the_rest_is():
    part = told("surface", ("surfaces",), surfaces=facets(20))
    assert len(part.values["surfaces"]) == 8
    assert part.cut["surfaces"] == {
        "shown": 8,
        "total": 20,
        "of": "items",
        "resource": f"mp://{ID}/surface",
    }


def test_a_list_that_is_named_comes_whole_with_all_its_columns():
    part = told("surface", ("surfaces",), by_name=True, surfaces=facets(20))
    assert part.values["surfaces"] == facets(20)
    assert part.cut == {}


def test_columns_that_nobody_asked_for_are_left_out():
    part = told("surface", ("surfaces",), surfaces=facets(1))
    assert part.values["surfaces"] == [{"miller_index": [0, 0, 1], "surface_energy": 0.0}]


def test_a_huge_field_is_a_link_even_when_named():
    energies = [float(n) for n in range(MAX_VALUES + 1)]
    part = told("absorption", ("energies",), by_name=True, energies=energies)
    assert part.values == {}
    assert (part.cut["energies"]["shown"], part.cut["energies"]["total"]) == (0, 201)


def test_of_a_huge_list_of_objects_some_are_given():
    part = told("surface", ("surfaces",), by_name=True, surfaces=facets(100))
    assert 0 < len(part.values["surfaces"]) <= 8
    assert part.cut["surfaces"]["total"] == 100


def test_a_long_text_is_cut_at_a_word_unless_named():
    words = "word " * 1000
    part = told("robocrys", ("description",), description=words)
    assert part.values["description"].endswith("word …")
    assert part.cut["description"]["total"] == len(words)
    whole = told("robocrys", ("description",), by_name=True, description=words)
    assert whole.values["description"] == words


def test_a_dotted_name_gives_that_part_alone():
    moduli = {"vrh": 1.0, "voigt": 2.0, "reuss": 0.5}
    names = ("bulk_modulus.vrh", "bulk_modulus.reuss")
    part = told("elasticity", names, by_name=True, bulk_modulus=moduli)
    assert part.values == {"bulk_modulus": {"vrh": 1.0, "reuss": 0.5}}


def test_what_tells_documents_apart_is_always_given():
    part = told(
        "thermo",
        ("energy_above_hull",),
        by_name=True,
        energy_above_hull=0.1,
        thermo_type="R2SCAN",
        energy_per_atom=-1.0,
    )
    assert part.values == {"energy_above_hull": 0.1, "thermo_type": "R2SCAN"}


def test_scalars_are_counted_however_deep():
    assert count({"a": [1, [2, {"b": 3.0}]], "c": None}) == 4
    assert count("x" * 400) == 11
