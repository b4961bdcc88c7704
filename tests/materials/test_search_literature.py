"""Both indexes are played by a server on loopback. Its papers, people and DOIs are made up.

The shape of the answers follows arXiv's user manual (info.arxiv.org/help/api/user-manual) and
Crossref's REST API (api.crossref.org/swagger-ui).
"""

from __future__ import annotations

import json
import sys
from contextlib import contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread
from urllib.parse import parse_qs, urlsplit

import pytest
from pydantic import ValidationError

from llamp_mcp.errors import InvalidInput, SourceError
from llamp_mcp.materials import search_literature as tool
from llamp_mcp.materials.literature import ARXIV, CROSSREF, Pace
from llamp_mcp.materials.search_literature import OPERATION, LiteratureParams, search_literature
from tests.server.test_text import complete

ENTRY = """
<entry>
  <id>http://arxiv.org/abs/0000.00001v2</id>
  <updated>2021-02-03T00:00:00Z</updated>
  <published>2020-12-31T23:00:00Z</published>
  <title>A made-up paper
    on $E = mc^2$</title>
  <summary>  Nothing was
    measured. </summary>
  <author><name>A. Nobody</name></author><author><name>B. Nemo</name></author>
  <arxiv:doi>10.0000/made.up</arxiv:doi>
  <arxiv:journal_ref>J. None 1, 1 (2021)</arxiv:journal_ref>
  <link href="http://arxiv.org/abs/0000.00001v2" rel="alternate" type="text/html"/>
  <arxiv:primary_category term="cond-mat.mtrl-sci"/>
</entry>"""

ARXIV_ERROR = """
<entry>
  <id>http://arxiv.org/api/errors#incorrect_query</id>
  <updated>2021-02-03T00:00:00Z</updated><published>2021-02-03T00:00:00Z</published>
  <title>Error</title><summary>incorrect query: made up</summary>
</entry>"""

WORK = {
    "DOI": "10.0000/made.up",
    "title": ["Made-up LiFePO<sub>4</sub> at 10<sup>-3</sup> Pa"],
    "author": [{"given": "A.", "family": "Nobody"}, {"name": "The Nemo Collaboration"}],
    "issued": {"date-parts": [[1999, 12, 31]]},
    "container-title": ["Journal of Nothing &amp; None"],
    "abstract": "<jats:title>Abstract</jats:title><jats:p>Nothing was measured.</jats:p>",
    "type": "journal-article",
}


def feed(*entries):
    return f"""<?xml version="1.0" encoding="UTF-8"?>
<feed xmlns="http://www.w3.org/2005/Atom" xmlns:arxiv="http://arxiv.org/schemas/atom"
      xmlns:opensearch="http://a9.com/-/spec/opensearch/1.1/">
  <opensearch:totalResults>{len(entries)}</opensearch:totalResults>{"".join(entries)}</feed>"""


def works(*items, total=None):
    message = {"total-results": total or len(items), "items": list(items)}
    return json.dumps({"status": "ok", "message-type": "work-list", "message": message})


class Answers:
    """What the server says, in turn; the last answer is repeated. Remembers what it was asked."""

    def __init__(self):
        self.bodies, self.asked, self.end = [], [], Event()

    def give(self, body, status=200, kind="application/json", **headers):
        self.bodies.append((body, status, {"Content-Type": kind, **headers}))

    def next(self):
        return self.bodies.pop(0) if len(self.bodies) > 1 else self.bodies[0]


@contextmanager
def serving(answers):
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            url = urlsplit(self.path)
            answers.asked.append((url.path, parse_qs(url.query), dict(self.headers)))
            body, status, headers = answers.next()
            if body is None:  # silence, until the test ends
                answers.end.wait()
                return
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name.replace("_", "-"), value)
            self.send_header("Content-Length", str(len(body.encode())))
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        answers.end.set()
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.fixture
def answers(monkeypatch):
    """Both indexes on loopback, without their pauses."""
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    found = Answers()
    with serving(found) as url:
        fast = Pace(0.0)
        monkeypatch.setitem(tool.INDEXES, "arxiv", replace(ARXIV, url=f"{url}/api", pace=fast))
        monkeypatch.setitem(tool.INDEXES, "crossref", replace(CROSSREF, url=url, pace=fast))
        yield found


@pytest.fixture
def search(settings):
    def call(query="made up", **arguments):
        given = {name: arguments.pop(name) for name in ("contact",) if name in arguments}
        given["request_timeout_s"] = arguments.pop("timeout_s", 10)
        params = LiteratureParams(query=query, **arguments)
        return search_literature(params, settings=settings.model_copy(update=given))

    return call


