"""Golden traces: 200 auctions a mechanism, readable, one line an auction. ``make golden`` writes them anew.

A change of any line is a change of what the simulator does: read the diff, and say in the commit why it is right.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from unittest import mock

import numpy as np
import pytest

from jointbid.sim import Entrant, RunResult, Scenario, simulate
from jointbid.sim.auction.arrays import OUTSIDE, Requests
from jointbid.sim.auction.kernel import clear
from jointbid.sim.auction.mechanisms import MECHANISMS
from jointbid.sim.trial import BATCHES
from jointbid.strategies.base import Policy
from jointbid.strategies.policies.linear import Linear, Truthful
from jointbid.strategies.policies.pacing import AdaptivePacing

HERE = Path(__file__).parent
REQUESTS = 200
TRACES = {
    "second_price": {"type": "second_price"},
    "first_price": {"type": "first_price"},
    "soft_floor": {"type": "soft_floor", "soft_floor_cpm": 2.5},
    "gsp": {"type": "gsp", "slots": [1.0, 0.6, 0.25]},
    "vcg": {"type": "vcg", "slots": [1.0, 0.6, 0.25]},
    "mixed": {
        "type": {"first_price": 0.4, "second_price": 0.3, "soft_floor": 0.1, "vcg": 0.2},
        "slots": [1.0, 0.5],
        "soft_floor_cpm": 2.5,
    },
}
HEAD = """\
{name}: {text}
seed 1, replication 0; {requests} auctions in one hour, hard floor .50 CPM, carol's own 1.20 CPM, fee 10 %; all amounts in CPM
ann truthful; bob adaptive pacing, 0.05 in all; carol 1.4 x her value, 0.04 in all; dan .9 x and dora always 2.00, of one firm;
eve always 2.00. Bids as asked: what is charged is capped by what is left. out: the highest outside bid (landscape).
win: bidder paid, slot by slot; out: the outside, -: unsold.

