"""Pictures carry what they show: the oracle is what was given to matplotlib."""

from __future__ import annotations

import json
import lzma
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from io import BytesIO
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from matplotlib.figure import Figure
from PIL import Image

from llamp_mcp.evaluation.benchmark import bars
from llamp_mcp.materials.files.sample import shipped_data
from llamp_mcp.materials.spectra import absorption, dos, phonon_bands, phonon_dos, xas
from llamp_mcp.materials.spectra import bands as electronic
from llamp_mcp.materials.spectra.kind import View
from llamp_mcp.materials.thermodynamics import plot as hull_plot
from llamp_mcp.materials.thermodynamics.hull import Hull
from llamp_mcp.materials.thermodynamics.hull import read as read_entries
from llamp_mcp.plot_data import read
from llamp_mcp.plot_data.labels import plain
from llamp_mcp.plot_data.numbers import numbers
from llamp_mcp.plot_data.panels import MAX_POINTS, MAX_VALUES
from llamp_mcp.plots import KEYWORD, figure, panels, png
from llamp_mcp.simulation import equation_of_state
from llamp_mcp.simulation.lattice.drawing import draw_expansion
from llamp_mcp.simulation.lattice.quasi_harmonic import Expansion
from llamp_mcp.simulation.migration.profile import Profile
from llamp_mcp.simulation.migration.profile import drawn as draw_barrier
from llamp_mcp.simulation.trajectories.block import Curve, Panel
from llamp_mcp.simulation.trajectories.plots import pictures
from tests.evaluation.benchmark.test_report import FULL
from tests.materials.spectra import models
from tests.materials.thermodynamics.thermo_source import shipped
from tests.simulation.dynamics.test_plot import drawn as draw_run

if TYPE_CHECKING:
    from collections.abc import Callable


X = np.linspace(0.0, 10.0, 201)
PATH = models.path(("\\Gamma", "X"), ("X", "M"), ("R_1", "X"))


def document(picture: bytes) -> dict[str, Any]:
    """The data in a picture, as PIL finds them."""
    with Image.open(BytesIO(picture)) as opened:
        opened.load()
        found: dict[str, Any] = json.loads(opened.text[KEYWORD])  # type: ignore[attr-defined]
    return found


def items(panel: dict[str, Any], kind: str) -> list[dict[str, Any]]:
    """Those of a kind; a line that shares the x of an earlier one gets it back."""
    found = [one for one in panel["items"] if one["kind"] == kind]
    for one in found:
        if isinstance(one.get("x"), int):
            one["x"] = panel["items"][one["x"]]["x"]
    return found


def only(made: Figure, kind: str) -> dict[str, Any]:
    """The one item of that kind of the one panel of a figure, through the picture."""
    (panel,) = document(png(made))["panels"]
    (found,) = items(panel, kind)
    return found


def test_the_picture_is_the_same_as_without_its_data() -> None:
    def pixels(picture: bytes) -> Any:
        with Image.open(BytesIO(picture)) as opened:
            return np.asarray(opened)

    bare = BytesIO()
    draw_run("npt_full", 20).savefig(bare, format="png")
    assert np.array_equal(pixels(png(draw_run("npt_full", 20))), pixels(bare.getvalue()))


def test_threads_draw_what_one_draws_alone() -> None:
    alone = png(draw_run("npt_full"))
    with ThreadPoolExecutor(6) as pool:
        together = list(pool.map(lambda _: png(draw_run("npt_full")), range(12)))
    assert set(together) == {alone}


def test_a_line_keeps_its_numbers_name_colour_dash_and_marker() -> None:
    made, axes = figure()
    axes.plot(X, np.sin(X), "--s", color="#1f5f9e", lw=2, ms=4, label="sine", alpha=0.5)
    found = only(made, "line")
    assert found["x"] == pytest.approx(X.tolist())
    assert found["y"] == pytest.approx(np.sin(X).tolist(), abs=1e-6)
    style = {"name": "sine", "color": "#1f5f9e", "opacity": 0.5, "dash": "dashed", "width": 2}
    assert found.items() >= (style | {"marker": "s", "size": 4}).items()


