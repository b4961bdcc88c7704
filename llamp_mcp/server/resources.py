"""Resources: the source, database documents, structures and jobs, each at its own address."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TypeVar

from mcp.server.mcpserver import MCPServer
from mcp.server.mcpserver.exceptions import ResourceError, ResourceNotFoundError
from mcp.server.mcpserver.resources import ResourceSecurity

from llamp_mcp.errors import LlampError, NotFound
from llamp_mcp.server.job_tools import view
from llamp_mcp.server.services import Services
from llamp_mcp.server.standing import look
from llamp_mcp.simulation.jobs import LOG, PLOT, TRAJECTORIES
from llamp_mcp.structures.export_structure import LINKED
from llamp_mcp.structures.formats import MIME_TYPES, write_structure

JSON = "application/json"
T = TypeVar("T", str, bytes)


def add_resources(server: MCPServer[None], services: Services) -> None:
    """Register the resources on a server."""
    _add_database(server, services)
    _add_jobs(server, services)
    for extension in LINKED:
        _add_structure(server, services, extension)
    _add_picture(server, services)
    _add_view_data(server, services)


def _add_database(server: MCPServer[None], services: Services) -> None:
    @server.resource("llamp://source", name="source", title="Data source", mime_type=JSON)
    def source() -> str:
        """Which database answers, its version, licence, coverage, and what an answer means."""
        return _read(lambda: services.source.meta().model_dump_json(indent=1))

    @server.resource("llamp://calculators", name="calculators", mime_type=JSON)
    def calculators() -> str:
        """Force fields of this server, their elements, licence and accuracy."""
        entries = services.calculators.entries()
        return json.dumps([entry.model_dump(mode="json") for entry in entries], indent=1)

    @server.resource("llamp://properties/{group}", name="properties", mime_type="text/plain")
    def properties(group: str) -> str:
        """What each property of a group means, its unit, the method and the caveats."""
        from llamp_mcp.materials.groups import describe_group

        return _read(lambda: describe_group(group))

    @server.resource("mp://{material_id}", name="material", mime_type=JSON)
    def material(material_id: str) -> str:
        """Everything this source holds about a Materials Project entry."""
        return _read(lambda: _document(services, material_id))

    @server.resource("mp://{material_id}/{group}", name="material-group", mime_type=JSON)
    def material_group(material_id: str, group: str) -> str:
        """One group of properties of a Materials Project entry."""
        return _read(lambda: _document(services, material_id, group))

    @server.resource("mp://{material_id}/spectrum/{kind}", name="spectrum", mime_type=JSON)
    def spectrum(material_id: str, kind: str) -> str:
        """The data of a spectrum: bands, dos, phonon_bands, phonon_dos, absorption or xas."""
        from llamp_mcp.materials.spectra import data

        return _read(lambda: json.dumps(data(services.source, material_id, kind)))


def _add_structure(server: MCPServer[None], services: Services, extension: str) -> None:
    @server.resource(
        f"structure://{{structure_id}}.{extension}",
        name=f"structure-{extension}",
        description=f"A stored structure as {extension}",
        mime_type=MIME_TYPES[extension],
    )
    def structure(structure_id: str) -> str:
        return _read(lambda: write_structure(services.structures.get(structure_id), extension))


def _add_picture(server: MCPServer[None], services: Services) -> None:
    @server.resource("structure://{structure_id}.png", name="structure-png", mime_type="image/png")
    def drawn(structure_id: str) -> bytes:
        """A picture of a stored structure: cell, atoms, bonds, axes, legend."""
        from llamp_mcp.structures.pictures import picture

        return _read(lambda: picture(services.structures.get(structure_id)).png)


def _add_view_data(server: MCPServer[None], services: Services) -> None:
    @server.resource(
        "structure://{structure_id}/geometry", name="structure-geometry", mime_type=JSON
    )
    def geometry_of(structure_id: str) -> str:
        """What the interactive view draws a stored structure from."""
        from llamp_mcp.structures.pictures.geometry import geometry

        return _read(
            lambda: json.dumps(geometry(services.structures.get(structure_id), structure_id))
        )

    @server.resource("job://{job_id}/frames", name="job-frames", mime_type=JSON)
    def frames_of_job(job_id: str) -> str:
        """What the interactive view plays of a molecular dynamics job so far."""
        from llamp_mcp.simulation.trajectories.frames import frames
        from llamp_mcp.simulation.trajectories.sources import of_job

        return _read(lambda: json.dumps(frames(of_job(job_id, services.jobs))))

    @server.resource(
        "trajectory://{+path}",
        name="trajectory-frames",
        mime_type=JSON,
        security=ResourceSecurity(exempt_params={"path"}),  # resolved in the workspace, or refused
    )
    def frames_of_file(path: str) -> str:
        """What the interactive view plays of a trajectory file in the workspace."""
        from llamp_mcp.simulation.trajectories.frames import frames
        from llamp_mcp.simulation.trajectories.sources import of_file

        return _read(lambda: json.dumps(frames(of_file(path, services.settings))))


def _add_jobs(server: MCPServer[None], services: Services) -> None:
    @server.resource("job://{job_id}", name="job", mime_type=JSON)
    def job(job_id: str) -> str:
        """State, progress and result of a job or batch."""
        return _read(lambda: view(look(services, job_id)).model_dump_json(indent=1))

    @server.resource("job://{job_id}/log", name="job-log", mime_type="text/plain")
    def log(job_id: str) -> str:
        """What the job's calculation printed."""
        return _read(lambda: _job_file(services, job_id, LOG).decode(errors="replace"))

    @server.resource(
        "job://{job_id}/trajectory", name="trajectory", mime_type="application/octet-stream"
    )
    def trajectory(job_id: str) -> bytes:
        """The trajectory of a molecular dynamics job: ASE's .traj, or extended XYZ."""
        return _read(lambda: _job_file(services, job_id, *TRAJECTORIES))

    @server.resource("job://{job_id}/plot", name="job-plot", mime_type="image/png")
    def plot(job_id: str) -> bytes:
        """The picture that belongs to a job's result."""
        return _read(lambda: _job_file(services, job_id, PLOT))


def _document(services: Services, material_id: str, group: str | None = None) -> str:
    from llamp_mcp.materials.documents import document

    return json.dumps(document(services.source, material_id, group), ensure_ascii=False, indent=1)


def _job_file(services: Services, job_id: str, *names: str) -> bytes:
    """The first of these files that the job has."""
    directory = services.jobs.directory(services.jobs.get(job_id).job_id)
    for path in (directory / name for name in names):
        if path.is_file():
            return path.read_bytes()
    raise NotFound(f"The job {job_id!r} has no {names[0]}", next_step=f"Read job://{job_id} first.")


def _read(read: Callable[[], T]) -> T:
    try:
        return read()
    except NotFound as error:
        raise ResourceNotFoundError(str(error)) from error
    except LlampError as error:
        raise ResourceError(str(error)) from error
