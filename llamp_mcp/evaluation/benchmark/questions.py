"""Question sets: YAML files of questions whose answers are known from elsewhere."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from llamp_mcp.errors import InvalidInput, NotFound

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

FOLDER = Path(__file__).parents[1] / "questions"
"""The question sets that come with the package."""


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)


class Item(_Strict):
    """One question of a set, and the answer it is held against."""

    key: str = Field(description="what is asked about, such as `Sc`; fills {key} of the question")
    question: str = Field(default="", description="in place of that of the set")
    reference: float | str | None = Field(
        default=None, description="the right answer; null: that there is no single value to give"
    )
    ids: tuple[str, ...] = Field(default=(), description="ids or DOIs that the answer must name")


class QuestionSet(_Strict):
    """Questions of one kind.

    `number`: a value in `unit`, right within `tolerance`. `class`: one of `classes`. `ids`: right
    when every id of the item is named in the answer.
    """

    name: str
    title: str
    story: str = Field(default="", description="of the paper, such as S1")
    source: str = Field(description="where the references come from")
    question: str = Field(default="", description="with {key} for what is asked about")
    answer: Literal["number", "class", "ids"]
    unit: str = ""
    tolerance: float = Field(default=0.005, description="relative; a number is right within it")
    absolute: float = Field(default=0.0, description="or within this, in `unit`")
    classes: tuple[str, ...] = ()
    tools: tuple[str, ...] = Field(default=(), description="that a model is given; empty: all")
    database: Literal["any", "sample", "live"] = Field(
        default="any", description="the source that the references hold for"
    )
    items: tuple[Item, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _complete(self) -> QuestionSet:
        for item in self.items:
            if not (item.question or self.question):
                raise ValueError(f"item {item.key!r} has no question")
            if self.answer == "class" and item.reference not in (None, *self.classes):
                raise ValueError(f"{item.reference!r} of {item.key!r} is not one of the classes")
            if self.answer == "number" and isinstance(item.reference, str):
                raise ValueError(f"the reference of {item.key!r} is not a number")
            if self.answer == "ids" and not item.ids:
                raise ValueError(f"item {item.key!r} names no ids")
        return self

    def fits(self, source_kind: str) -> bool:
        """Whether the references hold for a source of this kind."""
        return self.database in ("any", source_kind)

    def asked(self, item: Item) -> str:
        """The question as it is put."""
        return item.question or self.question.format(key=item.key)


def select(names: Iterable[str], source_kind: str) -> tuple[QuestionSet, ...]:
    """Question sets by name, by story such as `S7`, or by path; without names all that fit.

    Args:
        names: Of sets or stories, or paths.
        source_kind: Kind of the source that answers: sample, snapshot or live.

    Raises:
        NotFound: There is no such set.
        InvalidInput: A set that was named has no references for this source.
    """
    here = [read_questions(name) for name in known()]
    if not (wanted := tuple(names)):
        return tuple(one for one in here if one.fits(source_kind))
    chosen: dict[str, QuestionSet] = {}
    for name in wanted:
        of_story = [one for one in here if one.story and one.story.lower() == name.lower()]
        found = [one for one in of_story if one.fits(source_kind)] or [read_questions(name)]
        for one in found:
            if not one.fits(source_kind):
                raise InvalidInput(
                    f"The references of {one.name!r} hold for a {one.database} source, and this "
                    f"one is {source_kind!r}",
                    next_step="Set LLAMP_SOURCE, or leave this set out.",
                )
            chosen[one.name] = one
    return tuple(chosen.values())


def read_questions(name: str) -> QuestionSet:
    """A question set by its name in this package, or by the path of a YAML file.

    Raises:
        NotFound: There is none.
        InvalidInput: The file is not a question set.
    """
    import yaml

    path = Path(name) if name.endswith((".yaml", ".yml")) else FOLDER / f"{name}.yaml"
    if not path.is_file():
        raise NotFound(
            f"There is no question set {name!r}",
            allowed=f"{', '.join(known())}, or the path of a .yaml file",
        )
    try:
        read = yaml.safe_load(path.read_text(encoding="utf-8"))
        return QuestionSet.model_validate(read)
    except (yaml.YAMLError, ValidationError, UnicodeDecodeError) as error:
        raise InvalidInput(f"{str(path)!r} is not a question set: {error}") from error


def known() -> Iterator[str]:
    """Names of the question sets of this package, S2 before S10."""
    return iter(sorted((path.stem for path in FOLDER.glob("*.yaml")), key=_by_number))


def _by_number(name: str) -> list[tuple[int, str]]:
    return [(int(part or 0), word) for word, part in re.findall(r"(\D+)(\d*)", name)]
