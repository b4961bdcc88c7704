"""Question sets and trials for tests: answers made up, nothing asked."""

from __future__ import annotations

from llamp_mcp.evaluation.benchmark.questions import Item, QuestionSet
from llamp_mcp.evaluation.benchmark.record import Arm, Record, Trial
from llamp_mcp.evaluation.benchmark.scoring import is_correct, scores
from llamp_mcp.experts.react import Step
from llamp_mcp.providers.chat import Usage


def question_set(answer, references, **more):
    """A set whose items have these references (or ids), by key."""
    items = tuple(
        Item(key=key, ids=right) if answer == "ids" else Item(key=key, reference=right)
        for key, right in references.items()
    )
    given = {"name": answer, "title": f"A {answer}", "source": "", "question": "{key}?", **more}
    return QuestionSet(answer=answer, items=items, **given)


def trials(asked, answers, **more):
    """Trials of a set: for each key what was extracted, trial by trial."""
    items = {item.key: item for item in asked.items}
    return [
        trial(asked, items[key], at, said, **more)
        for key, row in answers.items()
        for at, said in enumerate(row)
    ]


def trial(asked, item, at, said, **more):
    ids = tuple((said or "").split(", ")) if asked.answer == "ids" else ()
    given = {
        "answer": f"Answer: {said}",
        "correct": is_correct(asked, item, said, ids),
        "ids": ids,
        "steps": (
            Step(tool="get_properties", arguments={}, observation="1"),
            Step(tool="get_propertis", arguments={}, observation="no", failed=True),
        ),
        "usage": Usage(prompt_tokens=100, completion_tokens=10),
        "seconds": float(at + 1),
        **more,
    }
    return Trial(
        set_name=asked.name,
        key=item.key,
        trial=at,
        question=asked.asked(item),
        extracted=said,
        **given,
    )


def record(sets, arms, **more):
    """A record of sets, with the trials of each arm."""
    made = tuple(
        Arm(
            name=name,
            scores=tuple(scores(one, [t for t in held if t.set_name == one.name]) for one in sets),
            trials=tuple(held),
        )
        for name, held in arms.items()
    )
    given = {
        "model": "a-model",
        "agent": "scripted",
        "version": "1.2.3",
        "source": {"name": "a sample", "database_version": "2023.11.1", "notice": "An extract"},
        "started": "2026-01-01T00:00:00+00:00",
        "seconds": 12.0,
        **more,
    }
    return Record(arms=made, **given)
