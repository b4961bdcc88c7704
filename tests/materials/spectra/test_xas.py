from __future__ import annotations

import json

import numpy as np
import pytest
from pymatgen.analysis.xas.spectrum import XAS

from llamp_mcp.errors import NotFound, SourceError
from llamp_mcp.materials.spectra import xas
from llamp_mcp.materials.spectra.kind import View
from tests.materials.spectra import models

SPECTRA = [
    models.xas("O", "K", "XANES", 530.0),
    models.xas("Fe", "L2,3", "XANES", 710.0),
    models.xas("Fe", "K", "EXAFS", 7110.0),
    models.xas("Fe", "K", "XANES", 7112.0),
]


def read(documents, **view):
    return xas.KIND.read(documents, View(title="model", **view))


def test_the_edge_is_the_steepest_point_and_the_white_line_the_highest():
    """Oracle: the arctangent step is steepest at its place, its Lorentz line 8 eV above."""
    values = read([models.xas("Fe", "K", "XANES", 7112.0)]).values
    assert values["edge_energy"] == pytest.approx(7112.0)
    assert values["white_line"]["energy"] == pytest.approx(7120.0, abs=0.25)


def test_pymatgen_finds_the_same_edge():
    x = np.linspace(7100, 7150, 173)
    y = models.edge(x, 7113.3)
    assert xas.edge_energy(x, y) == XAS(x.tolist(), y.tolist(), models.rock_salt(), "Na").e0


def test_without_an_element_the_first_by_name_and_its_k_edge_near_the_edge_is_taken():
    values = read(SPECTRA).values
    assert (values["absorbing_element"], values["edge"], values["spectrum_type"]) == (
        "Fe",
        "K",
        "XANES",
    )
    assert values["available"] == ["Fe K XANES", "Fe K EXAFS", "Fe L2,3 XANES", "O K XANES"]


@pytest.mark.parametrize(
    ("view", "edge"),
    [({"element": "O"}, 530.0), ({"edge": "L2,3"}, 710.0), ({"element": "Fe"}, 7112.0)],
)
def test_element_and_edge_choose_the_spectrum(view, edge):
    assert read(SPECTRA, **view).values["edge_energy"] == pytest.approx(edge)


def test_a_spectrum_that_is_not_there_is_refused_with_those_there_are():
    with pytest.raises(NotFound, match=r"no xas of O L3 here.*Fe K XANES, .*O K XANES"):
        read(SPECTRA, element="O", edge="L3")


def test_the_extended_region_has_no_white_line():
    assert "white_line" not in read([SPECTRA[2]]).values


def test_several_spectra_of_one_name_are_counted():
    notes = read([SPECTRA[0], SPECTRA[0]]).notes
    assert any(note.startswith("2 spectra are of this element") for note in notes)


def test_a_document_without_a_curve_is_an_error():
    with pytest.raises(SourceError, match="came without spectrum"):
        read([{**SPECTRA[0], "spectrum": None}])


def test_the_data_hold_every_spectrum_of_the_material():
    data = json.loads(json.dumps(xas.KIND.data(SPECTRA), allow_nan=False))
    assert [spectrum["edge"] for spectrum in data["spectra"]] == ["K", "K", "L2,3", "K"]
    assert data["spectra"][3]["absorption"] == SPECTRA[0]["spectrum"]["y"]
