"""Clicks and conversions: when they become known, to whom, and where each of them is counted."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from jointbid.sim import Entrant
from jointbid.sim.scenario import HOUR_US

HORIZON_US = 24 * HOUR_US


def market(bidding, click=None, sale=None, **parts):
    """Half of what is seen is clicked, a third of the clicks convert, and so do some who only saw it."""
    conversion = {"a": -0.5, "b": 0.4, "value": 2.0, "after_view": 0.3, **(sale or {})}
    response = {"family": "logit", "a": 0.0, "c": 0.3, "viewability": 0.8, "click_delay_h": click or {}}
    response["conversion"] = conversion
    parts.setdefault("auction", {"slots": [1.0, 0.7], "type": "gsp"})
    return bidding.build(response=response, **parts)


SLOW = {"law": "exponential", "mean": 1.5}
SALES = {
    "exponential": {
        "delay_h": {"law": "exponential", "mean": 4.0},
        "click_window_h": 6.0,
        "view_window_h": 2.0,
    },
    "weibull": {"delay_h": {"law": "weibull", "mean": 8.0, "shape": 0.5}, "click_window_h": 10.0},
    "constant": {"delay_h": {"mean": 2.0}, "click_window_h": 2.0, "view_window_h": 1.9},
    "empirical": {
        "delay_h": {"law": "empirical", "points": [[0, 0], [0.4, 0.5], [0.7, 5], [1, 40]]},
        "click_window_h": 20.0,
        "view_window_h": 0.4,
    },
    "at once": {},
}


def rows(auctions, number, when):
    """(position, creative, hour) of a bidder's outcomes, in the order of its impressions."""
    due = auctions[when]
    mine = (auctions["winner"] == number) & (due >= 0)
    if when == "conversion_us":
        mine &= auctions["attributed"]
    return [
        (int(p), int(c), int(t))
        for p, c, t in zip(auctions["position"][mine], auctions["creative"][mine], due[mine], strict=True)
    ]


def reported_by_hand(outcomes, steps):
    """What is reported at each step: what is due by then, of impressions sold by then, and was not reported before."""
    heard, left = [], list(outcomes)
    for hour, seen in steps:
        now = [one for one in left if one[2] <= round(hour * HOUR_US) and one[0] < seen]
        left = [one for one in left if one not in now]
        heard.append(now)
    return heard, left


@pytest.mark.parametrize("control", [{}, {"control_interval_h": 0.37}, {"control_interval_requests": 13}])
@pytest.mark.parametrize("law", SALES)
def test_an_outcome_is_reported_once_at_the_first_step_not_before_it_is_due(bidding, law, control):
    """Never what comes after its window, never what is due after the last step; with the columns and the ad of its own."""
    s = market(
        bidding,
        SLOW if law != "at once" else None,
        SALES[law],
        creative={"one": {}, "two": {"a": 0.5}},
        bidders=control,
    )
    diaries = {"one": [], "two": [], "three": []}
    bidders = {n: bidding.Diary(diary, 1.0, ("profile", "uniform")) for n, diary in diaries.items()}
    _, auctions = bidding.play(s, bidders)
    columns = {name: {"profile": [], "uniform": []} for name in diaries}
    for number, (name, diary) in enumerate(diaries.items()):
        steps = [(state.hour, state.requests_seen) for state, _ in diary]
        for _, feedback in diary:
            for column, seen in columns[name].items():
                seen.extend(feedback.requests[column].tolist())
        for kind, when in (("clicks", "click_us"), ("conversions", "conversion_us")):
            outcomes = rows(auctions, number, when)
            by_hand, left = reported_by_hand(outcomes, steps)
            so_far = 0
            for (state, feedback), expected in zip(diary, by_hand, strict=True):
                known = getattr(feedback, kind)
                got = zip(known.position, known.creative, np.rint(known.hour * HOUR_US), strict=True)
                assert [(int(p), int(c), int(t)) for p, c, t in got] == expected
                assert (known.weight == 1).all()
                for column, seen in columns[name].items():
                    assert known.requests[column].tolist() == [seen[p] for p, _, _ in expected]
                so_far += len(expected)
                assert getattr(state, kind) == so_far
            assert so_far > 10
            assert all(due > round(steps[-1][0] * HOUR_US) or p >= steps[-1][1] for p, _, due in left)
    assert {c for _, c, _ in rows(auctions, 0, "click_us")} == {0, 1}


