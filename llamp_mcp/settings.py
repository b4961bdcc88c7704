"""Settings, read from the environment (prefix `LLAMP_`) and nowhere else.

`MP_API_KEY` and `MP_API_ENDPOINT` keep the names that mp-api reads.
"""

from __future__ import annotations

import os
import re
import tomllib
from pathlib import Path
from typing import Annotated, Any, Final, Literal

from platformdirs import user_data_path
from pydantic import (
    AliasChoices,
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    field_validator,
    model_validator,
)
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from llamp_mcp.errors import HomeError, InvalidInput

CALLERS: Final = "callers"
"""Below it, the homes of callers that have a token of their own."""
_CALLER: Final = re.compile(r"[a-z0-9][a-z0-9_-]{0,31}")
_SHORTEST_TOKEN: Final = 16
_NOT_FILLED_IN: Final = re.compile(r"\$\{[\w.:-]*\}")
"""What some clients hand on for a field of their form that the user left empty."""

FAMILIES: Final = ("mace", "chgnet", "sevenn")
"""Families of force fields that may have a Python environment of their own."""


class ModelFile(BaseModel):
    """A force-field model file this server may load, pinned by its digest."""

    model_config = ConfigDict(extra="forbid", frozen=True, protected_namespaces=())

    family: Literal["mace"]
    path: Path
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    elements: tuple[str, ...] = Field(
        default=(), description="known in advance; else read at first load"
    )
    licence: str = "not stated"
    note: str = ""


