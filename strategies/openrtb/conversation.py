"""What one seat says to its bidder in one run: bid requests, each answer judged, and the notices of each auction."""

from __future__ import annotations

import hashlib
import secrets
from collections import deque
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from jointbid.sim import Feedback
from jointbid.sim.scenario import MICROS, MICROS_PER_CPM

from .addresses import Place
from .bid_requests import IMP_ID, BidRequests
from .connections import Connections
from .counts import UNANSWERED, Counts
from .http_client import Answer, ExchangeError, Peer
from .notices import UNTOLD, Notice, Result, Router, notices
from .objects import Loss
from .response import Asked, Verdict, judge
from .setup import Row, Setup

MS_PER_HOUR = 3_600_000


class _Pending(NamedTuple):
    uniform: float
    id: str
    verdict: Verdict
    at_ms: int


class Conversation:
    """The connections, requests and notices of one run."""

    def __init__(self, setup: Setup, counts: Counts) -> None:
        self.setup, self.counts = setup, counts
        host, port, is_tls, _ = setup.address
        peer = Peer(host, port, is_tls, setup.timeout_s, setup.max_bytes)
        self.connections = Connections(peer, setup.concurrency)
        self._others: dict[Place, Connections] = {}
        netloc = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        self._router = Router(
            setup.address.place, setup.notice_places, f"{'https' if is_tls else 'http'}://{netloc}"
        )
        self._requests = BidRequests(setup, netloc)
        self._pending: deque[_Pending] = deque()
        self._token = secrets.token_hex(6) if setup.unique_ids else ""
        self._asked = 0

    def ask(self, rows: Sequence[Row], again: Sequence[bool]) -> list[Verdict]:
        """Return what became of each request, in order; those marked ``again`` are asked twice, and differences counted."""
        setup, messages, asked = self.setup, list[bytes](), list[Asked]()
        if rows and not self._token:
            text = f"{rows[0].uniform!r} {sorted(rows[0].codes)}"
            self._token = hashlib.blake2b(text.encode(), digest_size=6).hexdigest()
        most = round(setup.max_cpm * MICROS_PER_CPM)
        for row, twice in zip(rows, again, strict=True):
            about = Asked(f"{self._token}-{self._asked}", IMP_ID, setup.currency, row.floor_micros, most)
            message = self._requests.message(row, about.id)
            self._asked += 1
            messages += [message, message] if twice else [message]
            asked.append(about)
        answers = iter(self.connections.exchange(messages))
        found = []
        for about, twice in zip(asked, again, strict=True):
            verdict = self._judged(next(answers), about)
            if twice:
                self._compare(verdict, self._judged(next(answers), about))
            self.counts["requests"] += 1
            self.counts[verdict.outcome] += 1
            self.counts["surplus_bids"] += sum(reason == Loss.OUTBID for _, reason in verdict.lost)
            if verdict.nbr is not None:
                self.counts[f"nbr_{verdict.nbr}"] += 1
            found.append(verdict)
        return found

    def remember(self, rows: Sequence[Row], verdicts: Sequence[Verdict]) -> None:
        """Keep what notices are due for."""
        first = self._asked - len(rows)
        for number, (row, verdict) in enumerate(zip(rows, verdicts, strict=True)):
            if verdict.bid is not None or verdict.lost:
                at_ms = round(row.hour * MS_PER_HOUR)
                self._pending.append(_Pending(row.uniform, f"{self._token}-{first + number}", verdict, at_ms))

    def report(self, feedback: Feedback) -> None:
        """Send the notices of the auctions that are reported; what is older and not reported was kept from its auction."""
        due = self._due(feedback)
        self._send([notice for one, result in due for notice in self._notices(one, result)])

    def end(self) -> None:
        """Send loss notices for what never came to an auction, and close the connections."""
        self._send([notice for one in self._pending for notice in self._notices(one, self._unsent())])
        self._pending.clear()
        self.close()

    def close(self) -> None:
        """Close all connections."""
        for one in (self.connections, *self._others.values()):
            one.close()

    def _judged(self, answer: Answer | ExchangeError, about: Asked) -> Verdict:
        verdict = judge(answer, about)
        if self.setup.is_measured and verdict.ms > (self.setup.tmax_ms or 0.0):
            bids = [*verdict.lost, *([(verdict.bid, 0)] if verdict.bid else [])]
            lost = [(bid, int(Loss.EXPIRED)) for bid, _ in bids]
            return Verdict("late", bidid=verdict.bidid, seat=verdict.seat, lost=lost, ms=verdict.ms)
        return verdict

    def _compare(self, once: Verdict, twice: Verdict) -> None:
        if once.outcome in UNANSWERED or twice.outcome in UNANSWERED:
            return
        crids = [one.bid.crid if one.bid else None for one in (once, twice)]
        self.counts["asked_again"] += 1
        self.counts["answered_differently"] += once.micros != twice.micros or crids[0] != crids[1]

    def _due(self, feedback: Feedback) -> list[tuple[_Pending, Result]]:
        """Return what is reported, and what was passed over on the way there."""
        place = {value: row for row, value in enumerate(feedback.requests["uniform"].tolist())}
        rows = [place.get(one.uniform, -1) for one in self._pending]
        last = max((number for number, row in enumerate(rows) if row >= 0), default=-1)
        won, late, viewed = feedback.won.tolist(), feedback.late.tolist(), feedback.viewed.tolist()
        paid, needed, bid = (
            np.nan_to_num(column * MICROS, nan=UNTOLD).round().astype(np.int64).tolist()
            for column in (feedback.price_paid, feedback.minimum_bid_to_win, feedback.bid)
        )
        due = []
        for row in rows[: last + 1]:
            one = self._pending.popleft()
            if row < 0:
                due.append((one, self._unsent()))
                continue
            if late[row]:
                loss = Loss.EXPIRED
            elif won[row]:
                loss = Loss.WON
            else:
                is_outbid = needed[row] == UNTOLD or bid[row] <= needed[row]
                loss = Loss.OUTBID if is_outbid else Loss.SEAT_BLOCKED
            due.append((one, Result(won[row], viewed[row], paid[row], needed[row], loss, one.at_ms)))
        return due

    def _unsent(self) -> Result:
        self.counts["unsent"] += 1
        return Result(False, False, 0, 0, Loss.SEAT_BLOCKED, 0)

    def _notices(self, one: _Pending, result: Result) -> list[Notice]:
        return list(notices(one.verdict, result, one.id, IMP_ID, self.setup.currency))

    def _send(self, todo: Sequence[Notice]) -> None:
        """Send each once; what fails is counted, and not sent again, as it may have arrived."""
        routed: dict[Place, list[tuple[str, bytes]]] = {}
        for notice in todo:
            found = self._router.route(notice)
            if found is None:
                self.counts["notices_withheld"] += 1
            else:
                routed.setdefault(found[0], []).append((notice.kind, found[1]))
        for place, messages in routed.items():
            for (kind, _), answer in zip(
                messages, self._connections_to(place).exchange([m for _, m in messages]), strict=True
            ):
                is_taken = isinstance(answer, Answer) and answer.status < 300
                self.counts[kind if is_taken else "notices_failed"] += 1

    def _connections_to(self, place: Place) -> Connections:
        if place == self.setup.address.place:
            return self.connections
        if place not in self._others:
            self._others[place] = Connections(Peer(*place, self.setup.timeout_s, self.setup.max_bytes), 1)
        return self._others[place]
