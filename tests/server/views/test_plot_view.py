"""The plot view in the official host: real results, drawn, read, zoomed and taken along."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any

import pytest

from llamp_mcp.server.views import page

if TYPE_CHECKING:
    from tests.node.fixtures import Viewed, ViewHost

COPPER: tuple[str, dict[str, Any]] = (
    "create_structure",
    {"prototype": {"kind": "bulk", "name": "Cu", "crystal": "fcc", "a": 3.6}},
)
DIFFRACTION = {"structure_id": "$1.structure_id", "what": ["xrd"]}
PLACES = "plots[0].places.map(place => place.frame)"
VIEWS = "plots[0].views"
TIP = "document.querySelector('.tip').innerText.split('\\n')"
DRAWN = "document.querySelectorAll('[data-series] path').length"
SERIES = "[...document.querySelectorAll('[data-series]')].map(one => one.dataset.series)"
AT_FIRST_PEAK = (
    "(() => { const { x, y } = plots[0].places[0].scales; const { trace } = plots[0].figure"
    ".panels[0].items[0]; plots[0].pointNow(x.px(trace.x[0]) + 3, y.px(trace.y[0]) + 3); })()"
)


def assert_clean(seen: Viewed) -> None:
    assert (seen.errors, seen.outside) == ([], [])
    assert seen.drawn > 1000


def test_the_page_is_small_and_asks_for_nothing() -> None:
    html = page("plot")
    assert len(html.encode()) < 100_000
    assert "http://www.w3.org/2000/svg" in html
    without = html.replace("http://www.w3.org/2000/svg", "")
    assert not [word for word in ("http:", "https:", "eval(", "import(", "src=") if word in without]


@pytest.mark.slow
def test_a_diffraction_pattern_is_drawn_and_read_by_pointer_and_keys(view_host: ViewHost) -> None:
    seen = view_host(
        "analyze_structure",
        DIFFRACTION,
        before=[COPPER],
        steps=[
            {"until": f"{DRAWN} > 0"},
            {"evaluate": AT_FIRST_PEAK},
            {"evaluate": TIP},
            {"click": "svg.plot"},
            {"key": "End"},
            {"key": "End"},
            {"evaluate": TIP},
            {"evaluate": "document.querySelector('.only-read').textContent"},
        ],
    )
    assert_clean(seen)
    peaks = seen.result["structuredContent"]["xrd"]["peaks"]
    first, last = peaks[0], peaks[-1]
    at_pointer, at_end, spoken = seen.evaluated[1:]
    assert at_pointer[0] == "".join(map(str, first["hkl"][0])) == "111"
    assert float(at_pointer[2]) == pytest.approx(first["two_theta_deg"], abs=1e-3)
    assert float(at_end[2]) == pytest.approx(last["two_theta_deg"], abs=1e-3)
    assert f"2θ / ° {at_end[2]}" in spoken
    assert 0 < seen.paint["first-contentful-paint"] < 60_000


@pytest.mark.slow
def test_a_job_is_followed_to_its_plot_which_zooms_and_resets(view_host: ViewHost) -> None:
    seen = view_host(
        "fit_eos",
        {"structure_id": "$1.structure_id", "calculator": "emt", "wait_s": 0},
        before=[COPPER],
        steps=[
            {"wait": "Job j-"},
            {"until": f"typeof plots !== 'undefined' && plots.length && {DRAWN} > 0"},
            {"evaluate": VIEWS},
            {"drag": [200, 100, 400, 250]},
            {"until": "plots[0].canvas.classList.contains('zoomed')"},
            {"evaluate": VIEWS},
            {"click": "svg.plot"},
            {"wheel": [300, 200, -100]},
            {"pause": 200},
            {"evaluate": VIEWS},
            {"key": "0"},
            {"until": "!plots[0].canvas.classList.contains('zoomed')"},
            {"evaluate": VIEWS},
            {"click": "button.series"},
            {"pause": 200},
            {"evaluate": SERIES},
        ],
    )
    assert_clean(seen)
    assert seen.result["structuredContent"]["state"] in ("queued", "running")
    job = seen.result["structuredContent"]["job_id"]
    assert [entry for entry in seen.log if entry.startswith("read")][-1] == f"read job://{job}/plot"
    home, zoomed, closer, again, shown = seen.evaluated
    assert again == home
    span = [abs(view[0]["x"][1] - view[0]["x"][0]) for view in (home, zoomed, closer)]
    assert span[0] > span[1] > span[2]
    assert "computed" in shown
    assert "Birch-Murnaghan fit" not in shown


@pytest.mark.slow
def test_numbers_and_drawing_are_taken_along(view_host: ViewHost) -> None:
    seen = view_host(
        "analyze_structure",
        DIFFRACTION,
        before=[COPPER],
        steps=[{"until": f"{DRAWN} > 0"}]
        + [{"click": f"button[title^='The {what}']"} for what in ("numbers", "drawing, as v")]
        + [{"click": "button[title='The drawing, as a picture']"}, {"pause": 1000}],
    )
    assert_clean(seen)
    files = {
        asked["params"]["contents"][0]["resource"]["mimeType"]: base64.b64decode(
            asked["params"]["contents"][0]["resource"]["blob"]
        )
        for asked in seen.asked
    }
    peaks = seen.result["structuredContent"]["xrd"]["peaks"]
    header, *rows = files["text/csv"].decode().splitlines()
    assert header == "panel,series,x,y,x_label,y_label,note"
    assert len(rows) == len(peaks)
    assert f"{peaks[0]['two_theta_deg']:.6g},100,2θ / °" in rows[0]
    assert rows[0].endswith(",111")
    assert files["image/svg+xml"].startswith(b"<svg")
    assert files["image/png"].startswith(b"\x89PNG")


@pytest.mark.slow
def test_a_host_without_downloads_gets_the_numbers_to_copy(view_host: ViewHost) -> None:
    seen = view_host(
        "analyze_structure",
        DIFFRACTION,
        before=[COPPER],
        capabilities={"downloadFile": None},
        steps=[
            {"until": f"{DRAWN} > 0"},
            {"click": "button[title='The numbers shown']"},
            {"until": "!document.getElementById('copy').hidden"},
            {"evaluate": "document.getElementById('copy-text').value"},
        ],
    )
    assert_clean(seen)
    assert seen.evaluated[0].startswith("panel,series,x,y")


@pytest.mark.slow
def test_a_result_without_picture_is_shown_as_text(view_host: ViewHost) -> None:
    what = {"structure_id": "$1.structure_id", "what": ["symmetry"]}
    seen = view_host("analyze_structure", what, before=[COPPER], steps=[{"wait": "Fm-3m"}])
    assert_clean(seen)
    assert seen.result["content"][0]["text"].split("\n")[0] in seen.text


@pytest.mark.slow
@pytest.mark.parametrize("size", [(400, 700), (760, 700)])
def test_a_phase_diagram_follows_theme_and_width(
    view_host: ViewHost, size: tuple[int, int]
) -> None:
    seen = view_host(
        "get_phase_diagram",
        {"chemsys": "Fe-Li-O"},
        theme="dark",
        size=size,
        steps=[
            {"until": f"{DRAWN} > 0"},
            {"evaluate": PLACES},
            {"evaluate": "plots[0].colours.page"},
            {"evaluate": "document.documentElement.scrollWidth"},
            {"context": {"theme": "light"}},
            {"until": "plots[0].colours.page === '#ffffff'"},
        ],
    )
    assert_clean(seen)
    ((frame,), dark, width) = seen.evaluated
    assert int(dark[1:3], 16) < 0x60
    assert width == size[0]
    assert 0 <= frame["left"] < frame["left"] + frame["width"] <= size[0]
    assert frame["height"] / frame["width"] == pytest.approx(1.066 / 1.24, rel=1e-3), "a triangle"
    assert json.dumps(seen.result).count('"image/png"') == 1
