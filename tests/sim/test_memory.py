"""Frequency caps: what is shown to a person, counted over again from every auction of a run."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from jointbid.sim import Entrant, simulation
from jointbid.sim.memory import longest_us, open_memory
from jointbid.sim.scenario import HOUR_US, Cap, SyntheticSupply, Terms

CAPS = st.builds(
    Cap,
    impressions=st.integers(1, 4),
    window_h=st.sampled_from([0.5, 2.0, 5.3, 24.0, 1000.0]),
    window=st.sampled_from(["sliding", "calendar"]),
    per=st.sampled_from(["campaign", "advertiser"]),
)


def most_shown(time_us, cap):
    """The most impressions in any window of the cap, counted for each of them."""
    window = round(cap.window_h * HOUR_US)
    if cap.window == "calendar":
        return max(np.unique(time_us // window, return_counts=True)[1], default=0)
    return max((np.sum((time_us <= t) & (time_us > t - window)) for t in time_us), default=0)


def shown_most(auctions, campaigns, cap):
    """The most that any person was shown by these campaigns (numbers) in any window."""
    mine = np.isin(auctions["winner"], campaigns)
    people = np.unique(auctions["person"])
    return max(most_shown(auctions["time_us"][mine & (auctions["person"] == one)], cap) for one in people)


def capped(bidding, *caps, firm="firm"):
    """Three campaigns of one firm, each with its caps, a firm that has a cap of its own, and one that has none."""
    alone = Cap(impressions=2, window_h=3.0, per="advertiser")
    terms = [*(Terms(caps=own) for own in caps), Terms(caps=(alone,)), Terms()]
    firms = [firm] * len(caps) + ["alone", "free"]
    return {
        f"b{i}": Entrant(bidding.Chance(), advertiser=who, terms=term)
        for i, (who, term) in enumerate(zip(firms, terms, strict=True))
    }


def uncapped(bidders):
    return {name: Entrant(b.strategy, advertiser=b.advertiser, terms=Terms()) for name, b in bidders.items()}


@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow])
@given(
    caps=st.lists(st.lists(CAPS, max_size=3).map(tuple), min_size=3, max_size=3),
    people=st.integers(1, 6),
    seed=st.integers(0, 99),
)
def test_no_cap_is_exceeded_in_any_window(bidding, caps, people, seed):
    """By campaign and, where the cap says so, by all campaigns of its advertiser, from any of them."""
    s = bidding.build(audience={"people": people, "activity_skew": 0.5})
    _, auctions = bidding.play(s, capped(bidding, *caps), seed)
    for number, own in enumerate([*caps, (Cap(impressions=2, window_h=3.0),)]):
        for cap in own:
            campaigns = [0, 1, 2] if cap.per == "advertiser" else [number]
            assert shown_most(auctions, campaigns, cap) <= cap.impressions


@pytest.mark.parametrize("window", ["sliding", "calendar"])
@pytest.mark.parametrize("per", ["campaign", "advertiser"])
@pytest.mark.parametrize("impressions", [1, 3])
def test_caps_bind(bidding, window, per, impressions):
    """The same market without them shows more in a window; with them, as many as are allowed and never more."""
    cap = Cap(impressions=impressions, window_h=5.0, window=window, per=per)
    s = bidding.build(audience={"people": 5})
    bidders = capped(bidding, (cap,), (cap,), ())
    whose = [0, 1, 2] if per == "advertiser" else [0]
    _, free = bidding.play(s, uncapped(bidders))
    _, bound = bidding.play(s, bidders)
    assert shown_most(free, whose, cap) > impressions
    assert shown_most(bound, whose, cap) == impressions
    if per == "campaign":
        assert shown_most(bound, [0, 1, 2], cap) > impressions  # each counts its own
        assert shown_most(bound, [2], cap) > impressions  # and binds itself alone


def alone(bidding, *caps):
    """When the only bidder wins the only person, and every request's time."""
    s = bidding.build(audience={"people": 1}, supply={"requests": 60}, bidders={"terms": {"caps": caps}})
    _, auctions = bidding.play(s, {"focal": bidding.Steady()})
    return auctions["time_us"][auctions["winner"] == 0], auctions["time_us"]


@pytest.mark.parametrize("k", [1, 2, 7])
def test_an_impression_one_window_ago_counts_no_more(bidding, k):
    """The window is the time from the first request to the k-th after it, and then one microsecond more."""
    _, every = alone(bidding)
    gap = int(every[k] - every[0])
    for more, following in ((0, k), (1, k + 1)):
        won, _ = alone(bidding, {"impressions": 1, "window_h": (gap + more) / HOUR_US})
        assert won[:2].tolist() == every[[0, following]].tolist()


@pytest.mark.parametrize("impressions", [1, 2, 3])
def test_sliding_windows_by_a_plain_count(bidding, impressions):
    won, every = alone(bidding, {"impressions": impressions, "window_h": 2.0})
    plain = []
    for t in every.tolist():
        if sum(t - earlier < 2 * HOUR_US for earlier in plain) < impressions:
            plain.append(t)
    assert won.tolist() == plain
    assert len(every) > len(plain) > 5


