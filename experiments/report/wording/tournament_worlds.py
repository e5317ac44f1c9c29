"""Drawn worlds of a tournament in a table and in sentences that claim no more than their intervals."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pandas as pd
from rich.table import Table

from jointbid.sim.scenario import Scenario

from ...estimate.intervals import Estimate
from ...estimate.ladder import lookup
from ...estimate.ranking import SEAT_PROFIT, TIED
from ..numbers import claim, counted, number
from ..strategy_names import short_names
from ..tables import text_table
from .sampled_markets import WHICH, goes_with, percent, share_of


def world_table(summary: pd.DataFrame, strategies: Sequence[str], count: int) -> Table:
    """A row a strategy: in what share of worlds it is shown to be ahead of all others; last, the share without a leader."""
    shares = {name: share_of(summary, name) for name in (*strategies, TIED)}
    names = short_names(shares)
    rows = [
        (
            names[name],
            number(100 * share.estimate),
            f"{number(100 * share.ci_low)} to {number(100 * share.ci_high)}",
        )
        for name, share in shares.items()
        if share
    ]
    heads = ("shown to be ahead of all others", "% of worlds", "95 % interval")
    return text_table(
        f"Of {counted(count, 'drawn world')}, all in one market",
        rows,
        *((head, str) for head in heads),
        caption=f"95 % interval, exact: {WHICH.removeprefix('interval: ')}",
    )


def sentences(summary: pd.DataFrame, strategies: Sequence[str], count: int) -> Iterator[str]:
    """The share of worlds in which each strategy is ahead, and the keys that correlate with the lead of the strategy that leads in the scenario itself."""
    names = short_names(strategies)
    shares = {names[name]: found for name in strategies if (found := share_of(summary, name))}
    neither = share_of(summary, TIED)
    if not shares or neither is None:
        return
    order = sorted(shares, key=lambda name: -shares[name].estimate)
    ahead = [f"{name} in {percent(shares[name])}" for name in order if shares[name].estimate > 0]
    nowhere = [name for name, found in shares.items() if found.estimate == 0]
    said = f"{' and '.join(ahead)}" if ahead else "no strategy in any"
    if ahead and nowhere:
        none = number(100 * shares[nowhere[0]].ci_high)
        said += f", {' and '.join(nowhere)} in none (0 to {none} %{' each' if len(nowhere) > 1 else ''})"
    yield (
        f"Of {counted(count, 'world')} drawn from the stated ranges it is shown that one strategy is ahead of all others: {said}; in "
        f"{percent(neither)} no difference is shown that puts one ahead. {WHICH[0].upper()}{WHICH[1:]}."
    )
    rows = summary[summary["estimand"] == "lead_over_worlds"]
    if rows.empty:
        return
    leader, unit = str(rows["arm"].iloc[0]), str(rows["unit"].iloc[0])
    lead = lookup(rows, "lead_over_worlds", SEAT_PROFIT, leader)
    if lead and lead.has_interval:
        yield f"Over worlds {names[leader]}, with the highest mean in the scenario itself, {_ahead(lead, unit)} the best of the others on average."
    yield from goes_with(summary, "decided_by", f"the lead of {names[leader]}")


def notes(scenario: Scenario, requests: int, count: int) -> Iterator[str]:
    """What is not the same in worlds with fewer bid requests."""
    now, bidders = scenario.supply.requests, scenario.bidders
    is_limited = bidders.budget is not None or bidders.terms.daily_budget is not None
    if count and now and requests < now and is_limited:
        yield (
            f"drawn worlds have {requests:,} bid requests (study.point.requests) and not {now:,}, with the same budget, which binds "
            "less there"
        )


def _ahead(lead: Estimate, unit: str) -> str:
    return claim(
        lead,
        "earns {amount} {unit} ({interval}) more than",
        loss="earns {amount} {unit} ({interval}) less than",
        none="is not shown to earn more or less ({interval} {unit}) than",
        unit=unit,
    )
