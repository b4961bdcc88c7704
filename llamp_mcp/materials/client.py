"""The Project's own client, mp-api, held so that it can be relied on.

The only importer of `mp_api`, which takes seconds to import: everything here is lazy. What is
worked around, measured with mp-api 0.46:

* it asks for the heartbeat by itself, without a time-out: it is asked here, and mp-api is told;
* `_query_resource` is private, but the one way to a page with its total in one request; the
  version is pinned for it. Without criteria and with `num_chunks=None` it would download the whole
  collection from S3: `num_chunks` is always 1 here;
* it validates fields by building a JSON schema per field: `_fields` goes in as a criterion;
* ids come back as the server stores them (`mp-aaaaaaft`): they are made `mp-149` again.
"""

from __future__ import annotations

import json
import logging
import os
import re
import threading
import time
from dataclasses import dataclass
from functools import cache, partial
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from llamp_mcp.errors import NotFound, SourceError, one_of
from llamp_mcp.materials import transport
from llamp_mcp.materials.identifiers import plain_id
from llamp_mcp.materials.source import HELD_AS
from llamp_mcp.materials.transport import Bounds, Transport

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from llamp_mcp.materials.source import Document, SpectrumKind
    from llamp_mcp.settings import Settings

log = logging.getLogger(__name__)

PAGE: Final = 1000
"""The most documents that the API gives in one request."""
LICENCE_FIELD: Final = "builder_meta.license"

_BUDGET: Final = 2.0  # times the time-out of a request, for it and its repeats
_VERSION_S: Final = 600.0
_FAILURE_S: Final = 10.0
_PAUSE_S: Final = 0.1
_LIST_CHARACTERS: Final = 3000
_KEY: Final = re.compile(r"[A-Za-z0-9]{32}")
_UNPROJECTED: Final = frozenset({"robocrys/text_search", "synthesis"})
"""Routes that give whole documents, whatever fields are asked for."""
_MARKS: Final = frozenset({"meta", "meta_pagination_token"})
"""What Atlas searches leave in the documents."""
_PATHS: Final = {
    "setyawan_curtarolo": "Setyawan-Curtarolo",
    "hinuma": "Hinuma",
    "latimer_munro": "Latimer-Munro",
}
_METHODS: Final = ("dfpt", "pheasy", "phonopy")
_LONG_ID: Final = re.compile(r"(mp|mvc)-[a-z]{8}(?![a-z0-9])")
_BARE_ID: Final = re.compile(r"[a-z]{8}")
_ID_KEYS: Final = frozenset({"id_a", "id_b", "id_charge", "id_discharge", "identifier"})


@dataclass(frozen=True, slots=True)
class Found:
    """A page of documents, how many match in all, and when it was fetched if not just now."""

    total: int
    documents: tuple[Document, ...]
    fetched_at: str | None = None


