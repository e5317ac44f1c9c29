"""The bid requests of a seat as HTTP messages."""

from __future__ import annotations

import secrets
from typing import Any

import msgspec

from jointbid.sim.auction.mechanisms import MECHANISMS
from jointbid.sim.scenario import MICROS_PER_CPM

from .objects import (
    EXCHANGE_SPECIFIC,
    VERSION,
    App,
    Banner,
    BidRequest,
    Data,
    Device,
    Imp,
    Segment,
    Site,
    User,
)
from .setup import Row, Setup

IMP_ID = "1"
AUCTION_CODES = {MECHANISMS["first_price"]: 1, MECHANISMS["second_price"]: 2}
"""OpenRTB's code of an auction type by its number here; others count from ``EXCHANGE_SPECIFIC`` on."""


class BidRequests:
    """Writes requests; what all of them share is made once."""

    def __init__(self, setup: Setup, netloc: str) -> None:
        self._setup, self._encode = setup, msgspec.json.Encoder().encode
        self._run = secrets.token_hex(6)
        self._site: dict[str, Any] = {"id": "jointbid", "domain": "jointbid.example"}
        if setup.inventory == "app":
            self._site["bundle"] = "example.jointbid"
        self._banner = Banner(*setup.size)
        device = {"devicetype": 2 if setup.inventory == "site" else 4, **setup.device}
        self._device = msgspec.convert(device, Device)
        coding = "Accept-Encoding: gzip\r\n" if setup.gzip else ""
        self._head = (
            f"POST {setup.address.target} HTTP/1.1\r\nHost: {netloc}\r\nContent-Type: application/json\r\n"
            f"X-OpenRTB-Version: {VERSION}\r\n{coding}Content-Length: "
        ).encode("ascii")
        self._names = {
            one.name: setup.names.get(one.name) or tuple(map(str, range(one.codes - 1)))
            for one in setup.market.sources
        }

    def message(self, row: Row, request_id: str) -> bytes:
        """Return the POST of one request, headers and body."""
        setup, site, data = self._setup, self._site, []
        for source in setup.market.sources:
            code = row.codes.get(source.name)
            if code is None:
                continue
            names, age = self._names[source.name], row.ages.get(source.name)
            segment = [Segment(id=names[code])] if code != source.codes - 1 else []
            ext = None if age is None else {"age_h": age}
            data.append(Data(id=source.name, name=source.owner, segment=segment, ext=ext))
            if segment and source.shows == "context":
                site = {**site, "keywords": names[code]}
        is_site = setup.inventory == "site"
        floor = row.floor_micros / MICROS_PER_CPM
        about = {"run": self._run, "hour": row.hour, "uniform": row.uniform}
        request = BidRequest(
            id=request_id,
            imp=[Imp(id=IMP_ID, banner=self._banner, bidfloor=floor, bidfloorcur=setup.currency)],
            site=Site(**site) if is_site else None,
            app=None if is_site else App(**site),
            device=self._device,
            user=User(data=data) if data else None,
            test=setup.test,
            at=AUCTION_CODES.get(row.auction_type, EXCHANGE_SPECIFIC + row.auction_type),
            tmax=round(setup.tmax_ms) if setup.tmax_ms else round(setup.timeout_s * 1e3),
            cur=[setup.currency],
            ext={"jointbid": about} if setup.ext else None,
        )
        body = self._encode(request)
        return b"%s%d\r\n\r\n%s" % (self._head, len(body), body)
