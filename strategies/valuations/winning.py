"""What an impression is worth given that it is won against rivals who know more: common values and the winner's curse."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from jointbid.sim import Scenario

from ..base import Valuation
from .bayes import bayes, believed_retention, mean_value, posterior
from .tables import CellValues


def winning(scenario: Scenario, information: tuple[str, ...], rivals: Iterable[tuple[str, ...]]) -> Valuation:
    """A bid in a second-price auction of one common value that no better informed rival can make a loss.

    ``rivals`` are the sources that each of the others holds. A bidder that knows all that they know bids its expected value. One that
    knows less wins only what the better informed left: it bids the least that they could think an impression worth, given
    what it sees itself. Where information is nested that is an equilibrium (Milgrom & Weber 1982 for the reasoning: a rival
    who knows more bids the value itself, so that what is won above the least is won at its value or at a loss); where
    rivals know different things it is merely cautious.
    """
    others = {name for held in rivals for name in held}
    names, held = scenario.originals({*information, *others}), scenario.originals(information)
    if names == held:
        return bayes(scenario, information)
    known = posterior(scenario, names, {name: believed_retention(scenario, name) for name in names})
    prior = mean_value(scenario)
    value = np.where(known.weight > 1e-15, known.mean(prior), np.inf)
    hidden = tuple(axis for axis, name in enumerate(names) if name not in held)
    least = value.min(axis=hidden)
    return CellValues(scenario.distinct(information), np.where(np.isfinite(least), least, prior))
