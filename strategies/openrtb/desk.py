"""The answers of a strategy to bid requests, without their transport: bids with their notices' URLs, and the books behind them.

A real exchange has one account, by wall clock. Each run of a simulated one (``ext.jointbid.run``) has an account of its own, by the
hours that its requests state.
"""

from __future__ import annotations

import math
import sys
import time
from collections import Counter, OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import fields, replace
from urllib.parse import urlencode

import msgspec

from jointbid.sim import Entrant, Scenario
from jointbid.sim.identity import place_of_error
from jointbid.sim.scenario import HOUR_US, MICROS_PER_CPM

from ..market import MarketFacts
from .account import Books, ServedAccount
from .objects import Bid, BidRequest, BidResponse, Imp, Loss, NoBid, SeatBid
from .reading import Reading, hour_of, simulated
from .response import micros_of

RUNS_KEPT = 64
"""Runs whose accounts are kept; the one that has been silent the longest is forgotten."""
IMPS_READ = 64
RECENT = 10_000
"""Answers that are kept, for an exchange that asks a second time."""
SEAT = "jointbid"
WALL = ""
"""The account of an exchange that states no run."""


class Desk:
    """One strategy at an exchange.

    Args:
        entrant: the strategy with its data, budget and terms.
        scenario: the market that it is set up for.
        names: source -> the names of its codes, as segments have them.
        currency: in which it bids.
        clock: seconds of wall time.
    """

    def __init__(
        self,
        entrant: Entrant,
        scenario: Scenario,
        names: Mapping[str, tuple[str, ...]],
        currency: str,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.entrant, self.scenario, self.currency = entrant, scenario, currency
        self.market = MarketFacts.of(scenario)
        self.reading = Reading(entrant, self.market, names)
        self.base = ""
        """The start of the notices' URLs, ``http://127.0.0.1:8080``."""
        self.counts: Counter[str] = Counter()
        self._clock, self._start = clock, clock()
        # its errors show here, not at the first request
        ServedAccount(entrant, scenario, self.reading.kinds, holds_budget=True)
        self._accounts: OrderedDict[str, ServedAccount] = OrderedDict()
        self._past = Books()
        self._recent: OrderedDict[tuple[str, str], bytes] = OrderedDict()
        self._decode, self._encode = msgspec.json.Decoder(BidRequest).decode, msgspec.json.Encoder().encode

    @property
    def accounts(self) -> Mapping[str, ServedAccount]:
        """The accounts by run; that of a real exchange by the empty text."""
        return self._accounts

    @property
    def hour(self) -> float:
        """Hours of wall time since the start."""
        return (self._clock() - self._start) / 3600.0

    def answer(self, body: bytes) -> tuple[int, bytes]:
        """Return status and body of the answer to a bid request: 200 with bids, 204 without, 400 for what is no request."""
        try:
            request = self._decode(body)
        except (msgspec.MsgspecError, RecursionError, ValueError, OverflowError):
            self.counts["malformed"] += 1
            return 400, b""
        run = str(simulated(request).get("run", WALL))
        key = (run, request.id)
        if key in self._recent:
            self.counts["asked_again"] += 1
            known = self._recent[key]
            return (200, known) if known else (204, b"")
        try:
            found = self._bids(run, request)
        except Exception as error:  # noqa: BLE001 - a strategy's code may raise anything
            self._note_error(error)
            found = self._no_bid(request, "error", NoBid.TECHNICAL)
        answer = self._encode(found) if found is not None else b""
        self._recent[key] = answer
        if len(self._recent) > RECENT:
            self._recent.popitem(last=False)
        return (200, answer) if answer else (204, b"")

    def notice(self, kind: str, query: Mapping[str, str]) -> bool:
        """Book a notice (``win``, ``bill`` or ``loss``); return False for one that is not booked."""
        self.counts[f"notices_{kind}"] += 1
        account, bid_id = self._accounts.get(query.get("run", WALL)), query.get("id", "")
        if account is None:
            self.counts["notices_unknown"] += 1
            return False
        if kind == "bill":
            return account.viewed(bid_id)
        needed = _micros(query.get("min", ""))
        if kind == "loss":
            return account.lost(bid_id, needed, is_late=query.get("reason") == str(Loss.EXPIRED))
        paid = _micros(query.get("price", ""))
        if paid < 0:
            self.counts["notices_without_price"] += 1
            return False
        return account.won(bid_id, paid, needed)

    def tick(self) -> None:
        """Hold the control steps that are due by wall clock."""
        if WALL in self._accounts:
            self._accounts[WALL].tick(round(self.hour * HOUR_US))

    def totals(self) -> Books:
        """Return the sums over all accounts."""
        total = replace(self._past)
        for account in self._accounts.values():
            _add(total, account.books)
        return total

    def _bids(self, run: str, request: BidRequest) -> BidResponse | None:
        account, hour = self._account(run), hour_of(request) if run else self.hour
        if run and not math.isfinite(hour):
            return self._no_bid(request, "no_hour", NoBid.INVALID_REQUEST)
        if not run and hour >= self.scenario.supply.horizon_h:
            return self._no_bid(request, "flight_over", NoBid.DAILY_CAP)
        if request.cur and self.currency not in request.cur:
            return self._no_bid(request, "currency", NoBid.INVALID_REQUEST)
        bids = [self._bid(account, run, request, imp, hour) for imp in request.imp[:IMPS_READ]]
        made = [bid for bid in bids if bid is not None]
        if not made:
            self.counts["no_bid"] += 1
            return None
        return BidResponse(request.id, [SeatBid(made, SEAT)], bidid=request.id, cur=self.currency)

    def _bid(
        self, account: ServedAccount, run: str, request: BidRequest, imp: Imp, hour: float
    ) -> Bid | None:
        if imp.banner is None or (imp.bidfloor > 0 and imp.bidfloorcur != self.currency):
            self.counts["imp_refused"] += 1
            return None
        bid_id = f"{request.id}.{imp.id}"
        micros, creative = account.bid(bid_id, self.reading.row(request, imp, hour), round(hour * HOUR_US))
        if micros <= 0:
            return None
        if not run and micros < micros_of(imp.bidfloor):  # a simulated exchange says what would have won
            account.withdraw(bid_id)
            self.counts["below_floor"] += 1
            return None
        about = f"{self.base}/{{}}?{urlencode({'run': run, 'id': bid_id})}"
        crid = self.market.creatives[creative] if creative >= 0 else "default"
        return Bid(
            id=bid_id,
            impid=imp.id,
            price=micros / MICROS_PER_CPM,
            nurl=about.replace("{}", "win") + "&price=${AUCTION_PRICE}&min=${AUCTION_MIN_TO_WIN}",
            burl=about.replace("{}", "bill"),
            lurl=about.replace("{}", "loss") + "&reason=${AUCTION_LOSS}&min=${AUCTION_MIN_TO_WIN}",
            adm=f'<div data-crid="{crid}"></div>',
            adomain=["jointbid.example"],
            cid=self.scenario.name,
            crid=crid,
            w=imp.banner.w,
            h=imp.banner.h,
        )

    def _note_error(self, error: Exception) -> None:
        """Count an error of the strategy, and say the first one."""
        self.counts["errors"] += 1
        if self.counts["errors"] == 1:
            place = place_of_error(error)
            sys.stderr.write(
                f"the strategy raised {type(error).__name__}: {error}{f' ({place})' if place else ''}; it makes no bid where it does "
                "so, and jointbid_errors_total counts further ones\n"
            )

    def _no_bid(self, request: BidRequest, why: str, reason: int) -> BidResponse:
        self.counts["no_bid"] += 1
        self.counts[f"no_bid_{why}"] += 1
        return BidResponse(request.id, nbr=reason)

    def _account(self, run: str) -> ServedAccount:
        if run not in self._accounts:
            if run and sum(map(bool, self._accounts)) >= RUNS_KEPT:
                oldest = next(name for name in self._accounts if name)
                _add(self._past, self._accounts.pop(oldest).books)
            self._accounts[run] = ServedAccount(
                self.entrant, self.scenario, self.reading.kinds, holds_budget=run == WALL
            )
        self._accounts.move_to_end(run)
        return self._accounts[run]


def _add(total: Books, one: Books) -> None:
    for field in fields(Books):
        setattr(total, field.name, getattr(total, field.name) + getattr(one, field.name))


def _micros(text: str) -> int:
    """Return the text of a CPM in micros; -1 for what is none."""
    try:
        return micros_of(float(text))
    except ValueError:
        return -1
