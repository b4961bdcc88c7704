"""The installer may touch one entry of a file that is somebody else's, and nothing more."""

from __future__ import annotations

import json
import os
import stat
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from llamp_mcp import cli
from llamp_mcp.errors import InvalidInput, NotFound
from llamp_mcp.install import CLIENTS, Request, install
from llamp_mcp.install.clients import place_of
from llamp_mcp.install.files import ConfigFile
from llamp_mcp.install.json_text import JsonText
from llamp_mcp.install.yaml_text import YamlText

if TYPE_CHECKING:
    from collections.abc import Callable

CANARY = "canary-key-0123456789abcdefghijk"
runner = CliRunner()
posix = pytest.mark.skipif(os.name == "nt", reason="permissions of POSIX")

OTHERS = {
    "claude-desktop": '{\n  "mcpServers": {\n    "a": {"command": "x", "args": ["-y", "é"]}\n  },\n'
    '  "theme": "dark"\n}\n',
    "claude-code": '{"numStartups": 3,\n\t"mcpServers": {\n\t\t"a": {"command": "x"}\n\t}\n}',
    "vscode": '// mine\r\n{\r\n    "servers": {\r\n        "a": {"url": "http://x//y"}, // keep\r\n'
    '    },\r\n    /* and */ "inputs": [],\r\n}\r\n',
    "cursor": '{"mcpServers": {"a": {"command": "x"}}}',
    "goose": "# mine\nGOOSE_MODEL: 'x'  # quoted\nextensions:\n  a:\n    args:\n    - -y\n"
    "    type: stdio\n# the end\nGOOSE_MODE: auto\n",
}


@pytest.fixture
def config(tmp_path: Path) -> Callable[[str], Path]:
    def made(client: str) -> Path:
        path = tmp_path / ("config.yaml" if client == "goose" else "config.json")
        path.write_bytes(OTHERS[client].encode())
        return path

    return made


def entry_of(client: str, path: Path, name: str = "llamp") -> Any:
    text = path.read_bytes().decode()
    known = CLIENTS[client]
    if known.form == "yaml":
        return YamlText(text).entry(known.container, name)
    return JsonText(text, comments=known.form == "jsonc").entry(known.container, name)


@pytest.mark.parametrize("client", CLIENTS)
def test_installing_again_changes_nothing_and_uninstalling_leaves_what_was_there(
    client: str, config: Callable[[str], Path]
) -> None:
    path = config(client)
    before = path.read_bytes()
    request = Request(client, config=path, arguments=("--read-only",))
    done = install(request)
    assert done.backup is not None
    assert done.backup.read_bytes() == before
    assert entry_of(client, path)["args"] == ["--read-only"]
    again = install(request)
    assert again.difference == ""
    assert again.backup is None
    install(Request(client, config=path, uninstall=True))
    assert path.read_bytes() == before


@pytest.mark.parametrize("client", CLIENTS)
def test_the_entry_starts_this_environment(client: str, config: Callable[[str], Path]) -> None:
    path = config(client)
    install(Request(client, config=path, environment=(("LLAMP_SOURCE", "sample"),)))
    known, entry = CLIENTS[client], entry_of(client, path)
    command = Path(entry[known.command])
    assert command.is_absolute()
    assert command.is_file()
    assert command.parent == Path(sys.executable).parent
    assert entry[known.variables]["LLAMP_SOURCE"] == "sample"


@pytest.mark.parametrize("client", CLIENTS)
def test_a_new_file_is_made_for_its_owner_alone(client: str, tmp_path: Path) -> None:
    path = tmp_path / "new"
    done = install(Request(client, config=path))
    assert done.backup is None
    assert entry_of(client, path)
    if os.name != "nt":
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


@posix
@pytest.mark.parametrize("client", CLIENTS)
def test_permissions_and_links_stay(
    client: str, config: Callable[[str], Path], tmp_path: Path
) -> None:
    path = config(client)
    path.chmod(0o640)
    link = tmp_path / "link"
    link.symlink_to(path)
    done = install(Request(client, config=link))
    assert link.is_symlink()
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    assert done.backup is not None
    assert stat.S_IMODE(done.backup.stat().st_mode) == 0o640
    assert entry_of(client, path)


