"""Spectra whose every number is known: model Hamiltonians, not materials."""

from __future__ import annotations

from typing import Any

import numpy as np
from monty.json import jsanitize
from pymatgen.core import Lattice, Structure
from pymatgen.electronic_structure.bandstructure import BandStructureSymmLine
from pymatgen.electronic_structure.core import Spin
from pymatgen.electronic_structure.dos import Dos
from pymatgen.phonon.bandstructure import PhononBandStructureSymmLine
from pymatgen.phonon.dos import PhononDos

CELL = Lattice.cubic(4.0)
LABELS: dict[str, Any] = {
    "\\Gamma": [0, 0, 0],
    "X": [0.5, 0, 0],
    "M": [0.5, 0.5, 0],
    "R_1": [0.5, 0.5, 0.5],
}
POINTS = 41


def document(made: Any) -> dict[str, Any]:
    """An object of pymatgen as a source hands it out; its own dictionary is not always JSON."""
    return {**jsanitize(made.as_dict()), "material_id": "mp-3200001"}


def path(*corners: tuple[str, str]) -> np.ndarray:
    """Points of straight lines between labelled corners, ends included."""
    return np.vstack([np.linspace(LABELS[start], LABELS[end], POINTS) for start, end in corners])


def chain(points: np.ndarray, t1: float, t2: float) -> np.ndarray:
    """The dimerised chain along x: E = ±|t1 + t2 exp(ik)|, gap 2|t1 - t2| at X."""
    energy = np.abs(t1 + t2 * np.exp(2j * np.pi * points[:, 0]))
    return np.array([-energy, energy])


def indirect(points: np.ndarray, gap: float, valley: float) -> np.ndarray:
    """A valence band with its top at Γ, a conduction band with its bottom at x = valley."""
    x = points[:, 0]
    lower = -(1 - np.cos(2 * np.pi * x))
    upper = gap + (1 - np.cos(2 * np.pi * (x - valley)))
    return np.array([lower, upper])


def bands(points: np.ndarray, fermi: float, up: Any, down: Any = None) -> dict[str, Any]:
    energies = {Spin.up: up} if down is None else {Spin.up: up, Spin.down: down}
    made = BandStructureSymmLine(points, energies, CELL.reciprocal_lattice, fermi, LABELS)
    return document(made)


def dos(energies: np.ndarray, fermi: float, up: Any, down: Any = None) -> dict[str, Any]:
    densities = {Spin.up: up} if down is None else {Spin.up: up, Spin.down: down}
    return document(Dos(fermi, energies, densities))


def diatomic(q: np.ndarray, stiffness: float, light: float, heavy: float) -> np.ndarray:
    """Frequencies of the diatomic chain along x, three times each (Ashcroft and Mermin, ch. 22).

    ω² = K(1/m + 1/M) ± K √((1/m + 1/M)² - 4 sin²(πx)/(mM)).
    """
    total = 1 / light + 1 / heavy
    root = np.sqrt(total**2 - 4 * np.sin(np.pi * q[:, 0]) ** 2 / (light * heavy))
    acoustic = np.sqrt((stiffness * (total - root)).clip(0))
    optical = np.sqrt(stiffness * (total + root))
    return np.array([acoustic] * 3 + [optical] * 3)


def phonon_bands(points: np.ndarray, frequencies: np.ndarray) -> dict[str, Any]:
    made = PhononBandStructureSymmLine(
        points, frequencies, CELL.reciprocal_lattice, labels_dict=LABELS
    )
    return document(made) | {"has_nac": False}


def debye(cutoff: float, atoms: int) -> PhononDos:
    """Debye's density of states: 9N ω²/ω_D³ below the cutoff, 3N states in all."""
    frequencies = np.linspace(0, cutoff, 4001)
    return PhononDos(frequencies, 9 * atoms * frequencies**2 / cutoff**3)


def phonon_dos(found: PhononDos, cell: Structure | None = None) -> dict[str, Any]:
    return document(found) | ({} if cell is None else {"structure": jsanitize(cell.as_dict())})


def rock_salt() -> Structure:
    """A cell of two atoms, for formula units and numbers of atoms only."""
    return Structure(CELL, ["Na", "Cl"], np.array([[0.0, 0, 0], [0.5, 0.5, 0.5]]))


def lorentz(
    energies: np.ndarray, place: float = 5.0, width: float = 0.5, strength: float = 30.0
) -> np.ndarray:
    """The complex dielectric function of one damped oscillator."""
    return np.asarray(1 + strength / (place**2 - energies**2 - 1j * width * energies))


def edge(energies: np.ndarray, place: float, width: float = 1.0) -> np.ndarray:
    """An arctangent step, steepest at `place`, with a white line of Lorentz shape above it."""
    step = np.arctan((energies - place) / width) / np.pi + 0.5
    return np.asarray(step + 0.8 / (1 + ((energies - place - 8) / 2) ** 2))


def xas(element: str, name: str, kind: str, place: float, **values: Any) -> dict[str, Any]:
    energies = np.linspace(place - 20, place + 40, 241)
    return {
        "material_id": "mp-3200001",
        "absorbing_element": element,
        "edge": name,
        "spectrum_type": kind,
        "spectrum": {"x": energies.tolist(), "y": edge(energies, place).tolist()},
        **values,
    }
