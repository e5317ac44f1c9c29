from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from jointbid.experiments.cells.cell import MARKET_FIGURES
from jointbid.experiments.estimate.curves import CURVE_COLUMNS, Reading, curve_table, heat_table
from jointbid.experiments.estimate.intervals import (
    Estimate,
    contrast,
    mean_interval,
    paired_difference,
    percent_difference,
    percent_values,
    required_replications,
)
from jointbid.experiments.estimate.ladder import P_HOLM, SUMMARY_COLUMNS, ladder_summary, lookup
from jointbid.experiments.estimate.metrics import MARKET_METRICS, METRICS, metric_table, unit_of
from jointbid.experiments.estimate.multiple import holm
from jointbid.experiments.estimate.sides import Sides
from jointbid.sim import Scenario, simulate
from jointbid.strategies.policies.linear import Linear

UNIT = "EUR per bid request"
numbers = st.floats(-1e6, 1e6, allow_subnormal=False)
pairs = st.lists(st.tuples(numbers, numbers), min_size=3, max_size=40)

SINGLE = Sides("best_single", {"best_single": "context"})

ESTIMANDS = {
    "utility",
    *("value_of_joint_data", "same_request_step", "joint_model_step", "double_counting_penalty", "synergy"),
    *("shapley", "marginal_value", "difference_to_none", "difference_to_silo"),
}
"""Those of a ladder in which each arm has exact values and no creative is chosen."""


def summarise(cells, **changes):
    return ladder_summary(cells, changes.pop("sides", SINGLE), **{"unit_scale": 1.0, "unit": UNIT} | changes)


def estimates(summary):
    return {
        (row.estimand, row.arm, row.metric): (row.estimate, row.ci_low, row.ci_high, row.n_replications)
        for row in summary.itertuples()
    }


# intervals


@given(pairs)
def test_paired_difference_is_the_paired_t_test(values):
    a, b = np.array(values).T
    mine = paired_difference(a, b)
    if np.ptp(a - b) <= 1e-6 * np.abs(values).max():  # rounding decides here, in either
        return
    with np.errstate(all="ignore"):
        low, high = stats.ttest_rel(a, b).confidence_interval(0.95)
    slack = 1e-9 * (1 + np.abs(values).max())
    assert mine.estimate == pytest.approx((a - b).mean(), abs=slack)
    assert (mine.ci_low, mine.ci_high) == pytest.approx((low, high), rel=1e-9, abs=slack)
    assert mine.n == len(values)


def test_paired_difference_by_hand():
    found = paired_difference([3.0, 5.0, 7.0], [1.0, 2.0, 3.0])  # differences 2, 3, 4; sd 1
    reach = 4.302652729749464 / math.sqrt(3)
    assert found.estimate == 3.0
    assert (found.ci_low, found.ci_high) == pytest.approx((3 - reach, 3 + reach))
    assert found.finding == "positive"


def test_series_are_paired_by_replication_and_only_complete_pairs_count():
    a = pd.Series([3.0, 1.0, 2.0, 9.0], index=[2, 0, 1, 7])
    b = pd.Series([0.5, 0.5, math.nan, 0.5], index=[0, 1, 7, 8])
    found = paired_difference(a, b)
    assert found == paired_difference([1.0, 2.0], [0.5, 0.5])
    assert found.n == 2


def test_pairs_that_cannot_be_matched_are_refused():
    with pytest.raises(ValueError, match="equal lengths, and have 2 and 1"):
        paired_difference([1.0, 2.0], [1.0])
    with pytest.raises(ValueError, match="a replication occurs twice: 4"):
        paired_difference(pd.Series([1.0, 2.0], index=[4, 4]), pd.Series([1.0], index=[4]))


@pytest.mark.parametrize("values", [[2.5], [2.5, math.nan]])
def test_one_replication_has_no_interval_and_says_so(values):
    found = mean_interval(values)
    assert (found.estimate, found.n, found.has_interval, found.finding) == (2.5, 1, False, "no interval")
    assert math.isnan(found.ci_low)
    assert math.isnan(found.ci_high)


