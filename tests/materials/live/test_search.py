"""Against a stand-in that sorts, skips and limits as the summary endpoint does.

Without a value first when ascending, ties in an order of its own, no sorting by what it does not
know. That the real one behaves like this is tested with the Project's own code (`tests/loopback`).
"""

from __future__ import annotations

import random
from typing import Any, cast

import pytest

from llamp_mcp.errors import InvalidInput
from llamp_mcp.materials.client import Found
from llamp_mcp.materials.filters import FILTERS
from llamp_mcp.materials.live import search as live_search
from llamp_mcp.materials.source import Condition, Document, Page, Query, pick


class Server:
    """Takes the place of a `Question`."""

    def __init__(self, documents, descriptions=()):
        self.documents, self.descriptions = documents, descriptions
        self.asked, self.said = [], []

    def find(self, endpoint, criteria, _fields=(), *, sort="", limit=1000, skip=0):
        assert 1 <= limit <= 1000
        self.asked.append((endpoint, criteria, sort, limit, skip))
        if endpoint == "robocrys/text_search":
            return Found(len(self.descriptions), tuple(self.descriptions[:limit]))
        found = [d for d in self.documents if self._matches(d, criteria)]
        field = sort.lstrip("-")
        known = field in FILTERS and FILTERS[field].sortable
        if known or field in {"material_id", "formula_pretty"}:
            held = [d for d in found if d.get(field) is not None]
            held.sort(key=lambda d: d[field], reverse=sort.startswith("-"))
            empty = [d for d in found if d.get(field) is None]
            found = held + empty if sort.startswith("-") else empty + held
        return Found(len(found), tuple(found[skip : skip + limit]))

    @staticmethod
    def _matches(document, criteria):
        ids = criteria.get("material_ids")
        low = criteria.get("energy_above_hull_min")
        value = document.get("energy_above_hull")
        return (ids is None or document["material_id"] in ids.split(",")) and (
            low is None or (value is not None and value >= low)
        )

    def say(self, note):
        self.said.append(note)

    @property
    def notes(self):
        return tuple(self.said)


def search(server: Server, query: Query) -> Page:
    return live_search.search(cast("Any", server), query)


def materials(number, seed=0, share_empty=0.2, values=5):
    """Synthetic entries in random order, many of them tied, some without a value."""
    chance = random.Random(seed)
    documents = []
    for index in chance.sample(range(number), number):
        document: Document = {"material_id": f"mp-{3_200_000 + index}", "formula_pretty": "X"}
        if chance.random() > share_empty:
            document["energy_above_hull"] = chance.randrange(values) / 10
            document["bulk_modulus"] = {"vrh": chance.randrange(values)}
        documents.append(document)
    return documents


def promised(documents, query):
    """The order that `Page` promises, by the book."""
    sign = -1 if query.descending else 1

    def key(document):
        value, number = pick(document, query.sort_by), int(document["material_id"][3:])
        return (value is None, sign * (value or 0), number)

    ordered = sorted(documents, key=key)
    return [d["material_id"] for d in ordered[query.offset : query.offset + query.limit]]


@pytest.mark.parametrize("descending", [False, True])
@pytest.mark.parametrize("sort_by", ["energy_above_hull", "bulk_modulus.vrh"])
@pytest.mark.parametrize("size", [0, 1, 7, 40])
@pytest.mark.parametrize(
    ("share_empty", "values"), [(0, 1000), (0, 2), (0.3, 1000), (0.3, 2), (1, 1)]
)
def test_pages_follow_each_other_in_the_promised_order(
    size, sort_by, descending, share_empty, values
):
    documents = materials(size, share_empty=share_empty, values=values)
    for offset in range(0, size + 1, 6):
        query = Query(sort_by=sort_by, descending=descending, limit=6, offset=offset)
        server = Server(documents)
        page = search(server, query)
        assert [d["material_id"] for d in page.documents] == promised(documents, query)
        assert page.total == size
        assert len(server.asked) <= 2


