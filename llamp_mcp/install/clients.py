"""The clients this server can be written into: where each keeps its servers, and in which form."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

KEY: Final = "MP_API_KEY"


@dataclass(frozen=True)
class Client:
    """A client and the form of its configuration.

    Args:
        name: As the command line takes it.
        title: As people call it.
        container: Key under which its servers stand.
        form: Of the file; `jsonc` is JSON in which the client allows comments.
        command: Key of an entry's command.
        variables: Key of an entry's environment.
        constants: What every entry holds besides.
        named: Whether an entry repeats its name.
        key_reference: What stands for the key where the client fills it in; empty: it cannot.
        question: What asks the user for it, in the client's words.
        how_to_give_key: The same, for the user.
        restart: What makes the client see the change.
    """

    name: str
    title: str
    container: str
    form: Literal["json", "jsonc", "yaml"]
    how_to_give_key: str
    restart: str
    command: str = "command"
    variables: str = "env"
    constants: Mapping[str, Any] = field(default_factory=dict)
    named: bool = False
    key_reference: str = ""
    question: Mapping[str, Any] | None = None

    def fixed(self, name: str) -> dict[str, Any]:
        """What an entry holds before its command."""
        return {**self.constants, **({"name": name} if self.named else {})}


_ALL: Final = (
    Client(
        name="claude-desktop",
        title="Claude Desktop",
        container="mcpServers",
        form="json",
        how_to_give_key=f'add "env": {{"{KEY}": "your key"}} to the entry, or run this again with '
        f"{KEY} in the environment and --with-key",
        restart="Quit Claude Desktop and start it again.",
    ),
    Client(
        name="claude-code",
        title="Claude Code",
        container="mcpServers",
        form="json",
        constants={"type": "stdio"},
        key_reference=f"${{{KEY}:-}}",
        how_to_give_key=f"export {KEY} in the shell that starts claude",
        restart="Start a new session; /mcp shows the server.",
    ),
    Client(
        name="vscode",
        title="VS Code",
        container="servers",
        form="jsonc",
        constants={"type": "stdio"},
        key_reference="${input:materials-project-key}",
        question={
            "type": "promptString",
            "id": "materials-project-key",
            "description": "Materials Project API key; empty: the embedded sample answers",
            "password": True,
        },
        how_to_give_key="VS Code asks for it at the first start and keeps it in its secret store",
        restart="Run 'MCP: List Servers' and start it.",
    ),
    Client(
        name="cursor",
        title="Cursor",
        container="mcpServers",
        form="jsonc",
        key_reference=f"${{env:{KEY}}}",
        how_to_give_key=f"set {KEY} in the environment that starts Cursor",
        restart="Reload the window; Settings, MCP shows the server.",
    ),
    Client(
        name="goose",
        title="Goose",
        container="extensions",
        form="yaml",
        command="cmd",
        variables="envs",
        constants={
            "enabled": True,
            "type": "stdio",
            "description": "Materials data, crystal editing and simulation",
            "timeout": 300,
        },
        named=True,
        how_to_give_key=f"set {KEY} in the environment that starts Goose, or store it with "
        "`goose configure`",
        restart="Start a new session.",
    ),
)
CLIENTS: Final[Mapping[str, Client]] = {client.name: client for client in _ALL}


def place_of(
    client: Client,
    platform: str = sys.platform,
    environment: Mapping[str, str] = os.environ,
    home: Path | None = None,
) -> Path:
    """Where a client keeps its configuration for this user.

    Args:
        client: Which one.
        platform: `linux`, `darwin` or `win32`.
        environment: Of the user; `APPDATA`, `XDG_CONFIG_HOME` and `CLAUDE_CONFIG_DIR` count.
        home: Home directory of the user.
    """
    home = home or Path.home()
    windows = platform == "win32"
    if windows:
        folder = Path(environment.get("APPDATA") or home / "AppData" / "Roaming")
    elif platform == "darwin":
        folder = home / "Library" / "Application Support"
    else:
        folder = Path(environment.get("XDG_CONFIG_HOME") or home / ".config")
    if client.name == "claude-desktop":
        return folder / "Claude" / "claude_desktop_config.json"
    if client.name == "vscode":
        return folder / "Code" / "User" / "mcp.json"
    if client.name == "claude-code":
        return Path(environment.get("CLAUDE_CONFIG_DIR") or home) / ".claude.json"
    if client.name == "cursor":
        return home / ".cursor" / "mcp.json"
    if windows:
        return folder / "Block" / "goose" / "config" / "config.yaml"
    # Goose keeps to ~/.config on macOS, too
    return Path(environment.get("XDG_CONFIG_HOME") or home / ".config") / "goose" / "config.yaml"
