"""Two silos that are nearly worth the same: the choice between them is part of the interval."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from jointbid.experiments.estimate.intervals import Estimate, least, mean_interval
from jointbid.experiments.estimate.ladder import ladder_summary, lookup
from jointbid.experiments.estimate.learning import lost_to_learning
from jointbid.experiments.estimate.sides import Sides

OWNERS = {"profile": "cio", "context": "cmo"}


def study(cells, profile, context, *, chosen, sd=0.01, seed=1, replications=12):
    """A summary of a study in which this silo was chosen."""
    levels = {"none": 0.1, "profile": profile, "context": context, "stacked": 0.3, "joint": 0.31}
    table = cells(levels, arm_sd=sd, market_sd=0.0, seed=seed, replications=replications)
    return ladder_summary(table, Sides("best_silo", {"best_silo": chosen}, OWNERS))


def test_the_least_of_means_has_the_lowest_end_and_the_upper_end_of_the_chosen_one():
    found = [Estimate(3.0, 2.0, 4.0, 9), Estimate(2.9, 1.5, 4.3, 9), Estimate(8.0, 7.0, 9.0, 9)]
    assert least(found) == Estimate(3.0, 1.5, 4.0, 9)
    assert least(found[::2]) == found[0], "a clear choice changes nothing"


def test_both_steps_and_the_percentage_hold_the_choice(cells):
    summary = study(cells, 0.25, 0.2501, chosen="context")
    alone = study(cells, 0.10, 0.2501, chosen="context")
    for estimand, metric in (
        ("value_of_joint_data", "focal_profit"),
        ("value_of_joint_data", "focal_profit_pct"),
        ("same_request_step", "focal_profit"),
    ):
        near, clear = (lookup(each, estimand, metric) for each in (summary, alone))
        assert (near.estimate, near.ci_high) == (clear.estimate, clear.ci_high), "that of the chosen one"
        other = lookup(study(cells, 0.25, 0.2501, chosen="profile"), estimand, metric)
        assert near.ci_low <= min(clear.ci_low, other.estimate)
        assert near.ci_low == pytest.approx(other.ci_low), "the lowest of both"
    model, clear = (lookup(each, "joint_model_step") for each in (summary, alone))
    assert model == clear, "no silo is in it"


def coverage(rng, gap, studies, replications=10, pilots=4, choice_is_counted=True):
    """How often the interval holds what joint data are worth over the better of two silos whose profits differ by ``gap`` standard deviations."""
    hits = 0
    for _ in range(studies):
        pilot = rng.normal(0.0, 1.0, (pilots, 2)) - np.array([0.0, gap])
        chosen = int(pilot[:, 1].mean() > pilot[:, 0].mean())
        profits = rng.normal(0.0, 1.0, (replications, 2)) - np.array([0.0, gap])
        over = [mean_interval(5.0 - profits[:, k]) for k in (chosen, 1 - chosen)]
        found = least(over if choice_is_counted else over[:1])
        hits += found.ci_low <= 5.0 <= found.ci_high
    return hits / studies


@pytest.mark.coverage
@pytest.mark.parametrize("gap", [0.0, 0.3, 1.0, 4.0])
def test_the_interval_covers_whichever_silo_is_chosen(gap):
    """At least 95 times in 100 (2,000 studies, 3 standard errors); the plain one misses where the pilots choose the wrong silo."""
    rng = np.random.default_rng(7)
    assert coverage(rng, gap, 2_000) >= 0.95 - 3 * np.sqrt(0.95 * 0.05 / 2_000)
    if gap == 1.0:
        assert coverage(rng, gap, 2_000, choice_is_counted=False) < 0.93


def twins(rng, gap, replications=10, pilots=4):
    """Profits with exact and with learned values of joint data and two silos ``gap`` apart, and the silo that either's pilots chose."""
    levels = {"joint": 5.0, "profile": gap / 2, "context": -gap / 2}
    tables, sides = [], []
    for name, lower in (("bayes", 0.0), ("learned", 0.5)):
        pilot = {arm: levels[arm] + rng.normal(0.0, 1.0, pilots).mean() for arm in ("profile", "context")}
        chosen = max(pilot, key=pilot.__getitem__)
        drawn = {arm: level - lower + rng.normal(0.0, 1.0, replications) for arm, level in levels.items()}
        drawn["best_silo"] = drawn[chosen]
        tables.append(pd.DataFrame({f"{name} {arm}": values for arm, values in drawn.items()}))
        sides.append(Sides("best_silo", {"best_silo": chosen}, OWNERS))
    return pd.concat(tables, axis=1), tuple(sides)


