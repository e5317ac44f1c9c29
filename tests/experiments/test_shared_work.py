"""Work that a study does once: arms that a curve needs, exact values of a market, weights worked out in parts."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from jointbid.experiments.cells.bidders import valuation
from jointbid.experiments.cells.cell import Cell
from jointbid.experiments.config.points import load
from jointbid.experiments.studies.value.study import Value
from jointbid.sim import Scenario
from jointbid.strategies.valuations import stacking

CURVE = "study.curves=[{over: source.profile.match_rate, values: [0.2, 0.6]}]"


def on_curve(*overrides):
    """The cells of the curve of a study."""
    study = Value(
        load(
            "value",
            [
                CURVE,
                "study.point.redundancy=[]",
                "study.learned_beside=false",
                "study.range=null",
                *overrides,
            ],
        )[0].settings
    )
    (stage,) = study.stages()
    return [cell for cell in stage if "match_rate" in cell.study_point]


def test_a_named_silo_needs_no_other_along_a_curve():
    cells = on_curve("study.silo=context", "study.point.replications=3")
    assert {cell.arm for cell in cells} == {"context", "stacked", "joint"}
    assert not any(cell.is_pilot for cell in cells)
    assert len(cells) == 2 * 3 * 3


def test_silos_are_chosen_on_pilots_where_no_silo_is_named():
    cells = on_curve()
    silos = {"profile", "context+history"}
    assert {cell.arm for cell in cells} == {*silos, "stacked", "joint"}
    assert {cell.arm for cell in cells if cell.is_pilot} == silos


def test_exact_values_of_a_market_are_worked_out_once():
    market = Scenario(name="a", source={"profile": {}, "context": {"owner": "cmo"}})
    first = valuation(Cell(market, "stacked"), "stacked")
    copy = Scenario.model_validate_json(market.model_dump_json())
    assert (
        valuation(Cell(copy.model_copy(update={"name": "b"}), "stacked", replication=7), "stacked") is first
    )
    assert valuation(Cell(market, "joint"), "joint") is not first
    dearer = market.model_copy(
        update={"response": market.response.model_copy(update={"value_per_click": 9.0})}
    )
    assert valuation(replace(Cell(dearer, "stacked")), "stacked") is not first


@pytest.mark.parametrize("rows", [7, 100])
def test_weights_do_not_depend_on_how_many_rows_are_summed_at_once(monkeypatch, rows):
    draw = np.random.default_rng(3)
    scores, weight = draw.uniform(0.01, 0.5, (2, 500)), draw.uniform(0.5, 1, 500)
    target = np.clip(scores.sum(axis=0) / 2 + draw.normal(0, 0.01, 500), 0.01, 0.9)
    whole = stacking.fit_weights([scores], [target], [weight], "logit", 1.0)
    monkeypatch.setattr(stacking, "ROWS_AT_ONCE", rows)
    assert stacking.fit_weights([scores], [target], [weight], "logit", 1.0) == pytest.approx(whole, rel=1e-9)
