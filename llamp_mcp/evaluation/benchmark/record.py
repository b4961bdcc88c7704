"""What an evaluation writes down: every trial of every question, and the scores of each set."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from llamp_mcp.experts.react import Step
from llamp_mcp.providers.chat import Usage


class _Plain(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)


class Trial(_Plain):
    """One answer of one model to one question."""

    set_name: str
    key: str
    trial: int
    question: str
    answer: str
    extracted: float | str | None = Field(description="null: no answer")
    correct: bool | None = Field(description="null: nothing to hold it against")
    ids: tuple[str, ...] = Field(default=(), description="ids and DOIs named in the answer")
    ungrounded_ids: tuple[str, ...] = Field(default=(), description="that no tool had returned")
    steps: tuple[Step, ...] = ()
    usage: Usage = Field(default_factory=Usage)
    seconds: float
    error: str | None = Field(default=None, description="why there is no answer")


class Scores(_Plain):
    """Of one question set, by one way of answering; null where undefined."""

    set_name: str
    title: str
    unit: str
    items: int
    trials: int
    precision: float | None = None
    cop: float | None = None
    confidence: float | None = None
    scor: float | None = None
    scor_strict: float | None = None
    mae: float | None = None
    mape: float | None = None
    accuracy: float | None = Field(default=None, description="correct of all trials")
    f1: float | None = Field(default=None, description="macro average over classes")
    invented_ids: int = 0
    tool_calls: int = 0
    failed_calls: int = 0
    usage: Usage = Field(default_factory=Usage)
    seconds: float = Field(default=0.0, description="median of a trial")


class Arm(_Plain):
    """All trials of one way of answering: with the tools or without."""

    name: str = Field(description="with tools | without tools")
    scores: tuple[Scores, ...]
    trials: tuple[Trial, ...]


class Record(_Plain):
    """An evaluation, complete enough to be judged by somebody else."""

    model: str
    agent: str = Field(description="scripted | tool calls | constrained")
    version: str = Field(description="of llamp-mcp")
    source: dict[str, str] = Field(description="the database that answered")
    started: str
    seconds: float
    cost: float | None = Field(default=None, description="at the prices given; null: none given")
    currency: str = ""
    arms: tuple[Arm, ...]
