"""The three structures of an adsorption energy: clean slab, covered slab, molecule in a box."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Final, Literal, NamedTuple

from pydantic import Field, model_validator

from llamp_mcp.errors import InvalidInput
from llamp_mcp.simulation.properties.common import RelaxedArguments

if TYPE_CHECKING:
    from typing import Self

    from pymatgen.core import Structure

    from llamp_mcp.simulation.properties.kind import Asked
    from llamp_mcp.structures.store import StructureStore
    from llamp_mcp.structures.surfaces.molecules import Molecule

HEIGHT_A: Final = 2.0
_BOX_GAP_A: Final = 15.0
"""Empty space around a molecule in its box: beyond the reach of the force fields used."""


class AdsorptionArguments(RelaxedArguments):
    """What is adsorbed and where, or a slab that already carries it."""

    molecule: str | None = Field(None, description="G2 name or element")
    adsorbed_id: str | None = Field(None, description="or covered slab")
    height_a: Annotated[float, Field(gt=0, le=50)] = Field(
        HEIGHT_A, description="over surface, Å, default 2"
    )
    site_kind: Literal["ontop", "bridge", "hollow"] = Field("ontop", description="default ontop")
    gas: str | None = Field(None, description="reference, O2 for O")
    fixed_layers: Annotated[int, Field(ge=0, le=100)] = Field(
        0, description="planes held, default 0"
    )

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        self.exactly_one("molecule", "adsorbed_id")
        idle = self.model_fields_set & {"height_a", "site_kind"}
        if self.adsorbed_id is not None and idle:
            raise ValueError(f"{', '.join(sorted(idle))} cannot be chosen for a given adsorbed_id")
        return self


class System(NamedTuple):
    """The three structures of an adsorption energy.

    Attributes:
        slab: Clean.
        covered: The slab's sites, then the adsorbate's.
        gas: The reference molecule in its box.
        gas_name: Of it, as told.
        share: Of the energy of the reference molecule that the adsorbate stands for.
        fixed: Sites of the slab that are held.
        placed: How the adsorbate was put there.
        notes: Of the edit that did it.
    """

    slab: Structure
    covered: Structure
    gas: Structure
    gas_name: str
    share: float
    fixed: list[int]
    placed: str
    notes: tuple[str, ...]


class _Put(NamedTuple):
    """A covered slab, its adsorbate, how it came there, and notes on that."""

    covered: Structure
    molecule: Molecule
    told: str
    notes: tuple[str, ...]


def system_of(asked: Asked, arguments: AdsorptionArguments, structures: StructureStore) -> System:
    """The three structures before they are relaxed.

    Raises:
        InvalidInput: No vacuum, no such molecule or site, a covered slab that is not this one
            with something on it, or a reference molecule of other elements.
    """
    slab = structures.get(asked.structure_id)
    fixed = _lowest(slab, arguments.fixed_layers)
    if arguments.adsorbed_id is not None:
        covered = structures.get(arguments.adsorbed_id)
        molecule = _taken_off(slab, covered, asked.structure_id, arguments.adsorbed_id)
        put = _Put(covered, molecule, f"as in {arguments.adsorbed_id}", ())
    else:
        put = _put_on(slab, arguments, structures)
    gas, share = _gas(put.molecule, arguments.gas)
    return System(slab, put.covered, _boxed(gas), gas.name, share, fixed, put.told, put.notes)


def _lowest(slab: Structure, layers: int) -> list[int]:
    """Sites of the lowest atomic planes.

    Raises:
        InvalidInput: The slab has no plane above them.
    """
    from llamp_mcp.structures.surfaces.surface import planes, profile

    found = planes(profile(slab).heights_a)
    if layers >= len(found):
        raise InvalidInput(
            f"fixed_layers = {layers}", allowed=f"fewer than the slab's {len(found)} atomic planes"
        )
    return [site for plane in found[:layers] for site in plane]


def _put_on(slab: Structure, arguments: AdsorptionArguments, structures: StructureStore) -> _Put:
    """The slab with the molecule on it, by the edit of that name."""
    from llamp_mcp.structures.edits.adsorbate import AdsorbateArguments, adsorbate
    from llamp_mcp.structures.surfaces.molecules import named

    made = adsorbate(
        slab,
        AdsorbateArguments(
            molecule=arguments.molecule,
            height_a=arguments.height_a,
            site_kind=arguments.site_kind,
        ),
        lookup=structures.get,
    )
    site = made.report["chosen_site"]
    x, y = site["position"]
    told = (
        f"{site['site_kind']} {site['site_index']} ({site['atoms']}) at fractions {x:.4f}, "
        f"{y:.4f}, {arguments.height_a:g} Å over the top atom"
    )
    molecule = named(arguments.molecule or "")
    return _Put(made.structure, molecule, told, made.notes)


def _taken_off(slab: Structure, covered: Structure, slab_id: str, covered_id: str) -> Molecule:
    """The adsorbate of a covered slab: the sites behind those of the clean one.

    Raises:
        InvalidInput: The covered slab is not the clean one and something more.
    """
    import numpy as np

    from llamp_mcp.structures.surfaces.molecules import Molecule

    many = len(slab)
    same_cell = np.allclose(slab.lattice.matrix, covered.lattice.matrix, atol=1e-3)
    same_sites = [site.species for site in slab] == [site.species for site in covered[:many]]
    if len(covered) <= many or not same_cell or not same_sites:
        raise InvalidInput(
            f"{covered_id!r} ({covered.formula}) is not {slab_id!r} ({slab.formula}) with more "
            "sites behind its own, in the same cell",
            next_step="Put the adsorbate on this slab with edit adsorbate, or give molecule.",
        )
    first = covered.frac_coords[many]
    fractions = covered.frac_coords[many:]
    whole = fractions - np.round(fractions - first)
    return Molecule(
        covered[many:][0].species_string if len(covered) == many + 1 else "the adsorbate",
        [site.species for site in covered[many:]],
        whole @ covered.lattice.matrix,
    )


def _gas(molecule: Molecule, gas: str | None) -> tuple[Molecule, float]:
    """The molecule whose energy is subtracted, and how many of it make the adsorbate.

    Raises:
        InvalidInput: It is not of the adsorbate's elements in the same ratio.
    """
    from pymatgen.core import Composition

    from llamp_mcp.structures.surfaces.molecules import named

    if gas is None:
        return molecule, 1.0
    reference = named(gas)
    of_adsorbate, of_gas = (
        sum(one.species, Composition()).element_composition for one in (molecule, reference)
    )
    if of_adsorbate.fractional_composition != of_gas.fractional_composition:
        raise InvalidInput(
            f"gas = {gas!r} cannot stand for {of_adsorbate.formula}",
            allowed="a molecule of the same elements in the same ratio, such as O2 for O",
        )
    return reference, of_adsorbate.num_atoms / of_gas.num_atoms


def _boxed(molecule: Molecule) -> Structure:
    """The molecule in the middle of a box with empty space around it."""
    import numpy as np
    from pymatgen.core import Lattice, Structure

    extent = np.ptp(molecule.coords, axis=0) + _BOX_GAP_A
    centre = molecule.coords.min(axis=0) + np.ptp(molecule.coords, axis=0) / 2
    return Structure(
        Lattice.orthorhombic(*extent),
        molecule.species,
        molecule.coords - centre + extent / 2,
        coords_are_cartesian=True,
    )


def on_relaxed(system: System, slab: Structure) -> Structure:
    """The adsorbate over the relaxed slab."""
    made = slab.copy()
    for site in system.covered[len(slab) :]:
        made.append(site.species, site.frac_coords, properties=site.properties or None)
    return made
