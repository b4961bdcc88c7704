"""What makes two structures the same one: the digest behind a `structure_id`."""

from __future__ import annotations

import hashlib
import json
import re
from typing import TYPE_CHECKING, Any

from llamp_mcp.errors import NotFound, clip

if TYPE_CHECKING:
    from numpy.typing import ArrayLike
    from pymatgen.core import PeriodicSite, Structure

DECIMALS = 6
"""Å for lattice vectors, fractions of them for coordinates."""

_FORM = re.compile(r"s-[0-9a-f]{16}")


def structure_id(structure: Structure) -> str:
    """`s-` and 16 hex digits over lattice, species, coordinates, site order and charge.

    Equal means the same representation, not symmetry-equivalent. Properties of sites, such as
    magnetic moments kept beside the species, are not part of it.
    """
    document = [
        _rounded(structure.lattice.matrix),
        [_species(site) for site in structure],
        _wrapped(structure.frac_coords),
        _number(_charge(structure)),
    ]
    text = json.dumps(document, separators=(",", ":"), allow_nan=False)
    return f"s-{hashlib.sha256(text.encode()).hexdigest()[:16]}"


def check_form(handle: str) -> str:
    """The handle itself when it has the form of one.

    Raises:
        NotFound: It has not, so nothing can be stored under it.
    """
    if not _FORM.fullmatch(handle):
        raise NotFound(
            f"{clip(handle)} is not a structure id",
            allowed="'s-' and 16 hex digits, as tools return them",
            next_step="Get one from get_structure (of a material id) or create_structure.",
        )
    return handle


def _charge(structure: Structure) -> float:
    """The charge set, else the sum of oxidation states.

    `structure.charge` is the same but warns where the two differ, as they do for a charged defect.
    """
    if structure._charge is not None:
        return float(structure._charge)
    return sum(
        float(getattr(species, "oxi_state", None) or 0) * occupancy
        for site in structure
        for species, occupancy in site.species.items()
    )


def _rounded(values: ArrayLike) -> Any:
    import numpy as np

    # Adding zero turns -0.0 into 0.0, which JSON would tell apart.
    return (np.round(np.asarray(values, dtype=float), DECIMALS) + 0.0).tolist()


def position(site: PeriodicSite) -> list[float]:
    """Fractional coordinates as results tell them and ids hold them: in [0, 1), six decimals."""
    told: list[float] = _wrapped(site.frac_coords)
    return told


def _wrapped(frac_coords: ArrayLike) -> Any:
    """Coordinates in [0, 1): what rounds up to 1 is 0, so that no two images differ."""
    import numpy as np

    rounded = np.round(np.mod(np.asarray(frac_coords, dtype=float), 1.0), DECIMALS)
    return (np.where(rounded >= 1.0, 0.0, rounded) + 0.0).tolist()


def _species(site: PeriodicSite) -> list[list[Any]]:
    """Symbol, oxidation state, spin and occupancy of each species on a site, sorted."""
    found = [
        [
            species.symbol,
            _number(getattr(species, "oxi_state", None)),
            _number(getattr(species, "spin", None)),
            _number(occupancy),
        ]
        for species, occupancy in site.species.items()
    ]
    return sorted(found, key=repr)


def _number(value: float | None) -> float | None:
    return None if value is None else round(float(value), DECIMALS) + 0.0
