from __future__ import annotations

import stat
from pathlib import Path

import pytest
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
