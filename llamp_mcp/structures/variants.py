"""Objects of several kinds behind one flat schema.

An edit is `{"op": …, …}`, a prototype `{"kind": …, …}`: one of several argument models, chosen by
a tag. A union of all models costs a client several times the bytes of one flat object, so the
schema shows the flat union of all arguments, and each object is checked here against the model of
its own kind. Descriptions say what is meant; bounds and lengths are left to that check.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal, TypeVar, Union

from pydantic import BaseModel, ConfigDict, Field, ValidationError, create_model

from llamp_mcp.errors import InvalidInput, clip, one_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from pydantic.fields import FieldInfo


class Arguments(BaseModel):
    """Arguments of one kind of object; an unknown one is an error."""

    # Built at first use: a server starts without most of its forty kinds of objects.
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False, defer_build=True)

    def exactly_one(self, *names: str) -> None:
        """Hold to "one of these".

        Raises:
            ValueError: None or several of the arguments are given.
        """
        given = [name for name in names if getattr(self, name) is not None]
        if len(given) != 1:
            told = f"got {' and '.join(given)}" if given else "got none"
            raise ValueError(f"give exactly one of {' | '.join(names)}; {told}")


A = TypeVar("A", bound=Arguments)

_BOUNDS: Final = frozenset(
    [
        "minItems",
        "maxItems",
        "minProperties",
        "minimum",
        "maximum",
        "exclusiveMinimum",
        "exclusiveMaximum",
    ]
)


class Flat:
    """Annotates an object of several kinds with its flat schema, made when it is asked for.

    Args:
        tag: `op` or `kind`.
        variants: Gives the argument model of each kind.
    """

    def __init__(self, tag: str, variants: Callable[[], Mapping[str, type[Arguments]]]) -> None:
        self._tag, self._variants = tag, variants

    def __get_pydantic_json_schema__(self, _core: object, _handler: object) -> dict[str, Any]:
        return flat_schema(self._tag, self._variants())


def flat_schema(tag: str, variants: Mapping[str, type[Arguments]]) -> dict[str, Any]:
    """JSON schema of the flat object: the tag, and every argument of any kind as optional."""
    takers: dict[str, dict[str, FieldInfo]] = {}
    for kind, model in variants.items():
        for name, field in model.model_fields.items():
            takers.setdefault(name, {})[kind] = field
    fields: dict[str, Any] = {tag: (Literal[tuple(variants)], ...)}
    for name, by_kind in takers.items():
        types: list[Any] = [
            Annotated[field.annotation, *field.metadata] if field.metadata else field.annotation
            for field in by_kind.values()
        ]
        fields[name] = (Union[(*types, None)], Field(None, description=_told(by_kind)))
    flat = create_model("Flat", __config__=ConfigDict(extra="forbid"), **fields)
    schema = flat.model_json_schema()
    lean: dict[str, Any] = _lean(schema, schema.pop("$defs", {}))
    return lean


def parse_variant(
    where: str, tag: str, variants: Mapping[str, type[A]], given: Mapping[str, Any]
) -> tuple[str, A]:
    """The kind of an object and its arguments, checked by the model of that kind.

    Args:
        where: How the object is called in errors, such as `edits[1]`.
        tag: `op` or `kind`.
        variants: The argument model of each kind.
        given: The object. An argument of another kind that is null counts as not given.

    Raises:
        InvalidInput: No or an unknown kind, an argument it does not take, or a wrong value.
    """
    if tag not in given:
        raise InvalidInput(f"{where} has no {tag!r}", allowed=f"{tag} = {' | '.join(variants)}")
    kind = given[tag]
    if not isinstance(kind, str) or kind not in variants:
        raise one_of(f"{tag} of {where}", kind, variants)
    model = variants[kind]
    known = {name for other in variants.values() for name in other.model_fields}
    arguments = {
        name: value
        for name, value in given.items()
        if name != tag and not (value is None and name in known)
    }
    if foreign := [name for name in arguments if name not in model.model_fields]:
        takes = " | ".join(model.model_fields) or "no arguments"
        raise InvalidInput(
            f"{where} {tag} {kind!r} does not take {', '.join(map(repr, foreign))}; "
            f"it takes {takes}"
        )
    try:
        return kind, model.model_validate(arguments)
    except ValidationError as error:
        raise InvalidInput(f"{where} ({kind}): {'; '.join(_said(error))}") from error


def _said(error: ValidationError) -> Iterator[str]:
    """Each wrong argument once, by name, with its value."""
    seen = set()
    for item in error.errors():
        name = str(item["loc"][0]) if item["loc"] else ""
        if name in seen:
            continue
        seen.add(name)
        message = item["msg"].removeprefix("Value error, ")
        if item["type"] == "missing":
            yield f"needs {'.'.join(map(str, item['loc']))!r}"
        elif name:
            path = "".join(f"[{part}]" for part in item["loc"][1:] if isinstance(part, int))
            yield f"{name}{path}: {message} (given {clip(item['input'])})"
        else:
            yield message


def _told(by_kind: Mapping[str, FieldInfo]) -> str:
    """What the argument means, with the kinds that take it; once where all mean the same."""
    meanings: dict[str, list[str]] = {}
    for kind, field in by_kind.items():
        meanings.setdefault(field.description or "", []).append(kind)
    return "; ".join(
        f"{', '.join(kinds)}: {text}" if text else ", ".join(kinds)
        for text, kinds in meanings.items()
    )


def _lean(node: Any, definitions: Mapping[str, Any]) -> Any:
    """The schema without references, titles, descriptions of models, null options and defaults."""
    if isinstance(node, list):
        return [_lean(item, definitions) for item in node]
    if not isinstance(node, dict):
        return node
    if "$ref" in node:
        model = definitions[node["$ref"].rpartition("/")[2]]
        node = {**model, "description": "", **node}
    kept = {
        key: _lean(value, definitions)
        for key, value in node.items()
        if key not in {"$ref", *_BOUNDS}
        and (key not in ("title", "default", "description") or _is_told(key, value))
    }
    options = _joined([option for option in kept.pop("anyOf", []) if option != {"type": "null"}])
    if len(options) == 1:
        return {**options[0], **kept}
    return {**kept, "anyOf": options} if options else kept


def _joined(options: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The same choice in fewer options: closed sets in one, integers where any number may be."""
    closed = [option for option in options if "enum" in option]
    if len(closed) > 1:
        values = list(dict.fromkeys(value for option in closed for value in option["enum"]))
        options = [o for o in options if "enum" not in o] + [{"enum": values, "type": "string"}]
    wider = [json.dumps(option).replace('"integer"', '"number"') for option in options]
    return [
        option
        for option, text in zip(options, wider, strict=True)
        if json.dumps(option) == text or wider.count(text) == 1
    ]


def _is_told(key: str, value: Any) -> bool:
    """Whether a keyword says something; a property that is called "title" is an object here."""
    return isinstance(value, dict) or bool(key == "description" and value)
