"""The default scenario is as near the public figures as docs/calibration.md says."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from jointbid import Priced, Truthful, bayes, load, simulate
from jointbid.experiments.logs.replay.prediction_quality import weighted_auc
from jointbid.sim.response import truth
from jointbid.strategies.valuations.bayes import posterior
from tools.default_calibration import REAL, simulated_beside_real

PAGE = Path(__file__).parents[2] / "docs" / "calibration.md"


@pytest.mark.slow
def test_simulated_figures_are_near_the_real_ones_and_as_the_page_says() -> None:
    table = simulated_beside_real(load("default")).set_index("figure")
    for figure in ("AUC of context", "AUC of profile", "AUC of both"):
        assert table.simulated[figure] == pytest.approx(REAL[figure], abs=0.02)
    page = dict(re.findall(r"^\| (.+?) \| [\d.]+ \| ([\d.]+) \|$", PAGE.read_text(), re.MULTILINE))
    assert page.keys() == REAL.keys()
    for figure, shown in page.items():
        digits = len(shown.partition(".")[2])
        assert table.simulated[figure] == pytest.approx(float(shown), abs=0.501 * 10**-digits), figure


@pytest.mark.parametrize(
    ("held", "auc"),
    [
        (("profile",), 0.65),
        (("context",), 0.69),
        (("profile", "context"), 0.71),
        (("history",), 0.582),
        (("profile", "context", "history"), 0.716),
    ],
)
def test_it_is_fitted_exactly(held: tuple[str, ...], auc: float) -> None:
    """By the law of the codes and the chance of a click in each cell, at the scenario's match rates: no sampling."""
    scenario = load("default")
    world = truth(scenario)
    assert 100 * (world.law * world.click).sum() == pytest.approx(0.0796, abs=1e-4)
    law = posterior(scenario, held, dict.fromkeys(held, 1.0))
    click = law.mean(0.0) / scenario.response.value_per_click
    assert weighted_auc(click, law.weight * click, law.weight * (1 - click)) == pytest.approx(auc, abs=5e-4)


@pytest.mark.parametrize(
    "sources",
    [(), ("profile",), ("context",), ("history",), ("profile", "context"), ("profile", "context", "history")],
)
def test_win_rates_lie_between_5_and_25_percent(sources: tuple[str, ...]) -> None:
    scenario = load("default")
    focal = simulate(scenario, {"focal": Priced(bayes(scenario, sources), Truthful())}, seed=1).of("focal")
    assert 0.05 < focal["win_rate"] < 0.25


def test_weighted_auc_counts_ties_half() -> None:
    assert weighted_auc(np.array([0.1, 0.2]), np.array([0.0, 1.0]), np.array([1.0, 0.0])) == 1.0
    assert weighted_auc(np.array([0.1]), np.array([3.0]), np.array([5.0])) == 0.5
