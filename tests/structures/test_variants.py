from __future__ import annotations

from typing import Annotated, Any

import pytest
from pydantic import Field

from llamp_mcp.errors import InvalidInput
from llamp_mcp.structures.variants import Arguments, flat_schema, parse_variant


class Inner(Arguments):
    """Not for a client's eyes."""

    depth: float


class Dig(Arguments):
    where: Inner = Field(description="the place")
    times: Annotated[int, Field(ge=1)] = Field(1, description="how often")


class Fill(Arguments):
    times: Annotated[int, Field(ge=1)] = Field(2, description="how much")
    title: str | None = None


VARIANTS: dict[str, type[Arguments]] = {"dig": Dig, "fill": Fill}


def parse(**given: Any) -> tuple[str, Arguments]:
    return parse_variant("edits[1]", "op", VARIANTS, given)


def test_the_schema_is_flat_closed_and_says_who_takes_what() -> None:
    schema = flat_schema("op", VARIANTS)
    assert schema["required"] == ["op"]
    assert schema["additionalProperties"] is False
    assert schema["properties"]["op"] == {"enum": ["dig", "fill"], "type": "string"}
    assert schema["properties"]["times"] == {
        "description": "dig: how often; fill: how much",
        "type": "integer",
    }
    assert schema["properties"]["title"] == {"type": "string", "description": "fill"}
    assert schema["properties"]["where"] == {
        "additionalProperties": False,
        "description": "dig: the place",
        "properties": {"depth": {"type": "number"}},
        "required": ["depth"],
        "type": "object",
    }


def test_each_kind_is_checked_by_its_own_model() -> None:
    assert parse(op="fill") == ("fill", Fill(times=2))
    assert parse(op="dig", where={"depth": 1}) == ("dig", Dig(where=Inner(depth=1)))


def test_a_null_argument_of_another_kind_counts_as_not_given() -> None:
    assert parse(op="fill", where=None, times=None) == ("fill", Fill(times=2))


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"where": 1}, r"edits\[1\] has no 'op'. Allowed: op = dig \| fill"),
        ({"op": "digg"}, r"Unknown op of edits\[1\] 'digg'.*Did you mean 'dig'"),
        ({"op": ["dig"]}, "Unknown op of"),
        ({"op": "fill", "where": 1}, r"op 'fill' does not take 'where'; it takes times \| title"),
        ({"op": "fill", "foo": None}, "does not take 'foo'"),
        ({"op": "dig"}, r"edits\[1\] \(dig\): needs 'where'"),
        ({"op": "fill", "times": 0}, r"times: .*greater than or equal to 1 \(given 0\)"),
        ({"op": "fill", "times": "x", "title": 3}, "times: .*; title: "),
        ({"op": "dig", "where": {"depth": float("nan")}}, "where: .*finite"),
    ],
)
def test_what_is_wrong_is_named_with_what_is_allowed(given: dict[str, Any], said: str) -> None:
    with pytest.raises(InvalidInput, match=said):
        parse(**given)