class Settings(BaseSettings):
    """What a host may set. See the README for a table."""

    model_config = SettingsConfigDict(
        env_prefix="LLAMP_",
        env_ignore_empty=True,
        hide_input_in_errors=True,  # it may be a secret
        extra="ignore",
        populate_by_name=True,
        frozen=True,
        protected_namespaces=(),
    )

    home: Path = Field(default_factory=lambda: user_data_path("llamp-mcp"))
    source: str = Field(
        default="",
        description="live | sample | path of a snapshot; empty: live with a key, else sample",
    )
    toolsets: Annotated[tuple[str, ...], NoDecode] = (
        "materials",
        "structures",
        "simulation",
        "experts",
    )
    tools: Annotated[tuple[str, ...], NoDecode] = ()
    read_only: bool = False
    calculator: str = ""
    models: Annotated[dict[str, ModelFile], NoDecode] = Field(default_factory=dict)
    workspace: Path | None = None
    http_token: SecretStr | None = Field(
        default=None, description="bearer token of callers who share this home"
    )
    http_tokens: Annotated[dict[str, SecretStr], NoDecode] = Field(
        default_factory=dict,
        description="bearer tokens of callers with homes of their own: {name: token}",
    )
    http_hosts: Annotated[tuple[str, ...], NoDecode] = Field(
        default=(), description="exact host:port entries accepted in the Host header"
    )
    http_origins: Annotated[tuple[str, ...], NoDecode] = ()
    http_body_kb: int = Field(default=4096, ge=16, description="largest request over HTTP")
    http_rate: int = Field(
        default=600, ge=0, description="requests a caller may make in a minute; 0: any number"
    )
    http_parallel: int = Field(
        default=32, ge=1, description="requests of a caller that are served at once"
    )
    structures_mb: int = Field(default=5000, ge=1, description="disk for structures of a home")
    pool: Path | None = Field(
        default=None, description="home whose number of workers holds for this one, too; internal"
    )
    traces: str = Field(
        default="", description="OTLP/HTTP endpoint that gets OpenTelemetry spans; empty: none"
    )
    queue_limit: int = Field(default=200, ge=1, description="jobs that may wait or run at once")
    engine: str = Field(
        default="local", description="local, or the address of a Dask scheduler: tcp://host:port"
    )
    workers: int = Field(default=1, ge=1, le=64, description="jobs the local engine runs at once")
    worker_memory_mb: int = Field(
        default=0, ge=0, description="memory above which a worker's job is stopped; 0: none"
    )
    threads: int = Field(
        default_factory=lambda: min(2, os.cpu_count() or 1),
        ge=1,
        description="threads of a worker's force field, used where they gain",
    )
    device: Literal["cpu", "cuda"] = Field(default="cpu", description="of the force fields")
    environments: Annotated[dict[str, Path], NoDecode] = Field(
        default_factory=dict,
        description="Python interpreter of a calculator family, as JSON: {family: path}",
    )
    checkpoint_s: float = Field(
        default=15.0, gt=0, description="seconds between checkpoints of a running job"
    )
    job_days: float = Field(
        default=30.0, ge=0, description="days an ended job is kept; 0: for ever"
    )
    jobs_mb: int = Field(
        default=10_000, ge=1, description="disk for jobs; above it the oldest ended ones go"
    )
    worker_idle_s: float = Field(
        default=300.0, gt=0, description="seconds an idle worker stays warm"
    )
    min_free_mb: int = Field(default=200, ge=0, description="free disk below which no job is taken")
    mp_api_key: SecretStr | None = Field(
        default=None, validation_alias=AliasChoices("MP_API_KEY", "mp_api_key")
    )
    mp_api_endpoint: str = Field(
        default="https://api.materialsproject.org/",
        validation_alias=AliasChoices("MP_API_ENDPOINT", "mp_api_endpoint"),
    )
    request_timeout_s: float = Field(
        default=20.0, gt=0, description="seconds the database may take to answer a request"
    )
    cache_mb: int = Field(default=512, ge=1, description="size of the cache of live answers")
    cache_days: float = Field(default=30.0, ge=0, description="days a live answer is kept; 0: none")
    test_fixtures: bool = Field(
        default=False, description="serve the tools of the MCP conformance suite; for tests only"
    )
    llm_model: str = Field(default="", description="language model of nested experts; empty: none")
    llm_url: str = Field(
        default="https://api.openai.com/v1", description="OpenAI-compatible endpoint that runs it"
    )
    llm_key: SecretStr | None = Field(default=None, description="secret of that endpoint")
    llm_constrained: bool = Field(
        default=False, description="hold each step to a grammar, for small models"
    )
    llm_timeout_s: float = Field(default=120.0, gt=0, description="seconds for one of its answers")
    record: bool = Field(
        default=False, description="keep tool traffic in LLAMP_HOME/recordings, for distillation"
    )
    contact: str = Field(
        default="", description="e-mail address told to Crossref, which serves such callers faster"
    )

    @model_validator(mode="before")
    @classmethod
    def _leave_out_unfilled(cls, values: Any) -> Any:
        """`${user_config.key}` is a field of a client's form that nobody filled in."""
        return {
            name: value
            for name, value in values.items()
            if not (isinstance(value, str) and _NOT_FILLED_IN.fullmatch(value.strip()))
        }

    @field_validator("toolsets", "tools", "http_hosts", "http_origins", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        """Accept `a,b` and `a b` from the environment and the command line."""
        return tuple(value.replace(",", " ").split()) if isinstance(value, str) else value

    @field_validator("mp_api_key", "llm_key", "http_token", mode="before")
    @classmethod
    def _blank_is_none(cls, value: object) -> object:
        """Clients hand on an empty variable for a key that their user did not fill in."""
        return None if isinstance(value, str) and not value.strip() else value

    @field_validator("http_tokens", mode="before")
    @classmethod
    def _read_tokens(cls, value: object) -> object:
        """Accept a JSON object, or the path of a TOML file; never repeat what was given."""
        try:
            return _table(value) if isinstance(value, str) else value
        except (OSError, ValueError):  # either may quote a token
            raise ValueError(
                "give a JSON object {name: token}, or the path of a readable TOML file"
            ) from None

    @field_validator("http_tokens")
    @classmethod
    def _tell_callers_apart(cls, tokens: dict[str, SecretStr]) -> dict[str, SecretStr]:
        """A name is that of a directory; a token is not easily guessed, and of one caller."""
        if bad := [name for name in tokens if not _CALLER.fullmatch(name)]:
            raise ValueError(f"{', '.join(bad)}: a name is 1 to 32 of a-z, 0-9, '-' and '_'")
        values = [token.get_secret_value() for token in tokens.values()]
        if min(map(len, values), default=_SHORTEST_TOKEN) < _SHORTEST_TOKEN:
            raise ValueError(f"a token has at least {_SHORTEST_TOKEN} characters")
        if len(set(values)) < len(values):
            raise ValueError("two callers have the same token")
        return tokens

    @field_validator("http_hosts", "http_origins")
    @classmethod
    def _exact(cls, entries: tuple[str, ...]) -> tuple[str, ...]:
        """Refuse patterns: the SDK reads `host:*` as a prefix, which lets in other hosts."""
        if patterns := [entry for entry in entries if "*" in entry]:
            raise ValueError(f"{', '.join(patterns)}: give exact entries, without '*'")
        return entries

    @field_validator("engine")
    @classmethod
    def _engine(cls, value: str) -> str:
        """`local`, or an address as Dask writes it."""
        if value != "local" and not re.fullmatch(r"[a-z]+://.+:\d+", value):
            raise ValueError(f"{value!r}: give 'local', or a scheduler such as 'tcp://host:8786'")
        return value

    @field_validator("environments", mode="before")
    @classmethod
    def _read_environments(cls, value: object) -> object:
        """Accept a JSON object."""
        import json

        return json.loads(value or "{}") if isinstance(value, str) else value

    @field_validator("environments")
    @classmethod
    def _families(cls, environments: dict[str, Path]) -> dict[str, Path]:
        """A misspelt family would silently run in the server's own environment."""
        if unknown := sorted(environments.keys() - set(FAMILIES)):
            raise ValueError(f"{', '.join(unknown)}: the families are {', '.join(FAMILIES)}")
        return environments

    @field_validator("models", mode="before")
    @classmethod
    def _read_models(cls, value: object) -> object:
        """Accept a JSON object, or the path of a TOML file with one table per model."""
        return _table(value) if isinstance(value, str) else value

    @property
    def workspace_path(self) -> Path:
        """The one directory from which files are read and to which they are written on request."""
        return (self.workspace or self.home / "workspace").expanduser()

    @property
    def source_kind(self) -> str:
        """`live`, `sample`, or the path of a snapshot."""
        return self.source or ("live" if self.mp_api_key is not None else "sample")

    def of_caller(self, name: str) -> Settings:
        """These settings, with the home that belongs to a caller with a token of its own."""
        workspace = self.workspace.expanduser() / name if self.workspace else None
        home = self.home.expanduser()
        own = {"home": home / CALLERS / name, "workspace": workspace, "pool": home}
        return self.model_copy(update=own)

    def open_home(self) -> Path:
        """Create the home directory, private to its owner, and return it.

        Raises:
            HomeError: It cannot be created or written.
        """
        home = self.home.expanduser()
        try:
            _make_private(home)
            _make_private(self.workspace_path)
        except OSError as error:
            raise HomeError(
                f"Cannot create the home directory {str(home)!r}: {error.strerror}",
                next_step="Set LLAMP_HOME to a directory this user can write.",
            ) from error
        if not os.access(home, os.W_OK):
            raise HomeError(
                f"Cannot write to the home directory {str(home)!r}",
                next_step="Set LLAMP_HOME to a directory this user can write.",
            )
        return home


def _make_private(folder: Path) -> None:
    """Make a folder, and those above it that do not exist, for their owner alone."""
    for above in reversed(folder.parents):
        if not above.exists():
            above.mkdir(exist_ok=True, mode=0o700)
    folder.mkdir(exist_ok=True, mode=0o700)


def _table(text: str) -> dict[str, Any]:
    """A JSON object, or the tables of the TOML file at a path.

    Raises:
        ValueError: It is neither.
        OSError: The file cannot be read.
    """
    if text.lstrip().startswith("{"):
        import json

        read: dict[str, Any] = json.loads(text)
        return read
    return tomllib.loads(Path(text).expanduser().read_text(encoding="utf-8"))


def resolve_in_workspace(workspace: Path, name: str) -> Path:
    """The path of a file in the workspace; never one outside it, not even through a link.

    Raises:
        InvalidInput: The path leads out of the workspace, or no file can have this name.
    """
    root = workspace.resolve()
    try:
        path = (root / Path(name).expanduser()).resolve()
        path.exists()
    except (OSError, ValueError, RuntimeError) as error:  # too long, a null byte, ~nobody
        raise InvalidInput(f"{name[:80]!r} cannot be a file name: {error}"[:300]) from error
    if not path.is_relative_to(root):
        raise InvalidInput(
            f"The path {name!r} is outside the workspace",
            allowed=f"paths below {str(root)!r}",
            next_step="Give a path relative to the workspace, such as 'si.cif'.",
        )
    return path
