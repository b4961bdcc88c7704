"""Files of the workspace, opened so that no link that appears meanwhile leads out of it.

A path is checked by `settings.resolve_in_workspace`, and what is opened later by that path may be
another file by then: someone else may have put a link in the place of a directory of it. Here every
part of the path is opened from the directory before it, and none may be a link.
"""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING, BinaryIO, Final

from llamp_mcp.errors import InvalidInput, clip
from llamp_mcp.settings import resolve_in_workspace

if TYPE_CHECKING:
    from pathlib import Path

_FOLDER: Final = getattr(os, "O_PATH", os.O_RDONLY) | getattr(os, "O_DIRECTORY", 0)
_NO_LINK: Final = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0)
_READ: Final = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
"""Without waiting: to open a pipe would otherwise last until somebody writes into it."""


def open_in_workspace(workspace: Path, name: str) -> BinaryIO:
    """A regular file of the workspace, open for reading; the caller closes it.

    Args:
        workspace: The one directory from which files are read.
        name: As given by a caller, relative to it.

    Raises:
        InvalidInput: It leads out of the workspace, is no file, or may not be read.
    """
    path = resolve_in_workspace(workspace, name)
    parts = path.relative_to(workspace.resolve()).parts
    try:
        handle = _open(workspace.resolve(), parts)
    except OSError as error:
        raise InvalidInput(
            f"The file {clip(name)} cannot be read: {error.strerror}",
            next_step="Give the path of a file in the workspace; links out of it are not followed.",
        ) from error
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        raise InvalidInput(f"{clip(name)} is not a file", next_step="Name a file.")
    return os.fdopen(handle, "rb")


def _open(root: Path, parts: tuple[str, ...]) -> int:
    """The descriptor of the file at the end of these parts."""
    if os.open not in os.supports_dir_fd:  # Windows, where making a link takes privileges
        return os.open(root.joinpath(*parts), _READ)
    folder = os.open(root, _FOLDER)
    try:
        for part in parts[:-1]:
            inner = os.open(part, _FOLDER | _NO_LINK, dir_fd=folder)
            os.close(folder)
            folder = inner
        return os.open(parts[-1] if parts else ".", _READ | _NO_LINK, dir_fd=folder)
    finally:
        os.close(folder)
