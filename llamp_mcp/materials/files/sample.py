"""The embedded sample as a source: an offline extract, written as a materials file at first use.

The shipped file is compressed JSON in a schema of its own. Its materials file lies in the cache of
the home, named after the digest of the data, so that a new release never reads an old one. It is
made beside its final name and moved there in one step: processes that race each make a whole one,
and the last move wins with the same content.
"""

from __future__ import annotations

import hashlib
import json
import lzma
import os
import tempfile
from contextlib import suppress
from functools import cached_property
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from llamp_mcp.errors import SourceError, unusable
from llamp_mcp.materials.files import layout
from llamp_mcp.materials.files.source import SqliteSource

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterator

    from llamp_mcp.materials.source import Document
    from llamp_mcp.provenance import SourceMeta
    from llamp_mcp.settings import Settings

_CONTENT: Final = 1
"""Raised when the documents below are made otherwise, so that a file of before is not read."""

_SUMMARY: Final = frozenset(
    {
        *("nsites", "volume", "density", "density_atomic", "symmetry", "band_gap"),
        *("energy_per_atom", "energy_above_hull", "formation_energy_per_atom", "is_stable"),
        *("bulk_modulus", "shear_modulus", "universal_anisotropy", "homogeneous_poisson"),
        *("ordering", "is_magnetic", "num_magnetic_sites", "num_unique_magnetic_sites"),
        *("total_magnetization", "total_magnetization_normalized_vol"),
        *("total_magnetization_normalized_formula_units", "types_of_magnetic_species"),
        *("e_total", "e_electronic"),
    }
)
"""Values of any group that the Project's summary repeats."""

_PROPS: Final = {"oxidation_states": "oxi_states"}
"""What the summary's `has_props` calls a group otherwise."""
_STEPS_WITHOUT_SUFFIX: Final = frozenset({"StartingSynthesis"})


def shipped_data() -> bytes:
    """The sample as it lies in the package."""
    return files("llamp_mcp.materials").joinpath("data/sample.json.xz").read_bytes()


def sample_path(cache: Path, data: bytes) -> Path:
    """Where the materials file of this data lies."""
    digest = hashlib.sha256(data).hexdigest()[:16]
    return cache / f"sample-{digest}-{layout.FORMAT}.{_CONTENT}.sqlite"


class SampleSource(SqliteSource):
    """Reads the shipped extract through its materials file in the cache of the server's home."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._lasting = False
        super().__init__(Path(), advice="Check the disk, delete the file and call again.")

    @cached_property
    def _file(self) -> Path:
        return sample_path(self._settings.open_home() / "cache", shipped_data())

    def _select(self, sql: str, values: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
        """Ask the file; one that is broken is made again once."""
        with self._turn:
            try:
                return super()._select(sql, values)
            except SourceError:
                self.close()
                build_sample(shipped_data(), self.path)
                return super()._select(sql, values)

    def _opened(self) -> sqlite3.Connection:
        self.path = self._file
        if not self.path.exists():
            build_sample(shipped_data(), self.path)
        return super()._opened()

    def meta(self) -> SourceMeta:
        """What this extract is; part of every answer."""
        meta = super().meta()
        if self._settings.mp_api_key is not None:
            more = "MP_API_KEY is set: unset LLAMP_SOURCE for the full database"
        else:
            more = "for the full database set MP_API_KEY (a key: materialsproject.org/api)"
        return meta.model_copy(update={"notice": f"{meta.notice}; {more}"})


def build_sample(data: bytes, path: Path) -> None:
    """Write the materials file of the sample and put it in place in one step.

    Raises:
        HomeError: The cache directory cannot be written.
    """
    sample = json.loads(lzma.decompress(data))
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        handle, name = tempfile.mkstemp(prefix=path.stem, suffix=".part", dir=path.parent)
        os.close(handle)
    except OSError as error:
        raise unusable(f"Cannot write the materials file {str(path)!r}", error) from error
    try:
        with layout.Writer(Path(name)) as writer:
            _write(writer, sample)
        Path(name).replace(path)
    except OSError as error:
        raise unusable(f"Cannot write the materials file {str(path)!r}", error) from error
    finally:
        with suppress(FileNotFoundError):
            Path(name).unlink()


def _write(writer: layout.Writer, sample: dict[str, Any]) -> None:
    for record in sample["materials"]:
        for endpoint, document in _documents(record):
            writer.add(endpoint, document)
    for recipe in sample["recipes"]:
        writer.add_recipe(_recipe(recipe))
    count = len(sample["materials"])
    header = {key: sample[key] for key in sample if key not in {"materials", "recipes", "format"}}
    writer.finish(
        header
        | {
            "kind": "sample",
            "here": "this offline extract",
            "next_step": "Look with search_materials for what is here.",
            "notice": f"offline extract of {count} Materials Project entries (CC BY 4.0); absence "
            "here means nothing",
        }
    )


def _documents(record: dict[str, Any]) -> Iterator[tuple[str, Document]]:
    """The documents that the Project's endpoints would give of a material."""
    keys = {name: key for key, names in record["sources"].items() for name in names}
    composition = record["composition"]
    common = {
        "material_id": record["material_id"],
        "formula_pretty": record["formula_pretty"],
        "composition": composition,
        "chemsys": "-".join(sorted(composition)),
        "elements": sorted(composition),
        "nelements": len(composition),
    }

    def document(values: dict[str, Any]) -> Document:
        return common | values | {"_sources": {name: keys[name] for name in values}}

    merged = {name: value for group in record["groups"].values() for name, value in group.items()}
    summary = document({name: merged[name] for name in merged if name in _SUMMARY})
    summary["composition_reduced"] = composition
    groups = [group for group in record["groups"] if group != "summary"]
    summary["has_props"] = {_PROPS.get(group, group): True for group in groups}
    notes = {"_notes": record["notes"]} if "notes" in record else {}
    summary |= notes
    if layout.STRUCTURE in record:
        summary[layout.STRUCTURE] = record[layout.STRUCTURE] | notes
    yield "summary", summary
    for group in groups:
        yield group, document(record["groups"][group])


def _recipe(recipe: dict[str, Any]) -> Document:
    """A recipe in the shape of the Project's `SynthesisSearchResultModel`."""
    return {
        "doi": recipe["doi"],
        "synthesis_type": recipe["synthesis_type"],
        "reaction_string": recipe["reaction_string"],
        "targets_formula_s": recipe["targets"],
        "precursors_formula_s": recipe["precursors"],
        "precursors": [{"material_formula": formula} for formula in recipe["precursors"]],
        "operations": [_operation(operation) for operation in recipe["operations"]],
        "_sources": dict.fromkeys(
            ("doi", "synthesis_type", "reaction_string", "operations"), recipe["source"]
        ),
    }


def _operation(operation: dict[str, Any]) -> dict[str, Any]:
    kind = operation["type"]
    return {
        "type": kind if kind in _STEPS_WITHOUT_SUFFIX else f"{kind}Operation",
        "conditions": {name: operation[name] for name in operation if name != "type"},
    }
