"""What a market shows and costs: values, prices and floors of its own, for checks in a scenario that is given."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from jointbid.sim import Entrant, Scenario, Strategy, VisibleRequests, simulate
from jointbid.sim.scenario import MICROS
from jointbid.sim.worth import worth

from ..base import Priced, Valuation
from ..market import MarketFacts
from ..policies.linear import Truthful
from ..registry import UnknownStrategyError, make
from ..valuations.bayes import bayes

MOST_RIVALS = 3
FOCAL = "focal"
WITHOUT_RIVALS = 0.4
"""Price of a request that has none, as a part of the median value."""


@dataclass(frozen=True)
class MarketSample:
    """Prices, floors and values of some requests of a market, in currency per impression; ``valuation`` is that of all its data."""

    prices: NDArray[np.float64]
    floors: NDArray[np.float64]
    worth: NDArray[np.float64]
    valuation: Valuation | None

    @property
    def price(self) -> float:
        """The median price."""
        return float(np.median(self.prices))

    def values(self, requests: VisibleRequests, rng: np.random.Generator) -> NDArray[np.float64]:
        """Return what the requests are worth, given all data; where each bidder knows its value, drawn from the market's."""
        if self.valuation is None:
            return rng.choice(self.worth, requests.n)
        return np.maximum(self.valuation.value(requests), 0.0) if requests.n else np.empty(0)


def sample_of(scenario: Scenario) -> MarketSample:
    """Return a sample of a market, played by a truthful bidder and up to three of the scenario's own rivals."""
    return _sample(scenario.model_dump_json())


@functools.lru_cache(maxsize=8)
def _sample(market: str) -> MarketSample:
    scenario = Scenario.model_validate_json(market)
    private = scenario.response.family == "private_value"
    valuation = None if private else bayes(scenario, tuple(scenario.source))
    focal: Strategy = Truthful() if valuation is None else Priced(valuation, Truthful())
    bidders = {FOCAL: Entrant(focal)}
    for number in range(1, min(scenario.bidders.count, MOST_RIVALS + 1)):
        try:
            policy = make(scenario.bidders.strategy, MarketFacts.of(scenario))
        except UnknownStrategyError:  # one that cannot play here: truthful ones stand for it
            policy = Truthful()
        bidders[f"rival_{number}"] = Entrant(policy if private else Priced(bayes(scenario, ()), policy), ())
    prices, floors = list[NDArray[np.float64]](), list[NDArray[np.float64]]()

    def note(rows: Mapping[str, NDArray[Any]]) -> None:
        best = rows["slot"] == 0
        own, floor = rows["winner"][best] == 0, rows["floor_micros"][best]
        other = np.where(own, rows["other_micros"][best], rows["bid_micros"][best])
        prices.append(np.maximum(other, floor).clip(0) / MICROS)
        floors.append(floor / MICROS)

    simulate(scenario, bidders, seed=1, sink=note)
    values, price = worth(scenario, [FOCAL], 1)[0], np.concatenate(prices)
    if not (price > 0).any():
        price = np.full(len(price), WITHOUT_RIVALS * float(np.median(values)))
    return MarketSample(price[price > 0], np.concatenate(floors), values, valuation)