def test_a_preprint_is_told_with_everything_that_identifies_it(answers, search):
    answers.give(feed(ENTRY), kind="application/atom+xml")
    result = search(source="arxiv")
    assert result.papers == [
        {
            "title": "A made-up paper on $E = mc^2$",
            "authors": ["A. Nobody", "B. Nemo"],
            "year": 2020,
            "doi": "10.0000/made.up",
            "arxiv_id": "0000.00001v2",
            "journal": "J. None 1, 1 (2021)",
            "abstract": "Nothing was measured.",
        }
    ]
    text = result.text()
    assert "doi 10.0000/made.up, arXiv:0000.00001v2: ⟦A made-up paper on $E = mc^2$⟧" in text
    assert "A. Nobody, B. Nemo; ⟦J. None 1, 1 (2021)⟧, 2020" in text
    assert "Thank you to arXiv" in text


def test_a_work_of_crossref_is_told_without_tags_and_with_its_numbers_intact(answers, search):
    answers.give(works(WORK, total=1234))
    result = search(source="crossref")
    assert result.total == 1234
    assert result.papers == [
        {
            "title": "Made-up LiFePO4 at 10^-3 Pa",
            "authors": ["A. Nobody", "The Nemo Collaboration"],
            "year": 1999,
            "doi": "10.0000/made.up",
            "journal": "Journal of Nothing & None",
            "kind": "journal-article",
            "abstract": "Abstract Nothing was measured.",
        }
    ]
    text = result.text()
    assert "1 of 1234 papers for: made up" in text
    assert "doi 10.0000/made.up: ⟦Made-up LiFePO4 at 10^-3 Pa⟧" in text
    assert "⟦Journal of Nothing & None⟧, journal-article, 1999" in text
    complete(text, result.model_dump())


def test_what_an_index_does_not_know_is_left_out(answers, search):
    answers.give(works({"DOI": "10.0000/bare", "issued": {"date-parts": [[None]]}}))
    result = search()
    assert result.papers == [{"doi": "10.0000/bare"}]
    assert "doi 10.0000/bare: no title" in result.text()


@pytest.mark.parametrize(
    ("words", "sent"),
    [
        ("carbon coating", "all:carbon AND all:coating"),
        ('"carbon coating" LiFePO4', 'all:"carbon coating" AND all:LiFePO4'),
        ("ti:checkerboard AND au:nobody", "ti:checkerboard AND au:nobody"),
        ("  one\n two ", "all:one AND all:two"),
    ],
)
def test_all_plain_words_are_asked_of_arxiv_and_its_grammar_is_kept(answers, search, words, sent):
    answers.give(feed(), kind="application/atom+xml")
    assert search(words, source="arxiv", limit=7).query == sent
    path, asked, _ = answers.asked[0]
    assert path == "/api"
    assert asked["search_query"] == [sent]
    assert asked["max_results"] == ["7"]


def test_crossref_is_asked_once_for_what_is_shown_and_told_who_asks(answers, search):
    answers.give(works())
    search("carbon coating", limit=3, contact="nobody@example.org")
    ((path, asked, headers),) = answers.asked
    assert path == "/works"
    assert (asked["query"], asked["rows"]) == (["carbon coating"], ["3"])
    assert "abstract" in asked["select"][0]
    assert "llamp-mcp/" in headers["User-Agent"]
    assert "mailto:nobody@example.org" in headers["User-Agent"]


def test_nobody_is_named_without_a_contact(answers, search):
    answers.give(works())
    search()
    assert "mailto" not in answers.asked[0][2]["User-Agent"]


@pytest.mark.parametrize(("source", "body"), [("arxiv", feed()), ("crossref", works())])
def test_nothing_found_is_an_answer(answers, search, source, body):
    answers.give(body)
    result = search(source=source)
    assert (result.returned, result.papers) == (0, [])
    assert "Nothing was found" in result.text()


def test_many_authors_and_long_abstracts_are_cut_with_a_mark(answers, search):
    people = [{"family": f"Nobody{i}"} for i in range(12)]
    answers.give(works(WORK | {"author": people, "abstract": "<jats:p>" + "word " * 500}))
    paper = search().papers[0]
    assert len(paper["authors"]) == 10
    assert paper["authors_in_all"] == 12
    assert paper["abstract"].endswith("word […]")
    assert len(paper["abstract"]) <= 1204


@pytest.mark.parametrize("source", ["arxiv", "crossref"])
def test_too_many_requests_are_not_repeated_and_the_wait_is_told(answers, search, source):
    answers.give("slow down", 429, "text/plain", Retry_After="17")
    with pytest.raises(SourceError, match=r"fewer requests \(HTTP 429\).*in 17 s"):
        search(source=source)
    assert len(answers.asked) == 1


