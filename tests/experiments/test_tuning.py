"""Policies retuned on pilots: both sides to their best answers, and what is left to gain."""

from __future__ import annotations

import pandas as pd
import pytest

from jointbid.experiments.cells.bidders import run_cell
from jointbid.experiments.cells.cell import CellResult
from jointbid.experiments.cli.main import main
from jointbid.experiments.config.points import load
from jointbid.experiments.estimate.ladder import lookup
from jointbid.experiments.storage.cell_results import StudyState
from jointbid.experiments.studies.cell_plans import CellPlan
from jointbid.experiments.studies.tuning.tuned_parameter import TUNING, Tuned, sides_of, tune
from jointbid.experiments.studies.value.study import Value

STEPS = ["bidders.control_interval_h=24", "engine.series_h=24"]
"""Of the bidders here none changes its bids by its account: control steps only take time."""
RIVALS = [
    "scenario=theory_rivals",
    "bidders.count=3",
    "bidders.strategy=linear",
    "supply.requests=200",
    *STEPS,
]


class Kept:
    """A state that remembers."""

    def __init__(self):
        self.results, self.policies = {}, {}

    def of(self, cells):
        return [(one, self.results[one.key]) for one in cells if one.key in self.results]


def play(arm, payoff, values=(1.0, 2.0, 3.0)):
    """Tune one arm in a game where ``payoff(own, others' mean, name)`` is a bidder's profit; every cell that was asked for."""
    state, asked = Kept(), []
    for stage in tune([arm], "gain", values, state):
        for cell in stage:
            asked.append(cell)
            mine = dict(cell.policies)
            rows = []
            for name, value in mine.items():
                rest = [v for n, v in mine.items() if n != name]
                rows.append(
                    {
                        "advertiser": name,
                        "profit": payoff(value, sum(rest) / len(rest) if rest else 0.0, name),
                    }
                )
            state.results[cell.key] = CellResult(rows)
    return asked


def cell(*overrides):
    (point,) = load("value", [*RIVALS, *overrides])
    (one,) = CellPlan(point.settings, StudyState()).cells(["joint"], [0])
    return one


def test_frozen_rivals_are_left_alone():
    one = cell()
    arm = Tuned(one, sides_of(one, 1.0, adapted=False))
    asked = play(arm, lambda own, *_: -((own - 2.0) ** 2))
    assert arm.policies == (("focal", 2.0),)
    assert {c.replication for c in asked} == set(TUNING)
    assert (arm.settled, arm.sides[0].regret) == (True, 0.0)


def test_adapted_rivals_answer_until_none_moves():
    one = cell()
    arm = Tuned(one, sides_of(one, 1.0, adapted=True))
    play(arm, lambda own, rest, _: -((own - (1.5 + rest / 4)) ** 2))  # the only equilibrium is everybody at 2
    assert dict(arm.policies) == {"focal": 2.0, "rival_1": 2.0, "rival_2": 2.0}
    assert arm.settled
    assert max(side.regret for side in arm.sides) == 0.0


def test_where_there_is_no_equilibrium_the_regret_says_so():
    one = cell("bidders.count=2")
    arm = Tuned(one, sides_of(one, 1.0, adapted=True))
    pennies = {"focal": lambda own, rest: float(own != rest), "rival_1": lambda own, rest: float(own == rest)}
    play(arm, lambda own, rest, name: pennies[name](own, rest), values=(1.0, 2.0))
    assert not arm.settled
    assert max(side.regret for side in arm.sides) == 1.0


def test_the_ladder_is_played_with_what_was_tuned(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    small = [
        "scenario=theory",
        "executor=serial",
        "plot.enabled=false",
        "supply.requests=1500",
        "study.replications=3",
        *STEPS,
    ]
    tuned = [
        *small,
        "strategy=linear",
        "study.lattice=false",
        "study.tune={parameter: gain, values: [0.4, 1.0]}",
    ]
    assert main(["value", *tuned, "bidders.strategy.gain=0.4"]) == 0
    said = capsys.readouterr().out
    assert "gain of the holders, retuned on pilots: none 1; profile 1" in said
    assert "Remaining regret: one bidder could gain at most 0 EUR per request" in said
    assert main(["value", *small, "strategy=linear", "study.lattice=false", "bidders.strategy.gain=1.0"]) == 0
    one, other = (pd.read_csv(path) for path in tmp_path.glob("results/value/*/summary.csv"))
    assert lookup(one, "utility", arm="joint") == lookup(other, "utility", arm="joint")


def test_a_parameter_that_the_strategy_does_not_have_is_refused(capsys):
    assert main(["value", "scenario=theory", "study.tune={parameter: mu, values: [1, 2]}"]) == 2
    assert "study.tune: strategy 'shading' has no parameter 'mu'" in capsys.readouterr().err


CURVE = "bidders.strategy={name: shading, curve: [[0, 0], [2, 2]]}"
FIRST = [
    *RIVALS[:2],
    *STEPS,
    CURVE,
    "supply.requests=500",
    "auction.type=first_price",
    "study.tune={parameter: curve}",
]


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        (["bidders.strategy=linear"], "needs values to try. Without values a bid curve is fitted"),
        (["study.tune={parameter: gain}"], "parameter = gain needs values to try"),
        (["auction.type=second_price"], "fitting a bid curve needs auction.type=first_price"),
        (["auction.slots=[1, 0.5]"], "needs one slot"),
        (["bidders.values=common"], "needs bidders.values=private"),
        (["bidders.budget=100"], "needs bidders.budget=null"),
    ],
)
def test_a_market_in_which_no_curve_can_be_fitted_is_refused(asked, message, capsys):
    assert main(["value", *FIRST, *asked]) == 2
    said = capsys.readouterr().err
    assert "study.tune: " in said
    assert message in said


