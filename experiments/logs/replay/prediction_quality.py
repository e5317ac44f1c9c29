"""How good click predictions are: ranking, log loss, calibration."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit
from sklearn.metrics import roc_auc_score

from .crossfit import recalibrate

Floats = NDArray[np.float64]


def auc_within(clicks: NDArray[np.int64], scores: Floats, groups: NDArray[np.object_]) -> float:
    """Return the AUC over pairs (click, non-click) of one group: the groups' AUCs, weighted by their pairs."""
    total = pairs = 0.0
    for group in np.unique(groups):
        rows = groups == group
        count = float(clicks[rows].sum() * (1 - clicks[rows]).sum())
        if count:
            total += count * roc_auc_score(clicks[rows], scores[rows])
            pairs += count
    return total / pairs if pairs else float("nan")


def quality(
    clicks: NDArray[np.int64], odds: Floats, weights: Floats, groups: NDArray[np.object_]
) -> dict[str, float]:
    """Measure predicted log-odds of a click against what happened.

    Args:
        clicks: 0 or 1, shape (rows,).
        odds: predicted log-odds per impression of the full log, shape (rows,).
        weights: impressions of the full log that a row stands for, shape (rows,).
        groups: the campaign of each row.

    Returns:
        auc, auc_within_campaign; log_loss (nats per impression of the full log); relative_information: the share by
        which log_loss falls below that of the log's mean CTR; predicted_to_clicks: predicted clicks / clicks, 1 when
        calibrated in the large; calibration_slope: of a logistic regression of clicks on the log-odds, 1 when
        calibrated, below it when the predictions are too far apart.
    """
    ctr = np.average(clicks, weights=weights)
    loss = _log_loss(clicks, odds, weights)
    slope = recalibrate(odds[:, None], clicks).coef_[0, 0]
    base = _log_loss(clicks, np.full(len(odds), np.log(ctr / (1 - ctr))), weights)
    return {
        "auc": float(roc_auc_score(clicks, odds)),
        "auc_within_campaign": auc_within(clicks, odds, groups),
        "log_loss": loss,
        "relative_information": 1 - loss / base,
        "predicted_to_clicks": float((weights * expit(odds)).sum() / (weights * clicks).sum()),
        "calibration_slope": float(slope),
    }


def _log_loss(clicks: NDArray[np.int64], odds: Floats, weights: Floats) -> float:
    """Return the weighted mean of -log p of what happened."""
    return float(np.average(np.logaddexp(0.0, np.where(clicks == 1, -odds, odds)), weights=weights))


def weighted_auc(
    score: NDArray[np.float64], positive: NDArray[np.float64], negative: NDArray[np.float64]
) -> float:
    """Return P(a click's score is above a non-click's), ties half, over cells that hold that many of each; any equal shapes.

    It is nan where there are no clicks, or nothing else.
    """
    order = np.argsort(score, axis=None)
    plus, minus = positive.ravel()[order], negative.ravel()[order]
    below = np.cumsum(minus) - minus
    pairs = float(plus.sum() * minus.sum())
    return float((plus * (below + minus / 2)).sum()) / pairs if pairs > 0 else float("nan")
