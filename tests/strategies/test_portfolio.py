"""A budget that moves between campaigns: where to, when not, and that it is always the whole of it."""

from __future__ import annotations

import numpy as np
import pytest

from jointbid.experiments.cli.main import main
from jointbid.sim import Entrant, Scenario, VisibleRequests, simulate
from jointbid.sim.visible import KnownOutcomes
from jointbid.strategies.base import Priced
from jointbid.strategies.market import MarketFacts
from jointbid.strategies.policies.constant import Constant
from jointbid.strategies.policies.history import CampaignResults, known_share
from jointbid.strategies.policies.portfolio import Portfolio
from jointbid.strategies.valuations.tables import CellValues

LATE = {"law": "exponential", "mean": 30.0}


def market(**parts) -> Scenario:
    """Three products of the same worth over ten days; a sale comes a day after the click."""
    base = {
        "supply": {"requests": 30_000, "horizon_h": 240, "context_types": 3},
        "response": {
            "family": "logit",
            "a": 0.0,
            "value_per_click": 0.0,
            "conversion": {"a": 0.0, "value": 2.0, "delay_h": LATE},
        },
        "source": {"context": {}},
        "rivals": {"landscape": "uniform", "high": 1},
        "bidders": {"values": "common"},
    }
    for name, part in parts.items():
        base[name] = {**base[name], **part}
    return Scenario.model_validate(base)


class Kept(Portfolio):
    """The one that plays can be looked at afterwards, and keeps its split at each control step."""

    def __init__(self, **options):
        super().__init__(**options)
        self.splits = []

    def __deepcopy__(self, memo):
        return self

    def control(self, state):
        super().control(state)
        self.splits.append(self.split)


def play(scenario, policy, values=(0.5, 0.5, 0.5), budget=400.0, seed=1):
    """The bidder's row; it takes products for worth ``values``, of any size."""
    table = CellValues(("context",), np.array([*values, 0.5]))
    return simulate(scenario, {"me": Entrant(Priced(table, policy), ("context",), budget)}, seed).of("me")


@pytest.mark.few(1)
@pytest.mark.parametrize("labels", ["corrected", "raw"])
def test_equal_campaigns_keep_equal_parts(labels):
    splits = []
    for seed in range(8):
        play(market(), policy := Kept(labels=labels), seed=seed)
        splits.append(policy.split)
    assert np.abs(np.mean(splits, axis=0) - 1 / 3).max() < 0.03
    assert np.abs(np.array(splits) - 1 / 3).max() < 0.15


@pytest.mark.parametrize("labels", ["corrected", "raw"])
def test_money_goes_where_twice_as_much_comes_back(labels):
    """The third product's clicks sell twice as often as the others', and its bidder does not know."""
    scenario = market(response={"c": 0.9})  # clicks .25, .5 and .75
    play(scenario, policy := Kept(labels=labels))
    first, second, third = policy.split
    assert third > 0.42
    assert first < 0.26
    assert first < second < third
    early, late = policy.splits[40], policy.splits[-1]
    assert early[2] < late[2]


def test_what_is_known_of_values_moves_it_too():
    """It knows that the third is worth three times the first: at the same money it bids less of that, and so money moves there."""
    play(market(response={"c": 0.9}), policy := Kept(), values=(0.25, 0.5, 0.75))
    first, second, third = policy.split
    assert first < second < third
    assert third > 0.42


@pytest.mark.few(4)
@pytest.mark.parametrize("budget", [0.01, 3.0, 100.0, 400.0])
@pytest.mark.parametrize("options", [{}, {"move": 5.0, "move_h": 1.0}, {"least": 0.0, "ki": 50.0}])
def test_the_parts_are_the_whole_and_nothing_beyond_it_is_spent(budget, options):
    row = play(market(supply={"requests": 8_000}), policy := Kept(**options), budget=budget)
    assert 0 < row["spend"] <= budget
    splits = [split for split in policy.splits if len(split)]
    assert len(splits) > 200
    for split in splits:
        assert split.sum() == pytest.approx(1.0)
        assert (split >= 0).all()


def test_it_does_not_move_what_it_is_not_to_move_or_hears_nothing_of():
    play(market(response={"c": 0.9}), fixed := Kept(move=0))
    assert fixed.split == pytest.approx([1 / 3] * 3)
    deaf = market(response={"c": 0.9}, bidders={"report_delay_h": 8e5})
    row = play(deaf, never := Kept())
    assert all(not len(split) for split in never.splits)
    assert row["spend"] == pytest.approx(400.0)
    assert never.multiplier == never.gain


def test_late_reports_move_it_late():
    moved = []
    for delay_h in (0.0, 96.0):
        scenario = market(response={"c": 0.9}, bidders={"report_delay_h": delay_h})
        play(scenario, policy := Kept(gain=0.4), budget=600.0)
        splits = [split for split in policy.splits if len(split) == 3]
        moved.append(next(i for i, split in enumerate(policy.splits) if len(split) == 3 and split[2] > 0.36))
        assert splits[-1][2] > 0.36
    assert moved[1] > moved[0] + 72


def test_a_campaign_that_comes_later_gets_its_part():
    policy = Portfolio()
    policy._offered, policy._money, policy._spent = (
        np.array([5.0, 5, 1]),
        np.array([6.0, 4, 0]),
        np.array([2.0, 1, 0]),
    )
    policy._log = policy._paid = np.zeros(3)
    policy._join(10.0)
    assert policy._money.sum() == pytest.approx(10.0)
    assert (policy._money - policy._spent) == pytest.approx([7 * 2 / 3 * 4 / 7, 7 * 2 / 3 * 3 / 7, 7 / 3])


