"""How each endpoint is asked; what it then answers is tested in `test_live`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import pytest

from llamp_mcp.materials.client import Found
from llamp_mcp.materials.live import rows as live_rows

if TYPE_CHECKING:
    from llamp_mcp.materials.source import Rows

FIRST, SECOND = "mp-3200001", "mp-3200002"


class Server:
    """Takes the place of a `Question`: the same documents for every request of an endpoint."""

    def __init__(self, **documents: list[dict[str, Any]]) -> None:
        self.documents = documents
        self.asked: list[tuple[str, dict[str, Any], tuple[str, ...]]] = []
        self.notes: tuple[str, ...] = ()

    def find(self, endpoint, criteria, fields=(), **_):
        return Found(1, tuple(self.every(endpoint, criteria, fields)))

    def every(self, endpoint, criteria, fields=()):
        self.asked.append((endpoint, criteria, tuple(fields)))
        return [dict(document) for document in self.documents.get(endpoint, ())]

    def listed(self, field, material_ids):
        listing = self.every("summary", {"material_ids": ",".join(material_ids)}, (field,))
        return {d["material_id"]: d[field] for d in listing if d.get(field)}

    def say(self, note):
        self.notes += (note,)


def rows(server: Server, endpoint: str, *ids: str, fields: tuple[str, ...] = ()) -> Rows:
    return live_rows.rows(cast("Any", server), endpoint, ids, fields)


def test_rows_come_in_the_order_of_the_ids_whatever_the_server_does():
    server = Server(bonds=[{"material_id": FIRST}, {"material_id": SECOND}, {"material_id": "x"}])
    found = rows(server, "bonds", SECOND, FIRST, SECOND)
    assert [d["material_id"] for d in found.documents] == [SECOND, FIRST]
    assert server.asked == [("bonds", {"material_ids": f"{SECOND},{FIRST}"}, ())]


def test_the_field_that_names_the_material_is_asked_for_too():
    server = Server()
    rows(server, "xas", FIRST, fields=("edge",))
    assert server.asked == [("xas", {"task_ids": FIRST}, ("edge", "task_id"))]


@pytest.mark.parametrize("endpoint", ["xas", "eos"])
def test_calculations_carry_the_number_of_their_material_only(endpoint):
    server = Server(**{endpoint: [{"task_id": "mp-12"}]})
    assert rows(server, endpoint, "mvc-12").documents[0]["material_id"] == "mvc-12"


def test_phonons_are_asked_for_by_the_ids_that_the_summary_names():
    server = Server(
        summary=[{"material_id": FIRST, "phonon_IDs": {"dfpt": ["mp-7"], "pheasy": ["mp-8"]}}],
        phonon=[{"identifier": "mp-8"}, {"identifier": "mp-7"}, {"identifier": "mp-9"}],
    )
    found = rows(server, "phonon", FIRST, SECOND)
    assert [(d["material_id"], d["identifier"]) for d in found.documents] == [
        (FIRST, "mp-8"),
        (FIRST, "mp-7"),
    ]
    assert server.asked[1] == ("phonon", {"identifiers": "mp-7,mp-8"}, ())


def test_materials_without_phonons_cost_no_second_request():
    server = Server(summary=[{"material_id": FIRST, "phonon_IDs": None}])
    assert rows(server, "phonon", FIRST).documents == ()
    assert len(server.asked) == 1


def test_the_calculations_of_a_material_are_bounded_and_a_note_says_so(monkeypatch):
    monkeypatch.setattr(live_rows, "MAX_TASKS", 4)
    server = Server(
        summary=[
            {"material_id": FIRST, "task_ids": ["mp-1", "mp-2", "mp-3"]},
            {"material_id": SECOND, "task_ids": ["mp-4"]},
        ],
        tasks=[{"task_id": "mp-1"}, {"task_id": "mp-4"}],
    )
    found = rows(server, "tasks", FIRST, SECOND)
    assert server.asked[1][1] == {"task_ids": "mp-1,mp-2,mp-4"}
    assert found.notes == (f"{FIRST} has 3 calculations; 2 of them are read",)
    assert [d["material_id"] for d in found.documents] == [FIRST, SECOND]


def test_films_are_asked_for_in_both_ways_to_write_an_id():
    server = Server()
    rows(server, "substrates", "mp-149")
    assert server.asked[0][1] == {"film_id_eq_any": "mp-149,mp-aaaaaaft"}


def test_electrodes_are_asked_for_with_every_working_ion_in_one_request():
    """The server takes battery ids apart and combines all materials with all ions."""
    server = Server(insertion_electrodes=[{"material_ids": [FIRST, SECOND, "mp-3"]}])
    found = rows(server, "insertion_electrodes", FIRST, SECOND)
    assert [d["material_id"] for d in found.documents] == [FIRST, SECOND]
    (asked,) = server.asked
    batteries = asked[1]["battery_ids"].split(",")
    assert {b.partition("_")[2] for b in batteries} >= {"Li", "Na", "Mg", "Ca", "K", "Zn", "Al"}
    assert {b.partition("_")[0] for b in batteries} == {FIRST, SECOND}
    assert len(batteries) == 11


def test_non_commercial_documents_say_so():
    server = Server(thermo=[{"material_id": FIRST, "builder_meta": {"license": "BY-NC"}}])
    assert "CC BY-NC 4.0" in rows(server, "thermo", FIRST).documents[0]["_notes"][0]
