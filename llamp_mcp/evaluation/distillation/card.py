"""The files of a data set: rows, a card that is a datasheet, licence, tools, manifest."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from llamp_mcp import __version__
from llamp_mcp.evaluation.distillation.datasheet import LICENCE, datasheet
from llamp_mcp.evaluation.distillation.rows import features
from llamp_mcp.evaluation.distillation.splits import SIDES
from llamp_mcp.providers.chat import ToolSpec

if TYPE_CHECKING:
    from pathlib import Path

    from llamp_mcp.evaluation.distillation.rows import Row
    from llamp_mcp.provenance import SourceMeta

FORMAT: Final = "llamp-mcp-distillation/1"
CONFIGS: Final = ("pairs", "chat")
MANIFEST: Final = "manifest.json"
_SIZES: Final = (1_000, 10_000, 100_000, 1_000_000)


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """All that the files say.

    Attributes:
        rows: config → side → rows, in their order.
        kinds: Pairs by kind.
        origins: Rows of chat by origin.
        left_out: Why → how many.
        formulas: Formulas of the pairs by side.
        materials: Entries that the pairs are about.
        meta: Of the source.
        citations: Of the source.
        tools: What the tools are.
        parameters: How this data set was asked for.
    """

    rows: dict[str, dict[str, list[Row]]]
    kinds: dict[str, int]
    origins: dict[str, int]
    left_out: dict[str, int]
    formulas: dict[str, int]
    materials: int
    meta: SourceMeta
    citations: dict[str, dict[str, str]]
    tools: tuple[ToolSpec, ...]
    parameters: dict[str, Any]

    def counts(self) -> dict[str, dict[str, int]]:
        """Rows by config and side."""
        return {
            config: {side: len(rows) for side, rows in sides.items()}
            for config, sides in self.rows.items()
        }


def own_tools() -> tuple[ToolSpec, ...]:
    """The retrieval tools: their descriptions, and the schemas of their arguments."""
    from llamp_mcp.materials import OPERATIONS

    return tuple(
        ToolSpec(
            name=operation.name,
            description=operation.description,
            parameters=operation.params.model_json_schema(),
        )
        for operation in OPERATIONS
    )


def is_ours(folder: Path) -> bool:
    """Whether a folder holds a data set that was made here."""
    try:
        manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return isinstance(manifest, dict) and manifest.get("format") == FORMAT


def write(folder: Path, told: Told) -> None:
    """Write every file of a data set into a new folder."""
    folder.mkdir()
    for config in CONFIGS:
        (folder / "data" / config).mkdir(parents=True)
        for side, rows in told.rows[config].items():
            if rows:
                _put(folder / _path(config, side), "".join(f"{_json(row)}\n" for row in rows))
    tools = [{"type": "function", "function": tool.model_dump()} for tool in told.tools]
    _put(folder / "tools.json", json.dumps(tools, ensure_ascii=False, indent=1) + "\n")
    _put(folder / "LICENSE.md", LICENCE.format(attribution=told.meta.attribution))
    _put(folder / "README.md", _front_matter(told) + datasheet(told))
    _put(
        folder / MANIFEST, json.dumps(_manifest(folder, told), ensure_ascii=False, indent=1) + "\n"
    )


def _path(config: str, side: str) -> str:
    return f"data/{config}/{side}.jsonl"


def _put(path: Path, text: str) -> None:
    path.write_bytes(text.encode())


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False)


def _manifest(folder: Path, told: Told) -> dict[str, Any]:
    files = {}
    for path in sorted(one for one in folder.rglob("*") if one.is_file()):
        data = path.read_bytes()
        files[path.relative_to(folder).as_posix()] = {
            "bytes": len(data),
            "sha256": hashlib.sha256(data).hexdigest(),
        }
    return {
        "format": FORMAT,
        "made_by": f"llamp-mcp {__version__}",
        "source": told.meta.summary(),
        "parameters": told.parameters,
        "rows": told.counts(),
        "pairs_by_kind": told.kinds,
        "chat_by_origin": told.origins,
        "formulas": told.formulas,
        "materials": told.materials,
        "left_out": told.left_out,
        "files": files,
    }


def _front_matter(told: Told) -> str:
    """What the Hugging Face hub and `datasets` read of a card.

    The columns are declared: a column that is empty in one file would have another type there.
    """
    import yaml

    rows = sum(sum(sides.values()) for sides in told.counts().values())
    held = [config for config in CONFIGS if any(told.rows[config].values())]
    front = {
        "license": "cc-by-4.0",
        "language": ["en"],
        "pretty_name": "Grounded questions and answers on materials",
        "task_categories": ["question-answering", "text-generation"],
        "tags": ["materials-science", "tool-use", "grounding"],
        "size_categories": [_size(rows)],
        "configs": [
            {
                "config_name": config,
                **({"default": True} if config == held[0] else {}),
                "data_files": [
                    {"split": side, "path": _path(config, side)}
                    for side in SIDES
                    if told.rows[config][side]
                ],
            }
            for config in held
        ],
        "dataset_info": [{"config_name": config, "features": features(config)} for config in held],
    }
    return f"---\n{yaml.safe_dump(front, sort_keys=False, allow_unicode=True)}---\n\n"


def _size(rows: int) -> str:
    names = ("n<1K", "1K<n<10K", "10K<n<100K", "100K<n<1M", "1M<n<10M")
    return names[sum(rows >= limit for limit in _SIZES)]
