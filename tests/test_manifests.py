"""What the manifests say is what the package does, in the form that their readers ask for."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml
from PIL import Image
from typer.testing import CliRunner

from llamp_mcp import __version__, cli
from llamp_mcp.install import CLIENTS, Request, install
from llamp_mcp.server.app import chosen
from llamp_mcp.settings import Settings

ROOT = Path(__file__).parents[1]
MANIFESTS = ROOT / "manifests"
FILES = sorted(p for p in MANIFESTS.rglob("*") if p.is_file() and p.suffix != ".png")
TEXTS = [*FILES, ROOT / "Dockerfile", ROOT / "docs" / "hosting.md"]
READY = sorted((MANIFESTS / "clients").iterdir())
KUBERNETES = sorted((MANIFESTS / "kubernetes").glob("*.yaml"))
VARIABLES = {name if name.startswith("mp_") else f"llamp_{name}" for name in Settings.model_fields}
SECRET = re.compile(r"(?i)[a-f0-9]{24,}|[A-Za-z0-9+/_-]{32,}")
runner = CliRunner()


def relative(path: Path) -> str:
    return str(path.relative_to(ROOT))


def read(path: Path) -> Any:
    text = path.read_text(encoding="utf-8")
    return json.loads(text) if path.suffix == ".json" else yaml.safe_load(text)


@pytest.fixture(scope="module")
def bundle() -> Any:
    return read(MANIFESTS / "mcpb" / "manifest.json")


@pytest.mark.parametrize("path", TEXTS, ids=relative)
def test_every_variable_is_a_setting(path: Path) -> None:
    named = re.findall(r"\b(?:LLAMP|MP_API)_[A-Z_]*[A-Z]", path.read_text(encoding="utf-8"))
    assert {name.lower() for name in named} <= VARIABLES


@pytest.mark.parametrize("path", TEXTS, ids=relative)
def test_no_file_holds_a_secret(path: Path) -> None:
    words = SECRET.findall(path.read_text(encoding="utf-8"))
    assert not [word for word in words if "/" not in word and re.search(r"\d", word)]


def test_versions_are_that_of_the_package(bundle: Any) -> None:
    registry = read(MANIFESTS / "registry" / "server.json")
    assert bundle["version"] == registry["version"] == __version__
    assert [package["version"] for package in registry["packages"]] == [__version__]
    images = [
        read(MANIFESTS / "compose.yaml")["services"]["llamp"]["image"],
        pod()["containers"][0]["image"],
        *re.findall(r"llamp-mcp:[\d.]+", (ROOT / "Dockerfile").read_text(encoding="utf-8")),
        *re.findall(r"llamp-mcp:[\d.]+", (ROOT / "docs" / "hosting.md").read_text("utf-8")),
    ]
    assert {image.partition(":")[2] for image in images} == {__version__}


def test_the_bundle_lists_the_tools_it_has_by_default(bundle: Any) -> None:
    listed = [(one["name"], one["description"]) for one in bundle["tools"]]
    served = [(one.name, one.description.partition("\n")[0]) for one in chosen(Settings())]
    assert listed == served, "run scripts/update_manifests.py"


def test_what_the_user_of_the_bundle_fills_in_reaches_a_setting(bundle: Any) -> None:
    environment = bundle["server"]["mcp_config"]["env"]
    assert set(environment.values()) == {f"${{user_config.{key}}}" for key in bundle["user_config"]}
    assert bundle["user_config"]["mp_api_key"]["sensitive"] is True
    assert not any(field["required"] for field in bundle["user_config"].values())


@pytest.mark.parametrize("given", ["default", "literal"])
def test_what_the_user_leaves_empty_is_as_if_unset(
    given: str, bundle: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Hosts hand on the default of a field, or the reference itself."""
    monkeypatch.delenv("LLAMP_HOME", raising=False)
    unset = Settings()
    for name, reference in bundle["server"]["mcp_config"]["env"].items():
        key = reference.removeprefix("${user_config.").removesuffix("}")
        default = bundle["user_config"][key]["default"]
        filled = str(default).lower() if isinstance(default, bool) else default
        monkeypatch.setenv(name, filled if given == "default" else reference)
    assert Settings() == unset


@pytest.mark.parametrize(("name", "side"), [("icon.png", 512), ("icon-256.png", 256)])
def test_icons_have_the_size_they_are_listed_with(name: str, side: int, bundle: Any) -> None:
    assert {"src": name, "size": f"{side}x{side}"} in bundle["icons"]
    with Image.open(MANIFESTS / "mcpb" / name) as icon:
        assert (icon.format, icon.size) == ("PNG", (side, side))