def test_axes_keep_labels_limits_scale_ticks_and_what_they_share() -> None:
    made, both = panels(2)
    both[0].semilogy(X + 1, np.exp(X))
    both[0].set(title="left", xlabel="Energy (eV)", ylabel="Absorption (cm$^{-1}$)", xlim=(11, 1))
    both[1].set_xticks([0, 0.5, 1], ["Γ", "X$_{1}$|K", "M"])
    both[1].sharey(both[0])
    made.suptitle("both")
    read_back = document(png(made))
    left, right = read_back["panels"]
    assert read_back["title"] == "both"
    assert left["title"] == "left"
    assert left["x"] == {"label": "Energy (eV)", "limits": [11, 1], "scale": "linear"}
    assert (left["y"]["label"], left["y"]["scale"]) == ("Absorption (cm⁻¹)", "log")
    assert right["x"]["ticks"] == [[0, "Γ"], [0.5, "X₁|K"], [1, "M"]]
    assert left["y"]["shared"] == right["y"]["shared"] == [0, 1]
    assert left["box"][0] < right["box"][0]


def test_twin_axes_say_whose_twin_they_are() -> None:
    made, axes = figure()
    axes.twinx().plot(X, X)
    first, second = document(png(made))["panels"]
    assert "twin" not in first
    assert second["twin"] == 0
    assert second["y"]["right"] is True


def test_points_keep_size_marker_and_the_values_behind_their_colours() -> None:
    made, axes = figure()
    shown = axes.scatter(X, X**2, c=X * 3, s=25, marker="D", cmap="viridis", label="found")
    made.colorbar(shown, ax=axes).set_label("Energy (meV)")
    found = only(made, "points")
    assert found["y"] == pytest.approx((X**2).tolist(), rel=1e-5)
    assert found["values"] == pytest.approx((X * 3).tolist(), abs=1e-4)
    assert (found["range"], found["values_label"]) == ([0, 30], "Energy (meV)")
    assert (found["marker"], found["size"], found["name"]) == ("D", 5, "found")
    assert (found["palette"][0], found["palette"][-1]) == ("#440154", "#fde725")


def test_sticks_rules_spans_and_bars_keep_where_they_are() -> None:
    made, axes = figure()
    axes.vlines([28.4, 47.3], 0, [100, 61.5], colors="#c8442c")
    axes.axvline(30, ls=":", label="edge")
    axes.axhline(50)
    axes.axvspan(10, 20, alpha=0.1)
    axes.bar([1, 2], [3, 4], 0.5, bottom=1, label="counts", hatch="//")
    (panel,) = document(png(made))["panels"]
    (sticks,), (bar,), (span,) = (items(panel, kind) for kind in ("sticks", "bars", "span"))
    assert (sticks["x"], sticks["from_y"], sticks["y"]) == ([28.4, 47.3], [0, 0], [100, 61.5])
    assert [(rule["across"], rule["at"]) for rule in items(panel, "rule")] == [("y", 30), ("x", 50)]
    assert (span["between"], span["across"], span["opacity"]) == ([10, 20], "y", 0.1)
    assert (bar["t"], bar["from"], bar["to"], bar["width"]) == ([1, 2], [1, 1], [4, 5], [0.5, 0.5])
    assert (bar["name"], bar["hatch"], bar["along"]) == ("counts", "//", "x")


@pytest.mark.parametrize("along", ["x", "y"])
def test_an_area_keeps_both_of_its_edges(along: str) -> None:
    made, axes = figure()
    fill = axes.fill_between if along == "x" else axes.fill_betweenx
    fill(X, np.sin(X), -X, color="#9a9a9a", alpha=0.3, label="total")
    found = only(made, "area")
    assert found["along"] == along
    assert found["t"] == found["from_t"] == pytest.approx(X.tolist())
    assert found["to"] == pytest.approx(np.sin(X).tolist(), abs=1e-6)
    assert found["from"] == pytest.approx((-X).tolist())


def test_an_area_over_a_level_says_the_level_once() -> None:
    made, axes = figure()
    axes.fill_between(X, np.sin(X))
    found = only(made, "area")
    assert (found["from_t"], found["from"]) == ([0, 10], [0, 0])


def test_error_bars_keep_their_ends() -> None:
    made, axes = figure()
    low_high = [[0.1, 0.2], [0.3, 0.4]]
    axes.errorbar([1, 2], [10, 20], yerr=low_high, xerr=0.5, capsize=3, fmt="o", label="measured")
    found = only(made, "line")
    assert found["y_errors"] == [[9.9, 19.8], [10.3, 20.4]]
    assert found["x_errors"] == [[0.5, 1.5], [1.5, 2.5]]
    assert found["name"] == "measured"


