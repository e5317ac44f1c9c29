"""What a log of won impressions leaves out: the auctions that the logger lost, whose prices lie above its own bids.

An arm that bids more than the logger did would win some of them. What they are worth is bounded three ways: by the Kaplan-Meier estimate of
the law of prices above a bid (Kaplan & Meier 1958; for won impressions alone Lynden-Bell 1971), with the share above the highest bid never
won, or won at once; and by the worst and the best price for each row on its own.

A lost row's value is the joint model's prediction, as its outcome was not seen. Prices are taken not to depend on the row beyond its bid.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from ...estimate.sides import Weights
from ..log_table import LogTable
from .bids import Floats
from .bootstrap import interval_table
from .holdout_models import Hidden, fit_predictor
from .outcomes import ReplayOutcome
from .plan import ReplayPlan, Requests
from .price_law import SampledLaw
from .priced_log import truncated

LOGGED, KM_LOW, KM_HIGH, WORST, BEST = "logged", "km_never", "km_at_once", "worst", "best"


@dataclass(frozen=True)
class LostRows:
    """The auctions that the logger lost.

    Attributes:
        frame: the columns of the log; `weight` is the number of requests that a row stands for.
        bids: the logger's, micros; shape (rows,).
        prices: known prices, micros; nan where it is only known that they lie above the bid.
        atoms: prices in the law of all requests' prices, rising, micros.
        shares: the probability of each atom; they sum to 1 less what lies above the highest bid.
        how: where the rows are from, in words.
    """

    frame: pd.DataFrame
    bids: Floats
    prices: Floats
    atoms: Floats
    shares: Floats
    how: str


def lost_rows(log: LogTable, seen: LogTable) -> LostRows | None:
    """Return the auctions lost of a log with the logger's bids; None where there are no such rows, or nothing to learn from them.

    Args:
        log: all rows, also those whose outcome was not seen.
        seen: those whose outcome was seen.
    """
    if not log.has_prices or "bid_micros" not in log.frame or not (log.frame["bid_micros"] > 0).any():
        return None
    frame = log.frame
    lost = ~frame["known"].to_numpy() & (frame["bid_micros"] > 0).to_numpy() if "known" in frame else None
    if lost is not None and lost.any():
        rows = frame[lost].reset_index(drop=True)
        bids = rows["bid_micros"].to_numpy(np.float64)
        prices = rows["price_micros"].to_numpy(np.float64)
        if "unpriced" in rows:
            prices = np.where(rows["unpriced"], np.nan, prices)
        elif not log.full_information:
            prices = np.full(len(rows), np.nan)
        atoms, shares = censored_law(seen.frame, bids, prices, rows["weight"].to_numpy())
        return LostRows(rows, bids, prices, atoms, shares, f"{len(rows):,} lost auctions are in the log")
    if log.full_information:
        return None
    return _not_logged(seen.frame)


def _not_logged(frame: pd.DataFrame) -> LostRows | None:
    """Return the lost auctions that won ones stand for: where the logger wins one in k at a bid, k - 1 more; None with one level of bids."""
    bid, weight = frame["bid_micros"].to_numpy(np.float64), frame["weight"].to_numpy()
    if len(np.unique(bid[bid > 0])) < 2 or (bid <= 0).any():
        return None
    price = frame["price_micros"].to_numpy(np.float64)
    bid = np.maximum(bid, price)
    atoms, shares = truncated(price, bid, weight)
    won = np.cumsum(shares)[np.searchsorted(atoms, bid, side="right") - 1]
    more = weight * (1.0 / np.maximum(won, 1e-6) - 1.0)
    kept = more > 0
    rows = frame[kept].assign(weight=more[kept]).reset_index(drop=True)
    if rows.empty:
        return None
    how = f"no lost auction is in the log; by the bids' varying rates of winning there were {more.sum():,.0f}, which are taken to be like the won ones"
    return LostRows(rows, bid[kept], np.full(len(rows), np.nan), atoms, shares, how)


def censored_law(seen: pd.DataFrame, bids: Floats, prices: Floats, weights: Floats) -> tuple[Floats, Floats]:
    """Return the Kaplan-Meier law of prices that are known where they are below the bid: atoms, and the probability of each.

    Args:
        seen: the rows that were won.
        bids: of the lost rows.
        prices: of the lost rows, where they are known.
        weights: of the lost rows.
    """
    known = ~np.isnan(prices)
    at = np.concatenate([seen["price_micros"].to_numpy(np.float64), np.where(known, prices, bids)])
    weight = np.concatenate([seen["weight"].to_numpy(), weights])
    event = np.concatenate([np.ones(len(seen), dtype=bool), known])
    law = SampledLaw.kaplan_meier(at, event, weight).law
    held = law.shares > 0
    return law.atoms[held], law.shares[held]


def lost_gain(lost: LostRows, bids: Mapping[str, Floats], value: Floats, of: Weights) -> dict[str, Floats]:
    """Return the weighted sum of arms' profits on each lost row under every bound, in micros per request; shape (rows,).

    Args:
        lost: the rows.
        bids: of each arm, micros, shape (rows,).
        value: the expected value of each row, micros.
        of: the weights of the arms.
    """
    known = ~np.isnan(lost.prices)
    exact = np.where(
        known,
        sum(weight * (value - lost.prices) * (bids[arm] >= lost.prices) for arm, weight in of.items()),
        0.0,
    )
    found = {
        KM_LOW: sum(weight * _by_law(lost, bids[arm], value, at_once=False) for arm, weight in of.items()),
        KM_HIGH: sum(weight * _by_law(lost, bids[arm], value, at_once=True) for arm, weight in of.items()),
    }
    worst, best = _extremes(lost, bids, value, of)
    found |= {WORST: worst, BEST: best}
    return {name: np.where(known, exact, np.asarray(column)) for name, column in found.items()}


def _by_law(lost: LostRows, bid: Floats, value: Floats, *, at_once: bool) -> Floats:
    """Return the expected profit of a bid, where the price follows the law above the logger's own bid.

    The share of the law above the highest bid is never won, or at the price of the highest bid.
    """
    atoms, shares = lost.atoms, lost.shares
    if at_once:
        top = max(float(atoms[-1]), float(lost.bids.max()))
        atoms, shares = np.append(atoms, top), np.append(shares, max(1.0 - shares.sum(), 0.0))
    upto, paid = (np.concatenate([[0.0], np.cumsum(column)]) for column in (shares, shares * atoms))
    low = np.searchsorted(atoms, lost.bids, side="right")
    if at_once:  # the last atom is above every bid
        low = np.minimum(low, len(atoms) - 1)
    high = np.maximum(np.searchsorted(atoms, bid, side="right"), low)
    above = np.maximum(1.0 - upto[low], 1e-12)
    gain = value * (upto[high] - upto[low]) - (paid[high] - paid[low])
    return np.where(bid > lost.bids, gain / above, 0.0)


def _extremes(
    lost: LostRows, bids: Mapping[str, Floats], value: Floats, of: Weights
) -> tuple[Floats, Floats]:
    """Return the least and the most that the weighted sum of profits can be, over all prices above the logger's bid."""
    # Between two bids the sum falls or rises with the price: its extremes lie just above the logger's bid, at a bid, or just above one.
    points = [lost.bids, *(np.maximum(bids[arm], lost.bids) for arm in of)]
    worst, best = np.zeros(len(value)), np.zeros(len(value))
    for at in points:
        for strict in (False, True):
            total = np.zeros(len(value))
            for arm, weight in of.items():
                wins = (bids[arm] > at) if strict else (bids[arm] >= at) & (bids[arm] > lost.bids)
                total += weight * (value - at) * wins
            possible = total if strict else np.where(at > lost.bids, total, 0.0)
            worst, best = np.minimum(worst, possible), np.maximum(best, possible)
    return worst, best