def test_a_staged_bundle_holds_the_package_and_installs_what_it_needs(tmp_path: Path) -> None:
    script, out = ROOT / "scripts" / "build_bundle.py", tmp_path / "mcpb"
    subprocess.run(
        [sys.executable, str(script), "--out", str(out)], check=True, capture_output=True
    )
    made = tomllib.loads((out / "pyproject.toml").read_text(encoding="utf-8"))
    source = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert made["project"]["version"] == __version__
    assert set(source["project"]["dependencies"]) < set(made["project"]["dependencies"])
    assert made["tool"]["uv"]["sources"]["torch"][0]["index"] == "pytorch-cpu"
    assert (out / read(out / "manifest.json")["server"]["entry_point"]).is_file()
    names = {str(path.relative_to(out)) for path in out.rglob("*") if path.is_file()}
    package = ROOT / "llamp_mcp"
    packaged = {
        str(path.relative_to(ROOT))
        for path in package.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert {name for name in names if name.startswith("llamp_mcp/")} == packaged
    assert not [name for name in names if name.startswith("test") or "__pycache__" in name]


def test_the_bundle_starts_the_server(tmp_path: Path) -> None:
    """Its entry point, run as the host runs it, with the package beside it."""
    main = MANIFESTS / "mcpb" / "main.py"
    ran = subprocess.run(
        [sys.executable, str(main)],
        input=b"",
        env={"LLAMP_HOME": str(tmp_path), "LLAMP_SOURCE": "${user_config.source}"},
        capture_output=True,
        check=False,
    )
    assert (ran.returncode, ran.stdout) == (0, b""), ran.stderr


def test_the_registry_entry_fits_the_rules_of_the_registry() -> None:
    """The published schema's bounds, and the registry's own rules about packages and secrets."""
    entry = read(MANIFESTS / "registry" / "server.json")
    assert re.fullmatch(r"[a-zA-Z0-9.-]+/[a-zA-Z0-9._-]+", entry["name"])
    assert entry["name"].startswith("io.github.")
    assert len(entry["description"]) <= 100
    assert len(entry["title"]) <= 100
    (package,) = entry["packages"]
    assert (package["registryType"], package["registryBaseUrl"]) == ("pypi", "https://pypi.org")
    assert package["transport"] == {"type": "stdio"}
    secret = {one["name"] for one in package["environmentVariables"] if one.get("isSecret")}
    assert secret == {"MP_API_KEY"}


@pytest.mark.parametrize("path", READY, ids=lambda path: path.name)
def test_ready_configurations_start_the_server_or_call_it(path: Path) -> None:
    (entry,) = next(list(held.values()) for key, held in read(path).items() if key != "inputs")
    if "-http" in path.stem:
        assert str(entry.get("url", entry.get("uri"))).endswith("/mcp")
        assert re.fullmatch(r"Bearer \$\{[\w:-]+\}", entry["headers"]["Authorization"])
        return
    assert Path(entry.get("command", entry.get("cmd"))).name == "llamp-mcp"
    told = runner.invoke(cli.app, [*entry["args"], "tools"])
    assert told.exit_code == 0, told.output


@pytest.mark.parametrize("client", CLIENTS)
def test_the_installer_writes_what_the_ready_configuration_shows(
    client: str, tmp_path: Path
) -> None:
    (ready,) = [p for p in READY if p.name.startswith(client) and "-http" not in p.name]
    install(Request(client, config=tmp_path / "x"))
    known, written = CLIENTS[client], read_as(ready, tmp_path / "x")
    ours, shown = (doc[known.container]["llamp"] for doc in (written, read(ready)))
    assert set(ours) - {known.variables, "env_keys"} == set(shown) - {known.variables, "env_keys"}
    if known.key_reference:
        assert ours[known.variables] == shown[known.variables]
    assert written.get("inputs") == read(ready).get("inputs")


def read_as(like: Path, path: Path) -> Any:
    text = path.read_text(encoding="utf-8")
    return json.loads(text) if like.suffix == ".json" else yaml.safe_load(text)


# hosting


def checked(command: list[str], path: Path) -> None:
    """Hold a file against the schema that a tool of this environment carries."""
    tool = Path(sys.executable).with_name(command[0])
    ran = subprocess.run(
        [str(tool), *command[1:], str(path)], capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr


def pod() -> Any:
    return read(MANIFESTS / "kubernetes" / "deployment.yaml")["spec"]["template"]["spec"]


@pytest.mark.parametrize("path", KUBERNETES, ids=lambda path: path.name)
def test_kubernetes_would_take_it(path: Path) -> None:
    if path.name == "kustomization.yaml":
        listed = set(read(path)["resources"])
        assert listed == {p.name for p in KUBERNETES} - {path.name, "secret.example.yaml"}
        return
    checked(["kubernetes-validate", "--strict", "--kubernetes-version", "1.37.0"], path)


def test_the_pod_may_do_nothing_it_does_not_need() -> None:
    (container,) = pod()["containers"]
    assert pod()["securityContext"]["runAsNonRoot"] is True
    assert pod()["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert pod()["automountServiceAccountToken"] is False
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    mounted = {one["mountPath"]: one.get("readOnly", False) for one in container["volumeMounts"]}
    assert mounted == {"/data": False, "/tmp": False, "/etc/llamp": True}
    for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
        assert container[probe]["httpGet"] == {"path": "/healthz", "port": "http"}


def test_one_server_has_the_home_at_any_time() -> None:
    spec = read(MANIFESTS / "kubernetes" / "deployment.yaml")["spec"]
    assert (spec["replicas"], spec["strategy"]) == (1, {"type": "Recreate"})


def test_every_name_the_pod_refers_to_is_made_here() -> None:
    made = {
        (one["kind"], one["metadata"]["name"]): one
        for one in map(read, KUBERNETES)
        if "metadata" in one
    }
    container = pod()["containers"][0]
    assert ("ConfigMap", container["envFrom"][0]["configMapRef"]["name"]) in made
    secret = made["Secret", container["env"][0]["valueFrom"]["secretKeyRef"]["name"]]
    volumes = {volume["name"]: volume for volume in pod()["volumes"]}
    assert ("PersistentVolumeClaim", volumes["home"]["persistentVolumeClaim"]["claimName"]) in made
    assert volumes["tokens"]["secret"]["items"][0]["key"] in secret["stringData"]
    data = made["ConfigMap", "llamp-mcp"]["data"]
    place = next(one["mountPath"] for one in container["volumeMounts"] if one["name"] == "tokens")
    assert data["LLAMP_HTTP_TOKENS"] == f"{place}/tokens.toml"
    labels = made["Deployment", "llamp-mcp"]["spec"]["template"]["metadata"]["labels"]
    assert made["Service", "llamp-mcp"]["spec"]["selector"].items() <= labels.items()


def test_the_secret_as_it_stands_lets_nobody_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from llamp_mcp.errors import InvalidInput
    from llamp_mcp.server.http import http_app

    held = read(MANIFESTS / "kubernetes" / "secret.example.yaml")["stringData"]
    tokens = tmp_path / "tokens.toml"
    tokens.write_text(held["tokens.toml"])
    monkeypatch.setenv("LLAMP_HTTP_TOKENS", str(tokens))
    monkeypatch.setenv("MP_API_KEY", held["MP_API_KEY"])
    for name, value in read(MANIFESTS / "kubernetes" / "configmap.yaml")["data"].items():
        if name != "LLAMP_HTTP_TOKENS":
            monkeypatch.setenv(name, value)
    assert Settings().mp_api_key is None
    with pytest.raises(InvalidInput, match="without a token"):
        http_app(Settings(), "0.0.0.0", 8000)


def test_the_commands_of_the_hosts_are_ours() -> None:
    words = pod()["containers"][0]["args"]
    served = (ROOT / "Dockerfile").read_text(encoding="utf-8").rsplit("CMD ", 1)[1]
    assert words == json.loads(served)
    told = runner.invoke(cli.app, [*words, "--help"])
    assert told.exit_code == 0, told.output


def test_compose_would_take_it() -> None:
    checked(
        ["check-jsonschema", "--builtin-schema", "vendor.compose-spec"], MANIFESTS / "compose.yaml"
    )


def test_the_composed_service_is_confined_and_needs_a_token() -> None:
    service = read(MANIFESTS / "compose.yaml")["services"]["llamp"]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert all(port.startswith("127.0.0.1:") for port in service["ports"])
    assert service["environment"]["LLAMP_HTTP_TOKEN"].startswith("${LLAMP_HTTP_TOKEN:?")