def test_texts_keep_place_offset_and_turn() -> None:
    made, axes = figure()
    axes.annotate(
        "$\\bar{1}10$", (2, 3), (0, 4), textcoords="offset points", rotation=90, ha="center"
    )
    found = only(made, "text")
    assert (found["text"], found["at"], found["offset"]) == ("1̅10", [2, 3], [0, 4])
    assert (found["rotation"], found["anchor"]) == (90, "center")


def test_what_it_does_not_know_is_named() -> None:
    made, axes = figure()
    axes.pcolormesh(np.eye(3))
    assert document(png(made))["omitted"] == ["QuadMesh"]


def test_gaps_stay_gaps() -> None:
    made, axes = figure()
    axes.plot([0, 1, 2], [0.5, np.nan, np.inf])
    assert only(made, "line")["y"] == [0.5, None, None]


def test_a_long_line_is_thinned_between_its_extremes() -> None:
    made, axes = figure()
    values = np.random.default_rng(0).normal(size=50_000)
    values[12_345], values[34_567] = 99.0, -99.0
    axes.plot(np.arange(50_000), values)
    found = only(made, "line")
    assert found["points"] == 50_000
    assert len(found["x"]) == len(found["y"]) <= MAX_POINTS
    assert (found["x"][0], found["x"][-1]) == (0, 49_999)
    assert (found["y"][found["x"].index(12_345)], found["y"][found["x"].index(34_567)]) == (99, -99)


def test_many_lines_are_thinned_together_and_those_out_of_sight_are_counted() -> None:
    made, axes = figure()
    for shift in range(100):
        axes.plot(X[:, None].repeat(10, axis=1).ravel(), np.repeat(np.sin(X), 10) + shift)
    axes.set_ylim(0, 50)
    (panel,) = document(png(made))["panels"]
    lines = items(panel, "line")
    assert len(lines) + panel["outside"] == 100
    assert sum(len(line["y"]) for line in lines) <= MAX_VALUES


def test_lines_over_the_same_points_share_them() -> None:
    made, axes = figure()
    axes.plot(X, X)
    axes.plot(X, 2 * X)
    (panel,) = read(made)["panels"]
    assert panel["items"][1]["x"] == 0


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([1 / 3, 2], [0.333333, 2]),
        ([-1234.5678901239, -1234.5688901239], [-1234.56789012, -1234.56889012]),
        ([5, 5], [5, 5]),
        ([1.23456789e-9, 4e12], [1.23457e-9, 4_000_000_000_000]),
        ([], []),
    ],
)
def test_numbers_keep_six_digits_of_their_range(values: list[float], expected: list[float]) -> None:
    assert numbers(values) == pytest.approx(expected, rel=1e-13)


@pytest.mark.parametrize(
    ("mathtext", "expected"),
    [
        ("Li$_{2}$O$_{2}$", "Li₂O₂"),
        ("cm$^{-1}$", "cm⁻¹"),
        (r"$\Gamma$, $\theta$, $\alpha_{10}$", "Γ, θ, \N{GREEK SMALL LETTER ALPHA}₁₀"),
        (r"$\bar{1}\ 0\ 12$", "1̅ 0 12"),
        ("50 %, s_1", "50 %, s_1"),
    ],
)
def test_labels_are_plain_text(mathtext: str, expected: str) -> None:
    assert plain(mathtext) == expected


def _spectra() -> dict[str, Callable[[], object]]:
    energies = np.linspace(-8, 8, 801)
    states = np.abs(np.sin(energies)) * (np.abs(energies) > 0.5)
    found = {
        "bands": (electronic, models.bands(PATH, 0.5, models.indirect(PATH, 1.1, 0.4))),
        "dos": (dos, models.dos(energies, 0.0, states, 0.5 * states)),
        "phonon bands": (
            phonon_bands,
            models.phonon_bands(PATH, models.diatomic(PATH, 6.0, 1.0, 3.0) - 0.5),
        ),
        "phonon dos": (phonon_dos, models.phonon_dos(models.debye(5.0, 2), models.rock_salt())),
        "absorption": (
            absorption,
            {
                "material_id": "mp-3200001",
                "energies": X.tolist(),
                "absorption_coefficient": (1e5 * (X - 2).clip(0)).tolist(),
                "bandgap": 1.5,
            },
        ),
        "xas": (xas, models.xas("Fe", "K", "XANES", 7112.0)),
    }
    return {name: partial(_spectrum, kind, data) for name, (kind, data) in found.items()}