class ProjectClient:
    """Questions to the Project's API. Any thread may ask; each has an mp-api of its own.

    Args:
        settings: Key, address and time-out.
    """

    def __init__(self, settings: Settings) -> None:
        self.endpoint = settings.mp_api_endpoint.rstrip("/") + "/"
        self._secret = settings.mp_api_key
        timeout = settings.request_timeout_s
        self._bounds = Bounds(timeout_s=timeout, budget_s=_BUDGET * timeout)
        self._of_thread = threading.local()
        self._learning = threading.Lock()
        self._version = ""
        self._failure: SourceError | None = None
        self._good_until = 0.0

    def key(self) -> str:
        """The key, checked for its form; never to be shown.

        Raises:
            SourceError: There is none, or it cannot be one.
        """
        key = self._secret.get_secret_value().strip() if self._secret else ""
        if not key:
            raise SourceError(
                "The live Materials Project needs a key, and MP_API_KEY is not set",
                next_step="Get one (free) at https://materialsproject.org/api, set MP_API_KEY and "
                "restart the server; or set LLAMP_SOURCE=sample for the offline extract.",
            )
        if _KEY.fullmatch(key) is None:
            raise SourceError(
                f"MP_API_KEY is set, but has not the form of a key ({len(key)} characters)",
                allowed="32 letters and digits",
                next_step="Copy it from https://materialsproject.org/api and restart the server.",
            )
        return key

    def database_version(self) -> str:
        """The version of the database, asked every ten minutes; a failure holds for seconds.

        Raises:
            SourceError: The Project cannot be reached.
        """
        with self._learning:
            if time.monotonic() > self._good_until:
                try:
                    said = transport.heartbeat(self.endpoint, self._bounds)
                except SourceError as error:
                    self._failure = error
                    self._good_until = time.monotonic() + _FAILURE_S
                else:
                    self._version, self._failure = str(said["db_version"]), None
                    self._good_until = time.monotonic() + _VERSION_S
            if self._failure is not None:
                known = self._failure
                raise SourceError(known.what, allowed=known.allowed, next_step=known.next_step)
            return self._version

    def find(
        self,
        endpoint: str,
        criteria: dict[str, Any],
        fields: Iterable[str] = (),
        *,
        sort: str = "",
        limit: int = PAGE,
        skip: int = 0,
    ) -> Found:
        """One page of documents, in one request.

        Args:
            endpoint: As mp-api names it, perhaps with a route below: `robocrys/text_search`.
            criteria: Parameters of the API. Lists of ids are joined by commas: see `batches`.
            fields: Top-level fields; empty: all. The licence comes along.
            sort: A field the API sorts by, with `-` before it to descend.
            limit: 1 to 1000.
            skip: Documents before the page.

        Raises:
            SourceError: The Project could not answer.
            InvalidInput: A document has no such field.
        """
        name, _, route = endpoint.partition("/")
        self.key()
        rester = self._rester(name)
        asked = {**criteria, "_limit": limit} | ({"_skip": skip} if skip else {})
        if sort:
            asked["_sort_fields"] = sort
        names = tuple(fields)
        if endpoint not in _UNPROJECTED:
            asked |= _projection(name, rester.document_model, names)
        try:
            answer = rester._query_resource(
                asked, suburl=route or None, num_chunks=1, chunk_size=limit
            )
            documents = answer["data"]
            total = int(answer["meta"].get("total_doc") or 0)
        except (ValueError, KeyError, TypeError, AttributeError) as error:  # some other JSON
            raise transport.malformed(self.endpoint) from error
        wanted = set(names) if endpoint in _UNPROJECTED else set()
        return Found(total, tuple(_cleaned(document, wanted) for document in documents))

    def every(
        self, endpoint: str, criteria: dict[str, Any], fields: Iterable[str] = (), *, sort: str = ""
    ) -> Iterator[Found]:
        """All pages of documents, one after the other, with a pause between them."""
        names, skip = tuple(fields), 0
        while True:
            page = self.find(endpoint, criteria, names, sort=sort, skip=skip)
            yield page
            skip += len(page.documents)
            if not page.documents or skip >= page.total:
                return
            time.sleep(_PAUSE_S)

    def spectrum(self, kind: SpectrumKind, material_id: str) -> Document:
        """A spectrum as the dictionary of pymatgen's object, with `material_id` and `_notes`.

        The documents that name it come from the API, the object from the Project's open data on
        S3.

        Raises:
            NotFound: The material has none.
            SourceError: The Project or S3 could not answer.
        """
        read = self._phonon if kind.startswith("phonon") else self._electronic
        spectrum, notes = read(kind, material_id)
        from monty.json import MontyEncoder

        document: Document = json.loads(json.dumps(spectrum.as_dict(), cls=MontyEncoder))
        return document | {"material_id": material_id, "_notes": notes}

    def _electronic(self, kind: SpectrumKind, material_id: str) -> tuple[Any, list[str]]:
        field = "bandstructure" if kind == "bands" else "dos"
        page = self.find("electronic_structure", {"material_ids": material_id}, (field,), limit=1)
        about = (page.documents[0].get(field) if page.documents else None) or {}
        if kind == "dos":
            if not (task := about.get("task_id")):
                raise _no_spectrum(kind, material_id)
            rester = self._rester("electronic_structure_dos")
            read = partial(rester.get_dos_from_task_id, task)
            found = self._from_s3(read, kind, material_id)
            return found, [f"density of states of calculation {task}"]
        rester = self._rester("electronic_structure_bandstructure")
        for path, said in _PATHS.items():
            if task := (about.get(path) or {}).get("task_id"):
                read = partial(rester.get_bandstructure_from_task_id, task, path_type=path)
                found = self._from_s3(read, kind, material_id)
                return found, [f"bands of calculation {task} on the k-path of {said}"]
        raise _no_spectrum(kind, material_id)

    def _phonon(self, kind: SpectrumKind, material_id: str) -> tuple[Any, list[str]]:
        page = self.find("summary", {"material_ids": material_id}, ("phonon_IDs",), limit=1)
        held = (page.documents[0].get("phonon_IDs") if page.documents else None) or {}
        methods = [method for method in (*_METHODS, *sorted(held)) if held.get(method)]
        if not methods:
            raise _no_spectrum(kind, material_id)
        method, identifier = methods[0], held[methods[0]][0]
        others = [other for other in dict.fromkeys(methods) if other != method]
        notes = [f"phonons by {method}, calculation {identifier}"]
        if others:
            notes.append(f"also calculated by {', '.join(others)}, not shown")
        rester = self._rester("phonon")
        from emmet.core.phonon import PhononBS, PhononDOS

        if kind == "phonon_dos":
            read = partial(rester.get_dos_from_phonon_id, identifier, method)
            return PhononDOS(**self._from_s3(read, kind, material_id)).to_pmg, notes
        for path, said in _PATHS.items():
            read = partial(rester.get_bandstructure_from_phonon_id, identifier, method, path)
            try:
                bands = self._from_s3(read, kind, material_id)
            except NotFound:
                continue
            return PhononBS(**bands).to_pmg, [*notes, f"on the k-path of {said}"]
        raise _no_spectrum(kind, material_id)

    def _from_s3(self, read: Callable[[], Any], kind: SpectrumKind, material_id: str) -> Any:
        """Read an object; S3 is probed first, because its client waits for minutes."""
        from deltalake.exceptions import DeltaError
        from mp_api.client.core.exceptions import MPRestError

        # variables of the S3 client itself, which may lead elsewhere
        names = ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", "AWS_ENDPOINT")
        set_to = (os.environ.get(name) for name in names)
        address = next(filter(None, set_to), "https://s3.us-east-1.amazonaws.com")
        transport.reach(address, min(5.0, self._bounds.timeout_s), "The Project's data on S3")
        try:
            return read()
        except MPRestError as error:
            if str(error).startswith("No "):
                raise _no_spectrum(kind, material_id) from error
            raise _s3_failed(error) from error
        except (DeltaError, OSError) as error:
            raise _s3_failed(error) from error

    def _rester(self, name: str) -> Any:
        """mp-api's client of an endpoint, for this thread."""
        resters: dict[str, Any] = self._of_thread.__dict__.setdefault("resters", {})
        if name not in resters:
            self.database_version()
            if "session" not in self._of_thread.__dict__:
                self._of_thread.session = Transport(self.key(), self._bounds)
            if name not in (known := _mp_api()):
                raise one_of("endpoint of the Materials Project", name, known)
            resters[name] = known[name](
                api_key=self.key(),
                endpoint=self.endpoint,
                session=self._of_thread.session,
                use_document_model=False,
                mute_progress_bars=True,
                # it waits three times as long for S3
                timeout=max(1, round(self._bounds.timeout_s / 3)),
            )
        return resters[name]