def test_no_replication_is_nan():
    found = paired_difference([math.nan], [1.0])
    assert (math.isnan(found.estimate), found.n, found.finding) == (True, 0, "no interval")


def test_zero_variance_is_a_point():
    found = mean_interval([0.1] * 3)
    assert (found.estimate, found.ci_low, found.ci_high) == (0.1, 0.1, 0.1)


def test_rounding_errors_of_sums_are_no_difference():
    a = np.array([0.1 + 0.2, 0.3 + 0.6])
    found = paired_difference(a, [0.3, 0.9])
    assert a[0] != 0.3
    assert (found.estimate, found.finding) == (0.0, "no difference shown")


def test_contrast_weighs_arms_pair_by_pair():
    wide = pd.DataFrame({"joint": [4.0, 6.0], "a": [1.0, 1.0], "b": [1.0, 2.0], "none": [0.5, 0.5]})
    found = contrast(wide, {"joint": 1, "a": -1, "b": -1, "none": 1})
    assert found == mean_interval([2.5, 3.5])


def test_percent_by_hand():
    a, b = np.array([12.0, 15.0, 30.0]), np.array([10.0, 10.0, 20.0])
    without = [100 * (a.sum() - x - b.sum() + y) / (b.sum() - y) for x, y in zip(a, b, strict=True)]
    error = math.sqrt(2 / 3 * np.sum((np.array(without) - np.mean(without)) ** 2))
    found = percent_difference(a, b)
    assert found.estimate == pytest.approx(100 * 17 / 40)
    assert found.ci_high - found.estimate == pytest.approx(4.302652729749464 * error)
    assert found.estimate - found.ci_low == pytest.approx(4.302652729749464 * error)


@given(pairs, st.floats(0.1, 10))
def test_percent_does_not_depend_on_the_currency(values, rate):
    a, b = np.abs(values).T + 1
    one, other = percent_difference(a, b), percent_difference(rate * a, rate * b)
    assert other.estimate == pytest.approx(one.estimate, rel=1e-6, abs=1e-6)
    assert other.ci_high == pytest.approx(one.ci_high, rel=1e-4, abs=1e-4)


@pytest.mark.parametrize("b", [[0.0, 0.0], [-1.0, -2.0], [1.0, -1.0]])
def test_percent_of_nothing_or_of_a_loss_is_nan(b):
    found = percent_difference([1.0, 2.0], b)
    assert math.isnan(found.estimate)
    assert found.n == 2


def test_percent_without_a_sure_denominator_has_no_interval():
    found = percent_difference([1.0, 2.0, 3.0], [-1.0, 0.5, 2.0])
    assert found.estimate == pytest.approx(300.0)
    assert not found.has_interval


def test_percent_of_one_pair_has_no_interval():
    found = percent_difference([3.0], [2.0])
    assert (found.estimate, found.n, found.has_interval) == (50.0, 1, False)


def test_percentages_can_be_averaged_as_other_values_are():
    """A curve's band needs a value a replication: their mean and t interval are the percentage's own."""
    rng = np.random.default_rng(3)
    b = pd.Series(rng.normal(10, 1, 12))
    a = 0.7 * b + rng.normal(0, 0.5, 12)
    found, own = mean_interval(percent_values(a, b)), percent_difference(a, b)
    for name in ("estimate", "ci_low", "ci_high", "n"):
        assert getattr(found, name) == pytest.approx(getattr(own, name), rel=1e-9)
    assert percent_values([1.0, 2.0, 3.0], [-1.0, 0.5, 2.0]).empty


@pytest.mark.coverage
@pytest.mark.parametrize("size", [5])
def test_intervals_cover(size):
    """2,000 toy studies of normal pairs: the paired t interval is exact, the jackknife's close to it; of 10 and 30 in test_multiple.py."""
    rng, studies = np.random.default_rng(7), 2000
    market = rng.normal(10, 1, (studies, size))
    a = 1.1 * market + rng.normal(0, 0.3, market.shape)
    b = market + rng.normal(0, 0.3, market.shape)
    difference = [paired_difference(x, y) for x, y in zip(a, b, strict=True)]
    percent = [percent_difference(x, y) for x, y in zip(a, b, strict=True)]
    covered = np.mean([e.ci_low <= 1.0 <= e.ci_high for e in difference])
    covered_percent = np.mean([e.ci_low <= 10.0 <= e.ci_high for e in percent])
    assert 0.93 <= covered <= 0.97
    assert 0.93 <= covered_percent <= 0.97


