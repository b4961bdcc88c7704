"""Bonds as CrystalNN sees them (Pan et al. 2021, doi 10.1021/acs.inorgchem.0c02996)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from llamp_mcp.structures.analysis.block import Undetermined, check_elements

if TYPE_CHECKING:
    from pymatgen.analysis.graphs import StructureGraph
    from pymatgen.core import Element, PeriodicSite, Structure

METHOD: Final = (
    "CrystalNN (doi 10.1021/acs.inorgchem.0c02996) with covalent radii and electronegativities"
)

MAX_SITES: Final = 250
"""CrystalNN takes 10 to 20 ms for each."""

MAX_ATOMS: Final = 2000
"""In a larger cell it takes ever longer, for a single site as well: a second in 20,000 atoms."""

_LAST_RADIUS: Final = 96
"""Curium: covalent radii are known up to it."""


class BondFinder:
    """CrystalNN on a structure, without its warnings and with its failures as ours.

    It is given elements of oxidation state zero, for which it uses covalent radii, so that the same
    geometry has the same bonds whether or not oxidation states are written into it.

    Args:
        structure: A shared site counts as the element that holds more than half of it.

    Raises:
        Undetermined: The cell is too large, or a site has no majority, or no element, or one
            without a radius.
    """

    def __init__(self, structure: Structure) -> None:
        from pymatgen.analysis.local_env import CrystalNN
        from pymatgen.core import Species, Structure

        if len(structure) > MAX_ATOMS:
            raise Undetermined(
                f"{len(structure)} atoms are too many for CrystalNN", allowed=f"at most {MAX_ATOMS}"
            )
        check_elements(structure)
        elements = [_majority(site, at) for at, site in enumerate(structure)]
        self.structure = Structure(
            structure.lattice,
            [Species(element.symbol, 0) for element in elements],
            structure.frac_coords,
        )
        # Without it CrystalNN asks for no electronegativity: noble gases have none.
        known = all(element.data.get("X") for element in set(elements))
        weight = 3.0 if known else 0.0  # 3 is CrystalNN's own
        self._finder = CrystalNN(x_diff_weight=weight)  # type: ignore[no-untyped-call]

    def neighbours(self, site: int) -> list[dict[str, Any]]:
        """The bonded neighbours of a site, with `site_index`, `image` and `site`.

        Raises:
            Undetermined: The Voronoi construction fails.
        """
        try:
            found: list[dict[str, Any]] = self._finder.get_nn_info(self.structure, site)
        except (ValueError, RuntimeError) as error:
            raise Undetermined(f"CrystalNN fails at site {site}: {error}") from error
        return found

    def graph(self) -> StructureGraph:
        """All bonds, each once: those that CrystalNN finds from either of its ends.

        Raises:
            Undetermined: There are too many sites, or the Voronoi construction fails.
        """
        from pymatgen.analysis.graphs import StructureGraph

        count = len(self.structure)
        if count > MAX_SITES:
            raise Undetermined(
                f"{count} sites in the primitive cell are too many for CrystalNN",
                allowed=f"at most {MAX_SITES}",
                next_step="Name sites (bonds, coordination), or analyse a smaller cell.",
            )
        try:
            return StructureGraph.from_local_env_strategy(self.structure, self._finder)
        except (ValueError, RuntimeError) as error:
            raise Undetermined(f"CrystalNN fails: {error}") from error


def _majority(site: PeriodicSite, at: int) -> Element:
    """The element that holds more than half of a site."""
    shares = site.species.element_composition.items()
    element, share = max(shares, key=lambda item: item[1])
    if share <= 0.5:
        raise Undetermined(
            f"CrystalNN cannot treat site {at}: no element holds more than half of it",
            next_step="Order the structure first (edit_structure, op order).",
        )
    if element.Z > _LAST_RADIUS:
        raise Undetermined(f"CrystalNN cannot treat {element.symbol}: it has no covalent radius")
    return element  # type: ignore[return-value]
