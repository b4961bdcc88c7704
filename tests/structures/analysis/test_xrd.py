from __future__ import annotations

from functools import cache
from math import asin, degrees, radians, sin
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from pymatgen.core import Lattice, Structure
from pymatgen.core.operations import SymmOp

from llamp_mcp.structures.analysis import reflections, xrd
from llamp_mcp.structures.analysis.block import Undetermined
from llamp_mcp.structures.analysis.reflections import Reflections
from llamp_mcp.structures.analysis.xrd import PEAKS_SHOWN, plot
from tests.structures.analysis.crystals import crystal_of, told
from tests.structures.conftest import copper, crystal, salt, silicon

if TYPE_CHECKING:
    from collections.abc import Callable

CU_KA1_NIST_A = 1.5405929
"""Å, with which NIST computes the positions of its certificates."""

SILICON_SRM_640E = {
    (1, 1, 1): 28.441,
    (2, 2, 0): 47.300,
    (3, 1, 1): 56.120,
    (4, 0, 0): 69.126,
    (3, 3, 1): 76.372,
    (4, 2, 2): 88.025,
    (5, 1, 1): 94.947,
    (4, 4, 0): 106.701,
    (5, 3, 1): 114.084,
    (6, 2, 0): 127.534,
    (5, 3, 3): 136.880,
}
"""2θ in degrees: certificate of NIST Standard Reference Material 640e (silicon powder), certified
a = 0.5431179 nm at 22.5 °C."""

HALITE = {
    (1, 1, 1): (3.258, 13),
    (2, 0, 0): (2.821, 100),
    (2, 2, 0): (1.994, 55),
    (2, 2, 2): (1.628, 15),
    (4, 0, 0): (1.410, 6),
    (4, 2, 0): (1.261, 11),
    (4, 2, 2): (1.1515, 7),
}
"""d in Å and measured intensity: Handbook of Mineralogy, halite, a = 5.6404(1) Å. It lists no
indices; they are those of the nearest d."""

QUARTZ = {
    (1, 0, 0): (4.2574, 19.93),
    (1, 0, 1): (3.3446, 69.90 + 30.10),
    (1, 1, 0): (2.4580, 7.13),
    (1, 0, 2): (2.2818, 1.01 + 6.18),
    (1, 1, 1): (2.2375, 3.19),
    (2, 0, 0): (2.1287, 5.25),
    (2, 0, 1): (1.9806, 1.00 + 2.09),
    (1, 1, 2): (1.8184, 12.58),
    (2, 0, 2): (1.6723, 3.09),
    (1, 0, 3): (1.6593, 1.61),
    (2, 1, 1): (1.5423, 4.11 + 4.94),
    (1, 1, 3): (1.4532, 1.72),
    (2, 1, 2): (1.3826, 1.38 + 4.18),
    (2, 0, 3): (1.3753, 1.36 + 5.31),
    (3, 0, 1): (1.3726, 4.13),
}
"""d in Å and computed intensity: American Mineralogist Crystal Structure Database 0000789, from the
structure of Levien, Prewitt & Weidner, American Mineralogist 65 (1980) 920."""


@cache
def quartz() -> Structure:
    """Of Levien et al. 1980; the origin of the International Tables lies at z = 2/3 of theirs."""
    coords = [[0.4697, 0, 2 / 3], [0.4135, 0.2669, 0.1191 + 2 / 3]]
    return Structure.from_spacegroup(
        "P3_221", Lattice.hexagonal(4.916, 5.4054), ["Si", "O"], coords
    )


@cache
def corundum() -> Structure:
    lattice = Lattice.hexagonal(4.76, 12.99)
    return Structure.from_spacegroup(
        "R-3c", lattice, ["Al", "O"], [[0, 0, 0.352], [0.306, 0, 0.25]]
    )


def by_indices(block: dict[str, Any]) -> dict[tuple[int, ...], dict[str, Any]]:
    """Each peak by the first of its families."""
    return {tuple(peak["hkl"][0]): peak for peak in block["peaks"]}


def test_silicon_diffracts_where_nist_says() -> None:
    block = told(
        "xrd", crystal("Fd-3m:2", 5.431179, Si=0.125), wavelength="CuKa1", two_theta_max_deg=140
    )
    peaks = by_indices(block)
    assert peaks.keys() == SILICON_SRM_640E.keys()
    for indices, tabulated_deg in SILICON_SRM_640E.items():
        sine = sin(radians(tabulated_deg / 2)) * block["wavelength_a"] / CU_KA1_NIST_A
        assert peaks[indices]["two_theta_deg"] == pytest.approx(2 * degrees(asin(sine)), abs=0.0015)


