"""Trials on disk as they end, so that an evaluation that was interrupted goes on."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Final, NamedTuple

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from llamp_mcp.errors import InvalidInput
from llamp_mcp.evaluation.benchmark.record import Trial

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from llamp_mcp.evaluation.benchmark.questions import QuestionSet

HEAD: Final = "evaluation.json"
TRIALS: Final = "trials.jsonl"


class Head(BaseModel):
    """What an evaluation is of. One with another head is another evaluation."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    model: str
    agent: str
    version: str
    source: dict[str, str] = Field(description="the database that answers")
    questions: dict[str, str] = Field(description="SHA-256 of each set")
    started: str

    def differs(self, other: Head) -> str:
        """In what two differ; empty where one goes on with the other."""
        ours, theirs = (head.model_dump(exclude={"started"}) for head in (self, other))
        return ", ".join(key for key, value in ours.items() if value != theirs[key])


class Key(NamedTuple):
    """Which trial of what."""

    arm: str
    set_name: str
    item: str
    trial: int


class Line(BaseModel):
    """One trial, with the arm it belongs to."""

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)

    arm: str
    trial: Trial

    @property
    def key(self) -> Key:
        """Which trial of what this is."""
        return Key(self.arm, self.trial.set_name, self.trial.key, self.trial.trial)


class Journal:
    """The trials of one evaluation, in a folder of its own.

    Attributes:
        head: What the evaluation is of.
        done: Trials so far. Of a trial that was made again, the last.
    """

    def __init__(self, folder: Path, head: Head, done: Iterable[Line]) -> None:
        self.head, self._file = head, folder / TRIALS
        self.done = {line.key: line.trial for line in done}

    @classmethod
    def open(cls, folder: Path, head: Head, *, fresh: bool) -> Journal:
        """Go on with what the folder holds, or begin.

        Args:
            folder: Of the evaluation; made where it is missing.
            head: What is to be evaluated.
            fresh: Whether to begin anew, over what is there.

        Raises:
            InvalidInput: The folder holds another evaluation, or one that cannot be read.
        """
        folder.mkdir(parents=True, exist_ok=True)
        at = folder / HEAD
        if fresh or not at.exists():
            (folder / TRIALS).write_bytes(b"")
            at.write_text(head.model_dump_json(indent=1), encoding="utf-8")
            return cls(folder, head, ())
        kept = _read_head(at)
        if other := head.differs(kept):
            raise InvalidInput(
                f"{str(folder)!r} holds an evaluation that differs in its {other}",
                next_step="Give another folder, or begin anew over it with --fresh.",
            )
        return cls(folder, kept, _read_trials(folder / TRIALS))

    def add(self, arm: str, trial: Trial) -> None:
        """Write a trial down."""
        line = Line(arm=arm, trial=trial)
        self.done[line.key] = trial
        with self._file.open("a", encoding="utf-8") as file:
            file.write(line.model_dump_json() + "\n")


def digest(question_set: QuestionSet) -> str:
    """The SHA-256 of all that is asked and held against in a set."""
    return hashlib.sha256(question_set.model_dump_json().encode()).hexdigest()


def _read_head(path: Path) -> Head:
    try:
        return Head.model_validate_json(path.read_bytes())
    except ValidationError as error:
        raise InvalidInput(
            f"{str(path)!r} is not the head of an evaluation",
            next_step="Give another folder, or begin anew over it with --fresh.",
        ) from error


def _read_trials(path: Path) -> list[Line]:
    """All whole lines; a last one that was cut off when the process was killed is dropped."""
    text = path.read_bytes() if path.exists() else b""
    whole = text[: text.rfind(b"\n") + 1]
    if whole != text:
        path.write_bytes(whole)
    try:
        return [Line.model_validate_json(line) for line in whole.splitlines()]
    except ValidationError as error:
        raise InvalidInput(
            f"{str(path)!r} holds a line that is no trial",
            next_step="Give another folder, or begin anew over it with --fresh.",
        ) from error
