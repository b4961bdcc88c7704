"""What a tool answered, shortened for a conversation without changing a word of it.

A model that summarises a table of numbers may invent one; so lines are chosen, never written anew,
and what is left out is said.
"""

from __future__ import annotations

import re

HEAD_LINES = 2
_WORD = re.compile(r"(?:mp|mvc|s|j|b)-[a-z0-9]+|[A-Za-z][A-Za-z0-9()]*")
_COMMON = frozenset(
    (
        *("the", "a", "an", "of", "and", "or", "is", "are", "what", "which", "in", "for", "to"),
        *("with", "its", "it", "at", "by", "on", "be", "that", "this", "from", "how", "does"),
    )
)


def words(text: str) -> frozenset[str]:
    """Words and ids of a text that tell one subject from another."""
    return frozenset(found.lower() for found in _WORD.findall(text)) - _COMMON


def shorten(text: str, question: str, limit: int) -> str:
    """The lines of an observation that fit, those first that share words with the question.

    The first lines (source and total) are always kept, lines keep their order, and a last line says
    how many were left out.

    Args:
        text: What the tool answered.
        question: What is asked for: the question with the call's arguments.
        limit: Characters that are kept, about.
    """
    if len(text) <= limit:
        return text
    lines = text.splitlines()
    wanted = words(question)

    def weight(number: int) -> tuple[bool, int, int]:
        return number >= HEAD_LINES, -len(words(lines[number]) & wanted), number

    kept: list[int] = []
    room = limit
    for number in sorted(range(len(lines)), key=weight):
        if len(lines[number]) < room:
            kept.append(number)
            room -= len(lines[number]) + 1
    told = "\n".join(lines[number] for number in sorted(kept))
    if not kept:  # a single line without end
        told = text[:limit]
    left = len(lines) - len(kept)
    return f"{told}\n[shortened: {left} of {len(lines)} lines left out; ask more narrowly]"
