"""Recording of tool traffic, off unless the user asks for it (`LLAMP_RECORD=1`).

What is written, in plain words: for every call of a tool its name, the arguments, the text and the
structured result that came back, and whether it failed; and the questions and answers this server
sees at all, which are those of nested experts (`ask_expert`) and of evaluations. The conversation
of the user with the host's own model is not seen by an MCP server and so is never recorded; only
a draft that the host hands to `check_grounding` is, as that call's argument. Arguments hold what
user and model sent, structures of their own included.

Where: files of JSON lines in `recordings` of the server's home, for its owner only, one file per
conversation. Nothing is ever sent anywhere. Before a line is written it is redacted: keys and
tokens of the settings, whatever looks like a key, a token or an e-mail address, and the paths of
the home directory and the workspace. A redaction by form cannot know everything: read what you
recorded before you pass it on.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import re
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from pydantic_core import to_jsonable_python

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from llamp_mcp.settings import Settings

FORMAT: Final = "llamp-mcp-recording/1"
FILE_BYTES: Final = 16 * 2**20
"""Above it a conversation goes on in another file."""
TOTAL_BYTES: Final = 256 * 2**20
"""Of all recordings: above it the oldest are removed when a new file is begun."""
LINE_BYTES: Final = 2**20
"""In place of a longer line only its length is written: half an answer teaches wrongly."""

SECRET: Final = "[secret]"
EMAIL: Final = "[e-mail]"
_SHORTEST: Final = 6
"""Characters of a known secret; to blot out a shorter one would blot out words."""
_LIKELY: Final = 12
"""Characters of a value of the environment that is named like a secret and may be one."""

_log = logging.getLogger(__name__)
_NAMES: Final = re.compile(
    r"(?i)api[_-]?key|token|secret|passw(or)?d|authorization|credential|cookie|session[_-]?id"
)
# every rule takes time in proportion to the text: structures are long
_RULES: Final = (
    (re.compile(r"-----BEGIN [A-Z ]+-----.*?(-----END [A-Z ]+-----|\Z)", re.DOTALL), SECRET),
    (re.compile(r"(?i)\b(bearer|basic)\s+[\w.~+/=-]{8,}"), rf"\1 {SECRET}"),
    (
        re.compile(
            r"(?i)((?:api[_-]?key|token|secret|passw(?:or)?d|authorization)[\"']?\s*[=:]\s*"
            r"[\"']?)(?!\[secret\]|bearer |basic )[^\s\"',;&}]{4,}"
        ),
        rf"\1{SECRET}",
    ),
    (re.compile(r"(?<=://)[^/\s:@]+:[^/\s@]+(?=@)"), SECRET),
    (
        re.compile(
            r"\b(sk|pk|rk|gh[opsu]|github_pat|glpat|hf|xox[abp]|AKIA|AIza)[-_]?\w[\w-]{14,}"
        ),
        SECRET,
    ),
    (re.compile(r"\beyJ[\w-]{8,}\.[\w-]{4,}\.[\w-]*"), SECRET),
    # a long word of capitals, small letters and digits: a key, but no digest and no formula
    (re.compile(r"(?<![\w/-])(?=\w*[a-z])(?=\w*[A-Z])(?=\w*\d)\w{32,}(?![\w/-])"), SECRET),
    (re.compile(r"(?<![\w.+-])[\w.+-]{1,64}@[\w-]{1,63}(\.[\w-]{1,63})+"), EMAIL),
    (re.compile(r"(?<![\w.])(/home/|/Users/)[^/\s\"':,]+"), "~"),
    (re.compile(r"(?i)\b[a-z]:(\\+|/)users(\\+|/)[^\\/\s\"':,]+"), "~"),
    (re.compile(r"(?<![\w./~])/root(?=[/\s\"':,]|$)"), "~"),
)


class Redaction:
    """Takes out of texts what must not be passed on.

    Args:
        secrets: Keys and tokens that are known; every one is taken out wherever it stands.
        places: Directories by the name that stands for them.
    """

    def __init__(
        self, secrets: Iterable[str] = (), places: Mapping[str, Path] | None = None
    ) -> None:
        known = {form for one in secrets for form in (one, quote(one, safe="")) if one}
        self._secrets = sorted((s for s in known if len(s) >= _SHORTEST), key=len, reverse=True)
        written = {
            form: name
            for name, path in (places or {}).items()
            for form in (str(path.expanduser()), str(path.expanduser().resolve()))
            if len(form) > 1
        }
        # the longest first; a place is not the beginning of another name
        self._places = tuple(
            (re.compile(rf"{re.escape(form)}(?![\w-]|\.\w)"), written[form])
            for form in sorted(written, key=len, reverse=True)
        )

    @classmethod
    def of(cls, settings: Settings) -> Redaction:
        """What the settings of a server ask to be kept private."""
        values = (getattr(settings, name) for name in type(settings).model_fields)
        secrets = [secret for value in values for secret in _secrets_in(value)]
        secrets += [
            value
            for name, value in os.environ.items()
            if names_a_secret(name) and len(value) >= _LIKELY and os.sep not in value
        ]
        places = {
            "<workspace>": settings.workspace_path,
            "<llamp home>": settings.home,
        }
        with suppress(RuntimeError):  # a user without a home directory
            places["~"] = Path.home()
        return cls(secrets, places)

    def text(self, text: str) -> str:
        """The text without secrets, addresses and private paths."""
        for secret in self._secrets:
            text = text.replace(secret, SECRET)
        for place, name in self._places:
            text = place.sub(name, text)
        for pattern, put in _RULES:
            text = pattern.sub(put, text)
        return text

    def value(self, value: Any) -> Any:
        """Any JSON value, with every text in it redacted, and what is named like a secret."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, dict):
            return {
                self.text(str(key)): SECRET
                if isinstance(item, str) and item and _NAMES.search(str(key))
                else self.value(item)
                for key, item in value.items()
            }
        if isinstance(value, (list, tuple)):
            return [self.value(item) for item in value]
        return value


