"""Writes what the loopback API serves; runs in the environment under test.

python -m tests.loopback.seed DIR
"""

from __future__ import annotations

import json
import sys
import warnings
from pathlib import Path
from typing import Any

from tests.loopback import documents, hull, spectra, synthetic


def collections() -> dict[str, list[dict[str, Any]]]:
    """All documents that are served, by collection."""
    found: dict[str, list[dict[str, Any]]] = {}
    for part in (documents.of_sample(), hull.collections(), synthetic.collections()):
        for name, rows in part.items():
            found.setdefault(name, []).extend(rows)
    return found


def write(directory: Path) -> None:
    """Write the seed of a server below a directory: documents, and the objects of the buckets."""
    directory.mkdir(parents=True, exist_ok=True)
    text = json.dumps(collections(), allow_nan=False)
    (directory / "documents.json").write_text(text, encoding="utf-8")
    spectra.write(directory / "s3")


if __name__ == "__main__":
    warnings.simplefilter("ignore")  # pymatgen misses the electronegativity of noble gases
    write(Path(sys.argv[1]))
