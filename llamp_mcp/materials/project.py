"""What all that comes from the Materials Project has in common: whose it is, and its structures."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from llamp_mcp.materials.source import Document

KEY: Final = "materials_project"
"""The source that values of the Project have in `MaterialsSource.citations`."""
LICENCE: Final = "CC BY 4.0"
LICENCE_URL: Final = "https://creativecommons.org/licenses/by/4.0/"
CITATION: Final = "Jain et al., APL Materials 1, 011002 (2013), doi 10.1063/1.4812323"


def attribution(version: str) -> str:
    """What the licence wants to be said of data of a version of the database."""
    return f"{CITATION}; Materials Project, database {version}, {LICENCE_URL}"


def citations(version: str) -> dict[str, dict[str, str]]:
    """The one source of all values of a version of the database."""
    origin = {"name": "Materials Project", "citation": CITATION, "licence": LICENCE}
    return {KEY: {**origin, "database_version": version}}


def compact(record: Document) -> Document:
    """A structure as `MaterialsSource.structures` gives it, of that or of pymatgen's dictionary."""
    if "sites" not in record:
        return record
    sites = record["sites"]
    document = {
        "lattice": record["lattice"]["matrix"],
        "species": [_species(site["species"]) for site in sites],
        "frac_coords": [site["abc"] for site in sites],
    }
    moments = [(site.get("properties") or {}).get("magmom") for site in sites]
    if all(isinstance(moment, (int, float)) for moment in moments):
        document["magmoms"] = moments
    return document


def _species(species: list[dict[str, Any]]) -> Any:
    """A symbol where a site has one species, else the occupancy of each."""
    if len(species) == 1 and species[0]["occu"] == 1:
        return species[0]["element"]
    return {item["element"]: item["occu"] for item in species}
