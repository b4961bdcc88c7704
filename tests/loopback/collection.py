"""Collections in memory for the Project's API: mongomock behind the asynchronous interface.

Runs in the second environment, beside emmet-api. MongoDB Atlas adds the stages `$search` and
`$vectorSearch`, which mongomock has not: here the first one matches whole words, regular
expressions on words and values of fields, the second one ranks by cosine; both score as simply as
that. What the API does with the answers is the API's own code.
"""

from __future__ import annotations

import asyncio
import math
import re
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

Json = dict[str, Any]
_WORD = re.compile(r"\w+")


def empty() -> Any:
    """A collection of mongomock's, which only the second environment has."""
    return import_module("mongomock").MongoClient().db.collection


class Cursor:
    """What `aggregate` gives: all documents at once."""

    def __init__(self, documents: list[Json]) -> None:
        self._documents = documents

    async def to_list(self) -> list[Json]:
        return self._documents


class Collection:
    """The three questions that emmet-api asks a collection; time limits and hints mean nothing."""

    def __init__(self, documents: Iterable[Json]) -> None:
        self._documents = list(documents)
        self._collection = empty()
        if self._documents:
            self._collection.insert_many([dict(document) for document in self._documents])

    async def estimated_document_count(self) -> int:
        return len(self._documents)

    async def count_documents(self, criteria: Json, **_: Any) -> int:
        return int(await asyncio.to_thread(self._collection.count_documents, criteria))

    async def aggregate(self, pipeline: list[Json], **_: Any) -> Cursor:
        """In a thread: a long answer to one test must not hold up the short one to another."""
        return Cursor(await asyncio.to_thread(self._aggregated, pipeline))

    def _aggregated(self, pipeline: list[Json]) -> list[Json]:
        first = pipeline[0] if pipeline else {}
        if "$search" in first:
            found = search(self._documents, first["$search"])
        elif "$vectorSearch" in first:
            found = nearest(self._documents, first["$vectorSearch"])
        else:
            # of its own accord mongomock copies all documents before it looks at the first stage
            found = list(self._collection.find(first.get("$match", {})))
            return _run(found, pipeline[1:] if "$match" in first else pipeline)
        return _run(found, [_with_scores(stage) for stage in pipeline[1:]])

    def find(self, criteria: Json, projection: Any = None, **_: Any) -> Cursor:
        return Cursor(list(self._collection.find(criteria, projection)))


def _run(documents: list[Json], pipeline: list[Json]) -> list[Json]:
    """What a pipeline makes of documents; a last `$mergeObjects`, which mongomock lacks, too."""
    collection = empty()
    if documents:
        collection.insert_many(documents)
    last = pipeline[-1] if pipeline else {}
    parts = last.get("$replaceRoot", {}).get("newRoot", {}).get("$mergeObjects")
    found = list(collection.aggregate(pipeline[:-1] if parts else pipeline))
    return [_merged(document, parts) for document in found] if parts else found


def _merged(document: Json, parts: list[Any]) -> Json:
    merged: Json = {}
    for part in parts:
        if isinstance(part, str):
            merged |= _values(document, part.removeprefix("$"))[0]
        else:
            merged |= {k: _values(document, path.removeprefix("$"))[0] for k, path in part.items()}
    return merged


def _with_scores(stage: Json) -> Json:
    """A `$project` that names what a search said about a document: that stands in it already."""
    if "$project" not in stage:
        return stage
    projection = {
        name: 1 if value == "$$SEARCH_META" or (isinstance(value, dict) and "$meta" in value)
        else value
        for name, value in stage["$project"].items()
    }  # fmt: skip
    return {"$project": projection}


def search(documents: list[Json], stage: Json) -> list[Json]:
    """The documents that a `$search` matches, best first, then by id."""
    scored = [(score(document, stage), document) for document in documents]
    matched = [(points, document) for points, document in scored if points > 0]
    matched.sort(key=lambda pair: (-pair[0], str(pair[1].get("material_id", ""))))
    start = 0
    if after := stage.get("searchAfter"):
        start = int(after) + 1
    meta = {"count": {"total": len(matched)}}
    return [
        {
            **document,
            "meta": meta,
            "meta_pagination_token": str(number),
            "search_score": float(points),
            "highlights": [],
        }
        for number, (points, document) in enumerate(matched)
        if number >= start
    ]


def score(document: Json, clause: Json) -> int:
    """How well a document fits a clause; 0: not at all."""
    if "compound" in clause:
        return _compound(document, clause["compound"])
    if "exists" in clause:
        path = clause["exists"]["path"]
        return int(path == "_id" or bool(_values(document, path)))
    if "equals" in clause:
        return int(clause["equals"]["value"] in _values(document, clause["equals"]["path"]))
    if "in" in clause:
        wanted = _listed(clause["in"]["value"])
        return int(any(value in wanted for value in _values(document, clause["in"]["path"])))
    if "regex" in clause:
        return _words(document, clause["regex"], whole=True)
    if "text" in clause or "search" in clause:
        return _words(document, clause.get("text") or clause["search"], whole=False)
    raise NotImplementedError(f"the loopback API has no $search of {sorted(clause)}")


def _compound(document: Json, compound: Json) -> int:
    if any(score(document, clause) for clause in compound.get("mustNot", ())):
        return 0
    points = [score(document, clause) for clause in compound.get("must", ())]
    return sum(points, 1) if all(points) else 0


def _words(document: Json, clause: Json, *, whole: bool) -> int:
    """How many of the asked words the text of a document has; `whole`: each is a pattern."""
    text = " ".join(str(value) for value in _values(document, clause["path"])).lower()
    words = set(_WORD.findall(text))
    asked = [query.lower() for query in _listed(clause["query"])]
    if whole:
        return sum(any(re.fullmatch(query, word) for word in words) for query in asked)
    return sum(bool(words & set(_WORD.findall(query))) for query in asked)


def nearest(documents: list[Json], stage: Json) -> list[Json]:
    """The documents with the largest cosine to a vector, scored (1 + cosine) / 2 as Atlas does."""
    target = stage["queryVector"]
    scored = [
        {**document, "score": (1 + _cosine(document[stage["path"]], target)) / 2}
        for document in documents
        if document.get(stage["path"])
    ]
    scored.sort(key=lambda document: -document["score"])
    return scored[: stage["limit"]]


def _cosine(first: list[float], second: list[float]) -> float:
    dot = sum(a * b for a, b in zip(first, second, strict=False))
    norm = math.hypot(*first) * math.hypot(*second)
    return dot / norm if norm else 0.0


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _values(document: Any, path: str) -> list[Any]:
    """The values at a dotted path, through lists."""
    if isinstance(document, list):
        return [value for item in document for value in _values(item, path)]
    base, _, rest = path.partition(".")
    if not isinstance(document, dict) or document.get(base) is None:
        return []
    found = document[base]
    return _values(found, rest) if rest else _listed(found)
