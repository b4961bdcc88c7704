"""Spectra of materials: one module per kind, with its numbers, its picture and its data.

To add one: a module with a `KIND`, and its line here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Literal

from llamp_mcp.errors import NotFound, one_of
from llamp_mcp.materials import identifiers
from llamp_mcp.materials.source import Rows
from llamp_mcp.materials.spectra import absorption, bands, dos, phonon_bands, phonon_dos, xas

if TYPE_CHECKING:
    from llamp_mcp.materials.source import MaterialsSource
    from llamp_mcp.materials.spectra.kind import Kind

KindName = Literal["bands", "dos", "phonon_bands", "phonon_dos", "absorption", "xas"]

KINDS: Final[dict[str, Kind]] = {
    module.KIND.name: module.KIND
    for module in (bands, dos, phonon_bands, phonon_dos, absorption, xas)
}


def fetch(source: MaterialsSource, material_id: str, kind: Kind) -> Rows:
    """The documents that hold a spectrum of a material; one, save for xas.

    Raises:
        NotFound: It has none here.
    """
    if kind.stored is not None:
        document = source.spectrum(material_id, kind.stored)
        notes = tuple(document.get("_notes") or ())
        return Rows((document | {"material_id": material_id},), notes)
    rows = source.rows(kind.endpoint, (material_id,))
    if not rows.documents:
        why = "".join(f"; {note}" for note in rows.notes)
        raise NotFound(f"There is no {kind.name} spectrum of {material_id} in this source{why}")
    told = (note for found in rows.documents for note in found.get("_notes") or ())
    return Rows(rows.documents, tuple(dict.fromkeys((*rows.notes, *told))))


def data(source: MaterialsSource, material_id: str, kind: str) -> dict[str, Any]:
    """The curves of a spectrum as plain JSON, with units and source; the `mp://` resource.

    Projections on orbitals and eigenvectors are left out.

    Args:
        source: The database that answers.
        material_id: Checked here.
        kind: A name in `KINDS`.

    Raises:
        InvalidInput: The id has not the form of one, or there is no such kind.
        NotFound: The material has no such spectrum in the source.
    """
    identifier = identifiers.material_id(material_id)
    if kind not in KINDS:
        raise one_of("kind", kind, KINDS)
    rows = fetch(source, identifier, KINDS[kind])
    return {
        "material_id": identifier,
        "kind": kind,
        **KINDS[kind].data(rows.documents),
        "notes": list(rows.notes),
        "source": source.meta().summary() | {"attribution": source.meta().attribution},
    }
