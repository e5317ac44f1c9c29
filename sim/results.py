"""What a run leaves behind: frozen tables, and nothing that lives."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from numpy.typing import NDArray

Columns = Mapping[str, NDArray[Any]]
"""A table: equally long read-only columns by name."""


@dataclass(frozen=True, slots=True)
class RunResult:
    """The tables of one run. Money in currency, time in hours.

    ``bidders``, a row a bidder: ``bidder``, ``advertiser``, ``requests``, ``wins`` (rows won), ``win_rate``, ``spend``,
    ``value`` (expected value of what was won, given the truth), ``profit`` (value - spend), ``viewed`` (impressions that were
    seen), ``reach`` (people who saw their first of the advertiser by this bidder), ``clicks_expected`` and
    ``conversions_expected`` (probabilities added up; conversions within their windows), ``clicks`` and ``conversions`` (as
    realised, and known by the end), ``clicks_censored`` and ``conversions_censored`` (due after the end),
    ``conversions_unattributed`` (too late for their window), ``margin`` and ``margin_censored`` (what the conversions of these names
    bring, in currency), ``lookups`` (requests looked up in its sources,
    over all of them), ``matches`` (those that matched), ``data_cost`` (their price, which is not in ``spend``), ``late`` (bids
    after the exchange's deadline), ``unsent`` (requests that the exchange did not send), ``budget_left`` (of the run, or of all its days; inf where
    unlimited).

    Where accounts are on a journey also ``purchases_expected`` (at their hazard), ``purchases_without_ads`` (the same, had the
    advertiser never been seen, all else equal) and ``purchases`` (as realised), each with the advertiser's first bidder; the
    worth of the first less the second is part of ``value``.

    ``timeseries``, a row a bidder and ``engine.series_h``: ``bidder``, ``hour``, ``spend``, ``wins``, ``value``, ``multiplier`` (the policy's bid
    multiplier at the start of the row; nan where it has none).

    ``market``: ``requests``, ``revenue`` (what the simulated bidders paid), of which ``exchange_fee`` and
    ``publisher_revenue``, ``welfare`` (expected value of all impressions sold; nan against a price landscape, whose
    value to others is unknown), ``data_cost`` (what the bidders paid for data), and ``relevance`` (how much more people
    respond to what the simulated bidders showed them than to ads at random; nan where nothing was shown, and for logs).

    ``journey``, a row a step (none without journeys): ``hour``, the accounts in each stage from then on, and, added up since the
    start, ``decisions_expected``, ``decisions`` and ``bought_outside`` (from no advertiser here).

    ``purchases``, a row a purchase from one of the bidders (none without journeys): ``hour``, ``account``, ``advertiser``.

    ``stock``, a row an advertiser and product (none where everything is always there): ``units`` at the start, ``delivered``, ``sold``,
    ``left`` at the end (below 0: sales that wait for a delivery), and ``sold_out_h``, how long there were none, in hours by its counts;
    the last on average over the products also with the advertiser's first bidder in ``bidders``.

    ``calendar``: how many events of each kind came, and the blocks of requests between them. ``calendar_h``: the hour of
    the first and of the last of each kind.

    ``strategies``, where they were asked for (``keep_strategies=True``): bidder -> its copy of the strategy, as the run left it.
    """

    scenario: str
    seed: int
    replication: int
    bidders: Columns
    timeseries: Columns
    market: Mapping[str, float]
    journey: Columns
    purchases: Columns
    stock: Columns
    calendar: Mapping[str, int]
    calendar_h: Mapping[str, tuple[float, float]]
    strategies: Mapping[str, Any] = field(default_factory=dict, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Make all columns read-only."""
        for table in (self.bidders, self.timeseries, self.journey, self.purchases, self.stock):
            for column in table.values():
                column.setflags(write=False)

    def of(self, bidder: str) -> dict[str, Any]:
        """One bidder's row of ``bidders`` as a dict."""
        names = list(self.bidders["bidder"])
        if bidder not in names:
            raise KeyError(f"no bidder {bidder!r} in this run; there are: {', '.join(names)}")
        row = names.index(bidder)
        return {column: values[row : row + 1].tolist()[0] for column, values in self.bidders.items()}

    def _repr_html_(self) -> str:
        """Return the table of bidders, as notebooks show it."""
        from .results_html import html_of

        about = f"{self.scenario}: {self.market['requests']:,.0f} requests, seed {self.seed}, replication {self.replication}"
        return html_of(f"{about}; money in currency", self.bidders)