class Recorder:
    """Writes what tools were asked and what they answered, a line each; any thread may call it.

    A recording that fails never fails a call: the first failure is logged, the line is lost.

    Args:
        folder: Where the files lie; made at the first line, for its owner only.
        redaction: What is taken out first.
        file_bytes: Size above which a conversation goes on in another file.
        total_bytes: Size of all files above which the oldest are removed.
    """

    def __init__(
        self,
        folder: Path,
        redaction: Redaction,
        *,
        file_bytes: int = FILE_BYTES,
        total_bytes: int = TOTAL_BYTES,
    ) -> None:
        self.folder = folder
        self._redaction = redaction
        self._file_bytes, self._total_bytes = file_bytes, total_bytes
        self._started = f"{datetime.now(UTC):%Y%m%dT%H%M%S.%fZ}-{os.getpid()}"
        self._parts: dict[str, int] = {}
        self._lock = Lock()
        self._failed = False

    @classmethod
    def of(cls, settings: Settings) -> Recorder | None:
        """The recorder of a server; None unless the user switched recording on."""
        if not settings.record:
            return None
        return cls(recordings(settings), Redaction.of(settings))

    def tool_call(
        self,
        caller: str,
        tool: str,
        arguments: Mapping[str, Any],
        text: str,
        *,
        structured: Any = None,
        failed: bool = False,
    ) -> None:
        """Record a call of a tool and what came back.

        Args:
            caller: Who called; only a digest of it is kept, because it may open a session.
            tool: Its name.
            arguments: As they were given.
            text: What the caller was told.
            structured: The same, typed.
            failed: Whether it was told as an error.
        """
        line = {
            "tool": tool,
            "arguments": arguments,
            "text": text,
            "structured": structured,
            "failed": failed,
        }
        self._write(caller, "tool_call", line)

    def answer(
        self,
        caller: str,
        question: str,
        answer: str,
        *,
        origin: str,
        model: str = "",
        steps: Sequence[Any] = (),
    ) -> None:
        """Record an answer that this server saw whole.

        Args:
            caller: Who asked.
            question: As it was put.
            answer: As it was given.
            origin: Who answered, such as `ask_expert`.
            model: Which model did.
            steps: Calls on the way: tool, arguments, observation, failed.
        """
        line = {
            "origin": origin,
            "model": model,
            "question": question,
            "answer": answer,
            "steps": list(steps),
        }
        self._write(caller, "answer", line)

    def _write(self, caller: str, kind: str, line: dict[str, Any]) -> None:
        try:
            head = {"format": FORMAT, "kind": kind, "time": f"{datetime.now(UTC):%FT%TZ}"}
            body = to_jsonable_python(line, inf_nan_mode="null", fallback=str)
            size = len(_encoded(body))
            told = self._redaction.value(body if size <= LINE_BYTES else {"too_long": size})
            data = _encoded(head | told)
            with self._lock:
                self._append(hashlib.sha256(caller.encode()).hexdigest()[:8], data)
        except (OSError, ValueError, TypeError, RecursionError) as error:
            if not self._failed:
                self._failed = True
                _log.warning("Tool calls cannot be recorded in %s: %s", self.folder, error)

    def _append(self, conversation: str, data: bytes) -> None:
        """One write at the end of the file of the conversation, so that lines never mix."""
        part = self._parts.get(conversation, 0)
        path = self._path(conversation, part)
        if not part or (path.exists() and path.stat().st_size + len(data) > self._file_bytes):
            path = self._path(conversation, part + 1)
            self._begin(len(data))
            self._parts[conversation] = part + 1
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0)
        handle = os.open(path, flags, 0o600)
        try:
            os.write(handle, data)
        finally:
            os.close(handle)

    def _path(self, conversation: str, part: int) -> Path:
        return self.folder / f"{self._started}-{conversation}-{part:03}.jsonl"

    def _begin(self, room: int) -> None:
        """Make the folder, and room for a new file in it: the oldest recordings go first."""
        for folder in (self.folder.parent, self.folder):
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.folder.chmod(0o700)
        files = sorted(self.folder.glob("*.jsonl"))
        sizes = {path: path.stat().st_size for path in files}
        used = sum(sizes.values()) + max(room, min(self._file_bytes, self._total_bytes // 4))
        for path in files:
            if used <= self._total_bytes:
                break
            with suppress(FileNotFoundError):
                path.unlink()
            used -= sizes[path]


def names_a_secret(name: str) -> bool:
    """Whether a variable of the environment that is called so may hold a secret."""
    return _NAMES.search(name) is not None or name.upper().endswith(("_KEY", "_PAT"))


def _secrets_in(value: Any) -> Iterator[str]:
    """The secrets of a setting: its own, or those of a table such as `http_tokens`."""
    if isinstance(value, dict):
        for item in value.values():
            yield from _secrets_in(item)
    elif hasattr(value, "get_secret_value"):
        yield value.get_secret_value()


def recordings(settings: Settings) -> Path:
    """Where recordings of this home lie; nothing is made there before the first line."""
    return settings.home.expanduser() / "recordings"


def _encoded(line: dict[str, Any]) -> bytes:
    return (
        json.dumps(line, ensure_ascii=False, separators=(",", ":")).encode(errors="replace") + b"\n"
    )
