"""Settings of a seat or a server, checked as they come in: ``ValueError`` names the setting, its value and what is allowed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ..market import MarketFacts
from ..parameters import whole

NO_CURRENCY = "USD"
"""The currency of a scenario that names none by its ISO code."""


def currency_of(given: str | None, market: MarketFacts) -> str:
    """Return the ISO code that is given, else that of the market, else ``NO_CURRENCY``. Raises ``ValueError`` for what is no code."""
    if given is None:
        own = market.currency
        return own if len(own) == 3 and own.isascii() and own.isupper() else NO_CURRENCY
    if not (isinstance(given, str) and len(given) == 3 and given.isascii() and given.isupper()):
        raise ValueError(f"currency = {given}: must be an ISO 4217 code, as USD")
    return given


def names_of(given: Mapping[str, Sequence[str]], market: MarketFacts) -> dict[str, tuple[str, ...]]:
    """Return source -> the names of its codes. Raises ``ValueError``: no such source, or not a name a code."""
    codes = {one.name: one.codes - 1 for one in market.sources}
    for name, texts in given.items():
        if name not in codes:
            raise ValueError(f"names.{name}: no such source (there is: {', '.join(codes) or 'none'})")
        if isinstance(texts, str) or len({*map(str, texts)}) != len(texts) or len(texts) != codes[name]:
            raise ValueError(f"names.{name}: must be {codes[name]} different names, one a code")
    return {name: tuple(map(str, texts)) for name, texts in given.items()}


def size_of(given: Sequence[int]) -> tuple[int, int]:
    """Return width and height in pixels."""
    if isinstance(given, str) or len(given) != 2:
        raise ValueError(f"size = {given}: must be [width, height] in pixels")
    return whole("size", given[0]), whole("size", given[1])
