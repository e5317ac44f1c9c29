"""A seat that is played by a bidder elsewhere, over HTTP with OpenRTB 2.6."""

from __future__ import annotations

import copy
import importlib.util
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from jointbid.sim import AccountState, BidError, Feedback, VisibleRequests
from jointbid.sim.public_columns import PUBLIC_COLUMNS
from jointbid.sim.scenario import MICROS

from ..base import Policy
from ..market import MarketFacts
from ..parameters import above_0, one_of, share, whole
from .addresses import checked_url
from .checked import currency_of, names_of, size_of
from .connections import PATIENCE
from .counts import Counts
from .setup import Row, Setup, refuse_contradictions, rows_of

if TYPE_CHECKING:
    from .conversation import Conversation
    from .response import Verdict

NO_ANSWER = f"no answer to {PATIENCE} requests in a row"
BATCH = 512
"""Requests between two looks at whether the bidder is still there."""
EXTRA = "pip install 'jointbid[openrtb]'"
CELLS_AGAIN = 4
"""Visible cells that are asked again at each control step, where they are asked once for all."""


class OpenRTB(Policy):
    """A bidder elsewhere plays: its URL is sent OpenRTB 2.6 bid requests, with the data of the seat's sources as segments.

    ``mode='per_request'`` sends each request, and the win, billing and loss notices of each auction at the next control step (with
    ``bidders.notify=at_once`` before the next request). ``'per_cell'`` is for bidders that keep nothing in mind: each combination of
    what the seat's data can show is sent once a run, with the market's hard floor, without an hour and notices; ``CELLS_AGAIN`` of them
    are sent again at each control step, to see that the answers stay.

    ``latency='simulated'`` leaves answer times to the scenario (``bidders.answer_ms``, ``auction.tmax_ms``); ``'measured'`` takes the real
    ones, and results are then not reproducible. The whole of an answer has ``timeout_ms`` and ``max_bytes`` in either case.

    docs/openrtb-seat.md says what each setting means, and what it may be; ``setup.Setup`` has them checked.
    """

    is_remote = True
    values_itself = True

    def __init__(
        self,
        url: str,
        market: MarketFacts,
        mode: str = "per_request",
        latency: str = "simulated",
        on_failure: str = "fail",
        timeout_ms: float = 5000.0,
        tmax_ms: float | None = None,
        max_bytes: int = 65_536,
        max_cpm: float = 1e9,
        concurrency: int = 1,
        notices: bool = True,
        notice_hosts: Sequence[str] = (),
        repeat: float = 0.002,
        names: Mapping[str, Sequence[str]] | None = None,
        currency: str | None = None,
        inventory: str = "site",
        device: Mapping[str, Any] | None = None,
        size: Sequence[int] = (300, 250),
        test: int = 1,
        gzip: bool = False,
        ext: bool = True,
        unique_ids: bool = False,
        remote: bool = False,
        version: str = "",
    ) -> None:
        self.mode = one_of("mode", mode, ("per_request", "per_cell"))
        self.latency = one_of("latency", latency, ("simulated", "measured"))
        self.on_failure = one_of("on_failure", on_failure, ("fail", "no_bid"))
        self.repeat, self.version, self.url = share("repeat", repeat), str(version), url
        self._is_by_cell, self._market = self.mode == "per_cell", market
        self._setup = Setup(
            address=checked_url("url", url, remote=remote),
            market=market,
            currency=currency_of(currency, market),
            tmax_ms=above_0("tmax_ms", tmax_ms) if tmax_ms is not None else market.tmax_ms,
            is_measured=self.latency == "measured",
            timeout_s=above_0("timeout_ms", timeout_ms) / 1e3,
            max_bytes=whole("max_bytes", max_bytes),
            max_cpm=above_0("max_cpm", max_cpm),
            concurrency=whole("concurrency", concurrency),
            notice_places=tuple(
                checked_url("notice_hosts", host, remote=remote).place for host in notice_hosts
            ),
            names=names_of(names or {}, market),
            inventory=one_of("inventory", inventory, ("site", "app")),
            device=dict(device or {}),
            size=size_of(size),
            test=int(one_of("test", str(int(test)), ("0", "1"))),
            gzip=bool(gzip),
            ext=bool(ext),
            unique_ids=bool(unique_ids),
        )
        refuse_contradictions(self._setup, is_by_cell=self._is_by_cell)
        if importlib.util.find_spec("msgspec") is None:
            raise ValueError(f"it needs the extra openrtb: {EXTRA}")
        sources = tuple(one.name for one in market.sources)
        self.learns = bool(notices) and not self._is_by_cell
        self.reads = () if self._is_by_cell else PUBLIC_COLUMNS
        self.stochastic = not self._is_by_cell
        self.may_read = sources if self._is_by_cell else (*sources, *(f"age_{name}" for name in sources))
        self._counts = Counts()
        self._talk: Conversation | None = None
        self._answers: dict[tuple[int, ...], Verdict] = {}
        self._crids: NDArray[np.int64] | None = None
        self._steps = 0

    def __deepcopy__(self, memo: dict[int, object]) -> OpenRTB:
        """Return a seat that has said nothing yet: connections and books are of one run."""
        other = copy.copy(self)
        other._talk, other._answers, other._counts, other._crids, other._steps = None, {}, Counts(), None, 0  # noqa: SLF001
        return other

    def probe(self) -> None:
        """Connect and hang up, unless the run may go on without the bidder. Raises ``BidError``: it cannot be reached."""
        if self.on_failure != "fail":
            return
        from .conversation import Conversation
        from .http_client import ExchangeError

        talk = Conversation(self._setup, Counts())
        try:
            talk.connections.open()
        except ExchangeError as error:
            raise BidError(
                f"openrtb: no connection to {self.url} ({error}); start the bidder, or correct url"
            ) from None
        finally:
            talk.close()

    def bid(self, requests: VisibleRequests) -> NDArray[np.float64]:
        """Return the bidder's prices in currency per impression, shape (n,); 0 for the trial batch before a run, which is not sent."""
        self._crids = None
        if self._talk is None:
            return np.zeros(requests.n)
        rows = rows_of(requests, self._market, is_by_cell=self._is_by_cell)
        verdicts = self._by_cell(rows) if self._is_by_cell else self._by_request(rows)
        if len(self._market.creatives) > 1:
            self._crids = self._creatives(verdicts)
        return np.array([one.micros for one in verdicts], dtype=np.float64) / MICROS

    def creative(self, requests: VisibleRequests) -> NDArray[np.int64] | None:  # noqa: ARG002
        """The creative of each answer to the requests just asked about, by its ``crid``; -1 for one that is not known."""
        return self._crids

    def control(self, state: AccountState) -> None:
        """Begin the conversation with the opening account; later ones only count the step."""
        from .http_client import ExchangeError

        self._steps += 1
        if self._talk is not None:
            return
        from .conversation import Conversation

        self._talk = Conversation(self._setup, self._counts)
        try:
            self._talk.connections.open()
        except ExchangeError as error:
            self._talk.connections.last_error = str(error)
            self._fail(state.hour, "no connection")

    def observe(self, feedback: Feedback) -> None:
        """Send the notices of what is reported."""
        if self._talk is not None:
            self._talk.report(feedback)

    def finish(self, feedback: Feedback, state: AccountState) -> None:  # noqa: ARG002
        """Send the last notices, and hang up."""
        if self._talk is None:
            return
        if self.learns:
            self._talk.report(feedback)
            self._talk.end()
        self._talk.close()

    def counts(self) -> Mapping[str, float]:
        """Return what became of requests and notices, as columns of the table of bidders."""
        return self._counts.columns()

    def _fail(self, hour: float, what: str) -> None:
        if self.on_failure == "fail":
            last = self._talk.connections.last_error if self._talk else ""
            self.close()
            raise BidError(
                f"openrtb at hour {hour:.6g}: {what} to {self.url} ({last}); start the bidder again, or let the run go on without its "
                "bids: on_failure=no_bid"
            )

    def close(self) -> None:
        """Hang up."""
        if self._talk is not None:
            self._talk.close()

    def _by_request(self, rows: list[Row]) -> list[Verdict]:
        assert self._talk is not None  # noqa: S101 - the conversation has begun
        found = list[Any]()
        for start in range(0, len(rows), BATCH):
            part = rows[start : start + BATCH]
            # A share of the requests is sent twice, independent of the digits that bidders draw by.
            again = [(row.uniform * 1_048_576.0) % 1.0 < self.repeat for row in part]
            again[0] |= self.repeat > 0 and self._counts["requests"] == 0
            verdicts = self._talk.ask(part, again)
            if self.learns:
                self._talk.remember(part, verdicts)
            if self._talk.connections.is_dead:
                self._fail(part[-1].hour, NO_ANSWER)
            found += verdicts
        return found

    def _by_cell(self, rows: list[Row]) -> list[Verdict]:
        """Ask about cells that were never asked about, and about some others again, chosen by chance."""
        assert self._talk is not None  # noqa: S101 - the conversation has begun
        cells = [tuple(row.codes.values()) for row in rows]
        new = {cell: row for cell, row in zip(cells, rows, strict=True) if cell not in self._answers}
        known = [number for number, cell in enumerate(cells) if cell not in new]
        if new:
            verdicts = self._talk.ask(list(new.values()), [False] * len(new))
            self._answers.update(zip(new, verdicts, strict=True))
        if known:
            chance = np.random.default_rng(self._steps)
            some = chance.choice(known, min(CELLS_AGAIN, len(known)), replace=False).tolist()
            for number, again in zip(
                some, self._talk.ask([rows[k] for k in some], [False] * len(some)), strict=True
            ):
                before = self._answers[cells[number]]
                self._counts["asked_again"] += 1
                self._counts["answered_differently"] += before.micros != again.micros
        if self._talk.connections.is_dead:
            self._fail(0.0, NO_ANSWER)
        return [self._answers[cell] for cell in cells]

    def _creatives(self, verdicts: Sequence[Verdict]) -> NDArray[np.int64]:
        numbers = {name: number for number, name in enumerate(self._market.creatives)}
        found = np.full(len(verdicts), -1, dtype=np.int64)
        for row, one in enumerate(verdicts):
            if one.bid is not None and one.bid.crid is not None:
                found[row] = numbers.get(one.bid.crid, -1)
                self._counts["unknown_crid"] += one.bid.crid not in numbers
        return found
