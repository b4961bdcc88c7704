"""HTTP to the Project with bounds: on time, on repeats, and on what an error text may hold.

mp-api is given a `Transport` as its session, so that one place decides about time-outs and repeats.
Its own session repeats a request three times on some statuses, never on a reset connection, and
has no bound on the whole; its probes have no time-out at all.
"""

from __future__ import annotations

import random
import time
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any, Final, NoReturn

from llamp_mcp.errors import SourceError, address
from llamp_mcp.quoting import quoted

if TYPE_CHECKING:
    from requests import Response, Session

ATTEMPTS: Final = 4
_REPEATED: Final = frozenset({429, 500, 502, 503, 504})
_CHUNK_BYTES: Final = 1 << 16
_SAID: Final = 400
"""Characters of a refusal that are told."""
_STATUS_PAGE: Final = "https://status.materialsproject.org"

OFFLINE: Final = (
    "Check the network, a proxy (HTTPS_PROXY) and MP_API_ENDPOINT; offline, set "
    "LLAMP_SOURCE=sample or to a snapshot of your own and restart the server."
)


class _Passing(Exception):
    """A failure that may be over at the next try."""

    def __init__(self, what: str, wait_s: float | None = None) -> None:
        super().__init__(what)
        self.wait_s = wait_s


@dataclass(frozen=True, slots=True)
class Bounds:
    """How long a request may take.

    Attributes:
        timeout_s: Seconds without an answer, or without the next piece of one.
        budget_s: Seconds for a request with all its repeats and the reading of the answer.
        backoff_s: Seconds before the first repeat; doubled each time, with jitter.
    """

    timeout_s: float
    budget_s: float
    backoff_s: float = 0.5


class Transport:
    """What mp-api takes for a `requests.Session`, for one thread.

    Args:
        key: Sent as `x-api-key`, never followed to another address; empty for none.
        bounds: How long a request may take.
    """

    def __init__(self, key: str, bounds: Bounds) -> None:
        import requests

        self._bounds, self._key = bounds, key
        self._session: Session = requests.Session()
        self.headers = self._session.headers
        if key:
            self.headers["x-api-key"] = key

    def get(self, url: str, params: Any = None, **_: Any) -> Response:
        """The answer to a GET request: a whole JSON object with status 200.

        What else mp-api would set (its own time-out, headers that the session has already) is
        ignored.

        Raises:
            SourceError: There is no such answer within the budget; the text says why.
        """
        deadline = time.monotonic() + self._bounds.budget_s
        for attempt in range(ATTEMPTS):
            try:
                return self._once(url, params, deadline)
            except _Passing as failure:
                wait = self._wait(failure, attempt)
                if attempt + 1 == ATTEMPTS or time.monotonic() + wait > deadline:
                    raise _given_up(failure, url) from failure
                time.sleep(wait)
        raise AssertionError  # the last attempt returns or raises

    def _wait(self, failure: _Passing, attempt: int) -> float:
        if failure.wait_s is not None:
            return failure.wait_s
        return float(self._bounds.backoff_s * 2**attempt * random.uniform(0.75, 1.25))

    def _once(self, url: str, params: Any, deadline: float) -> Response:
        from requests.exceptions import RequestException

        timeout = min(self._bounds.timeout_s, max(0.1, deadline - time.monotonic()))
        try:
            # a redirect would take the key to an address that nobody chose
            response = self._session.get(
                url, params=params, timeout=timeout, stream=True, allow_redirects=False
            )
            with response:
                self._read(response, deadline)
        except RequestException as error:
            _explain(error, url, timeout)
        if response.status_code != 200:
            self._refuse(response)
        if not response.content.lstrip().startswith(b"{"):
            raise _Passing("it answered with something that is not JSON")
        return response

    def _read(self, response: Response, deadline: float) -> None:
        """Read the body piece by piece: the time-out of a socket starts anew with every piece."""
        pieces = []
        for piece in response.iter_content(_CHUNK_BYTES):
            pieces.append(piece)
            if time.monotonic() > deadline:
                raise _timed_out(response.url, self._bounds.budget_s)
        response._content = b"".join(pieces)  # what `content` and `text` read

    def _refuse(self, response: Response) -> NoReturn:
        status, said = response.status_code, self._said(response)
        if status in {401, 403} and not self._key:
            raise SourceError(
                f"The Materials Project lets nobody in now (HTTP {status}{said})",
                next_step=f"Call again later; {_STATUS_PAGE} tells of outages.",
            )
        if status in {401, 403}:
            raise SourceError(
                f"The Materials Project refused the key in MP_API_KEY (HTTP {status}{said})",
                next_step="Copy the key from https://materialsproject.org/api (after logging in), "
                "set MP_API_KEY to it and restart the server.",
            )
        if status == 429:
            raise _Passing(f"HTTP 429{said}", _retry_after(response))
        if status in _REPEATED:
            raise _Passing(f"HTTP {status}{said}", _retry_after(response))
        if 300 <= status < 400:
            raise SourceError(
                f"{address(response.url)} redirects (HTTP {status}), and the key is not sent on",
                next_step="Set MP_API_ENDPOINT to the final address and restart the server.",
            )
        raise SourceError(
            f"The Materials Project did not accept the request (HTTP {status}{said})",
            next_step="If the arguments are right, MP_API_ENDPOINT is wrong, or the API has "
            "changed: update llamp-mcp.",
        )

    def _said(self, response: Response) -> str:
        """The server's own words, marked as such and without the key, should they repeat it."""
        # before anything is cut: a part of the key tells of the rest
        text = response.text.replace(self._key, "…") if self._key else response.text
        if not text.lstrip().startswith("{"):
            return ""
        return f": {quoted(text[:_SAID])}"


