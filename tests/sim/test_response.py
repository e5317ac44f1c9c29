"""What impressions do, people who stay themselves, and ads that take turns: expected figures recomputed impression by
impression, and realised ones against them."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from jointbid.sim import Entrant
from jointbid.sim.audience import Visits, draw_types
from jointbid.sim.delays import cdf
from jointbid.sim.streams import Streams
from jointbid.sim.trial import BATCHES

N = 20_000
CREATIVES = {
    "plain": {"share": 2.0},
    "loud": {"share": 1.0, "a": 0.6, "d": -0.4, "conversion": {"a": -0.5, "b": 0.3}},
    "late": {"share": 0.5, "b": -0.7},
}
CLICKS_ALONE = {name: {k: v for k, v in one.items() if k != "conversion"} for name, one in CREATIVES.items()}
SALE = {
    "a": -0.8,
    "b": 0.5,
    "c": -0.3,
    "value": 2.5,
    "after_view": 0.4,
    "delay_h": {"law": "weibull", "mean": 6.0, "shape": 0.7},
    "click_window_h": 9.0,
    "view_window_h": 2.0,
}
PARTS = {
    "viewability": {"response": {"viewability": (0.9, 0.35)}},
    "fatigue": {"response": {"fatigue": 0.25}, "audience": {"people": 4000, "activity_skew": 1.0}},
    "creatives": {"creative": CLICKS_ALONE},
    "conversions": {"response": {"conversion": SALE}},
    "slots": {"auction": {"type": "vcg", "slots": [1.0, 0.7, 0.2]}},
    "all": {
        "response": {"viewability": (0.9, 0.35), "fatigue": 0.25, "conversion": SALE},
        "audience": {"people": 4000, "activity_skew": 1.0},
        "creative": CREATIVES,
        "auction": {"type": "gsp", "slots": [1.0, 0.7, 0.2]},
        "bidders": {"values": "common"},
    },
}
BIDDERS = ("one", "two", "three")


def market(bidding, parts, requests=N):
    response = {"family": "logit", "a": -1.0, "b": 0.5, "c": 0.3, "d": 0.2, "value_per_click": 1.5}
    rest = {name: part for name, part in parts.items() if name != "response"}
    return bidding.build(response=response | parts.get("response", {}), supply={"requests": requests}, **rest)


def by_hand(s, auctions, seed=1):
    """P(seen, click, conversion in time) of each impression given all before it, from types, ad, slot and what the person saw.

    Conversions may follow a click (exclusively) or the sight. Rows that no bidder here won are nan.
    """
    streams, r, sale = Streams(seed, 0), s.response, s.response.conversion
    visits = Visits.at(s, streams, 0, s.supply.requests)
    types = {}
    out = np.full((3, len(auctions["winner"])), np.nan)
    met = {}
    creatives = list(s.creative.values())
    for i, (k, at, slot) in enumerate(
        zip(auctions["winner"], auctions["position"], auctions["slot"], strict=True)
    ):
        if k < 0:
            continue
        owner = BIDDERS[k] if s.bidders.values == "private" else "everyone"
        if owner not in types:
            types[owner] = draw_types(s, streams, owner, visits)
        x, z = (2 * types[owner][factor][at] - 1 for factor in ("profile", "context"))
        ad = creatives[auctions["creative"][i]] if creatives else None
        seen = (
            r.viewability[types[owner]["context"][at]] if isinstance(r.viewability, tuple) else r.viewability
        )
        who = (int(auctions["person"][i]), int(k))
        strength = s.auction.slots[slot] * (1 - r.fatigue) ** met.get(who, 0)
        if auctions["viewed"][i] and who[0] >= 0:
            met[who] = met.get(who, 0) + 1
        click = expit(*(getattr(r, p) + (getattr(ad, p) if ad else 0) for p in NAMES), x, z)
        chance = 0.0
        if sale:
            bought = expit(
                *(getattr(sale, p) + (getattr(ad.conversion, p) if ad else 0) for p in NAMES), x, z
            )
            chance = click * bought * cdf(sale.delay_h, sale.click_window_h)
            chance += (1 - click) * sale.after_view * bought * cdf(sale.delay_h, sale.view_window_h)
        out[:, i] = seen, seen * strength * click, seen * strength * chance
    return out


NAMES = ("a", "b", "c", "interaction")


def expit(a, b, c, d, x, z):
    return 1 / (1 + np.exp(-(a + b * x + c * z + d * x * z)))


@pytest.mark.parametrize("what", PARTS)
def test_expected_figures_are_those_of_every_impression_recomputed(bidding, what):
    """Bit by bit: context, ad, slot, and (1 - f)^k for the k that this person saw of this advertiser before."""
    s = market(bidding, PARTS[what], 3000)
    result, auctions = bidding.play(s, {name: bidding.Chance() for name in BIDDERS})
    _, click, sale = by_hand(s, auctions)
    value = s.response.conversion.value if s.response.conversion else 0.0
    for number, name in enumerate(BIDDERS):
        mine, row = auctions["winner"] == number, result.of(name)
        assert row["clicks_expected"] == pytest.approx(click[mine].sum(), rel=1e-9)
        assert row["conversions_expected"] == pytest.approx(sale[mine].sum(), rel=1e-9)
        assert row["value"] == pytest.approx((1.5 * click[mine] + value * sale[mine]).sum(), rel=1e-9)
        assert row["viewed"] == auctions["viewed"][mine].sum()
        assert row["wins"] == mine.sum() > 500


@pytest.mark.few(4)
@pytest.mark.parametrize("what", PARTS)
@pytest.mark.parametrize("seed", [1, 2])
def test_what_happens_is_what_is_expected(bidding, what, seed):
    """Seen, clicked, converted in time: 20,000 requests and up to three slots, all within 4 standard errors."""
    s = market(bidding, PARTS[what])
    _, auctions = bidding.play(s, {name: bidding.Chance() for name in BIDDERS}, seed)
    chances = by_hand(s, auctions, seed)
    happened = auctions["viewed"], auctions["click_us"] >= 0, auctions["attributed"]
    for chance, came in zip(chances, happened, strict=True):
        for number in range(len(BIDDERS)):
            mine = auctions["winner"] == number
            p = chance[mine]
            error = np.sqrt((p * (1 - p)).sum())
            assert abs(came[mine].sum() - p.sum()) <= 4 * error
            assert error < 0.05 * max(p.sum(), 1e-9) or error == 0


def test_fatigue_wears_out_what_a_person_sees_of_one_advertiser(bidding):
    """Clicks by how many were seen before fall as (1 - f)^k: n = 60,000 impressions, each k within 4 standard errors."""
    parts = {"response": {"fatigue": 0.3, "viewability": 0.6, "b": 0, "c": 0, "d": 0, "a": 0}}
    s = market(bidding, parts | {"audience": {"people": 12_000}}, 60_000)
    _, auctions = bidding.play(s, {"one": bidding.Steady()})
    order = np.lexsort([auctions["position"], auctions["person"]])
    person, viewed = auctions["person"][order], auctions["viewed"][order]
    before = np.cumsum(viewed) - viewed
    first = np.searchsorted(person, person)
    k = before - before[first]
    clicked = (auctions["click_us"] >= 0)[order]
    for earlier in range(5):
        here = (k == earlier) & viewed
        p = 0.5 * 0.7**earlier
        assert here.sum() > 1000
        assert abs(clicked[here].mean() - p) < 4 * np.sqrt(p * (1 - p) / here.sum())


def test_campaigns_of_one_advertiser_wear_out_together(bidding):
    """One person, one firm of two campaigns: the twentieth sight does .5^19 of the first; another firm starts fresh."""
    parts = {"response": {"fatigue": 0.5, "a": 0, "b": 0, "c": 0, "d": 0, "value_per_click": 2.0}}
    s = market(bidding, parts | {"audience": {"people": 1}}, 40)
    firm = {name: Entrant(bidding.Chance(), advertiser="firm") for name in ("one", "two")}
    result, auctions = bidding.play(s, {**firm, "three": bidding.Chance()})
    ours = np.isin(auctions["winner"], [0, 1])
    total = 2 * (1 - 0.5 ** ours.sum())
    assert result.of("one")["value"] + result.of("two")["value"] == pytest.approx(total)
    assert result.of("three")["value"] == pytest.approx(2 * (1 - 0.5 ** (~ours).sum()))
    assert min(result.of(name)["wins"] for name in ("one", "two", "three")) > 5
    assert [result.of(name)["reach"] for name in ("one", "two", "three")] in ([1, 0, 1], [0, 1, 1])


def test_reach_counts_people(bidding):
    s = market(bidding, {"audience": {"people": 50}, "response": {"viewability": 0.5}}, 300)
    result, auctions = bidding.play(s, {"one": bidding.Chance(), "two": bidding.Steady(1.0)})
    for number, name in enumerate(("one", "two")):
        saw = auctions["person"][(auctions["winner"] == number) & auctions["viewed"]]
        assert result.of(name)["reach"] == len(set(saw.tolist())) < len(saw)


def test_creatives_take_turns_in_proportion(bidding):
    """Chi-square over 20,000 impressions; the turn is unrelated to the one before, to person and to other bidders."""
    s = market(bidding, {"creative": CLICKS_ALONE, "auction": {"slots": [1.0, 1.0]}})
    _, auctions = bidding.play(s, {"one": bidding.Steady(), "two": bidding.Steady()})
    turns = [auctions["creative"][auctions["winner"] == number] for number in (0, 1)]
    for turn in turns:
        counts = np.bincount(turn, minlength=3)
        assert stats.chisquare(counts, N * np.array([2.0, 1.0, 0.5]) / 3.5).pvalue > 1e-4
        assert stats.chi2_contingency(np.histogram2d(turn[1:], turn[:-1], bins=3)[0]).pvalue > 1e-4
    assert stats.chi2_contingency(np.histogram2d(*turns, bins=3)[0]).pvalue > 1e-4


# people


@pytest.mark.parametrize("skew", [0.0, 1.0, 3.0])
def test_the_busiest_share_p_makes_p_to_the_one_over_one_plus_s_of_the_requests(bidding, skew):
    n = 100_000
    s = bidding.build(audience={"people": 1000, "activity_skew": skew})
    person = Visits.at(s, Streams(3, 0), 0, n).person
    edges = np.linspace(0, 1, 51)
    expected = n * np.diff(edges ** (1 / (1 + skew)))
    seen, _ = np.histogram(person, 1000 * edges)
    assert seen.sum() == n
    assert stats.chisquare(seen, expected).pvalue > 1e-4


@pytest.mark.parametrize("values", ["private", "common"])
def test_a_person_keeps_profile_and_match_from_visit_to_visit(bidding, values):
    """Contexts and the freshness of a look change; profile, match and false match do not."""
    seen = []

    class Looking(bidding.Steady):
        def __deepcopy__(self, memo):
            return self

        def bid(self, requests):
            seen.append({name: requests[name].copy() for name in self.reads})
            return np.ones(requests.n)

    source = {"profile": {"match_rate": 0.6, "false_match_rate": 0.3}, "context": {"match_rate": 0.8}}
    s = bidding.build(
        audience={"people": 30, "profile_types": 5},
        source=source,
        bidders={"values": values},
        supply={"requests": 900},
    )
    _, auctions = bidding.play(s, {"focal": Looking(1.0, ("profile", "context", "uniform"))})
    shown = {
        name: np.concatenate([batch[name] for batch in seen[BATCHES:]]) for name in ("profile", "context")
    }
    codes = [set(shown["profile"][auctions["person"] == one]) for one in range(30)]
    assert all(len(code) == 1 for code in codes)
    assert set().union(*codes) == set(range(6))
    assert all(len(set(shown["context"][auctions["person"] == one])) > 1 for one in range(30))
    true = draw_types(
        s, Streams(1, 0), "focal" if values == "private" else "everyone", Visits.at(s, Streams(1, 0), 0, 900)
    )
    assert all(len(set(true["profile"][auctions["person"] == one])) == 1 for one in range(30))
    assert 0 < (shown["profile"] != true["profile"])[shown["profile"] < 5].mean() < 1


# what is off, and who is beside


OFF = {
    "audience": {"people": None, "activity_skew": 0.0},
    "creative": {"only": {"share": 3.0}},
    "auction": {"tmax_ms": 1e9, "throttle": {"late_share": 1.0}},
    "bidders": {"answer_ms": {"law": "lognormal", "mean": 50.0}, "terms": {"caps": []}},
    "source": {"profile": {"lookup_latency_ms": 0}, "context": {"lookup_latency_ms": 20}},
}
OFF_RESPONSE = {"viewability": 1.0, "fatigue": 0.0, "click_delay_h": 0}


@pytest.mark.parametrize("family", ["additive", "logit", "private_value"])
def test_what_is_said_to_be_off_gives_the_same_bits_as_what_is_not_said(bidding, family):
    off = {
        key: part
        for key, part in OFF.items()
        if family != "private_value" or key not in {"creative", "source"}
    }
    response = {"family": family, "b": 0.3}
    bare = (
        bidding.build(response=response)
        if family != "private_value"
        else bidding.build(response=response, source={})
    )
    said = OFF_RESPONSE | ({"click_delay_h": {"mean": 0.0}})
    source = {} if family == "private_value" else off["source"]
    spelt = bidding.build(**{**off, "source": source, "response": response | said})
    bidders = {name: bidding.Chance() for name in "abc"}
    (one, first), (two, second) = (bidding.play(s, bidders) for s in (bare, spelt))
    assert bidding.tables(one) == bidding.tables(two)
    assert {n: c.tobytes() for n, c in first.items()} == {n: c.tobytes() for n, c in second.items()}
    assert one.of("a")["wins"] > 50
    assert (one.of("a")["late"], one.of("a")["unsent"], one.of("a")["viewed"]) == (0, 0, one.of("a")["wins"])


@pytest.mark.parametrize("people", [10**6, 10**8])
def test_people_alone_change_no_other_bidders_draws(bidding, people):
    """A number of people at which hardly one comes twice: requests, prices, contexts and coins are those of a world without."""
    runs = []
    for audience in ({}, {"people": people}):
        s = market(bidding, {"audience": audience, "rivals": {"landscape": "uniform"}}, 300)
        runs.append(bidding.play(s, {"one": bidding.Chance()})[1])
    for name in ("time_us", "winner", "paid_micros", "viewed", "bid_micros", "other_micros"):
        assert runs[0][name].tobytes() == runs[1][name].tobytes(), name
    assert set(runs[0]["person"]) == {-1}
    assert len(set(runs[1]["person"].tolist())) > 290


EVERYTHING = PARTS["all"] | {
    "audience": {"people": 40},
    "bidders": {
        "answer_ms": {"law": "exponential", "mean": 40.0},
        "terms": {"caps": [{"impressions": 3, "window_h": 2.0}]},
    },
}
EVERYTHING["auction"] = PARTS["all"]["auction"] | {"tmax_ms": 100.0, "throttle": {"review_h": 0.6}}
EVERYTHING["response"] = PARTS["all"]["response"] | {"click_delay_h": {"law": "exponential", "mean": 0.5}}


def test_a_bidder_more_shifts_no_other_bidders_draws(bidding):
    """Where a slot goes to the same bidder in both markets, it shows the same ad, at the same time clicked and converted;
    and who was late with one is late with the other."""
    parts = {name: part for name, part in EVERYTHING.items() if name != "audience"}
    parts["response"] = {**parts["response"], "fatigue": 0.0}
    parts["bidders"] = {"answer_ms": {"law": "exponential", "mean": 40.0}}
    parts["auction"] = {**parts["auction"], "throttle": None}
    s = market(bidding, parts, 2000)
    logs, late = [], []
    for more in ((), ("two", "three")):
        diary = []
        names = ("one", *more)
        bidders = {
            name: bidding.Diary(diary, 1.0, ("uniform",)) if name == "one" else bidding.Chance()
            for name in names
        }
        logs.append(bidding.play(s, bidders)[1])
        late.append(np.concatenate([feedback.late for _, feedback in diary]))
    assert late[0].tobytes() == late[1].tobytes()
    assert 0 < late[0].mean() < 1
    same = (logs[0]["winner"] == 0) & (logs[1]["winner"] == 0)
    assert same.sum() > 200
    for name in ("viewed", "creative", "click_us", "conversion_us", "attributed"):
        assert logs[0][name][same].tobytes() == logs[1][name][same].tobytes(), name
    assert (logs[0]["click_us"][same] >= 0).sum() > 20


def test_one_who_never_bids_changes_nothing(bidding):
    s = market(bidding, EVERYTHING, 600)
    bidders = {name: bidding.Chance() for name in BIDDERS}
    one, _ = bidding.play(s, bidders)
    two, _ = bidding.play(s, {"idle": bidding.Steady(0.0), **bidders})
    assert [one.of(name) for name in BIDDERS] == [two.of(name) for name in BIDDERS]


def test_permuting_bidders_permutes_everything(bidding):
    """With people, caps, deadlines, throttles, creatives and delayed outcomes, every table by name; ties included."""
    s = market(bidding, EVERYTHING, 600)
    bidders = {
        "one": bidding.Chance(),
        "two": bidding.Steady(1.0),
        "three": bidding.Steady(1.0),
        "4": bidding.Chance(),
    }
    forward, first = bidding.play(s, bidders)
    backward, second = bidding.play(s, dict(reversed(bidders.items())))
    assert bidding.tables(forward) == bidding.tables(backward)
    names = [np.array([*run, "unsold"]) for run in (list(bidders), list(reversed(bidders)))]
    assert (names[0][np.maximum(first["winner"], -1)] == names[1][np.maximum(second["winner"], -1)]).all()
    for name in first.keys() - {"winner"}:
        assert first[name].tobytes() == second[name].tobytes(), name
    assert min(forward.bidders["late"].min(), forward.bidders["clicks"].min()) > 3
