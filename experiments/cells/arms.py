"""What the arms of a market and its bidders are called, and which there are; no simulation is needed to know."""

from __future__ import annotations

from jointbid.sim.scenario import Scenario

from .lattice import JOINT, Lattice

STACKED, SPLIT_BUDGET, SUMMED = "stacked", "split_budget", "summed"
CLICKS = "clicks"
"""Holds every source, and takes clicks for all that follows an impression; where accounts are on a journey, and click."""
APART = (STACKED, SPLIT_BUDGET, SUMMED)
"""Arms that hold every source, but no model has seen two of them together."""
JOINING = (STACKED, SUMMED)
"""Those of them that put the owners' scores together. A strategy that reads sources itself sees both owners' data, and has none."""

SHOWS_BY = "/"
"""``joint/context`` bids on joint and shows creatives by context: two departments, where creatives are chosen."""

FOCAL = "focal"


def arms_of(scenario: Scenario, *, whole: bool = True) -> tuple[str, ...]:
    """Every arm of a market: its information sets, and the ways of holding all sources without joining them.

    With ``whole=False`` only those of no source, of one, of one owner, and of all.
    """
    lattice, silos = Lattice(tuple(scenario.source)), owners_of(scenario)
    sets = [
        m for m in lattice.sets if whole or len(m) in {0, 1, len(lattice.sources)} or lattice.arm(m) in silos
    ]
    apart = APART if len(lattice.sources) > 1 else ()
    clicks = (CLICKS,) if scenario.journey is not None and scenario.response.family == "logit" else ()
    return tuple(dict.fromkeys([*map(lattice.arm, sets), *apart, *two_departments(scenario), *clicks]))


def owners_of(scenario: Scenario) -> dict[str, str]:
    """The silos: the arm of all sources of an owner, and that owner. Of one source the arm is that source's."""
    lattice = Lattice(tuple(scenario.source))
    return {lattice.arm(held): owner for owner, held in scenario.silos.items()}


def two_departments(scenario: Scenario) -> tuple[str, ...]:
    """The arms in which one department bids and another shows, one of them on all data and the other on one source or silo."""
    if scenario.bidders.creative == "rotated" or len(scenario.source) < 2:
        return ()
    parts = [arm for arm in dict.fromkeys((*scenario.source, *owners_of(scenario))) if arm != JOINT]
    return tuple(SHOWS_BY.join(pair) for arm in parts for pair in ((JOINT, arm), (arm, JOINT)))


def bidder_names(count: int) -> list[str]:
    """What the bidders of a scenario are called, the focal one first."""
    return [FOCAL, *(f"rival_{number}" for number in range(1, count))][:count]
