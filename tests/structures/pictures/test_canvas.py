from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from llamp_mcp.structures.pictures.canvas import Canvas

if TYPE_CHECKING:
    from llamp_mcp.structures.pictures.canvas import Point
    from llamp_mcp.structures.pictures.shading import Slices

RED: Slices = (((250, 0, 0), 1.0),)
BLUE: Slices = (((0, 0, 250), 1.0),)


def test_a_canvas_is_white_and_has_the_size_asked_for() -> None:
    pixels = Canvas(31, 17).pixels()
    assert pixels.shape == (17, 31, 3)
    assert (pixels == 255).all()


def test_a_sphere_covers_its_disc() -> None:
    canvas = Canvas(200, 200)
    canvas.sphere((100, 100, 0), 60, RED)
    covered = (canvas.pixels() != 255).any(axis=2)
    assert covered.sum() == pytest.approx(np.pi * 60**2, rel=0.02)
    rows, columns = covered.nonzero()
    assert (rows.mean(), columns.mean()) == pytest.approx((100, 100), abs=1)


@pytest.mark.parametrize("first", ["red", "blue"])
def test_what_is_nearer_hides_what_is_farther_whatever_is_drawn_first(first: str) -> None:
    balls: dict[str, tuple[Point, Slices]] = {
        "red": ((50, 50, 30), RED),
        "blue": ((50, 50, 0), BLUE),
    }
    canvas = Canvas(100, 100)
    for name in sorted(balls, key=lambda name: name != first):
        centre, colour = balls[name]
        canvas.sphere(centre, 20, colour)
    red, _, blue = canvas.pixels()[50, 50]
    assert red > 200 > blue


def test_spheres_of_one_depth_meet_half_way() -> None:
    canvas = Canvas(120, 100)
    canvas.sphere((45, 50, 0), 25, RED)
    canvas.sphere((75, 50, 0), 25, BLUE)
    row = canvas.pixels()[50].astype(int)
    assert all(row[x, 0] > row[x, 2] for x in range(25, 59))
    assert all(row[x, 2] > row[x, 0] for x in range(62, 95))


def test_slices_run_clockwise_from_the_top_and_have_their_shares() -> None:
    canvas = Canvas(100, 100)
    canvas.sphere((50, 50, 0), 40, (((250, 0, 0), 0.25), ((0, 0, 250), 0.75)))
    pixels = canvas.pixels().astype(int)
    assert pixels[35, 65, 0] > pixels[35, 65, 2]
    for y, x in ((35, 35), (65, 35), (65, 65)):
        assert pixels[y, x, 2] > pixels[y, x, 0]
    coloured = (abs(pixels[..., 0] - pixels[..., 2]) > 40).sum()
    assert (pixels[..., 0] - pixels[..., 2] > 40).sum() / coloured == pytest.approx(0.25, abs=0.01)


def test_a_stick_has_the_colour_of_each_end_up_to_the_middle() -> None:
    canvas = Canvas(100, 40)
    canvas.stick(((10, 20, 0), (90, 20, 0)), 6, ((250, 0, 0), (0, 0, 250)))
    pixels = canvas.pixels().astype(int)
    assert all(pixels[20, x, 0] > pixels[20, x, 2] for x in range(12, 49))
    assert all(pixels[20, x, 2] > pixels[20, x, 0] for x in range(51, 88))
    assert (pixels[:, 30] != 255).any(axis=1).sum() == pytest.approx(12, abs=1)


def test_a_slanted_stick_passes_before_at_one_end_and_behind_at_the_other() -> None:
    canvas = Canvas(100, 40)
    for x in (30, 70):
        canvas.sphere((x, 20, 0), 12, RED)
    canvas.stick(((10, 20, 80), (90, 20, -80)), 4, ((0, 0, 250), (0, 0, 250)))
    pixels = canvas.pixels().astype(int)
    assert pixels[20, 30, 2] > pixels[20, 30, 0]
    assert pixels[20, 70, 0] > pixels[20, 70, 2]


def test_a_stick_or_line_seen_end_on_or_out_of_bounds_is_nothing() -> None:
    canvas = Canvas(50, 50)
    canvas.stick(((20, 20, 0), (20, 20, 30)), 3, ((0, 0, 0), (0, 0, 0)))
    canvas.line(((20, 20, 0), (20, 20, 30)), 3, (0, 0, 0))
    canvas.line(((-20, -20, 0), (-5, -20, 30)), 3, (0, 0, 0))
    canvas.sphere((-60, 20, 0), 20, RED)
    assert (canvas.pixels() == 255).all()


def test_half_of_a_dashed_line_is_drawn() -> None:
    whole, dashed = Canvas(220, 20), Canvas(220, 20)
    whole.line(((10, 10, 0), (210, 10, 0)), 2, (0, 0, 0))
    dashed.line(((10, 10, 0), (210, 10, 0)), 2, (0, 0, 0), dash=10)
    drawn = [int((255 - canvas.pixels().astype(int)).sum()) for canvas in (whole, dashed)]
    assert drawn[1] / drawn[0] == pytest.approx(0.5, abs=0.02)


def test_nothing_is_drawn_beyond_the_bounds() -> None:
    canvas = Canvas(100, 100)
    canvas.clip(20, 30, 80, 70)
    canvas.sphere((50, 50, 0), 60, RED)
    canvas.line(((0, 0, 99), (99, 99, 99)), 3, (0, 0, 0))
    covered = (canvas.pixels() != 255).any(axis=2)
    assert covered[30:70, 20:80].all()
    assert covered.sum() == 40 * 60


def test_it_is_known_what_is_in_front() -> None:
    canvas = Canvas(100, 100)
    canvas.sphere((50, 50, 0), 20, RED)
    assert canvas.in_front(50, 50, 15)
    assert not canvas.in_front(50, 50, 21)
    assert not canvas.in_front(80, 80, -500)
    assert canvas.in_front(120, 50, 0), "what is outside cannot be seen"
