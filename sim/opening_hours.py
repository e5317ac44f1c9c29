"""When a bidder may bid: its flight and its day parts."""

from __future__ import annotations

from collections.abc import Iterator

from .scenario import HOUR_US, Terms

DAY_H = 24


def is_always_open(terms: Terms) -> bool:
    """Return whether a bidder may bid at any hour."""
    return terms.flight_h is None and not terms.day_parts


def changes(terms: Terms, horizon_h: float) -> Iterator[tuple[int, bool]]:
    """Yield (time in microseconds, whether the bidder may bid from then on), the first at time 0, each time that this changes."""
    if is_always_open(terms):
        yield 0, True
        return
    start, end = terms.flight_h or (0.0, float("inf"))
    moments = {0.0, start, end}
    if terms.day_parts:
        moments |= {float(hour) for hour in range(int(horizon_h) + 1)}
    before = None
    for hour in sorted(moment for moment in moments if moment < horizon_h):
        now = start <= hour < end and (not terms.day_parts or int(hour) % DAY_H in terms.day_parts)
        if now != before:
            yield round(hour * HOUR_US), now
        before = now
