"""The default scenario beside the public figures that it was fitted to: campaign 1458 of the iPinYou log of 2013.

Prices are the log's: fen CPM, of impressions won at a constant bid of 300. One fen CPM is 10 micros of CNY an impression.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from jointbid.experiments.logs.replay.prediction_quality import weighted_auc
from jointbid.sim.scenario import Scenario
from jointbid.sim.streams import Streams
from jointbid.sim.supply import chunks
from jointbid.sim.training import TrainingLog, randomised_log
from jointbid.strategies.valuations.bayes import believed_retention, mean_value, posterior

if TYPE_CHECKING:
    import pandas as pd

REAL = {
    "CTR, %": 0.0796,
    "mean market price, fen CPM": 68.89,
    "market price, 10th percentile": 17.0,
    "market price, median": 60.0,
    "market price, 90th percentile": 147.0,
    "slots with a floor, %": 69.0,
    "prices equal to the floor, %": 22.0,
    "impressions without profile, %": 20.0,
    "AUC of context": 0.69,
    "AUC of profile": 0.65,
    "AUC of both": 0.71,
}
"""Published or measured on the real log: Zhang et al. 2014 (CTR, prices), and models fitted within campaigns (AUC)."""

MICROS_PER_FEN_CPM = 10
CENSORED_AT = 300


def simulated_beside_real(scenario: Scenario, requests: int = 20_000_000, seed: int = 1) -> pd.DataFrame:
    """Columns ``figure``, ``real``, ``simulated``: the fit at a glance.

    Prices come from the first million requests of a run; CTR and AUCs from a log of ``requests`` impressions bought at
    random, ranked by the exact posterior of what each silo sees.
    """
    import pandas as pd

    simulated = {**_prices(scenario, seed), **_signals(scenario, randomised_log(scenario, seed, 0, requests))}
    return pd.DataFrame(
        {"figure": REAL.keys(), "real": REAL.values(), "simulated": [simulated[k] for k in REAL]}
    )


def _prices(scenario: Scenario, seed: int) -> dict[str, float]:
    million = scenario.model_copy(
        update={"supply": scenario.supply.model_copy(update={"requests": 1_000_000})}
    )
    parts = [(c.floor_micros, c.price_micros) for c in chunks(million, Streams(seed, 0), None)]
    floor, rival = (np.concatenate(column) / MICROS_PER_FEN_CPM for column in zip(*parts, strict=True))
    won = np.maximum(floor, rival) <= CENSORED_AT
    price = np.maximum(floor, rival)[won]
    low, middle, high = np.quantile(price, [0.1, 0.5, 0.9])
    return {
        "mean market price, fen CPM": float(price.mean()),
        "market price, 10th percentile": float(low),
        "market price, median": float(middle),
        "market price, 90th percentile": float(high),
        "slots with a floor, %": 100 * float((floor > 0).mean()),
        "prices equal to the floor, %": 100 * float((floor >= rival)[won].mean()),
    }


def _signals(scenario: Scenario, log: TrainingLog) -> dict[str, float]:
    count, clicks = log.count.sum(axis=0), log.total.sum(axis=0)
    keep = {name: believed_retention(scenario, name) for name in log.sources}
    prior = mean_value(scenario)
    figures = {"CTR, %": 100 * float(clicks.sum() / count.sum())}
    unmatched = np.take(count, -1, axis=log.sources.index("profile")).sum()
    figures["impressions without profile, %"] = 100 * float(unmatched / count.sum())
    both = tuple(name for name in log.sources if name in {"profile", "context"})
    for label, sources in (("context", ("context",)), ("profile", ("profile",)), ("both", both)):
        hidden = tuple(axis for axis, name in enumerate(log.sources) if name not in sources)
        score = posterior(scenario, sources, keep).mean(prior)
        figures[f"AUC of {label}"] = weighted_auc(
            score, clicks.sum(axis=hidden), (count - clicks).sum(axis=hidden)
        )
    return figures
