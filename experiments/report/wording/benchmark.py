"""What `jointbid benchmark` prints: scores with ranks that the comparisons allow, and one sentence that claims no more."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from rich.table import Table

from ...estimate.benchmark import Scores
from ..numbers import CAVEAT, counted, estimate_of, number
from ..strategy_names import short_names, with_short_names
from ..tables import DASH, between, middle, text_table
from .tournament import ranks

HEADS = {
    "second_price": "second",
    "tight_budget": "tight",
    "first_price": "first",
    "cpa_target": "CPA",
    "late_outcomes": "late",
    "replayed_log": "log",
}
"""Short heads of markets."""


def score_table(scores: Scores) -> Table:
    """One row a strategy, the best first: its rank, its score over all games, with each set of data, and what joint data add."""
    rows, shown = [], short_names(scores.ranked["strategy"])
    for row in scores.ranked.to_dict("records"):
        name, own = str(row["strategy"]), estimate_of(row)
        rank, gain = ranks(row["rank_best"], row["rank_worst"]), scores.gain(name)
        rows.append((shown[name], rank, own, *(scores.of(kind, name) for kind in ("joint", "silo")), gain))
    return text_table(
        "Score over all games: 0 the bidder without data, 100 hindsight", rows, ("strategy", str), ("rank", str),
        ("score", middle, between), ("joint", middle), ("silo", middle), ("joint adds", middle, between),
        caption="rank: what the paired comparisons allow, Holm-corrected, 95 %; silo: the CMO's data alone",
    )  # fmt: skip


def market_table(scores: Scores) -> Table:
    """One row a strategy, in the same order: its score in each market, with joint data."""
    joint = scores.by_game[scores.by_game["information"] == "joint"].set_index(["strategy", "market"])[
        "estimate"
    ]
    names = short_names(scores.ranked["strategy"])
    rows = [
        (shown, *(_whole(joint[name, market]) for market in scores.markets)) for name, shown in names.items()
    ]
    return text_table(
        "Score by market, with joint data", rows, ("strategy", str),
        *((HEADS.get(market, market.replace("_", " ")), str) for market in scores.markets),
        caption="-: cannot play there, which counts as 0; games.csv has intervals, and the scores with the CMO's data alone",
    )  # fmt: skip


def verdict(scores: Scores, suite: str) -> str:
    """Return who is ahead, or may be."""
    rows = with_short_names(scores.ranked)
    first = rows.iloc[0]
    n = int(rows["n_replications"].min())
    close = f"{counted(n, 'replication')} of each game; {CAVEAT}."
    lead = f"{first['strategy']} scores {number(first['estimate'])} ({number(first['ci_low'])} to {number(first['ci_high'])})"
    if len(rows) == 1:
        return f"Benchmark {suite}: {lead}; {close}"
    may_lead = [str(name) for name in rows["strategy"][rows["rank_best"] == 1]]
    if first["rank_worst"] == 1:
        return f"Benchmark {suite}: {lead}, more than every other strategy; {close}"
    if len(may_lead) == 1:
        return f"Benchmark {suite}: {lead}, the highest mean, and is not shown to be ahead of every other; {close}"
    others = ", ".join(name for name in may_lead if name != first["strategy"])
    return f"Benchmark {suite}: {lead}; no difference is shown to {others}; {close}"


def notes(obstacles: Mapping[tuple[str, str], str], suite: str, *, is_complete: bool) -> Iterator[str]:
    """Yield a line for each strategy that could not play somewhere, and one where this is no result of the suite."""
    by_strategy: dict[str, dict[str, str]] = {}
    for (market, strategy), why in obstacles.items():
        by_strategy.setdefault(strategy, {})[market] = why
    names = short_names(by_strategy)
    for strategy, found in by_strategy.items():
        yield f"{names[strategy]} cannot play in {', '.join(found)}, which counts as 0: {next(iter(found.values()))}"
    if is_complete:
        yield f"benchmark.json is the result to keep: jointbid compare lays it beside others of suite {suite}"
    else:
        yield (
            f"not a result of suite {suite}: that needs all markets and requests, study.split=test, and its number of replications"
        )


def _whole(score: float) -> str:
    return DASH if score != score else f"{score:.0f}"  # noqa: PLR0124 - nan