@pytest.mark.parametrize("law", SALES)
def test_every_click_and_conversion_is_counted_somewhere_and_once(bidding, law):
    """In the table of bidders: known, censored by the end, or not the ad's; together they are those of the log."""
    s = market(bidding, SLOW, SALES[law])
    names = ["one", "two", "three"]
    result, auctions = bidding.play(s, {name: bidding.Chance() for name in names})
    click, sale, ours = auctions["click_us"], auctions["conversion_us"], auctions["attributed"]
    for number, name in enumerate(names):
        mine, row = auctions["winner"] == number, result.of(name)
        assert row["clicks"] == (mine & (click >= 0) & (click <= HORIZON_US)).sum() > 20
        assert row["clicks_censored"] == (mine & (click > HORIZON_US)).sum()
        assert row["clicks"] + row["clicks_censored"] == (mine & (click >= 0)).sum()
        assert row["conversions"] == (mine & ours & (sale <= HORIZON_US)).sum() > 5
        assert row["conversions_censored"] == (mine & ours & (sale > HORIZON_US)).sum()
        assert row["conversions_unattributed"] == (mine & ~ours & (sale >= 0)).sum()
        counted = ("conversions", "conversions_censored", "conversions_unattributed")
        assert sum(row[what] for what in counted) == (mine & (sale >= 0)).sum()
    table = result.bidders
    assert table["clicks_censored"].sum() > 0
    assert law in {"constant", "at once"} or table["conversions_censored"].sum() > 0
    assert law in {"weibull", "at once"} or table["conversions_unattributed"].sum() > 0


def test_nothing_happens_to_what_is_not_won_or_not_seen(bidding):
    _, auctions = bidding.play(market(bidding, SLOW, SALES["weibull"]), {"one": bidding.Chance()})
    won, click, sale = auctions["winner"] == 0, auctions["click_us"] >= 0, auctions["conversion_us"] >= 0
    assert not (auctions["viewed"] & ~won).any()
    assert not ((click | sale) & ~auctions["viewed"]).any()
    assert not (auctions["attributed"] & ~sale).any()
    assert (auctions["click_us"][click] >= auctions["time_us"][click]).all()
    assert (
        auctions["conversion_us"][sale] >= np.maximum(auctions["time_us"], auctions["click_us"])[sale]
    ).all()
    assert 0.7 < auctions["viewed"][won].mean() < 0.9
    assert (sale & ~click).sum() > 5  # for having seen it alone
    assert (sale & click).sum() > 5


@pytest.mark.parametrize("law", ["exponential", "weibull", "empirical"])
def test_windows_are_counted_from_the_click_or_from_the_sight(bidding, law):
    """A conversion is the ad's where it comes within the click's window after a click, within the view's without one."""
    sale = SALES[law] | {"view_window_h": 1.0, "after_view": 1.0}
    _, auctions = bidding.play(market(bidding, SLOW, sale), {name: bidding.Steady() for name in "ab"})
    sold = {name: column[auctions["conversion_us"] >= 0] for name, column in auctions.items()}
    clicked = sold["click_us"] >= 0
    since = np.where(clicked, sold["click_us"], sold["time_us"])
    window = np.where(clicked, sale["click_window_h"], 1.0) * HOUR_US
    assert sold["attributed"].tolist() == (sold["conversion_us"] - since <= window).tolist()
    for after in (clicked, ~clicked):
        assert 0 < sold["attributed"][after].mean() < 1


def test_a_conversion_at_the_edge_of_its_window_is_the_ads(bidding):
    """Always 2 h: within a click's window of 2 h, beyond a view's of 1.9."""
    _, auctions = bidding.play(market(bidding, None, SALES["constant"]), {"a": bidding.Steady()})
    sold = auctions["conversion_us"] >= 0
    assert (auctions["attributed"] == (sold & (auctions["click_us"] >= 0))).all()
    assert 0 < auctions["attributed"].sum() < sold.sum()


@pytest.mark.parametrize("seed", range(3))
def test_delays_are_drawn_from_their_laws(bidding, seed):
    """Kolmogorov-Smirnov, some 4,000 clicks of a lognormal law and 3,000 conversions of an exponential one."""
    sale = {"delay_h": {"law": "exponential", "mean": 30.0}, "a": 3.0}
    s = market(bidding, {"law": "lognormal", "mean": 3.0, "shape": 0.8}, sale, supply={"requests": 6000})
    _, auctions = bidding.play(s, {"a": bidding.Steady(), "b": bidding.Steady()}, seed)
    click, sale_us = auctions["click_us"] >= 0, auctions["conversion_us"] >= 0
    waited = (auctions["click_us"] - auctions["time_us"])[click] / HOUR_US
    law = stats.lognorm(0.8, scale=3.0 * np.exp(-(0.8**2) / 2))
    assert len(waited) > 3500
    assert stats.kstest(waited, law.cdf).pvalue > 1e-4
    both = click & sale_us
    took = (auctions["conversion_us"] - auctions["click_us"])[both] / HOUR_US
    assert len(took) > 2500
    assert stats.kstest(took, stats.expon(scale=30.0).cdf).pvalue > 1e-4
    assert abs(stats.spearmanr((auctions["click_us"] - auctions["time_us"])[both], took)[0]) < 4 / np.sqrt(
        len(took)
    )


