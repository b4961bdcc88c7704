"""The structure view in the official host, in a browser, by clicks and keys."""

from __future__ import annotations

import base64
import json
from io import BytesIO
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from PIL import Image

from llamp_mcp.server.views import page
from tests.node.fixtures import drawn_pixels

if TYPE_CHECKING:
    from tests.node.fixtures import Viewed, ViewHost

pytestmark = pytest.mark.slow

SILICON = ("get_structure", {"material": "Si", "cell": "conventional"})
SALT = (
    "create_structure",
    {"prototype": {"kind": "bulk", "name": "NaCl", "crystal": "rocksalt", "a": 5.64}},
)
COPPER = (
    "create_structure",
    {"prototype": {"kind": "bulk", "name": "Cu", "crystal": "fcc", "a": 3.6, "cubic": True}},
)
SHOWN = {"until": "stage && stage.shown && !el('stage').hidden"}
MD = {"structure_id": "$1.structure_id", "calculator": "emt", "temperature_k": [300], "seed": 1}


def clean(seen: Viewed) -> None:
    """It asked for nothing outside and broke no rule."""
    assert seen.errors == []
    assert seen.outside == []


def place_of(site: int) -> str:
    """Where the first ball of a site is shown, in JavaScript, clicked as a pointer would."""
    return f"""(() => {{
      const n = stage.scene.atoms.findIndex((atom) => atom.site === {site});
      const box = el('canvas').getBoundingClientRect();
      const place = {{ clientX: box.left + stage.shown[n].x, clientY: box.top + stage.shown[n].y }};
      const found = stage.ballAt(stage.shown[n].x, stage.shown[n].y, 0);
      for (const name of ['pointerdown', 'pointerup'])
        el('canvas').dispatchEvent(new PointerEvent(name, {{ ...place, pointerId: 1, button: 0 }}));
      return stage.scene.atoms[found].site;
    }})()"""


def test_the_page_is_small_and_asks_for_nothing_outside() -> None:
    html = page("structure")
    assert len(html.encode()) < 100_000
    assert "src=" not in html.replace("img.src", "").replace("').src = url", "")
    for word in ("http://", "https://", "eval(", "new Function", "import("):
        assert word not in html.replace("http://www.w3.org/2000/svg", ""), word


def test_a_structure_is_drawn_measured_and_named(view_host: ViewHost) -> None:
    seen = view_host(
        "view_structure",
        {"structure_id": "$1.structure_id", "direction": [1, 2, 3]},
        before=[SILICON],
        steps=[
            SHOWN,
            {"evaluate": "stage.pick(0)"},
            {"wait": "site 0"},
            {"evaluate": "stage.pick(stage.scene.sticks.find(([i]) => i === 0)[1])"},
            {"wait": "distance 1-2 = 2.3"},
            {"screenshot": {"path": str(view_host.folder / "light.png"), "selector": "#canvas"}},
            {"evaluate": "stage.clear()"},
            {"evaluate": "[stage.scene.atoms.length, stage.scene.sticks.length]"},
        ],
    )
    clean(seen)
    assert seen.page_bytes < 100_000
    assert drawn_pixels(view_host.folder / "light.png") > 10_000
    structure_id = seen.result["structuredContent"]["structure_id"]
    assert f"{structure_id} · 8 atoms in the cell" in seen.text
    assert "Si 8" in seen.text
    assert f"read structure://{structure_id}/geometry" in seen.log
    assert seen.evaluated[-1] == [18, 16]


def test_clicks_on_atoms_and_elements_and_keys_do_what_the_help_says(
    view_host: ViewHost,
) -> None:
    seen = view_host(
        "view_structure",
        {"structure_id": "$1.structure_id", "repeats": [2, 2, 2]},
        before=[SALT],
        steps=[
            SHOWN,
            {"evaluate": place_of(1)},
            {"wait": "1 Cl, site 1"},
            {"focus": "#canvas"},
            {"key": "Escape"},
            {"until": "el('picked').hidden"},
            {"evaluate": "JSON.stringify(stage.camera.rotation)"},
            {"key": "ArrowRight"},
            {"key": "+"},
            {"evaluate": "JSON.stringify(stage.camera.rotation)"},
            {"evaluate": "stage.camera.zoom"},
            {"key": "c"},
            {"evaluate": "stage.camera.rotation[2]"},
            {"drag": [300, 250, 360, 250]},
            {"evaluate": "stage.camera.rotation[2]"},
            {"click": "#legend button:first-child"},
            {"evaluate": "stage.shown.filter(Boolean).length < stage.scene.atoms.length"},
            {"select": ["#cells", "3"]},
            {"evaluate": "stage.repeats"},
            {"select": ["#model", "fill"]},
            {"wait": "van der Waals radii"},
            {"click": "#perspective"},
            {"evaluate": "stage._camera().eye > 0"},
            {"key": "?"},
            {"wait": "angle, dihedral"},
        ],
    )
    clean(seen)
    _, before, after, zoom, along, dragged, hidden, repeats, perspective = seen.evaluated
    assert before != after
    assert zoom == pytest.approx(1.15)
    assert np.allclose(np.cross(along, [0, 0, 1])[2], 0)
    assert not np.allclose(along, dragged)
    assert hidden
    assert repeats == [3, 3, 3]
    assert perspective


