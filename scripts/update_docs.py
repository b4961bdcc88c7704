"""Write the generated pages of `docs/`, and the examples of the README.

    python scripts/update_docs.py tools       # docs/tools/, half a minute
    python scripts/update_docs.py examples    # docs/examples.md and its pictures, some minutes

Both drive a real server, as a subprocess over stdio, with a home of its own.
"""

from __future__ import annotations

import argparse
import re
from pathlib import Path

import anyio
import example_pages
import tool_pages

DOCS = Path(__file__).parents[1] / "docs"
README = DOCS.parent / "README.md"
MARKED = re.compile(r"(<!-- examples -->\n).*?(\n<!-- /examples -->)", re.DOTALL)


def update_tools() -> None:
    """A page for each toolset."""
    folder = DOCS / "tools"
    folder.mkdir(exist_ok=True)
    for name, text in anyio.run(tool_pages.pages).items():
        (folder / name).write_text(text, encoding="utf-8")


def update_examples() -> None:
    """The worked examples, their pictures, and the short ones of the README."""
    made = anyio.run(example_pages.page)
    (DOCS / "examples.md").write_text(made.text, encoding="utf-8")
    folder = DOCS / "pictures"
    folder.mkdir(exist_ok=True)
    for name, png in made.pictures.items():
        (folder / name).write_bytes(png)
    text, count = MARKED.subn(lambda m: m[1] + made.short + m[2], README.read_text("utf-8"))
    if count != 1:
        raise SystemExit("README.md lacks the markers <!-- examples --> and <!-- /examples -->")
    README.write_text(text, encoding="utf-8")


PARTS = {"tools": update_tools, "examples": update_examples}


def main() -> None:
    """Write the parts that were named."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("part", nargs="+", choices=PARTS)
    for part in parser.parse_args().part:
        PARTS[part]()


if __name__ == "__main__":
    main()
