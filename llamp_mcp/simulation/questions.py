"""What a running calculation asks of the person behind the client, and what was answered.

Two files in the directory of the job, so that the process that computes and the one that serves
need be neither the same nor alive at the same time.
"""

from __future__ import annotations

import json
import os
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

ASKED: Final = "questions.json"
ANSWERED: Final = "answers.jsonl"
POLL_S: Final = 0.05


class Questions:
    """Those of one job, each under a key that it keeps for the life of the job.

    A question is a request in MCP's words (`{"method": "elicitation/create", "params": {…}}`), an
    answer the result of that request. Nothing here reads either.

    Args:
        directory: That of the job.
    """

    def __init__(self, directory: Path) -> None:
        self._asked, self._answered = directory / ASKED, directory / ANSWERED

    def ask(
        self, questions: Mapping[str, dict[str, Any]], check: Callable[[], None]
    ) -> dict[str, Any]:
        """Put questions and wait until each is answered.

        A job that was interrupted asks again with the same keys: what was answered is not asked
        twice.

        Args:
            questions: By key.
            check: Called while waiting; raises to stop.

        Raises:
            ValueError: A key was used before for another question.
        """
        asked = self._read_asked()
        if reused := [key for key in questions if asked.get(key, questions[key]) != questions[key]]:
            raise ValueError(f"these keys were used for other questions: {', '.join(reused)}")
        draft = self._asked.with_suffix(".tmp")
        draft.write_text(json.dumps({**asked, **questions}), encoding="utf-8")
        draft.replace(self._asked)
        while not questions.keys() <= (answers := self._read_answers()).keys():
            check()
            time.sleep(POLL_S)
        return {key: answers[key] for key in questions}

    def pending(self) -> dict[str, dict[str, Any]]:
        """Questions without an answer, by key."""
        asked = self._read_asked()
        answered = self._read_answers() if asked else {}
        return {key: question for key, question in asked.items() if key not in answered}

    def answer(self, answers: Mapping[str, Any]) -> None:
        """Write down answers to pending questions; any other is ignored."""
        pending = self.pending()
        lines = [f"{json.dumps([key, a])}\n" for key, a in answers.items() if key in pending]
        if lines:
            # One write, so that two servers that answer at once do not mix their lines.
            handle = os.open(self._answered, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
            try:
                os.write(handle, "".join(lines).encode())
                os.fsync(handle)
            finally:
                os.close(handle)

    def _read_asked(self) -> dict[str, dict[str, Any]]:
        if not self._asked.is_file():
            return {}
        asked: dict[str, dict[str, Any]] = json.loads(self._asked.read_text(encoding="utf-8"))
        return asked

    def _read_answers(self) -> dict[str, Any]:
        answers: dict[str, Any] = {}
        if self._answered.is_file():
            text = self._answered.read_text(encoding="utf-8")
            for line in text.splitlines():
                with suppress(ValueError):  # being written, or torn by a crash: not answered
                    key, value = json.loads(line)
                    answers.setdefault(key, value)
        return answers
