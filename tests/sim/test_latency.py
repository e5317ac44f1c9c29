"""The deadline: who answers too late, recomputed from the named streams, and what an exchange does about it."""

from __future__ import annotations

import numpy as np
import pytest

from jointbid.sim import Entrant
from jointbid.sim.scenario import HOUR_US, Terms
from jointbid.sim.streams import Streams

SEED, N, TMAX = 1, 400, 100.0


def uniform(name):
    return Streams(SEED, 0).uniform(name, 0, N)


def exponential(mean, name):
    """Inverse transform of a stream's uniforms."""
    return -mean * np.log1p(-uniform(name))


def market(bidding, **parts):
    """Answers of 40 ms on average, look-ups of 30 and (a constant) 25 ms, a deadline of 100."""
    auction = {"tmax_ms": TMAX} | parts.pop("auction", {})
    source = {
        "profile": {"lookup_latency_ms": 30},
        "context": {"lookup_latency_ms": {"law": "constant", "mean": 25}},
    }
    bidders = {"answer_ms": {"law": "exponential", "mean": 40}} | parts.pop("bidders", {})
    return bidding.build(
        auction=auction, bidders=bidders, supply={"requests": N}, **{"source": source, **parts}
    )


READS = {
    "none": (),
    "profile": ("profile",),
    "context": ("context",),
    "both": ("context", "profile"),
    "u": ("uniform",),
}


def answer_ms(name):
    total = exponential(40, f"answer/{name}")
    if "profile" in READS[name]:
        total = total + exponential(30, f"lookup/{name}/profile")
    return total + (25 if "context" in READS[name] else 0)


def test_who_is_late_loses_and_is_counted_exactly(bidding):
    """Each bidder's own time and that of the sources that it reads; four rows in five have somebody late."""
    diaries = {name: [] for name in READS}
    bids = dict(zip(READS, (3.0, 2.5, 2.0, 1.5, 1.0), strict=True))
    bidders = {name: bidding.Diary(diaries[name], bids[name], READS[name]) for name in READS}
    result, auctions = bidding.play(market(bidding), bidders, SEED)
    late = {name: answer_ms(name) > TMAX for name in READS}
    in_time = np.stack([~late[name] for name in READS])
    first = np.where(in_time.any(axis=0), in_time.argmax(axis=0), -2)
    assert auctions["winner"].tolist() == first.tolist()
    assert len(set(first.tolist())) >= 4
    for name in READS:
        assert result.of(name)["late"] == late[name].sum() > 10
        assert result.of(name)["unsent"] == 0
        heard = np.concatenate([feedback.late for _, feedback in diaries[name]])
        assert heard.tolist() == late[name][: len(heard)].tolist()
        assert len(heard) > 0.9 * N
    assert result.of("both")["late"] > 1.5 * result.of("profile")["late"]


def test_a_lookup_hits_only_those_who_read_the_source(bidding):
    """A source that takes for ever is nothing to those who do not look at it; its age is a look, too."""
    slow = {"profile": {"lookup_latency_ms": {"mean": 1e6}}, "context": {}}
    s = market(bidding, source=slow, bidders={"answer_ms": 0})
    reads = {"none": (), "context": ("context",), "age": ("age_profile",), "profile": ("context", "profile")}
    result, _ = bidding.play(s, {name: bidding.Steady(1.0, columns) for name, columns in reads.items()})
    assert [result.of(name)["late"] for name in reads] == [0, 0, N, N]


@pytest.mark.parametrize(("answer", "late"), [(100.0, 0), (100.0001, N)])
def test_an_answer_at_the_deadline_is_in_time(bidding, answer, late):
    result, _ = bidding.play(market(bidding, bidders={"answer_ms": answer}), {"u": bidding.Steady()})
    assert (result.of("u")["late"], result.of("u")["wins"]) == (late, N - late)


def test_only_what_is_bid_can_be_late(bidding):
    """Neither an answer of nothing nor a request outside the flight is counted."""
    s = market(bidding, bidders={"answer_ms": 1000})
    bidders = {
        "half": bidding.Chance(),
        "never": bidding.Steady(0.0),
        "flight": Entrant(bidding.Steady(), terms=Terms(flight_h=(6.0, 12.0))),
    }
    result, auctions = bidding.play(s, bidders)
    hour = auctions["time_us"] / HOUR_US
    assert result.of("never")["late"] == 0
    assert result.of("half")["late"] == (uniform("u/half") > 0.25e-6).sum()
    assert result.of("flight")["late"] == ((hour >= 6) & (hour < 12)).sum() > 0


