"""Write the table of tools into the README, between its two markers."""

from __future__ import annotations

import re
from pathlib import Path

from llamp_mcp.server.app import chosen
from llamp_mcp.server.table import markdown_table
from llamp_mcp.settings import Settings

README = Path(__file__).parents[1] / "README.md"
MARKED = re.compile(r"(<!-- tools -->\n).*?(\n<!-- /tools -->)", re.DOTALL)


def main() -> None:
    """Replace the table by one made of the operations themselves."""
    table = markdown_table(chosen(Settings()))
    text, count = MARKED.subn(lambda m: m[1] + table + m[2], README.read_text(encoding="utf-8"))
    if count != 1:
        raise SystemExit("README.md lacks the markers <!-- tools --> and <!-- /tools -->")
    README.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
