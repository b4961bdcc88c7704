"""A snapshot of one's own: documents of the live Project, fetched with one's key, in one file.

The file grows as `<out>.part`. Every page is made safe together with the note that it is there, so
that a run that was killed goes on where it stood. Only documents under CC BY are kept: the others
(`BY-NC`) must not be used by everybody. No cache is read or written: a snapshot is of one database
version, and says when it was fetched.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from llamp_mcp.errors import InvalidInput, SourceError, unusable
from llamp_mcp.materials import project
from llamp_mcp.materials.client import ProjectClient
from llamp_mcp.materials.files import layout
from llamp_mcp.materials.files.fetch import Fetch
from llamp_mcp.materials.files.source import SqliteSource

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from llamp_mcp.materials.files.request import SnapshotRequest
    from llamp_mcp.settings import Settings

    Progress = Callable[[int, int, str], None]

MAX_MATERIALS: Final = 20_000

_BYTES_PER_MATERIAL: Final = 40_000
"""More than the documents of most materials take, compressed; for the check of the disk."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A finished file.

    Attributes:
        path: Where it lies.
        size_bytes: Of the file.
        materials: Entries in it.
        coverage: Materials per endpoint and spectrum, and how many recipes.
        database_version: Of the Project, the same for all documents.
        notes: What is not in it, though one might expect it.
    """

    path: Path
    size_bytes: int
    materials: int
    coverage: dict[str, int]
    database_version: str
    notes: tuple[str, ...]


def download(
    settings: Settings,
    request: SnapshotRequest,
    out: Path,
    progress: Progress,
    *,
    force: bool = False,
    most: int = MAX_MATERIALS,
) -> Snapshot:
    """Fetch a snapshot; goes on with one that was broken off, and leaves a finished one alone.

    Args:
        settings: With the user's own key.
        request: What to fetch.
        out: The file to make. It is there when it is whole, `<out>.part` until then.
        progress: Called with done, total and what is being fetched.
        force: Start anew, and replace whatever is at `out`.
        most: Materials that a snapshot may hold.

    Raises:
        InvalidInput: `out` or its part is something else, or the request names too many materials.
        SourceError: There is no key, or the Project could not answer; the part is kept.
        HomeError: The disk is full, or cannot be written.
    """
    client = ProjectClient(settings)
    client.key()
    version = client.database_version()
    if not force and (known := _finished(out, request, version)) is not None:
        return known
    part = out.with_name(f"{out.name}.part")
    try:
        if force:
            for name in (part.name, f"{part.name}-journal"):
                part.with_name(name).unlink(missing_ok=True)
        out.parent.mkdir(parents=True, exist_ok=True)
        with layout.Writer(part, durable=True) as writer:
            _claim(writer, part, request, version)
            fetch = Fetch(client, request, writer, progress, _room(settings, out, most))
            fetch.run()
            writer.finish(_header(writer, client.database_version(), fetch.notes))
        part.replace(out)
    except OSError as error:
        raise unusable(f"Cannot write the snapshot {str(out)!r}", error) from error
    except SourceError as error:
        kept = f"What was fetched is kept in {part.name}: the same command goes on from there."
        raise SourceError(
            error.what, allowed=error.allowed, next_step=f"{error.next_step} {kept}".strip()
        ) from error
    return _described(out)


def _described(path: Path) -> Snapshot:
    source = SqliteSource(path)
    try:
        header = source.header
    finally:
        source.close()
    return Snapshot(
        path=path,
        size_bytes=path.stat().st_size,
        materials=header["materials"],
        coverage=header["coverage"],
        database_version=header["database_version"],
        notes=tuple(header.get("notes", ())),
    )


def _finished(out: Path, request: SnapshotRequest, version: str) -> Snapshot | None:
    """The snapshot that is there already; None where there is none, or an older one of the same.

    Raises:
        InvalidInput: Something else is there.
    """
    if not out.exists():
        return None
    anew = "Choose another file, or replace it with --force."
    source = SqliteSource(out)
    try:
        header = source.header
    except SourceError as error:
        raise InvalidInput(
            f"{str(out)!r} is there already and is no snapshot that can be read", next_step=anew
        ) from error
    finally:
        source.close()
    if header.get("request") != request.as_json():
        what = header.get("what", header.get("name"))
        raise InvalidInput(f"{str(out)!r} is there already and holds {what}", next_step=anew)
    return _described(out) if header["database_version"] == version else None


def _claim(writer: layout.Writer, part: Path, request: SnapshotRequest, version: str) -> None:
    """Write into a new part what it will be, or make sure that an old one is to be the same.

    Raises:
        InvalidInput: The part is of another request, or of another database version.
    """
    begun = writer.noted("begun")
    if begun is None or not writer.material_ids("summary"):
        writer.forget()
        what = {"request": request.as_json(), "what": str(request), "database_version": version}
        writer.note("begun", what)
        writer.commit()
        return
    anew = "Finish that one, choose another file, or start anew with --force."
    if begun["request"] != request.as_json():
        raise InvalidInput(
            f"{str(part)!r} was begun for another request ({begun['what']})", next_step=anew
        )
    if begun["database_version"] != version:
        raise InvalidInput(
            f"{str(part)!r} was begun with database {begun['database_version']}, and the Project "
            f"is at {version} now; the two must not be mixed",
            next_step="Start anew with --force.",
        )


def _room(settings: Settings, out: Path, most: int) -> Callable[[int], None]:
    """The check that so many materials may be fetched, and fit on the disk."""

    def check(materials: int) -> None:
        if materials > most:
            raise InvalidInput(
                f"The snapshot would hold about {materials} materials",
                allowed=f"at most {most}",
                next_step="Narrow it: fewer elements in a chemical system, fewer systems, or "
                "several snapshots.",
            )
        needed = materials * _BYTES_PER_MATERIAL + settings.min_free_mb * 1_000_000
        free = shutil.disk_usage(out.parent).free
        if free < needed:
            raise InvalidInput(
                f"The snapshot of {materials} materials may take {needed / 1e9:.2g} GB, and "
                f"{free / 1e9:.2g} GB are free on the disk of {str(out)!r}",
                next_step="Free some space, choose another disk, or narrow the snapshot.",
            )

    return check


def _header(writer: layout.Writer, version: str, notes: tuple[str, ...]) -> dict[str, Any]:
    """What the file will say of itself.

    Raises:
        InvalidInput: The Project has got a new version meanwhile.
    """
    begun = writer.noted("begun")
    if begun["database_version"] != version:
        raise InvalidInput(
            f"The database went from {begun['database_version']} to {version} during the "
            "download; the two must not be mixed",
            next_step="Start anew with --force.",
        )
    fetched = datetime.now(UTC).date().isoformat()
    count, what = len(writer.material_ids("summary")), begun["what"]
    return {
        **begun,
        "kind": "snapshot",
        "name": f"Materials Project, snapshot of {what}",
        "licence": project.LICENCE,
        "licence_url": project.LICENCE_URL,
        "attribution": project.attribution(version),
        "fetched": fetched,
        "notice": f"snapshot of {what}: {count} Materials Project entries, database {version}, "
        f"fetched {fetched} (CC BY 4.0); absence here means nothing",
        "here": f"this snapshot of {what}",
        "next_step": "Look with search_materials for what is here, or make a larger snapshot.",
        "notes": list(notes),
        "source": project.KEY,
        "sources": project.citations(version),
    }
