"""Contradictions between the parts of a market: sources, people, outcomes and what bidders reckon with."""

from __future__ import annotations

from collections.abc import Iterator
from difflib import get_close_matches
from math import prod

from ..public_columns import ENGINE_COLUMNS
from .base import contradictions
from .bidders import kind_problems
from .parts import Parts
from .response import Logit
from .source import FACTORS, MOVING, OF_JOURNEYS, Source

MAX_CELLS_OF_TRUTH = 1 << 20
MAX_VISIBLE_CELLS = 1 << 21
"""The most combinations of what all sources together show: tables over them stay some 100 MB."""

ARMS = frozenset({"none", "joint", "stacked", "summed", "split_budget", "clicks", "best_single", "best_silo"})
"""Names of arms of studies: no source may have one of them."""


def source_problems(market: Parts) -> Iterator[str]:
    """Names of sources, what they show, and how many combinations they show together."""
    wrong = [
        f"source.{name}{problem}"
        for name, source in market.source.items()
        for problem in _problems_of(market, name, source)
    ]
    yield from wrong
    cells = 0 if wrong else prod(market.codes_of(name) for name in market.originals(market.source))
    if cells > MAX_VISIBLE_CELLS:
        yield (
            f"source: together they show {cells} different things ((types + 1) x ... over the sources): "
            f"at most {MAX_VISIBLE_CELLS}; have fewer sources, or fewer types"
        )
    if market.response.family == "private_value" and market.source:
        yield "source: with response.family=private_value every bidder knows its value; leave it empty"


def _problems_of(market: Parts, name: str, source: Source) -> Iterator[str]:
    if not name.isidentifier() or name in ARMS | ENGINE_COLUMNS or name.startswith("age_"):
        yield ": not a name for a source; take a word of letters, digits and _ that is no arm's and no column's"
    if source.copy_of is not None:
        original = market.source.get(source.copy_of)
        if original is None or original.copy_of is not None:
            known = ", ".join(other for other, one in market.source.items() if one.copy_of is None) or "none"
            yield f".copy_of = {source.copy_of}: must be a source that is no copy itself; there is: {known}"
        return
    shown = (
        *FACTORS,
        *(OF_JOURNEYS if market.journey is not None else ()),
        *(("stock",) if market.stock is not None else ()),
    )
    if (source.shows or name) not in shown:
        factor = source.shows or name
        close = get_close_matches(name, shown, n=1)
        hint = f"; did you mean 'source.{close[0]}'?" if close else ""
        if factor in MOVING:
            needed = "stock" if factor == "stock" else "a journey"
            wrong = f"{factor} needs {needed}; without it leave the source out (~source.{name}), or show"
        else:
            wrong = f"required, as {name} is not one of them: must be"
        yield f".shows: {wrong} one of {', '.join(shown)}{hint}"
        return
    for key, factor in (("match_rate", market.factor_of(name)), ("coverage", "context")):
        given, types = getattr(source, key), market.types_of(factor)
        if isinstance(given, tuple) and len(given) != types:
            kind = "types" if key == "match_rate" else "context types"
            yield f".{key}: {len(given)} numbers for {types} {kind}"


def people_problems(market: Parts) -> Iterator[str]:
    """Sizes of the audience, and settings that need people who come back."""
    truth = prod(map(market.types_of, FACTORS))
    if truth > MAX_CELLS_OF_TRUTH:
        yield (
            "audience.profile_types x supply.context_types x audience.history_types = "
            f"{truth}: at most {MAX_CELLS_OF_TRUTH}"
        )
    consent = market.audience.consent
    if isinstance(consent, tuple) and len(consent) != market.audience.profile_types:
        yield f"audience.consent: {len(consent)} numbers for {market.audience.profile_types} profile types"
    if market.audience.people is None:
        for key, used in (
            ("audience.activity_skew", market.audience.activity_skew > 0),
            ("response.fatigue", market.response.fatigue > 0),
            ("bidders.terms.caps", bool(market.bidders.terms.caps)),
            ("bidders.terms.holdout", market.bidders.terms.holdout is not None),
        ):
            if used:
                yield f"{key}: requires audience.people (the number of people)"
    elif market.supply.kind == "log":
        yield "audience.people: a log brings its own people; leave it null"