def test_what_is_lost_to_learning_holds_the_choice_of_either_silo():
    """Each end is that of the pair in which the silo that is least favourable to it takes the place of the chosen one."""
    wide, (exact, learned) = twins(np.random.default_rng(3), 0.0)
    found, plain = lost_to_learning(wide, (exact, learned)), {}
    for one in ("profile", "context"):
        for other in ("profile", "context"):
            value = (
                wide["bayes joint"] - wide[f"bayes {one}"] - wide["learned joint"] + wide[f"learned {other}"]
            )
            plain[one, other] = mean_interval(value)
    chosen = exact.arm, learned.arm
    assert found.estimate == pytest.approx(plain[chosen].estimate)
    assert found.ci_low == pytest.approx(min(plain[one, chosen[1]].ci_low for one in ("profile", "context")))
    assert found.ci_high == pytest.approx(
        max(plain[chosen[0], one].ci_high for one in ("profile", "context"))
    )
    wide, sides = twins(np.random.default_rng(3), 40.0)
    clear = wide["bayes joint"] - wide["bayes profile"] - wide["learned joint"] + wide["learned profile"]
    found, alone = lost_to_learning(wide, sides), mean_interval(clear)
    assert (found.ci_low, found.ci_high) == pytest.approx((alone.ci_low, alone.ci_high))


@pytest.mark.coverage
@pytest.mark.parametrize("gap", [0.0, 0.5, 4.0])
def test_what_is_lost_to_learning_is_covered_whichever_silos_are_chosen(gap):
    """The truth is 0: both values are 5 less the better silo's level. 300 studies, 3 standard errors."""
    rng = np.random.default_rng(8)
    found = [lost_to_learning(*twins(rng, gap)) for _ in range(300)]
    assert np.mean([one.ci_low <= 0 <= one.ci_high for one in found]) >= 0.95 - 3 * np.sqrt(
        0.95 * 0.05 / 1_000
    )


@pytest.mark.coverage
def test_a_near_tie_of_the_real_engine_is_covered():
    """theta = a + b x + c z with b = .25 and c = .24, p ~ U[0, M]: joining is worth c^2/(2M) over the better silo, the profile."""
    from jointbid.experiments.cells.bidders import run_cell
    from jointbid.experiments.cells.cell import Cell
    from jointbid.experiments.cells.replications import PILOTS
    from jointbid.sim import Scenario

    scenario = Scenario.model_validate(
        {
            "supply": {"requests": 250, "horizon_h": 1},
            "response": {"a": 1.0, "b": 0.25, "c": 0.24},
            "source": {"profile": {}, "context": {}},
            "rivals": {"landscape": "uniform", "high": 2.0},
        }
    )
    truth, hits, studies = 0.24**2 / 4, {True: 0, False: 0}, 300

    def profits(arms, replications):
        rows = [
            [run_cell(Cell(scenario, arm, replication=r)).rows[0]["profit"] / 250 for arm in arms]
            for r in replications
        ]
        return pd.DataFrame(rows, columns=list(arms))

    for number in range(studies):
        pilot = profits(("profile", "context"), range(PILOTS + 4 * number, PILOTS + 4 * (number + 1))).mean()
        chosen, other = sorted(pilot.index, key=lambda arm: -pilot[arm])
        table = profits(("joint", "profile", "context"), range(10 * number, 10 * (number + 1)))
        over = [mean_interval(table["joint"] - table[arm]) for arm in (chosen, other)]
        for counted in (True, False):
            found = least(over if counted else over[:1])
            hits[counted] += found.ci_low <= truth <= found.ci_high
    assert hits[True] / studies >= 0.95 - 3 * np.sqrt(0.95 * 0.05 / studies)
    assert hits[True] >= hits[False]
