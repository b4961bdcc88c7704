"""Harmonic lattice vibrations by finite displacements, with phonopy.

Method: doi 10.1088/1361-648X/acd831. Imaginary frequencies are given as negative numbers.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from llamp_mcp.simulation.lattice.parts import PartOf

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np
    from phonopy import Phonopy

    from llamp_mcp.simulation.force_field import ForceField
    from llamp_mcp.simulation.lattice.standard import StandardCell
    from llamp_mcp.simulation.workers.monitor import Monitor

    Floats = np.ndarray[Any, np.dtype[np.float64]]

IMAGINARY_THZ: Final = 0.1
"""A mode is called imaginary below minus this; above, it is the noise of acoustic modes near Γ."""

MESH_LENGTH_A: Final = 100.0
"""Density of the mesh of wave vectors: this length over that of a cell edge, in phonopy's way."""

_POINTS_PER_SEGMENT: Final = 51
_SUM_RULE_ROUNDS: Final = 3
"""Translations and the exchange of two atoms are imposed in turn, so often."""
_AT_GAMMA: Final = 1e-8


class Softest(NamedTuple):
    """The lowest frequency anywhere but of the three acoustic modes at Γ.

    Attributes:
        q: Wave vector, in reciprocal vectors of the primitive cell.
        exact: Whether the supercell holds this wave; others are interpolated.
    """

    frequency_thz: float
    q: list[float]
    exact: bool


class Thermal(NamedTuple):
    """Per mole of primitive cells, at constant volume.

    Attributes:
        free_energy: kJ/mol, with the zero-point energy.
        entropy: J/(K mol).
        heat_capacity: J/(K mol).
        zero_point_ev: Zero-point energy of one primitive cell, eV.
    """

    temperatures_k: Floats
    free_energy: Floats
    entropy: Floats
    heat_capacity: Floats
    zero_point_ev: float

    def rows(self) -> Iterator[tuple[float, float, float, float]]:
        """Temperature, free energy, entropy, heat capacity."""
        return zip(
            self.temperatures_k, self.free_energy, self.entropy, self.heat_capacity, strict=True
        )


@dataclass(frozen=True, slots=True)
class Vibrations:
    """Force constants of a crystal, and how well they were determined.

    Attributes:
        cell: The crystal.
        phonopy: With force constants that obey the acoustic sum rule, and a mesh.
        repeats: Conventional cells in the supercell along a, b, c.
        displacements: Supercells computed.
        drift_ev_per_a2: Largest sum of a row of force constants before the sum rule was imposed.
        raw_acoustic_thz: Largest acoustic frequency at Γ before.
    """

    cell: StandardCell
    phonopy: Phonopy
    repeats: list[int]
    displacements: int
    drift_ev_per_a2: float
    raw_acoustic_thz: float

    def at(self, qs: list[list[float]]) -> Floats:
        """Frequencies in THz, ascending, at wave vectors in reciprocal primitive vectors."""
        found: Floats = self.phonopy.run_qpoints(qs).frequencies
        return found

    def softest(self) -> Softest:
        """The lowest frequency on the mesh, along the path, and at the waves the supercell holds.

        Only the last are computed; the others are interpolated from them.
        """
        held = self._held()
        mesh = self.phonopy.mesh
        found = [(held, self.at(held), True), (mesh.qpoints, mesh.frequencies, False)]
        found += [(segment.qs, segment.frequencies_thz, False) for segment in self.bands()]
        candidates = [
            Softest(float(modes.min()), [float(x) for x in q], exact)
            for qs, frequencies, exact in found
            for q, modes in zip(qs, map(_without_acoustic, qs, frequencies), strict=True)
            if len(modes)
        ]
        # Of two equal ones, that which was computed.
        return min(candidates, key=lambda one: (round(one.frequency_thz, 6), not one.exact))

    def bands(self) -> Iterator[Segment]:
        """Along the path of the Brillouin zone, segment by segment."""
        import numpy as np

        reciprocal = self.cell.primitive.cell.reciprocal().array
        for start, end in self.cell.path:
            ends = [np.array(self.cell.points[label]) for label in (start, end)]
            part = np.linspace(0, 1, _POINTS_PER_SEGMENT)[:, None]
            qs = ends[0] + part * (ends[1] - ends[0])
            length = float(np.linalg.norm((ends[1] - ends[0]) @ reciprocal))
            yield Segment(start, end, length, qs, self.at(qs.tolist()))

    def thermal(self, temperatures_k: list[float]) -> Thermal:
        """Thermal properties over the mesh; imaginary modes are left out."""
        from ase.units import kJ, mol

        found = self.phonopy.run_thermal_properties(
            temperatures=temperatures_k, exclude_gamma_acoustic=True
        )
        return Thermal(
            found.temperatures,
            found.free_energy,
            found.entropy,
            found.heat_capacity,
            float(found.zero_point_energy) * kJ / mol,
        )

    def highest_thz(self) -> float:
        """Highest frequency on the mesh."""
        return float(self.phonopy.mesh.frequencies.max())

    def density(self) -> tuple[Floats, Floats]:
        """Frequencies in THz and states per THz and primitive cell, by tetrahedra."""
        dos = self.phonopy.run_total_dos()
        return dos.frequency_points, dos.dos

    def _held(self) -> list[list[float]]:
        """Wave vectors of which the supercell holds whole periods."""
        from phonopy.harmonic.dynmat_to_fc import get_commensurate_points

        matrix = _primitive_supercell(self.phonopy)
        points: list[list[float]] = get_commensurate_points(matrix).tolist()
        return points


