"""The tables of fields in docs/author-guide.md, made from the code: `python tools/guide_fields.py` writes them into the page."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass
from pathlib import Path

from jointbid.sim.account import AccountState
from jointbid.sim.public_columns import PUBLIC_COLUMNS
from jointbid.sim.visible import Feedback, KnownOutcomes
from jointbid.strategies.base import SIGMA, VALUE
from jointbid.strategies.market import MarketFacts

PAGE = Path(__file__).parents[1] / "docs" / "author-guide.md"
PART = re.compile(r"(<!-- fields: (\w+) -->\n).*?(<!-- end of fields -->)", re.DOTALL)

REQUESTS = {
    "<source>": (
        "int32",
        "the code that a source shows: 0 to k - 1 for its k types, k for unmatched (`profile`, `context`, `history` ...)",
    ),
    "age_<source>": ("float64", "hours since the source's copy was taken, where copies age"),
    "hour": ("float64", "hours since the start"),
    "floor": ("float64", "the request's floor, currency per impression; 0: none"),
    "auction_type": ("int8", "the number of its auction type"),
    "uniform": ("float64", "uniform on [0, 1), the strategy's own: its only source of chance"),
    "exposures": (
        "int32",
        "how often this person has been shown one's ads, where people are known; of strategies that declare it",
    ),
    VALUE: ("float64", "behind a valuation: the expected value of the impression, currency"),
    SIGMA: (
        "float64",
        "behind a valuation: the standard deviation of what it believes of that expected value, currency; of strategies that declare it",
    ),
}
FEEDBACK = {
    "requests": "the visible columns of one's own requests since the last time, as `bid` has seen them",
    "position": "the request's number in the run",
    "bid": "what was bid",
    "won": "whether it won",
    "late": "whether the answer came after the exchange's deadline, and lost",
    "price_paid": "what it cost; 0 where lost",
    "minimum_bid_to_win": "the best other bid or the floor, whichever is higher",
    "viewed": "whether the ad was seen",
    "creative": "the number of the creative shown; -1 where lost",
    "clicks": "clicks that became known since the last time, of these requests or of earlier ones",
    "conversions": "conversions that did",
    "settled": "the same without what is still due: what `finish` receives beyond that is marked `pending`",
}
OUTCOMES = {
    "requests": "the visible columns as they were at the bid",
    "position": "the request's number in the run",
    "creative": "the number of the creative shown",
    "hour": "when it happened, hours since the start",
    "weight": "the impressions that a row stands for: add these up",
    "margin": "what each conversion brings, currency; of clicks empty",
    "pending": "whether it comes after the end of the run; of `finish` alone",
    "settled": "those that are known by now",
}
STATE = {
    "hour": "hours since the start",
    "horizon_h": "hours of the whole run",
    "hours_left": "hours until the end of the run",
    "requests_seen": "requests so far, of the hours in which it may bid",
    "requests_expected": "requests of the whole run, of these hours",
    "requests_reported": "the requests that the reported spend is of",
    "requests_unreported": "requests since then",
    "report_age_h": "hours since the report; 0 without a delay",
    "spend": "spent, as reported",
    "wins": "impressions won, as reported",
    "budget": "what may be spent in the whole run; inf: no limit",
    "budget_left": "what may still be",
    "daily_budget": "what may be spent each day; inf: no limit",
    "left_today": "what may still be until midnight",
    "hours_left_today": "hours of today in which it may still bid; nan: not stated",
    "flight_hours_left": "the same of its whole flight",
    "is_renewed": "whether another day brings more money",
    "days": "how many daily budgets may be spent in all",
    "due_today": "today's money, where another day brings more",
    "due_requests_today": "the requests that it is for",
    "due": "the money to spend on the next `due_requests`",
    "due_requests": "the requests that it is for",
    "pace": "what an even plan spends on each request from here on",
    "planned": "`planned(n)`: what an even plan spends on the next n requests",
    "clicks": "clicks known by now",
    "conversions": "conversions known by now",
    "margin": "what these conversions bring",
}
MARKET = {
    "auction_types": "the names of its auction types",
    "hard_floor": "the floor on every request, currency per impression",
    "landscape": "the price landscape, where bidders have studied it: `cdf(bid)`, `quantile(share)`; else None",
    "floor_share": "the share of placements with a floor of their own",
    "floor_mu": "mean of the logarithm of these floors",
    "floor_sigma": "its standard deviation",
    "creatives": "the names of the campaign's creatives, in the order of their numbers",
    "context": "the column that shows the context, where prices depend on it and the bidder sees it; else empty",
    "context_source": "the source that shows the context, by name: the one called `context`, else the first that shows it",
    "by_code": "the landscape given each of its codes",
    "parts": "the market given each code of the context, or the market itself",
    "win_probability": "`win_probability(bid)`: the chance to reach the floor and beat the landscape",
    "types": "pairs of source and number of types",
    "types_of": "`types_of(source)`: the number of its types; the column holds one code more, for unmatched",
    "value_per_click": "what a click is worth, currency; 0 where outcomes are no clicks",
    "mechanisms": "the auction types that occur, each with its number in the column `auction_type`",
    "tells": "what the exchange tells of prices afterwards (`auction.tells`)",
    "currency": "the code of the currency of all money",
    "tmax_ms": "the exchange's time limit for an answer, milliseconds; None: it waits for all",
    "sources": "the data sources: name, owner, what each shows, and the number of its codes, unmatched included",
}
"""Words for each public field; a field that the code has and these lack fails a test."""


def tables() -> dict[str, str]:
    """Return the tables by name, as they stand on the page."""
    return {
        "requests": _table([(f"`{name}`", kind, words) for name, (kind, words) in REQUESTS.items()]),
        "feedback": _table(_rows(Feedback, FEEDBACK)),
        "outcomes": _table(_rows(KnownOutcomes, OUTCOMES)),
        "state": _table(_rows(AccountState, STATE)),
        "market": _table(_rows(MarketFacts, MARKET)),
    }


def missing() -> list[str]:
    """Return the public columns that the table of requests lacks."""
    return [name for name in PUBLIC_COLUMNS if name not in REQUESTS]


def _rows(kind: type, words: Mapping[str, str]) -> Iterator[tuple[str, str, str]]:
    """Yield name, type and words of each public field, property and method."""
    assert is_dataclass(kind)  # noqa: S101 - each of ours is
    own = {field.name: _short(str(field.type)) for field in fields(kind)}
    for name, thing in vars(kind).items():
        if name.startswith("_") or name in own or isinstance(thing, classmethod):
            continue
        if isinstance(thing, property):
            own[name] = _short(str(thing.fget.__annotations__.get("return", "")))
        elif callable(thing):
            own[name] = _short(str(thing.__annotations__.get("return", "")))
    order = [name for name in words if name in own]
    for name in [*order, *(name for name in own if name not in words)]:
        yield f"`{name}`", own[name], words.get(name) or "?"


def _short(kind: str) -> str:
    """Return an annotation in few words."""
    found = re.fullmatch(r"NDArray\[np\.(\w+?)_?\]", kind)
    return f"{found[1]}, shape (n,)" if found else kind.replace(" | ", " or ").replace("|", " or ")


def _table(rows: Iterator[tuple[str, str, str]] | list[tuple[str, str, str]]) -> str:
    lines = [f"| {name} | {kind} | {words} |" for name, kind, words in rows]
    return "\n".join(["| field | type | what it is |", "|---|---|---|", *lines, ""])


def written(page: str) -> str:
    """Return the page with its tables as they should be."""
    made = tables()
    return PART.sub(lambda part: f"{part[1]}{made[part[2]]}{part[3]}", page)


if __name__ == "__main__":
    PAGE.write_text(written(PAGE.read_text("utf-8")), "utf-8")