def heartbeat(endpoint: str, bounds: Bounds) -> dict[str, Any]:
    """What the API says of itself, asked without a key.

    Raises:
        SourceError: It cannot be reached, or says something else.
    """
    response = Transport("", bounds).get(f"{endpoint}heartbeat")
    try:
        said = response.json()
    except ValueError as error:
        raise malformed(endpoint) from error
    if not isinstance(said, dict) or not said.get("db_version"):
        raise malformed(endpoint)
    return said


def malformed(url: str) -> SourceError:
    """The error for an answer that cannot be read."""
    return SourceError(
        f"{address(url)} answered, but not as the Materials Project's API does",
        next_step="Check MP_API_ENDPOINT (normally https://api.materialsproject.org/), or call "
        "again in a minute.",
    )


def reach(url: str, timeout_s: float, what: str) -> None:
    """Make sure that something answers at an address, whatever it says.

    Raises:
        SourceError: Nothing does.
    """
    import requests

    try:
        requests.head(url, timeout=timeout_s, allow_redirects=False).close()
    except requests.exceptions.RequestException as error:
        raise SourceError(
            f"{what} cannot be reached at {address(url)} ({_reason(error)})",
            next_step="Properties and searches do not need it; for this spectrum, call again when "
            "the network lets you through.",
        ) from error


def _explain(error: Exception, url: str, timeout_s: float) -> NoReturn:
    """Turn an exception of requests into ours; raises `_Passing` where a repeat may help."""
    from requests import exceptions
    from urllib3.exceptions import ReadTimeoutError

    cause = error.args[0] if error.args else None
    if isinstance(error, exceptions.Timeout) or isinstance(cause, ReadTimeoutError):
        raise _timed_out(url, timeout_s) from error
    if isinstance(error, exceptions.ChunkedEncodingError | exceptions.ContentDecodingError):
        raise _Passing("its answer broke off half-way") from error
    not_an_address = (
        exceptions.InvalidURL,
        exceptions.InvalidSchema,
        exceptions.MissingSchema,
    )
    if isinstance(error, not_an_address):
        raise SourceError(
            f"MP_API_ENDPOINT is not an address: {address(url)!r}",
            allowed="an http(s) URL such as https://api.materialsproject.org/",
        ) from error
    reason = _reason(error)
    if not reason.startswith("connection"):
        raise SourceError(
            f"The Materials Project cannot be reached at {address(url)}: {reason}",
            next_step=OFFLINE,
        ) from error
    raise _Passing(reason) from error


def _reason(error: Exception) -> str:
    """Why a connection failed, in a few words of our own (theirs repeat addresses and objects)."""
    from requests import exceptions
    from urllib3.exceptions import NameResolutionError, NewConnectionError

    cause = error.args[0] if error.args else None
    inner = getattr(cause, "reason", cause)
    if isinstance(error, exceptions.Timeout):
        return "no answer in time"
    if isinstance(error, exceptions.ProxyError):
        return "the proxy refuses or cannot be reached"
    if isinstance(error, exceptions.SSLError):
        return "its TLS certificate is not trusted here"
    if isinstance(inner, NameResolutionError):
        return "its name cannot be resolved (no network, or no DNS)"
    if isinstance(inner, NewConnectionError):
        return "nothing accepts connections there"
    return "connection lost"


def _timed_out(url: str, seconds: float) -> SourceError:
    return SourceError(
        f"The Materials Project at {address(url)} did not answer within {seconds:g} s",
        next_step="Call again in a minute, ask for less at once, or raise "
        f"LLAMP_REQUEST_TIMEOUT_S; {_STATUS_PAGE} tells of outages.",
    )


def _given_up(failure: _Passing, url: str) -> SourceError:
    if str(failure).startswith("HTTP 429"):
        when = f"in {failure.wait_s:.0f} s" if failure.wait_s else "in a minute"
        return SourceError(
            f"The Materials Project limits how often this key may ask ({failure})",
            next_step=f"Call again {when}, with many materials in one call instead of many calls.",
        )
    return SourceError(
        f"The Materials Project at {address(url)} failed again and again: {failure}",
        next_step=f"Call again in a minute; {_STATUS_PAGE} tells of outages.",
    )


def _retry_after(response: Response) -> float | None:
    """Seconds that the server asks to wait, given as a number or as a date."""
    asked = response.headers.get("retry-after", "").strip()
    if asked.isdigit():
        return float(asked)
    try:
        return max(0.0, parsedate_to_datetime(asked).timestamp() - time.time())
    except (ValueError, TypeError):
        return None
