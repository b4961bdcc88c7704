"""One flat document per material and group, from whatever an endpoint holds of it.

The only place where raw documents of the Project become what the tools tell.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from llamp_mcp.materials.groups import group_named
from llamp_mcp.materials.source import pick
from llamp_mcp.quoting import as_data, cleaned_value

if TYPE_CHECKING:
    from collections.abc import Iterable

    from llamp_mcp.materials.groups.table import Group
    from llamp_mcp.materials.source import Document, MaterialsSource

_MAX_WARNING: Final = 200
_MAX_WARNINGS: Final = 3


def documents(
    source: MaterialsSource, group: str, ids: tuple[str, ...], fields: tuple[str, ...] = ()
) -> tuple[Document, ...]:
    """Documents of a group, for those of the materials that have any of the fields.

    Args:
        source: The database that answers; it is asked once.
        group: Name of the group.
        ids: Checked ids.
        fields: Fields to read, dotted or not; empty: everything the endpoint has.

    Returns:
        In the order of the ids: `material_id`, `formula_pretty` where known, the fields, `sources`
        {field: key of the citation} and `notes`.

    Raises:
        InvalidInput: There is no such group, or no such field in it.
    """
    known = group_named(group)
    wanted = [known.resolve(name) for name in fields]
    needs = tuple(
        dict.fromkeys(
            name
            for field in (*wanted, *(map(known.resolve, known.always) if fields else ()))
            for name in field.needs
        )
    )
    if not ids:
        return ()
    answer = source.rows(known.source_of, ids, (*needs, *_beside(known)) if fields else ())
    found: dict[str, list[Document]] = {}
    for row in answer.documents:
        found.setdefault(row["material_id"], []).append(row)
    asked = tuple(
        name if field.name == name.partition(".")[0] else field.name
        for name, field in zip(fields, wanted, strict=True)
    )
    told = (
        _document(known, identifier, found[identifier], needs, answer.notes)
        for identifier in dict.fromkeys(ids)
        if identifier in found
    )
    return tuple(d for d in told if not asked or any(pick(d, name) is not None for name in asked))


def _beside(group: Group) -> tuple[str, ...]:
    """What is read with every document: its formula, and what the Project says against it."""
    names = ("formula_pretty", "warnings", "deprecated")
    return tuple(name for name in names if name in group.document)


def _document(
    group: Group,
    identifier: str,
    rows: list[Document],
    needs: tuple[str, ...],
    notes: Iterable[str],
) -> Document:
    bare = [_bare(row, group, needs) for row in rows]
    fields = group.fold(bare)
    told = {
        name: cleaned_value(value)
        for name, value in fields.items()
        if not name.startswith("_") and value is not None and value != [] and value != {}
    }
    formula = next((row["formula_pretty"] for row in rows if row.get("formula_pretty")), None)
    return {
        **told,
        "material_id": identifier,
        **({"formula_pretty": formula} if formula else {}),
        "sources": dict(_sources(group, told, fields.get("_sources", {}))),
        "notes": [
            *dict.fromkeys(
                (
                    *(str(note) for note in fields.get("_notes", ())),
                    *_warnings(group, identifier, rows),
                    *notes,
                )
            )
        ],
    }


def _bare(row: Document, group: Group, needs: tuple[str, ...]) -> Document:
    """What was asked for of a row, and what its source adds."""
    keep = needs or (*group.document, *(n for field in group.fields for n in field.needs))
    kept: Document = {
        name: row[name]
        for name in dict.fromkeys(keep)
        if row.get(name) is not None and (name != "material_id" or not group.rows)
    }
    return kept | {mark: row[mark] for mark in ("_sources", "_notes") if row.get(mark)}


def _sources(
    group: Group, told: Iterable[str], sources: dict[str, str]
) -> Iterable[tuple[str, str]]:
    """The source of every field, also of those that are made from others."""
    for name in told:
        field = group.field(name)
        keys = (name, *(field.needs if field else ()))
        for key in keys:
            if key in sources:
                yield name, sources[key]
                break


def _warnings(group: Group, identifier: str, rows: list[Document]) -> Iterable[str]:
    """What the Project itself says against a document."""
    for row in rows:
        if row.get("deprecated"):
            yield f"{identifier} {group.name}: deprecated by the Project"
        said = row.get("warnings") or []
        warnings = [said] if isinstance(said, str) else said
        for warning in warnings[:_MAX_WARNINGS]:
            words = as_data(str(warning)[:_MAX_WARNING])
            yield f"{identifier} {group.name}: the Project warns: {words}"
        if len(warnings) > _MAX_WARNINGS:
            yield f"{identifier} {group.name}: {len(warnings) - _MAX_WARNINGS} more warnings"