def batches(values: Iterable[str]) -> Iterator[str]:
    """Values joined by commas, cut into lists that fit into the address of a request."""
    batch: list[str] = []
    length = 0
    for value in values:
        size = len(quote(value, safe="")) + 3  # the comma is escaped
        if batch and length + size > _LIST_CHARACTERS:
            yield ",".join(batch)
            batch, length = [], 0
        batch.append(value)
        length += size
    if batch:
        yield ",".join(batch)


def with_plain_ids(value: Any, key: str = "") -> Any:
    """A document with every id as users know it: `mp-149` where the database has `mp-aaaaaaft`."""
    if isinstance(value, dict):
        # {method: [ids]} and the like: the outer name says that these are ids
        outer = key if key == "phonon_ids" else ""
        return {name: with_plain_ids(v, outer or str(name).lower()) for name, v in value.items()}
    if isinstance(value, list):
        if value and not isinstance(value[0], (str, dict, list)):
            return value  # long lists of numbers
        return [with_plain_ids(item, key) for item in value]
    if isinstance(value, str) and (key.endswith(("id", "ids")) or key in _ID_KEYS):
        if ("task" in key or key in {"identifier", "phonon_ids"}) and _BARE_ID.fullmatch(value):
            return plain_id(f"mp-{value}")
        return _LONG_ID.sub(lambda match: plain_id(match[0]), value)
    return value