def test_what_fits_on_a_page_takes_one_request():
    server = Server(materials(20))
    search(server, Query(limit=20))
    assert len(server.asked) == 1


def test_a_page_that_ends_between_two_values_takes_one_request():
    server = Server(materials(500, share_empty=0, values=10**9))
    search(server, Query(limit=20))
    assert [limit for *_, limit, _ in server.asked] == [21]


def test_counting_fetches_no_documents():
    server = Server(materials(30))
    page = search(server, Query(limit=0))
    assert (page.total, page.documents) == (30, ())
    assert [limit for *_, limit, _ in server.asked] == [1]  # 0 would mean all


def test_beyond_the_bound_the_order_is_the_servers_and_a_note_says_so(monkeypatch):
    monkeypatch.setattr(live_search, "WINDOW", 10)
    documents = materials(30, values=2)
    seen: list[Document] = []
    for offset in range(0, 30, 7):
        page = search(Server(documents), Query(limit=7, offset=offset))
        assert "own order" in page.notes[0]
        seen += page.documents
    assert len({d["material_id"] for d in seen}) == 30
    values = [d.get("energy_above_hull") for d in seen]
    held = [value for value in values if value is not None]
    assert values == sorted(held) + [None] * (30 - len(held))


def test_what_the_server_cannot_sort_must_be_few_enough(monkeypatch):
    monkeypatch.setattr(live_search, "LOCAL_WINDOW", 10)
    with pytest.raises(InvalidInput, match=r"30 entries match.*cannot sort by bulk_modulus.vrh"):
        search(Server(materials(30)), Query(sort_by="bulk_modulus.vrh"))


def test_many_ids_are_asked_in_lists_that_fit_into_an_address():
    documents = materials(900)
    ids = tuple(d["material_id"] for d in documents)
    server = Server(documents)
    query = Query(material_ids=ids, limit=20)
    page = search(server, query)
    assert [d["material_id"] for d in page.documents] == promised(documents, query)
    assert page.total == 900
    assert 2 <= len(server.asked) <= 6
    assert search(Server(documents), Query(material_ids=ids, limit=0)).total == 900


def test_what_contradicts_itself_is_not_asked():
    server = Server(materials(5))
    page = search(server, Query(conditions=(Condition("band_gap", minimum=2, maximum=1),)))
    assert (page.total, page.documents, server.asked) == (0, (), [])


def described(identifier, text):
    return {"material_id": identifier, "description": text}


def test_text_must_have_all_words_though_the_server_looks_for_any():
    documents = materials(4)
    server = Server(
        documents,
        [
            described("mp-3200001", "It is (Perovskite)-derived and cubic."),
            described("mp-3200002", "It is perovskite-like, not so symmetric."),
            described("mp-3200003", "It is cubic, of rock salt."),
        ],
    )
    page = search(server, Query(text="cubic Perovskite"))
    assert [d["material_id"] for d in page.documents] == ["mp-3200001"]
    assert server.asked[0][1] == {"keywords": "cubic,perovskite"}


def test_text_and_ids_must_both_fit():
    server = Server(materials(4), [described("mp-3200001", "cubic")])
    assert search(server, Query(text="cubic", material_ids=("mp-3200002",))).total == 0


def test_a_cut_list_of_descriptions_is_told(monkeypatch):
    monkeypatch.setattr(live_search, "TEXT_MATCHES", 1)
    found = [described("mp-3200001", "cubic"), described("mp-3200002", "cubic")]
    page = search(Server(materials(4), found), Query(text="cubic"))
    assert page.total == 1
    assert "2 descriptions have one of the words; only the best 1" in page.notes[0]


def test_a_text_without_words_is_refused():
    with pytest.raises(InvalidInput, match="no words"):
        search(Server([]), Query(text="..."))
