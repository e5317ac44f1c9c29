"""Net value, payback and break-evens: by hand, against the closed forms, and as a command."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jointbid.experiments.cli.main import main
from jointbid.experiments.estimate.intervals import Estimate, mean_interval, ratio
from jointbid.experiments.estimate.ladder import lookup
from jointbid.experiments.estimate.money import CostTerms, falling_break_even, net_rows, rising_break_even
from jointbid.experiments.report.numbers import paid_back

COSTLY = CostTerms(requests_per_month=1e6, once=1200.0, monthly=50.0, horizon_months=60, discount_rate=0.0)


def found(terms, value, cost=0.0, lookups=1.0):
    value = pd.Series(value)
    rows = net_rows(terms, value, cost + 0 * value, lookups + 0 * value)
    return {metric: estimate for _, metric, estimate in rows}


def test_by_hand():
    rows = found(COSTLY, [2e-4, 3e-4], cost=1e-4)  # a month brings 150 - 50 = 100 on average
    assert rows["net_value"].estimate == pytest.approx(100 - 20)
    assert rows["npv"].estimate == pytest.approx(60 * 100 - 1200)
    assert rows["payback_month"].estimate == pytest.approx(12)
    assert rows["data_price_cpm"].estimate == pytest.approx(1e3 * (2.5e-4 - 70e-6))


def test_intervals_are_those_of_what_was_estimated():
    value = [2.0e-4, 2.2e-4, 2.1e-4, 2.4e-4]
    rows, per_request = found(COSTLY, value), mean_interval(value)
    ends = [1e6 * end - 50 for end in (per_request.ci_low, per_request.ci_high)]
    assert (rows["npv"].ci_low, rows["npv"].ci_high) == pytest.approx([60 * end - 1200 for end in ends])
    payback = rows["payback_month"]
    assert (payback.ci_low, payback.ci_high) == pytest.approx([1200 / ends[1], 1200 / ends[0]])


def test_never():
    rows = found(COSTLY, [1e-5, 3e-5])
    assert rows["payback_month"].estimate == math.inf
    unsure = found(COSTLY, [0.5e-4, 1.5e-4])["payback_month"]
    assert (unsure.estimate, unsure.ci_high) == (pytest.approx(24), math.inf)


def test_money_later_is_worth_less():
    discounted = CostTerms(1e6, 1200.0, 0.0, 2, 0.21)
    assert discounted.annuity == pytest.approx(1.21 ** (-1 / 12) + 1.21 ** (-2 / 12))
    assert COSTLY.annuity == 60


def test_ratio_is_the_percentage_without_its_hundred():
    one = ratio([2.0, 5.0, 10.0], [10.0, 10.0, 20.0])
    assert one.estimate == pytest.approx(17 / 40)
    assert one.ci_low < 17 / 40 < one.ci_high


@pytest.mark.oracle
@settings(max_examples=25)
@given(st.floats(0.01, 0.2), st.floats(0.05, 0.9), st.floats(0.0, 0.5))
def test_break_even_match_rate_is_cost_over_value(value, share, by_request):
    """m* = (K/N + k)/VOJD, where the value is linear in the match rate: theory's own numbers, drawn."""
    cost = share * value
    x = np.linspace(0, 1, 5)
    once_per_request = (1 - by_request) * cost
    net = np.stack(
        [x * v - by_request * cost - once_per_request for v in (0.98 * value, value, 1.02 * value)]
    )
    rising = rising_break_even(x, net)
    assert rising.estimate == pytest.approx(share, abs=1e-3)
    assert rising.ci_low <= share <= rising.ci_high
    falling = falling_break_even(x, net[:, ::-1])
    assert falling.estimate == pytest.approx(1 - share, abs=1e-3)


def test_curves_that_do_not_cross():
    x, net = np.array([0.0, 1.0]), np.array([[-2.0, -1.0], [-2.1, -1.1], [-1.9, -0.9]])
    assert rising_break_even(x, net).estimate == math.inf
    assert falling_break_even(x, net).estimate == -math.inf
    assert falling_break_even(x, -net).estimate == math.inf
    assert rising_break_even(x, -net).estimate == 0.0
    assert math.isnan(rising_break_even(x, net[:1]).ci_low)


