"""A configuration file that others write, too: read once, replaced whole or not at all."""

from __future__ import annotations

import os
import stat
import tempfile
from contextlib import suppress
from datetime import datetime
from pathlib import Path

from llamp_mcp.errors import InvalidInput

PRIVATE = 0o600


class ConfigFile:
    """The text of a file as it was found, and its replacement.

    Args:
        path: The file; it need not exist, its folder must. A link is followed and stays.
        owner: The client whose file it is, for errors.

    Raises:
        InvalidInput: There is no such folder, or the file cannot be read as UTF-8 text.
    """

    def __init__(self, path: Path, owner: str) -> None:
        self.path = path.expanduser().absolute()
        self._target = self.path.resolve()
        if not self._target.parent.is_dir():
            raise InvalidInput(
                f"There is no folder {self._target.parent}, so {owner} does not seem to be set up",
                next_step=f"Start {owner} once, or name its file with --config.",
            )
        self._found = self._read()
        try:
            self.text = (self._found or b"").decode("utf-8")
        except UnicodeDecodeError as error:
            raise InvalidInput(
                f"{self.path} is not UTF-8 text; nothing was changed",
                next_step="Repair it first, or name another file with --config.",
            ) from error

    def replace(self, text: str, *, private: bool = False) -> Path | None:
        """Put another text in its place, in one step; what was there is kept beside it.

        Args:
            text: The new text.
            private: It holds a secret, so that only its owner may read it.

        Returns:
            The backup; None when there was no file, or nothing to change.

        Raises:
            InvalidInput: Somebody else has written the file meanwhile, or it cannot be written.
        """
        data = text.encode("utf-8")
        try:
            if data == self._found:
                if private:
                    self._target.chmod(PRIVATE)
                return None
            mode = PRIVATE if self._found is None else stat.S_IMODE(self._target.stat().st_mode)
            backup = None if self._found is None else self._back_up(self._found, mode)
            self._put(data, PRIVATE if private else mode)
        except OSError as error:
            raise InvalidInput(
                f"Cannot write {self.path}: {error.strerror}; it is as it was",
                next_step="Check the permissions of the file and its folder.",
            ) from error
        return backup

    def _read(self) -> bytes | None:
        try:
            return self._target.read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise InvalidInput(
                f"Cannot read {self.path}: {error.strerror}",
                next_step="Name the client's configuration file with --config.",
            ) from error

    def _back_up(self, data: bytes, mode: int) -> Path:
        """A copy beside the file, named after the moment, no more readable than the file is."""
        stamp = f"{datetime.now():%Y%m%dT%H%M%S.%f}"
        path = self._target.with_name(f"{self._target.name}.{stamp}.bak")
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
        with os.fdopen(handle, "wb") as stream:
            stream.write(data)
        path.chmod(mode)
        return path

    def _put(self, data: bytes, mode: int) -> None:
        handle, name = tempfile.mkstemp(dir=self._target.parent, prefix=f".{self._target.name}.")
        made = Path(name)
        try:
            with os.fdopen(handle, "wb") as stream:
                stream.write(data)
                stream.flush()
                os.fsync(stream.fileno())
            made.chmod(mode)
            if self._read() != self._found:
                raise InvalidInput(
                    f"{self.path} was changed by another program meanwhile; it is as that left it",
                    next_step="Close the client and try again.",
                )
            made.replace(self._target)
        finally:
            with suppress(FileNotFoundError):
                made.unlink()