def _cleaned(document: Document, wanted: set[str]) -> Document:
    """A document with plain ids, cut to what is wanted (if anything is), without search marks."""
    kept = {
        name: value
        for name, value in document.items()
        if name not in _MARKS and (not wanted or name in wanted)
    }
    cleaned: Document = with_plain_ids(kept)
    return cleaned


def _projection(name: str, model: Any, fields: tuple[str, ...]) -> dict[str, Any]:
    """The parameters that ask for fields, and for the licence where documents tell it."""
    if not fields:
        return {"_all_fields": True}
    if model is None:
        return {"_fields": ",".join(dict.fromkeys(fields))}
    known = {field: info.alias for field, info in model.model_fields.items()}
    allowed = {*known, *filter(None, known.values())}
    if wrong := [field for field in fields if field.partition(".")[0] not in allowed]:
        raise one_of(f"field of the Project's {name} documents", wrong[0], allowed)
    licence = (LICENCE_FIELD,) if "builder_meta" in known and "builder_meta" not in fields else ()
    return {"_fields": ",".join(dict.fromkeys((*fields, *licence)))}


@cache
def _mp_api() -> dict[str, Any]:
    """mp-api's clients by endpoint, after taming it: no heartbeat, no logging to stderr."""
    from mp_api.client.core import client as core
    from mp_api.client.routes.materials import MATERIALS_RESTERS

    core.logger.handlers.clear()
    # it needs what the heartbeat says for bulk downloads only, which are never made here
    setattr(core._Rester, "_get_heartbeat_info", staticmethod(lambda _endpoint: ("", [])))  # noqa: B010
    # what it imports for fingerprints of structures takes 11 s, and a query needs none of it
    attributes = {"suffix": "materials/similarity", "document_model": None}
    lean = type("SimilarityRester", (core.BaseRester,), attributes)
    made = {name: partial(_made, lazy) for name, lazy in MATERIALS_RESTERS.items()}
    return made | {"similarity": lean}


def _made(lazy: Any, **arguments: Any) -> Any:
    """A client of a lazily imported class; the copy, because it keeps what was made last."""
    return lazy.copy()(**arguments)


def _no_spectrum(kind: SpectrumKind, material_id: str) -> NotFound:
    return NotFound(
        f"The Materials Project has no {kind} of {material_id}",
        next_step=f"search_materials with has_props=['{HELD_AS[kind]}'] finds entries that have "
        "one.",
    )


def _s3_failed(error: Exception) -> SourceError:
    log.info("S3 failed: %s", error)
    return SourceError(
        f"The Project's data on S3 could not be read ({type(error).__name__})",
        next_step="Call again in a minute; properties and searches do not need S3.",
    )
