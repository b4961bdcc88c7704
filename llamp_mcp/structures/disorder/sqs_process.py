"""The search of sqsgenerator, in a process of its own: `python sqs_process.py < in > out`.

The library takes over SIGINT and SIGTERM while it runs and leaves them at the system's default, and
logs to the console: neither may happen to a server. Nothing of this package is imported here, and
pymatgen and ase, of which the library would offer conversions, are kept out to save seconds.
"""

from __future__ import annotations

import json
import sys
from typing import Any


def search(request: dict[str, Any]) -> dict[str, Any]:
    """Run the library.

    Args:
        request: Its configuration.

    Returns:
        `arrangements`: the best found, each as the species number of every site; or `error`.
    """
    sys.modules["pymatgen"] = sys.modules["ase"] = None  # type: ignore[assignment]
    from sqsgenerator import optimize, parse_config

    weights = {int(shell): weight for shell, weight in request["shell_weights"].items()}
    config = parse_config({**request, "shell_weights": weights})
    if hasattr(config, "msg"):  # the library returns its ParseError
        return {"error": f"{config.key}: {config.msg}"}
    pack = optimize(config)
    found = [list(result.species) for _, results in pack for result in results]
    return {"arrangements": found}


if __name__ == "__main__":
    sys.stdout.write(json.dumps(search(json.load(sys.stdin))))
