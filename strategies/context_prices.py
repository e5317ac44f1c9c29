"""What a bidder's data say of the price level: prices may depend on the context, which a bidder sees, in part, or not at all."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from jointbid.sim import Scenario
from jointbid.sim.audience import consent_law, law_of
from jointbid.sim.landscape import Landscape, context_levels
from jointbid.sim.sources import likelihood

from .market import MarketFacts
from .valuations.bayes import believed_retention


def market_for(scenario: Scenario, information: Iterable[str]) -> MarketFacts:
    """Return the public facts of a scenario for a bidder with these sources: where it sees the context, prices by its code.

    Where prices do not depend on the context, or no source shows it, the bidder's landscape is the mixture over contexts. What other
    sources hint about the context is left out.
    """
    facts, levels = MarketFacts.of(scenario), context_levels(scenario)
    shows = [name for name in scenario.distinct(information) if scenario.factor_of(name) == "context"]
    if (levels == 1.0).all() or scenario.rivals.landscape is None or not shows:
        return facts
    base = Landscape(scenario.rivals)
    by_code = tuple(base.mixed(levels, law) for law in context_law(scenario, shows[0]))
    return replace(facts, context=shows[0], by_code=by_code)


def context_law(scenario: Scenario, name: str) -> NDArray[np.float64]:
    """P(context type | code of the source ``name``), as its bidder believes; shape (codes, context types), rows sum to 1."""
    shown = likelihood(scenario, name, believed_retention(scenario, name))
    if scenario.data_of(name).unmatched == "prior":
        shown[-1] = 1.0
    yes = consent_law(scenario)
    given = np.stack([1.0 - yes, yes], axis=-1)[:, None]
    law = (law_of(scenario)[..., None] * given)[..., None]
    joint = (shown * law).sum(axis=(1, 3, 4, 5))
    total = joint.sum(axis=1, keepdims=True)
    prior = law.sum(axis=(0, 2, 3, 4))
    return np.asarray(np.where(total > 0, joint / np.where(total > 0, total, 1.0), prior))
