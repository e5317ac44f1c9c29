"""What a strategy sees of a bid request that came over HTTP: its columns, from segments, floor, auction type and clock."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

import numpy as np

from jointbid.sim import Entrant
from jointbid.sim.auction.mechanisms import MECHANISMS
from jointbid.sim.public_columns import PUBLIC_COLUMNS
from jointbid.sim.scenario import MICROS

from ..market import MarketFacts
from .objects import EXCHANGE_SPECIFIC, BidRequest, Imp
from .response import micros_of


class Reading:
    """Columns of the entrant's strategy, of requests for its market.

    ``kinds`` are the columns with their types. Segments are found in the ``user.data`` object whose ``id`` is the source's name: its
    first segment's ``id`` is the code, or its name in ``names``; without one the source has no match.

    Raises:
        ValueError: the strategy reads a column that requests do not show.
    """

    def __init__(self, entrant: Entrant, market: MarketFacts, names: Mapping[str, tuple[str, ...]]) -> None:
        sources = {one.name: one for one in market.sources}
        held = [name for name in sources if entrant.information is None or name in entrant.information]
        ages = (f"age_{name}" for name in held if sources[name].age_known)
        allowed = (*held, *ages, *PUBLIC_COLUMNS)
        strategy = entrant.strategy
        reads = allowed if strategy.reads is None else strategy.reads
        if hidden := [name for name in reads if name not in allowed]:
            raise ValueError(
                f"the strategy reads {hidden[0]}, which bid requests do not show; they show: {', '.join(allowed)}"
            )
        more = [name for name in getattr(strategy, "may_read", ()) if name in allowed and name not in reads]
        self.columns = (*reads, *more)
        self._unmatched = {name: sources[name].codes - 1 for name in held if name in self.columns}
        self._codes = {
            name: {text: code for code, text in enumerate(names.get(name) or map(str, range(unmatched)))}
            for name, unmatched in self._unmatched.items()
        }
        self._ages = [name for name in held if f"age_{name}" in self.columns]
        self._default = MECHANISMS[market.auction_types[0]]
        self.kinds = {name: self._kind(name) for name in self.columns}

    def row(self, request: BidRequest, imp: Imp, hour: float) -> dict[str, float]:
        """Return each column's number for one impression."""
        data = {one.id: one for one in request.user.data} if request.user else {}
        found: dict[str, float] = {}
        for name, unmatched in self._unmatched.items():
            segments = data[name].segment if name in data else []
            found[name] = self._codes[name].get(segments[0].id or "", unmatched) if segments else unmatched
        for name in self._ages:
            ext = data[name].ext if name in data else None
            found[f"age_{name}"] = _number(ext, "age_h", 0.0)
        floor = max(micros_of(imp.bidfloor), 0) / MICROS
        found |= {"hour": hour, "floor": floor, "auction_type": self._auction_type(request.at)}
        if "uniform" in self.kinds:
            found["uniform"] = uniform_of(request, imp)
        return {name: found[name] for name in self.columns}

    def _auction_type(self, at: int) -> int:
        if at in {1, 2}:
            return MECHANISMS["first_price" if at == 1 else "second_price"]
        number = at - EXCHANGE_SPECIFIC
        return number if number in MECHANISMS.values() else self._default

    def _kind(self, name: str) -> type[np.generic]:
        if name in self._unmatched:
            return np.int32
        return np.int8 if name == "auction_type" else np.float64


def uniform_of(request: BidRequest, imp: Imp) -> float:
    """Return the strategy's random number in [0, 1): as a simulated exchange states it, else by the ids of request and impression."""
    given = _number(simulated(request), "uniform", -1.0)
    if 0.0 <= given < 1.0:
        return given
    digest = hashlib.blake2b(f"{request.id}\n{imp.id}".encode(), digest_size=8).digest()
    return (int.from_bytes(digest, "little") >> 11) / (1 << 53)


def simulated(request: BidRequest) -> Mapping[str, Any]:
    """Return what a simulated exchange says of the run (``ext.jointbid``); empty for any other."""
    ext = request.ext.get("jointbid") if isinstance(request.ext, dict) else None
    return ext if isinstance(ext, dict) else {}


def _number(thing: object, key: str, otherwise: float) -> float:
    value = thing.get(key) if isinstance(thing, dict) else None
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else otherwise


def hour_of(request: BidRequest) -> float:
    """Return the simulated hour that a request states; nan where it states none."""
    return _number(simulated(request), "hour", float("nan"))
