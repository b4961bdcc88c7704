"""JSON as text: one member is put in, exchanged or taken out, every other character stays.

Comments and trailing commas, where a client allows them, are blanked out for the parser in a copy
of the same length, so that its positions hold in the text itself.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from llamp_mcp.errors import InvalidInput

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_STRING: Final = r'"(?:[^"\\]|\\.)*"'
_COMMENT: Final = re.compile(rf"{_STRING}|//[^\r\n]*|/\*.*?\*/", re.DOTALL)
_TRAILING: Final = re.compile(rf"{_STRING}|,(?=\s*[}}\]])", re.DOTALL)
_SPACE: Final = re.compile(r"\s*")
_BOM: Final = "\ufeff"


@dataclass(frozen=True)
class _Member:
    """A member of an object, or an item of a list: where it, its value and its end are."""

    key: str
    start: int
    value: int
    end: int


class JsonText:
    """A JSON document and its text.

    Args:
        text: The document; empty: a new one.
        comments: Whether the client allows comments and trailing commas.

    Raises:
        InvalidInput: The text is no JSON object, or holds a key twice.
    """

    def __init__(self, text: str, *, comments: bool = False) -> None:
        self._comments = comments
        self.text = text if text.strip(_BOM + " \t\r\n") else "{}\n"
        bare = self.text.replace(_BOM, " ", 1) if self.text.startswith(_BOM) else self.text
        self._bare = _COMMENT.sub(_blank, bare) if comments else bare
        self._strict = _TRAILING.sub(_blank, self._bare) if comments else bare
        try:
            self.data: Any = json.loads(self._strict, object_pairs_hook=_unique)
        except (ValueError, RecursionError) as error:
            hint = "" if comments else " or holds comments, which its client cannot read"
            raise InvalidInput(
                f"The configuration is not valid JSON ({error}){hint}; nothing was changed",
                next_step="Repair it first, or name another file with --config.",
            ) from error
        if not isinstance(self.data, dict):
            raise InvalidInput("The configuration is not a JSON object; nothing was changed")

    def entry(self, container: str, name: str) -> Any:
        """The entry of that name; None if there is none."""
        return self._held(container, dict).get(name)

    def names(self, container: str, chosen: Callable[[Any], bool]) -> list[str]:
        """Names of the entries that are chosen."""
        return [name for name, entry in self._held(container, dict).items() if chosen(entry)]

    def with_entry(self, container: str, name: str, entry: Mapping[str, Any]) -> JsonText:
        """The document with that entry, in the place of one of the same name."""
        held = self._held(container, dict)
        if held.get(name) == entry:
            return self
        if container not in self.data:
            return self._append(self._root, container, {name: entry})
        members, _ = self._members(self._value_of(container))
        old = next((member for member in members if member.key == name), None)
        if old is None:
            return self._append(self._value_of(container), name, entry)
        indent = self._indent_of(old.start)
        return self._made(
            self.text[: old.value] + self._written(entry, indent) + self.text[old.end :]
        )

    def without_entry(self, container: str, name: str) -> JsonText:
        """The document without that entry."""
        opening = self._value_of(container)
        members, _ = self._members(opening)
        return self._cut(opening, [member.key for member in members].index(name))

    def with_item(self, container: str, item: Mapping[str, Any]) -> JsonText:
        """The document with that item in a list of things that have an `id`."""
        held = self._held(container, list)
        if any(isinstance(one, dict) and one.get("id") == item["id"] for one in held):
            return self
        if container not in self.data:
            return self._append(self._root, container, [item])
        return self._append(self._value_of(container), "", item)

    def without_item(self, container: str, identifier: str) -> JsonText:
        """The document without the item of that `id`; as it is, if there is none."""
        held = self._held(container, list)
        for index, one in enumerate(held):
            if isinstance(one, dict) and one.get("id") == identifier:
                return self._cut(self._value_of(container), index)
        return self

    def _held(self, container: str, kind: type) -> Any:
        held = self.data.get(container, kind())
        if not isinstance(held, kind):
            wanted = "a list" if kind is list else "an object"
            raise InvalidInput(
                f"{container!r} in the configuration is not {wanted}; nothing was changed",
                next_step="Repair it first, or name another file with --config.",
            )
        return held

    def _made(self, text: str) -> JsonText:
        return JsonText(text, comments=self._comments)

    def _value_of(self, container: str) -> int:
        members, _ = self._members(self._root)
        return next(member.value for member in members if member.key == container)

    @property
    def _root(self) -> int:
        return self._strict.index("{")

    def _members(self, opening: int) -> tuple[list[_Member], int]:
        """Members of the object or list that begins there, and where it closes."""
        strict, decoder = self._strict, json.JSONDecoder()
        members, at = [], _next(strict, opening + 1)
        while strict[at] not in "}]":
            if strict[at] == ",":
                at = _next(strict, at + 1)
            start, key = at, ""
            if strict[opening] == "{":
                key, at = decoder.raw_decode(strict, at)
                at = _next(strict, _next(strict, at) + 1)  # over the colon
            _, end = decoder.raw_decode(strict, at)
            members.append(_Member(key, start, at, end))
            at = _next(strict, end)
        return members, at

    def _append(self, opening: int, key: str, value: Any) -> JsonText:
        """Behind the last member, and behind comments that follow it."""
        text, (members, close) = self.text, self._members(opening)
        begin = members[-1].end if members else opening + 1
        gap = text[begin:close]
        body = gap.rstrip()
        depth = 1 if opening == self._root else 2
        indent = self._indent_of(members[0].start) if members else self._unit * depth
        item = self._written(value, indent)
        if key:
            item = f"{json.dumps(key, ensure_ascii=False)}: {item}"
        line = f"{self._newline}{indent}{item}"
        if not members:
            tail = self._newline + self._unit * (depth - 1)
            return self._made(text[:begin] + body + line + tail + text[close:])
        trailing = "," in self._bare[begin:close]  # then ours gets one, too
        before, behind = ("", ",") if trailing else (",", "")
        tail = gap[len(body) :]
        return self._made(text[:begin] + before + body + line + behind + tail + text[close:])

    def _cut(self, opening: int, index: int) -> JsonText:
        """Without one member, the comma that parted it, and its line."""
        members, close = self._members(opening)
        ours = members[index]
        limit = members[index + 1].start if index + 1 < len(members) else close
        comma = self._bare.find(",", ours.end, limit)
        head, bare = self.text[: ours.start], self._bare[: ours.start]
        tail = self.text[max(ours.end, comma + 1) :]
        if comma < 0 and index:  # none behind ours: the one before it goes
            at = bare.index(",", members[index - 1].end)
            head, bare = head[:at] + head[at + 1 :], bare[:at] + bare[at + 1 :]
        kept = head.rstrip()
        after_comment = bare[len(kept) - 1].isspace()
        if not after_comment or re.match(r"[ \t]*\r?\n", tail):
            head = kept
        if len(members) == 1 and not after_comment:
            tail = tail.lstrip()
        return self._made(head + tail)

    @property
    def _newline(self) -> str:
        return "\r\n" if "\r\n" in self.text else "\n"

    @property
    def _unit(self) -> str:
        found = re.search(r'\n([ \t]+)"', self.text)
        return found[1] if found else "  "

    def _indent_of(self, position: int) -> str:
        """What stands before a member in its line, if that is blank."""
        line = self.text[self.text.rfind("\n", 0, position) + 1 : position]
        return line if not line.strip() else self._unit

    def _written(self, value: Any, indent: str) -> str:
        lines = json.dumps(value, indent=self._unit, ensure_ascii=False).split("\n")
        return (self._newline + indent).join(lines)


def _blank(found: re.Match[str]) -> str:
    return found[0] if found[0].startswith('"') else re.sub(r"[^\r\n]", " ", found[0])


def _next(text: str, position: int) -> int:
    """Where the next character is that is no space."""
    found = _SPACE.match(text, position)
    return found.end() if found else position


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object; a key that stands twice has no one meaning, so it is refused."""
    made = dict(pairs)
    if len(made) < len(pairs):
        raise ValueError("a key stands twice")
    return made
