"""The curves of the policies' pages: what each bids on a value, or where its multiplier goes in the course of a run.

``make curves`` draws them into docs/strategies, each with its table.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from jointbid.experiments.report.plots.style import COLOURS, caption, new_figure, require, save, styled
from jointbid.sim import AccountState, Entrant, Scenario, Strategy, VisibleRequests, simulate
from jointbid.sim.scenario import StrategySpec
from jointbid.strategies.base import Priced
from jointbid.strategies.market import MarketFacts
from jointbid.strategies.policies.learned_shading import LearnedShading
from jointbid.strategies.policies.portfolio import Portfolio
from jointbid.strategies.policies.tracking import Tracking
from jointbid.strategies.registry import make
from jointbid.strategies.valuations.bayes import bayes

if TYPE_CHECKING:
    from matplotlib.figure import Figure

COLUMNS = ("line", "x", "y")
VALUES = np.linspace(0.0, 1.0, 101)
RHO = 1 / 24
"""Budget per request of the runs: with values and prices uniform on [0, 1] the fluid multiplier is 1/2."""


def market(auction: str = "second_price", **rivals: Any) -> Scenario:
    """Values uniform on [0, 1], known to the bidder, against known prices."""
    return Scenario.model_validate(
        {
            "supply": {"requests": 24_000},
            "response": {"family": "private_value"},
            "rivals": rivals or {"landscape": "uniform", "high": 1},
            "auction": {"type": auction},
            "bidders": {"control_interval_h": 0.25},
        }
    )


@dataclass(frozen=True)
class Curves:
    """One figure: its file's name, the table, and what stands on it."""

    name: str
    table: pd.DataFrame
    subject: str
    note: str

    def draw(self) -> Figure:
        """A line for each of the table's, in styles that show through one another; over hours, or over values."""
        require(self.table, *COLUMNS)
        is_run = float(self.table["x"].max()) > 1.0
        with styled():
            figure = new_figure(6.6, 3.6)
            axes = figure.subplots()
            for number, (line, rows) in enumerate(self.table.groupby("line", sort=False)):
                style = ("-", "--", "-.", ":")[number % 4]
                axes.plot(rows["x"], rows["y"], style, color=COLOURS[number % len(COLOURS)], label=str(line))
            axes.set_xlabel("hour" if is_run else "value (currency per impression)")
            axes.set_ylabel("multiplier of the value" if is_run else "bid (currency per impression)")
            axes.set_ylim(bottom=0)
            axes.legend(loc="center left", bbox_to_anchor=(1.0, 0.5))
            caption(figure, self.subject, self.note)
        return figure


def curves() -> Iterator[Curves]:
    """All figures."""
    yield Curves(
        "plain", bids(_plain()), "Plain bids", "random: the mean of its bids. mcpc: 1.2 a click at 2 each."
    )
    note = "c = .5. At the value v / lam, linear is the best bid in second price, and ORTB where its w holds in first."
    yield Curves("ortb", bids(_ortb()), "ORTB", note)
    note = "Prices known, or learned from 24,000 auctions (Kaplan-Meier, prices told where won)."
    yield Curves("shading", bids(_shading()), "First-price shading", note)
    note = "Budget 1/24 a request. Right on average is 1/2; of throttling, whose share of the requests is shown, 1/4."
    yield Curves("pacing", runs(_pacing(), RHO), "Pacing", note)
    note = "Prices uniform on [0, 1], mean value .5. With little money for few auctions a dear win costs too many others."
    yield Curves("rlb", bids(_rlb()), "RLB, by auctions and money left", note)
    note = "pid_spend: budget 1/24 a request, for which 1/2 is right on average. pid_cpa: .3 a click, in a market of clicks."
    yield Curves(
        "control",
        pd.concat([runs(_control(), RHO), clicked({"pid_cpa": _make("pid_cpa", target=0.3)})]),
        "Feedback control",
        note,
    )
    note = "After a day in which each of 24 products was clicked more or less than usual; elsewhere nothing was learned."
    yield Curves(
        "tracking", bids({"truthful": _make("truthful"), "tracking": _tracking()}), "Tracking of levels", note
    )
    note = "Campaigns of three values, prices uniform on [0, 1]; money moves every hour. Best is one multiplier for all, .5."
    yield Curves("portfolio", campaigns(), "Multipliers of campaigns", note)
    note = (
        "Budget 1/24 a request, for which 1/2 is right on average. The policy was trained in another market."
    )
    lines = {name: _make(name) for name in ("trained", "adaptive_pacing")}
    yield Curves("trained", runs(lines, RHO), "A trained policy", note)
    note = (
        "Right on average: 1.37 at a return of 1.6, .8 at 2.5. target_cpa: .3 a click, in a market of clicks."
    )
    targets = {"target_cpa .3": _make("target_cpa", target=0.3)}
    yield Curves("targets", pd.concat([runs(_targets(), None), clicked(targets)]), "Targets", note)


