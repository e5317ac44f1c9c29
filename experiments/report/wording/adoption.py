"""The study ``adoption`` in a table and in sentences that claim no more than their intervals."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import partial

import pandas as pd
from rich.table import Table

from jointbid.sim.scenario import Scenario

from ...estimate.adoption import adopters, label
from ...estimate.intervals import Estimate
from ...estimate.ladder import lookup
from ..numbers import CAVEAT, claim, counted, interval, listed, number
from ..tables import DASH, between, middle, signed, text_table

AMOUNT, NOTHING = "{amount} {unit} ({interval})", "nothing that is shown ({interval} {unit})"
REGRET = {True: "regret_of_an_adopter", False: "regret_of_one_without"}
SIDES = {
    "bidder_surplus": "all bidders' surplus before the data's cost",
    "revenue": "the seller's revenue",
    "welfare": "welfare",
}


def adoption_table(summary: pd.DataFrame, bidders: int, cost: float, unit: str) -> Table:
    """A row a number of adopters: profits on both sides, the last one's gain and whether it was worth its cost, the market."""
    rows = []
    for k in range(bidders + 1):
        adopter, other, gain = (
            lookup(summary, estimand, arm=label(k))
            for estimand in ("adopter_profit", "non_adopter_profit", "gain_from_adopting")
        )
        market = [lookup(summary, "utility", metric, label(k)) for metric in ("bidder_surplus", "revenue")]
        rows.append((k, adopter, other, gain, gain, *market))
    return text_table(
        f"By how many of {bidders} bidders hold the data, {unit}", rows, ("adopters", str), ("profit of one", middle),
        ("of one without", middle), ("gain of the last", signed, between),
        ("worth its cost", partial(_worth, cost=cost)), ("all bidders' surplus", middle), ("seller's revenue", middle),
        left=0,
    )  # fmt: skip


def notes(scenario: Scenario, bidders: int, unreckoned: Iterable[str] = ()) -> Iterator[str]:
    """What the scenario does not say of the market that was played; ``unreckoned``: why winning tells its bidders nothing."""
    if scenario.bidders.count < bidders:
        yield f"{scenario.name} has one bidder: {bidders} of its kind compete here (study.seats)"
    if scenario.touchpoints is not None:
        yield (
            "every firm bids in all channels what its data say a place there is worth; daily budgets, bids and targeting of the "
            "channels are those of the study attribution alone"
        )
    correlation = scenario.bidders.affiliation
    shared = "values are common" if correlation == 1.0 else f"values have a correlation of {correlation:g}"
    if why := "; ".join(unreckoned):
        yield (
            f"{shared}, and bidders do not account for what winning tells, as it is not worked out here: who knows less "
            f"pays too much, and an equilibrium is one of such bidders alone ({why})"
        )
    elif scenario.bidders.affiliation and scenario.bidders.beliefs == "naive":
        yield (
            f"{shared}, and bidders do not account for what winning tells (bidders.beliefs=naive): who knows less pays "
            "too much, and an equilibrium is one of such bidders alone"
        )


def sentences(summary: pd.DataFrame, *, bidders: int, cost: float, unit: str, arm: str) -> Iterator[str]:
    """Equilibria, how the private edge erodes, what it costs to be the last one without, and which side pays."""
    yield _equilibria(summary, bidders, cost, unit, arm)
    for at in summary.loc[summary["estimand"] == "equilibrium_adopters", "arm"]:
        yield from _regret(summary, at, unit)
    first, last = (lookup(summary, "gain_from_adopting", arm=label(k)) for k in (1, bidders))
    if first and last:
        yield f"The first adopter {_gains(first, unit)}; the last of {bidders} {_gains(last, unit)}."
    yield from _staying_out(summary, bidders, unit)
    changes = [
        f"{name} by {claim(found, AMOUNT, none=NOTHING, unit=unit)}"
        for metric, name in SIDES.items()
        if (found := lookup(summary, "change_by_adoption", metric, label(bidders)))
    ]
    if changes:
        yield f"From no adopter to all, data changes {', '.join(changes)}."
    if first:
        yield f"{counted(first.n, 'replication')}; {CAVEAT}."


