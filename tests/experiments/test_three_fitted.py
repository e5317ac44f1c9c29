"""The scenario `three_fitted` against the figures that it was fitted to."""

from __future__ import annotations

import pytest

from experiments.calibration import weighted_auc
from experiments.config import load
from sim.response import truth
from strategies.valuations.bayes import posterior


@pytest.fixture(scope="module")
def scenario():
    return load("value", ["scenario=three_fitted"])[0].settings.scenario


def test_it_clicks_as_often_as_the_default(scenario):
    world = truth(scenario)
    assert 100 * (world.law * world.click).sum() == pytest.approx(0.0796, abs=1e-4)


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
def test_its_sources_tell_clicks_from_others_as_well(scenario, held, auc):
    """Exact: by the law of the codes and the chance of a click in each cell, at the scenario's match rates."""
    law = posterior(scenario, held, dict.fromkeys(held, 1.0))
    click = law.mean(0.0) / scenario.response.value_per_click
    assert weighted_auc(click, law.weight * click, law.weight * (1 - click)) == pytest.approx(auc, abs=5e-4)