def bids(policies: Mapping[str, Strategy]) -> pd.DataFrame:
    """Bids over values; columns `COLUMNS`."""
    columns = {
        "value": VALUES,
        "uniform": np.full(len(VALUES), 0.5),
        "auction_type": np.ones(len(VALUES), dtype=np.int8),
    }
    parts = []
    for line, policy in policies.items():
        shown = VisibleRequests(len(VALUES), {name: columns[name] for name in policy.reads or ()})
        parts.append(pd.DataFrame({"line": line, "x": VALUES, "y": policy.bid(shown).round(9)}))
    return pd.concat(parts, ignore_index=True)


def runs(
    policies: Mapping[str, Strategy], rho: float | None, scenario: Scenario | None = None
) -> pd.DataFrame:
    """Multipliers hour by hour in one run each; columns `COLUMNS`."""
    scenario, parts = scenario or market(), []
    budget = None if rho is None else rho * 24_000
    for line, policy in policies.items():
        hours = simulate(scenario, {"focal": Entrant(policy, budget=budget)}, seed=1).timeseries
        parts.append(pd.DataFrame({"line": line, "x": hours["hour"], "y": np.round(hours["multiplier"], 9)}))
    return pd.concat(parts, ignore_index=True)


def campaigns() -> pd.DataFrame:
    """Multipliers of three campaigns hour by hour, where money moves and where it does not; columns `COLUMNS`."""
    scenario = Scenario.model_validate(
        {
            "supply": {"requests": 24_000, "context_types": 3},
            "response": {"a": 0.6, "b": 0.0, "c": 0.25},
            "source": {"context": {}},
            "rivals": {"landscape": "uniform", "high": 1},
            "bidders": {"values": "common", "control_interval_h": 0.25},
        }
    )
    valuation, kept = bayes(scenario, ("context",)), list[tuple[float, Any]]()

    class Kept(Portfolio):
        def control(self, state: AccountState) -> None:
            super().control(state)
            if state.hour.is_integer() and len(self.multipliers):
                kept.append((state.hour, self.multipliers))

    values = [0.29, 0.60, 0.91]
    budget = 24_000 * sum((0.5 * value) ** 2 / 2 for value in values) / 3
    parts = []
    for line, move in (("portfolio", 0.5), ("fixed split", 0.0)):
        kept.clear()
        policy = Kept(move=move, move_h=1.0)
        simulate(scenario, {"focal": Entrant(Priced(valuation, policy), budget=budget)}, seed=1)
        hours, multipliers = [hour for hour, _ in kept], np.stack([each for _, each in kept])
        for campaign, value in enumerate(values):
            y = np.round(multipliers[:, campaign], 9)
            parts.append(pd.DataFrame({"line": f"{line}, value {value:.2f}", "x": hours, "y": y}))
    return pd.concat(parts, ignore_index=True)


def clicked(policies: Mapping[str, Strategy]) -> pd.DataFrame:
    """Multipliers where an impression is worth its chance of a click, a tenth to nine tenths by context; columns `COLUMNS`."""
    scenario = Scenario.model_validate(
        {
            "supply": {"requests": 24_000, "context_types": 16},
            "response": {"family": "logit", "a": 0.0, "c": 1.0},
            "source": {"context": {}},
            "rivals": {"landscape": "uniform", "high": 1},
            "bidders": {"control_interval_h": 0.25},
        }
    )
    exact = bayes(scenario, ("context",))
    return runs({line: Priced(exact, policy) for line, policy in policies.items()}, None, scenario)


