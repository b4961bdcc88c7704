"""The worked examples: a page of them, the short form for the README, and their pictures."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml
from worked import session

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from worked import Session

EXAMPLES = Path(__file__).with_name("examples.yaml")
HEAD = """\
# Worked examples

The user stories of the LLaMP paper ([arXiv 2401.17244](https://arxiv.org/abs/2401.17244)), asked of
this server on its embedded sample: what a person types, which tools are called with which
arguments, what comes back as a model reads it, what to answer, and what would be wrong to say. Made
by `python scripts/update_docs.py examples`, which runs a real server over stdio; every number is
from that run. Job ids are numbered here, and times vary. Long answers are cut where it says so."""


@dataclass
class Made:
    """What the examples came to."""

    text: str = ""
    short: str = ""
    pictures: dict[str, bytes] = field(default_factory=dict)


def examples() -> list[dict[str, Any]]:
    """As they are planned."""
    planned: list[dict[str, Any]] = yaml.safe_load(EXAMPLES.read_text(encoding="utf-8"))
    return planned


async def page(wanted: Callable[[dict[str, Any]], bool] = lambda _one: True) -> Made:
    """Run the wanted examples and write them down.

    Args:
        wanted: Which, by its plan.
    """
    planned = [one for one in examples() if wanted(one)]
    made = Made()
    parts, short = [HEAD, _contents(planned)], []
    async with session() as server:
        for one in planned:
            text, answer = await _run(server, one, made.pictures)
            parts.append(text)
            if one.get("readme"):
                short.append(_short(one, answer, len(short) + 1))
    made.text, made.short = "\n\n".join(parts) + "\n", "\n\n".join(short)
    return made


async def _run(server: Session, one: dict[str, Any], pictures: dict[str, bytes]) -> tuple[str, str]:
    """An example as a section, and its answer."""
    parts = [f"## {heading(one)}", f"> {one['ask']}"]
    server.begin()
    for planned in one["calls"]:
        done = await server.call(planned["tool"], planned["arguments"])
        parts.append(done.markdown())
        if name := planned.get("picture"):
            pictures[name] = done.pictures[0]
            parts.append(f"![{one['title']}](pictures/{name})")
    answer = server.plain(server.fill(one["say"]))
    parts.append(f"**Say.** {answer}")
    parts.append("**Wrong would be:**\n\n" + "\n".join(f"* {line}" for line in one["wrong"]))
    if note := one.get("note"):
        parts.append(f"**Note.** {note}")
    return "\n\n".join(parts), answer


def heading(one: dict[str, Any]) -> str:
    """As the section is called."""
    return f"{one['id']}: {one['title']}"


def anchor(title: str) -> str:
    """Of a heading, as GitHub makes it."""
    return re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-")


def _contents(planned: Iterable[dict[str, Any]]) -> str:
    return "\n".join(f"* [{heading(one)}](#{anchor(heading(one))})" for one in planned)


def _short(one: dict[str, Any], answer: str, number: int) -> str:
    link = f"docs/examples.md#{anchor(heading(one))}"
    lines = [f"{number}. **{one['ask']}** {answer} ([calls]({link}))"]
    lines += [
        f"   ![{one['title']}](docs/pictures/{call['picture']})"
        for call in one["calls"]
        if "picture" in call
    ]
    return "\n\n".join(lines)
