"""Run the steps of the Dockerfile in a fresh folder, where no container engine is at hand.

    python3.11 scripts/check_dockerfile.py /tmp/fresh [--torch-index URL]

Read from the Dockerfile, not repeated here: which files are copied, what is installed and how, with
which environment, command and health check the image serves. What it cannot show: the base image,
the Debian packages and the user, which are left out (and said so), and the file system of an image;
places of the image lie below the folder instead. It takes minutes and 2.5 GB.
"""

import argparse
import json
import os
import secrets
import shlex
import shutil
import socket
import subprocess
import sys
import time
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
PLACES = ("/opt/llamp", "/build", "/data")
CPU_INDEX = "https://download.pytorch.org/whl/cpu"
NOT_HERE = ("apt-get",)


def instructions(path: Path) -> list[tuple[str, str]]:
    """Each instruction and its arguments, on one line; comments are left out."""
    lines = path.read_text(encoding="utf-8").splitlines()
    text = "\n".join(line for line in lines if not line.lstrip().startswith("#"))
    joined = text.replace("\\\n", " ")
    found = [line.strip().partition(" ") for line in joined.splitlines() if line.strip()]
    return [(word, " ".join(rest.split())) for word, _, rest in found]


def stages(path: Path) -> list[list[tuple[str, str]]]:
    """The instructions of each stage, its FROM first."""
    made: list[list[tuple[str, str]]] = []
    for word, rest in instructions(path):
        if word == "FROM":
            made.append([])
        if made:
            made[-1].append((word, rest))
    return made


def is_sent(name: str, rules: list[str]) -> bool:
    """Whether a file is part of the build, as .dockerignore says: the last rule that fits wins."""
    sent = True
    for rule in rules:
        pattern = rule.removeprefix("!")
        parents = [name, *(str(parent) for parent in Path(name).parents)]
        bare = pattern.removeprefix("**/")
        if any(fnmatch(one, pattern) or fnmatch(Path(one).name, bare) for one in parents):
            sent = rule.startswith("!")
    return sent


class Folder:
    """A folder that stands for the file system of the image."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.environment = {"PATH": os.environ["PATH"], "HOME": str(path)} | {
            name: value for name, value in os.environ.items() if name.startswith(("PIP_", "SSL_"))
        }
        for place in PLACES:
            self.at(place).mkdir(parents=True)
        self.workdir = self.at("/build")

    def at(self, place: str) -> Path:
        """Where a place of the image lies."""
        return self.path / place.lstrip("/")

    def here(self, text: str) -> str:
        """The text, with places of the image where they lie."""
        for place in PLACES:
            text = text.replace(place, str(self.at(place)))
        return text

    def set(self, assignments: str) -> None:
        """ENV."""
        for one in shlex.split(self.here(assignments)):
            name, _, value = one.partition("=")
            self.environment[name] = value.replace("$PATH", self.environment["PATH"])

    def copy(self, words: str) -> None:
        """COPY from the checkout."""
        *sources, target = shlex.split(words)
        rules = (ROOT / ".dockerignore").read_text(encoding="utf-8").split()
        for source in sources:
            held = [p for p in (ROOT / source).rglob("*") if p.is_file()] or [ROOT / source]
            for path in held:
                name = str(path.relative_to(ROOT))
                if is_sent(name, rules):
                    made = self.workdir / target / name if target == "./" else self.workdir / name
                    made.parent.mkdir(parents=True, exist_ok=True)
                    shutil.copyfile(path, made)

    def run(self, command: str, python: str) -> None:
        """RUN, unless it is about Debian packages."""
        if command.startswith(NOT_HERE):
            print(f"left out: {command}")
            return
        print(f"runs: {command}", flush=True)
        shell = f'python() {{ {shlex.quote(python)} "$@"; }}\n' if " venv " in command else ""
        subprocess.run(
            ["bash", "-euo", "pipefail", "-c", shell + self.here(command)],
            cwd=self.workdir,
            env=self.environment,
            check=True,
        )


def build(folder: Folder, steps: list[tuple[str, str]], torch_index: str | None) -> None:
    """Run the stage that installs."""
    options = f"--index-url {CPU_INDEX}"
    for word, rest in steps:
        if word == "ENV":
            folder.set(rest)
        elif word == "COPY":
            folder.copy(rest)
        elif word == "RUN":
            instead = f"--index-url {torch_index}" if torch_index else ""
            folder.run(
                rest.replace(options, options if torch_index == CPU_INDEX else instead),
                sys.executable,
            )


def serve(folder: Folder, steps: list[tuple[str, str]]) -> None:
    """Start as the image does: refused without a token, healthy with one.

    Raises:
        SystemExit: It is not so.
    """
    held = dict(steps)
    for word, rest in steps:
        if word == "ENV":
            folder.set(rest)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = str(probe.getsockname()[1])
    entry = json.loads(held["ENTRYPOINT"])
    command = entry[entry.index("--") + 1 :] + json.loads(held["CMD"])
    command = [port if word == "8000" else word for word in command]
    where: dict[str, Any] = {"cwd": folder.at("/data"), "env": folder.environment}
    bare = subprocess.run(command, capture_output=True, text=True, check=False, **where)
    if bare.returncode == 0 or "LLAMP_HTTP_TOKEN" not in bare.stderr:
        raise SystemExit(f"It serves without a token: {bare.stderr}")
    print("without a token: refused")
    folder.environment |= {
        "LLAMP_HTTP_TOKEN": secrets.token_hex(32),
        "LLAMP_HTTP_HOSTS": f"127.0.0.1:{port}",
    }
    check = json.loads(held["HEALTHCHECK"].split("CMD ", 1)[1].replace(":8000", f":{port}"))
    server = subprocess.Popen(command, **where)
    try:
        started = time.monotonic()
        while subprocess.run(check, capture_output=True, check=False, **where).returncode:
            if server.poll() is not None or time.monotonic() - started > 60:
                raise SystemExit("It does not become healthy")
        print(f"healthy after {time.monotonic() - started:.1f} s")
    finally:
        server.terminate()
        server.wait(30)


def main() -> None:
    """Do as the command line says."""
    options = argparse.ArgumentParser(description="Run the steps of the Dockerfile in a folder.")
    options.add_argument("folder", type=Path)
    options.add_argument("--torch-index", default=CPU_INDEX, help="empty: pip's own")
    given = options.parse_args()
    first, last = stages(ROOT / "Dockerfile")
    folder = Folder(given.folder.resolve())
    started = time.monotonic()
    build(folder, first, given.torch_index)
    print(f"built in {time.monotonic() - started:.0f} s")
    serve(folder, last)


if __name__ == "__main__":
    main()
