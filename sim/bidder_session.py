"""One bidder in one run: its own copy of the strategy, the columns that it sees, and its answers."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property, lru_cache, partial
from math import prod
from typing import Any, NamedTuple, NoReturn

import numpy as np
from numpy.typing import NDArray

from .account import AccountState, Standing
from .brains import check_kind, one_text, price_column
from .calls import Calls, Closing
from .copying import copied
from .entrant import Entrant
from .exposures import EXPOSURE_CODES
from .feedback import FeedbackQueue
from .identity import identified
from .public_columns import EXPOSURES, PUBLIC_COLUMNS, new_name
from .scenario import HOUR_US, MICROS, Terms
from .scenario.base import MAX_MONEY
from .streams import Streams
from .trial import BidResponse, is_tried, try_out
from .visible import (
    BidError,
    Feedback,
    Strategy,
    TrialError,
    VisibleRequests,
    as_bids,
    check_bids,
    check_creatives,
    is_fixed,
    refuse,
)
from .world import World

MAX_CELLS = 1 << 16
"""A bidder with more visible cells is asked row by row."""
TRIAL_ROWS = 64


class VisibleColumn(NamedTuple):
    """One categorical column of one owner, with the number of its codes."""

    owner: str
    column: str
    codes: int


class BidderSession:
    """A bidder in one run. ``world`` in its methods is the world at the requests that are asked about."""

    def __init__(
        self, name: str, entrant: Entrant, world: World, streams: Streams, timeout_s: float | None = None
    ) -> None:
        if not is_tried(entrant.strategy):
            check_kind(name, entrant.strategy)
        self._entered = entrant.strategy
        self.who = f"{identified(entrant.strategy, entrant.strategy_name)} of bidder {name!r}"
        self._call = Calls(self.who, timeout_s).call
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
        self.looks_at_account = bool(getattr(self.strategy, "looks_at_account", True))
        """Whether its strategy does anything at a control step."""
        self.is_blind = not (self.strategy.learns or self.looks_at_account)
        """Whether nothing that happens in the run reaches its strategy before the end."""
        self._world, self._streams = world, streams
        self.chooses = world.creatives > 1 and hasattr(self.strategy, "creative")
        """Whether it says which creative to show."""
        self.chooses_anew = True
        """Whether its last choice of creatives is another than the one before."""
        self._chosen: object = None
        self._checked_choice: NDArray[np.int16] | None = None
        self.reads = self._allowed_reads(entrant.information)
        sizes = [EXPOSURE_CODES if column == EXPOSURES else world.codes_of(column) for column in self.reads]
        kinds = {name: _kind(name, size) for name, size in zip(self.reads, sizes, strict=True)}
        cells = prod(size or 0 for size in sizes)
        self.cells = cells if all(sizes) and cells <= MAX_CELLS else None
        self._sizes = [size or 0 for size in sizes]
        delay_h = entrant.report_delay_h or 0.0
        self.feedback = FeedbackQueue(
            kinds, delay_h, learns=self.strategy.learns, tells_minimum_bid=world.tells_minimum_bid
        )
        """What it is still to receive."""
        self.clicks, self.conversions = self.feedback.clicks, self.feedback.conversions
        self.is_prompt = self.feedback.is_prompt
        self.looks_up = tuple(
            name for name in world.sources if name in self.reads or f"age_{name}" in self.reads
        )
        """The sources that it looks a request up in."""
        self.visible_columns = tuple(
            VisibleColumn(*world.origin(self.advertiser, column), size)
            for column, size in zip(self.reads, self._sizes, strict=True)
        )
        """What its visible cells are made of; equal for two bidders that see the same cells on every request."""
        self.is_stale = True
        """Whether its strategy may have changed since it was last asked for the bids of all visible cells."""
        self._try_out()

    @cached_property
    def every_cell(self) -> VisibleRequests:
        """One request of each visible cell; the same object each time, so that a valuation may know it again."""
        return _every_cell(self.reads, tuple(self._sizes))

    def rows(self, world: World, part: slice) -> VisibleRequests:
        """Return some requests of the chunk as it sees them."""
        chunk, n = world.chunk, part.stop - part.start
        public: dict[str, Callable[[], NDArray[Any]]] = {
            "hour": lambda: chunk.time_us[part] / HOUR_US,
            "floor": lambda: chunk.floor_micros[part] / MICROS,
            "auction_type": lambda: chunk.mechanism[part],
            EXPOSURES: partial(self._exposures, world),
            "uniform": lambda: self._streams.uniform(f"u/{self.name}", chunk.start + part.start, n),
        }
        columns = {
            name: public[name]() if name in public else world.column(self.advertiser, name, part)
            for name in self.reads
        }
        return VisibleRequests(n, columns)

    def bids(self, requests: VisibleRequests, hour: float) -> NDArray[np.float64]:
        """Return its bids on these requests, shape (n,)."""
        answer = self._call(self.strategy, "bid", requests, hour)
        return as_bids(answer, requests, self.who, hour)

    def creatives(self, requests: VisibleRequests, hour: float) -> NDArray[np.int16] | None:
        """Return the creatives that it ``chooses`` for these requests, shape (n,); None: they rotate."""
        answer = self._call(self.strategy, "creative", requests, hour)
        self.chooses_anew = answer is None or answer is not self._chosen or self.cells is None
        if self.chooses_anew or self._checked_choice is None:
            self._checked_choice = check_creatives(answer, requests, self._world.creatives, self.who, hour)
            self._chosen = answer if isinstance(answer, np.ndarray) and is_fixed(answer) else None
        return self._checked_choice

    def _try_out(self) -> None:
        """Have copies of the strategy answer a made-up batch before the first event: ``TrialError`` where that is wrong."""
        kind = self.reads, tuple(self._sizes), self._world.creatives
        try:
            try_out(self._entered, kind, self._checked, self._made_up, self.who)
        except TrialError:
            raise
        except BidError as error:
            raise TrialError(str(error)) from error

    def refuse(self, bid: float, row: int, requests: VisibleRequests, hour: float, most: float) -> NoReturn:
        """Raise ``BidError`` for a bid on one of these requests."""
        refuse(bid, row, requests, self.who, hour, most)

    def hear(self, standing: Standing) -> Standing:
        """Receive what is reported by now, which a strategy that learns observes; return the account as it is reported."""
        if self.is_prompt:
            return standing
        reported, feedback = self.feedback.hear(standing)
        if feedback is not None:
            self._call(self.strategy, "observe", feedback, standing.at_us / HOUR_US)
            self.is_stale = True
        return reported

    def finish(self, feedback: Feedback, state: AccountState) -> None:
        """The closing account. A strategy without ``finish`` that learns observes what is known by now."""
        if hasattr(self.strategy, "finish"):
            self._call(self.strategy, "finish", Closing(feedback, state), state.hour)
        elif self.strategy.learns:
            self._call(self.strategy, "observe", feedback.settled, state.hour)

    def control(self, state: AccountState) -> None:
        """A control step: the strategy looks at its account."""
        self._call(self.strategy, "control", state, state.hour)
        self.is_stale = True

    def _allowed_reads(self, information: tuple[str, ...] | None) -> tuple[str, ...]:
        columns = self._world.columns
        held = columns if information is None else information
        if wrong := one_text(information):
            raise TrialError(f"bidder {self.name!r}: information = {wrong}")
        unknown = [name for name in held if name not in columns]
        if unknown:
            raise TrialError(
                f"bidder {self.name!r}: no source {unknown[0]!r}; this scenario has: {', '.join(columns)}"
            )
        ages = tuple(f"age_{name}" for name in held if f"age_{name}" in columns and f"age_{name}" not in held)
        allowed = (*held, *ages, *PUBLIC_COLUMNS)
        reads = allowed if self.strategy.reads is None else self.strategy.reads
        if self._world.knows_people:
            allowed = (*allowed, EXPOSURES)  # for strategies that declare it
        allowed = (*allowed, *self._world.declared)
        hidden = [name for name in reads if name not in allowed]
        if hidden:
            raise TrialError(
                f"{self.who}: reads column {hidden[0]!r}, which its data does not show; "
                f"visible: {', '.join(allowed)}{new_name(hidden[0])}{price_column(hidden[0], self.strategy)}{_needs_people(hidden[0])}"
                f"{_held_by_others(hidden[0], columns)}"
            )
        more = getattr(self.strategy, "may_read", ())
        return (*reads, *(name for name in more if name in allowed and name not in reads))

    def _exposures(self, world: World) -> NDArray[np.int32]:
        assert world.exposures is not None  # noqa: S101 - it reads them
        return world.exposures.of(self.advertiser)

    def _made_up(self) -> VisibleRequests:
        """Return all its cells, or a few rows as the market might show them."""
        if self.cells is not None:
            return self.every_cell
        columns = {}
        for column, codes in zip(self.reads, self._sizes, strict=True):
            u = self._streams.uniform(f"trial/{self.name}/{column}", 0, TRIAL_ROWS)
            columns[column] = (u * codes).astype(np.int32) if codes else self._world.made_up(column, u)
        return VisibleRequests(TRIAL_ROWS, columns)

    def _checked(self, strategy: Strategy, requests: VisibleRequests) -> BidResponse:
        answer = self._call(strategy, "bid", requests, 0.0)
        bids = check_bids(answer, requests, self.who, 0.0)
        if not self.chooses:
            return BidResponse(bids, None)
        creatives = self._call(strategy, "creative", requests, 0.0)
        return BidResponse(bids, check_creatives(creatives, requests, self._world.creatives, self.who, 0.0))


@lru_cache(maxsize=8)
def _every_cell(columns: tuple[str, ...], sizes: tuple[int, ...]) -> VisibleRequests:
    """Return one request of every cell of columns with these numbers of codes; they cannot be changed, and serve all runs."""
    grid = np.unravel_index(np.arange(prod(sizes)), sizes) if sizes else ()
    codes = (code.astype(np.int32) for code in grid)
    return VisibleRequests(prod(sizes), dict(zip(columns, codes, strict=True)))


def _kind(name: str, codes: int | None) -> type[np.generic]:
    """Return the type of a column: codes suit ``np.bincount``, with rows or without."""
    if name == "auction_type":
        return np.int8
    return np.float64 if codes is None else np.int32


def _held_by_others(name: str, columns: tuple[str, ...]) -> str:
    """Return what to do about a column that the market has and this bidder's data lack; empty for any other column."""
    if name not in columns:
        return ""
    return f"; bidders may hold less data: name {name!r} in may_read instead, and test for it ({name!r} in requests)"


def _needs_people(name: str) -> str:
    """Return what to do about a strategy that reads ``exposures`` where no person comes twice; empty for any other column."""
    return "; it requires audience.people (the number of people), and no log" if name == EXPOSURES else ""
