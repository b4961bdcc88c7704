"""How fast the structure view is in a headless browser with software graphics.

    python -m benchmarks.views

The official host of MCP Apps frames the page of a server over stdio; no GPU is used. First paint is
the browser's own; a frame is one turn of the scene, painted as it is while a reader drags it, and
the frame rate is of a page that paints as often as it can for three seconds.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from tests.node import tools
from tests.node.fixtures import ViewHost

SECONDS = 3
SILICON = ("get_structure", {"material": "Si", "cell": "conventional"})
SCENES: dict[str, int] = {"Si, 8 atoms": 1, "Si, 216 atoms": 3, "Si, 1,000 atoms": 5}

TURNING = """new Promise(done => {
  const start = performance.now();
  let frames = 0;
  const turn = () => {
    frames += 1;
    stage.turn(0.02, 0.01);
    const passed = performance.now() - start;
    if (passed < %d) return requestAnimationFrame(turn);
    const { atoms, sticks } = stage.scene;
    done([1000 * frames / passed, stage.level, atoms.length, sticks.length]);
  };
  requestAnimationFrame(turn);
})"""


def measured(folder: Path, repeat: int) -> dict[str, Any]:
    """Sizes and times of one structure."""
    edit = {"op": "supercell", "repeats": [repeat] * 3}
    supercell = ("edit_structure", {"structure_id": "$1.structure_id", "edits": [edit]})
    seen = ViewHost(folder)(
        "view_structure",
        {"structure_id": "$2.structure_id"},
        before=[SILICON, supercell],
        steps=[
            {"until": "stage && stage.shown"},
            {"pause": 1000},
            {"evaluate": TURNING % (1000 * SECONDS)},
        ],
    )
    rate, level, atoms, sticks = seen.evaluated[0]
    return {
        "page_kb": seen.page_bytes / 1000,
        "paint_ms": seen.paint["first-contentful-paint"],
        "rate": rate,
        "level": level,
        "atoms": atoms,
        "sticks": sticks,
    }


def main() -> None:
    """Print the table, as markdown."""
    tools.install()
    print("| structure | spheres, sticks | page (kB) | first paint (ms) | frames/s | level |")
    print("|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        for name, repeat in SCENES.items():
            row = measured(Path(folder), repeat)
            print(
                f"| {name} | {row['atoms']}, {row['sticks']} | {row['page_kb']:.0f} | "
                f"{row['paint_ms']:.0f} | {row['rate']:.0f} | {row['level']} |"
            )


if __name__ == "__main__":
    main()