def _staying_out(summary: pd.DataFrame, bidders: int, unit: str) -> Iterator[str]:
    """What others' data costs a firm without it: of the last one, and where it costs most."""
    found = {k: lookup(summary, "loss_from_staying_out", arm=label(k)) for k in range(1, bidders)}
    losses = {k: out for k, out in found.items() if out and out.finding == "negative"}
    if last := found[bidders - 1]:
        said = claim(
            last,
            "earns {amount} {unit} ({interval}) more than when no firm has it",
            loss="costs {amount} {unit} ({interval}) against no firm having it",
            none="makes no difference that is shown against no firm having it ({interval} {unit})",
            unknown="changes its profit by {amount} {unit} (no interval) against no firm having it",
            unit=unit,
        )
        yield f"Being the one firm without the data when all others have it {said}."
    if losses:
        k = min(losses, key=lambda k: losses[k].estimate)
        yield (
            f"Staying out costs most beside {k} that {'has' if k == 1 else 'have'} it: {number(-losses[k].estimate)} {unit} "
            f"({interval(losses[k], sign=-1)})."
        )
    else:
        yield "A loss to those who stay out is not shown at any number of adopters."


def _equilibria(summary: pd.DataFrame, bidders: int, cost: float, unit: str, arm: str) -> str:
    rows = summary[summary["estimand"] == "equilibrium_adopters"]
    price = f"At a cost of {number(cost)} {unit} to each adopter" if cost else "Where the data costs nothing"
    if rows.empty:
        return f"{price}, the equilibrium number of adopters is not known: gains are missing."
    found = listed([str(adopters(arm)) for arm in rows["arm"]], "or")
    possible = summary.loc[summary["estimand"] == "possible_adopters", "arm"]
    if possible.empty:
        sure = "with no interval, so nothing is shown yet"
    elif set(possible) == set(rows["arm"]):
        sure = "and the intervals allow no other number"
    else:
        sure = f"and the intervals allow {listed([str(adopters(arm)) for arm in possible], 'or')}"
    return f"{price}, {found} of {bidders} bidders hold the data of {arm} in equilibrium, {sure}."


def _regret(summary: pd.DataFrame, at: str, unit: str) -> Iterator[str]:
    """What one bidder could still gain at an equilibrium, by what it holds and how it bids."""
    found = {adopts: lookup(summary, name, arm=at) for adopts, name in REGRET.items()}
    who = {True: "an adopter", False: "a firm without the data"}
    gain = [f"{who[adopts]} {_answer(own)}" for adopts, own in found.items() if own]
    if gain:
        yield (
            f"Where {at}, one firm that alone takes the best answer tried (other data, other bids, or both) would gain, in {unit} after the "
            f"data's cost: {', '.join(gain)} (tried: multiples of the value and shipped policies; the best is chosen on pilots and played on other replications)."
        )


def _answer(gain: Estimate) -> str:
    """What an answer gains; where none was better on the pilots, 0."""
    if gain.estimate == gain.ci_low == gain.ci_high == 0.0:
        return "0"
    return claim(
        gain,
        "{amount} ({interval})",
        loss="less than nothing (a loss of {amount}, {interval})",
        none="nothing that is shown ({amount}, {interval})",
        unknown="{amount} (no interval)",
    )


def _gains(found: Estimate, unit: str) -> str:
    loss = "loses {amount} {unit} ({interval})"
    return claim(found, f"gains {AMOUNT}", loss=loss, none=f"gains {NOTHING}", unit=unit)


def _worth(gain: Estimate | None, cost: float) -> str:
    if gain is None or not gain.has_interval:
        return DASH
    if gain.ci_low >= cost:
        return "yes"
    return "no" if gain.ci_high < cost else "not shown"
