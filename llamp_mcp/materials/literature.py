"""arXiv and Crossref, asked through the libraries `arxiv` and `habanero`, politely and in bounds.

arXiv asks for at most one request in three seconds (info.arxiv.org/help/api/tou), Crossref for one
after the other. `arxiv` sets no timeout, and what either library raises is put in our words here.
"""

from __future__ import annotations

import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from html.parser import HTMLParser
from importlib import import_module
from threading import Lock
from typing import TYPE_CHECKING, Any, Final

from llamp_mcp import __version__
from llamp_mcp.errors import InvalidInput, SourceError, clip

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

MAX_AUTHORS: Final = 10
MAX_ABSTRACT: Final = 1200
_MAX_TITLE: Final = 400
_PARTS: Final = ("DOI", "title", "author", "issued", "container-title", "abstract", "type")
_TOO_MANY: Final = 429


@dataclass(frozen=True, slots=True)
class Found:
    """Papers, best match first, and how many match in all where the index says so."""

    total: int | None
    papers: list[dict[str, Any]]


@dataclass(slots=True)
class Pace:
    """One request at a time, each at least `interval_s` seconds after the one before.

    Args:
        interval_s: Seconds between two requests of this process.
    """

    interval_s: float
    _turn: Lock = field(default_factory=Lock)
    _last: float = float("-inf")

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Wait for our turn."""
        with self._turn:
            time.sleep(max(0.0, self._last + self.interval_s - time.monotonic()))
            try:
                yield
            finally:  # a library may have asked twice
                self._last = time.monotonic()


@dataclass(frozen=True, slots=True, kw_only=True)
class Index:
    """A bibliographic index.

    Attributes:
        name: As it is called in answers.
        url: Where it is asked.
        pace: How often.
        notice: What its answers are, and what it asks to be said.
    """

    name: str
    url: str
    pace: Pace
    notice: str


ARXIV: Final = Index(
    name="arXiv",
    url="https://export.arxiv.org/api/query",
    pace=Pace(3.0),
    notice="preprints, not all of them peer-reviewed; the year is that of the first version. "
    "Thank you to arXiv for use of its open access interoperability",
)
CROSSREF: Final = Index(
    name="Crossref",
    url="https://api.crossref.org",
    pace=Pace(1.0),
    notice="metadata as publishers deposited them; many deposit no abstract. Ranked by words in "
    "common, so the last ones may be off the subject",
)


def ask_arxiv(index: Index, query: str, limit: int, timeout_s: float) -> Found:
    """Search preprints.

    Args:
        index: arXiv, or a stand-in for it.
        query: In arXiv's grammar, such as `all:silicon AND ti:anode`.
        limit: Papers to return.
        timeout_s: Seconds the server may be silent.

    Raises:
        SourceError: arXiv did not answer, or not with papers.
    """
    arxiv = _library("arxiv")
    import requests

    client = arxiv.Client(page_size=limit, delay_seconds=index.pace.interval_s, num_retries=1)
    client.query_url_format = index.url + "?{}"
    client._session = _bounded_session(index, timeout_s)
    search = arxiv.Search(query=query, max_results=limit)
    with index.pace.turn():
        try:
            papers = [_preprint(result) for result in client.results(search)]
        except arxiv.HTTPError as error:
            raise _refused(index, error.status, "") from error
        except requests.Timeout as error:
            raise _silent(index, timeout_s) from error
        except requests.RequestException as error:
            raise _unreachable(index, error) from error
        except (arxiv.ArxivError, ValueError) as error:
            raise _not_understood(index, str(error)) from error
    return Found(None, papers)


def ask_crossref(index: Index, query: str, limit: int, timeout_s: float, contact: str) -> Found:
    """Search published works.

    Args:
        index: Crossref, or a stand-in for it.
        query: Words of title, authors, journal and abstract.
        limit: Papers to return.
        timeout_s: Seconds the server may be silent.
        contact: E-mail address for Crossref's faster, "polite" pool; empty: none.

    Raises:
        SourceError: Crossref did not answer, or not with works.
    """
    habanero = _library("habanero")
    import httpx2

    client = habanero.Crossref(
        base_url=index.url,
        mailto=contact or None,
        ua_string=f"llamp-mcp/{__version__}",
        timeout=timeout_s,
    )
    with index.pace.turn():
        try:
            answer = client.works(query=query, limit=limit, select=list(_PARTS))
        except RuntimeError as error:  # habanero's wrapping of whatever httpx2 raised
            if isinstance(error.__cause__, httpx2.TimeoutException):
                raise _silent(index, timeout_s) from error
            raise _unreachable(index, error.__cause__ or error) from error
        except (
            httpx2.HTTPStatusError,
            habanero.RequestError,
            ValueError,  # and what habanero stumbles over when it reads the text of a refusal
            KeyError,
            TypeError,
        ) as error:
            raise _refused_by_crossref(index, error) from error
    return _works(index, answer)


def plain(text: str) -> str:
    """The words of a text with JATS, HTML or MathML tags, on one line.

    What is raised keeps a mark, so that 10<sup>-3</sup> is read as 10^-3 and never as 10-3.
    """
    reader = _Plain()
    reader.feed(text)
    reader.close()
    return " ".join(reader.words().split())


def cut(text: str, limit: int = MAX_ABSTRACT) -> str:
    """The beginning of a text, with a mark where it was cut."""
    return text if len(text) <= limit else f"{text[:limit].rsplit(' ', 1)[0]} […]"


class _Plain(HTMLParser):
    """Collects text, element by element; unknown, unclosed and stray tags do no harm."""

    _BLOCKS = frozenset({"p", "title", "sec", "list", "list-item", "br", "disp-formula", "div"})
    _EMPTY = frozenset({"br", "hr", "img", "mspace", "inline-graphic", "graphic"})

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self._open: list[tuple[str, list[str]]] = [("", [])]

    def words(self) -> str:
        """All text so far."""
        while len(self._open) > 1:
            self._close()
        return "".join(self._open[0][1])

    def handle_starttag(self, tag: str, _attrs: object) -> None:
        name = tag.rpartition(":")[2]
        if name in self._EMPTY:
            self.handle_data(" ")
        else:
            self._open.append((name, []))

    def handle_startendtag(self, _tag: str, _attrs: object) -> None:
        self.handle_data(" ")

    def handle_endtag(self, tag: str) -> None:
        name = tag.rpartition(":")[2]
        if name in [opened for opened, _ in self._open[1:]]:
            while self._close() != name:
                pass

    def handle_data(self, data: str) -> None:
        self._open[-1][1].append(data)

    def _close(self) -> str:
        name, parts = self._open.pop()
        self._open[-1][1].append(self._rendered(name, parts))
        return name

    def _rendered(self, name: str, parts: list[str]) -> str:
        children = [part.strip() for part in parts if part.strip()]
        if name in {"msup", "mover"}:
            return "^".join(children)
        if name == "mfrac":
            return "/".join(children)
        text = "".join(parts)
        if name == "sup" and text.strip():
            return f"^{text.strip()}"
        return f" {text} " if name in self._BLOCKS else text


def _preprint(result: Any) -> dict[str, Any]:
    if "/api/errors" in result.entry_id:
        raise InvalidInput(
            f"arXiv cannot search for this: {clip(result.summary, 200)}",
            allowed="plain words, or arXiv's grammar: ti:, au:, abs:, cat:, all:, AND, OR, ANDNOT",
            next_step="Search for a few plain words.",
        )
    return _paper(
        title=result.title,
        authors=[author.name for author in result.authors],
        year=result.published.year,
        doi=result.doi,
        arxiv_id=result.get_short_id(),
        journal=result.journal_ref,
        abstract=cut(" ".join(result.summary.split())),
    )


def _works(index: Index, answer: Any) -> Found:
    try:
        message = answer["message"]
        return Found(int(message["total-results"]), [_work(item) for item in message["items"]])
    except (ValueError, KeyError, TypeError, AttributeError, IndexError) as error:
        raise _not_understood(index, f"{type(error).__name__}: {error}") from error


def _work(item: Mapping[str, Any]) -> dict[str, Any]:
    dates = (item.get("issued") or {}).get("date-parts") or [[None]]
    return _paper(
        title=plain((item.get("title") or [""])[0]),
        authors=[_author(author) for author in item.get("author") or ()],
        year=dates[0][0] if dates[0] else None,
        doi=item["DOI"],
        journal=plain((item.get("container-title") or [""])[0]),
        kind=item.get("type"),
        abstract=cut(plain(item.get("abstract") or "")),
    )


def _author(author: Mapping[str, Any]) -> str:
    names = (author.get("given"), author.get("family"))
    return " ".join(name for name in names if name) or str(author.get("name") or "")


def _paper(title: str, authors: list[str], **rest: Any) -> dict[str, Any]:
    """What is known of a paper; what is not is not there."""
    named = [name for name in authors if name]
    paper = {
        "title": cut(" ".join(title.split()), _MAX_TITLE),
        "authors": named[:MAX_AUTHORS],
        "authors_in_all": len(named) if len(named) > MAX_AUTHORS else None,
        **rest,
    }
    return {name: value for name, value in paper.items() if value}


def _library(name: str) -> Any:
    try:
        return import_module(name)
    except ImportError as error:
        raise SourceError(
            f"The search of literature needs the package {name!r}, which is not installed",
            next_step="Install it with: pip install 'llamp-mcp[literature]', and restart.",
        ) from error


def _bounded_session(index: Index, timeout_s: float) -> Any:
    """A session that waits a bounded time, and refuses at once what a retry would not mend.

    `arxiv` sets no timeout, retries every status, and takes any text for an empty list of papers.
    """
    import requests

    def check(answer: requests.Response, **_: object) -> None:
        if 400 <= answer.status_code < 500:
            raise _refused(index, answer.status_code, answer.headers.get("Retry-After", ""))
        if answer.status_code == requests.codes.ok and b"<feed" not in answer.content[:2000]:
            raise _not_understood(index, answer.text[:200])

    session = requests.Session()
    session.request = partial(session.request, timeout=timeout_s)  # type: ignore[method-assign]
    session.hooks["response"].append(check)
    return session


def _refused_by_crossref(index: Index, error: Exception) -> SourceError:
    """The error for a status that is not success, or for an answer of status 200 that is no JSON.

    habanero keeps the answer only in the error that it was handling when it raised its own.
    """
    refusal = getattr(error, "response", None) or getattr(error.__context__, "response", None)
    if refusal is None:
        return _not_understood(index, f"{type(error).__name__}: {error}")
    said = str(getattr(error, "error", ""))
    return _refused(index, refusal.status_code, str(refusal.headers.get("Retry-After", "")), said)


def _refused(index: Index, status: int, wait: str, said: str = "") -> SourceError:
    if status == _TOO_MANY:
        when = f"in {wait} s" if wait.isdigit() else "in a minute"
        return SourceError(
            f"{index.name} asks for fewer requests (HTTP 429)",
            next_step=f"Call again {when}; ask for more papers in one call instead of many calls.",
        )
    if status < 500:
        reason = f": {clip(said, 200)}" if said else ""
        return SourceError(
            f"{index.name} refused the request (HTTP {status}){reason}",
            next_step="Search for a few plain words.",
        )
    return SourceError(
        f"{index.name} failed to answer (HTTP {status})",
        next_step=f"Call again in a minute, or use the other source than {index.name}.",
    )


def _silent(index: Index, timeout_s: float) -> SourceError:
    return SourceError(
        f"{index.name} gave no answer within {timeout_s:g} s",
        next_step="Call again later, or use the other source.",
    )


def _unreachable(index: Index, error: BaseException) -> SourceError:
    return SourceError(
        f"{index.name} cannot be reached: {clip(str(error), 160)}",
        next_step="Check the network and its proxy; nothing was looked up.",
    )


def _not_understood(index: Index, said: str) -> SourceError:
    return SourceError(
        f"{index.name} answered something that is no list of papers: {clip(said, 160)}",
        next_step="Call again later, or use the other source.",
    )
