"""Whether what enters a market is a strategy, and what to do where it is something else."""

from __future__ import annotations

from collections.abc import Mapping

from .public_columns import SIGMA, VALUE
from .scenario import Scenario
from .visible import STRATEGY_PARTS

LACKING = object()
MAX_BIDDERS = 2**15 - 1
"""Shortlists and sales hold a bidder's number in 16 bits."""


def check_arguments(scenario: object, strategies: object) -> None:
    """Raise ``TypeError`` or ``ValueError`` for what is no scenario, or no mapping of at most ``MAX_BIDDERS`` names to strategies."""
    if not isinstance(scenario, Scenario):
        raise TypeError(
            f"scenario: {type(scenario).__name__}; allowed: a Scenario (jointbid.load(NAME) makes one)"
        )
    if not isinstance(strategies, Mapping):
        raise TypeError(
            f"strategies: {type(strategies).__name__}; allowed: a mapping of bidder names to strategies, {{'me': strategy}}"
        )
    if len(strategies) > MAX_BIDDERS:
        raise ValueError(f"strategies: {len(strategies)} bidders; allowed: at most {MAX_BIDDERS}")


def check_kind(bidder: str, strategy: object) -> None:
    """Raise ``TypeError`` for a class in place of an instance, a valuation without a policy, a text for names, or anything else."""
    for part in (strategy, *(getattr(strategy, key, None) for key in ("policy", "valuation"))):
        if isinstance(part, type):
            raise TypeError(
                f"bidder {bidder!r}: {part.__name__} is a class; give an instance: {part.__name__}(...)"
            )
        if wrong := one_text(getattr(part, "reads", None)):
            raise TypeError(f"bidder {bidder!r}: {type(part).__name__}.reads = {wrong}")
    name = type(strategy).__name__
    if hasattr(strategy, VALUE) and not hasattr(strategy, "bid"):
        raise TypeError(
            f"bidder {bidder!r}: {name} is a valuation, which makes no bids; put a policy behind it: Priced({name}(...), Truthful())"
        )
    for part in (getattr(strategy, "policy", strategy), strategy):
        if wrong := no_strategy(part):
            raise TypeError(f"bidder {bidder!r}: {wrong}")


def no_strategy(thing: object) -> str:
    """Return what an object lacks to be a strategy, and what to do; empty for a strategy."""
    lacks = [part for part in STRATEGY_PARTS if getattr(thing, part, LACKING) is LACKING]
    name = type(thing).__name__
    return (
        f"{name} is no strategy: it has no {', '.join(lacks)}; derive it from jointbid.Policy"
        if lacks
        else ""
    )


def one_text(names: object) -> str:
    """Return what is wrong with a text in place of a tuple of names, as which its letters would pass; empty for anything else."""
    return (
        f"{names!r} is one text, and no tuple of names; write ({names!r},)" if isinstance(names, str) else ""
    )


def price_column(column: str, strategy: object) -> str:
    """What to do about a policy that reads a valuation's column and has none; empty for any other column."""
    if column not in {VALUE, SIGMA}:
        return ""
    name = type(strategy).__name__
    return (
        f". A valuation fills the column {column!r}: enter Priced(valuation, {name}(...)), for example "
        f"Priced(bayes(scenario, ('profile', 'context')), {name}(...))"
        + (
            f"; a replayed log has none: name {SIGMA!r} in may_read, and test whether it is there"
            if column == SIGMA
            else ""
        )
    )
