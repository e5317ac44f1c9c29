"""One bidder's desk at the exchange: what it may see, when it is asked, and what it is told afterwards."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import prod
from typing import Any, NamedTuple, NoReturn

import numpy as np
from numpy.typing import NDArray

from .auction.arrays import Record
from .brains import check_kind, price_column
from .calls import Calls
from .copying import copied
from .identity import identified
from .outcomes import NEVER_US, Awaited, Happened
from .reports import Reports, Rows, Standing
from .scenario import HOUR_US, MICROS, Terms
from .scenario.base import MAX_MONEY
from .streams import Streams
from .supply import Chunk
from .trial import Answer, try_out
from .visible import (
    PUBLIC_COLUMNS,
    AccountState,
    BidError,
    Feedback,
    KnownOutcomes,
    Strategy,
    TrialError,
    VisibleRequests,
    as_bids,
    check_bids,
    check_creatives,
    frozen,
    refuse,
)
from .world import World

MAX_CELLS = 1 << 16
"""With more visible cells than this a bidder is asked row by row."""
TRIAL_ROWS = 64


@dataclass(frozen=True, slots=True)
class Entrant:
    """A bidder who enters a market: its brain, its data, its money.

    ``information`` names the sources it may use (None: all that the scenario has). ``budget`` is in currency per
    replication; None is unlimited. ``terms`` say when it may bid (None: those of the scenario). Bidders of one ``advertiser`` (None: its own) share facts and data, and never bid
    against each other. Of ``control_every`` control steps of the market one is its own: it looks at its account, and learns, that
    much more rarely. It hears of what it bought ``report_delay_h`` late (None: as the scenario says). Messages call the strategy
    ``strategy_name`` (None: as its class).
    """

    strategy: Strategy
    information: tuple[str, ...] | None = None
    budget: float | None = None
    advertiser: str | None = None
    terms: Terms | None = None
    control_every: int = 1
    report_delay_h: float | None = None
    strategy_name: str | None = None


class Facet(NamedTuple):
    """One categorical column of one owner, with the number of its codes."""

    owner: str
    column: str
    codes: int


class Lot(NamedTuple):
    """What a block was to one bidder: the record of all, and its own ``floor_micros``.

    ``sent`` and ``late`` say by row, shape (n,), whether the request was sent to it and whether its answer came too late.
    """

    record: Record
    sent: NDArray[np.bool_]
    late: NDArray[np.bool_]
    floor_micros: int


_FEEDBACK: dict[str, type[np.generic]] = {
    "position": np.int64,
    "bid": np.float64,
    "won": np.bool_,
    "late": np.bool_,
    "price_paid": np.float64,
    "minimum_bid_to_win": np.float64,
    "viewed": np.bool_,
    "creative": np.int16,
}
_OUTCOMES: dict[str, type[np.generic]] = {
    "position": np.int64,
    "creative": np.int16,
    "weight": np.float64,
    "margin": np.float64,
}


class Desk:
    """A bidder in one run: its own copy of the strategy, and the columns that it is shown."""

    def __init__(
        self, name: str, entrant: Entrant, world: World, streams: Streams, timeout_s: float | None = None
    ) -> None:
        check_kind(name, entrant.strategy)
        self.who = f"{identified(entrant.strategy, entrant.strategy_name)} of bidder {name!r}"
        self._call = Calls(self.who, timeout_s)
        self.name = name
        self.advertiser = entrant.advertiser or name
        self.strategy = copied(entrant.strategy, self.who)
        self.budget = entrant.budget
        if self.budget is not None and not 0 <= self.budget <= MAX_MONEY:
            raise ValueError(
                f"bidder {name!r}: budget {self.budget}: allowed: 0 to {MAX_MONEY:.0e} in currency, or None for no limit"
            )
        self.terms = entrant.terms or Terms()
        self.control_every = entrant.control_every
        self._world, self._streams = world, streams
        self.chooses = world.creatives > 1 and hasattr(self.strategy, "creative")
        """Whether it says which creative to show."""
        self.reads = self._allowed_reads(entrant.information)
        sizes = [world.codes_of(column) for column in self.reads]
        cells = prod(size or 0 for size in sizes)
        self.cells = cells if all(sizes) and cells <= MAX_CELLS else None
        self._sizes = [size or 0 for size in sizes]
        self._empty = {name: np.empty(0, self._kind(name)) for name in self.reads}
        self._nothing_known = self._outcomes({})
        self.looks_up = tuple(
            name for name in world.sources if name in self.reads or f"age_{name}" in self.reads
        )
        """The sources that it looks a request up in."""
        self.clicks, self.conversions = Awaited(), Awaited()
        self._reports = Reports(entrant.report_delay_h or 0.0)
        self._grid: VisibleRequests | None = None
        self.stale = True

    @property
    def facets(self) -> tuple[Facet, ...]:
        """What its visible cells are made of; equal for two desks that see the same cells on every request."""
        return tuple(
            Facet(*self._world.origin(self.advertiser, column), size)
            for column, size in zip(self.reads, self._sizes, strict=True)
        )

    def bid_cells(self, hour: float) -> Answer:
        """Its answers for all visible cells, shape (cells,)."""
        self.stale = False
        return self._ask(self.strategy, self._every_cell(), hour)

    def bid_rows(self, chunk: Chunk, part: slice) -> Answer:
        """Its answers for some rows of the chunk."""
        return self._ask(
            self.strategy, self._requests(chunk, part), float(chunk.time_us[part.start] / HOUR_US)
        )

    def trial(self) -> None:
        """Have copies of the strategy answer a made-up batch before the first event: ``TrialError`` where that is wrong."""
        batch = self._every_cell() if self.cells is not None else self._made_up()
        try:
            try_out(lambda: copied(self.strategy, self.who), self._checked, batch, self.who)
        except TrialError:
            raise
        except BidError as error:
            raise TrialError(str(error)) from error

    def refuse(self, bid: float, row: int, chunk: Chunk, part: slice, hour: float, most: float) -> NoReturn:
        """Raise ``BidError`` for a bid on one visible cell, or on one row of the chunk's part."""
        requests = self._requests(chunk, part) if self.cells is None else self._every_cell()
        refuse(bid, row, requests, self.who, hour, most)

    def note(self, chunk: Chunk, part: slice, number: int, bids: NDArray[np.int64], lot: Lot) -> None:
        """Keep what the bidder will learn of these requests at its next control step, or later."""
        record, sent = lot.record, lot.sent
        mine = record.winner == number
        won = mine.any(axis=1)
        best_other = np.where(won, record.others, record.bid[:, -1])
        floor = np.maximum(chunk.floor_micros[part], lot.floor_micros)
        columns = {
            "position": np.arange(chunk.start + part.start, chunk.start + part.stop),
            "bid": bids / MICROS,
            "won": won,
            "late": lot.late,
            "price_paid": np.where(mine, record.paid, 0).sum(axis=1) / MICROS,
            "minimum_bid_to_win": np.maximum(best_other, floor).clip(0) / MICROS,
            "viewed": (mine & record.viewed).any(axis=1),
            "creative": np.where(mine, record.creative, -1).max(axis=1).astype(np.int16),
            **{f"={name}": column for name, column in self._requests(chunk, part).items()},
        }
        self._reports.note(
            columns if sent.all() else {name: column[sent] for name, column in columns.items()}
        )

    def await_outcomes(self, chunk: Chunk, part: slice, done: Happened, record: Record) -> None:
        """Keep its clicks and conversions until they are due; one who does not learn is only told how many there are."""
        seen = self._requests(chunk, part) if self.strategy.learns else {}
        for awaited, due_us, which, also in (
            (self.clicks, done.click_us, done.click_us != NEVER_US, {}),
            (self.conversions, done.conversion_us, done.attributed, {"margin": done.margin}),
        ):
            row, slot = done.row[which], done.slot[which]
            columns = {"weight": done.weight[which], **{name: column[which] for name, column in also.items()}}
            if self.strategy.learns:
                columns |= {
                    "position": chunk.start + row,
                    "creative": record.creative[row - part.start, slot],
                    **{f"={name}": column[row - part.start] for name, column in seen.items()},
                }
            self._reports.await_outcomes(awaited, due_us[which], columns)

    def learn(self, standing: Standing) -> Standing:
        """What is to be reported by now, and outcomes that are due, become known; a strategy that learns is told of them.

        Returns the account as it is reported.
        """
        now_us = standing.at_us
        reported, rows = self._reports.close(standing)
        clicks, conversions = self.clicks.take(now_us), self.conversions.take(now_us)
        if self.strategy.learns:
            known = {"clicks": clicks, "conversions": conversions}
            self._call(self.strategy, "observe", self._learned(rows, known), now_us / HOUR_US)
        return reported

    def control(self, state: AccountState) -> None:
        """A control step: the strategy looks at its account."""
        self._call(self.strategy, "control", state, state.hour)
        self.stale = True

    def _learned(self, parts: list[Rows], known: dict[str, Rows]) -> Feedback:
        """Requests in blocks, and outcomes, as a strategy is told of them."""
        joined = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]} if parts else {}
        table: dict[str, Any] = {
            name: frozen(joined.get(name, np.empty(0, kind))) for name, kind in _FEEDBACK.items()
        }
        outcomes: dict[str, Any] = {
            name: self._outcomes(columns) if columns else self._nothing_known
            for name, columns in known.items()
        }
        return Feedback(requests=self._seen(joined, len(table["bid"])), **table, **outcomes)

    def _outcomes(self, columns: Rows) -> KnownOutcomes:
        due_us = columns.get("due_us", np.empty(0, np.int64))
        table = {name: columns.get(name, np.empty(0, kind)) for name, kind in _OUTCOMES.items()}
        return KnownOutcomes(
            requests=self._seen(columns, len(due_us)),
            hour=frozen(due_us / HOUR_US),
            **{name: frozen(column) for name, column in table.items()},
        )

    def _seen(self, columns: Rows, n: int) -> VisibleRequests:
        """The visible columns among some; all of them are there, if empty."""
        return VisibleRequests(
            n, {name: columns.get(f"={name}", empty) for name, empty in self._empty.items()}
        )

    def _kind(self, name: str) -> type[np.generic]:
        """What a column without rows holds: codes shall do for ``np.bincount``, as they do with rows."""
        if name == "at":
            return np.int8
        return np.float64 if self._world.codes_of(name) is None else np.int32

    def _allowed_reads(self, information: tuple[str, ...] | None) -> tuple[str, ...]:
        columns = self._world.columns
        held = columns if information is None else information
        unknown = [name for name in held if name not in columns]
        if unknown:
            raise TrialError(
                f"bidder {self.name!r}: no source {unknown[0]!r}; this scenario has: {', '.join(columns)}"
            )
        ages = tuple(f"age_{name}" for name in held if f"age_{name}" in columns and f"age_{name}" not in held)
        allowed = (*held, *ages, *PUBLIC_COLUMNS)
        reads = allowed if self.strategy.reads is None else self.strategy.reads
        hidden = [name for name in reads if name not in allowed]
        if hidden:
            raise TrialError(
                f"{self.who}: reads column {hidden[0]!r}, which its data does not show; "
                f"visible: {', '.join(allowed)}{price_column(hidden[0], self.strategy)}"
            )
        more = getattr(self.strategy, "may_read", ())
        return (*reads, *(name for name in more if name in allowed and name not in reads))

    def _every_cell(self) -> VisibleRequests:
        """One request of each visible cell; the same object at each call, so that a valuation may know it again."""
        if self._grid is None:
            grid = np.unravel_index(np.arange(self.cells or 1), tuple(self._sizes)) if self._sizes else ()
            columns = {column: code.astype(np.int32) for column, code in zip(self.reads, grid, strict=True)}
            self._grid = VisibleRequests(self.cells or 1, columns)
        return self._grid

    def _requests(self, chunk: Chunk, part: slice) -> VisibleRequests:
        public: dict[str, Callable[[], NDArray[Any]]] = {
            "hour": lambda: chunk.time_us[part] / HOUR_US,
            "floor": lambda: chunk.floor_micros[part] / MICROS,
            "at": lambda: chunk.mechanism[part],
            "u": lambda: self._streams.uniform(
                f"u/{self.name}", chunk.start + part.start, part.stop - part.start
            ),
        }
        columns = {
            name: public[name]() if name in public else self._world.column(self.advertiser, name, part)
            for name in self.reads
        }
        return VisibleRequests(part.stop - part.start, columns)

    def _made_up(self) -> VisibleRequests:
        """A few rows as the market might show them."""
        columns = {}
        for column in self.reads:
            u = self._streams.uniform(f"trial/{self.name}/{column}", 0, TRIAL_ROWS)
            codes = self._world.codes_of(column)
            columns[column] = (
                self._world.made_up(column, u) if codes is None else (u * codes).astype(np.int32)
            )
        return VisibleRequests(TRIAL_ROWS, columns)

    def _checked(self, strategy: Strategy, requests: VisibleRequests) -> Answer:
        answer = self._ask(strategy, requests, 0.0)
        return answer._replace(bids=check_bids(answer.bids, requests, self.who, 0.0))

    def _ask(self, strategy: Strategy, requests: VisibleRequests, hour: float) -> Answer:
        bids = as_bids(self._call(strategy, "bid", requests, hour), requests, self.who, hour)
        if not self.chooses:
            return Answer(bids, None)
        creatives = self._call(strategy, "creative", requests, hour)
        return Answer(bids, check_creatives(creatives, requests, self._world.creatives, self.who, hour))
