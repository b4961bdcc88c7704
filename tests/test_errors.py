from __future__ import annotations

from llamp_mcp.errors import InvalidInput, LlampError, clip, one_of


def test_the_text_says_what_is_allowed_and_what_to_do() -> None:
    error = LlampError("3 is odd", allowed="even numbers", next_step="Double it.")
    assert str(error) == "3 is odd. Allowed: even numbers. Double it."
    assert str(LlampError("It failed")) == "It failed."


def test_a_close_match_is_suggested_and_a_far_one_is_not() -> None:
    near, far = one_of("op", "supercel", ["supercell", "strain"]), one_of("op", "xyz", ["strain"])
    assert isinstance(near, InvalidInput)
    assert "Did you mean 'supercell'?" in str(near)
    assert str(far) == "Unknown op 'xyz'. Allowed: strain."


def test_a_long_value_is_cut_and_its_length_told() -> None:
    assert clip("short") == "'short'"
    assert clip("x" * 1000).endswith("… (1002 characters)")
    assert len(clip("x" * 1000)) < 120
