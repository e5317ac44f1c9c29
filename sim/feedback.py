"""What becomes known to one bidder, and when: its requests, clicks and conversions, put into ``Feedback``.

Between two of its control steps what happens to a bidder fills a page. A page is reported at the first control step that is at
least ``bidders.report_delay_h`` after its end, with the account as it stood then: bids, wins, prices, and the outcomes of its
impressions from then on. Without a delay that is the step at its end. The exchange itself is never late: it knows the true
budget, and charges no bidder beyond it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .account import Standing
from .auction.arrays import Record
from .calendar import FOREVER
from .outcomes import Awaited, Happened
from .responded import NEVER_US
from .scenario import HOUR_US, MICROS
from .supply import Chunk
from .visible import Feedback, KnownOutcomes, VisibleRequests, frozen

Rows = dict[str, NDArray[Any]]
SHOWN = "="
"""Begins the name of each column that the bidder saw, which may be that of one of its feedback."""


class BlockOutcome(NamedTuple):
    """What became of a block of requests for one bidder; arrays of shape (n,).

    ``record`` is that of the whole block, ``number`` the bidder's in it. ``bids`` and ``needed``, the least that wins, are in micros. ``sent``
    and ``late`` say whether the request was sent to the bidder and whether its answer came too late.
    """

    record: Record
    number: int
    bids: NDArray[np.int64]
    needed: NDArray[np.int64]
    sent: NDArray[np.bool_]
    late: NDArray[np.bool_]


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
    "pending": np.bool_,
}


@dataclass
class _Page:
    """Requests in blocks, in order, and outcomes to be awaited from when it is reported."""

    rows: list[Rows] = field(default_factory=list)
    outcomes: list[tuple[Awaited, NDArray[np.int64], Rows]] = field(default_factory=list)


class FeedbackQueue:
    """What one bidder is still to receive.

    Args:
        kinds: the type of each column that it sees.
        delay_h: how late reports reach it.
        learns: whether it receives feedback, or only the numbers of clicks and conversions.
        tells_minimum_bid: whether the exchange says which bid would have won.
    """

    def __init__(
        self,
        kinds: Mapping[str, type[np.generic]],
        delay_h: float,
        *,
        learns: bool,
        tells_minimum_bid: bool = True,
    ) -> None:
        self._learns, self._tells_minimum_bid = learns, tells_minimum_bid
        self._kinds = tuple(kinds.items())
        self._delay_us = min(round(delay_h * HOUR_US), FOREVER)
        self._page = _Page()
        self._closed: deque[tuple[Standing, _Page]] = deque()
        self._reported: Standing | None = None
        self.is_prompt = not learns and not delay_h
        """Whether its bidder only counts clicks and conversions (``Counting`` does), and knows its account as it stands."""
        self.clicks, self.conversions = Awaited(), Awaited()

    def note(self, chunk: Chunk, part: slice, outcome: BlockOutcome, seen: VisibleRequests) -> None:
        """Keep what the bidder learns of these requests at its next control step, or later."""
        record, sent = outcome.record, outcome.sent
        mine = record.winner == outcome.number
        columns = {
            "position": np.arange(chunk.start + part.start, chunk.start + part.stop),
            "bid": outcome.bids / MICROS,
            "won": mine.any(axis=1),
            "late": outcome.late,
            "price_paid": np.where(mine, record.paid, 0).sum(axis=1) / MICROS,
            "minimum_bid_to_win": outcome.needed / (MICROS if self._tells_minimum_bid else np.nan),
            "viewed": (mine & record.viewed).any(axis=1),
            "creative": np.where(mine, record.creative, -1).max(axis=1).astype(np.int16),
            **{f"{SHOWN}{name}": column for name, column in seen.items()},
        }
        self._page.rows.append(
            columns if sent.all() else {name: column[sent] for name, column in columns.items()}
        )

    def await_outcomes(
        self, chunk: Chunk, part: slice, done: Happened, record: Record | None, seen: VisibleRequests | None
    ) -> None:
        """Keep clicks and conversions until they are due; without ``seen`` only their numbers become known."""
        for awaited, due_us, which, also in (
            (self.clicks, done.click_us, done.click_us != NEVER_US, {}),
            (self.conversions, done.conversion_us, done.attributed, {"margin": done.margin}),
        ):
            if not which.any():
                continue
            row, slot = done.row[which], done.slot[which]
            columns = {"weight": done.weight[which], **{name: column[which] for name, column in also.items()}}
            if seen is not None and record is not None:
                columns |= {
                    "position": chunk.start + row,
                    "creative": record.creative[row - part.start, slot],
                    **{f"{SHOWN}{name}": column[row - part.start] for name, column in seen.items()},
                }
            # known when they are due, but not before the page is reported
            self._page.outcomes.append((awaited, due_us[which], columns))

    def hear(self, standing: Standing) -> tuple[Standing, Feedback | None]:
        """A control step: return the account as it is reported now, and what became known since the last (None: it does not learn).

        The opening account is known at once.
        """
        reported = standing
        rows: list[Rows] = []
        if self._delay_us or self._page.rows or self._page.outcomes:
            reported = standing if self._reported is None else self._reported
            self._closed.append((standing, self._page))
            self._page = _Page()
            while self._closed and self._closed[0][0].at_us + self._delay_us <= standing.at_us:
                reported = self._closed[0][0]
                rows += self._report()
        self._reported = reported
        clicks, conversions = self.clicks.take(standing.at_us), self.conversions.take(standing.at_us)
        if not self._learns:
            return reported, None
        return reported, self._feedback(rows, {"clicks": clicks, "conversions": conversions})

    def hear_rest(self, standing: Standing) -> Feedback:
        """Return all that has not been reported by the end of the run, with the outcomes that are still to come marked as pending.

        That of a bidder that does not learn is empty.
        """
        self._closed.append((standing, self._page))
        rows: list[Rows] = []
        while self._closed:
            rows += self._report()
        clicks, conversions = (
            awaited.take_rest(standing.at_us) for awaited in (self.clicks, self.conversions)
        )
        known = {"clicks": clicks, "conversions": conversions}
        return self._feedback(rows, known) if self._learns else empty_feedback(self._kinds)

    def _report(self) -> list[Rows]:
        """Report the oldest page: its outcomes are awaited from now on; return its rows."""
        _, page = self._closed.popleft()
        for awaited, due_us, columns in page.outcomes:
            awaited.put(due_us, columns)
        return page.rows

    def _feedback(self, parts: list[Rows], known: dict[str, Rows]) -> Feedback:
        nothing = empty_feedback(self._kinds)
        if not parts and not any(known.values()):
            return nothing
        joined = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]} if parts else {}
        table: dict[str, Any] = {
            name: frozen(joined[name]) if joined else getattr(nothing, name) for name in _FEEDBACK
        }
        outcomes: dict[str, Any] = {
            name: self._outcomes(columns) if columns else getattr(nothing, name)
            for name, columns in known.items()
        }
        return Feedback(requests=self._seen(joined, len(table["bid"])), **table, **outcomes)

    def _outcomes(self, columns: Rows) -> KnownOutcomes:
        due_us = columns["due_us"]
        table = {name: columns.get(name, np.empty(0, kind)) for name, kind in _OUTCOMES.items()}
        if "pending" not in columns:
            table["pending"] = np.zeros(len(due_us), np.bool_)
        return KnownOutcomes(
            requests=self._seen(columns, len(due_us)),
            hour=frozen(due_us / HOUR_US),
            **{name: frozen(column) for name, column in table.items()},
        )

    def _seen(self, columns: Rows, n: int) -> VisibleRequests:
        """Return the visible columns among ``columns``; each is there, if empty."""
        nothing = empty_feedback(self._kinds).requests
        return VisibleRequests(
            n, {name: columns.get(f"{SHOWN}{name}", nothing[name]) for name, _ in self._kinds}
        )


@lru_cache(maxsize=256)
def empty_feedback(kinds: tuple[tuple[str, type[np.generic]], ...]) -> Feedback:
    """Return feedback without a row for a bidder that sees columns of these names and types; it cannot be changed, and serves all runs."""
    seen = VisibleRequests(0, {name: np.empty(0, kind) for name, kind in kinds})
    table: dict[str, Any] = {name: frozen(np.empty(0, kind)) for name, kind in _FEEDBACK.items()}
    no: dict[str, Any] = {name: frozen(np.empty(0, kind)) for name, kind in _OUTCOMES.items()}
    none = KnownOutcomes(requests=seen, hour=frozen(np.empty(0)), **no)
    return Feedback(requests=seen, **table, clicks=none, conversions=none)
