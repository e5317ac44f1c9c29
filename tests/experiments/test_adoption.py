"""How many adopt: the arithmetic of equilibria, and the study as a command."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest

from jointbid.experiments.cli.main import main
from jointbid.experiments.config.points import load
from jointbid.experiments.errors import BadInput
from jointbid.experiments.estimate.adoption import Gain, equilibria, gains, per_bidder
from jointbid.experiments.estimate.intervals import Estimate
from jointbid.experiments.estimate.ladder import SUMMARY_COLUMNS, lookup
from jointbid.experiments.estimate.metrics import MARKET_METRICS
from jointbid.experiments.report.wording.adoption import notes, sentences
from jointbid.experiments.studies.adoption import MARKET, Adoption

SMALL = ["scenario=theory_rivals", "executor=serial", "study.arm=profile", "bidders.count=3"]


def gain(k, value, half=0.0):
    return Gain(k, Estimate(value, value - half, value + half, 10), value - half, value + half)


def test_equilibria_by_hand():
    falling = [gain(1, 4.0), gain(2, 2.0), gain(3, 1.0)]
    assert equilibria(falling, 3.0).numbers == (1,)
    assert equilibria(falling, 0.5).numbers == (3,)
    assert equilibria(falling, 5.0).numbers == (0,)
    assert equilibria(falling, 2.0).numbers == (2,), "the indifferent adopt"


def test_where_one_adopter_makes_it_worth_more_to_the_next_there_are_several():
    rising = [gain(1, 1.0), gain(2, 3.0), gain(3, 2.5)]
    assert equilibria(rising, 2.0).numbers == (0, 3)


def test_what_the_intervals_do_not_rule_out_is_possible():
    found = equilibria([gain(1, 4.0, 0.5), gain(2, 2.0, 0.5), gain(3, 1.0, 0.5)], 2.2)
    assert found.numbers == (1,)
    assert found.possible == (1, 2)


def test_profits_are_paired_by_replication_and_counted_by_firm():
    rows = [
        {
            "k": k,
            "replication": r,
            "adopts": b < k,
            "advertiser": f"b{b}",
            "profit": p / 2,
            "spend": 1,
            "requests": 10,
        }
        for r in (0, 1)
        for k in (0, 1, 2)
        for b in (0, 1)
        for p in [100 * r + 10 * k + b] * 2  # two campaigns a firm
    ]
    having, lacking = per_bidder(pd.DataFrame(rows), unit_scale=10)
    assert {k: own.to_dict() for k, own in having.items()} == {1: {0: 10.0, 1: 110.0}, 2: {0: 20.5, 1: 120.5}}
    assert {k: own.to_dict() for k, own in lacking.items()} == {0: {0: 0.5, 1: 100.5}, 1: {0: 11.0, 1: 111.0}}
    first, second = gains(having, lacking)
    assert (first.estimate.estimate, second.estimate.estimate) == (9.5, 9.5)
    assert first.low == first.high == 9.5


@pytest.fixture
def summary(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    command = ["adoption", *SMALL, "supply.requests=2000", "study.replications=4"]
    assert main([*command, "study.cost_per_request=0.03"]) == 0
    (folder,) = Path("results/adoption").iterdir()
    assert json.loads((folder / "status.json").read_text()) == {"status": "done"}
    assert (folder / "plots" / "adoption.svg").exists()
    drawn = pd.read_csv(folder / "plots" / "adoption.csv").groupby("line")["x"].agg(["min", "max"])
    assert drawn.loc["an adopter's profit"].tolist() == [1, 3]
    assert drawn.loc["profit of one without"].tolist() == [0, 2]
    assert drawn.loc["seller's revenue"].tolist() == drawn.loc["welfare"].tolist() == [0, 3]
    return pd.read_csv(folder / "summary.csv")


def test_the_command_answers(summary, capsys):
    rows = summary[summary["estimand"] == "equilibrium_adopters"]
    assert list(rows["estimate"]) == [2]  # b = .3: log2(.3 / .03) = 3.3, at most n - 1
    assert lookup(summary, "gain_from_adopting", arm="1 adopt").finding == "positive"
    assert lookup(summary, "utility", "revenue", "0 adopt").estimate == pytest.approx(1.0)
    said = " ".join(sentences(summary, bidders=3, cost=0.03, unit="currency", arm="profile"))
    assert "2 of 3 bidders hold the data of profile in equilibrium" in said
    assert "nothing that is shown" in said
    assert "interval: simulation error only" in said
    assert (
        lookup(summary, "regret_of_an_adopter", arm="2 adopt").estimate < 0.005
    )  # of .03 that the data cost
    assert "Where 2 adopt, one firm that alone takes the best answer tried" in said


def test_the_market_is_reported_without_what_one_bidder_pays():
    assert {"bidder_surplus", "revenue", "welfare"} <= set(MARKET) <= set(MARKET_METRICS) - {"payments"}


def test_one_arm_is_refused(capsys):
    assert main(["adoption", "scenario=theory_rivals", "study.arm=none"]) == 2
    assert "study.others = none" in capsys.readouterr().err


def study(*overrides):
    return Adoption(load("adoption", overrides)[0].settings)


def bidders_of(study):
    cells = study.cells()
    return {cell.scenario.bidders.count for cell in cells}, {cell.who for cell in cells}


def test_one_bidder_gets_rivals_of_its_kind_and_it_is_said():
    assert bidders_of(study("scenario=default")) == ({5}, {1, 2, 3, 4, 5})
    assert bidders_of(study("scenario=default", "study.seats=3")) == ({3}, {1, 2, 3})
    assert bidders_of(study("scenario=theory_rivals", "bidders.count=3")) == ({3}, {1, 2, 3})
    alone, several = (
        study(f"scenario={name}").settings.scenario for name in ("touchpoints", "theory_rivals")
    )
    noted = list(notes(alone, 5))
    assert noted[0] == "touchpoints has one bidder: 5 of its kind compete here (study.seats)"
    assert "daily budgets, bids and targeting of the channels are those of the study attribution" in noted[1]
    assert not list(notes(several, several.bidders.count))


def beliefs_of(study):
    cells = study.cells()
    (beliefs,) = {cell.scenario.bidders.beliefs for cell in cells}
    return beliefs, " ".join(study.notes(pd.DataFrame()))


@pytest.mark.parametrize(
    ("overrides", "beliefs", "said"),
    [
        ((), None, ""),
        (("bidders.values=common",), "winning", ""),
        (("bidders.values=common", "bidders.beliefs=naive"), "naive", "(bidders.beliefs=naive)"),
        (
            ("bidders.values=common", "auction=first_price", "strategy=truthful"),
            None,
            "(auction.type: with bidders.beliefs=winning must be second_price)",
        ),
        (
            ("bidders.values=common", "study.arm=summed"),
            None,
            "(study.arm = summed: with bidders.beliefs=winning must be none, joint or sources)",
        ),
        (
            ("bidders.values=common", "study.valuation=learned"),
            None,
            "(study.valuation = learned: must be bayes with bidders.beliefs=winning)",
        ),
    ],
)
def test_who_looks_at_the_same_facts_reckons_with_winning_where_that_is_worked_out(overrides, beliefs, said):
    found, told = beliefs_of(study("scenario=theory_rivals", *overrides))
    assert found == beliefs
    assert said in told
    assert bool(said) == ("do not account for what winning tells" in told)


def test_the_number_of_bidders_must_fit_the_market():
    """What is remembered of people takes room for every bidder: the market is validated as it is played."""
    caps = "bidders.terms.caps=[{impressions: 100, window_h: 24}]"
    crowded = study("scenario=default", "audience.people=1000000", caps, "study.seats=1024")
    with pytest.raises(BadInput, match=r"study\.seats: audience\.people = 1000000 x"):
        crowded.check()


def adoption(gains_, numbers, possible=(), n=10):
    """A summary with these gains (estimate, low, high) and equilibrium numbers."""
    rows = [
        ("gain_from_adopting", f"{k} adopt", "focal_profit", "EUR", *ends, n)
        for k, ends in enumerate(gains_, 1)
    ]
    ends = (min(possible), max(possible)) if possible else (float("nan"),) * 2
    rows += [("equilibrium_adopters", f"{k} adopt", "adopters", "bidders", k, *ends, n) for k in numbers]
    nan = float("nan")
    rows += [("possible_adopters", f"{k} adopt", "adopters", "bidders", k, nan, nan, n) for k in possible]
    return pd.DataFrame(rows, columns=list(SUMMARY_COLUMNS))


@pytest.mark.parametrize(
    ("numbers", "possible", "said"),
    [
        (
            (1,),
            (1, 3),
            "1 of 3 bidders hold the data of joint in equilibrium, and the intervals allow 1 or 3.",
        ),
        ((0,), (0, 1, 3), "and the intervals allow 0, 1 or 3."),
        (
            (0, 3),
            (0, 3),
            "0 or 3 of 3 bidders hold the data of joint in equilibrium, and the intervals allow no other",
        ),
        ((1,), (), "with no interval, so nothing is shown yet."),
        ((), (), "the equilibrium number of adopters is not known: gains are missing."),
    ],
)
def test_equilibria_are_stated_as_a_set(numbers, possible, said):
    about = {"bidders": 3, "cost": 1.0, "unit": "EUR", "arm": "joint"}
    assert said in next(iter(sentences(adoption([], numbers, possible), **about)))


def test_possible_numbers_with_a_gap_are_in_the_summary():
    study = Adoption(load("adoption", ["scenario=theory_rivals", "bidders.count=3"])[0].settings)
    found = [gain(1, 1.0, 0.1), gain(2, 3.0, 0.1), gain(3, 2.5, 0.1)]
    rows = list(study._equilibria(equilibria(found, 2.0), found))
    assert [r["arm"] for r in rows if r["estimand"] == "possible_adopters"] == ["0 adopt", "3 adopt"]


def test_an_adopter_who_loses_is_not_said_to_gain():
    summary = adoption([(-2.0, -3.0, -1.0), (1.0, -1.0, 3.0)], (0,), (0,), n=1)
    text = " ".join(sentences(summary, bidders=2, cost=0.0, unit="EUR", arm="joint"))
    assert (
        "The first adopter loses 2.00 EUR (1.00 to 3.00); the last of 2 gains nothing that is shown" in text
    )
    assert "1 replication;" in text
