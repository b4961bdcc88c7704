from __future__ import annotations

import json

import numpy as np
import pytest

from llamp_mcp.materials.spectra import phonon_bands
from llamp_mcp.materials.spectra.kind import View
from tests.materials.spectra import models

POINTS = models.path(("\\Gamma", "X"), ("X", "M"))
LIGHT, HEAVY, STIFFNESS = 1.0, 3.0, 6.0


def read(frequencies, **values):
    document = {**models.phonon_bands(POINTS, frequencies), **values}
    return phonon_bands.KIND.read([document], View(title="model"))


@pytest.fixture
def chain():
    return models.diatomic(POINTS, STIFFNESS, LIGHT, HEAVY)


def test_the_diatomic_chain_has_its_analytic_edges(chain):
    """Oracle: √(2K/M), √(2K/m) and √(2K(1/m + 1/M)), the edges of both branches."""
    values = read(chain).values
    assert values["acoustic_max"] == pytest.approx(np.sqrt(2 * STIFFNESS / HEAVY))
    assert values["optical_min"] == pytest.approx(np.sqrt(2 * STIFFNESS / LIGHT))
    assert values["acoustic_optical_gap"] == pytest.approx(
        np.sqrt(2 * STIFFNESS / LIGHT) - np.sqrt(2 * STIFFNESS / HEAVY)
    )
    assert values["max_frequency"] == pytest.approx(
        np.sqrt(2 * STIFFNESS * (1 / LIGHT + 1 / HEAVY))
    )
    assert values["max_at"]["k_point"] == "Γ"


def test_a_stable_chain_has_three_zero_modes_at_gamma_and_none_imaginary(chain):
    values = read(chain).values
    assert values["has_imaginary_modes"] is False
    assert values["acoustic_at_gamma"] == pytest.approx([0, 0, 0], abs=1e-6)
    assert "imaginary_reach" not in values


def test_equal_masses_close_the_gap_and_that_is_said():
    reading = read(models.diatomic(POINTS, STIFFNESS, 2.0, 2.0))
    assert "acoustic_optical_gap" not in reading.values
    assert any("there is no gap" in note for note in reading.notes)


def test_a_soft_mode_at_the_zone_boundary_is_an_instability_with_its_place(chain):
    soft = chain.copy()
    soft[0] = -np.sin(np.pi * POINTS[:, 0])
    reading = read(soft)
    assert reading.values["has_imaginary_modes"] is True
    assert reading.values["min_frequency"] == pytest.approx(-1.0)
    assert reading.values["min_at"]["k_point"] == "X"
    assert reading.values["imaginary_reach"] > phonon_bands.NEAR_GAMMA
    assert any("dynamically unstable" in note for note in reading.notes)


def test_a_dip_next_to_gamma_is_told_from_an_instability(chain):
    dip = chain.copy()
    dip[0, 1] = -0.05
    reading = read(dip)
    assert reading.values["imaginary_q_points"] == 1
    assert reading.values["imaginary_reach"] == pytest.approx(0.5 / 40 * 2 * np.pi / 4.0)
    assert any("noise of the acoustic" in note for note in reading.notes)


def test_a_frequency_within_the_tolerance_is_not_imaginary(chain):
    noise = chain.copy()
    noise[:3, 0] = -0.5 * phonon_bands.TOLERANCE_THZ
    values = read(noise).values
    assert values["has_imaginary_modes"] is False
    assert values["min_frequency"] == pytest.approx(-0.005)


def test_one_atom_has_no_optical_branch(chain):
    assert "optical_min" not in read(chain[:3]).values


def test_the_eigenvectors_tell_the_acoustic_modes_from_a_soft_optical_one(chain):
    """At Γ the acoustic modes are those that move both atoms alike."""
    soft = chain.copy()
    soft[3, 0] = -1.0
    alike, against = np.tile(np.eye(3)[:, None], (1, 2, 1)), np.eye(3)[:, None] * [[1], [-1]]
    vectors = np.broadcast_to(np.vstack([alike, against])[:, None], (6, len(POINTS), 2, 3))
    given = {"real": vectors.tolist(), "imag": np.zeros(vectors.shape).tolist()}
    values = read(soft, eigendisplacements=given).values
    assert values["acoustic_at_gamma"] == pytest.approx([0, 0, 0], abs=1e-6)
    assert values["min_frequency"] == -1.0


@pytest.mark.parametrize(("has_nac", "words"), [(True, "with the non"), (False, "without the non")])
def test_the_notes_say_whether_polar_splitting_is_in(chain, has_nac, words):
    assert read(chain, has_nac=has_nac).notes[-1].startswith(words)


def test_the_data_are_plain_json(chain):
    document = models.phonon_bands(POINTS, chain)
    data = json.loads(json.dumps(phonon_bands.KIND.data([document]), allow_nan=False))
    assert np.allclose(data["frequencies"], chain)
    assert data["q_points"][-1] == [0.5, 0.5, 0]
    assert [mark["label"] for mark in data["labels"]] == ["Γ", "X", "X", "M"]