@pytest.mark.parametrize("source", ["arxiv", "crossref"])
def test_a_failing_server_is_said(answers, search, source):
    answers.give("<html>sorry</html>", 500, "text/html")
    with pytest.raises(SourceError, match=r"failed to answer \(HTTP 500\).*in a minute"):
        search(source=source)
    assert len(answers.asked) <= 2


def test_arxiv_is_asked_once_more_after_a_failure_of_its_server(answers, search):
    answers.give("", 503, "text/html")
    answers.give(feed(ENTRY), kind="application/atom+xml")
    assert search(source="arxiv").returned == 1


def test_what_crossref_says_of_a_bad_request_is_passed_on(answers, search):
    said = {"status": "failed", "message": [{"type": "x", "message": "made-up complaint"}]}
    answers.give(json.dumps(said), 400)
    with pytest.raises(SourceError, match=r"refused the request \(HTTP 400\): 'made-up complaint'"):
        search()


@pytest.mark.parametrize("said", [{"message": "made-up complaint"}, {"message": []}, [], {}])
def test_a_refusal_of_crossref_in_another_shape_is_still_a_refusal(answers, search, said):
    answers.give(json.dumps(said), 403)
    with pytest.raises(SourceError, match=r"refused the request \(HTTP 403\)"):
        search()


def test_what_arxiv_says_of_a_bad_query_is_passed_on(answers, search):
    answers.give(feed(ARXIV_ERROR), kind="application/atom+xml")
    with pytest.raises(InvalidInput, match="incorrect query: made up"):
        search(source="arxiv")


@pytest.mark.parametrize("source", ["arxiv", "crossref"])
def test_a_silent_server_is_left_after_the_timeout(answers, search, source):
    answers.give(None)
    with pytest.raises(SourceError, match=r"no answer within 0\.2 s"):
        search(source=source, timeout_s=0.2)
    assert len(answers.asked) == 1


@pytest.mark.parametrize("source", ["arxiv", "crossref"])
def test_an_unreachable_server_is_said(monkeypatch, answers, search, source):
    gone = replace(tool.INDEXES[source], url="http://127.0.0.1:9")
    monkeypatch.setitem(tool.INDEXES, source, gone)
    with pytest.raises(SourceError, match=r"cannot be reached.*Check the network"):
        search(source=source)


@pytest.mark.parametrize(
    ("source", "body", "kind"),
    [
        ("arxiv", "<html>maintenance</html>", "text/html"),
        ("arxiv", "", "application/atom+xml"),
        ("arxiv", feed(ENTRY.replace("2020-12-31T23:00:00Z", "long ago")), "application/atom+xml"),
        ("crossref", "<html>maintenance</html>", "text/html"),
        ("crossref", "{", "application/json"),
        ("crossref", "[]", "application/json"),
        ("crossref", '{"message": {"items": []}}', "application/json"),
        ("crossref", works({"title": ["no DOI"]}), "application/json"),
        ("crossref", works("no object"), "application/json"),
    ],
)
def test_an_answer_that_is_no_list_of_papers_is_never_taken_for_an_empty_one(
    answers, search, source, body, kind
):
    answers.give(body, kind=kind)
    with pytest.raises(SourceError, match="no list of papers"):
        search(source=source)


@pytest.mark.parametrize("source", ["arxiv", "crossref"])
def test_a_missing_library_is_said_with_how_to_install_it(monkeypatch, search, source):
    library = {"arxiv": "arxiv", "crossref": "habanero"}[source]
    monkeypatch.setitem(sys.modules, library, None)
    with pytest.raises(SourceError, match=r"pip install 'llamp-mcp\[literature\]'"):
        search(source=source)


@pytest.mark.parametrize("query", ["", "  ", "?!"])
def test_a_query_without_words_is_refused(search, query):
    with pytest.raises(InvalidInput, match="no words"):
        search(query)


@pytest.mark.parametrize(
    "arguments", [{"limit": 0}, {"limit": 21}, {"source": "web"}, {"query": "x" * 301}]
)
def test_arguments_outside_their_bounds_are_refused(arguments):
    with pytest.raises(ValidationError):
        LiteratureParams(**{"query": "made up", **arguments})


def test_facts_hold_every_identifier_with_title_and_year(answers, search):
    answers.give(works(WORK))
    told = [(f.subject, f.property, f.value, f.source) for f in OPERATION.facts(search())]
    doi = "10.0000/made.up"
    assert told == [
        (doi, "doi", doi, "Crossref"),
        (doi, "title", "Made-up LiFePO4 at 10^-3 Pa", "Crossref"),
        (doi, "year", 1999, "Crossref"),
    ]


def test_the_tool_is_not_on_by_default_and_says_that_it_leaves_this_machine():
    assert OPERATION.toolset == "literature"
    assert OPERATION.open_world
    assert OPERATION.read_only
