"""The words of the datasheet and of the licence note."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from llamp_mcp import __version__

if TYPE_CHECKING:
    from collections.abc import Mapping

    from llamp_mcp.evaluation.distillation.card import Told

LICENCE: Final = """\
# Licence and attribution

The data are licensed under the Creative Commons Attribution 4.0 International licence (CC BY 4.0):
https://creativecommons.org/licenses/by/4.0/

{attribution}

To be cited with any use: A. Jain et al., "Commentary: The Materials Project: A materials genome
approach to accelerating materials innovation", APL Materials 1, 011002 (2013),
doi 10.1063/1.4812323; and the source that each value names.

Changes: values were selected, printed to six significant digits, converted where a row says so, and
put into questions, answers and conversations. Nothing here is endorsed by the Materials Project.

Rows of chat whose `origin` is not `template` hold words of the person who recorded them and of the
model they name; whoever passes these rows on needs the right to do so.
"""

_TEMPLATE: Final = """\
# Grounded questions and answers on materials

Made by llamp-mcp {version} from: {source} (database version {database}). It is meant for
teaching a language model to look values up with tools, to say where they are from, and to say so
when there is none. Load it with `datasets.load_dataset(folder, "pairs")` or `"chat"`. This card
follows the datasheets for datasets of Gebru et al. (arXiv 1803.09010).

## Motivation
Models state properties of materials from memory, and are often wrong. Here every number of an
answer of `pairs` is a value of the source as printed, or follows from such values by a declared
step.

## Composition
{counts}

Pairs by kind: {kinds}. Chats by origin: {origins}.
{materials} entries of {formulas} formulas; by side: {sides}.

* `pairs`: `question`, `answer`, `citations`, `facts` (material id, formula, property, value, the
  text the answer prints, unit, source), `derived` (numbers that follow: `scale` is a fact times
  a factor, `quotient` a factor divided by a fact, `difference`, `count`, `constant`), `remarks`
  (fixed sentences on method and caveats that may hold numbers), `materials`, `formulas`.
* `chat`: `messages` in the form of chat completions with tool calls (arguments as JSON text),
  `tools` (names; `tools.json` has descriptions and argument schemas), `origin`, `model`.

Kinds: `value` (one property, by formula or id), `overview` (a group of properties), `polymorph`
(which entry of a formula is lowest, or that it is unknown), `comparison` (two formulas),
`conversion` (another unit, by exact factors), `ambiguous` (several entries, none to be
preferred), `unphysical` (a value that must not be used, and said to be so), `refusal` (what the
source does not hold: no number is given). The texts of tools are those the tools really gave on
this source.

Splits: the side of a formula is drawn by a digest of its reduced composition. So all polymorphs
of a formula are on one side, whatever is about formulas of two sides is left out, and the
division is the same in every release. Related compositions (FeO and Fe9O10) may be on different
sides.

Left out: {left_out}.

The source is a part of the database, so a refusal says that a value is not held there, and not
that nobody knows it. There is nothing on people in the templated rows.

## Collection process
Templates, filled with what the tools `get_properties` and `search_materials` answer; nothing was
written by a language model, except rows of chat whose origin says so. Those come from recordings
that a user had switched on, and from evaluations, as far as every number and id in the answer
had been told by a tool. The user's own conversation is not seen by a tool server: rows of origin
`check_grounding` are drafts that were handed in for checking and fully supported, after a
question that was made of the calls before them.

## Preprocessing
Parameters: {parameters}. Values are printed to six significant digits. Values outside what
physics allows (a negative modulus) appear only as `unphysical`. Recordings were redacted by form
(keys, tokens, e-mail addresses, home paths), which cannot know everything. Entries that are not
CC BY 4.0 were left out with all of their formula.

## Uses
Fine-tuning on tool use and citing; testing on formulas that were not seen. Not for use as a
database: take the database itself. Values are computed with density-functional theory at zero
temperature unless their source says otherwise; semilocal band gaps are too small; energies of
two sources must not be mixed. A model that learnt the numbers by heart has learnt the wrong
thing: evaluate with tools and on the test side.

## Distribution
CC BY 4.0, see LICENSE.md. Sources of the values:

{sources}

## Maintenance
It is made anew by `llamp-mcp distill` and not maintained beside it: the same source, seed and
version give the same files, whose digests `manifest.json` has. The split does not change with
new data.
"""


def datasheet(told: Told) -> str:
    """The card below its front matter, every count in it taken from the rows."""
    return _TEMPLATE.format(
        version=__version__,
        source=told.meta.name,
        database=told.meta.database_version,
        counts=_table(told.counts()),
        kinds=_listed(told.kinds),
        origins=_listed(told.origins),
        materials=told.materials,
        formulas=sum(told.formulas.values()),
        sides=_listed(told.formulas),
        left_out=_listed(told.left_out),
        parameters=_listed(told.parameters),
        sources=_sources(told),
    )


def _table(counts: Mapping[str, Mapping[str, int]]) -> str:
    sides = next(iter(counts.values()))
    lines = [f"| config | {' | '.join(sides)} |", f"|---|{'---|' * len(sides)}"]
    lines += [
        f"| {config} | {' | '.join(str(count) for count in rows.values())} |"
        for config, rows in counts.items()
    ]
    return "\n".join(lines)


def _listed(counts: Mapping[str, object]) -> str:
    return ", ".join(f"{name} {count}" for name, count in counts.items()) or "nothing"


def _sources(told: Told) -> str:
    lines = []
    for source in told.citations.values():
        version = f" ({source['database_version']})" if source["database_version"] else ""
        cited = f": {source['citation']}" if source["citation"] else ""
        lines.append(f"* {source['name']}{version}{cited}; {source['licence']}")
    return "\n".join(lines)
