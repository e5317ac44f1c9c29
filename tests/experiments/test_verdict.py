from __future__ import annotations

import math
from dataclasses import replace

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jointbid.experiments.estimate.intervals import Estimate
from jointbid.experiments.estimate.ladder import SUMMARY_COLUMNS, ladder_summary
from jointbid.experiments.estimate.sides import Sides
from jointbid.experiments.report.numbers import CAVEAT, counted, interval, number
from jointbid.experiments.report.wording.value import holders, others, verdict

UNIT = "CNY per million bid requests"
NAN = math.nan
SINGLE = Sides("best_single", {"best_single": "context"})


def study(
    value=(10.0, 8.0, 12.0),
    percent=(5.0, 4.0, 6.0),
    same=(7.0, 6.0, 8.0),
    model=(3.0, 2.0, 4.0),
    n=30,
):
    rows = [
        ("value_of_joint_data", "joint - best_single (context)", "focal_profit", UNIT, *value, n),
        ("value_of_joint_data", "joint - best_single (context)", "focal_profit_pct", "%", *percent, n),
        ("same_request_step", "stacked - best_single (context)", "focal_profit", UNIT, *same, n),
        ("joint_model_step", "joint - stacked", "focal_profit", UNIT, *model, n),
    ]
    return pd.DataFrame(rows, columns=list(SUMMARY_COLUMNS))


def say(summary, **changes):
    return verdict(summary, changes.pop("sides", SINGLE), **changes)


def test_positive():
    assert say(study()) == (
        "Joining profile and context is worth 10.0 CNY per million bid requests (95 % interval 8.00 to 12.0), "
        "5.00 % (4.00 to 6.00) over the better of the two alone (context): "
        "7.00 (6.00 to 8.00) from having both on one request, 3.00 (2.00 to 4.00) from one model of both. "
        "30 replications; interval: simulation error only."
    )


@pytest.mark.parametrize(
    ("who", "bidders", "words"),
    [
        ("unilateral", 5, ""),
        (1, 5, ""),
        ("universal", 1, ""),
        (3, 5, "3 of 5 bidders do"),
        (5, 5, "all 5 bidders do"),
        ("universal", 5, "all 5 bidders do"),
    ],
)
def test_who_joins_is_said_where_it_is_not_one_alone(who, bidders, words):
    text = say(study(), holders=holders(who, bidders))
    head = (
        f"Joining profile and context ({words}; what one of them gains)"
        if words
        else "Joining profile and context"
    )
    assert text.startswith(f"{head} is worth 10.0")


def test_negative_costs():
    text = say(study((-10.0, -12.0, -8.0), (-5.0, -6.0, -4.0), (-13.0, -15.0, -11.0)))
    assert "costs 10.0 CNY per million bid requests (95 % interval 8.00 to 12.0)" in text
    assert "5.00 % (4.00 to 6.00) below the better of the two alone (context)" in text
    assert "a loss of 13.0 (11.0 to 15.0) from having both on one request" in text
    assert "worth" not in text


@pytest.mark.parametrize("value", [(1.0, -2.0, 4.0), (-1.0, -4.0, 2.0), (0.0, 0.0, 0.0), (1.0, 0.0, 2.0)])
def test_zero_inside_shows_no_difference(value):
    text = say(study(value))
    assert "no difference shown against the better of the two alone (context)" in text
    assert f"95 % interval {number(value[1])} to {number(value[2])}" in text
    assert "worth" not in text
    assert "costs" not in text
    assert "%" not in text.replace("95 %", "")


def test_a_step_claims_no_more_than_its_own_interval():
    text = say(study(model=(3.0, -1.0, 7.0)))
    assert "no difference shown from one model of both (3.00, -1.00 to 7.00)" in text
    assert "7.00 (6.00 to 8.00) from having both" in text


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ((1.23456e-9, 1e-9, 2e-9), "1.23e-09 CNY"),
        ((0.00251, 0.002, 0.003), "0.00251 CNY"),
        ((1234567.0, 1e6, 1.5e6), "1,230,000 CNY"),
        ((1.5e300, 1e300, 2e300), "1.50e+300 CNY"),
    ],
)
def test_tiny_and_huge(value, words):
    assert words in say(study(value))


