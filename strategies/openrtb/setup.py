"""What a seat is set to, and the requests that it sees; without the extra ``openrtb``, which the conversation needs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from jointbid.sim import VisibleRequests
from jointbid.sim.auction.mechanisms import MECHANISMS
from jointbid.sim.scenario import MICROS

from ..market import MarketFacts
from .addresses import Address, Place


@dataclass(frozen=True)
class Setup:
    """The settings of a seat, checked; see ``jointbid.strategies.openrtb.seat.OpenRTB``."""

    address: Address
    market: MarketFacts
    currency: str
    tmax_ms: float | None
    is_measured: bool
    timeout_s: float
    max_bytes: int
    max_cpm: float
    concurrency: int
    notice_places: tuple[Place, ...]
    names: Mapping[str, tuple[str, ...]]
    inventory: str
    device: Mapping[str, Any]
    size: tuple[int, int]
    test: int
    gzip: bool
    ext: bool
    unique_ids: bool


class Row(NamedTuple):
    """One request as the seat sees it: source -> code and age, the public columns."""

    codes: dict[str, int]
    ages: dict[str, float]
    hour: float
    floor_micros: int
    auction_type: int
    uniform: float


def refuse_contradictions(setup: Setup, *, is_by_cell: bool) -> None:
    """Raise ``ValueError`` where settings contradict each other."""
    if setup.is_measured:
        if setup.tmax_ms is None:
            raise ValueError("latency = measured: needs a time limit; set auction.tmax_ms, or tmax_ms here")
        if setup.concurrency != 1:
            raise ValueError(
                f"concurrency = {setup.concurrency}: must be 1 with latency=measured, where answers are timed one by one"
            )
        if is_by_cell:
            raise ValueError("latency = measured: needs mode=per_request, where each request is answered")
    if is_by_cell and len(setup.market.auction_types) > 1:
        raise ValueError(
            f"mode = per_cell: needs one auction type, and this market has {', '.join(setup.market.auction_types)}; take mode=per_request"
        )


def rows_of(requests: VisibleRequests, market: MarketFacts, *, is_by_cell: bool) -> list[Row]:
    """Return the requests of a batch; asked by cell they have codes alone, with the market's one floor and auction type."""
    n, held = requests.n, [one.name for one in market.sources if one.name in requests]
    codes = zip(*(requests[name].tolist() for name in held), strict=True) if held else [()] * n
    if is_by_cell:
        kind = MECHANISMS[market.auction_types[0]]
        floor = round(market.hard_floor * MICROS)
        return [Row(dict(zip(held, each, strict=True)), {}, 0.0, floor, kind, 0.0) for each in codes]
    aged = [name for name in held if f"age_{name}" in requests]
    ages = zip(*(requests[f"age_{name}"].tolist() for name in aged), strict=True) if aged else [()] * n
    floors = np.rint(requests["floor"] * MICROS).astype(np.int64).tolist()
    public = zip(
        requests["hour"].tolist(),
        floors,
        requests["auction_type"].tolist(),
        requests["uniform"].tolist(),
        strict=True,
    )
    return [
        Row(dict(zip(held, each, strict=True)), dict(zip(aged, old, strict=True)), *rest)
        for each, old, rest in zip(codes, ages, public, strict=True)
    ]
