from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest
from platformdirs import user_data_path
from pydantic import ValidationError

from llamp_mcp.errors import HomeError, InvalidInput
from llamp_mcp.settings import Settings, resolve_in_workspace

DIGEST = "0" * 64


def test_models_are_read_from_json(monkeypatch: pytest.MonkeyPatch) -> None:
    table = f'{{"mine": {{"family": "mace", "path": "/m.model", "sha256": "{DIGEST}"}}}}'
    monkeypatch.setenv("LLAMP_MODELS", table)
    assert Settings().models["mine"].path == Path("/m.model")


def test_models_are_read_from_a_toml_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    file = tmp_path / "models.toml"
    file.write_text(f'[mine]\nfamily = "mace"\npath = "/m.model"\nsha256 = "{DIGEST}"\n')
    monkeypatch.setenv("LLAMP_MODELS", str(file))
    assert Settings().models["mine"].sha256 == DIGEST


def test_a_model_without_a_digest_is_refused() -> None:
    with pytest.raises(ValidationError, match="sha256"):
        Settings(models={"mine": {"family": "mace", "path": "/m.model"}})


def test_host_patterns_are_refused() -> None:
    with pytest.raises(ValidationError, match="exact entries"):
        Settings(http_hosts=("example.org:*",))


def test_secrets_do_not_show(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MP_API_KEY", "canary-key")
    monkeypatch.setenv("LLAMP_HTTP_TOKEN", "canary-token")
    settings = Settings()
    assert settings.mp_api_key is not None
    assert settings.mp_api_key.get_secret_value() == "canary-key"
    assert "canary" not in f"{settings!r} {settings} {settings.model_dump()}"


def test_the_home_is_private_and_made_when_needed(tmp_path: Path) -> None:
    home = Settings(home=tmp_path / "new" / "home").open_home()
    assert stat.S_IMODE(home.stat().st_mode) == 0o700
    assert (home / "workspace").is_dir()


def test_a_home_that_cannot_be_made_is_explained(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(HomeError, match="Set LLAMP_HOME"):
        Settings(home=tmp_path / "file" / "home").open_home()


def test_a_link_out_of_the_workspace_is_not_followed(tmp_path: Path) -> None:
    workspace = tmp_path / "workspace"
    workspace.mkdir()
    (workspace / "link").symlink_to("/etc")
    (workspace / "si.cif").write_text("data_")
    assert resolve_in_workspace(workspace, "si.cif") == (workspace / "si.cif").resolve()
    for name in ("link/passwd", "../x", "/etc/passwd", "a\0b", "~nobody-here/x"):
        with pytest.raises(InvalidInput):
            resolve_in_workspace(workspace, name)


@pytest.mark.parametrize(
    ("key", "source", "kind"),
    [
        (None, None, "sample"),
        ("", None, "sample"),
        (" ", None, "sample"),
        ("a key", None, "live"),
        ("a key", "sample", "sample"),
        (None, "mine.sqlite", "mine.sqlite"),
        (None, "live", "live"),
    ],
)
def test_a_key_makes_the_live_project_answer_unless_a_source_is_chosen(
    monkeypatch: pytest.MonkeyPatch, key: str | None, source: str | None, kind: str
) -> None:
    if key is not None:
        monkeypatch.setenv("MP_API_KEY", key)
    if source is not None:
        monkeypatch.setenv("LLAMP_SOURCE", source)
    assert Settings().source_kind == kind


def test_engine_is_local_or_the_address_of_a_scheduler(monkeypatch: pytest.MonkeyPatch) -> None:
    assert Settings().engine == "local"
    monkeypatch.setenv("LLAMP_ENGINE", "tls://login.cluster:8786")
    assert Settings().engine == "tls://login.cluster:8786"
    monkeypatch.setenv("LLAMP_ENGINE", "login.cluster:8786")
    with pytest.raises(ValidationError, match="tcp://host:8786"):
        Settings()


def test_interpreters_of_families_are_read_from_json(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LLAMP_ENVIRONMENTS", '{"sevenn": "/envs/sevenn/bin/python"}')
    assert Settings().environments == {"sevenn": Path("/envs/sevenn/bin/python")}
    monkeypatch.setenv("LLAMP_ENVIRONMENTS", '{"seven": "/envs/sevenn/bin/python"}')
    with pytest.raises(ValidationError, match="the families are mace, chgnet, sevenn"):
        Settings()


TOKENS = '{"alice": "alice-has-a-token-of-her-own"}'


def test_tokens_of_callers_come_as_json_or_from_a_file(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    file = tmp_path / "tokens.toml"
    file.write_text('alice = "alice-has-a-token-of-her-own"\n', encoding="utf-8")
    for given in (TOKENS, str(file)):
        monkeypatch.setenv("LLAMP_HTTP_TOKENS", given)
        tokens = Settings().http_tokens
        assert {name: token.get_secret_value() for name, token in tokens.items()} == json.loads(
            TOKENS
        )
        assert "of-her-own" not in repr(Settings())


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ("alice-has-a-token-of-her-own", "give a JSON object"),
        ('{"alice": "alice-has-a-token-of-her-own"', "give a JSON object"),
        ('{"../alice": "alice-has-a-token-of-her-own"}', "a name is"),
        ('{"Alice": "alice-has-a-token-of-her-own"}', "a name is"),
        ('{"alice": "of-her-own"}', "at least 16 characters"),
        (
            '{"a": "alice-has-a-token-of-her-own", "b": "alice-has-a-token-of-her-own"}',
            "the same token",
        ),
    ],
)
def test_wrong_tokens_are_refused_without_repeating_them(
    given: str, why: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LLAMP_HTTP_TOKENS", given)
    with pytest.raises(ValidationError, match=why) as caught:
        Settings()
    assert "of-her-own" not in str(caught.value)


@pytest.mark.parametrize("given", ["", "${user_config.home}"])
def test_a_field_that_a_client_left_unfilled_is_not_set(
    given: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LLAMP_HOME", given)
    monkeypatch.setenv("LLAMP_SOURCE", given)
    monkeypatch.setenv("MP_API_KEY", given)
    made = Settings()
    assert made.home == user_data_path("llamp-mcp")
    assert (made.source_kind, made.mp_api_key) == ("sample", None)


def test_a_caller_has_home_and_workspace_below_those_of_the_server(tmp_path: Path) -> None:
    own = Settings(home=tmp_path / "home").of_caller("alice")
    assert own.home == tmp_path / "home" / "callers" / "alice"
    assert own.workspace_path == own.home / "workspace"
    assert own.pool == tmp_path / "home"
    elsewhere = Settings(home=tmp_path / "home", workspace=tmp_path / "work").of_caller("alice")
    assert elsewhere.workspace_path == tmp_path / "work" / "alice"


def test_the_homes_of_callers_and_all_folders_above_them_are_private(tmp_path: Path) -> None:
    own = Settings(home=tmp_path / "srv" / "home").of_caller("alice").open_home()
    for folder in (own, *own.parents[:3], own / "workspace"):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700, folder