def test_without_a_column_that_tells_campaigns_it_is_one_pot():
    scenario = market()
    brain = Priced(CellValues((), np.array(0.5)), policy := Kept())
    row = simulate(scenario, {"me": Entrant(brain, (), 400.0)}, 1).of("me")
    assert policy.split.tolist() == [1.0]
    assert 395 < row["spend"] <= 400.0
    batch = VisibleRequests(2, {"value": np.array([1.0, 2.0])})
    assert Portfolio().bid(batch).tolist() == [1.0, 2.0]


@pytest.mark.parametrize("most", [1, 17])
def test_how_many_requests_travel_together_changes_nothing(most):
    rows = []
    for block in (most, 65_536):
        scenario = market(supply={"requests": 2_000})
        scenario = scenario.model_copy(
            update={"engine": scenario.engine.model_copy(update={"max_block": block})}
        )
        rows.append(play(scenario, Portfolio(move_h=5.0), budget=60.0))
    assert rows[0] == rows[1]


@pytest.mark.slow
def test_every_arm_of_a_study_plays_it(tmp_path):
    fast = [
        "supply.requests=3000",
        "bidders.budget=15",
        "bidders.control_interval_h=24",
        "plot.enabled=false",
    ]
    args = ["scenario=real_time_optimiser", "strategy=portfolio", "study.replications=2", "study.curves=[]"]
    assert main(["value", *args, *fast, f"results_dir={tmp_path}", "executor=serial"]) == 0


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"move": -1}, r"^move = -1: must be a finite number, 0 or more"),
        ({"move_h": 0}, r"^move_h = 0: must be a finite number above 0"),
        ({"labels": "rw"}, r"^labels = rw: must be one of corrected, raw; did you mean 'raw'"),
        ({"per": "sale"}, r"^per = sale: must be one of conversion, click$"),
        ({"least": 1.5}, r"^least = 1.5: must be a number from 0 to 1"),
    ],
)
def test_parameters_out_of_range_are_named(options, message):
    with pytest.raises(ValueError, match=message):
        Portfolio(**options)


# how much of what will come is known


def test_the_share_that_is_known_is_that_of_the_delays_law():
    """20,000 outcomes of impressions of all ages to 100 h, delays exponential with mean 20 h, those not yet due unseen."""
    rng = np.random.default_rng(5)
    age, delay = rng.uniform(0, 100, 20_000), rng.exponential(20.0, 20_000)
    came = delay <= age
    at = np.array([0.0, 5, 10, 20, 50, 100])
    truth = (1 - np.exp(-at / 20)) / (1 - np.exp(-100 / 20))
    assert known_share(delay[came], age[came], at) == pytest.approx(truth, abs=0.015)
    plain = (delay[came][:, None] <= at).mean(axis=0)
    assert plain[2] > truth[2] + 0.05, "plain shares tell of short delays alone"


def test_the_share_of_nothing_and_of_what_is_known_at_once():
    none = np.empty(0)
    assert known_share(none, none, np.array([0.0, 3.0])).tolist() == [1.0, 1.0]
    assert known_share(np.zeros(9), np.full(9, 5.0), np.array([0.0, 3.0])).tolist() == [1.0, 1.0]


def sold(position, campaign, hour):
    n = len(position)
    code = np.asarray(campaign, dtype=np.int64)
    return KnownOutcomes(
        VisibleRequests(n, {"context": code}), np.asarray(position, dtype=np.int64), np.zeros(n, np.int16),
        np.asarray(hour, dtype=np.float64), np.ones(n), np.full(n, 3.0),
    ), code  # fmt: skip


def test_labels_that_are_not_ripe_mislead_who_takes_them_at_their_word():
    """Two campaigns sell alike, one of them shown in the last hours alone: corrected they are equal, raw they are not."""
    rng, history = np.random.default_rng(3), CampaignResults(1.0)
    shown: list[tuple[int, int, float]] = []
    for hour in range(1, 101):
        campaign = int(hour > 80)
        start = 200 * hour
        history.note(np.arange(start, start + 200), np.where(np.arange(2) == campaign, 200.0, 0.0))
        history.close(float(hour))
        shown += [(position, campaign, float(hour)) for position in range(start, start + 50)]
    position, campaign, since = (np.array(column) for column in zip(*shown, strict=True))
    due = since + rng.exponential(20.0, len(since))
    history.sold(*sold(position[due <= 100], campaign[due <= 100], due[due <= 100]))
    history.close(100.0)
    corrected = history.corrections(100.0, 1e6, 5.0, raw=False)
    raw = history.corrections(100.0, 1e6, 5.0, raw=True)
    assert corrected == pytest.approx([1.0, 1.0], abs=0.1)
    assert raw[1] < 0.6 * raw[0]


def test_campaigns_are_of_the_source_that_shows_the_context():
    scenario = market(supply={"requests": 3_000})
    named = scenario.model_copy(
        update={"source": {"placement": scenario.source["context"].model_copy(update={"shows": "context"})}}
    )
    facts = MarketFacts.of(Scenario.model_validate(named.model_dump(exclude_unset=True)))
    policy, constant = Kept(market=facts), Constant(1.0, contexts=[1], market=facts)
    assert (policy.may_read, constant.reads, Portfolio().may_read) == (
        ("placement",),
        ("placement",),
        ("context",),
    )
    brain = Priced(CellValues(("placement",), np.array([0.5, 0.5, 0.5, 0.5])), policy)
    simulate(named, {"me": Entrant(brain, ("placement",), 40.0)}, 1)
    assert len(policy.split) == 3
    shown = VisibleRequests(3, {"placement": np.array([0, 1, 2])})
    assert constant.bid(shown).tolist() == [0.0, 1.0, 0.0]
