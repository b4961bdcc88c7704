"""A material as one JSON document, for the `mp://` resources."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from llamp_mcp.errors import NotFound
from llamp_mcp.materials import identifiers, presentation
from llamp_mcp.materials.groups import FIELDS, GROUPS, group_named

if TYPE_CHECKING:
    from llamp_mcp.materials.source import MaterialsSource


def document(source: MaterialsSource, material_id: str, group: str | None = None) -> dict[str, Any]:
    """All that a source holds of a material, or of one group of it, tensors included.

    Args:
        source: The database that answers.
        material_id: Id of the material, checked here.
        group: Name of a group; None: every group it has.

    Raises:
        InvalidInput: The id has not the form of one, or there is no such group.
        NotFound: The material, or this group of it, is not in the source.
    """
    identifier = identifiers.material_id(material_id)
    names = [group_named(group).name] if group else list(GROUPS)
    groups: dict[str, dict[str, Any]] = {}
    body: dict[str, Any] = {"material_id": identifier}
    used: dict[str, str] = {}
    notes: dict[str, None] = {}
    for name in names:
        for found in source.documents(name, (identifier,)):
            body["formula_pretty"] = found["formula_pretty"]
            groups[name] = {key: found[key] for key in found if key in FIELDS}
            used |= found["sources"]
            notes |= dict.fromkeys(found["notes"])
    if not groups:
        what = f"no {group} of {identifier}" if group else f"no {identifier}"
        raise NotFound(
            f"There is {what} in this source, which says nothing about the Materials Project",
            next_step="search_materials lists what is here.",
        )
    units = {key: FIELDS[key].unit for fields in groups.values() for key in fields}
    return body | {
        "groups": groups,
        "units": {key: unit for key, unit in units.items() if unit},
        "value_sources": used,
        "sources": presentation.citation_texts(source.citations(), used.values()),
        "notes": list(notes),
        "source": source.meta().summary() | {"attribution": source.meta().attribution},
    }