def test_required_replications_is_steins_rule():
    pilot = [1.0, 2.0, 3.0, 4.0, 5.0]  # sd sqrt(2.5), t(4) 2.776
    assert required_replications(pilot, 0.5) == math.ceil(2.7764451**2 * 2.5 / 0.25)
    assert required_replications(pilot, 100.0) == 5
    assert required_replications([2.0, 2.0], 1e-9) == 2


@pytest.mark.parametrize(("pilot", "width"), [([1.0], 1.0), ([1.0, math.nan], 1.0), ([1.0, 2.0], 0.0)])
def test_required_replications_refuses(pilot, width):
    with pytest.raises(ValueError, match=r"pilot needs|must be a positive"):
        required_replications(pilot, width)


@pytest.mark.coverage
def test_steins_rule_keeps_its_promise():
    """The mean of that number of further replications is that near as often as stated, or more; and its interval covers.

    With the pilot's own replications among them the interval would cover in 92 to 93 % of all studies.
    """
    rng, near, covered, studies = np.random.default_rng(3), [], [], 3000
    for _ in range(studies):
        size = required_replications(rng.normal(0, 1, 10), 0.4)
        found = mean_interval(rng.normal(0, 1, size))
        near.append(abs(found.estimate) <= 0.4)
        covered.append(found.ci_low <= 0 <= found.ci_high)
    tolerance = 4 * math.sqrt(0.95 * 0.05 / studies)
    assert np.mean(near) >= 0.95 - tolerance
    assert np.mean(covered) == pytest.approx(0.95, abs=tolerance)


# the ladder


def test_summary_has_the_columns_and_closed_lists_of_the_contract(cells):
    summary = summarise(cells(rivals=2))
    assert tuple(summary.columns) == (*SUMMARY_COLUMNS, P_HOLM)
    assert set(summary["metric"]) <= set(METRICS)
    assert set(summary["estimand"]) == ESTIMANDS
    assert not summary.duplicated(["estimand", "arm", "metric"]).any()


def test_estimands_are_paired_differences_of_the_arms(cells):
    table = cells()
    profit = table.groupby(["replication", "arm"])["profit"].sum().unstack() / 1000
    found = estimates(summarise(table))

    def expected(difference):
        low, high = stats.ttest_1samp(difference, 0).confidence_interval()
        return pytest.approx((difference.mean(), low, high, 12))

    joint, stacked, context = profit["joint"], profit["stacked"], profit["context"]
    single = "best_single (context)"
    steps = {
        ("value_of_joint_data", f"joint - {single}"): joint - context,
        ("same_request_step", f"stacked - {single}"): stacked - context,
        ("joint_model_step", "joint - stacked"): joint - stacked,
        ("double_counting_penalty", "stacked - summed"): stacked - profit["summed"],
        ("synergy", "joint"): joint - profit["profile"] - context + profit["none"],
        ("shapley", "profile"): (profit["profile"] - profit["none"] + joint - context) / 2,
        ("marginal_value", "context | profile"): joint - profit["profile"],
        ("difference_to_none", "summed"): profit["summed"] - profit["none"],
        ("difference_to_silo", "profile"): profit["profile"] - context,
    }
    for key, difference in steps.items():
        assert found[*key, "focal_profit"] == expected(difference), key
    assert found["utility", "joint", "focal_profit"] == expected(joint)
    assert found["utility", "best_single", "focal_profit"] == found["utility", "context", "focal_profit"]


