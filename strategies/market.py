"""The public facts of a market: its rules, and the price landscape where bidders have studied it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from jointbid.sim import Scenario
from jointbid.sim.auction.mechanisms import MECHANISMS
from jointbid.sim.landscape import Landscape, mixture
from jointbid.sim.scenario import MICROS, MICROS_PER_CPM


class PublicSource(NamedTuple):
    """What is known of a source without holding it.

    ``codes`` is how many codes it has, the last for "unmatched", and ``age_known`` whether its holders see how old each record is.
    """

    name: str
    owner: str
    shows: str
    codes: int
    age_known: bool = True


@dataclass(frozen=True, slots=True)
class MarketFacts:
    """Public facts of a scenario; no truth about people or responses is in it.

    ``landscape`` is that over all contexts. Where prices depend on the context, and the bidder sees it, ``context`` is the
    column that shows it, and ``by_code`` has the landscape given each of its codes. ``value_per_click`` is what a click is worth (currency; 0 where
    outcomes are no clicks), and ``tells`` what the exchange says of prices afterwards.
    """

    auction_types: tuple[str, ...]
    hard_floor: float
    landscape: Landscape | None
    floor_share: float
    floor_mu: float
    floor_sigma: float
    creatives: tuple[str, ...] = ()
    """The creatives of a campaign by name, in the order of their numbers."""
    context: str = ""
    by_code: tuple[Landscape, ...] = ()
    value_per_click: float = 0.0
    tells: str = "minimum_bid_to_win"
    currency: str = ""
    tmax_ms: float | None = None
    """The exchange's time limit for an answer; None: it waits for all."""
    sources: tuple[PublicSource, ...] = ()

    @classmethod
    def of(cls, scenario: Scenario) -> MarketFacts:
        """Return the public facts of a scenario, for a bidder that does not see the context."""
        supply = scenario.supply
        floors = (0.0, 0.0, 0.0)
        if supply.kind == "synthetic":
            floors = (supply.floor_share, supply.floor_mu, supply.floor_sigma)
        known = scenario.rivals.landscape is not None
        return cls(
            tuple(scenario.auction.shares),
            scenario.auction.floor_cpm * MICROS_PER_CPM / MICROS,
            mixture(scenario) if known else None,
            *floors,
            tuple(scenario.creative),
            value_per_click=scenario.response.value_per_click if scenario.response.family == "logit" else 0.0,
            tells=scenario.auction.tells,
            currency=scenario.currency,
            tmax_ms=scenario.auction.tmax_ms,
            sources=tuple(
                PublicSource(
                    name,
                    scenario.owner_of(name),
                    scenario.factor_of(name),
                    scenario.codes_of(name),
                    scenario.data_of(name).age_known,
                )
                for name in scenario.source
            ),
        )

    @property
    def types(self) -> tuple[tuple[str, int], ...]:
        """Pairs of source and number of types."""
        return tuple((one.name, one.codes - 1) for one in self.sources)

    def types_of(self, source: str) -> int:
        """Return how many types a source shows; its column holds these codes from 0 on, and one more for unmatched."""
        known = dict(self.types)
        if source not in known:
            raise KeyError(f"no source {source!r} in this market; there are: {', '.join(known) or 'none'}")
        return known[source]

    @property
    def context_source(self) -> str:
        """The source that shows the context: the one of that name, else the first one; ``context`` where none does."""
        shows = [one.name for one in self.sources if one.shows == "context"]
        return shows[0] if shows and "context" not in shows else "context"

    @property
    def mechanisms(self) -> dict[str, int]:
        """The auction types that occur, with their numbers in the column ``auction_type``."""
        return {name: MECHANISMS[name] for name in self.auction_types}

    @property
    def parts(self) -> tuple[MarketFacts, ...]:
        """The market given each code of the context; the market itself where none is seen or none matters."""
        alone = replace(self, context="", by_code=())
        return tuple(replace(alone, landscape=one) for one in self.by_code) or (alone,)

    def win_probability(self, bid: NDArray[np.float64]) -> NDArray[np.float64]:
        """P(a bid reaches the floor and beats the landscape); shape as ``bid``."""
        if self.landscape is None:
            raise ValueError("no price landscape is known in this market")
        cleared = (bid >= self.hard_floor).astype(np.float64)
        if self.floor_share > 0:
            from scipy.special import ndtr

            with np.errstate(divide="ignore"):
                z = (np.log(np.maximum(bid, 0.0)) - self.floor_mu) / max(self.floor_sigma, 1e-12)
            cleared = cleared * (1.0 - self.floor_share + self.floor_share * ndtr(z))
        return np.asarray(cleared * self.landscape.cdf(bid))