@pytest.mark.parametrize("impressions", [1, 2, 3])
def test_calendar_windows_begin_anew_at_their_multiples(bidding, impressions):
    """The first requests of each window of 1.5 hours, and no others."""
    won, every = alone(bidding, {"impressions": impressions, "window_h": 1.5, "window": "calendar"})
    window = every // round(1.5 * HOUR_US)
    before = np.arange(len(every)) - np.searchsorted(window, window)
    assert won.tolist() == every[before < impressions].tolist()
    assert len(won) < len(every)


def test_several_caps_hold_at_once(bidding):
    """Two in three hours, and five in half a day: what either forbids is not shown, and each forbids something."""
    caps = {"impressions": 2, "window_h": 3.0}, {"impressions": 5, "window_h": 12.0, "window": "calendar"}
    won, every = alone(bidding, *caps)
    plain = []
    for t in every.tolist():
        in_three = sum(t - earlier < 3 * HOUR_US for earlier in plain)
        today = sum(t // (12 * HOUR_US) == earlier // (12 * HOUR_US) for earlier in plain)
        if in_three < 2 and today < 5:
            plain.append(t)
    assert won.tolist() == plain
    for cap in caps:
        assert alone(bidding, cap)[0].tolist() != plain


def test_who_may_not_be_shown_sets_no_price_either(bidding):
    """Bids of 2 and 1: the first wins once at 1; then the second wins, and pays the floor of .25."""
    s = bidding.build(audience={"people": 1}, supply={"requests": 10}, auction={"floor_cpm": 250})
    once = Terms(caps=(Cap(impressions=1, window_h=24.0),))
    bidders = {"first": Entrant(bidding.Steady(2.0), terms=once), "second": bidding.Steady(1.0)}
    _, auctions = bidding.play(s, bidders)
    assert auctions["winner"].tolist() == [0] + [1] * 9
    assert auctions["paid_micros"].tolist() == [1_000_000] + [250_000] * 9


def test_own_terms_stand_in_the_place_of_the_scenarios(bidding):
    s = bidding.build(audience={"people": 1}, bidders={"terms": {"caps": [{"impressions": 1}]}})
    result, _ = bidding.play(
        s, {"free": Entrant(bidding.Steady(1.0), terms=Terms()), "bound": bidding.Steady(2.0)}
    )
    assert (result.of("bound")["wins"], result.of("free")["wins"]) == (1, 399)


def test_an_advertiser_and_a_campaign_of_one_name_are_two_things(bidding):
    """A campaign cap of `x` does not count what the advertiser `x` wins by another campaign."""
    s = bidding.build(audience={"people": 1}, auction={"slots": [1.0, 1.0]})
    once = Terms(caps=(Cap(impressions=1, window_h=24.0),))
    bidders = {
        "x": Entrant(bidding.Steady(1.0), advertiser="y", terms=once),
        "y": Entrant(bidding.Steady(1.0), advertiser="x", terms=Terms()),
    }
    result, _ = bidding.play(s, bidders)
    assert (result.of("x")["wins"], result.of("y")["wins"]) == (1, 400)


def test_caps_without_people_and_memories_too_large_are_refused(bidding):
    cap = Cap(impressions=1000, window_h=1.0)
    bound = Entrant(bidding.Steady(), terms=Terms(caps=(cap,)))
    with pytest.raises(ValueError, match=r"caps of 'me': requires audience\.people \(the number of people\)"):
        bidding.play(bidding.build(), {"me": bound})
    with pytest.raises(
        ValueError, match=r"audience\.people = 1000000 x 1002 numbers for frequency caps: at most \d+"
    ):
        open_memory(1_000_000, {"me": Terms(caps=(cap,))}, ["me"])


@pytest.mark.parametrize("window", ["sliding", "calendar"])
@pytest.mark.parametrize("alone", [True, False], ids=["no other", "others"])
def test_a_window_as_long_as_the_run_needs_no_times(bidding, window, alone, monkeypatch):
    """Counting wins gives the auctions that remembering when they came gives."""
    s = bidding.build(audience={"people": 40})
    lasting = Cap(impressions=3, window_h=s.supply.horizon_h, window=window)
    of_firm = Cap(impressions=4, window_h=s.supply.horizon_h, window=window, per="advertiser")
    daily = Cap(impressions=2, window_h=s.supply.horizon_h / 3, window=window, per="advertiser")
    caps = [(lasting,), (lasting, of_firm), ()] if alone else [(lasting,), (lasting, daily), (daily,)]
    bidders = dict(list(capped(bidding, *caps).items())[: 3 if alone else None])
    _, counted = bidding.play(s, bidders)
    monkeypatch.setattr(simulation, "longest_us", lambda supply: np.inf)
    _, timed = bidding.play(s, bidders)
    assert shown_most(counted, [0], lasting) == 3
    assert {name: column.tolist() for name, column in counted.items()} == {
        name: column.tolist() for name, column in timed.items()
    }


def test_requests_that_may_come_after_the_horizon_are_told_apart():
    hour = HOUR_US // 1000
    assert longest_us(SyntheticSupply(requests=hour, horizon_h=1.0)) == HOUR_US
    assert longest_us(SyntheticSupply(requests=hour + 1, horizon_h=1.0)) == HOUR_US + hour + 1
