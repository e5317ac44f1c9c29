"""Notices of wins, of billing and of losses: whose URL, with which macros (OpenRTB 2.6, section 4.4), to which host."""

from __future__ import annotations

import base64
import re
from collections.abc import Collection, Iterator, Mapping
from typing import NamedTuple
from urllib.parse import quote

from .addresses import PRINTABLE, URL_LENGTH, Place, address_of
from .objects import Loss
from .response import Verdict, cpm_of

MACRO = re.compile(r"\$\{(AUCTION_[A-Z_]+)(:B64)?\}")


UNTOLD = -1
"""The minimum bid to win where the exchange does not tell it (``auction.tells``)."""


class Result(NamedTuple):
    """How an auction ended for the bid that took part; money in micros per impression, the time in milliseconds."""

    is_won: bool
    is_viewed: bool
    paid_micros: int
    needed_micros: int
    loss: int
    at_ms: int


class Notice(NamedTuple):
    """One notice: ``nurl``, ``burl`` or ``lurl``, and its URL with the macros filled in."""

    kind: str
    url: str


def notices(verdict: Verdict, result: Result, request_id: str, impid: str, currency: str) -> Iterator[Notice]:
    """Yield each notice of one request: of the bid that took part, and of each that did not."""
    common = {
        "AUCTION_ID": request_id,
        "AUCTION_IMP_ID": impid,
        "AUCTION_CURRENCY": currency,
        "AUCTION_BID_ID": verdict.bidid,
        "AUCTION_SEAT_ID": verdict.seat,
        "AUCTION_MIN_TO_WIN": "" if result.needed_micros == UNTOLD else cpm_of(result.needed_micros),
        "AUCTION_MULTIPLIER": "1",
        "AUCTION_IMP_TS": str(result.at_ms),
    }
    if (bid := verdict.bid) is not None:
        own = {**common, "AUCTION_AD_ID": bid.adid or ""}
        if result.is_won:
            own |= {
                "AUCTION_PRICE": cpm_of(result.paid_micros),
                "AUCTION_MBR": f"{result.paid_micros / max(verdict.micros, 1):.4f}",
                "AUCTION_LOSS": str(Loss.WON),
            }
            yield from _of(bid.nurl, "nurl", own)
            if result.is_viewed:
                yield from _of(bid.burl, "burl", own)
        else:
            yield from _of(bid.lurl, "lurl", {**own, "AUCTION_LOSS": str(result.loss)})
    for other, reason in verdict.lost:
        own = {**common, "AUCTION_AD_ID": other.adid or "", "AUCTION_LOSS": str(reason)}
        yield from _of(other.lurl, "lurl", own)


def _of(url: str | None, kind: str, values: Mapping[str, str]) -> Iterator[Notice]:
    if url:
        yield Notice(kind, filled(url, values))


def filled(url: str, values: Mapping[str, str]) -> str:
    """Return the URL with its macros filled in, percent-encoded; one that is not known, or has no value, becomes empty."""

    def value(found: re.Match[str]) -> str:
        text = values.get(found[1], "")
        if found[2]:
            text = base64.b64encode(text.encode()).decode()
        return quote(text, safe="")

    return MACRO.sub(value, url) if "${" in url else url


def get(target: str, host: str) -> bytes:
    """Return the bytes of a GET."""
    return f"GET {target} HTTP/1.1\r\nHost: {host}\r\nAccept: */*\r\n\r\n".encode("ascii")


class Router:
    """Which notices are sent, and where: those to the bidder's own host and to others that are named.

    Args:
        own: the bid URL's host, port and TLS.
        others: further places that notices may go to.
        origin: the start of a URL of the bidder's own host, ``http://127.0.0.1:8080``.
    """

    def __init__(self, own: Place, others: Collection[Place], origin: str) -> None:
        self._own, self._allowed, self._origin = own, {own, *others}, origin

    def route(self, notice: Notice) -> tuple[Place, bytes] | None:
        """Return where the notice goes and what is sent; None where it may not be sent."""
        url, origin = notice.url, self._origin
        rest = url[len(origin) :]
        if (
            url.startswith(origin)
            and rest[:1] == "/"
            and "#" not in rest
            and PRINTABLE.match(url)
            and len(url) <= URL_LENGTH
        ):
            return self._own, get(rest, origin.partition("//")[2])
        found = address_of(url)
        if found is None or found.place not in self._allowed:
            return None
        name = f"[{found.host}]" if ":" in found.host else found.host
        return found.place, get(found.target, f"{name}:{found.port}")
