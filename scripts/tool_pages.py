"""A page for each toolset, made of what a server serves and of one real call of each tool."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml
from worked import session

from llamp_mcp.operation import needs
from llamp_mcp.server.app import ALL_OPERATIONS, TOOLSETS
from llamp_mcp.simulation.properties import KINDS
from llamp_mcp.structures.edits import EDITS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mcp_types import Tool
    from pydantic import BaseModel

    from llamp_mcp.operation import Operation

CALLS = Path(__file__).with_name("tool_calls.yaml")
ABOUT = {
    "materials": "What the database knows. On by default.",
    "structures": "Build, edit, measure, compare, draw and write structures. On by default.",
    "simulation": "Force-field calculations and their jobs. On by default.",
    "simulation_more": "Phonons, migration barriers, defects, surfaces and the like. Off unless "
    "asked for: `--toolsets materials,structures,simulation,simulation_more`.",
    "experts": "Briefs, nested experts, and tools that keep an answer honest. On by default.",
    "evaluation": "The paper's self-consistency metric. Off unless asked for.",
    "literature": "Papers by arXiv and Crossref. Off unless asked for, and `.[literature]` must be "
    "installed.",
}
NEEDS_NETWORK = ("search_literature",)
JOB_KEYS = "`job_id`, `state`, `progress`, `result`, `error`"
EVERYWHERE = (
    "Results also hold, where there is something to say: `source` (which database answered), "
    "`sources` (where each value is from), `units`, `notes`, `warnings`, `lineage`, `calculator`."
)
GENERATED = (
    "Made by `python scripts/update_docs.py tools` from a running server: schemas as clients get "
    "them, and one real call of each tool on the embedded sample, with the text a model reads. "
    "Job ids are numbered here, and times vary."
)


async def pages() -> dict[str, str]:
    """Text of each page, by its file name."""
    async with session() as server:
        listed = {tool.name: tool for tool in (await server.client.list_tools()).tools}
        shown: dict[str, str] = {}
        for planned in yaml.safe_load(CALLS.read_text(encoding="utf-8")):
            done = await server.call(planned["tool"], planned["arguments"])
            if planned.get("page"):
                shown[done.tool] = done.markdown()
    made = {}
    for toolset in TOOLSETS:
        operations = [one for one in ALL_OPERATIONS if one.toolset == toolset]
        made[f"{toolset}.md"] = _page(toolset, operations, listed, shown)
    return made


def _page(
    toolset: str,
    operations: Iterable[Operation[Any, Any]],
    listed: dict[str, Tool],
    shown: dict[str, str],
) -> str:
    operations = list(operations)
    contents = " · ".join(f"[`{one.name}`](#{one.name})" for one in operations)
    parts = [f"# Toolset `{toolset}`", ABOUT[toolset], contents, EVERYWHERE, GENERATED]
    for operation in operations:
        parts += _tool(operation, listed[operation.name], shown.get(operation.name))
    return "\n\n".join(parts) + "\n"


def _tool(operation: Operation[Any, Any], tool: Tool, shown: str | None) -> list[str]:
    parts = [f"## `{tool.name}`", f"**{operation.title}.** {tool.description}", _nature(operation)]
    schema = tool.input_schema
    if schema["properties"]:
        parts.append(_arguments(schema))
    if tool.name == "edit_structure":
        models = {edit.name: edit.arguments for edit in EDITS}
        parts.append("Arguments of each `op`:\n\n" + _variants("op", models))
    if tool.name == "calculate_property":
        kinds = {kind.name: kind.arguments for kind in KINDS}
        parts.append("Arguments of each `kind`:\n\n" + _variants("kind", kinds))
    keys = ", ".join(f"`{name}`" for name in _result_keys(operation, tool))
    if operation.long_running:
        parts.append(f"Result: {JOB_KEYS}; in `result`: {keys}.")
    else:
        parts.append(f"Result: {keys}.")
    if shown is not None:
        parts.append(f"A call and its answer:\n\n{shown}")
    elif tool.name in NEEDS_NETWORK:
        parts.append("It asks over the network, so no answer is shown here.")
    return parts


def _nature(operation: Operation[Any, Any]) -> str:
    words = [
        "Runs as a job (long-running): handed back as `job_id` when it takes more than `wait_s`"
        if operation.long_running
        else "Answers at once",
        "read-only" if operation.read_only else "not read-only",
    ]
    if operation.destructive:
        words.append("destructive")
    if not operation.read_only and not operation.idempotent:
        words.append("not idempotent")
    if operation.open_world:
        words.append("reaches the network")
    elif "source" in needs(operation.run):
        words.append("reaches the network with a live source")
    if operation.view:
        words.append(f"view `ui://llamp/{operation.view}`")
    return "; ".join(words) + "."


def _result_keys(operation: Operation[Any, Any], tool: Tool) -> list[str]:
    if not operation.long_running:
        return list((tool.output_schema or {}).get("properties", {}))
    return list(operation.result.model_fields)


def _arguments(schema: dict[str, Any]) -> str:
    required = schema.get("required", ())
    rows = ["| argument | type | default | meaning |", "|---|---|---|---|"]
    for name, field in schema["properties"].items():
        default = "required" if name in required else _default(field)
        rows.append(f"| `{name}` | {_type(field)} | {default} | {_cell(_meaning(field))} |")
    return "\n".join(rows)


def _default(field: dict[str, Any]) -> str:
    if "default" not in field:
        return "none"
    return f"`{json.dumps(field['default'], ensure_ascii=False)}`"


def _meaning(field: dict[str, Any]) -> str:
    return str(field.get("description", ""))


def _type(field: dict[str, Any]) -> str:
    if "anyOf" in field:
        return " or ".join(_type(one) for one in field["anyOf"] if one.get("type") != "null")
    if "enum" in field:
        return " ".join(f"`{value}`" for value in field["enum"])
    if "const" in field:
        return f"`{field['const']}`"
    kind = str(field.get("type", "any"))
    if kind == "array":
        inner = _type(field["items"]) if field.get("items") else "any"
        return f"list of {inner}{_bounds(field, 'minItems', 'maxItems', ' items')}"
    return kind + _bounds(field, "minimum", "maximum", "")


def _bounds(field: dict[str, Any], low: str, high: str, what: str) -> str:
    if low in field and field.get(low) == field.get(high):
        return f", {field[low]:g}{what}"
    told = []
    if "exclusiveMinimum" in field:
        told.append(f"> {field['exclusiveMinimum']:g}")
    if low in field:
        told.append(f"≥ {field[low]:g}")
    if "exclusiveMaximum" in field:
        told.append(f"< {field['exclusiveMaximum']:g}")
    if high in field:
        told.append(f"≤ {field[high]:g}")
    return f", {' and '.join(told)}{what}" if told else ""


def _variants(key: str, models: dict[str, type[BaseModel]]) -> str:
    rows = [f"| `{key}` | argument | type | default | meaning |", "|---|---|---|---|---|"]
    for name, model in models.items():
        schema = _flat(model)
        required = schema.get("required", ())
        fields = schema.get("properties", {})
        if not fields:
            rows.append(f"| `{name}` | none | | | |")
        for at, (argument, field) in enumerate(fields.items()):
            default = "required" if argument in required else _default(_without_null(field))
            rows.append(
                f"| {'' if at else f'`{name}`'} | `{argument}` | {_type(field)} | {default} | "
                f"{_cell(_meaning(field))} |"
            )
    return "\n".join(rows)


def _without_null(field: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in field.items() if key != "default" or value is not None}


def _flat(model: type[BaseModel]) -> dict[str, Any]:
    """The schema of a model with its references in place."""
    schema = model.model_json_schema()
    definitions = schema.pop("$defs", {})

    def resolve(node: Any) -> Any:
        if isinstance(node, list):
            return [resolve(one) for one in node]
        if not isinstance(node, dict):
            return node
        if "$ref" in node:
            return resolve({**definitions[node["$ref"].rpartition("/")[2]], **_plain(node)})
        return {key: resolve(value) for key, value in node.items()}

    resolved: dict[str, Any] = resolve(schema)
    return resolved


def _plain(node: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in node.items() if key != "$ref"}


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
