"""Reports to a bidder on what it bought, and their delay.

Between two of its control steps what happens to a bidder fills a page. A page is reported at the first control step that is at
least ``bidders.report_delay_h`` after its end, with the account as it stood then: bids, wins, prices, and the outcomes of its
impressions from then on. Without a delay that is the step at its end. The exchange itself is never late: it knows the true
budget, and charges no bidder beyond it.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .calendar import FOREVER
from .outcomes import Awaited
from .scenario import HOUR_US

Rows = dict[str, NDArray[Any]]


class Standing(NamedTuple):
    """An account at a moment: requests seen by then while it might bid, money in currency (``left_today`` until midnight)."""

    at_us: int
    requests: int
    spend: float
    wins: int
    left_today: float


@dataclass
class _Page:
    """Requests in blocks, in order, and outcomes to be awaited from when it is reported."""

    rows: list[Rows] = field(default_factory=list)
    outcomes: list[tuple[Awaited, NDArray[np.int64], Rows]] = field(default_factory=list)


class Reports:
    """The pages of one bidder that are still to be reported."""

    def __init__(self, delay_h: float) -> None:
        self._delay_us = min(round(delay_h * HOUR_US), FOREVER)
        self._page = _Page()
        self._closed: deque[tuple[Standing, _Page]] = deque()
        self._reported: Standing | None = None

    def note(self, rows: Rows) -> None:
        """Some requests; the bidder sees them when the page is reported."""
        self._page.rows.append(rows)

    def await_outcomes(self, of: Awaited, due_us: NDArray[np.int64], columns: Rows) -> None:
        """Outcomes of impressions on this page: known when they are due, but not before the page is reported."""
        if len(due_us):
            self._page.outcomes.append((of, due_us, columns))

    def close(self, standing: Standing) -> tuple[Standing, list[Rows]]:
        """A control step: the account as it is reported now, and the rows of all pages that are reported with it.

        The opening account is known at once.
        """
        if not self._delay_us and not (self._page.rows or self._page.outcomes):
            self._reported = standing
            return standing, []
        self._reported = standing if self._reported is None else self._reported
        self._closed.append((standing, self._page))
        self._page = _Page()
        rows: list[Rows] = []
        while self._closed and self._closed[0][0].at_us + self._delay_us <= standing.at_us:
            self._reported = self._closed[0][0]
            rows += self._report()
        return self._reported, rows

    def close_all(self, standing: Standing) -> list[Rows]:
        """The end of the run: the rows of all pages that have not been reported."""
        self._closed.append((standing, self._page))
        self._page = _Page()
        rows: list[Rows] = []
        while self._closed:
            rows += self._report()
        return rows

    def _report(self) -> list[Rows]:
        _, page = self._closed.popleft()
        for awaited, due_us, columns in page.outcomes:
            awaited.put(due_us, columns)
        return page.rows
