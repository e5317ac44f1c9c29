"""What bidders reckon with, where that is worked out for some markets alone."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from .base import contradictions

if TYPE_CHECKING:
    from . import Scenario


def choice_problems(scenario: Scenario) -> Iterator[str]:
    """Two departments reckon with what the other does on average, whatever the age of its data."""
    bidders = scenario.bidders
    if "chosen" not in {bidders.creative, *(kind.creative for kind in bidders.kinds.values())}:
        return
    if bidders.beliefs == "winning":
        yield "bidders.beliefs = winning: with bidders.creative=chosen must be naive"
    if len(scenario.creative) < 2:
        yield f"bidders.creative = chosen: there is nothing to choose among {len(scenario.creative)} creatives"
    for name in scenario.originals(scenario.source):
        source = scenario.data_of(name)
        if source.ages and source.age_known:
            yield f"source.{name}.age_known: with bidders.creative=chosen the age is not used; set it to false"
        if source.unmatched == "prior":
            yield f"source.{name}.unmatched: with bidders.creative=chosen it must be signal"


def belief_problems(scenario: Scenario) -> Iterator[str]:
    """Where it is not worked out what winning tells."""
    if scenario.bidders.beliefs == "naive":
        return
    own = [
        name
        for name, source in scenario.source.items()
        if source.exclusive and not (source.is_whole and scenario.audience.consent == 1.0)
    ]
    yield from contradictions(
        "bidders.beliefs=winning",
        ("bidders.values", scenario.bidders.values != "common", "common: where all look at the same facts"),
        ("auction.type", set(scenario.auction.shares) != {"second_price"}, "second_price"),
        ("auction.slots", len(scenario.auction.slots) > 1, "one slot"),
        ("rivals.landscape", scenario.rivals.landscape is not None, "null: rivals who are bidders"),
        (
            f"source.{own[0] if own else ''}.exclusive",
            bool(own),
            "false where it does not show all of the truth",
        ),
    )
