"""What our live source adds to a search by the bare mp-api client, and what the cache saves.

Both ask the Project's own API on loopback, in turns and in the same process after all imports,
since a shared machine changes its pace from one second to the next. Medians of the rounds.

* overhead: `LiveSource.search` without its cache against `MPRester.materials.summary.search` with
  the same criteria and fields, one page, plain dictionaries; and, for comparison, against the
  private call that mp-api itself builds on (no validation of fields, which takes most of its time);
* ordering: the same for a page that ties cut, which ours completes with a second request;
* cached: a repeated search against the same one live.

    python benchmarks/live.py [--rounds 30] [--endpoint URL --key KEY]

The API is started as the tests start it (LLAMP_API_PYTHON or .venv-api) unless an endpoint is
given. Limits: 10 % over the public call of mp-api; a cached repeat 50 times faster.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

sys.path.insert(0, str(Path(__file__).parents[1]))  # the tests' server, which is not installed

from llamp_mcp.materials.live.source import LiveSource
from llamp_mcp.materials.source import Query
from llamp_mcp.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Callable

FIELDS = ("energy_above_hull", "band_gap", "density", "is_stable", "symmetry")
OVERHEAD_PERCENT = 10.0
CACHED_TIMES = 50.0


def medians(rounds: int, *calls: Callable[[], Any]) -> list[float]:
    """Milliseconds of each call, all of them in every round; the first round does not count."""
    times: list[list[float]] = [[] for _ in calls]
    for number in range(rounds + 1):
        for call, kept in zip(calls, times, strict=True):
            start = time.perf_counter()
            call()
            if number:
                kept.append(1e3 * (time.perf_counter() - start))
    return [statistics.median(kept) for kept in times]


def bare(rester: Any, limit: int, **search: Any) -> Callable[[], Any]:
    """The public call of mp-api for one page."""
    asked = ["material_id", "formula_pretty", *FIELDS]
    return lambda: rester.search(
        **search,
        fields=asked,
        num_chunks=1,
        chunk_size=limit,
        _sort_fields="energy_above_hull",
    )


def private(rester: Any, limit: int, **criteria: Any) -> Callable[[], Any]:
    """The call below it."""
    fields = ",".join(["material_id", "formula_pretty", *FIELDS])
    more = {"_limit": limit, "_fields": fields, "_sort_fields": "energy_above_hull"}
    return lambda: rester._query_resource(criteria | more, num_chunks=1, chunk_size=limit)


def measure(endpoint: str, key: str, rounds: int) -> bool:
    """Print the figures; whether they are within the limits."""
    from mp_api.client import MPRester  # the baseline  # noqa: TID251

    def settings(days: float) -> Settings:
        home = Path(tempfile.mkdtemp(prefix="llamp-live-"))
        return Settings(
            home=home, mp_api_key=key, mp_api_endpoint=endpoint, source="live", cache_days=days
        )

    live, kept = LiveSource(settings(0)), LiveSource(settings(30))
    rester = MPRester(key, endpoint=endpoint, use_document_model=False, mute_progress_bars=True)
    summary = rester.materials.summary
    formula = Query(formulas=("Fe1 O4 P1",), fields=FIELDS, limit=30)
    ours, theirs, below = medians(
        rounds,
        lambda: live.search(formula),
        bare(summary, 30, formula="FePO4"),
        private(summary, 30, formula="FePO4"),
    )
    over, over_below = 100 * (ours / theirs - 1), 100 * (ours / below - 1)
    print(f"formula search, live:    ours {ours:7.2f} ms, mp-api {theirs:7.2f} ms: {over:+.1f} %")
    print(f"  mp-api's private call: {below:26.2f} ms: {over_below:+.1f} %")

    cut = Query(elements=("O",), fields=FIELDS, limit=20)
    ours_cut, theirs_cut = medians(
        rounds, lambda: live.search(cut), bare(summary, 20, elements=["O"])
    )
    over_cut = 100 * (ours_cut / theirs_cut - 1)
    print(f"page that ties cut:      ours {ours_cut:7.2f} ms, mp-api {theirs_cut:7.2f} ms: "
          f"{over_cut:+.1f} % (two requests)")  # fmt: skip

    again, fresh = medians(rounds, lambda: kept.search(formula), lambda: live.search(formula))
    times = fresh / again
    print(f"cached repeat:           {again:.3f} ms, live {fresh:.2f} ms: {times:.0f} times faster")
    return over <= OVERHEAD_PERCENT and times >= CACHED_TIMES


def main() -> None:
    """Find or start the API and measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=30)
    parser.add_argument("--endpoint", default="")
    parser.add_argument("--key", default="loopback" + "0" * 24)
    options = parser.parse_args()
    endpoint = options.endpoint
    if not endpoint:
        from tests.loopback.fixtures import running

        directory = Path(tempfile.mkdtemp(prefix="llamp-loopback-"))
        endpoint = running(directory, os.getpid()).endpoint
    within = measure(endpoint, options.key, options.rounds)
    print("within the limits" if within else "LIMITS MISSED")
    sys.exit(not within)


if __name__ == "__main__":
    main()