def test_salt_diffracts_as_tabulated() -> None:
    peaks = by_indices(told("xrd", crystal("Fm-3m", 5.6404, Na=0.0, Cl=0.5)))
    assert peaks.keys() - HALITE.keys() == {(3, 1, 1), (3, 3, 1)}, (
        "the weakest, which it leaves out"
    )
    for indices, (d_a, intensity) in HALITE.items():
        assert peaks[indices]["d_a"] == pytest.approx(d_a, rel=6e-4)
        # Measured with thermal motion, which weakens what is at large angles.
        assert intensity / 1.7 < peaks[indices]["intensity"] < 3 * intensity
    strongest = sorted(peaks, key=lambda indices: -peaks[indices]["intensity"])
    assert strongest[:2] == [(2, 0, 0), (2, 2, 0)]


def test_quartz_diffracts_as_another_program_computes() -> None:
    peaks = by_indices(told("xrd", quartz()))
    for indices, (d_a, intensity) in QUARTZ.items():
        assert peaks[indices]["d_a"] == pytest.approx(d_a, abs=6e-5)
        assert peaks[indices]["intensity"] == pytest.approx(intensity, abs=1.6)
    for peak in peaks.values():
        assert peak["intensity"] < 4 or tuple(peak["hkl"][0]) in QUARTZ, "no other strong peak"


@pytest.mark.parametrize("number", [2, 14, 62, 88, 155, 194, 225])
def test_peaks_obey_the_metric_tensor_and_bragg(number: int) -> None:
    block = told("xrd", crystal_of(number), wavelength="CoKa")
    cell = Lattice.from_parameters(*list(block["cell"].values())[:6])
    inverse = np.linalg.inv(cell.metric_tensor)
    assert len(block["peaks"]) == PEAKS_SHOWN
    for peak in block["peaks"]:
        for hkl in peak["hkl"]:
            assert (np.array(hkl) @ inverse @ hkl) ** -0.5 == pytest.approx(peak["d_a"], rel=1e-4)
        sine = sin(radians(peak["two_theta_deg"] / 2))
        assert 2 * peak["d_a"] * sine == pytest.approx(block["wavelength_a"], rel=1e-5)


@pytest.mark.parametrize("number", [5, 15, 43, 62, 88, 146, 167, 205, 220, 227])
def test_every_named_reflection_has_a_structure_factor(number: int) -> None:
    # Point scatterers at the positions of the cell; an absent reflection sums to zero.
    cell = crystal_of(number)
    families = Reflections(cell, 30, 1.54, 0.01).families(0, 30)
    weights = np.array([site.specie.Z for site in cell])
    for hkl, _ in families:
        factor = weights @ np.exp(2j * np.pi * cell.frac_coords @ hkl)
        assert abs(factor) > 1e-3, hkl
    # ... and none is missing: what is left out, sums to zero.
    reciprocal = cell.lattice.reciprocal_lattice_crystallographic
    points: Any = reciprocal.get_points_in_sphere(
        [[0, 0, 0]], [0, 0, 0], 2 * sin(radians(15)) / 1.54, zip_results=False
    )
    factors = weights @ np.exp(2j * np.pi * cell.frac_coords @ points[0].T)
    assert sum(count for _, count in families) == (abs(factors) > 1e-6).sum() - 1


def test_multiplicities_are_those_of_the_laue_class() -> None:
    silicon_peaks = by_indices(told("xrd", silicon(), wavelength="MoKa"))
    counts = {indices: peak["multiplicity"] for indices, peak in silicon_peaks.items()}
    assert (counts[(1, 1, 1)], counts[(2, 2, 0)], counts[(4, 0, 0)]) == ([8], [12], [6])
    assert counts[(3, 1, 1)] == [24]
    assert counts[(5, 3, 1)] == [48]
    # Two forms of one d, which the class -3m1 keeps apart.
    pair = by_indices(told("xrd", quartz()))[(1, 0, 1)]
    assert (pair["hkl"], pair["multiplicity"], pair["families"]) == (
        [[1, 0, 1], [0, 1, 1]],
        [6, 6],
        2,
    )


def test_coinciding_families_are_all_named() -> None:
    peaks = by_indices(told("xrd", silicon(), wavelength="MoKa"))
    peak = peaks[(5, 1, 1)]
    assert peak["hkl"] == [[5, 1, 1], [3, 3, 3]]
    assert peak["multiplicity"] == [24, 8]


def test_an_extinct_reflection_lends_no_peak_its_name() -> None:
    # -h + k + l = 3n on hexagonal axes: 012 and 104 diffract, 102 and 014 do not.
    named = by_indices(told("xrd", corundum()))
    assert {(0, 1, 2), (1, 0, 4), (1, 1, 3), (0, 2, 4), (1, 1, 6)} <= named.keys()
    assert named[(0, 1, 2)]["multiplicity"] == [6]


