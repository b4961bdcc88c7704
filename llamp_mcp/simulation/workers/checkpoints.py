"""What a calculation writes down so that one whose process was killed goes on, not anew.

Two ways, both in the directory of the job and both safe against a kill at any instant: the state
of a long run (`Checkpoints`: atomic, the last two kept), and the finished parts of a calculation
made of many (`Parts`: one line each). Neither can run code when read back.
"""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any, Final
from zipfile import BadZipFile

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

KEPT: Final = 2
PARTS: Final = "parts.jsonl"
_PATTERN: Final = "checkpoint-*.npz"
_PLAIN: Final = "__plain__"
_TORN: Final = (OSError, ValueError, KeyError, EOFError, BadZipFile)
"""What reading half a file raises."""


class Checkpoints:
    """States of one run: numpy arrays, bit for bit, and plain JSON values.

    Args:
        directory: That of the job.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def save(self, state: Mapping[str, Any]) -> None:
        """Write a state; when this returns it is on disk, and survives a crash of the machine."""
        import numpy as np

        arrays = {name: value for name, value in state.items() if isinstance(value, np.ndarray)}
        plain = {name: value for name, value in state.items() if name not in arrays}
        arrays[_PLAIN] = np.array(json.dumps(plain))
        number = max((_number(path) for path in self._paths()), default=0) + 1
        path = self._directory / f"checkpoint-{number:06d}.npz"
        draft = path.with_suffix(".tmp")
        with draft.open("wb") as stream:
            np.savez(stream, allow_pickle=False, **arrays)
            stream.flush()
            os.fsync(stream.fileno())
        draft.replace(path)
        sync_directory(self._directory)
        for old in self._paths()[:-KEPT]:
            old.unlink(missing_ok=True)

    def newest(self) -> dict[str, Any] | None:
        """The last state that can be read; None when there is none."""
        return next(self._states(), None)

    def _states(self) -> Iterator[dict[str, Any]]:
        import numpy as np

        for path in reversed(self._paths()):
            try:
                with path.open("rb") as stream, np.load(stream, allow_pickle=False) as stored:
                    state = {name: stored[name] for name in stored.files}
                yield {**json.loads(str(state.pop(_PLAIN))), **state}
            except _TORN:
                continue

    def _paths(self) -> list[Path]:
        """Oldest first."""
        return sorted(self._directory.glob(_PATTERN))


class Parts:
    """Finished parts of a calculation, by name, as JSON values.

    Args:
        path: The file they are kept in.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._done: dict[str, Any] | None = None

    def once(self, name: str, compute: Callable[[], Any]) -> Any:
        """The value of a part: as written down before, else computed and written down now."""
        done = self._read()
        if name not in done:
            value = compute()
            line = json.dumps([name, value], allow_nan=False)
            with self._path.open("a", encoding="utf-8") as stream:
                stream.write(f"{line}\n")
                stream.flush()
                os.fsync(stream.fileno())
            done[name] = json.loads(line)[1]
        return done[name]

    def _read(self) -> dict[str, Any]:
        if self._done is None:
            self._done = {}
            whole = ""
            for line in self._lines():
                try:
                    name, value = json.loads(line)
                except ValueError:  # torn by a kill: the part is computed again
                    break
                self._done[name] = value
                whole += line
            if self._path.is_file():
                os.truncate(self._path, len(whole.encode()))
        return self._done

    def _lines(self) -> list[str]:
        if not self._path.is_file():
            return []
        text = self._path.read_text(encoding="utf-8", errors="replace")
        return [line for line in text.splitlines(keepends=True) if line.endswith("\n")]


def progress_mark(directory: Path) -> str:
    """Differs once a job has kept more than before: its newest checkpoint, and its parts."""
    newest = max((_number(path) for path in directory.glob(_PATTERN)), default=0)
    parts = directory / PARTS
    size = parts.stat().st_size if parts.is_file() else 0
    return f"{newest}:{size}" if newest or size else ""


def sync_directory(directory: Path) -> None:
    """Have the names in a directory on disk, too."""
    handle = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def sync_files(directory: Path) -> None:
    """Have the files in a directory on disk: a result must not survive what it speaks of."""
    for path in directory.iterdir():
        if path.is_file():
            with path.open("rb") as stream:
                os.fsync(stream.fileno())
    sync_directory(directory)


def _number(path: Path) -> int:
    return int(path.stem.rpartition("-")[2])
