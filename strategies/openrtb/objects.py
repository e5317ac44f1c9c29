"""The objects of OpenRTB 2.6 that a seat and a server exchange, with the specification's names; other fields are ignored.

Source: IAB Tech Lab, OpenRTB 2.6 (2022, updated to 202409), sections 3.2 and 4.2, and its lists of no-bid and loss reasons.
Not covered: video, audio and native, private marketplaces (``pmp``) and their deals.
"""

from __future__ import annotations

from typing import Any

from msgspec import Struct, field

VERSION = "2.6"
USD = "USD"
"""The currency of floors and bids that name none."""
EXCHANGE_SPECIFIC = 500
"""Auction types from here on are an exchange's own."""


class Banner(Struct, omit_defaults=True):
    """3.2.6: a banner of a size in pixels."""

    w: int | None = None
    h: int | None = None


class Imp(Struct, omit_defaults=True):
    """3.2.4: an impression that is offered; the floor is a CPM."""

    id: str
    banner: Banner | None = None
    bidfloor: float = 0.0
    bidfloorcur: str = USD


class Site(Struct, omit_defaults=True):
    """3.2.13: the web site."""

    id: str | None = None
    domain: str | None = None
    keywords: str | None = None


class App(Struct, omit_defaults=True):
    """3.2.14: the application."""

    id: str | None = None
    name: str | None = None
    bundle: str | None = None
    domain: str | None = None
    keywords: str | None = None


class Device(Struct, omit_defaults=True):
    """3.2.18: the device."""

    ua: str | None = None
    ip: str | None = None
    devicetype: int | None = None
    make: str | None = None
    model: str | None = None
    os: str | None = None
    language: str | None = None


class Segment(Struct, omit_defaults=True):
    """3.2.22: a segment of the person."""

    id: str | None = None


class Data(Struct, omit_defaults=True):
    """3.2.21: what one provider knows of the person."""

    id: str | None = None
    name: str | None = None
    segment: list[Segment] = field(default_factory=list)
    ext: Any = None


class User(Struct, omit_defaults=True):
    """3.2.20: the person."""

    id: str | None = None
    data: list[Data] = field(default_factory=list)


class BidRequest(Struct, omit_defaults=True):
    """3.2.1: a bid request; ``at`` is the auction type, ``tmax`` the time limit in milliseconds."""

    id: str
    imp: list[Imp] = field(default_factory=list)
    site: Site | None = None
    app: App | None = None
    device: Device | None = None
    user: User | None = None
    test: int = 0
    at: int = 2
    tmax: int | None = None
    cur: list[str] = field(default_factory=list)
    ext: Any = None


class Bid(Struct, omit_defaults=True):
    """4.2.3: a bid on an impression; the price is a CPM."""

    id: str
    impid: str
    price: float
    nurl: str | None = None
    burl: str | None = None
    lurl: str | None = None
    adm: str | None = None
    adid: str | None = None
    adomain: list[str] = field(default_factory=list)
    cid: str | None = None
    crid: str | None = None
    w: int | None = None
    h: int | None = None


class SeatBid(Struct, omit_defaults=True):
    """4.2.2: the bids of one seat."""

    bid: list[Bid] = field(default_factory=list)
    seat: str | None = None


class BidResponse(Struct, omit_defaults=True):
    """4.2.1: the answer; without ``seatbid`` no bid, for the reason ``nbr``."""

    id: str
    seatbid: list[SeatBid] = field(default_factory=list)
    bidid: str | None = None
    cur: str = USD
    nbr: int | None = None


class Loss:
    """Loss reasons, by the specification's list."""

    WON = 0
    EXPIRED = 2
    INVALID_RESPONSE = 3
    INVALID_AUCTION_ID = 5
    MISSING_PRICE = 9
    BELOW_FLOOR = 100
    OUTBID = 102
    SEAT_BLOCKED = 104


class NoBid:
    """No-bid reasons, by the specification's list."""

    TECHNICAL = 1
    INVALID_REQUEST = 2
    DAILY_CAP = 9
