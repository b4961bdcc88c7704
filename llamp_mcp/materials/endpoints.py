"""The endpoints of the Project's API that hold documents of materials.

To add one: a line here, and a group of fields that reads it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where documents come from, and how the materials in them are named.

    Attributes:
        name: The name of the endpoint, as mp-api has it below `MPRester.materials`.
        parameter: The query parameter that takes ids.
        identifier: The field of a document that names its material.
        listed_in: The field of a material's summary that lists the ids of its documents, where
            they have ids of their own.
    """

    name: str
    parameter: str = "material_ids"
    identifier: str = "material_id"
    listed_in: str = ""


ENDPOINTS: Final[dict[str, Endpoint]] = {
    endpoint.name: endpoint
    for endpoint in (
        Endpoint("summary"),
        Endpoint("thermo"),
        Endpoint("elasticity"),
        Endpoint("magnetism"),
        Endpoint("dielectric"),
        Endpoint("piezoelectric"),
        Endpoint("electronic_structure"),
        Endpoint("phonon", "identifiers", "identifier", "phonon_IDs"),
        Endpoint("absorption"),
        Endpoint("xas", identifier="task_id"),
        Endpoint("surface_properties"),
        Endpoint("grain_boundaries"),
        Endpoint("eos", "task_ids", "task_id"),
        Endpoint("bonds"),
        Endpoint("oxidation_states"),
        Endpoint("chemenv"),
        Endpoint("robocrys"),
        Endpoint("similarity"),
        Endpoint("substrates", "film_id", "film_id"),
        Endpoint("insertion_electrodes", identifier="material_ids"),
        Endpoint("alloys", identifier="pair_id"),
        Endpoint("provenance"),
        Endpoint("tasks", "task_ids", "task_id", "task_ids"),
    )
}