@pytest.mark.slow
def test_frozen_rivals_keep_the_curve_of_before():
    """Everybody's curve without the data is fitted first; then one bidder alone answers, in every arm."""
    (point,) = load(
        "value", [*FIRST, "study.who=universal", "audience.profile_types=8", "plot.enabled=false"]
    )
    state = Kept()
    study = Value(point.settings)
    study.check()
    for stage in study._retuned.stages(state):
        state.results |= {one.key: run_cell(one) for one in stage if one.key not in state.results}
    before = dict(study._retuned.baseline[""].policies)
    assert len(set(before.values())) == 1
    for arm in study._retuned.at[""].values():
        played = dict(arm.policies)
        assert [played[name] for name in ("rival_1", "rival_2")] == [before["rival_1"]] * 2
    joint = dict(study._retuned.at[""]["joint"].policies)
    assert joint["focal"] != before["focal"]


@pytest.mark.slow
def test_both_are_stated_side_by_side(tmp_path, monkeypatch, capsys):
    """With study.rivals=adapted the summary also says what frozen rivals would have made of it, and the difference."""
    monkeypatch.chdir(tmp_path)
    small = ["study.lattice=false", "study.replications=3", "plot.enabled=false", "executor=serial"]
    asked = [*FIRST, *small, "study.who=universal", "study.silo=none"]
    assert main(["value", *asked, "study.rivals=adapted"]) == 0
    said = capsys.readouterr().out
    assert (
        "curve of all bidders in every arm, fitted to the prices met on pilots. Remaining regret: one bidder could gain"
        in said
    )
    assert "If rivals kept the curves that they bid by before, it would change" in said
    assert "That they re-optimise changes, against that: the focal bidder's profit" in said
    assert "re-optimising" in said
    assert main(["value", *asked, "study.rivals=frozen"]) == 0
    assert "curve of the focal bidder in every arm" in capsys.readouterr().out
    two = [pd.read_csv(path) for path in tmp_path.glob("results/value/*/summary.csv")]
    adapted, frozen = sorted(two, key=lambda one: -one["estimand"].str.startswith("frozen_").sum())
    for metric in ("focal_profit", "revenue"):
        one, other = (
            lookup(adapted, "value_of_joint_data", metric),
            lookup(frozen, "value_of_joint_data", metric),
        )
        beside = lookup(adapted, "frozen_value_of_joint_data", metric)
        assert beside.estimate == pytest.approx(other.estimate)
        effect = lookup(adapted, "effect_of_reoptimising", metric)
        assert effect.estimate == pytest.approx(one.estimate - other.estimate)


@pytest.mark.parametrize("adapted", ["frozen", "adapted"])
def test_all_arms_are_tuned_in_step(adapted):
    (point,) = load(
        "value", [*RIVALS, f"study.rivals={adapted}", "study.tune={parameter: gain, values: [0.5, 1.0]}"]
    )
    stages = Value(point.settings).stages()
    first = next(stages)
    assert {c.arm for c in first} >= {"none", "joint", "stacked"}
    assert all(c.is_pilot for c in first)


@pytest.mark.slow
def test_points_of_curves_map_and_worlds_are_tuned_too(tmp_path, monkeypatch, capsys):
    """In second price the value itself is the best bid: every point plays gain 1, though .4 is configured."""
    monkeypatch.chdir(tmp_path)
    small = [
        *STEPS, "scenario=theory", "strategy=linear", "executor=serial", "plot.format=svg", "supply.requests=800",
        "study.lattice=false", "study.replications=2", "study.point.replications=2", "study.worlds=2",
        "study.point.redundancy=[0]", "study.point.interaction=[0,0.1]",
        "study.curves=[{over: source.profile.match_rate, values: [0.5, 1]}]",
    ]  # fmt: skip
    tuned = ["bidders.strategy.gain=0.4", "study.tune={parameter: gain, values: [0.4, 1.0]}"]
    assert main(["value", *small, *tuned]) == 0
    assert "; at 6 further points at most" in capsys.readouterr().out
    assert main(["value", *small, "bidders.strategy.gain=1.0"]) == 0
    for name in ("curves.csv", "worlds.csv", "plots/redundancy_interaction.csv"):
        one, other = (pd.read_csv(path) for path in tmp_path.glob(f"results/value/*/{name}"))
        pd.testing.assert_frame_equal(one, other)


def test_a_point_whose_strategy_does_not_have_the_parameter_is_refused(capsys):
    asked = [
        "study.tune={parameter: gain, values: [0.4, 1.0]}",
        "study.curves=[{over: bidders.strategy, values: [linear, truthful]}]",
    ]
    assert main(["value", "scenario=theory", "strategy=linear", *asked]) == 2
    said = capsys.readouterr().err
    assert "study.tune, at bidders.strategy=truthful: strategy 'truthful' has no parameter 'gain'" in said
