"""Frames of a trajectory file, one at a time and in any order.

Only formats whose readers neither execute nor unpickle anything. A last frame that is not whole
(its writer is still at work, or was killed) is left out.
"""

from __future__ import annotations

import io
import re
from itertools import islice
from typing import TYPE_CHECKING, Any, Final, Protocol

from llamp_mcp.errors import InvalidInput, clip

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from ase import Atoms

ALLOWED: Final = ".traj (ASE), .extxyz, .xyz, XDATCAR"
MAX_TEXT_BYTES: Final = 512 * 2**20
_COUNT: Final = re.compile(rb"\s*\d+\s*\n?")
UNREADABLE: Final = (
    *(ValueError, KeyError, IndexError, TypeError, OSError, AttributeError, AssertionError),
    *(ArithmeticError, MemoryError, RuntimeError, StopIteration, NotImplementedError),
)
"""What ASE's readers raise on a damaged file; a made-up one may ask for more memory than is."""


class Frames(Protocol):
    """Frames by number.

    Attributes:
        torn: The last frame was not whole and is not among them.
        text: They are parsed from text, which is slow.
    """

    torn: bool
    text: bool

    def __len__(self) -> int: ...

    def __getitem__(self, number: int) -> Atoms: ...

    def close(self) -> None:
        """Close the file."""


def open_frames(path: Path) -> Frames:
    """The frames of a file, by its name.

    Raises:
        InvalidInput: There is no such file, it is of another format, damaged, or holds no frame.
    """
    if not path.is_file():  # a pipe would be waited for
        raise InvalidInput(f"There is no file {clip(path.name)}")
    name = path.name.lower()
    try:
        if name.endswith(".traj"):
            return _AseFrames(path)
        if name.endswith((".extxyz", ".xyz")):
            return _TextFrames(path, "extxyz", _xyz_frames(path))
        if "xdatcar" in name:
            return _TextFrames(path, "vasp-xdatcar", _xdatcar_frames(path))
    except UNREADABLE as error:
        raise unreadable(path, error) from error
    raise InvalidInput(f"{clip(path.name)} is no trajectory known here", allowed=ALLOWED)


def unreadable(path: Path, error: Exception) -> InvalidInput:
    """The error for a file that its reader cannot make sense of."""
    if isinstance(error, InvalidInput):
        return error
    return InvalidInput(
        f"{clip(path.name)} cannot be read as a trajectory: {str(error)[:200] or 'damaged'}",
        allowed=ALLOWED,
    )


def _no_frame(path: Path) -> InvalidInput:
    return InvalidInput(
        f"{clip(path.name)} holds no whole frame",
        next_step="Wait until the run has written some, or give another file.",
    )


class _AseFrames:
    """ASE's .traj: JSON and arrays at offsets that stand in a table."""

    text = False

    def __init__(self, path: Path) -> None:
        from ase.io.trajectory import TrajectoryReader

        if path.stat().st_size == 0:
            raise _no_frame(path)
        self._file = path.open("rb")  # ASE leaves a file open that is no trajectory
        try:
            self._reader: Any = TrajectoryReader(self._file)
            self._count, self.torn = len(self._reader), False
            while self._count and not self._whole(self._count - 1):
                self._count, self.torn = self._count - 1, True
            if not self._count:
                raise _no_frame(path)
        except BaseException:
            self.close()
            raise

    def _whole(self, number: int) -> bool:
        try:
            self._reader[number]
        except UNREADABLE:
            return False
        return True

    def __len__(self) -> int:
        return self._count

    def __getitem__(self, number: int) -> Atoms:
        return self._reader[number]

    def close(self) -> None:
        self._file.close()


class _TextFrames:
    """A text file whose frames were found beforehand: header and body as parts of the file."""

    text = True

    def __init__(self, path: Path, fmt: str, found: Iterator[tuple[slice, slice]]) -> None:
        if path.stat().st_size > MAX_TEXT_BYTES:
            raise InvalidInput(
                f"{clip(path.name)} is too large: {path.stat().st_size / 2**20:.0f} MB",
                allowed=f"at most {MAX_TEXT_BYTES // 2**20} MB of text",
                next_step="Convert it to ASE's .traj, or write fewer frames.",
            )
        self._frames, self._format = list(found), fmt
        self._file = path.open("rb")
        whole = len(self._frames)
        # a number cut in half still reads as a number: only a finished line is trusted
        end = max((frame[1].stop for frame in self._frames), default=0)
        if whole > 1 and end == path.stat().st_size and self._text(end - 1, end) != "\n":
            self._frames.pop()
        self.torn = len(self._frames) < whole or path.stat().st_size - end > len("\n" * 8)
        if not self._frames:
            self.close()
            raise _no_frame(path)

    def _text(self, start: int, stop: int) -> str:
        self._file.seek(start)
        return self._file.read(stop - start).decode("utf-8", "replace")

    def __len__(self) -> int:
        return len(self._frames)

    def __getitem__(self, number: int) -> Atoms:
        from ase.io import read

        text = "".join(self._text(part.start, part.stop) for part in self._frames[number])
        return read(io.StringIO(text), index=0, format=self._format)

    def close(self) -> None:
        self._file.close()


def _xyz_frames(path: Path) -> Iterator[tuple[slice, slice]]:
    """Whole frames of an XYZ file: a line with the number of atoms, a comment, the atoms."""
    with path.open("rb") as file:
        start = 0
        while line := file.readline():
            if not line.strip():
                start += len(line)
                continue
            if not _COUNT.fullmatch(line):
                raise ValueError(f"expected a number of atoms at byte {start}")
            lines = list(islice(file, int(line) + 1))
            if len(lines) <= int(line):
                return
            stop = start + len(line) + sum(map(len, lines))
            yield slice(start, start + len(line)), slice(start + len(line), stop)
            start = stop


def _xdatcar_frames(path: Path) -> Iterator[tuple[slice, slice]]:
    """Whole frames of an XDATCAR: its seven header lines, where given anew, and a configuration."""
    with path.open("rb") as file:
        header = slice(0, 0)
        atoms = start = 0
        while line := file.readline():
            if b"onfiguration=" not in line:
                rest = list(islice(file, 6))
                if len(rest) < 6:
                    return
                atoms = sum(int(count) for count in rest[-1].split())
                stop = start + len(line) + sum(map(len, rest))
                header, start = slice(start, stop), stop
                continue
            lines = list(islice(file, atoms))
            if not lines or len(lines) < atoms:
                return
            stop = start + len(line) + sum(map(len, lines))
            yield header, slice(start, stop)
            start = stop