def outcome_problems(market: Parts) -> Iterator[str]:
    """What in the rest of a market contradicts what follows an impression."""
    response, contexts = market.response, market.types_of("context")
    levels = market.rivals.by_context
    if levels and len(levels) != contexts:
        yield f"rivals.by_context: {len(levels)} numbers for {contexts} context types"
    if levels and (market.rivals.landscape is None or market.bidders.values != "common"):
        yield "rivals.by_context: needs a price landscape, and bidders.values=common"
    slope = market.rivals.context_slope
    if slope and market.rivals.landscape is None:
        yield f"rivals.context_slope = {slope:g}: needs a price landscape (rivals.landscape); without one it must be 0"
    if slope and isinstance(market.bidders.values, float) and market.bidders.count > 1:
        yield (
            f"rivals.context_slope = {slope:g}: must be 0 with several bidders and bidders.values = {market.bidders.values:g}; it is "
            "not worked out what a context then tells of prices"
        )
    if slope and response.family == "private_value":
        yield f"rivals.context_slope = {slope:g}: must be 0 with response.family=private_value, which has no contexts"
    worthless = response.conversion is None and response.value_per_click == 0
    if worthless and market.journey is None:
        yield "response.value_per_click = 0: must be above 0 where there are no conversions and no journey"
    if isinstance(response.viewability, tuple) and len(response.viewability) != contexts:
        yield f"response.viewability: {len(response.viewability)} numbers for {contexts} context types"
    yield from _margin_problems(market)
    if market.creative and response.family == "private_value":
        yield "creative: with response.family=private_value there is nothing that a creative could change"
    if any(c.conversion != Logit() for c in market.creative.values()) and response.conversion is None:
        yield "creative: a creative's conversion needs response.conversion"
    if response.family == "logit" and market.auction.slots[0] > 1:
        yield (
            f"auction.slots: {market.auction.slots[0]:g} times a click probability can pass 1; "
            "with response.family=logit click rates are at most 1"
        )


def _margin_problems(market: Parts) -> Iterator[str]:
    margins, types = market.response.conversion, market.audience.profile_types
    if margins is not None and isinstance(margins.value, tuple) and len(margins.value) != types:
        yield f"response.conversion.value: {len(margins.value)} numbers for {types} profile types"


def choice_problems(market: Parts) -> Iterator[str]:
    """Two departments reckon with what the other does on average, at any age of its data."""
    bidders = market.bidders
    if "chosen" not in {bidders.creative, *(kind.creative for kind in bidders.kinds.values())}:
        return
    if bidders.beliefs == "winning":
        yield "bidders.beliefs = winning: with bidders.creative=chosen must be naive"
    if len(market.creative) < 2:
        yield f"bidders.creative = chosen: there is nothing to choose among {len(market.creative)} creatives"
    for name in market.originals(market.source):
        source = market.data_of(name)
        if source.ages and source.age_known:
            yield f"source.{name}.age_known: with bidders.creative=chosen the age is not used; set it to false"
        if source.unmatched == "prior":
            yield f"source.{name}.unmatched: with bidders.creative=chosen it must be signal"


def belief_problems(market: Parts) -> Iterator[str]:
    """Where it is not worked out what winning tells."""
    if market.bidders.beliefs != "winning":
        return
    own = [
        name
        for name, source in market.source.items()
        if source.exclusive and not (source.is_whole and market.audience.consent == 1.0)
    ]
    yield from contradictions(
        "bidders.beliefs=winning",
        (
            "bidders.values",
            market.bidders.values == "private",
            "common, or a correlation above 0: of private values winning tells nothing",
        ),
        ("auction.type", set(market.auction.shares) != {"second_price"}, "second_price"),
        ("auction.slots", len(market.auction.slots) > 1, "one slot"),
        ("auction.rank.rule", market.auction.rank.rule != "bid", "bid"),
        ("rivals.landscape", market.rivals.landscape is not None, "null: rivals who are bidders"),
        (
            f"source.{own[0] if own else ''}.exclusive",
            bool(own),
            "false where it does not show all of the truth",
        ),
    )


def drift_problems(market: Parts) -> Iterator[str]:
    """What in the rest of a market contradicts a profile that is a product's and changes in time."""
    response, bidders = market.response, market.bidders
    if market.audience.drift is None:
        return
    yield from contradictions(
        "audience.drift",
        ("supply.kind", market.supply.kind == "log", "synthetic: a log's columns are as they were"),
        ("journey", market.journey is not None, "null: accounts on a journey have a profile of their own"),
        ("audience.consent", market.audience.consent != 1.0, "1: products are not asked"),
        ("response.redundancy", response.redundancy != 0, "0: a product's state says nothing of which it is"),
        ("response.history_redundancy", response.history_redundancy != 0, "0"),
        ("response.family", response.family == "private_value", "additive or logit"),
        ("bidders.values", bidders.values != "common", "common: a product is the same for all"),
        ("bidders.beliefs", bidders.beliefs == "winning", "naive"),
    )
    shown = market.showing("profile")
    if len(shown) > 1:
        yield f"source.{shown[1]}: with audience.drift one source alone may show the profile; make it a copy_of {shown[0]}"
    for name in shown:
        if market.source[name].flip_rate_per_h > 0:
            yield f"source.{name}.flip_rate_per_h: a product changes as audience.drift says; leave it 0"


def bidder_kind_problems(market: Parts) -> Iterator[str]:
    """Kinds of bidders against the sources and the people that there are."""
    anonymous = market.audience.people is None
    yield from kind_problems(market.bidders, tuple(market.source), anonymous=anonymous)