def test_secondary_comparisons_are_adjusted_together_and_the_main_one_is_not(cells):
    summary = summarise(cells(arm_sd=0.01))
    assert summary.loc[summary["estimand"].isin(["utility", "value_of_joint_data"]), P_HOLM].isna().all()
    own = summary[summary[P_HOLM].notna()]
    assert set(own["estimand"]) == ESTIMANDS - {
        "utility",
        "value_of_joint_data",
    }
    each = [lookup(summary, row.estimand, arm=row.arm) for row in own.itertuples()]
    distinct = {f"{abs(one.estimate):.6g}": one.p_value for one in each}
    assert len(distinct) < len(each)  # a step may also be the difference of an arm to the silo
    family = dict(zip(distinct, holm(list(distinct.values())), strict=True))
    assert list(own[P_HOLM]) == [family[f"{abs(one.estimate):.6g}"] for one in each]


def test_one_claim_under_several_names_or_signs_counts_once(cells):
    summary = summarise(cells(arm_sd=0.01))
    profits = summary[summary["metric"] == "focal_profit"].set_index(["estimand", "arm"])
    for name in (("difference_to_silo", "joint"), ("marginal_value", "profile | context")):
        assert (
            profits.loc[name, "estimate"]
            == profits.loc[("value_of_joint_data", "joint - best_single (context)"), "estimate"]
        )
        assert np.isnan(profits.loc[name, P_HOLM]), (
            "the value of joint data itself, which is not of the family"
        )
    there, back = ("difference_to_none", "context"), ("difference_to_silo", "none")
    assert profits.loc[there, "estimate"] == -profits.loc[back, "estimate"]
    assert profits.loc[there, P_HOLM] == profits.loc[back, P_HOLM]
    raw = {f"{abs(row.estimate):.6g}": row for row in profits[profits[P_HOLM].notna()].itertuples()}
    least = min(raw.values(), key=lambda row: estimate_of(row).p_value)
    assert least.p_holm == pytest.approx(len(raw) * estimate_of(least).p_value)


def test_a_claim_has_the_p_value_of_the_interval_that_holds_the_choice_of_the_silo(cells):
    """In a near tie stacked - silo is wider as a step than as a difference of arms, and still one claim."""
    table = cells(
        {"none": 0.1, "profile": 0.25, "context": 0.2499, "stacked": 0.256, "joint": 0.31}, arm_sd=0.01
    )
    sides = Sides("best_silo", {"best_silo": "profile"}, {"profile": "cio", "context": "cmo"})
    found = summarise(table, sides=sides)
    found = found[found["metric"] == "focal_profit"]
    step, plain = (lookup(found, name, arm=arm) for name, arm in (
        ("same_request_step", None), ("difference_to_silo", "stacked")))  # fmt: skip
    assert step.p_value > plain.p_value
    rows = found.set_index("estimand")
    assert rows.loc["same_request_step", P_HOLM] >= step.p_value
    again = found[(found["estimand"] == "difference_to_silo") & (found["arm"] == "stacked")]
    assert again[P_HOLM].item() == rows.loc["same_request_step", P_HOLM]


def estimate_of(row):
    return Estimate(row.estimate, row.ci_low, row.ci_high, row.n_replications)


def test_percent_is_the_jackknife_on_the_same_pairs(cells):
    table = cells()
    profit = table.groupby(["replication", "arm"])["profit"].sum().unstack()
    row = lookup(summarise(table), "value_of_joint_data", "focal_profit_pct")
    want = percent_difference(profit["joint"], profit["context"])
    assert (row.estimate, row.ci_low, row.ci_high) == pytest.approx(
        (want.estimate, want.ci_low, want.ci_high)
    )


def test_steps_add_up_even_with_missing_replications(cells):
    table = cells()
    gone = ((table["arm"] == "stacked") & table["replication"].isin([0, 5])) | (
        (table["arm"] == "joint") & (table["replication"] == 7)
    )
    summary = summarise(table[~gone])
    whole, *parts = (
        lookup(summary, name) for name in ("value_of_joint_data", "same_request_step", "joint_model_step")
    )
    assert whole.estimate == pytest.approx(sum(part.estimate for part in parts))
    assert {whole.n, *(part.n for part in parts)} == {9}
    assert lookup(summary, "utility", arm="joint").n == 11
    assert lookup(summary, "utility", arm="none").n == 12


