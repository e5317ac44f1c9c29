"""The interval of the value of joint data with all models learned anew: a bootstrap over blocks of the log, people, days or pages.

Each resample draws blocks with replacement, learns every rung on the drawn rows (a row and its copies stay in one fold), and prices them.
The interval is estimate +- t x the standard deviation over resamples (Efron & Tibshirani 1993, chapter 12), which takes far fewer resamples than
percentiles do. The silo stays the one that was chosen.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import stdtrit

from jointbid.sim.scenario import MICROS

from ...errors import BadInput
from ...estimate.sides import Weights
from .click_value import gain_of
from .crossfit import honest
from .folds import Blocks, fold_without_classes
from .ladder_models import ALL, fit_ladders
from .plan import PER, ReplayPlan, Requests


def refitted(
    plan: ReplayPlan, requests: Requests, of: Weights, estimate: float, progress: Callable[[str], None]
) -> pd.DataFrame:
    """Return the interval of a comparison without a budget limit, of all values; columns `estimate`, `ci_low`, `ci_high`, `refits`.

    Raises:
        BadInput: a resample without clicks to learn from.
    """
    rng, found = np.random.default_rng([plan.seed, 0x2EF17]), list[float]()
    for number in range(plan.settings.refit):
        drawn = resampled(requests, rng)
        if fold_without_classes(drawn.clicks, drawn.folds, out=2):
            raise BadInput(
                f"study.replay.refit: a resample of {requests.log.path} has no clicks, or nothing else, to learn from without a part; make "
                "study.replay.folds smaller, or blocks smaller (study.replay.blocks)"
            )
        ladder = fit_ladders(plan, replace(drawn, hidden={}))[ALL]
        odds = {arm: honest(ladder.odds[arm], drawn.folds) for arm in of}
        gain = gain_of(drawn, odds, of, drawn.values)
        found.append(float(gain.sum() / MICROS / drawn.weights.sum() * PER))
        if (number + 1) % 10 == 0:
            progress(f"learned anew on {number + 1} of {plan.settings.refit} resamples")
    spread = float(np.std(found, ddof=1)) * float(stdtrit(len(found) - 1, 0.975))
    row = {
        "estimate": estimate,
        "ci_low": estimate - spread,
        "ci_high": estimate + spread,
        "refits": len(found),
    }
    unit = f"{requests.log.currency} per million {requests.log.what}"
    return pd.DataFrame([row]).assign(unit=unit, n_replications=len(found))


def resampled(requests: Requests, rng: np.random.Generator) -> Requests:
    """Return the rows of blocks drawn with replacement, in order of time, each in the fold of the row that it is a copy of."""
    rows = _drawn(requests.blocks, len(requests.log), rng)
    frame = requests.log.frame.iloc[rows].reset_index(drop=True)
    log = replace(requests.log, frame=frame)
    return replace(
        requests,
        log=log,
        folds=requests.folds[rows],
        values=requests.values[rows],
        blocks=Blocks(None),
        whole=None,
    )


def _drawn(blocks: Blocks, rows: int, rng: np.random.Generator) -> NDArray[np.int64]:
    if blocks.numbers is None:
        return np.sort(rng.integers(0, rows, rows))
    count = int(blocks.numbers.max()) + 1
    times = np.bincount(rng.integers(0, count, count), minlength=count)
    return np.repeat(np.arange(rows), times[blocks.numbers])
