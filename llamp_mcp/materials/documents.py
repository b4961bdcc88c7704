"""A material as one JSON document, for the `mp://` resources."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from llamp_mcp.errors import NotFound
from llamp_mcp.materials import answer, identifiers, presentation, reading, selection
from llamp_mcp.materials.groups import GROUPS, group_named
from llamp_mcp.quoting import NOTICE, holds_prose

if TYPE_CHECKING:
    from llamp_mcp.materials.source import Document, MaterialsSource

MAX_BYTES: Final = 2_000_000
"""Of one document; the longest fields are left out of a longer one, which it says."""
_NO_FIELDS: Final = frozenset({"material_id", "formula_pretty", "sources", "notes"})


def document(source: MaterialsSource, material_id: str, group: str | None = None) -> dict[str, Any]:
    """All that a source holds of a material, or of one group of it, tensors included.

    Args:
        source: The database that answers.
        material_id: Id of the material, checked here.
        group: Name of a group; None: every group it has, each asked for once.

    Raises:
        InvalidInput: The id has not the form of one, or there is no such group.
        NotFound: The material, or this group of it, is not in the source.
    """
    identifier = identifiers.material_id(material_id)
    found = dict(_found(source, identifier, group))
    if not found:
        what = f"no {group} of {identifier}" if group else f"no {identifier}"
        raise NotFound(
            f"There is {what} in this source, which says nothing about the Materials Project",
            next_step="search_materials lists what is here.",
        )
    body: dict[str, Any] = {"material_id": identifier}
    groups: dict[str, dict[str, Any]] = {}
    left_out: dict[str, str] = {}
    used: dict[str, str] = {}
    notes: dict[str, None] = {}
    room = MAX_BYTES
    for name, read in found.items():
        if "formula_pretty" in read:
            body.setdefault("formula_pretty", read["formula_pretty"])
        groups[name], too_long = _within(_fields(read), room)
        room -= _size(groups[name])
        left_out |= {f"{name}.{key}": told for key, told in too_long.items()}
        used |= {key: value for key, value in read["sources"].items() if key not in used}
        notes |= dict.fromkeys(read["notes"])
    return body | {
        "groups": groups,
        "units": answer.units([{"groups": groups}]),
        **({"left_out": left_out} if left_out else {}),
        "value_sources": used,
        "sources": presentation.citation_texts(source.citations(), used.values()),
        "notes": [*notes, *([NOTICE] if holds_prose(groups) else ())],
        "source": source.meta().summary() | {"attribution": source.meta().attribution},
    }


def _found(
    source: MaterialsSource, identifier: str, group: str | None
) -> list[tuple[str, Document]]:
    """The documents by group: of the one asked for, or of all that the entry may have."""
    if group:
        names = [group_named(group).name]
    else:
        entries = selection.entries(source, (), (identifier,))
        if not (entry := entries.by_id.get(identifier)):
            return []
        names = [name for name in GROUPS if selection.may_have(entry, name)]
    return [
        (name, read) for name in names for read in reading.documents(source, name, (identifier,))
    ]


def _fields(read: Document) -> dict[str, Any]:
    return {key: value for key, value in read.items() if key not in _NO_FIELDS}


def _size(value: Any) -> int:
    return len(json.dumps(value, default=str))


def _within(fields: dict[str, Any], room: int) -> tuple[dict[str, Any], dict[str, str]]:
    """As many of the fields as fit, the shortest first, and what is left out."""
    sizes = {key: _size(value) for key, value in fields.items()}
    if sum(sizes.values()) <= room:
        return fields, {}
    kept: set[str] = set()
    for key in sorted(sizes, key=lambda name: sizes[name]):
        if sizes[key] <= room:
            kept.add(key)
            room -= sizes[key]
    told = {key: f"{size} bytes of JSON" for key, size in sizes.items() if key not in kept}
    return {key: value for key, value in fields.items() if key in kept}, told