class Segment(NamedTuple):
    """A straight part of the path through the Brillouin zone.

    Attributes:
        length: 1/Å.
        qs: Wave vectors, points by 3.
        frequencies_thz: Points by modes.
    """

    start: str
    end: str
    length: float
    qs: Floats
    frequencies_thz: Floats


def displaced(cell: StandardCell, repeats: list[int], distance_a: float) -> Phonopy:
    """The displacements that symmetry does not make equal, in a supercell."""
    from phonopy import Phonopy

    made = Phonopy(
        _to_phonopy(cell),
        supercell_matrix=repeats,
        primitive_matrix=cell.primitive_matrix,
        log_level=0,
    )
    made.generate_displacements(distance=distance_a)
    return made


def vibrations(
    cell: StandardCell,
    repeats: list[int],
    distance_a: float,
    force_field: ForceField,
    monitor: Monitor,
    prefix: str = "",
) -> Vibrations:
    """Compute forces of each displaced supercell, and force constants from them.

    Args:
        cell: The crystal at a minimum of the force field.
        repeats: Conventional cells along a, b, c.
        distance_a: Of each displacement, Å.
        force_field: What forces come from.
        monitor: Keeps the forces of each displacement.
        prefix: Of the names of parts, where a calculation has several crystals.

    Raises:
        SimulationError: Forces are not finite.
        Cancelled: The caller asked to stop.
    """
    import numpy as np
    from ase import Atoms

    phonopy = displaced(cell, repeats, distance_a)
    cells = phonopy.supercells_with_displacements
    forces = []
    for number, one in enumerate(cells, start=1):
        name = f"{prefix}displacement {number}"
        part = PartOf(monitor, number - 1, len(cells))
        part.begin(f"{name} of {len(cells)}, {len(one)} atoms")
        atoms = Atoms(one.symbols, cell=one.cell, scaled_positions=one.scaled_positions, pbc=True)
        forces.append(force_field.forces(name, atoms, part))
    phonopy.forces = np.array(forces)
    phonopy.produce_force_constants(calculate_full_force_constants=False)
    drift = float(np.abs(phonopy.force_constants.sum(axis=1)).max())
    raw = np.abs(phonopy.run_qpoints([[0, 0, 0]]).frequencies[0])
    phonopy.symmetrize_force_constants(level=_SUM_RULE_ROUNDS)
    phonopy.run_mesh(MESH_LENGTH_A)
    return Vibrations(cell, phonopy, repeats, len(cells), drift, float(np.sort(raw)[:3].max()))


def _to_phonopy(cell: StandardCell) -> Any:
    from phonopy.structure.atoms import PhonopyAtoms

    atoms = cell.conventional
    return PhonopyAtoms(
        symbols=atoms.get_chemical_symbols(),
        cell=atoms.cell.array,
        scaled_positions=atoms.get_scaled_positions(),
    )


def _primitive_supercell(phonopy: Phonopy) -> Any:
    """Integer matrix from the primitive cell to the supercell, in columns."""
    import numpy as np

    ratio = np.linalg.inv(phonopy.primitive.cell.T) @ phonopy.supercell.cell.T
    return np.rint(ratio).astype(int)


def _without_acoustic(q: Any, frequencies: Floats) -> Floats:
    """All modes, but at Γ not the three nearest to zero."""
    import numpy as np

    if np.abs(np.asarray(q) - np.rint(q)).max() > _AT_GAMMA:
        return frequencies
    return frequencies[np.argsort(np.abs(frequencies))[3:]]
