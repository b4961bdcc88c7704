"""JSON schemas as clients get them: flat, without references, and no longer than they need be.

Every client pays for every byte of `tools/list` in each conversation. Arguments are described in
full; of a result, the keys, because its text says the rest.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any, cast, get_args

from mcp_types import ToolAnnotations
from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic.json_schema import SkipJsonSchema

from llamp_mcp.operation import Operation

STORED = Path(__file__).with_name("input_schemas.json")
_EMPTY: tuple[Any, ...] = ("", None, [], {})
_EVERYWHERE = frozenset(
    ("source", "sources", "notes", "warnings", "units", "lineage", "calculator")
)
_SKIP: object = SkipJsonSchema()  # type: ignore[type-arg]
_SMALL_WORDS = frozenset(("a", "an", "the"))


def arguments_schema(name: str, model: type[BaseModel]) -> dict[str, Any]:
    """The schema of a tool's arguments: the stored one, or one made where there is none.

    To make them all takes a starting server a third of its own time. They are stored by
    `pytest tests/server/test_schemas.py --update-schemas`, which without the option compares them.
    """
    return _stored().get(name) or input_schema(model)


@cache
def _stored() -> dict[str, dict[str, Any]]:
    stored: dict[str, dict[str, Any]] = json.loads(STORED.read_text(encoding="utf-8"))
    return stored


def input_schema(model: type[BaseModel]) -> dict[str, Any]:
    """The schema of arguments: no references, no generated titles, no empty defaults."""
    schema = model.model_json_schema()
    definitions = schema.pop("$defs", {})

    def resolve(node: Any) -> Any:
        if isinstance(node, list):
            return [resolve(item) for item in node]
        if not isinstance(node, dict):
            return node
        if (name := node.get("$ref", "").rpartition("/")[2]) in definitions:
            node = {**definitions[name], "description": "", **node}
        plain = {key: value for key, value in node.items() if key not in ("title", "$ref")}
        if plain.get("default", 0) in _EMPTY:
            del plain["default"]
        if not plain.get("description", "."):
            del plain["description"]
        properties = plain.pop("properties", None)
        # Our check names an unknown key at any depth; only the arguments themselves need to say so.
        if plain.get("additionalProperties") is False and node is not schema:
            del plain["additionalProperties"]
        made = _one_type({key: resolve(value) for key, value in plain.items()})
        if properties is not None:
            made["properties"] = {key: resolve(value) for key, value in properties.items()}
        return made

    schema.pop("description", None)
    return cast("dict[str, Any]", resolve(schema))


def _one_type(schema: dict[str, Any]) -> dict[str, Any]:
    """`anyOf` of bare types is a list of types, which says the same in half the bytes."""
    either = schema.get("anyOf", [])
    if not either or any(one.keys() != {"type"} for one in either):
        return schema
    rest = {key: value for key, value in schema.items() if key != "anyOf"}
    return rest | {"type": [one["type"] for one in either]}


@cache
def output_schema(model: type[BaseModel]) -> dict[str, Any]:
    """The outline of a result: its own keys; their types are seen in the result itself.

    Left out is what means the same everywhere, what may be null, and what is marked with pydantic's
    `SkipJsonSchema`. Read off the fields: building the whole schema of every result would cost a
    starting server a tenth of its time.
    """
    told: dict[str, dict[str, Any]] = {
        field.serialization_alias or name: {}
        for name, field in model.model_fields.items()
        if name not in _EVERYWHERE and not _is_skipped(field)
    }
    return {"type": "object", "properties": told}


def _is_skipped(field: FieldInfo) -> bool:
    skipped = any(type(one) is type(_SKIP) for one in field.metadata)
    return skipped or type(None) in get_args(field.annotation)


def title(operation: Operation[Any, Any]) -> str | None:
    """What a person reads in a list of tools; None where it would only say the name again."""
    words = set(operation.title.lower().split()) - _SMALL_WORDS
    return None if words <= set(operation.name.split("_")) else operation.title


def hints(operation: Operation[Any, Any], *, open_world: bool) -> ToolAnnotations:
    """What a client may assume of a tool.

    Whether a call may be repeated is meaningful only of tools that change something (MCP
    2026-07-28, ToolAnnotations).
    """
    if operation.read_only:
        return ToolAnnotations(
            read_only_hint=True, destructive_hint=False, open_world_hint=open_world
        )
    return ToolAnnotations(
        read_only_hint=False,
        destructive_hint=operation.destructive,
        idempotent_hint=operation.idempotent,
        open_world_hint=open_world,
    )
