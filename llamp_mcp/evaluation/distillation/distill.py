"""`llamp-mcp distill`: a data set for fine-tuning, from a source and from what was recorded."""

from __future__ import annotations

import shutil
import tempfile
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

from llamp_mcp.errors import InvalidInput, unusable
from llamp_mcp.evaluation.distillation import asking, card, traffic
from llamp_mcp.evaluation.distillation.answer import Tools
from llamp_mcp.evaluation.distillation.holdings import (
    Formula,
    Withheld,
    catalogue,
    held,
    open_offline,
)
from llamp_mcp.evaluation.distillation.rows import chat_row, conversation, pair_row
from llamp_mcp.evaluation.distillation.splits import SIDES, Division
from llamp_mcp.evaluation.distillation.verify import ID, all_texts, ungrounded
from llamp_mcp.materials.formulas import formula_key
from llamp_mcp.recording import Redaction

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from llamp_mcp.evaluation.distillation.holdings import Catalogue
    from llamp_mcp.evaluation.distillation.rows import Conversation, Exchange, Row
    from llamp_mcp.evaluation.distillation.traffic import Spoken
    from llamp_mcp.materials.source import MaterialsSource
    from llamp_mcp.providers.chat import ToolSpec
    from llamp_mcp.settings import Settings

LIMIT: Final = 20_000
_FOR_FORMULAS: Final = 0.9
"""Share of the limit that is left to questions about one formula; the rest are comparisons."""


@dataclass(slots=True)
class Rows:
    """Rows by config and side, and what was left out.

    Attributes:
        rows: config → side → rows.
        left_out: Why → how many.
        kinds: Pairs by kind.
        origins: Rows of chat by origin.
        formulas: Keys of the formulas that the pairs are about, by side.
        materials: Ids that the pairs are about.
        questions: Those that were asked.
    """

    rows: dict[str, dict[str, list[Row]]] = field(
        default_factory=lambda: {
            config: {side: [] for side in SIDES} for config in ("pairs", "chat")
        }
    )
    left_out: Counter[str] = field(default_factory=Counter)
    kinds: Counter[str] = field(default_factory=Counter)
    origins: Counter[str] = field(default_factory=Counter)
    formulas: dict[str, set[str]] = field(default_factory=lambda: {side: set() for side in SIDES})
    materials: set[str] = field(default_factory=set)
    questions: set[str] = field(default_factory=set)

    def count(self, config: str) -> int:
        """Rows of a config."""
        return sum(len(rows) for rows in self.rows[config].values())


@dataclass(frozen=True, slots=True)
class Distilled:
    """What was made.

    Attributes:
        folder: Where.
        rows: Rows by config and side.
        kinds: Pairs by kind.
        left_out: Why something was left out → how many.
    """

    folder: Path
    rows: dict[str, dict[str, int]]
    kinds: dict[str, int]
    left_out: dict[str, int]


def distill(
    settings: Settings,
    out: Path,
    *,
    recordings: Path | None = None,
    records: Sequence[Path] = (),
    tools: Sequence[ToolSpec] = (),
    limit: int = LIMIT,
    seed: int = 0,
    test: float = 0.1,
    validation: float = 0.1,
    force: bool = False,
    report: Callable[[int, int, str], None] = lambda _done, _total, _what: None,
) -> Distilled:
    """Make a data set of question-answer pairs and of chats with tool calls.

    The same source, seed and version of this package give the same files, byte for byte.

    Args:
        settings: Name the source: the sample or a snapshot.
        out: Folder to make.
        recordings: Folder of recordings to use, too.
        records: Records of evaluations to use, too.
        tools: What the tools are, for `tools.json`; empty: those that the templates call.
        limit: Pairs from the source, at most.
        seed: Of the choice of words and of questions; the division by material never changes.
        test: Fraction of the formulas that are kept for the test.
        validation: Likewise.
        force: Replace a data set that is there.
        report: Called with what is done, how much there is, and what is being done.

    Raises:
        InvalidInput: The source is the live database, an argument is out of bounds, or the folder
            is not empty.
        NotFound: A recording or a record is not there.
        SourceError: The source cannot be read.
        HomeError: The folder cannot be written.
    """
    if limit < 1:
        raise InvalidInput(f"The limit of pairs is {limit!r}", allowed="1 or more")
    division = Division(test, validation)
    target = _target(out, force=force)
    source = open_offline(settings)
    known = catalogue(source)
    redaction = Redaction.of(settings)
    made = Rows()
    for exchange in _asked(source, known, division, limit, seed, made, report):
        _add(made, exchange, known, division)
    spoken = [*traffic.from_records(records, redaction)]
    spoken += traffic.from_recordings(recordings, redaction) if recordings else ()
    for one in spoken:
        _add_spoken(made, one, known, division)
    for sides in made.rows.values():
        for rows in sides.values():
            rows.sort(key=lambda row: row["id"])
    report(1, 1, "writing")
    told = card.Told(
        rows=made.rows,
        kinds=dict(sorted(made.kinds.items())),
        origins=dict(sorted(made.origins.items())),
        left_out=dict(sorted(made.left_out.items())),
        formulas={side: len(names) for side, names in made.formulas.items()},
        materials=len(made.materials),
        meta=source.meta(),
        citations=source.citations(),
        tools=tuple(tools) or card.own_tools(),
        parameters={"seed": seed, "limit": limit, "test": test, "validation": validation},
    )
    _write(target, told)
    return Distilled(target, told.counts(), told.kinds, told.left_out)


