"""One structure against the reference: do they match, how far are they apart, or why not."""

from __future__ import annotations

from itertools import islice, permutations
from typing import TYPE_CHECKING, Any, Final

from llamp_mcp.structures.comparison import cells
from llamp_mcp.structures.comparison.overlay import search
from llamp_mcp.structures.symmetry import space_group

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pymatgen.core import Composition, Structure

    from llamp_mcp.structures.comparison.overlay import Search, Tolerances

LOOSEST: Final = (0.5, 15.0)
"""Tolerances of lengths and angles with which the nearest correspondence is looked for."""

MAX_LOOSE: Final = 40
"""Sites of the larger cell up to which it is."""

MAX_EXCHANGES: Final = 24
"""Ways to exchange elements that are tried."""


def compare(reference: Structure, other: Structure, tolerances: Tolerances) -> dict[str, Any]:
    """How a structure compares with the reference, both `cells.bare`.

    Returns:
        `match`; where it does, the keys of `Overlay.report`; else `reasons`, and where there is one
        the `nearest` correspondence with the tolerances it would take, or the `prototype`: the same
        structure with other elements.

    Raises:
        InvalidInput: The cells are too large.
    """
    if not len(reference) or not len(other):
        return {"match": False, "reasons": ["no site is left of one of them"]}
    one, two = reference.composition, other.composition
    if not _same(one, two):
        prototype = _prototype(reference, other, tolerances)
        return {
            "match": False,
            "reasons": [*_composition_reasons(one, two), *_space_groups(reference, other)],
            **({"prototype": prototype} if prototype else {}),
        }
    found = search(reference, other, tolerances)
    if found.matches and found.overlay:
        return {"match": True, **found.overlay.report()}
    nearest = _nearest(reference, other, found, tolerances)
    return {
        "match": False,
        "reasons": [
            _cell_reason(found, tolerances),
            *_space_groups(reference, other),
            _volume(reference, other),
        ],
        **({"nearest": nearest} if nearest else {}),
    }


def _composition_reasons(one: Composition, two: Composition) -> Iterator[str]:
    """What differs, by numbers and by elements, and what could be compared all the same."""
    from pymatgen.core import Composition

    ours, theirs = ({str(element) for element in c.elements} for c in (one, two))
    parts = [f"composition {two.formula} against {one.formula} in the reference"]
    if gone := sorted(ours - theirs):
        parts.append(f"without {', '.join(gone)}")
    if new := sorted(theirs - ours):
        parts.append(f"with {', '.join(new)} {'instead' if gone else 'as well'}")
    yield "; ".join(parts)
    rest = [
        Composition({e: n for e, n in c.items() if str(e) in ours & theirs}) for c in (one, two)
    ]
    if ours & theirs and ours != theirs and _same(*rest):
        ignored = sorted(ours ^ theirs)
        yield f"the ratios of the other elements agree: compare these with ignore_species={ignored}"


def _same(one: Composition, two: Composition) -> bool:
    """Whether the ratios of the elements agree."""
    return bool(one.fractional_composition.almost_equals(two.fractional_composition, atol=1e-4))


def _cell_reason(found: Search, tolerances: Tolerances) -> str:
    """Why structures of one composition do not match."""
    if not found.multiple:
        kind = "primitive cells" if tolerances.primitive else "cells"
        return (
            f"{kind} of {found.n_other} sites against {found.n_reference} in the reference: "
            "neither holds a whole number of the other's sites of each kind"
        )
    if overlay := found.overlay:
        return (
            f"sites: with the lattices mapped, max_distance = {overlay.found.max_a:.4g} Å = "
            f"{overlay.max_normalised:.4g} (V/n)^(1/3), rmsd = {overlay.found.rmsd_a:.4g} Å, above "
            f"site_tolerance = {tolerances.site:g}"
        )
    limits = (
        f"length_tolerance = {tolerances.length:g} and angle_tolerance_deg = "
        f"{tolerances.angle_deg:g}{'' if tolerances.scale else ' at unequal volumes'}"
    )
    if not found.complete:
        return (
            "lattices: none found that maps; with cells of such different size only lengths "
            "within 2 % could be tried"
        )
    return f"lattices: none maps on the other within {limits}"


def _space_groups(reference: Structure, other: Structure) -> Iterator[str]:
    one, two = space_group(reference), space_group(other)
    if one != two:
        yield f"space group {two or 'unknown'} against {one or 'unknown'} in the reference"


def _volume(reference: Structure, other: Structure) -> str:
    ratio = cells.volume_per_site(other) / cells.volume_per_site(reference)
    return f"volume per site {100 * (ratio - 1):+.4g} % of the reference's"


def _nearest(
    reference: Structure, other: Structure, found: Search, tolerances: Tolerances
) -> dict[str, Any] | None:
    """The nearest correspondence at looser tolerances, with what it takes to match."""
    if max(found.n_reference, found.n_other) <= MAX_LOOSE:
        length, angle_deg = LOOSEST
        looser = tolerances._replace(length=length, angle_deg=angle_deg, scale=True, site=1e9)
        found = search(reference, other, looser)
    if found.overlay is None:
        return None
    report = found.overlay.report()
    kept = ("rmsd_a", "max_distance_a", "principal_strains_percent", "volume_change_percent")
    return {**found.overlay.tolerances(), **{name: report[name] for name in kept}}


def _prototype(
    reference: Structure, other: Structure, tolerances: Tolerances
) -> dict[str, Any] | None:
    """The match with elements exchanged, where the formulas allow one; None where they do not."""
    from pymatgen.core import Element

    tried = []
    for exchange in islice(_exchanges(reference, other), MAX_EXCHANGES):
        renamed = other.copy()
        renamed.replace_species({Element(old): Element(new) for old, new in exchange.items()})
        found = search(reference, renamed, tolerances._replace(scale=True))
        if found.matches and found.overlay:
            tried.append((exchange, found.overlay))
    if not tried:
        return None
    exchange, overlay = min(tried, key=lambda one: round(one[1].rms_normalised, 4))
    report = overlay.report()
    kept = ("rmsd_a", "rms_normalised", "max_distance_a", "volume_change_percent")
    return {"elements": exchange, **{name: report[name] for name in kept}}


def _exchanges(reference: Structure, other: Structure) -> Iterator[dict[str, str]]:
    """Elements of the other renamed to those of the reference in the same amounts.

    Those that leave an element its name come first.
    """
    ours, theirs = (
        {str(element): share for element, share in s.composition.fractional_composition.items()}
        for s in (reference, other)
    )
    if len(ours) != len(theirs) or not (reference.is_ordered and other.is_ordered):
        return
    names = sorted(theirs)
    made = (dict(zip(names, order, strict=True)) for order in permutations(sorted(ours)))
    fitting = [
        exchange
        for exchange in islice(made, 1000)
        if all(abs(theirs[old] - ours[new]) < 1e-4 for old, new in exchange.items())
    ]
    yield from sorted(fitting, key=lambda e: -sum(old == new for old, new in e.items()))
