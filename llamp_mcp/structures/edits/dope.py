"""`dope`: replace a few atoms of a host by a dopant, in a symmetry-inequivalent arrangement."""

from __future__ import annotations

from math import ceil, floor
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

from pydantic import Field, model_validator

from llamp_mcp.errors import InvalidInput
from llamp_mcp.structures.contacts import contacts
from llamp_mcp.structures.edits.edit import SITES_REPORTED, Edit, Edited, surroundings
from llamp_mcp.structures.inequivalent import (
    MAX_ARRANGEMENTS,
    Arrangement,
    Pool,
    count_arrangements,
    inequivalent_arrangements,
    orbits,
    rounded,
    site_permutations,
)
from llamp_mcp.structures.species import sites_of, species_named
from llamp_mcp.structures.symmetry import MAX_ATOMS
from llamp_mcp.structures.variants import Arguments

if TYPE_CHECKING:
    from typing import Self

    from pymatgen.core import Species, Structure

_PER_CM3 = 1e24
"""Å³ in a cm³."""

_SITES_LISTED = 20


class DopeArguments(Arguments):
    """Hosts with their dopants, and one way to say how many."""

    species: Annotated[dict[str, str], Field(min_length=1)] = Field(
        description='{"Si": "Ge"}: old to new'
    )
    fraction: float | None = Field(None, description="of host sites, 0 to 1")
    count: int | None = Field(None, description="atoms of each dopant")
    seed: Annotated[int, Field(ge=0)] = Field(0, description="default 0")

    @model_validator(mode="after")
    def _one_of(self) -> Self:
        self.exactly_one("fraction", "count")
        if self.fraction is not None and not 0 < self.fraction <= 1:
            raise ValueError(f"fraction = {self.fraction:g}, allowed: above 0, at most 1")
        if self.count is not None and self.count < 1:
            raise ValueError(f"count = {self.count}, allowed: at least 1")
        return self


class _Doping(NamedTuple):
    """One host and its dopant."""

    host: str
    sites: list[int]
    dopant: Species
    n_dopants: int

    def pool(self) -> Pool:
        return Pool(tuple(self.sites), (len(self.sites) - self.n_dopants, self.n_dopants))


def dope(structure: Structure, arguments: DopeArguments) -> Edited:
    """Replace atoms of each host; the lattice and all other sites stay."""
    dopings = [
        _doping(structure, host, dopant, arguments) for host, dopant in arguments.species.items()
    ]
    shared = [site for doping in dopings for site in doping.sites]
    if len(shared) != len(set(shared)):
        raise InvalidInput(
            f"Two hosts of {', '.join(arguments.species)} name the same sites",
            next_step="Name each host once, by element or by ion.",
        )
    chosen, told = _choose(structure, [doping.pool() for doping in dopings], arguments.seed)
    made = structure.copy()
    for doping, sites in zip(dopings, chosen, strict=True):
        for site in sites:
            made[site].species = doping.dopant
    report = {
        "doped": [
            _told(made, doping, sites, arguments.fraction)
            for doping, sites in zip(dopings, chosen, strict=True)
        ],
        "arrangement": told,
        "dopant_distance": _distance(made, [site for sites in chosen for site in sites]),
    }
    magnetic = any(structure.site_properties.get("magmom", ()))
    note = "A dopant keeps the magnetic moment of the atom it replaces."
    return Edited(made, report, notes=(note,) if magnetic else ())


