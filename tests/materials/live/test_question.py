from __future__ import annotations

import socket

import pytest

from llamp_mcp.errors import InvalidInput, SourceError
from llamp_mcp.materials.client import ProjectClient
from llamp_mcp.materials.live.cache import open_cache
from llamp_mcp.materials.live.question import Question
from tests.materials.live.stub_project import VERSION, page, serving, status

DOCUMENT = {"material_id": "mp-3200001", "band_gap": 0.5}
ASKED = ("summary", {"elements": "O"}, ("band_gap",))


@pytest.fixture
def stub():
    with serving() as server:
        server.answers(page(DOCUMENT))
        yield server


def questions(settings):
    """Makes questions as one server process does: one client, one cache."""
    client, cache = ProjectClient(settings), open_cache(settings)
    return lambda: Question(client, cache)


def closed_address():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{taken.getsockname()[1]}/"


def test_a_repeated_question_is_answered_from_the_cache_which_says_so(stub, tmp_path):
    ask = questions(stub.settings(tmp_path))
    first, second = ask(), ask()
    assert first.find(*ASKED).documents == second.find(*ASKED).documents == (DOCUMENT,)
    assert len(stub.requests) == 1
    assert first.notes == ()
    assert second.notes[0].startswith("answered from the cache, fetched 20")


def test_another_question_is_asked(stub, tmp_path):
    ask = questions(stub.settings(tmp_path))()
    ask.find(*ASKED)
    ask.find("summary", {"elements": "Fe"}, ("band_gap",))
    ask.find(*ASKED, limit=5)
    ask.find(*ASKED, sort="band_gap")
    assert len(stub.requests) == 4


def test_another_version_or_key_is_asked_anew(stub, tmp_path):
    questions(stub.settings(tmp_path))().find(*ASKED)
    questions(stub.settings(tmp_path, mp_api_key="other" + "0" * 27))().find(*ASKED)
    stub.version = "2027.01.01-synthetic"
    questions(stub.settings(tmp_path))().find(*ASKED)
    assert len(stub.requests) == 3


def test_an_error_is_not_kept(stub, tmp_path):
    ask = questions(stub.settings(tmp_path))
    stub.answers(status(403), page(DOCUMENT))
    with pytest.raises(SourceError):
        ask().find(*ASKED)
    assert ask().find(*ASKED).documents == (DOCUMENT,)


def test_without_days_nothing_is_kept(stub, tmp_path):
    ask = questions(stub.settings(tmp_path, cache_days=0))
    ask().find(*ASKED)
    ask().find(*ASKED)
    assert len(stub.requests) == 2


def test_offline_the_cache_answers_what_was_asked_before_and_says_so(stub, tmp_path):
    questions(stub.settings(tmp_path))().find(*ASKED)
    stub.heartbeat = status(404)
    ask = questions(stub.settings(tmp_path))()
    assert ask.is_offline
    assert ask.find(*ASKED).documents == (DOCUMENT,)
    cached, away = ask.notes
    assert cached.startswith("answered from the cache")
    assert "cannot be reached now" in away
    assert VERSION in away
    with pytest.raises(SourceError, match="never asked before"):
        ask.find("summary", {"elements": "Fe"}, ("band_gap",))
    assert len(stub.requests) == 1


def test_offline_without_a_cache_is_told_with_what_to_do(stub, tmp_path):
    ask = questions(stub.settings(tmp_path, mp_api_endpoint=closed_address()))
    with pytest.raises(SourceError, match=r"nothing accepts connections.*LLAMP_SOURCE=sample"):
        ask()


def test_pages_are_collected_up_to_a_bound_and_a_note_says_what_is_missing(stub, tmp_path):
    ask = questions(stub.settings(tmp_path))()
    stub.answers(page(DOCUMENT, DOCUMENT, total=5))
    assert len(ask.every(*ASKED, most=4)) == 4
    assert "has 5 summary documents" in ask.notes[0]
    assert len(stub.requests) == 2


def test_all_pages_are_collected(stub, tmp_path):
    ask = questions(stub.settings(tmp_path))()
    stub.answers(page(DOCUMENT, DOCUMENT, total=3), page(DOCUMENT, total=3))
    assert len(ask.every(*ASKED)) == 3
    assert ask.notes == ()


def test_what_means_nothing_in_part_is_refused_instead_of_cut(stub, tmp_path):
    ask = questions(stub.settings(tmp_path))()
    stub.answers(page(DOCUMENT, total=5))
    with pytest.raises(InvalidInput, match="5 summary documents of this, more than 4"):
        ask.every(*ASKED, most=4, whole=True)
    assert len(stub.requests) == 1
