"""Crossing back: results and errors in MCP's words, text and structured channel both complete."""

from __future__ import annotations

import base64
import sqlite3
from difflib import get_close_matches
from typing import Annotated, Any, get_args, get_origin

from mcp.server.mcpserver.exceptions import ToolError
from mcp_types import CallToolResult, ImageContent, ResourceLink, TextContent
from pydantic import BaseModel, ValidationError
from pydantic_core import to_jsonable_python

from llamp_mcp.errors import InvalidInput, LlampError, clip, is_disk_full, unusable
from llamp_mcp.operation import Result

EXPECTED = (LlampError, OSError, sqlite3.OperationalError)
"""What `translate` knows; anything else is a bug, which the SDK logs and hides from the model."""


def to_call_result(result: Result) -> CallToolResult:
    """One text block, then links and pictures; the same facts typed beside them, without NaN."""
    content: list[TextContent | ResourceLink | ImageContent] = [TextContent(text=result.text())]
    content += [
        ResourceLink(
            uri=link.uri, name=link.name, mime_type=link.mime_type, description=link.description
        )
        for link in result.links()
    ]
    content += [
        ImageContent(data=base64.b64encode(png).decode(), mime_type="image/png")
        for png in result.images()
    ]
    structured = to_jsonable_python(result, inf_nan_mode="null", serialize_unknown=False)
    return CallToolResult(content=list(content), structured_content=structured)


def translate(error: Exception) -> ToolError:
    """The text a model reads; re-raises what is not a failure we know how to explain."""
    if isinstance(error, LlampError):
        return ToolError(str(error))
    if is_disk_full(error):
        return ToolError(str(unusable("The server's home directory cannot be used", error)))
    raise error


def invalid_arguments(error: ValidationError, model: type[BaseModel]) -> InvalidInput:
    """Every wrong argument by name, with the value and what is allowed."""
    return InvalidInput(" ".join(_explain(item, model) for item in error.errors()[:8]))


def _explain(item: Any, model: type[BaseModel]) -> str:
    path = ".".join(str(part) for part in item["loc"])
    if item["type"] == "extra_forbidden" and (of := _model_at(item["loc"][:-1], model)):
        allowed = list(of.model_fields)
        close = get_close_matches(str(item["loc"][-1]), allowed, n=1)
        hint = f" Did you mean {close[0]!r}?" if close else ""
        return f"Unknown argument {path!r}. Allowed: {', '.join(allowed)}.{hint}"
    if item["type"] == "missing":
        return f"Argument {path!r} is required."
    message = item["msg"].removeprefix("Value error, ")
    where = f"Argument {path!r}" if path else "Arguments"
    given = f" (given {clip(item['input'])})" if path else ""
    return f"{where}: {message}{given}."


def _model_at(path: tuple[str | int, ...], model: type[BaseModel]) -> type[BaseModel] | None:
    """The model that the keys at a place in the arguments belong to, if one is known."""
    found: Any = model
    for part in path:
        if isinstance(part, str) and isinstance(found, type) and issubclass(found, BaseModel):
            field = found.model_fields.get(part)
            found = field.annotation if field else None
        elif isinstance(part, int):  # an item of a list
            found = next(iter(get_args(found)), None)
        while get_origin(found) is Annotated:
            found = get_args(found)[0]
    return found if isinstance(found, type) and issubclass(found, BaseModel) else None
