"""What enters a market as a bidder: a strategy, its data and its money."""

from __future__ import annotations

from dataclasses import dataclass, replace

from .scenario import Bidders, Terms
from .visible import Strategy


@dataclass(frozen=True, slots=True)
class Entrant:
    """A bidder that enters a market.

    ``information`` names the sources it may use (None: all that the scenario has). ``budget`` is in currency per
    replication; None is unlimited. ``terms`` say when it may bid (None: those of the scenario). Bidders of one ``advertiser``
    (None: its own) share facts and data, and never bid against each other. One of ``control_every`` control steps of the market is its
    own: the less often it looks at its account and learns. It receives reports of what it bought ``report_delay_h`` late (None: as the
    scenario says). Messages call the strategy ``strategy_name`` (None: as its class).
    """

    strategy: Strategy
    information: tuple[str, ...] | None = None
    budget: float | None = None
    advertiser: str | None = None
    terms: Terms | None = None
    control_every: int = 1
    report_delay_h: float | None = None
    strategy_name: str | None = None


def as_entrant(entry: Strategy | Entrant, bidders: Bidders) -> Entrant:
    """Return an entrant with what it leaves open filled in from the scenario; a bare strategy has ``bidders.budget``."""
    entrant = entry if isinstance(entry, Entrant) else Entrant(entry, budget=bidders.budget)
    delay_h = bidders.report_delay_h if entrant.report_delay_h is None else entrant.report_delay_h
    return replace(entrant, report_delay_h=delay_h, terms=entrant.terms or bidders.terms)
