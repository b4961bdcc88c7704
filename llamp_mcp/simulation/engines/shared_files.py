"""The files through which a server and the machine that computes talk about one job.

They lie in the directory of the job, which both see. The server writes `control.json`; the machine
writes the others. Over a network file system a reader may for a while be told of a name as it was,
but never of the contents of a file it opens anew: so `control.json` exists before a job is handed
out, and is written in place. What must not be read by halves is put in place whole.
"""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from pathlib import Path

ATTEMPT_LOCK: Final = "attempt.lock"
"""Held by the process that computes: no two write into one job's directory at once."""
_CONTROL: Final = "control.json"
_ATTEMPT: Final = "attempt.json"
_PROGRESS: Final = "progress.json"
_OUTCOME: Final = "outcome.json"


class SharedFiles:
    """Those of one job.

    Args:
        directory: That of the job.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    # --- by the server ---

    def hand_out(self, key: str) -> None:
        """Before a job is sent off: under which key, and that nobody wants it cancelled."""
        self._control(key, cancel=False)

    def ask_to_stop(self) -> None:
        """Have whoever computes this job stop."""
        self._control(self.key(), cancel=True)

    def key(self) -> str:
        """Under which key it was handed out last; empty when it never was."""
        return str((self._read(_CONTROL) or {}).get("key", ""))

    def progress(self) -> dict[str, Any] | None:
        """How far it is: `done`, `total`, `message`, `frames`, and `where` it runs."""
        return self._read(_PROGRESS)

    # --- by the machine that computes ---

    def is_shared(self) -> bool:
        """Whether this machine sees what the server wrote."""
        return (self.directory / _CONTROL).is_file()

    def stop_asked(self) -> bool:
        """Whether the server wants this job to stop."""
        return bool((self._read(_CONTROL) or {}).get("cancel"))

    def begin(self, token: str) -> None:
        """Make this the attempt that counts: an earlier one that still runs gives way."""
        self._put(_ATTEMPT, {"token": token})

    def is_mine(self, token: str) -> bool:
        """Whether no later attempt has begun."""
        attempt = self._read(_ATTEMPT)
        return attempt is None or attempt["token"] == token

    def report(self, progress: dict[str, Any]) -> None:
        """Write down how far it is."""
        self._put(_PROGRESS, progress)

    def keep(self, outcome: dict[str, Any]) -> None:
        """Write down how it ended, for a server that was not there to hear it."""
        self._put(_OUTCOME, outcome, durable=True)

    # --- by both ---

    def outcome(self) -> dict[str, Any] | None:
        """How it ended, once it has."""
        return self._read(_OUTCOME)

    def _control(self, key: str, *, cancel: bool) -> None:
        path = self.directory / _CONTROL
        with path.open("r+" if path.exists() else "w", encoding="utf-8") as stream:
            stream.write(json.dumps({"key": key, "cancel": cancel}))
            stream.truncate()
            stream.flush()
            os.fsync(stream.fileno())

    def _read(self, name: str) -> dict[str, Any] | None:
        """What a file says; None when it is not there, or is being written this instant."""
        try:
            said = json.loads((self.directory / name).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None
        return said if isinstance(said, dict) else None

    def _put(self, name: str, value: dict[str, Any], *, durable: bool = False) -> None:
        draft = self.directory / f"{name}.{os.uname().nodename}-{os.getpid()}"
        with draft.open("w", encoding="utf-8") as stream:
            stream.write(json.dumps(value, allow_nan=False))
            if durable:
                stream.flush()
                os.fsync(stream.fileno())
        draft.replace(self.directory / name)