def test_the_view_takes_the_theme_of_its_host(view_host: ViewHost) -> None:
    paper = view_host.folder / "paper.png"
    seen = view_host(
        "view_structure",
        {"structure_id": "$1.structure_id"},
        before=[SILICON],
        theme="dark",
        steps=[
            SHOWN,
            {"pause": 500},
            {"evaluate": "stage.dark"},
            {"context": {"theme": "light"}},
            {"until": "!stage.dark"},
            {"pause": 500},
            {"screenshot": {"path": str(paper), "selector": "#canvas"}},
        ],
    )
    clean(seen)
    assert seen.evaluated == [True]
    with Image.open(paper) as opened:
        corner = np.asarray(opened.convert("RGB"))[-5, -5]
    assert corner.min() > 240


def test_the_picture_is_saved_through_the_host_or_shown_to_be_saved(view_host: ViewHost) -> None:
    call: dict[str, Any] = {
        "tool": "view_structure",
        "arguments": {"structure_id": "$1.structure_id"},
        "before": [SILICON],
    }
    seen = view_host(**call, steps=[SHOWN, {"click": "#png"}, {"pause": 1000}])
    (asked,) = seen.asked
    (item,) = asked["params"]["contents"]
    with Image.open(BytesIO(base64.b64decode(item["resource"]["blob"]))) as picture:
        assert picture.format == "PNG"
        assert picture.width >= 700
        assert len(picture.convert("RGB").getcolors(1 << 20) or []) > 100
    clean(seen)
    alone = view_host(
        **call,
        capabilities={"downloadFile": None},
        steps=[SHOWN, {"click": "#png"}, {"wait": "Right-click"}],
    )
    assert alone.asked == []


def test_a_trajectory_plays_and_says_time_and_temperature(view_host: ViewHost) -> None:
    seen = view_host(
        "analyze_trajectory",
        {"job_id": "$2.job_id", "skip_ps": 0.05},
        before=[COPPER, ("run_md", {**MD, "steps": 100, "sample_every": 5})],
        steps=[
            SHOWN,
            {"wait": "1/21: frame 0 · step 0 · 0 fs"},
            {"focus": "#canvas"},
            {"key": "]"},
            {"wait": "2/21: frame 1 · step 5"},
            {"key": "["},
            {"wait": "1/21"},
            {"evaluate": "[...stage.scene.places.slice(0, 12)]"},
            {"evaluate": "player.go(20)"},
            {"evaluate": "[...stage.scene.places.slice(0, 12)]"},
            {"evaluate": "document.querySelectorAll('#curve polyline').length"},
            {"evaluate": "void el('curve').scrollIntoView()"},
            {"click": "#curve"},
            {"evaluate": "player.n"},
            {"evaluate": "player.go(0)"},
            {"focus": "#canvas"},
            {"key": "Space"},
            {"until": "player.n > 2"},
            {"key": "Space"},
            {"until": "!player.playing"},
        ],
    )
    clean(seen)
    values = [value for value in seen.evaluated if value is not None]
    first, last, curves, sought = values
    assert not np.allclose(first, last)
    assert curves == 1
    assert 5 <= sought <= 15, "the middle of the curve"
    assert " K" in seen.text
    assert "21 frames" in seen.text


def test_a_file_plays_with_the_time_between_frames_that_the_caller_gave(
    view_host: ViewHost,
) -> None:
    from ase.build import bulk
    from ase.io import write

    folder = view_host.folder / "home" / "workspace"
    folder.mkdir(parents=True)
    atoms = bulk("Cu", cubic=True)
    frames = []
    for seed in range(700):
        frame = atoms.copy()
        frame.rattle(0.05, seed=seed)
        frames.append(frame)
    write(folder / "a b.extxyz", frames)
    seen = view_host(
        "analyze_trajectory",
        {"path": "a b.extxyz", "what": ["msd"], "frame_time_fs": 10},
        steps=[SHOWN, {"evaluate": "player.go(1)"}, {"wait": "frame 2 · 20 fs"}],
    )
    clean(seen)
    assert "350 of 700 frames" in seen.text
    assert "temperature is not known" in seen.text


def test_what_goes_wrong_is_said_in_the_page(view_host: ViewHost) -> None:
    seen = view_host(
        "view_structure",
        {"structure_id": "s-0000000000000000"},
        steps=[{"wait": "s-0000000000000000"}],
    )
    assert all("status of 500" in error for error in seen.errors), "the host's own refused read"
    cancelled = view_host(
        "view_structure",
        {"structure_id": "$1.structure_id"},
        before=[SILICON],
        deliver=False,
        steps=[{"wait": "The call was stopped"}],
    )
    assert cancelled.errors == []


def test_a_narrow_page_hides_nothing(view_host: ViewHost) -> None:
    seen = view_host(
        "view_structure",
        {"structure_id": "$1.structure_id"},
        before=[SILICON],
        size=(400, 640),
        steps=[
            SHOWN,
            {"evaluate": "document.documentElement.scrollWidth"},
            {
                "evaluate": "JSON.stringify([...document.querySelectorAll('button, select')]"
                ".filter(b => b.offsetParent).map(b => b.getBoundingClientRect())"
                ".map(b => [b.left, b.right, b.height]))"
            },
        ],
    )
    clean(seen)
    assert seen.evaluated[0] <= 400
    for left, right, height in json.loads(seen.evaluated[1]):
        assert left >= 0
        assert right <= 400
        assert height >= 24