def test_split_campaigns_are_summed_and_requests_are_not(cells):
    found = estimates(summarise(cells(market_sd=0, arm_sd=0)))
    assert found["utility", "split_budget", "focal_profit"][0] == pytest.approx(0.26125)
    assert found["utility", "split_budget", "win_rate"][0] == pytest.approx(0.2)
    assert found["utility", "split_budget", "spend"][0] == pytest.approx(0.1)


def test_silo_other_than_the_best_single(cells):
    summary = summarise(cells(market_sd=0, arm_sd=0), sides=Sides("split_budget"))
    assert lookup(summary, "value_of_joint_data").estimate == pytest.approx(0.285 - 0.26125)
    assert lookup(summary, "same_request_step").estimate == pytest.approx(0.2825 - 0.26125)
    assert "joint - split_budget" in set(summary["arm"])


def test_market_metrics_need_rivals_that_are_bidders(cells):
    against_prices = summarise(cells(rivals=0))
    against_bidders = summarise(cells(rivals=2))
    assert {"welfare", "bidder_surplus", "clicks_expected"}.isdisjoint(against_prices["metric"])
    assert {"payments", "spend", "win_rate"} <= set(against_prices["metric"])
    assert "revenue" not in set(against_prices["metric"]), "what others pay the seller is not known"
    assert "payments" not in set(against_bidders["metric"])
    assert lookup(against_prices, "value_of_joint_data", "payments").estimate == 0
    surplus = lookup(against_bidders, "utility", "bidder_surplus", "joint")
    profit = lookup(against_bidders, "utility", arm="joint")
    assert surplus.estimate == pytest.approx(profit.estimate + 0.014)
    assert lookup(against_bidders, "value_of_joint_data", "revenue").estimate == 0
    assert lookup(against_bidders, "value_of_joint_data", "welfare").finding == "positive"


def test_rivals_profit_one_by_one(cells):
    summary = summarise(cells(rivals=2), per_bidder=True)
    assert lookup(summary, "utility", "profit_rival_2", "joint").estimate == pytest.approx(0.007)


def test_a_rivals_departments_count_together(cells):
    table = cells(rivals=2, market_sd=0, arm_sd=0)
    owner = table["bidder"].replace({"rival_1": "rival", "rival_2": "rival"}).where(~table["focal"], "focal")
    summary = summarise(table.assign(advertiser=owner), per_bidder=True)
    assert lookup(summary, "utility", "profit_rival", "joint").estimate == pytest.approx(0.014)
    assert lookup(summary, "utility", "profit_rival_1") is None


def test_unit_scale_scales_money_and_clicks_alone(cells):
    table = cells().assign(clicks_expected=2.0)
    one, million = (
        summarise(table),
        summarise(table, unit_scale=1e6, unit="EUR per million bid requests"),
    )
    ratio = (million["estimate"] / one["estimate"]).groupby(one["metric"]).first()
    assert ratio["focal_profit"] == pytest.approx(1e6)
    assert ratio["clicks_expected"] == pytest.approx(1e6)
    assert ratio["win_rate"] == pytest.approx(1.0)
    assert ratio["focal_profit_pct"] == pytest.approx(1.0)
    units = million.groupby("metric")["unit"].unique().map(list).to_dict()
    assert units["focal_profit"] == ["EUR per million bid requests"]
    assert units["clicks_expected"] == ["clicks per million bid requests"]
    assert units["focal_profit_pct"] == ["%"]
    assert units["win_rate"] == ["share of bid requests"]


EXTRA = {
    "viewed": 60.0, "reach": 20, "clicks_expected": 5.0, "clicks": 4.0, "clicks_censored": 1.0,
    "conversions_expected": 0.5, "conversions": 1.0, "conversions_censored": 0.0,
    "conversions_unattributed": 2.0, "late": 10, "unsent": 0,
}  # fmt: skip


