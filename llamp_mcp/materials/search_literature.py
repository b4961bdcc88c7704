"""Papers by words, from arXiv or Crossref."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final, Literal

from pydantic import Field

from llamp_mcp.errors import InvalidInput
from llamp_mcp.materials.literature import ARXIV, CROSSREF, Found, ask_arxiv, ask_crossref
from llamp_mcp.operation import Operation, Params, Result
from llamp_mcp.provenance import Fact
from llamp_mcp.quoting import NOTICE, as_data, cleaned_value, quoted

if TYPE_CHECKING:
    from collections.abc import Iterator

    from llamp_mcp.settings import Settings

INDEXES: Final = {"arxiv": ARXIV, "crossref": CROSSREF}

_GRAMMAR = re.compile(r"\b(?:ti|au|abs|co|jr|cat|rn|id|all):|\b(?:AND|OR|ANDNOT)\b")
_TERM = re.compile(r'"[^"]+"|[^\s"]+')


class LiteratureParams(Params):
    """Arguments of `search_literature`."""

    query: str = Field(
        max_length=300, description="words, e.g. 'LiFePO4 carbon coating'; arXiv's ti: au: too"
    )
    source: Literal["arxiv", "crossref"] = Field(
        default="crossref", description="arxiv: preprints; crossref: journals"
    )
    limit: int = Field(default=5, ge=1, le=20, description="papers to return")


class LiteratureResult(Result):
    """The papers found, best match first."""

    source: dict[str, str]
    query: str = Field(description="as it was sent")
    total: int | None = Field(description="papers that match; null: not told")
    returned: int
    papers: list[dict[str, Any]] = Field(
        description="title, authors, year, doi or arxiv_id, journal, abstract"
    )

    def text(self) -> str:
        """Every paper with its identifier first."""
        total = "" if self.total is None else f" of {self.total}"
        lines = [
            f"Source: {self.source['name']}: {self.source['notice']}.",
            f"{self.returned}{total} papers for: {self.query}",
        ]
        if not self.papers:
            lines.append("Nothing was found. Use fewer or other words, or the other source.")
        else:
            lines.append(NOTICE)
        return "\n".join([*lines, *(_paper_text(paper) for paper in self.papers)])


def search_literature(params: LiteratureParams, *, settings: Settings) -> LiteratureResult:
    """Search papers on arXiv or Crossref: title, authors, year, DOI or arXiv id, abstract.

    Use it for what has been published, and cite only identifiers from here. For recipes use
    find_synthesis, for computed properties get_properties. A number in an abstract is the
    paper's, not the Materials Project's.
    """
    words = " ".join(params.query.split())
    if not re.search(r"\w", words):
        raise InvalidInput(
            f"query={params.query!r} has no words to search for",
            next_step="Give a few words, such as 'LiFePO4 carbon coating'.",
        )
    index, timeout_s = INDEXES[params.source], settings.request_timeout_s
    if params.source == "arxiv":
        words = _arxiv_query(words)
        found = ask_arxiv(index, words, params.limit, timeout_s)
    else:
        found = ask_crossref(index, words, params.limit, timeout_s, settings.contact)
    return _result(params, words, found)


def _result(params: LiteratureParams, sent: str, found: Found) -> LiteratureResult:
    index = INDEXES[params.source]
    return LiteratureResult(
        source={"name": index.name, "url": index.url, "notice": index.notice},
        query=sent,
        total=found.total,
        returned=len(found.papers),
        papers=cleaned_value(found.papers),
    )


def _arxiv_query(words: str) -> str:
    """Plain words as `all:` of each, joined by AND; arXiv itself would join them by OR."""
    if _GRAMMAR.search(words):
        return words
    return " AND ".join(f"all:{term}" for term in _TERM.findall(words))


def _paper_text(paper: dict[str, Any]) -> str:
    names = (("doi", "doi "), ("arxiv_id", "arXiv:"))
    identifiers = ", ".join(
        f"{mark}{as_data(paper[name])}" for name, mark in names if name in paper
    )
    authors = ", ".join(map(as_data, paper.get("authors", ())))
    if "authors_in_all" in paper:
        authors += f" and others ({paper['authors_in_all']} in all)"
    where = ", ".join(as_data(str(paper[k])) for k in ("journal", "kind", "year") if k in paper)
    head = "; ".join(part for part in (authors, where) if part)
    title = quoted(paper["title"]) if "title" in paper else "no title"
    abstract = quoted(paper["abstract"]) if "abstract" in paper else ""
    lines = [f"{identifiers or 'no identifier'}: {title}"]
    lines += [f"  {part}" for part in (head, abstract) if part]
    return "\n".join(lines)


def facts(result: LiteratureResult) -> Iterator[Fact]:
    """Every identifier, with title and year: what may be cited."""
    for paper in result.papers:
        for name in ("doi", "arxiv_id"):
            if name not in paper:
                continue
            subject, source = paper[name], result.source["name"]
            yield Fact(subject, name, subject, None, source)
            for told in ("title", "year"):
                if told in paper:
                    yield Fact(subject, told, paper[told], None, source)


OPERATION = Operation(
    name="search_literature",
    title="Search the literature",
    params=LiteratureParams,
    result=LiteratureResult,
    run=search_literature,
    toolset="literature",
    read_only=True,
    open_world=True,
    facts=facts,
)