def test_break_even_intervals_cover():
    """1,000 toy curves of 10 replications with value 1 and a fixed cost of .4 in units of it: m* = .4."""
    rng, covered = np.random.default_rng(4), []
    x = np.array([0.0, 0.5, 1.0])
    for _ in range(1000):
        net = x * rng.normal(1.0, 0.3, (10, 1)) - 0.4
        got = rising_break_even(x, net)
        covered.append(got.ci_low <= 0.4 <= got.ci_high)
    assert 0.93 <= np.mean(covered) <= 0.97


@pytest.mark.few(1)
@pytest.mark.parametrize(
    ("costs", "start", "table"),
    [
        ([], "At 1,000 bid requests a month, with no costs set, joining brings", "At the stated volume; no costs"),
        (["money.integration_monthly=5"], "At 1,000 bid requests a month, after what it costs, joining nets", "After costs"),
        (
            ["source.profile.cost_per_lookup_cpm=1"],
            "At 1,000 bid requests a month, after what it costs, joining nets",
            "After costs",
        ),
    ],
)  # fmt: skip
def test_costs_are_named_only_where_some_are_set(tmp_path, monkeypatch, capsys, costs, start, table):
    monkeypatch.chdir(tmp_path)
    small = ["study.silo=context", "study.replications=4", "supply.requests=2000", "study.lattice=false",
             "study.curves=[{over: source.profile.match_rate, values: [1]}]", "study.point.requests=500",
             "study.point.replications=2", "plot.enabled=false"]  # fmt: skip
    assert (
        main(["value", "scenario=theory", "executor=serial", *small, "money.requests_per_month=1000", *costs])
        == 0
    )
    said = " ".join(capsys.readouterr().out.split())
    assert start in said
    assert table in said


@pytest.mark.slow
def test_the_command(tmp_path, monkeypatch, capsys):
    """Base example, silo context: joining is worth .025 m a request, so .01 a month and once breaks even at m = .4."""
    monkeypatch.chdir(tmp_path)
    quick = ["study.point.redundancy=[0]", "study.point.interaction=[0]", "study.point.requests=4000"]
    money = ["money.requests_per_month=1000", "money.integration_once=300", "money.integration_monthly=5"]
    study = [
        "study.silo=context",
        "study.replications=4",
        "supply.requests=4000",
        "study.point.replications=4",
    ]
    assert (
        main(["value", "scenario=theory", "executor=serial", "plot.format=svg", *quick, *study, *money]) == 0
    )
    said = capsys.readouterr().out
    assert "joining nets" in said
    assert "break-even match" in said
    (folder,) = Path("results/value").iterdir()
    summary = pd.read_csv(folder / "summary.csv")
    even = lookup(summary, "break_even_match_rate", "match_rate")
    assert even.estimate == pytest.approx(0.4, abs=0.05)
    assert even.ci_low < even.estimate < even.ci_high
    curve = pd.read_csv(folder / "plots" / "match_rate.csv")
    assert curve["break_even"].unique() == pytest.approx([even.estimate])
    assert "Star" in (folder / "plots" / "match_rate.svg").read_text()
    payback = lookup(summary, "payback_month", "payback_month")
    assert payback.estimate == pytest.approx(300 / (25 - 5), rel=0.15)


@pytest.mark.parametrize(
    ("ends", "said"),
    [
        ((5.0, 4.0, 6.0), "paid back after 5.00 months (4.00 to 6.00)"),
        ((5.0, 4.0, math.inf), "paid back after 5.00 months (4.00 to never)"),
        ((math.inf, 40.0, math.inf), "not paid back (40.0 to never)"),
        ((math.inf, math.inf, math.inf), "not paid back"),
        ((math.inf, math.nan, math.nan), "not paid back (no interval)"),
        ((math.nan, math.nan, math.nan), "paid back after a time that is not known"),
    ],
)
def test_a_payback_that_is_no_number_is_stated_without_a_unit(ends, said):
    assert paid_back(Estimate(*ends, 10)) == said
