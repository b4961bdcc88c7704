from __future__ import annotations

from types import SimpleNamespace

import pytest

from llamp_mcp.materials import literature
from llamp_mcp.materials.literature import ARXIV, Pace, cut, plain


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("10<sup>-3</sup> cm<jats:sup>2</jats:sup>", "10^-3 cm^2"),
        ("Li<jats:sub>0.5</jats:sub>CoO<sub>2</sub>", "Li0.5CoO2"),
        ("<mml:msup><mml:mn>10</mml:mn><mml:mn>3</mml:mn></mml:msup> K", "10^3 K"),
        ("<mml:mfrac><mml:mn>1</mml:mn><mml:mn>2</mml:mn></mml:mfrac>", "1/2"),
        ("<jats:p>One</jats:p><jats:p>two</jats:p>", "One two"),
        ("One<br/>two<br>three", "One two three"),
        ("3 &lt; 4 &amp; 5", "3 < 4 & 5"),
        ("<i>never closed", "never closed"),
        ("stray</p> end", "stray end"),
        ("$\\alpha$ stays", "$\\alpha$ stays"),
        ("", ""),
    ],
)
def test_tags_are_taken_off_and_the_words_and_numbers_stay(text, words):
    assert plain(text) == words


def test_a_text_is_cut_between_words():
    assert cut("one two three", 9) == "one two […]"
    assert cut("one two", 7) == "one two"


def test_requests_keep_their_distance(monkeypatch):
    clock = SimpleNamespace(now=100.0, slept=[])
    clock.monotonic = lambda: clock.now

    def sleep(seconds):
        clock.slept.append(seconds)
        clock.now += seconds

    clock.sleep = sleep
    monkeypatch.setattr(literature, "time", clock)
    pace = Pace(3.0)
    for passed in (0.0, 1.0, 5.0):
        clock.now += passed
        with pace.turn():
            pass
    assert clock.slept == [0.0, 2.0, 0.0]


def test_arxiv_is_asked_at_most_once_in_three_seconds():
    """As its terms of use ask: info.arxiv.org/help/api/tou."""
    assert ARXIV.pace.interval_s >= 3
