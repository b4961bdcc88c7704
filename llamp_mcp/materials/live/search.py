"""Search in the live summary endpoint, in the order that `Page` promises.

The server sorts by one field, puts entries without a value first when ascending, leaves ties in any
order, and ignores, without a word, a field it cannot sort by. So a page is taken from it as it
stands only where that order is the promised one; else the matches are fetched, up to a bound, and
ordered here. Beyond the bound the server's order is used, and a note says what that means.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from llamp_mcp.errors import InvalidInput
from llamp_mcp.materials.client import PAGE, batches
from llamp_mcp.materials.filters import FILTERS
from llamp_mcp.materials.identifiers import id_number
from llamp_mcp.materials.live.query import criteria, with_value
from llamp_mcp.materials.source import Document, Page, Query, pick

if TYPE_CHECKING:
    from llamp_mcp.materials.live.question import Question

WINDOW: Final = PAGE
"""Matches that are fetched to be ordered here: one request."""
LOCAL_WINDOW: Final = 5 * PAGE
"""The same where the server cannot sort by the field at all."""
TEXT_MATCHES: Final = 200

_WORD: Final = re.compile(r"\w+")


def search(ask: Question, query: Query) -> Page:
    """The entries that match, from the live Project.

    Raises:
        InvalidInput: The Project cannot search or sort like this.
        SourceError: It could not answer.
    """
    if query.text:
        query = _described(ask, query)
        if not query.material_ids:
            return Page(0, (), {}, ask.notes)
    parameters = criteria(query)
    if parameters is None:
        return Page(0, (), {}, ask.notes)
    lists = [{"material_ids": ids} for ids in batches(query.material_ids)] or [{}]
    asked = [parameters | ids for ids in lists]
    if query.limit == 0:
        totals = [ask.find("summary", one, ("material_id",), limit=1).total for one in asked]
        return Page(sum(totals), (), {}, ask.notes)
    total, documents = _page(ask, query, asked)
    return Page(total, tuple(documents), {}, ask.notes)


def _page(ask: Question, query: Query, asked: list[dict[str, Any]]) -> tuple[int, list[Document]]:
    """How many match, and the documents of the page."""
    sortable = _is_sortable(query.sort_by)
    if len(asked) == 1 and sortable and query.offset == 0:
        total, first = _first_page(ask, query, asked[0])
        if first is not None:
            return total, first
    total, everything = _window(ask, query, asked, WINDOW if sortable else LOCAL_WINDOW)
    if everything is not None:
        ordered = _ordered(everything, query)
        return total, ordered[query.offset : query.offset + query.limit]
    if not sortable or len(asked) > 1:
        raise InvalidInput(
            f"{total} entries match, and the Project cannot sort by {query.sort_by}; up to "
            f"{LOCAL_WINDOW} are sorted here",
            next_step=f"Narrow the search, best by a range of {query.sort_by}, or sort by another "
            "field such as energy_above_hull.",
        )
    ask.say(
        f"{total} entries match: those with equal {query.sort_by} stand in the Project's own order"
    )
    return total, _by_server(ask, query, asked[0], total)


def _first_page(
    ask: Question, query: Query, asked: dict[str, Any]
) -> tuple[int, list[Document] | None]:
    """The first page as the server sorts it, if that is the order promised; one request."""
    found = ask.find(
        "summary", asked, _fields(query), sort=_sort(query), limit=min(query.limit + 1, PAGE)
    )
    documents = list(found.documents)
    if found.total <= query.limit:
        return found.total, _ordered(documents, query)
    if len(documents) <= query.limit:
        return found.total, None
    values = [pick(document, query.sort_by) for document in documents]
    without_value_first = not query.descending and values[0] is None
    if without_value_first or values[query.limit - 1] == values[query.limit]:
        return found.total, None
    return found.total, _ordered(documents[: query.limit], query)


def _window(
    ask: Question, query: Query, asked: list[dict[str, Any]], most: int
) -> tuple[int, list[Document] | None]:
    """How many match, and all of them if they are few enough to be ordered here."""
    sort = _sort(query) if _is_sortable(query.sort_by) else "material_id"
    found: list[Document] = []
    total = 0
    for one in asked:
        page = ask.find("summary", one, _fields(query), sort=sort)
        total += page.total
        documents = list(page.documents)
        while total <= most and documents and len(documents) < page.total:
            page = ask.find("summary", one, _fields(query), sort=sort, skip=len(documents))
            if not page.documents:
                break
            documents += page.documents
        found += documents
    return total, found if total <= most else None


def _by_server(ask: Question, query: Query, asked: dict[str, Any], total: int) -> list[Document]:
    """A page in the server's order, entries without a value moved to the end."""
    bound = {} if query.descending else with_value(query.sort_by)
    bound = {name: value for name, value in bound.items() if name not in asked}
    valued = ask.find(
        "summary",
        asked | bound,
        _fields(query),
        sort=_sort(query),
        limit=query.limit,
        skip=query.offset,
    )
    documents = list(valued.documents)
    lacking = query.limit - len(documents)
    if bound and lacking > 0 and valued.total < total:
        # ascending, those without a value stand first in the server's own order
        rest = ask.find(
            "summary",
            asked,
            _fields(query),
            sort=_sort(query),
            limit=min(lacking, total - valued.total),
            skip=max(0, query.offset - valued.total),
        )
        documents += [d for d in rest.documents if pick(d, query.sort_by) is None]
    return documents


def _described(ask: Question, query: Query) -> Query:
    """The query with the ids of the materials whose description has all the words."""
    words = [word.lower() for word in _WORD.findall(query.text)]
    if not words:
        raise InvalidInput(f"The text {query.text!r} has no words to search for")
    found = ask.find(
        "robocrys/text_search",
        {"keywords": ",".join(words)},
        ("material_id", "description"),
        limit=TEXT_MATCHES,
    )
    if found.total > len(found.documents):
        ask.say(
            f"{found.total} descriptions have one of the words; only the best "
            f"{len(found.documents)} were looked at"
        )
    fitting = [
        document["material_id"]
        for document in found.documents
        if set(words) <= set(_WORD.findall(str(document.get("description", "")).lower()))
    ]
    if query.material_ids:
        fitting = [identifier for identifier in fitting if identifier in query.material_ids]
    return replace(query, text="", material_ids=tuple(fitting))


def _fields(query: Query) -> tuple[str, ...]:
    names = ("material_id", "formula_pretty", *query.fields, query.sort_by)
    return tuple(dict.fromkeys(name.partition(".")[0] for name in names))


def _is_sortable(field: str) -> bool:
    filter_ = FILTERS.get(field)
    return filter_.sortable if filter_ else field in {"material_id", "formula_pretty"}


def _sort(query: Query) -> str:
    return f"-{query.sort_by}" if query.descending else query.sort_by


def _ordered(documents: list[Document], query: Query) -> list[Document]:
    """By the value, then by the number of the id; those without a value last."""
    by_id = sorted(documents, key=lambda document: id_number(document["material_id"]))
    if query.sort_by == "material_id":
        return by_id[::-1] if query.descending else by_id
    held = [d for d in by_id if pick(d, query.sort_by) is not None]
    held.sort(key=lambda document: pick(document, query.sort_by), reverse=query.descending)
    return held + [d for d in by_id if pick(d, query.sort_by) is None]
