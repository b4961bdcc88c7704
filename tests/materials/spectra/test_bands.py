from __future__ import annotations

import json

import numpy as np
import pytest
from pymatgen.electronic_structure.bandstructure import BandStructureSymmLine

from llamp_mcp.errors import SourceError
from llamp_mcp.materials.spectra import bands
from llamp_mcp.materials.spectra.kind import View
from tests.materials.spectra import models

VIEW = View(title="model")
GAMMA_X = models.path(("\\Gamma", "X"))


def read(document):
    return bands.KIND.read([document], VIEW)


def test_the_dimerised_chain_has_its_analytic_direct_gap_at_the_zone_boundary():
    """Oracle: E = ±|t1 + t2 exp(ik)|, gap 2|t1 - t2|."""
    values = read(models.bands(GAMMA_X, 0.0, models.chain(GAMMA_X, 1.0, 0.7))).values
    assert values["band_gap"] == pytest.approx(2 * 0.3)
    assert values["direct_gap"] == pytest.approx(2 * 0.3)
    assert values["is_gap_direct"] is True
    assert values["is_metal"] is False
    assert values["vbm"] == {
        "energy": pytest.approx(-0.3),
        "k_point": "X",
        "frac_coords": [0.5, 0, 0],
    }


def test_the_undimerised_chain_with_a_shifted_fermi_level_is_a_metal_without_edges():
    reading = read(models.bands(GAMMA_X, 0.5, models.chain(GAMMA_X, 1.0, 1.0)))
    assert reading.values["is_metal"] is True
    assert reading.values["band_gap"] == 0
    assert not {"vbm", "cbm", "direct_gap", "is_gap_direct"} & set(reading.values)


def test_a_valley_off_the_labels_is_placed_between_them_and_by_its_nearest_label():
    values = read(models.bands(GAMMA_X, 0.5, models.indirect(GAMMA_X, 1.1, 0.4))).values
    assert values["band_gap"] == pytest.approx(1.1)
    assert values["is_gap_direct"] is False
    assert values["vbm"]["k_point"] == "Γ"
    assert values["cbm"]["k_point"] == "0.8 of the way Γ→X"
    assert values["cbm"]["frac_coords"] == pytest.approx([0.4, 0, 0])
    assert values["cbm"]["nearest"] == "X"
    assert values["cbm"]["nearest_distance"] == pytest.approx(0.1 * 2 * np.pi / 4.0)


def test_the_direct_gap_of_shifted_cosines_is_their_smallest_vertical_distance():
    """Oracle: gap + 2 - cos(2πx) - ... is smallest half-way between the extrema."""
    values = read(models.bands(GAMMA_X, 0.5, models.indirect(GAMMA_X, 1.0, 0.4))).values
    assert values["direct_gap"] == pytest.approx(1.0 + 2 - 2 * np.cos(2 * np.pi * 0.2))


def test_pymatgen_agrees_on_gap_and_edges():
    points = models.path(("\\Gamma", "X"), ("X", "M"), ("R_1", "\\Gamma"))
    document = models.bands(points, 0.5, models.indirect(points, 1.1, 0.37))
    theirs, ours = BandStructureSymmLine.from_dict(document), read(document).values
    assert ours["band_gap"] == pytest.approx(theirs.get_band_gap()["energy"])
    assert ours["cbm"]["frac_coords"] == pytest.approx(list(theirs.get_cbm()["kpoint"].frac_coords))
    assert ours["k_points"] == len(points)


def test_a_gap_of_one_spin_only_is_a_half_metal():
    metal, gapped = models.chain(GAMMA_X, 1.0, 1.0) + 0.2, models.chain(GAMMA_X, 1.0, 0.5)
    reading = read(models.bands(GAMMA_X, 0.0, metal, gapped))
    assert reading.values["is_metal"] is True
    assert reading.values["is_spin_polarized"] is True
    assert reading.values["gap_spin_up"] == 0
    assert reading.values["gap_spin_down"] == pytest.approx(1.0)
    assert any("half-metal" in note for note in reading.notes)


def test_bands_on_one_side_of_the_fermi_level_give_no_gap_and_say_so():
    document = models.bands(GAMMA_X, 0.0, models.chain(GAMMA_X, 1.0, 0.7))
    reading = read({**document, "efermi": 5.0})
    assert "band_gap" not in reading.values
    assert any("one side" in note for note in reading.notes)


def test_a_fermi_level_put_exactly_on_the_valence_band_maximum_does_not_hide_the_gap():
    """pymatgen takes the maximum itself for empty there; its gap would be one step of the band."""
    values = read(models.bands(GAMMA_X, 0.0, models.indirect(GAMMA_X, 1.1, 0.4))).values
    assert values["band_gap"] == pytest.approx(1.1)
    assert str(values["vbm"]["energy"]) == "0.0"  # not -0
    assert values["direct_gap"] > 1.1


def test_every_answer_says_that_semilocal_gaps_are_too_small():
    reading = read(models.bands(GAMMA_X, 0.0, models.chain(GAMMA_X, 1.0, 0.7)))
    assert "too small" in reading.notes[0]


def test_a_document_without_energies_is_an_error_that_names_what_is_missing():
    document = models.bands(GAMMA_X, 0.0, models.chain(GAMMA_X, 1.0, 0.7))
    with pytest.raises(SourceError, match=r"mp-3200001 came without bands"):
        read({**document, "bands": {}})


def test_the_data_are_plain_json_with_every_energy_by_spin_and_no_projections():
    chain = models.chain(GAMMA_X, 1.0, 0.7)
    document = models.bands(GAMMA_X, 0.0, chain, chain + 1)
    data = json.loads(json.dumps(bands.KIND.data([document]), allow_nan=False))
    assert np.allclose(data["energies"]["down"], chain + 1)
    assert data["labels"] == [{"index": 0, "label": "Γ"}, {"index": 40, "label": "X"}]
    assert data["distance"][-1] == pytest.approx(np.pi / 4.0)
    assert "projections" not in data


def test_a_path_without_labels_is_still_read_and_drawn():
    document = models.bands(GAMMA_X, 0.5, models.indirect(GAMMA_X, 1.1, 0.4))
    reading = read({**document, "labels_dict": {}})
    assert reading.values["band_gap"] == pytest.approx(1.1)
    assert reading.values["cbm"] == {
        "energy": pytest.approx(1.1),
        "k_point": "unlabelled",
        "frac_coords": pytest.approx([0.4, 0, 0]),
    }
