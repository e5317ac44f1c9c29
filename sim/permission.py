"""When a bidder may bid, and on whom: flights, day parts, what is left of a day's budget, people whom a test leaves out."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from .audience import Visits
from .ledger import UNLIMITED
from .scenario import HOUR_US, MICROS, Holdout, Terms
from .streams import Streams

DAY_H = 24


def changes(terms: Terms, horizon_h: float) -> Iterator[tuple[int, bool]]:
    """(time in microseconds, whether it may bid from then on), the first at time 0; only where something changes."""
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


def left_today(budget: float | None, daily: float | None, spend_micros: int) -> int:
    """What may be spent until the next midnight, in micros: the day's budget, or what is left of the run's if less."""
    whole = int(UNLIMITED) if budget is None else round(budget * MICROS) - spend_micros
    return whole if daily is None else min(whole, round(daily * MICROS))


def held_out(holdout: Holdout, name: str, streams: Streams, visits: Visits) -> NDArray[np.bool_]:
    """Which requests come from people whom the campaign ``name`` leaves out, shape (n,); a fact of the person."""
    return visits.by_person(streams, f"holdout/{holdout.group or name}") < holdout.share


def people_held_out(holdout: Holdout, name: str, streams: Streams, people: int) -> NDArray[np.bool_]:
    """The same of all people by number, shape (people,)."""
    return streams.uniform(f"holdout/{holdout.group or name}", 0, people) < holdout.share