"""
NAMES = ("ann", "bob", "carol", "dan", "dora", "eve")
SHORT = {"first_price": "1st", "second_price": "2nd", "soft_floor": "soft", "gsp": "gsp", "vcg": "vcg"}


class Always(Policy):
    """One bid for all."""

    reads = ("hour",)

    def __init__(self, bid):
        self._bid = bid

    def bid(self, requests):
        return np.full(requests.n, self._bid)


class Noted(Policy):
    """Keeps each batch of another's bids in a list that outlives the run; the first BATCHES are the trial's."""

    def __init__(self, inner):
        self.inner, self.reads, self.noted = inner, inner.reads, []

    def __deepcopy__(self, memo):
        return self

    def bid(self, requests):
        self.noted.append(np.rint(1e6 * self.inner.bid(requests)).astype(np.int64))
        return self.noted[-1] / 1e6

    def control(self, state):
        self.inner.control(state)


def bidders() -> dict[str, Entrant]:
    return {
        "ann": Entrant(Noted(Truthful())),
        "bob": Entrant(Noted(AdaptivePacing()), budget=0.05),
        "carol": Entrant(Noted(Linear(1.4)), budget=0.04),
        "dan": Entrant(Noted(Linear(0.9)), advertiser="firm"),
        "dora": Entrant(Noted(Always(0.002)), advertiser="firm"),
        "eve": Entrant(Noted(Always(0.002))),
    }


def scenario(auction: dict) -> Scenario:
    """Values U[0, 4] CPM against a landscape of U[0, 3] CPM; four placements in ten have a floor of their own."""
    return Scenario.model_validate(
        {
            "supply": {
                "requests": REQUESTS,
                "horizon_h": 1,
                "floor_share": 0.4,
                "floor_mu": -6.7,
                "floor_sigma": 0.5,
            },
            "response": {"family": "private_value", "high": 0.004},
            "auction": {"floor_cpm": 0.5, "bidder_floor_cpm": {"carol": 1.2}, "fee": 0.1, **auction},
            "rivals": {"landscape": "uniform", "high": 0.003},
            "bidders": {"control_interval_requests": 10},
        }
    )


def cpm(micros: int) -> str:
    return "." if micros <= 0 else f"{micros / 1000:.3f}"


def trace(name: str) -> str:
    """The trace of one mechanism as text."""
    market, seats, columns, batches = scenario(TRACES[name]), bidders(), [], []

    def spy(first, last, block, requests, *rest):
        columns.append(requests)
        clear(first, last, block, requests, *rest)

    with mock.patch("jointbid.sim.auctions.clear", spy):
        result = simulate(market, seats, 1, sink=batches.append)
    auctions = {key: np.concatenate([batch[key] for batch in batches]) for key in batches[0]}
    bids = np.stack([np.concatenate(seats[who].strategy.noted[BATCHES:]) for who in NAMES])
    text = HEAD.format(name=name, text=TRACES[name], requests=REQUESTS)
    return text + "\n".join([*lines(columns[0], auctions, bids), *totals(result)]) + "\n"


def lines(requests: Requests, auctions: dict, bids: np.ndarray) -> Iterator[str]:
    slots = len(auctions["slot"]) // REQUESTS
    kinds = {MECHANISMS[kind]: short for kind, short in SHORT.items()}
    times, winner, paid = (
        auctions[key].reshape(REQUESTS, slots) for key in ("time_us", "winner", "paid_micros")
    )
    asked = "".join(f"{who:>8}" for who in NAMES)
    yield f"{'no':>3} {'time':>12} {'type':<4} {'floor':>7}{asked}{'out':>8}  win"
    for i in range(REQUESTS):
        minutes, micros = divmod(int(times[i, 0]), 60_000_000)
        won = [
            f"{NAMES[who]} {cpm(charge) if charge else '0'}" if who >= 0 else "out" if who == OUTSIDE else "-"
            for who, charge in zip(winner[i].tolist(), paid[i].tolist(), strict=True)
        ]
        yield (
            f"{i:>3} {minutes:02}:{micros / 1e6:09.6f} {kinds[int(requests.mechanism[i])]:<4}"
            f" {cpm(requests.floor[i]):>7}{''.join(f'{cpm(bid):>8}' for bid in bids[:, i])}"
            f"{cpm(requests.price[i]):>8}  {', '.join(won)}"
        )


def totals(result: RunResult) -> Iterator[str]:
    yield ""
    yield f"{'':>8}{'wins':>6}{'spend':>12}{'value':>12}{'left':>10}"
    for who in NAMES:
        row = result.of(who)
        yield (
            f"{who:>8}{row['wins']:>6}{row['spend']:>12.6f}{row['value']:>12.6f}{row['budget_left']:>10.6f}"
        )
    revenue, fee, rest = (result.market[part] for part in ("revenue", "exchange_fee", "publisher_revenue"))
    yield f"revenue {revenue:.6f} = exchange {fee:.6f} + publisher {rest:.6f} (currency)"


@pytest.mark.parametrize("name", TRACES)
def test_the_trace_is_the_golden_one(name):
    now, golden = trace(name), (HERE / f"{name}.txt").read_text()
    assert now.splitlines() == golden.splitlines(), "what happens has changed; if rightly so: make golden"


@pytest.mark.parametrize("name", TRACES)
def test_the_trace_shows_something(name):
    """Every bidder wins, budgets end, the outside wins, and carol's floor holds."""
    text = (HERE / f"{name}.txt").read_text()
    rows = [line for line in text.splitlines() if line[:3].strip().isdigit()]
    assert len(rows) == REQUESTS
    for who in NAMES:
        assert sum(f"  {who} " in row or f", {who} " in row for row in rows) >= 5, who
    assert sum("out" in row for row in rows) > 10
    assert any("carol " in row for row in rows[:30])
    assert not any("carol " in row for row in rows[-20:])


if __name__ == "__main__":
    for trace_name in TRACES:
        (HERE / f"{trace_name}.txt").write_text(trace(trace_name))