@dataclass(frozen=True)
class LostValues:
    """What models of seen rows say of lost ones and of each other.

    Attributes:
        ctr: P(click) of the lost rows by arm; shape (lost rows,).
        seen: that of the seen rows, by the same models; shape (rows,).
        worth: of a click to the lost row's campaign, micros; shape (lost rows,).
    """

    ctr: Mapping[str, Floats]
    seen: Mapping[str, Floats]
    worth: Floats

    @classmethod
    def of(
        cls,
        plan: ReplayPlan,
        requests: Requests,
        lost: LostRows,
        arms: Collection[str],
        hidden: Hidden | None,
    ) -> LostValues:
        """Predict the rows of each fold, lost ones dealt out to folds at random, by models of the seen rows outside it; `hidden` values are left out.

        As one model prices the seen and the lost rows of a fold, the errors that doubly robust estimates take off the
        seen rows are those of the lost ones.
        """
        number = int(requests.folds.max()) + 1
        folds = np.random.default_rng([plan.seed, 0x1057]).integers(0, number, len(lost.frame))
        frame = requests.log.frame
        ctr, seen = ({arm: np.zeros(n) for arm in arms} for n in (len(folds), len(frame)))
        for fold in range(number):
            held, own = requests.folds == fold, folds == fold
            log = replace(requests.log, frame=frame[~held].reset_index(drop=True))
            for arm in arms:
                model = fit_predictor(plan, log, arm, hidden)[0]
                seen[arm][held] = model.ctr(frame[held])
                if own.any():
                    ctr[arm][own] = model.ctr(lost.frame[own])
        known = dict(zip(frame["campaign"].astype(str), requests.values.tolist(), strict=True))
        worth = lost.frame["campaign"].astype(str).map(known).fillna(0.0).to_numpy(np.float64)
        return cls(ctr, seen, worth)


def bound_rows(
    plan: ReplayPlan,
    requests: Requests,
    lost: LostRows,
    values: LostValues,
    outcomes: list[ReplayOutcome],
    of: Weights,
    tags: str,
) -> pd.DataFrame:
    """Return the value of joint data on logged and lost auctions together, per million of them, under every bound.

    Args:
        plan: the settings.
        requests: the rows that were seen.
        lost: the rows that were not.
        values: of the lost rows.
        outcomes: of the arms without a budget limit, under one variant of the tags.
        of: the weights of the arms in the value, by the arms that were played.
        tags: the variant.

    Returns:
        Columns `bound`, `tags`, `unit`, `estimate`, `ci_low`, `ci_high`, `n_replications`.
    """
    bids = {arm: values.ctr[arm] * values.worth for arm in of}
    seen = {
        arm: np.mean(
            [
                one.won * requests.weights * requests.clicks * requests.values - one.spend(requests)
                for one in outcomes
                if one.arm == arm
            ],
            axis=0,
        )
        for arm in of
    }
    logged = sum(weight * seen[arm] for arm, weight in of.items())
    weight = lost.frame["weight"].to_numpy()
    beyond = lost_gain(lost, bids, values.ctr["joint"] * values.worth, of)
    columns = {LOGGED: np.concatenate([np.asarray(logged), np.zeros(len(weight))])}
    columns |= {name: np.concatenate([np.asarray(logged), gain * weight]) for name, gain in beyond.items()}
    unit = f"{requests.log.currency} per million bid requests"
    weights = np.concatenate([requests.weights, weight])
    table = interval_table(plan, "bound", columns, weights, unit)
    table.insert(1, "tags", tags)
    return table
