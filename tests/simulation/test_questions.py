from __future__ import annotations

import json
from threading import Thread
from typing import TYPE_CHECKING, Any

import pytest

from llamp_mcp.errors import Cancelled
from llamp_mcp.simulation.questions import ANSWERED, Questions

if TYPE_CHECKING:
    from pathlib import Path

SURE = {"method": "elicitation/create", "params": {"message": "Sure?"}}
NAME = {"method": "elicitation/create", "params": {"message": "Name?"}}


def no_check() -> None:
    """Never stops."""


class Stop:
    """Stops at the n-th look."""

    def __init__(self, looks: int = 1) -> None:
        self.left = looks

    def __call__(self) -> None:
        self.left -= 1
        if self.left <= 0:
            raise Cancelled("stopped")


def ask(directory: Path, **questions: Any) -> None:
    """Ask, and be stopped while waiting."""
    with pytest.raises(Cancelled):
        Questions(directory).ask(questions, Stop())


def test_asking_waits_for_every_answer(tmp_path: Path) -> None:
    got: dict[str, Any] = {}
    asking = Thread(
        target=lambda: got.update(
            Questions(tmp_path).ask({"sure": SURE, "name": NAME}, Stop(looks=400))
        )
    )
    asking.start()
    other = Questions(tmp_path)  # as in another process
    while len(other.pending()) < 2:
        assert asking.is_alive()
    other.answer({"sure": {"action": "accept"}})
    assert other.pending() == {"name": NAME}
    other.answer({"name": {"action": "decline"}})
    asking.join(10)
    assert got == {"sure": {"action": "accept"}, "name": {"action": "decline"}}


def test_nothing_is_pending_before_anything_was_asked(tmp_path: Path) -> None:
    questions = Questions(tmp_path)
    assert questions.pending() == {}
    questions.answer({"sure": 1})
    assert list(tmp_path.iterdir()) == []


def test_waiting_stops_when_the_job_is_cancelled(tmp_path: Path) -> None:
    ask(tmp_path, sure=SURE)
    assert Questions(tmp_path).pending() == {"sure": SURE}


def test_the_first_answer_stays_and_unknown_keys_are_ignored(tmp_path: Path) -> None:
    ask(tmp_path, sure=SURE)
    questions = Questions(tmp_path)
    questions.answer({"other": 1, "sure": "first"})
    questions.answer({"sure": "second"})
    assert questions.ask({"sure": SURE}, no_check) == {"sure": "first"}


def test_a_job_that_runs_again_is_not_asked_again(tmp_path: Path) -> None:
    ask(tmp_path, sure=SURE)
    Questions(tmp_path).answer({"sure": "yes"})
    assert Questions(tmp_path).ask({"sure": SURE}, Stop()) == {"sure": "yes"}


def test_a_key_stands_for_one_question_only(tmp_path: Path) -> None:
    ask(tmp_path, sure=SURE)
    with pytest.raises(ValueError, match="sure"):
        Questions(tmp_path).ask({"sure": NAME}, no_check)


def test_an_answer_torn_by_a_crash_may_be_given_again(tmp_path: Path) -> None:
    ask(tmp_path, sure=SURE)
    line = json.dumps(["sure", "yes"])
    (tmp_path / ANSWERED).write_text(line[:-4])
    assert Questions(tmp_path).pending() == {"sure": SURE}
    Questions(tmp_path).answer({"sure": "yes"})  # on the torn line
    Questions(tmp_path).answer({"sure": "yes"})
    assert Questions(tmp_path).pending() == {}