def _doping(structure: Structure, host: str, dopant: str, arguments: DopeArguments) -> _Doping:
    """One host, its sites and how many of them are doped.

    Raises:
        InvalidInput: A host site is shared, or the number is none or more than there are.
    """
    sites = sites_of(structure, host)
    if shared := [site for site in sites if not structure[site].is_ordered]:
        raise InvalidInput(
            f"Site {shared[0]} holds {structure[shared[0]].species_string}: dope replaces whole "
            "atoms",
            next_step="Make it ordered first, with order or sqs.",
        )
    count = arguments.count
    if count is None:
        asked = arguments.fraction or 0.0
        count = floor(asked * len(sites) + 0.5)
        if count == 0:
            cells = ceil(0.5 / (asked * len(sites)))
            raise InvalidInput(
                f"fraction = {asked:g} of {len(sites)} {host} sites is less than half an atom",
                next_step=f"First make a supercell of at least {cells} cells "
                f"({cells * len(structure)} atoms), where one atom is "
                f"{1 / (cells * len(sites)):.3g} of the {host} sites; for {asked:g} itself, one of "
                f"about {round(1 / (asked * len(sites)))} cells. Or give count.",
            )
    if count > len(sites):
        raise InvalidInput(f"count = {count}", allowed=f"at most the {len(sites)} {host} sites")
    return _Doping(host, sites, species_named(dopant), count)


def _choose(
    structure: Structure, pools: list[Pool], seed: int
) -> tuple[list[list[int]], dict[str, Any]]:
    """The sites doped in each pool, and how they were chosen."""
    import numpy as np

    ways = count_arrangements(pools)
    classes = _classes(structure, pools) if ways <= MAX_ARRANGEMENTS else None
    if classes is None:
        random = np.random.default_rng(seed)
        picked = [
            sorted(random.choice(pool.sites, pool.counts[1], replace=False).tolist())
            for pool in pools
        ]
        return picked, {
            "chosen": "at random: too many arrangements, or too large a cell, to tell which are "
            "equivalent",
            "arrangements": rounded(ways),
            "seed": seed,
        }
    one = classes[seed % len(classes)]
    labels = iter(one.labels)
    picked = [[site for site in pool.sites if next(labels)] for pool in pools]
    return picked, {
        "chosen": f"inequivalent arrangement {seed % len(classes)} of 0 to {len(classes) - 1}, "
        "the commonest first; another seed gives another",
        "arrangements": ways,
        "inequivalent": len(classes),
        "multiplicity": one.multiplicity,
        "seed": seed,
    }


def _classes(structure: Structure, pools: list[Pool]) -> list[Arrangement] | None:
    """The inequivalent arrangements, None where the cell is too large for them."""
    if sum(pool.counts[1] for pool in pools) == 1 and len(structure) <= MAX_ATOMS:
        sites = pools[0].sites
        alike = sorted(orbits(structure, sites), key=lambda orbit: -len(orbit))
        return [
            Arrangement(tuple(int(site == orbit[0]) for site in sites), len(orbit))
            for orbit in alike
        ]
    permutations = site_permutations(structure)
    return None if permutations is None else inequivalent_arrangements(pools, permutations)


def _told(
    made: Structure, doping: _Doping, sites: list[int], asked: float | None
) -> dict[str, Any]:
    """What proves the doping with one dopant."""
    return {
        "host": doping.host,
        "dopant": str(doping.dopant),
        "n_dopants": len(sites),
        "n_host_sites": len(doping.sites),
        **({} if asked is None else {"fraction_asked": asked}),
        "fraction_achieved": round(len(sites) / len(doping.sites), 6),
        "concentration_atomic_percent": round(100 * len(sites) / len(made), 6),
        "concentration_per_cm3": float(f"{len(sites) / made.volume * _PER_CM3:.5g}"),
        "site_numbers": sites[:_SITES_LISTED],
        "sites": [surroundings(made, site) for site in sites[:SITES_REPORTED]],
    }


def _distance(made: Structure, sites: list[int]) -> dict[str, Any]:
    """The shortest distance between dopants, periodic images included."""
    from pymatgen.core import Structure

    only = Structure(made.lattice, [made[site].species for site in sites], made.frac_coords[sites])
    nearest = contacts(only).shortest
    first, second = (sites[at] for at in nearest.sites)
    return {
        "shortest_a": round(nearest.distance_a, 3),
        "between_sites": [first, second],
        **({"image": "a dopant and its own periodic image"} if first == second else {}),
    }


EDIT = Edit(name="dope", arguments=DopeArguments, run=dope)
