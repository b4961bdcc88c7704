"""Nosé-Hoover chains on a given number of degrees of freedom.

ASE 3.29's chains take the number of atoms and count three for each, or nine for a cell; with the
centre of mass at rest and a cell that does not rotate it is three, or three of nine, too many. A
chain acts on all momenta by one factor, so this one works on plain numbers, which is also faster.
"""

from __future__ import annotations

from math import exp
from typing import Final

LENGTH: Final = 3
STATE: Final = ("eta", "momenta")

_OUTER = 1 / (2 - 2 ** (1 / 3))
_SUZUKI_YOSHIDA: Final = (_OUTER, 1 - 2 * _OUTER, _OUTER)
"""Fourth order (doi 10.1016/0375-9601(90)90092-3)."""


class Chain:
    """Three thermostats in a chain (doi 10.1063/1.463940), the first on some momenta.

    Units are ASE's: eV, and time in Å sqrt(u/eV).

    Args:
        degrees: Degrees of freedom of the momenta.
        kt: Target temperature times Boltzmann's constant, eV.
        damping: Time constant.
    """

    def __init__(self, degrees: int, kt: float, damping: float) -> None:
        self._degrees, self._damping = degrees, damping
        self.eta, self.momenta = [0.0] * LENGTH, [0.0] * LENGTH
        self.set_target(kt)

    def set_target(self, kt: float) -> None:
        """Move the target; the time constant stays."""
        self._kt = kt
        square = kt * self._damping**2
        self._masses = [self._degrees * square, *([square] * (LENGTH - 1))]

    def energy(self) -> float:
        """What the chain adds to the conserved energy, eV."""
        kinetic = sum(
            p * p / (2 * mass) for p, mass in zip(self.momenta, self._masses, strict=True)
        )
        return kinetic + self._kt * (self._degrees * self.eta[0] + sum(self.eta[1:]))

    def factor(self, twice_kinetic: float, time: float) -> float:
        """Move the chain on; what the momenta are to be multiplied by.

        The splitting is that of doi 10.1088/0305-4470/39/19/S18.

        Args:
            twice_kinetic: Twice the kinetic energy of the momenta, eV.
            time: For how long.
        """
        factor = 1.0
        for part in _SUZUKI_YOSHIDA:
            factor *= self._move(twice_kinetic * factor * factor, part * time)
        return factor

    def _move(self, twice_kinetic: float, time: float) -> float:
        for link in reversed(range(LENGTH)):
            self._kick(link, twice_kinetic, time)
        for link in range(LENGTH):
            self.eta[link] += time * self.momenta[link] / self._masses[link]
        factor = exp(-time * self.momenta[0] / self._masses[0])
        for link in range(LENGTH):
            self._kick(link, twice_kinetic * factor * factor, time)
        return factor

    def _kick(self, link: int, twice_kinetic: float, time: float) -> None:
        """Half of the time, with the friction of the next link around it."""
        momenta, masses = self.momenta, self._masses
        if link == 0:
            force = twice_kinetic - self._degrees * self._kt
        else:
            force = momenta[link - 1] ** 2 / masses[link - 1] - self._kt
        friction = 1.0
        if link < LENGTH - 1:
            friction = exp(-time / 4 * momenta[link + 1] / masses[link + 1])
        momenta[link] = (momenta[link] * friction + time / 2 * force) * friction
