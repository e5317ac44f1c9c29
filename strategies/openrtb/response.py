"""What an exchange makes of an answer: the bid that takes part, or the reason why none does."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import msgspec

from jointbid.sim.scenario import MICROS_PER_CPM

from .http_client import Answer, ExchangeError
from .objects import Bid, BidResponse, Loss

BIDS_READ = 64
"""Bids of one answer that are looked at."""

_DECODER = msgspec.json.Decoder(BidResponse)


@dataclass(frozen=True, slots=True)
class Asked:
    """What the answer must fit: the request's id, its impression, its currency, its floor and the highest price, in micros."""

    id: str
    impid: str
    currency: str
    floor_micros: int
    most_micros: int


@dataclass(slots=True)
class Verdict:
    """What became of one request.

    Attributes:
        outcome: one of ``jointbid.strategies.openrtb.counts.OUTCOMES``.
        micros: the bid in micros per impression; 0 for no bid.
        bid: the bid that takes part.
        bidid, seat: of the answer, for macros.
        lost: bids that do not take part, each with its loss reason.
        nbr: the bidder's reason for no bid.
        ms: how long the answer took.
    """

    outcome: str
    micros: int = 0
    bid: Bid | None = None
    bidid: str = ""
    seat: str = ""
    lost: list[tuple[Bid, int]] = field(default_factory=list)
    nbr: int | None = None
    ms: float = math.nan


def judge(answer: Answer | ExchangeError, asked: Asked) -> Verdict:
    """Return what becomes of an answer. No answer raises an error, malformed or not."""
    if isinstance(answer, ExchangeError):
        return Verdict(answer.kind)
    if answer.status == 204:
        return Verdict("no_bid", ms=answer.ms)
    if answer.status != 200:
        kind = {4: "http_4xx", 5: "http_5xx"}.get(answer.status // 100, "http_other")
        return Verdict(kind, ms=answer.ms)
    if not answer.body.strip():
        return Verdict("no_bid", ms=answer.ms)
    try:
        response = _DECODER.decode(answer.body)
    except (msgspec.MsgspecError, RecursionError, ValueError, OverflowError):
        return Verdict("malformed", ms=answer.ms)
    verdict = _of_response(response, asked)
    verdict.ms = answer.ms
    return verdict


def _of_response(response: BidResponse, asked: Asked) -> Verdict:
    offers = [(bid, seat.seat or "") for seat in response.seatbid for bid in seat.bid][:BIDS_READ]
    if not offers:
        return Verdict("no_bid", nbr=response.nbr)
    bidid = response.bidid or ""
    if response.id != asked.id:
        return _none("wrong_id", [(bid, Loss.INVALID_AUCTION_ID) for bid, _ in offers], bidid)
    if response.cur != asked.currency:
        return _none("wrong_currency", [(bid, Loss.INVALID_RESPONSE) for bid, _ in offers], bidid)
    good: list[tuple[int, Bid, str]] = []
    bad: list[tuple[str, Bid, int]] = []
    for bid, seat in offers:
        micros = micros_of(bid.price)
        if bid.impid != asked.impid:
            bad.append(("wrong_imp", bid, Loss.INVALID_RESPONSE))
        elif not 0 < micros <= asked.most_micros:
            bad.append(("bad_price", bid, Loss.MISSING_PRICE))
        elif micros < asked.floor_micros:
            bad.append(("below_floor", bid, Loss.BELOW_FLOOR))
        else:
            good.append((micros, bid, seat))
    lost = [(bid, reason) for _, bid, reason in bad]
    if not good:
        return _none(bad[0][0], lost, bidid)
    best = max(range(len(good)), key=lambda number: good[number][0])  # the first of equals
    lost += [(bid, Loss.OUTBID) for number, (_, bid, _) in enumerate(good) if number != best]
    micros, bid, seat = good[best]
    return Verdict("bids", micros, bid, bidid, seat, lost)


def _none(outcome: str, lost: list[tuple[Bid, int]], bidid: str) -> Verdict:
    return Verdict(outcome, bidid=bidid, lost=lost)


def micros_of(cpm: float) -> int:
    """Return a price in micros per impression, rounded half to even; -1 for what is no amount of money."""
    micros = cpm * MICROS_PER_CPM
    return round(micros) if math.isfinite(micros) and micros >= 0 else -1


def cpm_of(micros: int) -> str:
    """Return micros per impression as the text of a CPM, exactly: three decimals."""
    return f"{micros // MICROS_PER_CPM}.{micros % MICROS_PER_CPM:03d}"