def test_a_dry_run_shows_the_change_and_makes_none(config: Callable[[str], Path]) -> None:
    path = config("claude-desktop")
    before = path.read_bytes()
    done = install(Request("claude-desktop", config=path, dry_run=True, key=CANARY))
    assert '+    "llamp": {' in done.difference
    assert CANARY not in done.difference
    assert path.read_bytes() == before
    assert list(path.parent.iterdir()) == [path]


def test_a_dry_run_shows_where_the_key_would_come_from(config: Callable[[str], Path]) -> None:
    shown = install(Request("vscode", config=config("vscode"), dry_run=True)).difference
    assert '"MP_API_KEY": "${input:materials-project-key}"' in shown
    assert '"password": true' in shown


def test_keys_of_other_servers_are_not_shown(tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    path.write_text(f'{{"mcpServers": {{"a": {{"env": {{"API_KEY": "{CANARY}"}}}}}}}}')
    done = install(Request("cursor", config=path, dry_run=True))
    assert "API_KEY" in done.difference
    assert CANARY not in done.difference


@posix
def test_a_key_is_written_only_on_request_and_then_for_the_owner_alone(
    config: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MP_API_KEY", CANARY)
    path = config("claude-desktop")
    path.chmod(0o644)
    options = ["install", "claude-desktop", "--config", str(path)]
    plain = runner.invoke(cli.app, options)
    assert plain.exit_code == 0, plain.output
    assert CANARY not in path.read_text()
    told = runner.invoke(cli.app, [*options, "--with-key"])
    assert told.exit_code == 0, told.output
    assert entry_of("claude-desktop", path)["env"]["MP_API_KEY"] == CANARY
    assert CANARY not in str(entry_of("claude-desktop", path)["args"])
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert CANARY not in told.output
    runner.invoke(cli.app, options)
    assert entry_of("claude-desktop", path)["env"]["MP_API_KEY"] == CANARY, "it is the user's now"


def test_with_key_needs_one(config: Callable[[str], Path]) -> None:
    path = config("cursor")
    told = runner.invoke(cli.app, ["install", "cursor", "--config", str(path), "--with-key"])
    assert told.exit_code == 1
    assert "MP_API_KEY" in told.output
    assert path.read_text() == OTHERS["cursor"]


def test_vs_code_asks_for_the_key_and_no_longer_after_the_last_entry(tmp_path: Path) -> None:
    path = tmp_path / "mcp.json"
    for name in ("llamp", "second"):
        install(Request("vscode", config=path, name=name))
    data = json.loads(path.read_text())
    (question,) = data["inputs"]
    assert question["password"] is True
    assert data["servers"]["llamp"]["env"]["MP_API_KEY"] == f"${{input:{question['id']}}}"
    install(Request("vscode", config=path, uninstall=True))
    assert json.loads(path.read_text())["inputs"] == [question]
    install(Request("vscode", config=path, name="second", uninstall=True))
    assert json.loads(path.read_text()) == {"inputs": [], "servers": {}}


def test_what_the_user_added_to_our_entry_stays(tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    install(Request("claude-desktop", config=path, environment=(("LLAMP_SOURCE", "sample"),)))
    data = json.loads(path.read_text())
    data["mcpServers"]["llamp"] |= {"disabled": True}
    data["mcpServers"]["llamp"]["env"] |= {"LLAMP_WORKERS": "2"}
    path.write_text(json.dumps(data))
    install(Request("claude-desktop", config=path))
    entry = json.loads(path.read_text())["mcpServers"]["llamp"]
    assert entry["disabled"] is True
    assert entry["env"] == {"LLAMP_WORKERS": "2"}


@pytest.mark.parametrize(
    ("client", "text"),
    [
        ("claude-desktop", '{"mcpServers": {'),
        ("claude-desktop", "[]"),
        ("claude-desktop", '{"mcpServers": {}} // a comment'),
        ("claude-desktop", '{"mcpServers": []}'),
        ("claude-desktop", '{"a": 1, "a": 2}'),
        ("vscode", '{"servers": {}, "inputs": {}}'),
        ("vscode", '{"servers": {} /* open'),
        ("goose", "extensions: [}"),
        ("goose", "extensions: 3"),
        ("goose", "a: 1\na: 2"),
        ("goose", "- a"),
    ],
)
def test_what_the_client_cannot_read_is_refused_and_kept(
    client: str, text: str, tmp_path: Path
) -> None:
    path = tmp_path / "x"
    path.write_text(text)
    with pytest.raises(InvalidInput, match="nothing was changed"):
        install(Request(client, config=path))
    assert path.read_text() == text
    assert list(tmp_path.iterdir()) == [path]


def test_text_that_is_not_utf8_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_bytes(b'{"a": "\xff"}')
    with pytest.raises(InvalidInput, match="UTF-8"):
        install(Request("cursor", config=path))


def test_another_server_of_that_name_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_text('{"mcpServers": {"llamp": {"command": "theirs"}}}')
    for uninstall in (False, True):
        with pytest.raises(InvalidInput, match="another server"):
            install(Request("cursor", config=path, uninstall=uninstall))
    install(Request("cursor", config=path, name="llamp2"))
    assert set(json.loads(path.read_text())["mcpServers"]) == {"llamp", "llamp2"}


def test_there_must_be_something_to_take_out(config: Callable[[str], Path]) -> None:
    with pytest.raises(NotFound, match="no server 'llamp'"):
        install(Request("cursor", config=config("cursor"), uninstall=True))


def test_a_file_that_changed_meanwhile_is_not_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    path.write_text("{}")
    file = ConfigFile(path, "Cursor")
    path.write_text('{"theirs": 1}')
    with pytest.raises(InvalidInput, match="another program"):
        file.replace('{"ours": 1}')
    assert path.read_text() == '{"theirs": 1}'


def test_a_client_that_is_not_set_up_is_said_so(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="Start Cursor once"):
        install(Request("cursor", config=tmp_path / "none" / "mcp.json"))


@pytest.mark.parametrize("name", ["", "a b", "../x", "x" * 65])
def test_a_name_is_plain(name: str, tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="name of a server"):
        install(Request("cursor", config=tmp_path / "x", name=name))


def test_options_are_checked_before_they_are_written(tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    for wrong in (["--toolsets", "kitchen"], ["--source", "nowhere.sqlite"]):
        told = runner.invoke(cli.app, ["install", "cursor", "--config", str(path), *wrong])
        assert told.exit_code == 1
        assert wrong[1] in told.output
    assert not path.exists()
    unknown = runner.invoke(cli.app, ["install", "emacs"])
    assert unknown.exit_code == 1
    assert "claude-desktop" in unknown.output


def test_relative_paths_become_absolute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.sqlite").touch()
    options = ["--source", "mine.sqlite", "--home", "h", "--toolsets", "materials", "--read-only"]
    told = runner.invoke(cli.app, ["install", "cursor", "--config", "x.json", *options])
    assert told.exit_code == 0, told.output
    assert "Reload the window" in told.output
    entry = entry_of("cursor", tmp_path / "x.json")
    assert entry["args"] == ["--toolsets", "materials", "--read-only"]
    assert entry["env"]["LLAMP_SOURCE"] == str(tmp_path / "mine.sqlite")
    assert entry["env"]["LLAMP_HOME"] == str(tmp_path / "h")


def test_the_list_says_where_this_server_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Path, "home", lambda: tmp_path)
    monkeypatch.delenv("CLAUDE_CONFIG_DIR", raising=False)
    assert runner.invoke(cli.app, ["install", "claude-code"]).exit_code == 0
    told = runner.invoke(cli.app, ["install", "--list"]).output
    lines = {line.split()[0]: line for line in told.splitlines()}
    assert "installed as llamp" in lines["claude-code"]
    assert "not set up" in lines["cursor"]


@pytest.mark.parametrize(
    ("client", "platform", "expected"),
    [
        (
            "claude-desktop",
            "darwin",
            "Library/Application Support/Claude/claude_desktop_config.json",
        ),
        ("claude-desktop", "win32", "AppData/Roaming/Claude/claude_desktop_config.json"),
        ("claude-desktop", "linux", ".config/Claude/claude_desktop_config.json"),
        ("claude-code", "linux", ".claude.json"),
        ("vscode", "darwin", "Library/Application Support/Code/User/mcp.json"),
        ("vscode", "win32", "AppData/Roaming/Code/User/mcp.json"),
        ("vscode", "linux", ".config/Code/User/mcp.json"),
        ("cursor", "win32", ".cursor/mcp.json"),
        ("goose", "darwin", ".config/goose/config.yaml"),
        ("goose", "win32", "AppData/Roaming/Block/goose/config/config.yaml"),
    ],
)
def test_each_client_has_its_place(client: str, platform: str, expected: str) -> None:
    home = Path("/h")
    assert place_of(CLIENTS[client], platform, {}, home) == home / expected


# any document of a client, with or without servers of its own

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
servers = st.dictionaries(
    st.text().filter(lambda name: name != "llamp"), st.dictionaries(st.text(), values), min_size=1
)
documents = st.dictionaries(st.text(), values, max_size=4)
ENTRY = {"command": "/x/llamp-mcp", "args": ["--read-only"], "env": {"A": "b // c"}}


@settings(deadline=None)
@given(documents, servers, st.sampled_from([None, 1, 4, "\t"]), st.booleans())
def test_json_is_the_same_to_the_letter_after_an_entry_came_and_went(
    document: dict[str, Any], held: dict[str, Any], indent: int | str | None, ascii_only: bool
) -> None:
    whole = document | {"mcpServers": held}
    text = json.dumps(whole, indent=indent, ensure_ascii=ascii_only)
    merged = JsonText(text).with_entry("mcpServers", "llamp", ENTRY)
    assert merged.data == whole | {"mcpServers": held | {"llamp": ENTRY}}
    assert merged.with_entry("mcpServers", "llamp", ENTRY).text == merged.text
    assert merged.without_entry("mcpServers", "llamp").text == text


@settings(deadline=None)
@given(documents)
def test_a_document_without_servers_only_keeps_the_place_for_them(document: dict[str, Any]) -> None:
    document.pop("mcpServers", None)
    merged = JsonText(json.dumps(document)).with_entry("mcpServers", "llamp", ENTRY)
    assert merged.data == document | {"mcpServers": {"llamp": ENTRY}}
    assert merged.without_entry("mcpServers", "llamp").data == document | {"mcpServers": {}}


blank: st.SearchStrategy[str] = st.sampled_from(
    ["", " ", "\n", "\r\n  ", ' // it\'s, "a" {note}\n', ' /* , } " */ ']
)


@st.composite
def commented(draw: st.DrawFn) -> tuple[str, dict[str, Any]]:
    """A document with comments and trailing commas at every place that may have them."""
    held = draw(st.dictionaries(st.text(st.characters(codec="utf-8")), values, min_size=1))
    held.pop("llamp", None)
    members = [
        f"{draw(blank)}{json.dumps(key)}{draw(blank)}:{draw(blank)}{json.dumps(value)}{draw(blank)}"
        for key, value in held.items()
    ]
    comma = draw(st.sampled_from([",", ""])) if members else ""
    trailing = f"{comma}{draw(blank)}"
    inner = ",".join(members) + trailing
    return f'{draw(blank)}{{{draw(blank)}"servers":{{{inner}}}{draw(blank)}}}{draw(blank)}', held


@settings(deadline=None)
@given(commented())
def test_comments_and_trailing_commas_stay(made: tuple[str, dict[str, Any]]) -> None:
    text, held = made
    merged = JsonText(text, comments=True).with_entry("servers", "llamp", ENTRY)
    assert merged.data["servers"] == held | {"llamp": ENTRY}
    after = merged.without_entry("servers", "llamp")
    assert after.data == {"servers": held}
    assert "".join(after.text.split()) == "".join(text.split())


plain = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]))


@settings(deadline=None)
@given(st.dictionaries(plain, st.dictionaries(plain, st.lists(plain) | st.booleans())))
def test_yaml_means_the_same_after_an_entry_came_and_went(held: dict[str, Any]) -> None:
    held.pop("llamp", None)
    whole = {"GOOSE_MODE": "auto", "extensions": held}
    merged = YamlText(json.dumps(whole, ensure_ascii=False)).with_entry(
        "extensions", "llamp", ENTRY
    )
    assert merged.data == whole | {"extensions": held | {"llamp": ENTRY}}
    assert merged.without_entry("extensions", "llamp").data == whole
