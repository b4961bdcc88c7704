"""Valid arguments for every edit, over random and well-known crystals."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

from hypothesis import strategies as st
from pymatgen.core import Lattice, Structure

from tests.structures.conftest import bravais_crystals, copper, crystal, edit, salt, silicon

if TYPE_CHECKING:
    from collections.abc import Callable

    Arguments = Callable[[Structure], st.SearchStrategy[dict[str, Any]]]

ANY = bravais_crystals()
SMALL = bravais_crystals(most=4)
CHARGED = bravais_crystals(charged=True, magnetic=True)
WELL_KNOWN = st.sampled_from([silicon(), silicon(conventional=True), copper(), salt()])
fractions = st.integers(0, 49).map(lambda n: n / 50)
positions = st.lists(fractions, min_size=3, max_size=3)
strains = st.lists(st.floats(-0.05, 0.05), min_size=6, max_size=6)
directions = st.lists(st.integers(-3, 3), min_size=3, max_size=3).filter(any)


def sites(structure: Structure) -> st.SearchStrategy[int]:
    return st.integers(0, len(structure) - 1)


def symbols(structure: Structure) -> st.SearchStrategy[str]:
    return st.sampled_from(sorted({species.symbol for species in structure.composition}))


def disordered(structure: Structure, element: str, held: dict[str, float]) -> Structure:
    """The crystal with the sites of an element shared, and charges wherever the others have one."""
    shares: dict[Any, Any] = {element: held}
    if any("+" in name for name in held):
        shares["Cl"] = "Cl-"
    structure.replace_species(shares)
    return structure


@cache
def copper_slab() -> Structure:
    (step,) = edit(
        copper(),
        {"op": "slab", "miller": [1, 0, 0], "min_thickness_a": 4, "min_vacuum_a": 10},
    )
    return step.structure


def graphene() -> Structure:
    return Structure(
        Lattice.hexagonal(2.46, 20), ["C", "C"], [[1 / 3, 2 / 3, 0.5], [2 / 3, 1 / 3, 0.5]]
    )


class Cases(NamedTuple):
    """Crystals an edit is tried on, its arguments for one of them, and how often."""

    crystals: st.SearchStrategy[Structure]
    arguments: Arguments
    examples: int = 6


CASES: dict[str, Cases] = {
    "supercell": Cases(
        CHARGED,
        lambda _: st.one_of(
            st.fixed_dictionaries({"repeats": st.lists(st.integers(1, 2), min_size=3, max_size=3)}),
            st.fixed_dictionaries({"target_atoms": st.integers(1, 40)}),
            st.just({"matrix": [[1, 1, 0], [-1, 1, 0], [0, 1, 2]]}),
        ),
    ),
    "substitute": Cases(
        ANY,
        lambda s: st.fixed_dictionaries(
            {
                "species": st.dictionaries(
                    symbols(s), st.sampled_from(["Ge", "Mg2+"]), min_size=1, max_size=1
                )
            }
        ),
    ),
    "vacancy": Cases(
        ANY.filter(lambda s: len(s) > 1),
        lambda s: st.one_of(
            st.fixed_dictionaries({"site": sites(s)}),
            st.fixed_dictionaries({"species": symbols(s)}),
        ),
    ),
    "remove": Cases(
        CHARGED.filter(lambda s: len(s) > 1),
        lambda s: st.fixed_dictionaries({"sites": st.lists(sites(s), min_size=1, max_size=1)}),
    ),
    "interstitial": Cases(
        WELL_KNOWN,
        lambda _: st.fixed_dictionaries(
            {"species": st.sampled_from(["Li", "C"]), "site_kind": st.just("tetrahedral")}
        ),
    ),
    "insert": Cases(
        CHARGED,
        lambda _: st.fixed_dictionaries({"species": st.just("Ge"), "frac_coords": positions}),
    ),
    "strain": Cases(ANY, lambda _: st.fixed_dictionaries({"voigt": strains})),
    "perturb": Cases(
        CHARGED,
        lambda _: st.fixed_dictionaries(
            {"distance_a": st.floats(0.01, 0.1), "seed": st.integers(0, 99)}
        ),
    ),
    "translate": Cases(
        CHARGED,
        lambda _: st.one_of(
            st.fixed_dictionaries({"frac_vector": positions}),
            st.fixed_dictionaries({"vector_a": positions}),
        ),
    ),
    "rotate": Cases(
        CHARGED,
        lambda _: st.fixed_dictionaries({"axis": directions, "angle_deg": st.floats(-180, 180)}),
    ),
    "set_lattice": Cases(
        ANY,
        lambda s: st.fixed_dictionaries(
            {"lattice": st.just({"a": 1.1 * s.lattice.a, "c": 1.05 * s.lattice.c})},
            optional={"keep": st.sampled_from(["fractional", "cartesian"])},
        ),
    ),
    "scale_volume": Cases(
        CHARGED, lambda _: st.fixed_dictionaries({"factor": st.floats(0.9, 1.5)})
    ),
    "sort": Cases(
        CHARGED,
        lambda _: st.fixed_dictionaries(
            {"by": st.sampled_from(["electronegativity", "symbol", "atomic_number", "a", "b", "c"])}
        ),
    ),
    "primitive": Cases(ANY, lambda _: st.just({})),
    "conventional": Cases(ANY, lambda _: st.just({})),
    "slab": Cases(
        WELL_KNOWN,
        lambda _: st.fixed_dictionaries(
            {
                "miller": st.sampled_from([[1, 0, 0], [1, 1, 0], [1, 1, 1]]),
                "min_thickness_a": st.just(5),
                "min_vacuum_a": st.just(8),
                "termination": st.just(0),
            }
        ),
        examples=3,
    ),
    "vacuum": Cases(WELL_KNOWN, lambda _: st.just({"min_vacuum_a": 8}), 3),
    "adsorbate": Cases(
        st.deferred(lambda: st.just(copper_slab())),
        lambda _: st.fixed_dictionaries(
            {"molecule": st.sampled_from(["CO", "O"]), "height_a": st.sampled_from([1.8, 2.5])}
        ),
        3,
    ),
    "dope": Cases(
        st.sampled_from([silicon(conventional=True), copper(), salt()]),
        lambda s: st.fixed_dictionaries(
            {"species": symbols(s).map(lambda host: {host: "Mg"}), "count": st.integers(1, 2)}
        ),
        4,
    ),
    "order": Cases(
        st.just(disordered(salt(), "Na", {"Mg2+": 0.5})),
        lambda _: st.fixed_dictionaries({"rank": st.integers(0, 1)}),
        2,
    ),
    "sqs": Cases(
        st.just(disordered(copper(), "Cu", {"Cu": 0.5, "Au": 0.5})),
        lambda _: st.just({"target_atoms": 8, "iterations": 200}),
        1,
    ),
    "decorate_oxidation_states": Cases(
        st.just(salt()),
        lambda _: st.just({"oxidation_states": {"Na": 1, "Cl": -1}}),
        1,
    ),
    "interface": Cases(
        st.just(copper()),
        lambda _: st.just(
            {
                "structure_id": "nickel",
                "miller": [1, 0, 0],
                "film_miller": [1, 0, 0],
                "min_thickness_a": 3,
                "gap_a": 2,
                "min_vacuum_a": 8,
                "max_atoms": 200,
            }
        ),
        1,
    ),
    "twist": Cases(
        st.just(graphene()),
        lambda _: st.just({"angle_deg": 21.787, "gap_a": 3.35, "max_atoms": 100}),
        1,
    ),
    "grain_boundary": Cases(
        st.just(copper()),
        lambda _: st.just({"axis": [1, 0, 0], "sigma": 5, "miller": [0, 1, 2]}),
        1,
    ),
}

OTHERS = {"nickel": crystal("Fm-3m", 3.52, Ni=0.0)}
"""Structures that edits may ask for by their handles."""