def _make(
    name: str, auction: str = "second_price", *, prices: dict[str, Any] | None = None, **parameters: Any
) -> Strategy:
    return make(StrategySpec(name=name, **parameters), MarketFacts.of(market(auction, **(prices or {}))))


def _plain() -> dict[str, Strategy]:
    return {
        "constant": _make("constant", level=0.5),
        "random": _make("random", high=1.0),
        "truthful": _make("truthful"),
        "linear": _make("linear", gain=0.5),
        "mcpc": _make("mcpc", max_cpc=1.2, value_per_click=2.0),
        "burst, while on": _make("burst", level=0.3),
        "timed_presence": _make("timed_presence", level=0.4, least=0.7),
    }


def _ortb() -> dict[str, Strategy]:
    return {
        "ortb1, lam 1": _make("ortb1", c=0.5),
        "ortb2, lam 1": _make("ortb2", c=0.5),
        "ortb1, lam 2": _make("ortb1", c=0.5, lam=2.0),
        "linear, lam 2": _make("linear", gain=0.5),
    }


def _shading() -> dict[str, Strategy]:
    prices = {"landscape": "lognormal", "mu": -1.0, "sigma": 0.6}
    return {
        "truthful": _make("truthful"),
        "against U[0, 1]": _make("shading", "first_price"),
        "against lognormal": _make("shading", "first_price", prices=prices),
        "learned": _learned(prices),
    }


def _learned(prices: dict[str, Any]) -> Strategy:
    """Learned shading after a run, without its exploration."""
    kept: list[LearnedShading] = []

    class Kept(LearnedShading):
        def control(self, state: Any) -> None:
            super().control(state)
            kept[:] = [self]

    simulate(market("first_price", **prices), {"focal": Kept(feedback="winning_price")}, seed=1)
    kept[0].explore = 0.0
    return kept[0]


def _pacing() -> dict[str, Strategy]:
    named = ("adaptive_pacing", "mirror_descent", "fluid_pacing", "throttling")
    return {name: _make(name) for name in named} | {"adaptive, mu from 0": _make("adaptive_pacing", mu=0.0)}


def _control() -> dict[str, Strategy]:
    return {"pid_spend": _make("pid_spend"), "pid_spend, ki 20": _make("pid_spend", ki=20.0)}


def _tracking() -> Strategy:
    """Tracking after a day in which products have states that it does not observe."""
    kept: list[Tracking] = []

    class Kept(Tracking):
        def control(self, state: Any) -> None:
            super().control(state)
            kept[:] = [self]

    scenario = Scenario.model_validate(
        {
            "supply": {"requests": 24_000, "context_types": 24},
            "audience": {"profile_types": 3, "drift": {"half_life_h": 10_000.0}},
            "response": {"family": "logit", "a": 0.0, "b": 0.5, "c": 1.0},
            "source": {"context": {}},
            "rivals": {"landscape": "uniform", "high": 1},
            "bidders": {"values": "common", "control_interval_h": 0.25},
        }
    )
    brain = Priced(bayes(scenario, ("context",)), Kept(memory_h=1e6, per="click"))
    simulate(scenario, {"focal": Entrant(brain)}, seed=1)
    return kept[0]


def _targets() -> dict[str, Strategy]:
    return {f"target_ros {target}": _make("target_ros", target=target) for target in (1.6, 2.5)}


def _rlb() -> dict[str, Strategy]:
    made: dict[str, Strategy] = {}
    for auctions, share in ((200, 1.0), (10, 1.0), (10, 6.0)):
        made[f"{auctions} left, {share:g}/24 each"] = policy = _make("rlb", mean=0.5)
        money = share * RHO * auctions
        policy.control(AccountState(0.0, 24.0, 0, auctions, 0.0, 0, money, money))
    return made


def main(folder: str) -> None:
    """Draw all of them into a folder."""
    for figure in curves():
        save(figure.draw(), figure.table, Path(folder), figure.name, formats=("svg",))


if __name__ == "__main__":
    main(*sys.argv[1:])