def test_one_replication_claims_nothing():
    text = say(study((10.0, NAN, NAN), (5.0, NAN, NAN), (7.0, NAN, NAN), (3.0, NAN, NAN), n=1))
    assert "10.0 CNY per million bid requests against the better of the two alone (context)" in text
    assert "no interval, so nothing is shown yet" in text
    assert "1 replication;" in text
    assert "worth" not in text
    assert "nan" not in text


def test_nothing_completed():
    text = say(study((NAN, NAN, NAN), (NAN, NAN, NAN), (NAN, NAN, NAN), (NAN, NAN, NAN), n=0))
    assert "not known" in text
    assert "worth" not in text
    assert "nan" not in text


def test_no_percentage_of_a_loss():
    text = say(study(percent=(NAN, NAN, NAN)))
    assert (
        "over the better of the two alone (context), whose profit is not positive, so no percentage" in text
    )


def test_a_percentage_without_interval_says_so():
    assert "5.00 % (no interval) over" in say(study(percent=(5.0, NAN, NAN)))


@pytest.mark.parametrize(
    ("silo", "words"),
    [
        ("split_budget", "two departments with half the budget each (split_budget)"),
        ("stacked", "the two scores stacked (stacked)"),
        ("profile", "profile alone (profile)"),
        ("context+history", "context and history alone (cmo)"),
        ("none", "no data (none)"),
    ],
)
def test_other_silos_are_named(silo, words):
    text = say(study(), sides=Sides(silo, owners={"context+history": "cmo"}))
    assert f"over {words}: 7.00" in text


SOURCES = ("profile", "context", "history")
OWNERS = {"profile": "cio", "context+history": "cmo"}


@pytest.mark.parametrize(
    ("owners", "chosen", "words"),
    [
        (OWNERS, "context+history", "the better silo alone (cmo: context and history)"),
        (OWNERS, "profile", "the better silo alone (cio: profile)"),
        (OWNERS | {"segments": "agency"}, "profile", "the best silo alone (cio: profile)"),
    ],
)
def test_the_better_silo_is_named_by_its_owner_and_what_that_holds(owners, chosen, words):
    text = say(study(), sides=Sides("best_silo", {"best_silo": chosen}, owners, SOURCES))
    assert f"over {words}: 7.00 (6.00 to 8.00) from having all on one request" in text


def test_an_owner_of_all_data_has_nothing_to_join():
    sides = Sides("best_silo", {"best_silo": "joint"}, {"joint": "cio"})
    text = say(study((0.0, 0.0, 0.0)), sides=sides)
    assert text.startswith(
        "Joining profile and context is worth 0 here: the only silo (cio: profile and context) holds the same data."
    )


def test_a_replay_says_what_its_own_intervals_cover():
    text = say(study(), caveat="Interval: resampled rows of the log only")
    assert text.endswith("one model of both. Interval: resampled rows of the log only.")


def test_without_stacked_there_are_no_steps():
    summary = study()
    text = say(summary[summary["estimand"] == "value_of_joint_data"])
    assert "from having both" not in text
    assert text.endswith(f"(context). 30 replications; {CAVEAT}.")


def test_without_the_value_there_is_no_verdict():
    with pytest.raises(ValueError, match="no value_of_joint_data"):
        say(study().iloc[2:])


def test_reads_what_the_estimates_write(cells):
    summary = ladder_summary(cells(), SINGLE, unit=UNIT)
    assert say(summary).startswith("Joining profile and context is worth ")


sizes = st.floats(allow_nan=True, allow_infinity=False)