def _spectrum(module: Any, data: dict[str, Any]) -> object:
    return module.KIND.read([data], View(title="title"))


def _barrier() -> Figure:
    energies = np.array([0.0, 0.4, 0.2, 0.7, 0.1])
    places = np.arange(5.0)
    fine = np.linspace(0, 4, 50)
    fitted = np.interp(fine, places, energies)
    return draw_barrier(Profile(places, energies, fine, fitted, 3, [2]), "title")


def _eos() -> Figure:
    volumes = np.linspace(10, 13, 7)
    energies = 0.02 * (volumes - 11.5) ** 2 - 3.6
    fitted = equation_of_state.fit("birch_murnaghan", volumes, energies)
    return equation_of_state.draw(fitted, volumes, energies, "title")


PLOTS: dict[str, Callable[[], object]] = {
    **_spectra(),
    "barrier": lambda: png(_barrier()),
    "equation of state": lambda: png(_eos()),
    "molecular dynamics": lambda: png(draw_run("npt_full", 20)),
    "thermal expansion": lambda: png(
        draw_expansion(Expansion(X + 1, X, X, X, X, X, X, None, None), 2, "title")
    ),
    "trajectory": lambda: list(
        pictures([Panel("MSD", "Lag (ps)", "MSD (Å²)", [Curve(X, X**2, "Li")], [1.0], [2.0])] * 5)
    ),
    "evaluation": lambda: bars.draw(FULL),
}


@pytest.fixture
def saved(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Figure, bytes]]:
    """Every figure that is written, with its picture."""
    kept: list[tuple[Figure, bytes]] = []
    original = Figure.savefig

    def savefig(made: Figure, stream: BytesIO, **options: Any) -> None:
        original(made, stream, **options)
        kept.append((made, stream.getvalue()))

    monkeypatch.setattr(Figure, "savefig", savefig)
    return kept


def rounded(values: list[float | None]) -> tuple[float, ...]:
    return tuple(np.round(np.array(values, dtype=float), 4).tolist())


def assert_read_back(made: Figure, picture: bytes) -> None:
    """Every data line of every panel is in the picture, with the numbers that were drawn."""
    found = document(picture)
    assert "omitted" not in found
    bars_of_colour = [c.colorbar.ax for a in made.axes for c in a.collections if c.colorbar]
    drawn = [axes for axes in made.axes if axes not in bars_of_colour]
    assert len(drawn) == len(found["panels"])
    for axes, panel in zip(drawn, found["panels"], strict=True):
        assert panel["y"]["limits"] == pytest.approx(axes.get_ylim(), rel=1e-4)
        lines = items(panel, "line")
        kept = {rounded(line["y"]) for line in lines if "points" not in line}
        thinned = [line["points"] for line in lines if "points" in line]
        shown = [x for x in axes.get_lines() if x.get_transform() == axes.transData]
        assert thinned == [np.size(x.get_ydata()) for x in shown if np.size(x.get_ydata()) > 2_000]
        shown = [x for x in shown if np.size(x.get_ydata()) <= 2_000]
        missing = [x for x in shown if rounded(numbers(x.get_ydata())) not in kept]
        assert len(missing) == panel.get("outside", 0)


@pytest.mark.parametrize("name", PLOTS)
def test_every_plot_can_be_read_back(name: str, saved: list[tuple[Figure, bytes]]) -> None:
    PLOTS[name]()
    assert saved
    for made, picture in saved:
        assert_read_back(made, picture)


@pytest.mark.parametrize("elements", [["Li", "O"], ["Fe", "Li", "O"]], ids="-".join)
def test_every_phase_diagram_can_be_read_back(
    elements: list[str], saved: list[tuple[Figure, bytes]]
) -> None:
    sample = json.loads(lzma.decompress(shipped_data()))
    documents = [d for d in shipped(sample) if set(elements).issuperset(d["composition"])]
    hull = Hull(read_entries(documents, ()).found, elements)
    stable = [e for e in hull.entries if hull.above(e) == 0]
    hull_plot.draw(hull, stable, [e for e in hull.entries if 0 < hull.above(e) < 0.1], [], "title")
    ((made, picture),) = saved
    assert_read_back(made, picture)
    (panel,) = document(picture)["panels"]
    labels = {item["text"] for item in items(panel, "text")}
    assert {"Li", "Li₂O"} <= labels
    assert panel.get("equal", False) is (len(elements) == 3)
