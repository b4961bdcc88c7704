"""Shortening chooses lines and changes none."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from llamp_mcp.experts.observation import shorten

TABLE = "\n".join(
    ["Source: sample.", "3 match"]
    + [f"mp-{n} Si{n}O2: band_gap = {n / 10} eV" for n in range(100)]
    + ["mp-999 GaN: band_gap = 1.7265 eV", "Note: gaps are too small"]
)


def test_what_fits_stays_as_it_is() -> None:
    assert shorten("short", "anything", 100) == "short"


def test_the_lines_that_share_words_with_the_question_are_kept_with_the_head() -> None:
    told = shorten(TABLE, "What is the band gap of GaN?", 300)
    assert told.startswith("Source: sample.\n3 match\n")
    assert "mp-999 GaN: band_gap = 1.7265 eV" in told
    assert told.endswith("lines left out; ask more narrowly]")


def test_an_id_in_the_question_is_a_word_of_it() -> None:
    assert "mp-57 Si57O2" in shorten(TABLE, "and mp-57?", 300)


def test_a_single_line_without_end_is_cut() -> None:
    assert len(shorten("x" * 5000, "?", 200)) < 300


@given(st.text(), st.text(), st.integers(min_value=50, max_value=400))
def test_no_line_is_changed_and_their_order_is_kept(text: str, question: str, limit: int) -> None:
    told = shorten(text, question, limit)
    if told == text:
        return
    *kept, note = told.split("\n")
    assert note.startswith("[shortened: ")
    position = 0
    lines = text.splitlines()
    for line in "\n".join(kept).splitlines():
        if line in lines[position:]:
            position = lines.index(line, position) + 1
        else:
            assert text.startswith("\n".join(kept))
            break
