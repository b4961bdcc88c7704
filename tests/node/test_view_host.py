"""The host of views: what it shows, and that it notices what a view must not do."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from tests.node.fixtures import ViewHost

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.slow


@pytest.fixture
def show(node: None, tmp_path: Path) -> ViewHost:
    return ViewHost(tmp_path, (sys.executable, "-m", "tests.node.one_view"))


def test_a_view_is_initialised_given_its_result_and_drawn(show: ViewHost) -> None:
    seen = show("show", {"act": "hello"}, steps=[{"wait": "hello"}], theme="dark", size=(300, 200))
    assert seen.uri == "ui://test/page"
    assert seen.log == ["initialized", "input sent", "result sent"]
    assert seen.result["content"][0]["text"] == "hello"
    assert seen.text.startswith("waiting dark hello")
    assert 0 < seen.paint["first-contentful-paint"] < 60_000
    assert seen.drawn > 100 * 100, "the square that WebGL2 paints"
    assert (seen.errors, seen.outside) == ([], [])


def test_pointer_keys_context_and_scripts_reach_the_view(show: ViewHost) -> None:
    part = show.folder / "part.png"
    seen = show(
        "show",
        {"act": "hello"},
        before=[("show", {"act": "first"})],
        steps=[
            {"click": "button"},
            {"key": "ArrowRight"},
            {"wait": "pressed ArrowRight"},
            {"context": {"theme": "dark"}},
            {"wait": "ArrowRight dark"},
            {"evaluate": "new Promise(done => setTimeout(() => done(innerWidth), 5))"},
            {"resize": [400, 300]},
            {"until": "innerWidth === 400"},
            {"screenshot": {"path": str(part), "selector": "canvas"}},
        ],
    )
    assert seen.evaluated == [720]
    assert part.is_file()
    assert seen.errors == []


def test_a_view_asks_the_server_through_its_host(show: ViewHost) -> None:
    seen = show("show", {"act": "ask"}, steps=[{"wait": "again read ui://test/page"}])
    assert seen.log[-2:] == ["call show", "read ui://test/page"]
    assert seen.errors == []


def test_a_download_is_kept_and_a_cancelled_call_is_told(show: ViewHost) -> None:
    seen = show("show", {"act": "download"}, steps=[{"wait": "download"}, {"close": True}])
    (asked,) = seen.asked
    assert asked["kind"] == "download-file"
    assert asked["params"]["contents"][0]["resource"]["text"] == "a"
    seen = show("show", {"act": "x"}, deliver=False, steps=[{"wait": "cancelled"}])
    assert seen.log[-1] == "cancelled sent"


def test_what_the_policy_forbids_is_refused_and_noticed(show: ViewHost) -> None:
    seen = show("show", {"act": "misbehave"}, steps=[{"wait": "misbehave"}, {"pause": 300}])
    for complaint in ("connect-src", "img-src", "unsafe-eval", "cross-origin"):
        assert any(complaint in error for error in seen.errors), (complaint, seen.errors)


@pytest.mark.parametrize(
    ("tool", "step", "complaint"),
    [
        ("show", {"wait": "nothing of the kind"}, "the view says"),
        ("show", {"jump": 1}, "no step jump"),
        ("nonsense", {"pause": 1}, "no view"),
    ],
)
def test_what_does_not_happen_fails_the_test(
    show: ViewHost,
    tool: str,
    step: dict[str, object],
    complaint: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("tests.node.fixtures.STEP_S", 1)
    with pytest.raises(AssertionError, match=complaint):
        show(tool, {"act": "x"}, steps=[step])
