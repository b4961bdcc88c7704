"""What is installed in an interpreter: run by path in another one, imported in this one.

So it imports nothing but the standard library, and never what it is asked about.
"""

from __future__ import annotations

import json
import sys
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from typing import Any


def describe(names: list[str]) -> dict[str, Any]:
    """The prefix of this interpreter and, of each package that is installed in it, what it says.

    Args:
        names: Distributions, such as `mace-torch`.

    Returns:
        `{"prefix": …, "packages": {name: {"version": …, "licence": …, "folder": …}}}`, where
        `folder` is the one the package's files lie in.
    """
    packages = {}
    for name in names:
        try:
            found = distribution(name)
        except PackageNotFoundError:
            continue
        packages[name] = {
            "version": found.version,
            "licence": _licence(found),
            "folder": str(found.locate_file("")),
        }
    return {"prefix": sys.prefix, "packages": packages}


def _licence(found: Distribution) -> str:
    """As the package itself states it, in a few words."""
    expressions = found.metadata.get_all("License-Expression") or []
    classifiers = found.metadata.get_all("Classifier") or []
    stated = [c.rpartition(" :: ")[2] for c in classifiers if c.startswith("License ::")]
    return ", ".join(expressions or stated) or "not stated"


if __name__ == "__main__":
    sys.stdout.write(json.dumps(describe(sys.argv[1:])))
