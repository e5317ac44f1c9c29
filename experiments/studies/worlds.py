"""Worlds drawn from the stated ranges: in what share of them joining pays, and what decides it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from experiments.cells import Cell
from experiments.runner import Ledger
from experiments.settings import Settings, ValueStudy
from experiments.studies import drawn
from experiments.studies.value_cells import Plan, unit

if TYPE_CHECKING:
    import pandas as pd

FINDINGS = {
    "positive": "joining pays",
    "negative": "joining costs",
    "no difference shown": "no difference shown",
}
"""What a world's own interval shows, and how it is called."""


@dataclass(frozen=True)
class World:
    """A market with the values that were drawn for it."""

    number: int
    values: dict[str, Any]
    plan: Plan


def worlds(settings: Settings[ValueStudy]) -> list[World]:
    """The worlds asked for. Each key has draws of its own: one more range, or world, leaves the others as they are.

    Raises:
        BadInput: no range to draw from, or values that make no market.
    """
    from sim.streams import Streams

    study = settings.study
    if not study.worlds:
        return []
    drawn.check(study.ranges, "study.worlds")
    streams = Streams(settings.seed, 0)
    columns = [streams.uniform(f"world/{one.key}", 0, study.worlds).tolist() for one in study.ranges]
    found = []
    for number, shares in enumerate(zip(*columns, strict=True)):
        values = drawn.values_at(study.ranges, shares)
        plan = drawn.market(settings, values, requests=study.curve.requests, name=f"world {number}")
        found.append(World(number, values, plan))
    return found


def cells(found: list[World]) -> list[Cell]:
    """What the value of joint data needs in each of them."""
    return [cell for world in found for cell in drawn.cells(world.plan, world.plan.study.curve.replications)]


def world_table(found: list[World], ledger: Ledger) -> pd.DataFrame:
    """A row a world: the drawn values, the value of joint data with its interval, and what that shows; failed ones are left out."""
    import pandas as pd

    from experiments.estimate import mean_interval

    rows = []
    for world in found:
        values = drawn.differences(world.plan, world.plan.study.curve.replications, ledger)
        if values is not None:
            value = mean_interval(values)
            result = {"value": value.estimate, "ci_low": value.ci_low, "ci_high": value.ci_high}
            rows.append({"world": world.number, **world.values, **result, "finding": value.finding})
    return pd.DataFrame(rows)


def rows(table: pd.DataFrame, settings: Settings[ValueStudy]) -> Iterator[dict[str, Any]]:
    """For ``summary.csv``: shares of worlds by what was shown, the mean value, and each key's rank correlation with it."""
    from experiments.estimate import Estimate, mean_interval, unit_of
    from experiments.estimate.effects import rank_correlation, share
    from experiments.estimate.ladder import PROFIT

    _, money = unit(settings.scenario)

    def row(estimand: str, arm: str, metric: str, found: Estimate) -> dict[str, Any]:
        return {
            "estimand": estimand,
            "arm": arm,
            "metric": metric,
            "unit": unit_of(metric, money),
            "estimate": found.estimate,
            "ci_low": found.ci_low,
            "ci_high": found.ci_high,
            "n_replications": found.n,
        }

    if table.empty:
        return
    for finding, name in FINDINGS.items():
        hits = int((table["finding"] == finding).sum())
        yield row("share_of_worlds", name, "worlds", share(hits, len(table)))
    yield row("value_over_worlds", "mean", PROFIT, mean_interval(table["value"]))
    for one in settings.study.ranges:
        found = rank_correlation(table[one.key].to_numpy(dtype=float), table["value"].to_numpy(dtype=float))
        yield row("decided_by", one.key, "rank_correlation", found)


def sentences(summary: pd.DataFrame, count: int) -> Iterator[str]:
    """In what share of worlds joining pays, and which keys go with its value."""
    from experiments.estimate import lookup
    from experiments.verdict import interval, number

    pays, costs = (
        lookup(summary, "share_of_worlds", "worlds", FINDINGS[f]) for f in ("positive", "negative")
    )
    if not (pays and costs):
        return
    percent = [
        f"{number(100 * found.estimate)} % ({number(100 * found.ci_low)} to {number(100 * found.ci_high)})"
        for found in (pays, costs)
    ]
    yield (
        f"Of {count} worlds drawn from the stated ranges joining is shown to pay in {percent[0]}, and to cost in {percent[1]}; "
        "interval: which worlds were drawn."
    )
    decided = summary[summary["estimand"] == "decided_by"]
    shown = []
    for key in decided["arm"]:
        found = lookup(summary, "decided_by", "rank_correlation", key)
        if found and found.finding in {"positive", "negative"}:
            shown.append((abs(found.estimate), f"{key} ({number(found.estimate)}, {interval(found)})"))
    if shown:
        ordered = ", ".join(text for _, text in sorted(shown, reverse=True))
        yield f"What its value goes with (rank correlation): {ordered}."
