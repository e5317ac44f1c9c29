"""The suites of the benchmark: which markets, on which seeds. A suite never changes; a better one is another version."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from jointbid.sim.scenario import Scenario, StrategySpec

from ...cells.arms import owners_of
from ...cells.cell import FOR_PEOPLE
from ...cells.lattice import JOINT
from ...config.points import digest, load
from ...config.study_settings import BENCHMARK_SEEDS

SILO_OWNER = "cmo"
"""Whose data a strategy has without the join."""


@dataclass(frozen=True)
class SuiteMarket:
    """A market of a suite: the file ``conf/scenario/<suite>/<name>.yaml``, and how it is played.

    Attributes:
        name: of the file.
        replayed: its requests are written to a log, which is replayed.
        target_cpa: the cost of a conversion above which the score falls, in currency; None: the score is of profit.
        valuation: ``bayes`` (exact) or ``learned`` from ``train_requests`` impressions.
    """

    name: str
    replayed: bool = False
    target_cpa: float | None = None
    valuation: str = "bayes"
    train_requests: int = 20_000


@dataclass(frozen=True)
class Suite:
    """The markets of one version, the seeds that are set apart for it, and the replications that make a result."""

    markets: tuple[SuiteMarket, ...]
    seeds: Mapping[str, int]
    replications: int


SUITES: Mapping[str, Suite] = {
    "v1": Suite(
        markets=(
            SuiteMarket("second_price"),
            SuiteMarket("tight_budget"),
            SuiteMarket("first_price"),
            SuiteMarket("cpa_target", target_cpa=1.0),
            SuiteMarket("crowd"),
            SuiteMarket("late_outcomes"),
            SuiteMarket("drift"),
            SuiteMarket("replayed_log", replayed=True, valuation="learned"),
        ),
        seeds=BENCHMARK_SEEDS["v1"],
        replications=8,
    )
}


@lru_cache(maxsize=32)
def scenario_of(suite: str, name: str, requests: int | None = None) -> Scenario:
    """Return a market of a suite; with fewer ``requests`` and as much less money for a quick look."""
    (point,) = load("run", [f"scenario={suite}/{name}"])
    scenario: Scenario = point.settings.played_scenario
    if requests is None or not scenario.supply.requests or requests >= scenario.supply.requests:
        return scenario
    budget, share = scenario.bidders.budget, requests / scenario.supply.requests
    return scenario.model_copy(
        update={
            "supply": scenario.supply.model_copy(update={"requests": requests}),
            "bidders": scenario.bidders.model_copy(
                update={"budget": None if budget is None else budget * share}
            ),
        }
    )


def silo_of(scenario: Scenario) -> str:
    """Return the arm of all that the CMO holds."""
    return next(arm for arm, owner in owners_of(scenario).items() if owner == SILO_OWNER)


def lineup_of(scenario: Scenario, focal: StrategySpec) -> tuple[StrategySpec, ...]:
    """Return who sits where: the strategy that is scored, then the kinds of bidders of the market, one after the other."""
    kinds = [StrategySpec(name=name) for name in scenario.bidders.kinds]
    others = range(scenario.bidders.count - 1) if kinds else range(0)
    return (focal, *(kinds[number % len(kinds)] for number in others))


def arms(scenario: Scenario) -> dict[str, str]:
    """Return what data a strategy plays with, and the arm of the market that is."""
    return {"joint": JOINT, "silo": silo_of(scenario)}


def addresses(suite: str) -> dict[str, str]:
    """Return market -> digits of its settings that are not defaults, so that a new key moves none, and of how it is played."""
    return {
        market.name: digest(
            [
                scenario_of(suite, market.name).model_dump(
                    mode="json", exclude_defaults=True, exclude=FOR_PEOPLE
                ),
                market.replayed,
                market.target_cpa,
                market.valuation,
                market.train_requests,
                dict(SUITES[suite].seeds),
            ]
        )
        for market in SUITES[suite].markets
    }