@given(st.tuples(sizes, sizes, sizes), st.tuples(sizes, sizes, sizes), st.integers(0, 99))
def test_never_claims_more_than_the_interval(value, step, n):
    estimate, *ends = value
    low, high = (NAN, NAN) if any(map(math.isnan, ends)) else sorted(ends)
    text = say(study((estimate, low, high), same=step, n=n))
    assert text.endswith(f"{CAVEAT}.")
    assert "nan" not in text
    assert "inf" not in text
    worth, costs = "is worth" in text, " costs " in text
    assert not (worth or costs) or not (low <= 0 <= high)
    assert worth == (not math.isnan(estimate) and low > 0)
    assert costs == (not math.isnan(estimate) and high < 0)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0"),
        (-0.0, "0"),
        (NAN, "not known"),
        (math.inf, "infinite"),
        (999.6, "1,000"),
        (-12.345, "-12.3"),
        (0.000099999, "0.000100"),
        (123456.0, "123,000"),
        (99.95, "100"),
        (5e-324, "4.94e-324"),
    ],
)
def test_three_significant_digits(value, text):
    assert number(value) == text


@given(st.floats(allow_nan=False, allow_infinity=False, min_value=1e-300, max_value=1e308))
def test_numbers_are_within_half_a_digit(value):
    assert float(number(value).replace(",", "")) == pytest.approx(value, rel=0.00501)


def test_what_changes_for_everybody_else_is_said_where_rivals_are_bidders(cells):
    with_rivals = ladder_summary(cells(rivals=2), SINGLE, unit="CNY per request")
    said = others(with_rivals)
    assert said.startswith("It changes, in CNY per request: all bidders' surplus ")
    assert "the seller's revenue, no difference shown (0 to 0)" in said
    assert "; welfare " in said
    assert others(ladder_summary(cells(), SINGLE)) == ""


def test_three_sources_are_all_and_not_both(cells):
    sources = ("profile", "context", "history")
    text = say(study(), sides=replace(SINGLE, sources=sources))
    assert text.startswith("Joining profile, context and history is worth")
    assert "over the best single source alone (context)" in text
    assert "having all on one request" in text
    assert "both" not in text


@pytest.mark.parametrize(
    ("profile", "words"),
    [
        (9.0, "over the better of the two alone (context)"),
        (11.0, "over the single source that did best on the pilots (context)"),
    ],
)
def test_the_better_source_is_called_so_where_it_earns_more(profile, words):
    rows = [
        ("utility", arm, "focal_profit", UNIT, x, x, x, 30)
        for arm, x in (("profile", profile), ("context", 10.0))
    ]
    summary = pd.concat([study(), pd.DataFrame(rows, columns=list(SUMMARY_COLUMNS))])
    assert words in say(summary)


def test_without_an_interval_there_are_no_ends():
    assert interval(Estimate(1.0, NAN, NAN, 1)) == "no interval"
    assert (counted(0, "world"), counted(1, "world"), counted(1200, "world")) == (
        "0 worlds",
        "1 world",
        "1,200 worlds",
    )


def test_an_arm_with_the_same_data_is_not_said_to_join_them():
    """What differs is the policy, and the difference stands under its own name."""
    rows = [
        ("cost_of_seeing_clicks", "joint - clicks", "focal_profit", UNIT, 8.0, 7.0, 9.0, 30),
        ("cost_of_seeing_clicks", "joint - clicks", "focal_profit_pct", "%", 4.0, 3.0, 5.0, 30),
    ]
    own = pd.DataFrame(rows, columns=list(SUMMARY_COLUMNS))
    text = say(pd.concat([study((0.0, 0.0, 0.0)), own]), sides=Sides("clicks"))
    assert text.startswith(
        "Joining profile and context is worth 0 here: bidding by clicks alone (clicks) holds the same data. "
        "On the same data, bidding by all that follows an impression is worth 8.00"
    )
    assert "4.00 % (3.00 to 5.00) over bidding by clicks alone. 30 replications" in text