def test_metrics_of_outcomes_reach_and_deadlines(cells):
    table = cells(market_sd=0, arm_sd=0).assign(**EXTRA)
    summary = summarise(table, unit_scale=1e6, unit="EUR per million bid requests")
    rows = summary[(summary["estimand"] == "utility") & (summary["arm"] == "split_budget")].set_index(
        "metric"
    )
    found = {name: (row["estimate"], row["unit"]) for name, row in rows.iterrows()}
    campaigns, requests = 2, 1000
    per_million = 1e6 * campaigns / requests
    assert found["viewed"] == (60 * per_million, "impressions per million bid requests")
    assert found["reach"] == (40, "people in a replication")
    assert found["frequency"] == (3, "impressions per person")
    assert found["conversions_expected"] == (0.5 * per_million, "conversions per million bid requests")
    assert found["late_rate"] == (0.02, "share of bid requests")
    assert {"clicks", "clicks_censored", "conversions_unattributed"} <= set(found)
    assert {"conversions_censored", "unsent_rate"}.isdisjoint(found), "what is nowhere is not reported"


def test_margins_are_reported_where_one_sale_earns_more_than_another(cells):
    table = cells(market_sd=0, arm_sd=0).assign(**EXTRA)
    alike = table.assign(margin=3.0 * table["conversions"], margin_censored=0.0)
    assert set(summarise(alike)["metric"]) == set(summarise(table)["metric"])
    dearer = alike.assign(margin=np.where(alike["arm"] == "joint", 5.0, 3.0))
    summary = summarise(dearer, unit_scale=1e6, unit="EUR per million bid requests")
    rows = summary[(summary["estimand"] == "utility") & (summary["metric"] == "margin")].set_index("arm")
    assert rows.loc["joint", "estimate"] == 5 * 1e6 / 1000
    assert rows.loc["none", "unit"] == "EUR per million bid requests"
    assert "margin_censored" not in set(summary["metric"])


def test_metrics_that_say_nothing_are_absent(cells):
    nothing = dict.fromkeys(EXTRA, 0) | {"viewed": 100.0, "reach": 100}
    assert set(summarise(cells().assign(**nothing))["metric"]) == set(summarise(cells())["metric"])


def test_columns_that_no_metric_is_read_off_are_left_alone(cells):
    table = cells()
    strange = table.assign(colour="red", later=[[1]] * len(table))
    pd.testing.assert_frame_equal(summarise(strange), summarise(table))


def test_every_column_of_a_run_is_a_metric_or_known_not_to_be_one():
    """A new column in the table of bidders wants a metric of its own, or a place among those that need none."""
    market = Scenario(response={"family": "private_value"}, supply={"requests": 10})
    run = simulate(market, {"focal": Linear()}, 1)
    no_metric = {"bidder", "advertiser", "requests", "win_rate", "value", "budget_left"}
    on_a_journey = {"purchases", "purchases_expected", "purchases_without_ads"}
    with_stock = {"sold_out_h"}
    assert set(run.bidders) - no_metric | on_a_journey | with_stock == {
        metric.column for metric in METRICS.values() if metric.column
    }


def test_figures_of_the_market_are_read_off_the_cells_that_have_them():
    of_cells = {name for name in MARKET_METRICS if not METRICS[name].column} - {"bidder_surplus"}
    assert of_cells == set(MARKET_FIGURES)


def test_every_metric_is_documented_with_its_unit():
    page = (Path(__file__).parents[2] / "docs" / "results.md").read_text("utf-8")
    for name, metric in METRICS.items():
        assert f"| `{name}` | {unit_of(name, 'CNY per million bid requests')} | {metric.meaning} |" in page


def test_arms_that_were_not_run_take_their_estimands_with_them(cells):
    levels = {"none": 0.1, "context": 0.2, "joint": 0.3}
    summary = summarise(cells(levels))
    assert set(summary["estimand"]) == {
        "utility",
        "value_of_joint_data",
        "marginal_value",
        "difference_to_none",
        "difference_to_silo",
    }


def test_order_of_rows_and_of_arms_in_the_input_does_not_matter(cells):
    table = cells(rivals=1)
    pd.testing.assert_frame_equal(summarise(table), summarise(table.sample(frac=1, random_state=3)))