@pytest.mark.parametrize("kind", ["clicks", "conversions"])
def test_what_is_due_at_the_very_moment_of_a_step_is_reported_at_it(bidding, kind):
    """A control step at every request; the first one's outcome is due when the sixth comes, and a microsecond later."""
    steps = {"control_interval_requests": 1}
    certain = {"a": 40.0, "click_window_h": 720.0}
    _, auctions = bidding.play(market(bidding, None, certain, bidders=steps), {"focal": bidding.Steady()})
    gap = int(auctions["time_us"].reshape(-1, 2)[:, 0][5] - auctions["time_us"][0])
    first_reported = []
    for more in (0, 1):
        wait = {"mean": (gap + more) / HOUR_US}
        diary = []
        s = market(
            bidding,
            wait if kind == "clicks" else None,
            certain | {"delay_h": {} if kind == "clicks" else wait},
        )
        response = s.response.model_copy(update={"a": 40.0, "viewability": 1.0})
        s = s.model_copy(update={"response": response, "bidders": s.bidders.model_copy(update=steps)})
        bidding.play(s, {"focal": bidding.Diary(diary)})
        heard = [len(getattr(feedback, kind).position) for _, feedback in diary]
        first_reported.append(
            next(state.requests_seen for (state, _), n in zip(diary, heard, strict=True) if n)
        )
    assert first_reported == [5, 6]


def test_feedback_says_of_each_own_impression_whether_it_was_seen_and_which_ad_it_was(bidding):
    """With several slots, each shown to somebody else: what the others show is not reported."""
    s = market(bidding, SLOW, creative={"one": {}, "two": {"a": 0.5}})
    heard = []
    _, auctions = bidding.play(
        s, {"one": bidding.Diary(heard), "two": bidding.Steady(), "three": bidding.Steady()}
    )
    position, viewed, creative, won = (
        np.concatenate([getattr(feedback, name) for _, feedback in heard])
        for name in ("position", "viewed", "creative", "won")
    )
    mine = (auctions["winner"] == 0).reshape(-1, 2)[position]
    assert won.tolist() == mine.any(axis=1).tolist()
    assert viewed.tolist() == (mine & auctions["viewed"].reshape(-1, 2)[position]).any(axis=1).tolist()
    ads = np.where(mine, auctions["creative"].reshape(-1, 2)[position], -1).max(axis=1)
    assert creative.tolist() == ads.tolist()
    assert {-1, 0, 1} == set(ads.tolist())
    assert 0.2 < viewed[won].mean() < 0.95


def test_slots_of_one_request_have_draws_of_their_own(bidding):
    """Seen, clicked, and how long it took: unrelated between two slots; n = 6,000 requests."""
    n = 6000
    s = market(bidding, SLOW, supply={"requests": n}, auction={"slots": [1.0, 1.0]})
    _, auctions = bidding.play(s, {"one": bidding.Steady(), "two": bidding.Steady()})
    viewed, click_us, time_us = (auctions[name].reshape(n, 2) for name in ("viewed", "click_us", "time_us"))
    assert abs(np.corrcoef(viewed.T)[0, 1]) < 4 / np.sqrt(n)
    both = viewed.all(axis=1)
    assert (
        abs(np.corrcoef((click_us[both] >= 0).T)[0, 1]) < 0.12
    )  # the context is the same, as are the chances
    clicked = (click_us >= 0).all(axis=1)
    waited = (click_us - time_us)[clicked]
    assert clicked.sum() > 500
    assert abs(stats.spearmanr(waited)[0]) < 4 / np.sqrt(clicked.sum())


def test_those_who_do_not_learn_are_shown_how_many_there_are(bidding):
    """Accounts count what is known by then, beside a learner, and at each step or at each third."""

    class Counting(bidding.Chance):
        def __init__(self):
            self.seen = []

        def __deepcopy__(self, memo):
            return self

        def control(self, state):
            self.seen.append((state.hour, state.clicks, state.conversions, state.margin))

    each, third = Counting(), Counting()
    s = market(bidding, SLOW, SALES["exponential"], supply={"requests": 1200})
    bidders = {"third": Entrant(third, control_every=3), "diary": bidding.Diary([], bid=0.6), "each": each}
    _, auctions = bidding.play(s, bidders)
    for number, seen in ((0, third.seen), (2, each.seen)):
        mine = auctions["winner"] == number
        for hour, clicks, sales, margin in seen:
            due = [
                (mine & (auctions[when] >= 0) & (auctions[when] <= hour * HOUR_US))
                for when in ("click_us", "conversion_us")
            ]
            assert (clicks, sales) == (due[0].sum(), (due[1] & auctions["attributed"]).sum())
            assert margin == 2.0 * sales
        assert seen[-1][1] > seen[-1][2] > 10
    assert len(each.seen) == 24
    assert len(third.seen) == 8
