"""Which owner learns from which outcome: clicks belong to the cmo (and to agencies), conversions to the cio.

An owner that sees one kind alone values each at all worth divided by the number of its kind: the average value of a
click, or of a sale, is no secret. Where sales earn one more than another, the cio alone sees what each earned. A holder
of data of both owners learns from both. Where an impression does one thing alone, a click or an amount, it is the
margin too, and every owner knows it.
"""

from __future__ import annotations

from typing import NamedTuple

from jointbid.sim import Scenario
from jointbid.sim.response import margins
from jointbid.sim.training import TrainingLog


class Worth(NamedTuple):
    """The mean worth of a click and of a conversion to a learner, in currency; 0: it does not see them."""

    click: float
    conversion: float


def owned(scenario: Scenario, log: TrainingLog, sources: tuple[str, ...]) -> Worth:
    """Return the worth of the outcomes to a holder of these sources; without any source, both at their averages."""
    response = scenario.response
    owners = {scenario.owner_of(name) for name in sources}
    clicks, sales = float(log.clicks.sum()), float(log.conversions.sum())
    sale = float(log.margin.sum()) / sales if log.margin.size and sales else float(margins(response).mean())
    worth = response.value_per_click * clicks + sale * sales
    if owners == {"cio"}:
        return Worth(0.0, worth / sales if sales else sale)
    if owners and "cio" not in owners:
        return Worth(worth / clicks if clicks else response.value_per_click, 0.0)
    return Worth(response.value_per_click, sale)