def _target(out: Path, *, force: bool) -> Path:
    """The folder to make, checked.

    Raises:
        InvalidInput: Something is there that must not be replaced.
    """
    target = out.expanduser().absolute()
    if not target.exists() and not target.is_symlink():
        return target
    if target.is_symlink() or not target.is_dir():
        raise InvalidInput(f"{str(out)!r} is there and not a folder", next_step="Name another.")
    if not any(target.iterdir()):
        return target
    if not card.is_ours(target):
        raise InvalidInput(
            f"The folder {str(out)!r} holds files that no distillation made",
            next_step="Name a new folder; this one is never replaced.",
        )
    if not force:
        raise InvalidInput(
            f"The folder {str(out)!r} holds a data set",
            next_step="Name another folder, or replace it with --force.",
        )
    return target


def _asked(
    source: MaterialsSource,
    known: Catalogue,
    division: Division,
    limit: int,
    seed: int,
    made: Rows,
    report: Callable[[int, int, str], None],
) -> Iterator[Exchange]:
    """Exchanges from the source, as many as the limit allows."""
    tools, formulas = Tools(source), list[Formula]()
    order = known.ordered(seed)
    for done, found in enumerate(held(source, known, order)):
        report(done, len(order), "asking about materials")
        if isinstance(found, Withheld):
            made.left_out["entries of formulas with an entry that is not CC BY 4.0"] += (
                found.entries
            )
            continue
        if made.count("pairs") >= limit * _FOR_FORMULAS and formulas:
            made.left_out["formulas beyond the limit of pairs"] = len(order) - done
            break
        formulas.append(found)
        yield from asking.about(tools, found, seed)
    report(len(order), len(order), "comparing materials")
    for exchange in _both(asking.beyond(tools, known, seed), tools, formulas, division, seed):
        if made.count("pairs") >= limit:
            return
        yield exchange


def _both(
    beyond: Iterable[Exchange],
    tools: Tools,
    formulas: list[Formula],
    division: Division,
    seed: int,
) -> Iterator[Exchange]:
    yield from beyond
    yield from asking.between(tools, formulas, division, seed)


def _add(made: Rows, exchange: Exchange, known: Catalogue, division: Division) -> None:
    """Add an exchange to its side, as a pair and as a chat, if it passes the checks."""
    texts = all_texts(exchange.question, exchange.answer, exchange.calls)
    keys = {formula_key(formula) for formula in exchange.formulas}
    ids = {identifier for text in texts for identifier in ID.findall(text)}
    side = division.common(keys | {known.keys.get(one, one) for one in ids})
    if exchange.formulas and not ids <= known.keys.keys():
        made.left_out["rows that name an entry that is not held"] += 1
    elif side is None:
        made.left_out["rows about formulas of two sides"] += 1
    elif ungrounded(exchange):
        made.left_out["rows with a number that no fact declares"] += 1
    elif exchange.question in made.questions:
        made.left_out["questions asked twice"] += 1
    else:
        made.rows["pairs"][side].append(pair_row(exchange))
        _add_chat(made, conversation(exchange), side)
        made.kinds[exchange.kind] += 1
        made.questions.add(exchange.question)
        made.formulas[side] |= keys
        made.materials |= set(exchange.materials) & known.keys.keys()


def _add_chat(made: Rows, one: Conversation, side: str) -> None:
    made.rows["chat"][side].append(chat_row(one))
    made.origins[one.origin] += 1


def _add_spoken(made: Rows, spoken: Spoken, known: Catalogue, division: Division) -> None:
    """Add a recorded conversation to the side of all it mentions."""
    judged = traffic.judged(spoken)
    if judged.flaw:
        made.left_out[f"recorded answers: {judged.flaw}"] += 1
        return
    keys = traffic.mentioned(judged, known.keys, frozenset(known.formulas))
    if any(key.startswith(("mp-", "mvc-")) for key in keys):
        made.left_out["recorded answers: an id whose formula is not known here"] += 1
        return
    side = division.common(keys)
    if side is None:
        made.left_out["recorded answers: about formulas of two sides"] += 1
        return
    written = (known.formulas[key][0][1] if key in known.formulas else key for key in keys)
    _add_chat(made, traffic.conversation(judged, written), side)


def _write(target: Path, told: card.Told) -> None:
    """Write all files beside the folder, and put them in its place in one step.

    Raises:
        HomeError: The disk does not take them.
    """
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        made = Path(tempfile.mkdtemp(prefix=f".{target.name}-", dir=target.parent))
    except OSError as error:
        raise unusable(f"Cannot write {str(target)!r}", error) from error
    try:
        card.write(made / "new", told)
        if target.exists():
            target.rename(made / "old")
        (made / "new").rename(target)
    except OSError as error:
        raise unusable(f"Cannot write {str(target)!r}", error) from error
    finally:
        if not target.exists() and (made / "old").exists():
            (made / "old").rename(target)
        shutil.rmtree(made, ignore_errors=True)
