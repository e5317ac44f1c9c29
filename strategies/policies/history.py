"""The impressions that campaigns won, their outcomes, and the share of outcomes that is known by now."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from jointbid.sim.visible import KnownOutcomes


class CampaignResults:
    """The value that each campaign won, in pages by age, and its outcomes."""

    def __init__(self, page_h: float) -> None:
        self._page_h = page_h
        self._hour: list[float] = []
        self._last: list[int] = []
        self._won: list[NDArray[np.float64]] = []
        self._open: list[tuple[int, NDArray[np.float64]]] = []
        self._waiting: list[tuple[KnownOutcomes, NDArray[np.int64]]] = []
        self._page, self._by = np.empty((2, 0), dtype=np.int64)
        self._amount, self._at = np.empty((2, 0))

    def note(self, position: NDArray[np.int64], won: NDArray[np.float64]) -> None:
        """Note the last of these positions, and the value won by campaign."""
        if len(position):
            self._open.append((int(position[-1]), won))

    def sold(self, known: KnownOutcomes, campaign: NDArray[np.int64]) -> None:
        """Note outcomes that became known."""
        if len(known.position):
            self._waiting.append((known, campaign))

    def close(self, reported_h: float) -> None:
        """Put all that was noted on the page of this time."""
        for last, won in self._open:
            if self._hour and reported_h - self._hour[-1] < self._page_h:
                before = self._won[-1]
                self._won[-1], self._last[-1] = longer(before, len(won)) + won, last
            else:
                self._hour.append(reported_h)
                self._won.append(won)
                self._last.append(last)
        self._open = []
        for known, campaign in self._waiting:
            page = np.minimum(np.searchsorted(self._last, known.position), len(self._last) - 1)
            self._page = np.append(self._page, page)
            self._by = np.append(self._by, campaign)
            self._amount = np.append(
                self._amount, known.weight * (known.margin if len(known.margin) else 1.0)
            )
            self._at = np.append(self._at, known.hour)
        self._waiting = []

    def corrections(self, hour: float, memory_h: float, prior: float, *, raw: bool) -> NDArray[np.float64]:
        """Return outcomes per value of each campaign, relative to all campaigns; shape (campaigns,); 1 where none came."""
        n = max((len(won) for won in self._won), default=0)
        if not len(self._amount) or self._page.min() < 0:
            return np.ones(n)
        page_h = np.array(self._hour)
        age_h = hour - page_h
        kept = 0.5 ** (age_h / memory_h)
        delay_h = np.maximum(self._at - page_h[self._page], 0.0)
        known = np.ones(len(age_h)) if raw else known_share(delay_h, age_h[self._page], age_h)
        value = (kept * known) @ np.stack([longer(won, n) for won in self._won])
        brought = sums(self._by, self._amount * kept[self._page], n)
        usual = float(brought.sum() / value.sum()) if value.sum() > 0 else 0.0
        doubt = prior * float(self._amount.mean())
        return np.asarray((brought + doubt) / (value * usual + doubt))


def known_share(
    delay_h: NDArray[np.float64], seen_for_h: NDArray[np.float64], age_h: NDArray[np.float64]
) -> NDArray[np.float64]:
    """The share of outcomes that come within each ``age_h``; shape as ``age_h``.

    ``delay_h`` are the delays of the outcomes that came so far and ``seen_for_h`` how long ago their impressions were shown, shape (n,):
    one that takes longer than that is not among them, so that plain shares would cover short delays alone. The product-limit
    estimate for such delays goes backwards, F(t) = product over u > t of 1 - d(u) / n(u), with d(u) of delay u among the n(u)
    that came within u and are of impressions at least that old (Lagakos, Barraj & De Gruttola 1988). One more that is known
    at once is added everywhere, against chance in the few oldest. What takes longer than the oldest impression is not counted
    with; of no outcome, all is taken to be known.
    """
    late, counts = np.unique(delay_h, return_counts=True)
    within = np.cumsum(counts)
    too_young = np.searchsorted(np.sort(seen_for_h), late, side="left")
    left = 1.0 - counts / (within - too_young + 1.0)
    share = np.append(np.cumprod(left[::-1])[::-1], 1.0)
    return np.asarray(share[np.searchsorted(late, age_h, side="right")])


def sums(code: NDArray[np.int64], of: NDArray[np.float64], n: int) -> NDArray[np.float64]:
    """Return the sum by code; shape (n,)."""
    return np.bincount(code, weights=of, minlength=n).astype(np.float64)


def longer(column: NDArray[np.float64], n: int, fill: float = 0.0) -> NDArray[np.float64]:
    """Return the column, filled up to ``n`` rows."""
    return column if len(column) == n else np.append(column, np.full(n - len(column), fill))
