"""Tables of cells with a known answer."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from jointbid.experiments.config.points import load
from jointbid.experiments.studies.session import run_study
from jointbid.experiments.studies.value.study import Value

LEVELS = {
    "none": 0.25,
    "profile": 0.26,
    "context": 0.2725,
    "stacked": 0.2825,
    "joint": 0.285,
    "split_budget": 0.26125,
    "summed": 0.28,
}
REQUESTS = 1000


def make_cells(levels=LEVELS, *, replications=12, market_sd=0.02, arm_sd=0.002, rivals=0, seed=1):
    """Cells whose focal profit per request is level + market noise (shared) + arm noise."""
    rng = np.random.default_rng(seed)
    rows = []
    for replication in range(replications):
        market = rng.normal(0, market_sd)
        for arm, level in levels.items():
            profit = REQUESTS * (level + market + rng.normal(0, arm_sd))
            campaigns = ["focal"] if arm != "split_budget" else ["focal_profile", "focal_context"]
            for bidder in [*campaigns, *(f"rival_{i + 1}" for i in range(rivals))]:
                focal = bidder.startswith("focal")
                rows.append(
                    {
                        "study_point": "",
                        "arm": arm,
                        "replication": replication,
                        "bidder": bidder,
                        "focal": focal,
                        "requests": REQUESTS,
                        "wins": 100,
                        "spend": 50.0,
                        "profit": profit / len(campaigns) if focal else 7.0,
                        "revenue": 80.0,
                        "welfare": profit + 7.0 * rivals + 80.0 if rivals else np.nan,
                        "clicks_expected": np.nan,
                    }
                )
    return pd.DataFrame(rows)


@pytest.fixture
def cells():
    """A factory of tables of cells."""
    return make_cells


@pytest.fixture
def answers(request, tmp_path):
    """Runs the study `value` with the test file's `FAST` and what is given: its summary, and what is said of it."""

    def run(*more):
        (point,) = load("value", [*request.module.FAST, *more, f"results_dir={tmp_path}", "executor=serial"])
        found = run_study(point, Value)
        assert not found.failures
        return found.summary, found.findings

    return run
