from __future__ import annotations

import itertools

import pytest
from pymatgen.core import Composition

from llamp_mcp.materials.thermodynamics import plot as hull_plot
from llamp_mcp.materials.thermodynamics.hull import Entry, Hull, read
from tests.materials.thermodynamics.thermo_source import shipped


@pytest.fixture(params=[["Fe", "O"], ["Li", "O"], ["Fe", "Li", "O"]], ids="-".join)
def hull(request, sample):
    elements = set(request.param)
    documents = [d for d in shipped(sample) if elements.issuperset(d["composition"])]
    return Hull(read(documents, ()).found, request.param)


def split(hull):
    stable = [e for e in hull.entries if hull.above(e) == 0]
    return stable, [e for e in hull.entries if 0 < hull.above(e) < 0.1]


def test_every_stable_phase_and_every_structure_of_the_user_is_labelled_once(hull):
    own = Entry("s-1", "LiO2" if "Li" in hull.elements else "FeO2", Composition("LiO2"), -5)
    own = own if "Li" in hull.elements else Entry("s-1", "FeO2", Composition("FeO2"), -6)
    stable, unstable = split(hull)
    drawn = hull_plot.compose(hull, (stable, unstable, [own]), "title")
    labels = [text.get_text().translate({ord(c): None for c in "$_{}"}) for text in texts(drawn)]
    assert sorted(labels) == sorted([own.formula, *{e.formula for e in stable}])


def test_labels_keep_out_of_each_other(hull):
    stable, unstable = split(hull)
    drawn = hull_plot.compose(hull, (stable, unstable, []), "title")
    boxes = [text.get_window_extent() for text in texts(drawn)]
    assert len(boxes) == len(stable)
    assert not [pair for pair in itertools.combinations(boxes, 2) if pair[0].overlaps(pair[1])]


def test_the_picture_is_a_png(hull):
    stable, unstable = split(hull)
    assert hull_plot.draw(hull, stable, unstable, [], "title").startswith(b"\x89PNG")


def texts(drawn):
    return drawn.axes[0].texts
