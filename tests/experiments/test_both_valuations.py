"""`study.valuation=both`: two ladders from the same replications and logs, and what learning costs."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from jointbid.experiments.config.points import load
from jointbid.experiments.errors import BadInput
from jointbid.experiments.estimate.ladder import lookup
from jointbid.experiments.estimate.learning import pays_from
from jointbid.experiments.studies.session import run_study
from jointbid.experiments.studies.value.study import Value

SMALL = (
    "scenario=theory",
    "supply.requests=1000",
    "study.learner=cell_means",
    "study.train_requests=100",
    "study.point.redundancy=[]",
    "study.point.interaction=[]",
    "executor=serial",
)
PLAIN = "plot.enabled=false"


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """The folder and the answer of the study with some overrides."""

    def play(*more):
        folder = tmp_path_factory.mktemp("both")
        (point,) = load("value", [*SMALL, *more, f"results_dir={folder}"])
        found = run_study(point, Value)
        assert not found.failures
        return point.folder, found

    return play


@pytest.fixture(scope="module")
def both(run):
    return run(PLAIN, "study.valuation=both", "study.replications=12")[1]


def of(summary, estimand):
    rows = summary[(summary["estimand"] == estimand) & (summary["metric"] == "focal_profit")]
    return rows.set_index("arm")["estimate"]


@pytest.mark.few(1)
@pytest.mark.parametrize("valuation", ["bayes", "learned"])
def test_each_ladder_is_that_of_its_own_study(run, both, valuation):
    _, alone = run(PLAIN, f"study.valuation={valuation}", "study.replications=12")
    name = {"bayes": "", "learned": "learned_"}[valuation]
    for estimand in (
        "utility",
        "value_of_joint_data",
        "shapley",
        "synergy",
        "marginal_value",
        "joint_model_step",
    ):
        pd.testing.assert_series_equal(of(both.summary, name + estimand), of(alone.summary, estimand))


def test_the_cost_is_the_difference_and_adds_up(both):
    cost = of(both.summary, "cost_of_learning")
    exact, learned = of(both.summary, "utility"), of(both.summary, "learned_utility")
    assert set(cost.index) == set(exact.index)
    assert cost.to_dict() == pytest.approx((exact - learned)[cost.index].to_dict())
    lost = lookup(both.summary, "value_lost_to_learning")
    assert lost.estimate == pytest.approx(cost["joint"] - cost["best_silo"])
    assert lost.estimate == pytest.approx(
        lookup(both.summary, "value_of_joint_data").estimate
        - lookup(both.summary, "learned_value_of_joint_data").estimate
    )


def test_the_value_over_the_exact_silo_leaves_out_what_learning_costs_the_silo(both):
    over, learned = (
        lookup(both.summary, name) for name in ("value_over_exact_silo", "learned_value_of_joint_data")
    )
    costs = of(both.summary, "cost_of_learning")
    assert over.estimate == pytest.approx(learned.estimate - costs["best_silo"])


@pytest.mark.parametrize(
    ("lows", "least"),
    [([-1, -2, 3, 4], 100.0), ([1, -2, 3, 4], 100.0), ([1, 2, 3, 4], 1.0), ([1, 2, 3, -4], np.inf)],
)
def test_joining_pays_from_the_size_from_which_on_it_is_shown(lows, least):
    curve = pd.DataFrame(
        {"x": [1, 10, 100, 1000], "ci_low": lows, "line": "learned", "n_replications": 6,
         "estimand": "value_of_joint_data", "metric": "focal_profit"}
    )  # fmt: skip
    assert pays_from(curve)["estimate"] == least
    assert pays_from(curve.assign(line="bayes")) is None


def test_it_is_stated(both):
    learned, costs, over = both.findings.verdict[-3:]
    assert learned.startswith("Learned from 100 randomised impressions:")
    assert "joint" in costs
    assert "best_silo (" in costs
    assert over.startswith("Against a silo that has nothing left to learn, ")


def test_comparisons_of_both_ladders_are_one_family(both):
    """Holm: the smallest p-value is multiplied by how many there are, so every other adjusted one is at least as large."""
    with_p = both.summary.dropna(subset=["p_holm"])
    assert {"cost_of_learning", "learned_shapley", "shapley"} <= set(with_p["estimand"])
    assert not set(with_p["estimand"]) & {"utility", "learned_utility", "value_of_joint_data"}


@pytest.mark.slow
def test_the_cost_falls_with_the_data(run):
    """K sigma^2/(2Mn): a hundredth of the data costs a hundred times as much, to first order."""
    folder, found = run(
        "study.valuation=both", "study.replications=2", "study.train_requests=100000", "plot.format=svg",
        "study.point.requests=1000", "study.point.replications=6", "study.curves=[]",
    )  # fmt: skip
    curves = pd.read_csv(folder / "curves.csv")
    cost = curves[(curves["curve"] == "cost_of_learning") & (curves["line"] == "joint")]
    assert cost["x"].tolist() == [1_000, 3_000, 10_000, 30_000, 100_000]
    assert cost["estimate"].iloc[0] > 10 * cost["estimate"].iloc[-1] > 0
    assert {"learning.svg", "cost_of_learning.svg", "learning.csv"} <= {
        f.name for f in (folder / "plots").iterdir()
    }
    least = lookup(found.summary, "joining_pays_from", "train_requests").estimate
    assert least in {*cost["x"], float("inf")}
    assert any("joining is shown to pay" in sentence for sentence in found.findings.verdict)
    assert len(pd.read_csv(folder / "learning.csv")) == len(of(found.summary, "cost_of_learning")) + 1


@pytest.mark.slow
def test_a_curve_of_ones_own_takes_its_place(run):
    asked = "study.curves=[{over: study.train_requests, name: mine, values: [50, 500], lines: {bayes: {study.valuation: bayes}, learned: {study.valuation: learned}}}]"
    folder, _ = run("study.valuation=learned", "study.replications=2", "plot.format=svg", "study.point.requests=500",
                    "study.point.replications=2", asked)  # fmt: skip
    assert set(pd.read_csv(folder / "curves.csv")["curve"]) == {"mine", "cost_of_mine"}


def test_learned_beside_is_the_same_comparison_with_fewer_arms(run, both):
    _, beside = run(PLAIN, "study.learned_beside=true", "study.replications=12")
    for estimand in (
        "value_of_joint_data",
        "learned_value_of_joint_data",
        "value_lost_to_learning",
        "value_over_exact_silo",
    ):
        pd.testing.assert_series_equal(of(beside.summary, estimand), of(both.summary, estimand))
    assert set(of(beside.summary, "learned_utility").index) < set(of(both.summary, "learned_utility").index)
    assert any(sentence.startswith("Learned from 100 ") for sentence in beside.findings.verdict)
    hint = "The same over the size of the log, with the size from which joining is shown to pay: study.valuation=both."
    assert hint in beside.findings.verdict
    assert hint not in both.findings.verdict, "the curve is drawn, or was turned off with the plots"


def test_what_cannot_be_learned_is_refused():
    with pytest.raises(
        BadInput, match=r"study\.learned_beside = true: must be false or auto where there is a journey"
    ):
        load("value", ["scenario=b2b_long_cycle", "study.learned_beside=true"])
    with pytest.raises(BadInput, match=r"study\.valuation = both: must be bayes where there is a journey"):
        load("value", ["scenario=b2b_long_cycle", "study.valuation=both"])