def test_without_a_deadline_no_bidder_is_late(bidding):
    """And a deadline that none misses changes nothing, bit for bit."""
    bidders = {name: bidding.Chance() for name in "ab"}
    runs = [bidding.play(market(bidding, auction={"tmax_ms": tmax}), bidders) for tmax in (None, 1e9)]
    assert bidding.tables(runs[0][0]) == bidding.tables(runs[1][0])
    assert [c.tobytes() for c in runs[0][1].values()] == [c.tobytes() for c in runs[1][1].values()]
    assert runs[0][0].of("a")["late"] == 0


def test_a_late_bid_sets_no_price(bidding):
    """The better bid is late on every second request or so; then the other wins for nothing."""
    _, auctions = bidding.play(market(bidding), {"none": bidding.Steady(2.0), "u": bidding.Steady(1.0)})
    one, two = (answer_ms(name) > TMAX for name in ("none", "u"))
    paid = np.where(one | two, 0, 1_000_000)
    assert auctions["paid_micros"].tolist() == paid.tolist()
    assert 0 < one.sum() < N / 2


# an exchange that loses patience


def by_the_rule(time_us, late, rule):
    """Which requests are sent, and the shares after each review, by a plain reading of the rule."""
    u, share, shares, sent = uniform("sent/u"), 1.0, [], np.zeros(N, dtype=bool)
    review, since, tardy, asked = round(rule["review_h"] * HOUR_US), 0, 0, 0
    for i in range(N):
        while time_us[i] >= since + review:  # the exchange looks before it sends the requests of that moment
            share = (
                max(share / 2, rule["least"]) if tardy > rule["late_share"] * asked else min(2 * share, 1.0)
            )
            shares.append(share)
            since, tardy, asked = since + review, 0, 0
        sent[i] = u[i] < share
        asked += sent[i]
        tardy += sent[i] and late[i]
    return sent, shares


@pytest.mark.parametrize("least", [0.3, 0.05])
@pytest.mark.parametrize("late_share", [0.08, 0.2])
def test_a_throttle_halves_and_recovers_by_its_rule(bidding, late_share, least):
    """The late share is 8 % on average and goes up and down with chance: requests are withheld and come back."""
    rule = {"late_share": late_share, "review_h": 0.9, "least": least}
    heard = []
    bidders = {"u": bidding.Diary(heard, 1.0, ("uniform",))}
    result, auctions = bidding.play(market(bidding, auction={"throttle": rule}), bidders, SEED)
    late = answer_ms("u") > TMAX
    sent, shares = by_the_rule(auctions["time_us"], late, rule)
    steps = np.diff([1.0, *shares])
    assert (steps < 0).sum() > 2
    assert (steps > 0).sum() > 2
    assert min(shares) == least or (late_share, least) != (0.08, 0.3)  # there it comes down to the least
    assert ((auctions["winner"] == 0) == (sent & ~late)).all()
    row = result.of("u")
    assert (row["late"], row["unsent"]) == ((late & sent).sum(), (~sent).sum())
    positions = np.concatenate([feedback.position for _, feedback in heard])
    assert positions.tolist() == np.flatnonzero(sent)[: len(positions)].tolist()
    assert (~sent).sum() > 20


def test_one_who_is_in_time_is_sent_everything_also_where_others_are_throttled(bidding):
    rule = {"late_share": 0.05, "review_h": 0.5, "least": 0.1}
    s = market(
        bidding,
        auction={"throttle": rule},
        source={"profile": {"lookup_latency_ms": {"law": "constant", "mean": 200}}},
        bidders={"answer_ms": 0},
    )
    bidders = {"slow": bidding.Steady(1.0, ("profile",)), "quick": bidding.Steady(0.5)}
    result, _ = bidding.play(s, bidders)
    assert (result.of("quick")["late"], result.of("quick")["unsent"]) == (0, 0)
    assert result.of("quick")["wins"] == N
    slow = result.of("slow")
    assert slow["late"] + slow["unsent"] == N
    assert slow["unsent"] > 0.8 * N
