"""What `jointbid tournament` prints: rankings with ties shown as ties, the payoff matrix, and sentences that claim no more."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd
from rich.table import Table

from ...cells.cell import TOGETHER
from ...estimate.intervals import Estimate
from ...estimate.ladder import lookup
from ...estimate.ranking import SEAT_PROFIT
from ...estimate.tournament import PAIRINGS
from ..numbers import CAVEAT, counted, estimate_of, listed, number
from ..strategy_names import short_names, with_short_names
from ..tables import DASH, between, middle, percent, text_table

FORMATS = {TOGETHER: "All in one market", PAIRINGS: "Each against each"}
"""Formats as tables, plots and sentences name them."""


def ranks(best: float, worst: float) -> str:
    """The ranks that a strategy may have: "2", or "2 to 4" where no difference is shown among some."""
    return f"{best:.0f}" if best == worst else f"{best:.0f} to {worst:.0f}"


def ranking_table(summary: pd.DataFrame, ranked: pd.DataFrame, format_: str) -> Table:
    """One row a strategy, the best first: its possible ranks, its profit, and what it leaves to others and to hindsight."""
    rows = ranked[ranked["format"] == format_]
    if format_ == TOGETHER:
        wanted = [
            ("win rate", "score_together", "win_rate"),
            ("budget spent", "score_together", "budget_spent"),
        ]
    else:
        wanted = [("below best response", "regret_best_response", SEAT_PROFIT)]
    cells, shown = [], short_names(rows["strategy"])
    for row in rows.to_dict("records"):
        name = str(row["strategy"])
        own = estimate_of(row)
        below, share = (
            lookup(summary, f"regret_hindsight_{format_}", metric, name)
            for metric in (SEAT_PROFIT, "profit_pct")
        )
        further = [lookup(summary, estimand, metric, name) for _, estimand, metric in wanted]
        cells.append((shown[name], ranks(row["rank_best"], row["rank_worst"]), own, below, share, *further))
    of_pairs, tilde = (
        (", mean over opponents", "; ~ no difference shown") if format_ == PAIRINGS else ("", "")
    )
    return text_table(
        f"{FORMATS[format_]}{of_pairs}: profit, {rows['unit'].iloc[0]}", cells, ("strategy", str), ("rank", str),
        ("profit", middle, between), ("below hindsight", middle), ("%", middle),
        *((head, percent if format_ == TOGETHER else _signed) for head, *_ in wanted),
        caption=f"rank: what the paired comparisons allow, Holm-corrected, 95 %; a range is a tie{tilde}",
    )  # fmt: skip


def payoff_table(payoffs: pd.DataFrame) -> Table:
    """Rows are strategies, columns opponents; a star is the best response among those present."""
    payoffs = with_short_names(payoffs)
    opponents = list(dict.fromkeys(payoffs["opponent"]))
    rows = []
    for place, (strategy, own) in enumerate(payoffs.groupby("strategy", sort=False), 1):
        by = own.set_index("opponent")
        marks = ["*" if by.loc[other, "best_response"] == strategy else " " for other in opponents]
        profits = [number(by.loc[other, "estimate"]) for other in opponents]
        rows.append((f"({place}) {strategy}", *map("".join, zip(profits, marks, strict=True))))
    return text_table(
        f"Profit of the row against the column, {payoffs['unit'].iloc[0]}", rows, ("against", str),
        *((f"({place})", str) for place, _ in enumerate(opponents, 1)),
        caption="*: the best response to that opponent, chosen on pilot replications; payoffs.csv has intervals and regrets",
    )  # fmt: skip


def verdict(ranked: pd.DataFrame, format_: str) -> str:
    """Return which strategy is ahead of all others, or may be, and those that no difference separates."""
    rows = with_short_names(ranked[ranked["format"] == format_])
    replications = int(rows["n_replications"].min())
    close = f"{counted(replications, 'replication')}; ranks hold together with 95 % confidence; {CAVEAT}."
    if replications < 2:
        return f"{FORMATS[format_]}: one replication has no intervals, so no order is shown."
    may_lead = [str(name) for name in rows["strategy"][rows["rank_best"] == 1]]
    first = rows.iloc[0]
    unit = str(first["unit"])
    amount = f"{number(first['estimate'])} {unit}"
    if first["rank_worst"] == 1:
        verb = "earns more" if first["estimate"] > 0 else "loses less"
        said = f"{first['strategy']} {verb} than every other strategy ({amount})"
    elif len(may_lead) == len(rows):
        said = f"no strategy is shown to be behind all others; {first['strategy']} has the highest mean ({amount})"
        said = (
            "no difference is shown that would put one behind"
            if (rows["rank_worst"] == len(rows)).all()
            else said
        )
    elif len(may_lead) == 1:
        said = (
            f"{first['strategy']} has the highest mean ({amount}) and is not shown to be ahead of every other"
        )
    else:
        none = "no strategy is shown to be ahead of one of them"
        said = f"no difference is shown among {listed(may_lead)}; {none} ({first['strategy']}: {amount})"
    last = [str(name) for name in rows["strategy"][rows["rank_best"] == len(rows)]]
    tail = f"; {last[0]} earns less than every other" if last and len(rows) > 2 else ""
    return f"{FORMATS[format_]}: {said}{tail}. {close}"


def notes(summary: pd.DataFrame) -> Iterator[str]:
    """Yield what else to know: budgets that no strategy spends."""
    spent = summary[(summary["estimand"] == "score_together") & (summary["metric"] == "budget_spent")]
    if len(spent) and (spent["estimate"] < 0.5).all():
        yield "no strategy spends half of its budget on average: the ranking says little of how they pace it"
    if not len(spent):
        yield (
            "no budget is set (bidders.budget, bidders.terms.daily_budget): the ranking says nothing of how strategies "
            "pace one"
        )


def _signed(estimate: Estimate | None) -> str:
    if estimate is None:
        return DASH
    is_shown = estimate.finding in {"positive", "negative"} or estimate.estimate == 0
    return number(estimate.estimate) if is_shown else f"~ {number(estimate.estimate)}"
