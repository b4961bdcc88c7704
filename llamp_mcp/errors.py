"""The error tree.

* `LlampError`: anything a caller can act on. Its text is shown to the model.
    * `InvalidInput`: an argument is wrong; the caller corrects it and calls again.
        * `NotFound`: an id, file or name that does not exist here.
    * `SourceError`: the materials database could not answer.
    * `CalculatorError`: a calculator is missing, or cannot treat this structure.
    * `ProviderError`: a language model could not answer.
    * `SimulationError`: a calculation started and could not be finished meaningfully.
    * `JobError`: the job queue or a worker process failed.
    * `HomeError`: the server's home directory cannot be used (disk, permissions).
    * `Cancelled`: the caller asked a running calculation to stop.

Any other exception is a bug: `server/results.py` logs it and tells the model only that it happened.
"""

from __future__ import annotations

import errno
from difflib import get_close_matches
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

INTERNAL = "Internal error"
"""How the error of a job begins that ended by a bug of ours."""


class LlampError(Exception):
    """What failed, what is allowed, and what to do next, in one text.

    Args:
        what: What failed, with the offending value in it.
        allowed: What would have been accepted.
        next_step: The one thing to do now.
    """

    def __init__(self, what: str, *, allowed: str = "", next_step: str = "") -> None:
        self.what, self.allowed, self.next_step = what, allowed, next_step
        parts = (what, f"Allowed: {allowed}" if allowed else "", next_step)
        super().__init__(" ".join(_sentence(part) for part in parts if part))


class InvalidInput(LlampError):
    """An argument is wrong; the caller corrects it and calls again."""


class NotFound(InvalidInput):
    """An id, file or name that does not exist here."""


class SourceError(LlampError):
    """The materials database could not answer."""


class CalculatorError(LlampError):
    """A calculator is missing, or cannot treat this structure."""


class ProviderError(LlampError):
    """A language model could not answer."""


class SimulationError(LlampError):
    """A calculation started and could not be finished meaningfully."""


class JobError(LlampError):
    """The job queue or a worker process failed."""


class HomeError(LlampError):
    """The server's home directory cannot be used."""


class Cancelled(LlampError):
    """The caller asked a running calculation to stop."""


def one_of(name: str, value: object, allowed: Iterable[str]) -> InvalidInput:
    """The error for a value outside a closed set, with the closest match when there is one."""
    options = sorted(allowed)
    close = get_close_matches(str(value), options, n=1)
    return InvalidInput(
        f"Unknown {name} {value!r}",
        allowed=", ".join(options),
        next_step=f"Did you mean {close[0]!r}?" if close else "",
    )


def is_disk_full(error: Exception) -> bool:
    """Whether an error of the system or of SQLite says that no space is left."""
    code = getattr(error, "errno", None)
    return code in (errno.ENOSPC, errno.EDQUOT) or "disk is full" in str(error)


def unusable(what: str, error: Exception) -> HomeError:
    """The error for a file of the home that failed, with advice that fits a full disk or not.

    Args:
        what: What was tried, such as "Cannot write '/x'".
        error: Of the system or of SQLite.
    """
    full = is_disk_full(error)
    reason = getattr(error, "strerror", None) or str(error)
    return HomeError(
        f"{what}: {'no space is left on its disk' if full else reason}; nothing was changed",
        next_step="Free some space, or set LLAMP_HOME (LLAMP_WORKSPACE) to another disk."
        if full
        else "Check that LLAMP_HOME (LLAMP_WORKSPACE) can be written and is not damaged.",
    )


def clip(value: object, limit: int = 80) -> str:
    """`repr(value)`, cut so that a long input never floods an error text."""
    text = repr(value)
    return text if len(text) <= limit else f"{text[:limit]}… ({len(text)} characters)"


def address(url: str) -> str:
    """An address as it may be told: without the credentials and the query that may be in it."""
    scheme, slashes, rest = url.partition("?")[0].rpartition("://")
    return scheme + slashes + rest.rpartition("@")[2]


def _sentence(part: str) -> str:
    return part if part.endswith((".", "?", "!")) else part + "."