@pytest.mark.parametrize("made", [quartz, salt, silicon, corundum])
def test_the_pattern_does_not_depend_on_the_cell(made: Callable[[], Structure]) -> None:
    structure = made()
    turned = structure * (2, 1, 1)
    turned.apply_operation(SymmOp.from_axis_angle_and_translation(np.array([1, 2, 3]), 37))
    turned.translate_sites(range(len(turned)), [0.1, 0.2, 0.3])
    for other in (turned, structure.get_primitive_structure()):
        one, two = told("xrd", structure), told("xrd", other)
        assert one["total"] == two["total"]
        assert by_indices(one).keys() == by_indices(two).keys()
        for peak, its in zip(one["peaks"], two["peaks"], strict=True):
            assert peak["two_theta_deg"] == pytest.approx(its["two_theta_deg"], abs=1e-4)
            assert peak["intensity"] == pytest.approx(its["intensity"], abs=1e-3)
            assert peak["multiplicity"] == its["multiplicity"]


def test_a_strain_below_the_tolerance_of_symmetry_still_splits_peaks() -> None:
    strained = copper()
    strained.lattice = Lattice.tetragonal(3.615, 3.615 * 1.0015)
    block = told("xrd", strained)
    assert "Fm-3m" in block["cell"]["axes"]
    near = [peak for peak in block["peaks"] if 50 < peak["two_theta_deg"] < 51.5]
    assert sorted(peak["multiplicity"] for peak in near) == [[2], [4]]
    assert [tuple(peak["hkl"][0]) for peak in near] == [(0, 0, 2), (2, 0, 0)]


def test_noise_of_the_cell_splits_no_peak() -> None:
    noisy = copper()
    noisy.lattice = Lattice.from_parameters(3.615, 3.615004, 3.614997, 90, 90.0001, 90)
    assert told("xrd", noisy)["total"] == told("xrd", copper())["total"]
    assert by_indices(told("xrd", noisy))[(2, 0, 0)]["multiplicity"] == [6]


def test_the_strongest_peaks_are_kept_in_order_of_angle() -> None:
    few, many = (told("xrd", crystal_of(14), two_theta_max_deg=last) for last in (15, 60))
    assert (few["truncated"], few["returned"]) == (False, few["total"])
    assert (many["truncated"], many["returned"]) == (True, PEAKS_SHOWN)
    angles = [peak["two_theta_deg"] for peak in many["peaks"]]
    assert angles == sorted(angles)
    assert max(peak["intensity"] for peak in many["peaks"]) == 100


def test_shared_sites_and_oxidation_states_diffract() -> None:
    mixed = copper()
    mixed.replace_species({"Cu": {"Cu": 0.5, "Au": 0.5}})
    assert told("xrd", mixed)["total"] == told("xrd", copper())["total"]
    charged = salt()
    charged.add_oxidation_state_by_element({"Na": 1, "Cl": -1})
    assert told("xrd", charged)["peaks"] == told("xrd", salt())["peaks"]


def test_what_has_no_pattern_is_explained() -> None:
    with pytest.raises(Undetermined, match="nothing diffracts below 2θ = 20°"):
        told("xrd", silicon(), two_theta_max_deg=20)
    with pytest.raises(Undetermined, match="nothing diffracts below 2θ = 2°"):
        told("xrd", silicon(), two_theta_max_deg=2)
    with pytest.raises(Undetermined, match="no form factor of Es"):
        told("xrd", crystal("Fm-3m", 5.0, Es=0.0))


def test_the_pattern_of_a_large_cell_ends_early_and_says_so(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    whole = told("xrd", crystal_of(2))
    monkeypatch.setattr(xrd, "MAX_WORK", 2_000)
    block = told("xrd", crystal_of(2))
    last_deg = block["two_theta_max_deg"]
    assert last_deg < whole["two_theta_max_deg"] == 90
    assert f"cut at 2θ = {last_deg:g}°" in block["note"]
    assert "note" not in whole
    assert all(peak["two_theta_deg"] <= last_deg for peak in block["peaks"])
    monkeypatch.setattr(xrd, "MAX_WORK", 1)
    with pytest.raises(Undetermined, match="too many reflections"):
        told("xrd", crystal_of(2))


def test_indices_of_a_cell_too_large_for_symmetry_are_its_own(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for module in (xrd, reflections):
        monkeypatch.setattr(module, "MAX_ATOMS", 1)
    block = told("xrd", silicon())
    assert "as given" in block["cell"]["axes"]
    assert block["cell"]["alpha_deg"] == pytest.approx(60)
    whole = told("xrd", silicon(conventional=True))
    assert [peak["d_a"] for peak in block["peaks"]] == [peak["d_a"] for peak in whole["peaks"]]


def test_the_plot_is_a_picture_that_names_the_structure() -> None:
    block = told("xrd", crystal_of(2))
    pictures = {plot(block), plot(block, "s-0123456789abcdef")}
    assert len(pictures) == 2
    assert all(picture.startswith(b"\x89PNG") for picture in pictures)
