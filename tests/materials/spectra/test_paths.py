from __future__ import annotations

import numpy as np
import pytest
from pymatgen.electronic_structure.bandstructure import BandStructureSymmLine

from llamp_mcp.materials.spectra import paths
from llamp_mcp.plots import figure
from tests.materials.spectra import models


@pytest.mark.parametrize(
    ("label", "text"),
    [
        ("\\Gamma", "Γ"),
        ("GAMMA", "Γ"),
        ("$\\Sigma_{12}$", "Σ₁₂"),
        ("\\Sigma_1", "Σ₁"),
        ("X_1", "X₁"),
        ("L ", "L"),
        ("d_{0}", "d₀"),
        ("M'", "M'"),
    ],
)
def test_labels_read_as_a_person_writes_them(label, text):
    assert paths.label_text(label) == text


def line(*corners):
    points = models.path(*corners)
    bands = models.chain(points, 1.0, 0.7)
    return paths.line_of(BandStructureSymmLine.from_dict(models.bands(points, 0.0, bands)))


def test_a_jump_in_the_path_is_one_tick_with_both_labels():
    _, axes = figure()
    paths.draw_ticks(axes, line(("\\Gamma", "X"), ("M", "\\Gamma")))
    assert [tick.get_text() for tick in axes.get_xticklabels()] == ["Γ", "X|M", "Γ"]


def test_a_corner_that_is_passed_is_named_once():
    _, axes = figure()
    paths.draw_ticks(axes, line(("\\Gamma", "X"), ("X", "M"), ("M", "R_1")))
    assert [tick.get_text() for tick in axes.get_xticklabels()] == ["Γ", "X", "M", "R₁"]


def test_no_line_bridges_a_jump():
    _, axes = figure()
    made = line(("\\Gamma", "X"), ("M", "\\Gamma"))
    paths.draw_lines(axes, made, np.zeros((3, len(made.points))), label="spin up")
    assert len(axes.lines) == 2 * 3
    assert {np.size(drawn.get_xdata()) for drawn in axes.lines} == {models.POINTS}
    assert [drawn.get_label() for drawn in axes.lines].count("spin up") == 1


def test_the_nearest_label_counts_translations_by_reciprocal_lattice_vectors():
    made = line(("\\Gamma", "X"))
    assert made.gap([0.95, 0, 0], [0, 0, 0]) == pytest.approx(0.05 * 2 * np.pi / 4.0)