def test_one_replication_gives_estimates_without_intervals(cells):
    summary = summarise(cells(replications=1))
    assert summary["ci_low"].isna().all()
    assert summary["estimate"].notna().all()
    assert set(summary["n_replications"]) == {1}


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda t: t.drop(columns=["wins", "profit"]), "lacks the columns wins, profit"),
        (lambda t: pd.concat([t, t.iloc[[5]]]), "has bidder focal_profile twice"),
        (lambda t: t.assign(focal=t["arm"] != "summed"), "arm summed, replication 0 has no focal bidder"),
        (lambda t: t.assign(study_point=t["replication"].astype(str)), "several study points"),
    ],
)
def test_cells_that_cannot_be_read_are_refused(cells, spoil, message):
    with pytest.raises(ValueError, match=message):
        summarise(spoil(cells()))


@pytest.mark.parametrize(
    "wrong",
    [
        {"sides": Sides("best_single", {"best_single": "history"})},
        {"sides": Sides("history")},
        {"sides": Sides("joint")},
    ],
)
def test_unknown_arms_are_refused_with_what_there_is(cells, wrong):
    with pytest.raises(ValueError, match=r"arms none, profile|arms .*context"):
        summarise(cells(), **wrong)


def test_metrics_are_per_request_of_the_market(cells):
    table = cells(rivals=1)
    table.loc[table["focal"], "requests"] = 500  # the focal advertiser entered late
    found = metric_table(table, unit_scale=1.0)
    assert found.loc[("joint", 0), "win_rate"] == pytest.approx(0.1)


# sweeps


def test_curve_has_one_value_of_joint_data_a_point(cells):
    points = [
        reading(0.1, cells({"context": 0.2, "profile": 0.25, "joint": 0.26}, seed=1), "profile"),
        reading(0.9, cells({"context": 0.2, "profile": 0.2, "joint": 0.3}, seed=2), "context"),
    ]
    curve = curve_table(points, unit_scale=1.0, unit=UNIT)
    assert tuple(curve.columns) == CURVE_COLUMNS
    value = curve[(curve["estimand"] == "value_of_joint_data") & (curve["metric"] == "focal_profit")]
    assert list(value["x"]) == [0.1, 0.9]
    assert list(value["estimate"]) == pytest.approx([0.01, 0.1], abs=0.005)
    assert (value["ci_low"] < value["estimate"]).all()
    assert (value["band_low"] < value["ci_low"]).all()
    assert set(value["unit"]) == {UNIT}
    joint = curve[curve["estimand"] == "utility of joint"]
    assert list(joint["estimate"]) == pytest.approx([0.26, 0.3], abs=0.02)


def test_each_line_of_a_curve_has_a_band_of_its_own(cells):
    lines = {"calm": 0.0005, "rough": 0.01}
    points = [
        reading(x, cells({"context": 0.2, "joint": 0.2 + x}, arm_sd=sd, seed=int(10 * x)), "context", line)
        for line, sd in lines.items()
        for x in (0.1, 0.2)
    ]
    value = curve_table(points, unit_scale=1.0).query("estimand == 'value_of_joint_data'")
    value = value[value["metric"] == "focal_profit"]
    width = (value["band_high"] - value["band_low"]).groupby(value["line"]).mean()
    assert width["rough"] > 5 * width["calm"]
    one = curve_table([reading(0.1, cells(replications=1), "context")], unit_scale=1.0)
    assert one["band_low"].isna().all()


def reading(x, found, single, line=""):
    sides = Sides("best_single", {"best_single": single}, sources=())
    return Reading("source.profile.match_rate", line, x, found, sides)


def test_heat_table_has_both_steps_a_point(cells):
    points = {(0.5, -1.0): cells(market_sd=0, arm_sd=0), (0.0, 1.0): cells(market_sd=0, arm_sd=0)}
    heat = heat_table(points, SINGLE, unit_scale=1.0)
    assert list(heat["redundancy"]) == [0.0, 0.5]
    assert list(heat["same_request_step"]) == pytest.approx([0.01, 0.01])
    assert list(heat["joint_model_step"]) == pytest.approx([0.0025, 0.0025])
