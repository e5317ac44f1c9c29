"""A log as a market that strategies can be played in: its prices, what policies know of them, what a row is worth."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from jointbid.sim import LogColumns
from jointbid.sim.scenario import MICROS, Rivals

from ...errors import BadInput
from ..log_table import LogTable
from ..rows.log_columns import DAY_US
from .bids import click_values
from .holdout_models import forward_ctr, training_rows
from .plan import ReplayPlan, seen_rows

Floats = NDArray[np.float64]
BINS = 256


@dataclass(frozen=True)
class PricedLog:
    """A log, priced: which rows are for learning, P(click) of each, and what a click is worth to its campaign.

    Arrays have the shape (rows,); `value` is in currency, `happened` is 0 or 1 where the outcome was seen and the
    prediction where it was not.
    """

    log: LogTable
    training: NDArray[np.bool_]
    ctr: Floats
    worth: Floats
    happened: Floats

    def select(self, rows: NDArray[np.bool_]) -> PricedLog:
        """Return some of the rows."""
        log = replace(self.log, frame=self.log.frame[rows].reset_index(drop=True))
        return PricedLog(log, self.training[rows], self.ctr[rows], self.worth[rows], self.happened[rows])

    def columns(self, scale: float = 1.0) -> LogColumns:
        """Return the rows for the engine; their weights over `scale`, their times from the start of the first day."""
        frame = self.log.frame
        time_us = frame["time_us"].to_numpy()
        return LogColumns(
            time_us=time_us - time_us[0] // DAY_US * DAY_US,
            price_micros=frame["price_micros"].to_numpy(),
            floor_micros=frame["floor_micros"].to_numpy(),
            weight=frame["weight"].to_numpy() / scale,
            value=self.happened * self.worth,
            click=self.happened,
            columns={"value": self.ctr * self.worth},
        )


def split_rows(plan: ReplayPlan, log: LogTable) -> tuple[LogTable, NDArray[np.bool_]]:
    """Return the rows that can be priced, and which of them are for learning and tuning; shape (rows,).

    Without predictions that came with the log these are the rows whose outcome was seen.

    Raises:
        BadInput: nothing is left for one of the parts.
    """
    if "pctr" not in log.frame:
        log = seen_rows(log)
    return log, training_rows(plan, log)


def check_worth(plan: ReplayPlan, training: LogTable) -> None:
    """Raise `BadInput` where neither the training rows nor the settings give the value of a click."""
    if plan.settings.value_per_click is None and not training.frame["click"].any():
        raise BadInput(
            f"{training.path}: none of the {len(training):,} training rows has a click, so that they do not say what one is worth; "
            "say study.replay.value_per_click, or make study.replay.train_share larger"
        )


def check_prices(log: LogTable) -> None:
    """Raise `BadInput` where the log has no prices, so that no auction can be replayed."""
    if not log.has_prices:
        raise BadInput(
            f"{log.path}: has no prices, so its auctions cannot be replayed (mapping: price); jointbid value puts a landscape in their "
            "place (study.replay.landscapes)"
        )


def check_landscape(log: LogTable, kind: str) -> None:
    """Raise `BadInput` for `kaplan_meier` where the log has no bids."""
    if kind == "kaplan_meier" and ("bid_micros" not in log.frame or not (log.frame["bid_micros"] > 0).any()):
        raise BadInput(
            f"study.replay.landscape = kaplan_meier: {log.path} has no bids of the logger (mapping: bid)"
        )


def price_log(
    plan: ReplayPlan, log: LogTable, arm: str, hidden: Mapping[str, Collection[str]] | None = None
) -> PricedLog:
    """Price a log: by the predictions that came with it, else by learning from its training rows, `hidden` values left out.

    Raises:
        BadInput: nothing to learn from.
    """
    brought = "pctr" in log.frame
    log, training = split_rows(plan, log)
    frame = log.frame
    ctr = frame["pctr"].to_numpy() if brought else forward_ctr(plan, log, training, arm, hidden)
    happened = frame["click"].to_numpy(dtype=np.float64)
    if brought and "known" in frame:
        happened = np.where(frame["known"], happened, ctr)
    known = click_worth(plan, replace(log, frame=frame[training]))
    worth = frame["campaign"].astype(str).map(known).fillna(plan.settings.value_per_click or 0.0)
    return PricedLog(log, training, ctr, np.asarray(worth, dtype=np.float64), happened)


def click_worth(plan: ReplayPlan, training: LogTable) -> dict[str, float]:
    """Return what a click cost each campaign in the training rows, in currency; empty where the settings give its value."""
    if plan.settings.value_per_click is not None:
        return {}
    per_row = click_values(training) / MICROS
    return dict(zip(training.frame["campaign"].astype(str), per_row.tolist(), strict=True))


def landscape(log: LogTable, kind: str) -> Rivals:
    """Return the law of the market price in some rows, as policies know it: a histogram in currency.

    Args:
        log: the training rows.
        kind: `empirical`, the prices as they are; or `kaplan_meier`, the product-limit estimate in reverse (Lynden-Bell
            1971) for prices that are logged only where they lie below the logger's own bid, which has to vary for that.

    Raises:
        BadInput: `kaplan_meier` where the log has no bids.
    """
    frame = log.frame
    price, weight = frame["price_micros"].to_numpy() / MICROS, frame["weight"].to_numpy()
    check_landscape(log, kind)
    if kind == "kaplan_meier" and not log.full_information:
        return as_histogram(*truncated(price, frame["bid_micros"].to_numpy() / MICROS, weight))
    distinct, place = np.unique(price, return_inverse=True)
    return as_histogram(distinct, np.bincount(place, weight).astype(np.float64))


def truncated(price: Floats, bid: Floats, weight: Floats) -> tuple[Floats, Floats]:
    """Return distinct prices, rising, and the probability of each, where a row is seen only if its price is not above its bid.

    F(p) is the product over prices q > p of 1 - (rows at q) / (rows at risk there: price <= q <= bid).
    """
    held, place = np.unique(price, return_inverse=True)
    there = np.bincount(place, weight)
    bid = np.maximum(bid, price)
    begun = np.cumsum(there)
    order = np.argsort(bid)
    gone = np.concatenate([[0.0], np.cumsum(weight[order])])[np.searchsorted(bid[order], held, side="left")]
    at_risk = np.maximum(begun - gone, there)
    return held, product_limit(there, at_risk)


def product_limit(events: NDArray[Any], at_risk: NDArray[Any]) -> Floats:
    """Return the probability of each of some rising prices: F(p) is the product over q > p of 1 - events / at risk."""
    # The lowest price has nothing below it: its own factor is 0, and is left out of the product above it.
    upto = np.concatenate([np.cumprod((1.0 - events / at_risk)[::-1])[::-1][1:], [1.0]])
    return np.diff(np.concatenate([[0.0], upto]))


def as_histogram(price: Floats, share: Floats) -> Rivals:
    """Return at most `BINS` bins of about equal probability; a price lies at the upper end of its bin."""
    kept = share > 0
    price, share = price[kept], share[kept]
    upto = np.cumsum(share) / share.sum()
    place = np.unique(
        np.minimum(np.searchsorted(upto, np.linspace(0, 1, BINS + 1)[1:] - 1e-12), len(price) - 1)
    )
    edges, probability = price[place], np.diff(np.concatenate([[0.0], upto[place]]))
    low = max(edges[0] - 1.0 / MICROS, 0.0)
    edges = np.concatenate([[low], np.maximum(edges, low + 1e-12)])
    return Rivals(landscape="histogram", edges=tuple(edges.tolist()), weights=tuple(probability.tolist()))
