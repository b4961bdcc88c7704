"""The Project's own API (emmet-api) over collections in memory, on loopback.

Runs in the second environment, never in the one under test: it imports nothing of llamp_mcp.

    python -m tests.loopback.server --seed DIR --state FILE [--port N] [--lifetime S]

`--seed` is a directory that `tests.loopback.seed` wrote: `documents.json`, and below `s3/` the
objects of the Project's open-data buckets. `--state` is a file that says, once the server answers,
where: `{"endpoint", "s3", "pid"}`.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import socket
import threading
import time
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.loopback.collection import Collection
from tests.loopback.control import Control

if TYPE_CHECKING:
    from collections.abc import Callable

DATABASE_VERSION = "2025.09.25.post1"

RESOURCES: tuple[tuple[str, str, str], ...] = (
    ("summary", "summary_resource", "summary"),
    ("materials", "find_structure_resource", "materials"),
    ("materials", "formula_autocomplete_resource", "summary"),
    ("materials", "blessed_tasks_resource", "materials"),
    ("materials", "materials_resource", "materials"),
    ("thermo", "thermo_resource", "thermo"),
    ("elasticity", "elasticity_resource", "elasticity"),
    ("magnetism", "magnetism_resource", "magnetism"),
    ("dielectric", "dielectric_resource", "dielectric"),
    ("piezo", "piezo_resource", "piezoelectric"),
    ("electronic_structure", "es_resource", "electronic_structure"),
    ("electronic_structure", "bs_resource", "electronic_structure"),
    ("electronic_structure", "dos_resource", "electronic_structure"),
    ("phonon", "phonon_bsdos_resource", "phonon"),
    ("absorption", "absorption_resource", "absorption"),
    ("xas", "xas_resource", "xas"),
    ("surface_properties", "surface_props_resource", "surface_properties"),
    ("grain_boundary", "gb_resource", "grain_boundaries"),
    ("eos", "eos_resource", "eos"),
    ("bonds", "bonds_resource", "bonds"),
    ("oxidation_states", "oxi_states_resource", "oxidation_states"),
    ("chemenv", "chemenv_resource", "chemenv"),
    ("robocrys", "robo_search_resource", "robocrys"),
    ("robocrys", "robo_resource", "robocrys"),
    ("similarity", "similarity_feature_vector_resource", "similarity"),
    ("similarity", "similarity_resource", "similarity"),
    ("substrates", "substrates_resource", "substrates"),
    ("insertion_electrodes", "insertion_electrodes_resource", "insertion_electrodes"),
    ("alloys", "alloy_pairs_resource", "alloys"),
    ("provenance", "provenance_resource", "provenance"),
    ("tasks", "task_resource", "tasks"),
    ("synthesis", "synth_resource", "synthesis"),
)
"""Package below emmet.api.routes.materials, factory in it, collection it reads."""


def application(documents: dict[str, list[dict[str, Any]]]) -> Control:
    """The API with every materials endpoint, behind the counters and faults."""
    os.environ["MAPI_DB_VERSION"] = DATABASE_VERSION  # read when emmet.api is imported
    mapi = import_module("emmet.api.core.api").MAPI
    with_key = import_module("emmet.api.resource.utils").CollectionWithKey
    stores: dict[str, Any] = {}

    def resource(package: str, factory: str, name: str) -> Any:
        if name not in stores:
            stores[name] = with_key(Collection(documents.get(name, [])))
        module = import_module(f"emmet.api.routes.materials.{package}.resources")
        make: Callable[[Any], Any] = getattr(module, factory)
        return make(stores[name])

    resources = {"materials": [resource(*row) for row in RESOURCES]}
    return Control(mapi(resources=resources).app)


def objects(directory: Path, port: int) -> str:
    """Serve the buckets below a directory with moto; the address of the service."""
    logging.getLogger("werkzeug").setLevel(logging.WARNING)
    threaded = import_module("moto.server").ThreadedMotoServer
    server = threaded("127.0.0.1", port, verbose=False)
    server.start()
    endpoint = "http://{}:{}".format(*server.get_host_and_port())
    boto3 = import_module("boto3")
    client = boto3.client(
        "s3",
        endpoint_url=endpoint,
        aws_access_key_id="loopback",
        aws_secret_access_key="loopback",
        region_name="us-east-1",
    )
    for bucket in (path for path in directory.iterdir() if path.is_dir()):
        client.create_bucket(Bucket=bucket.name, ACL="public-read-write")
        for path in bucket.rglob("*"):
            if path.is_file():
                client.upload_file(str(path), bucket.name, str(path.relative_to(bucket)))
    return endpoint


def end_with(parent: int, control: Control, lifetime: float, idle: float) -> None:
    """End this process with its parent, after its lifetime, or when nobody asks any more."""
    born = time.monotonic()
    while True:
        time.sleep(0.5)
        now = time.monotonic()
        if now - born > lifetime or now - control.last_use > idle or not _alive(parent):
            os._exit(0)


def _alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=Path, required=True)
    parser.add_argument("--state", type=Path, required=True)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--s3-port", type=int, default=0)
    parser.add_argument("--parent", type=int, default=os.getppid())
    parser.add_argument("--lifetime", type=float, default=1800.0)
    parser.add_argument("--idle", type=float, default=300.0)
    options = parser.parse_args()

    uvicorn = import_module("uvicorn")
    documents = json.loads((options.seed / "documents.json").read_text(encoding="utf-8"))
    control = application(documents)
    buckets = options.seed / "s3"
    s3 = objects(buckets, options.s3_port) if buckets.is_dir() else ""
    # named as TCP, so that asyncio switches Nagle off: else every answer waits 40 ms for an ACK
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", options.port))
    state = {
        "endpoint": f"http://127.0.0.1:{listener.getsockname()[1]}/",
        "s3": s3,
        "pid": os.getpid(),
        "database_version": DATABASE_VERSION,
    }
    control.last_use = time.monotonic()
    threading.Thread(
        target=end_with,
        args=(options.parent, control, options.lifetime, options.idle),
        daemon=True,
    ).start()
    server = uvicorn.Server(uvicorn.Config(control, log_level="warning", lifespan="off"))
    draft = options.state.with_suffix(".part")
    draft.write_text(json.dumps(state), encoding="utf-8")

    def announce() -> None:
        while not server.started:
            time.sleep(0.05)
        draft.replace(options.state)

    threading.Thread(target=announce, daemon=True).start()
    server.run(sockets=[listener])


if __name__ == "__main__":
    main()
