"""JSON schemas as clients get them: flat, without references, and no longer than they need be.

Every client pays for every byte of `tools/list` in each conversation. Arguments are described in
full; of a result, the keys and their types, because its text says the rest.
"""

from __future__ import annotations

from functools import cache
from typing import Any, cast

from pydantic import BaseModel

_OF_ARGUMENTS = frozenset({"title"})
_OF_RESULTS = frozenset(
    ("title", "description", "required", "additionalProperties", "default", "enum", "items")
)
_EMPTY: tuple[Any, ...] = ("", None, [], {})
_EVERYWHERE = frozenset(
    ("source", "sources", "notes", "warnings", "units", "lineage", "calculator")
)


def input_schema(model: type[BaseModel]) -> dict[str, Any]:
    """The schema of arguments: no references, no generated titles, no empty defaults."""
    return _flat(model, "validation", _OF_ARGUMENTS, 99)


@cache
def output_schema(model: type[BaseModel]) -> dict[str, Any]:
    """The outline of a result: its own keys and their types.

    Left out is what means the same everywhere, and what may be null.
    """
    outline = _flat(model, "serialization", _OF_RESULTS, 1)
    properties = outline["properties"]
    kept = {name: kind for name, kind in properties.items() if _is_told(name, kind)}
    return {**outline, "properties": kept}


def _is_told(name: str, kind: dict[str, Any]) -> bool:
    return name not in _EVERYWHERE and {"type": "null"} not in kind.get("anyOf", ())


def _flat(model: type[BaseModel], mode: Any, dropped: frozenset[str], depth: int) -> dict[str, Any]:
    schema = model.model_json_schema(mode=mode)
    definitions = schema.pop("$defs", {})

    def resolve(node: Any, left: int) -> Any:
        if isinstance(node, list):
            return [resolve(item, left) for item in node]
        if not isinstance(node, dict):
            return node
        if (name := node.get("$ref", "").rpartition("/")[2]) in definitions:
            node = {**definitions[name], "description": "", **node}
        plain = {key: value for key, value in node.items() if key not in {*dropped, "$ref"}}
        if plain.get("default", 0) in _EMPTY:
            del plain["default"]
        if not plain.get("description", "."):
            del plain["description"]
        properties = plain.pop("properties", None)
        made = {key: resolve(value, left) for key, value in plain.items()}
        if properties is not None and left > 0:
            made["properties"] = {k: resolve(v, left - 1) for k, v in properties.items()}
        return made

    schema.pop("description", None)
    return cast("dict[str, Any]", resolve(schema, depth))
