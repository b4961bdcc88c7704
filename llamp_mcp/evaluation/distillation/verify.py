"""The check that an answer must pass: no number without a fact."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

    from llamp_mcp.evaluation.distillation.rows import Call, Exchange

NUMBER: Final = re.compile(r"(?<![\w.])-?\d+(?:\.\d+)?(?:e[+-]?\d+)?")
ID: Final = re.compile(r"\b(?:mp|mvc)-(?:aa[a-z]{6}\b|\d{1,8}(?!\d))")


def ungrounded(exchange: Exchange) -> list[str]:
    """Digits of an answer that are neither a declared value nor part of a declared name or text.

    A number counts as declared only as it is printed in a fact or in a derived number; digits
    elsewhere only in an id, a formula, a word that a fact states, a source, or a remark.
    """
    names = {
        *exchange.materials,
        *exchange.formulas,
        *exchange.remarks,
        *(fact.source for fact in exchange.facts),
        *(fact.text for fact in exchange.facts if fact.value is None),
    }
    text = without(exchange.answer, names)
    declared = {fact.text for fact in exchange.facts if fact.value is not None}
    declared |= {one.text for one in exchange.derived}
    unknown = [number for number in NUMBER.findall(text) if number not in declared]
    return unknown + re.findall(r"\S*\d\S*", NUMBER.sub("", text))


def without(text: str, names: Iterable[str]) -> str:
    """The text less the names that stand in it as whole words, longest first."""
    for name in sorted(filter(None, names), key=len, reverse=True):
        text = re.sub(rf"(?<![\w.]){re.escape(name)}(?![\w])", " ", text)
    return text


def all_texts(question: str, answer: str, calls: Iterable[Call]) -> list[str]:
    """Every text of a row that a model would learn from."""
    told = [question, answer]
    for call in calls:
        told += [str(call.arguments), call.text]
    return told
