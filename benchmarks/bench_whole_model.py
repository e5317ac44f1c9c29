"""The whole model: auctions per second on one core beside a bare loop, and memory that does not grow with their number.

Adaptive pacing in every seat, 4,096 visible cells, a control step every 16,384 requests, full ledger. Bidders differ in
their budgets and in what an impression is worth to them, so that bids differ; in the case "ties" they all bid alike. Each case runs in a process of its own on one core, so that its peak memory is its own;
kernels are compiled before the clock starts. The bare loop is a direct compiled loop over ready-made bids in the same
process: best two of K from a table, a budget check, a click draw, and nothing else.

``make bench`` prints a line a case; `python benchmarks/bench_whole_model.py BIDDERS SLOTS KIND REQUESTS` runs one.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

import numpy as np
from numba import njit
from peak import peak_mb

if TYPE_CHECKING:
    from collections.abc import Callable

    import pytest
    from pytest_benchmark.fixture import BenchmarkFixture

CASES = [
    # bidders, slots, what bidders see
    (2, 1, "shared cells"),
    (8, 1, "shared cells"),
    (48, 3, "shared cells"),
    (8, 1, "private match flags"),
    (8, 1, "private values"),
    (8, 1, "continuous columns"),
    (8, 1, "caps, delays, 10,000 people"),
    (8, 1, "caps, delays, 100,000 people"),
    (8, 1, "ties"),
]
SHORT, LONG = 1_000_000, 16_000_000
TYPES = 64
RATES = (1.0, 0.8, 0.6)
EVERYTHING = {
    "response": {
        "family": "logit",
        "a": -3,
        "viewability": 0.6,
        "fatigue": 0.05,
        "click_delay_h": {"law": "exponential", "mean": 0.1},
        "conversion": {
            "value": 5,
            "after_view": 0.01,
            "delay_h": {"law": "weibull", "mean": 20, "shape": 0.5},
        },
    },
    "auction": {"tmax_ms": 100, "throttle": {}},
    "bidders": {
        "answer_ms": {"law": "lognormal", "mean": 40, "shape": 0.5},
        "terms": {"caps": [{"impressions": 3}, {"impressions": 12, "window_h": 168, "per": "advertiser"}]},
    },
}
"""The last case: frequency caps, deadlines, delayed clicks and conversions, and what each person has seen."""


def market(bidders: int, slots: int, kind: str, requests: int) -> tuple[Any, dict[str, Any]]:
    """A scenario and its bidders."""
    from jointbid.sim import Entrant, Scenario
    from jointbid.strategies.base import Priced
    from jointbid.strategies.policies.pacing import AdaptivePacing
    from jointbid.strategies.valuations.bayes import bayes
    from jointbid.strategies.valuations.tables import CellValues

    class ReadsTheHour(AdaptivePacing):
        reads = ("value", "hour")

    everything = EVERYTHING if "caps" in kind else {}
    scenario = Scenario.model_validate(
        {
            "supply": {"requests": requests, "context_types": TYPES},
            "audience": {"profile_types": TYPES, "people": people_of(kind)},
            "response": {"a": 1, "b": 0.3, "c": 0.2, "interaction": 0.02} | everything.get("response", {}),
            "source": {"profile": {"match_rate": 0.8 if "flags" in kind else 1.0}, "context": {}},
            "auction": {"slots": RATES[:slots]} | everything.get("auction", {}),
            "bidders": {
                "values": "private" if kind == "private values" else "common",
                "control_interval_requests": 16_384,
                **everything.get("bidders", {}),
            },
        }
    )
    prices = bayes(scenario, ("profile", "context"))
    worth = 1.0 if kind == "ties" else np.linspace(0.9, 1.1, bidders)
    policy = ReadsTheHour if kind == "continuous columns" else AdaptivePacing
    share = 0.8 * requests / bidders
    return scenario, {
        f"bidder_{i}": Entrant(
            Priced(CellValues(prices.reads, scale * prices.table), policy()),
            budget=share * (0.8 + 0.4 * i / bidders),
        )
        for i, scale in enumerate(np.broadcast_to(worth, bidders))
    }


def people_of(kind: str) -> int | None:
    """How many people a case has: the number in its name."""
    digits = "".join(filter(str.isdigit, kind))
    return int(digits) if digits else None


def run(bidders: int, slots: int, kind: str, requests: int) -> dict[str, float]:
    """One market in this process: auctions per second, the same over a bare loop's, and peak memory in MB."""
    from jointbid.sim import simulate

    simulate(*market(bidders, slots, kind, 1000), seed=1)
    scenario, strategies = market(bidders, slots, kind, requests)
    begin = time.perf_counter()
    simulate(scenario, strategies, seed=1)
    rate = requests / (time.perf_counter() - begin)
    peak = peak_mb()
    return {"auctions_per_s": rate, "bare_loop_ratio": rate / bare_rate(bidders), "peak_mb": peak}


def bare_rate(bidders: int, clock: Callable[[], float] = time.perf_counter) -> float:
    """Auctions per second of the bare loop."""
    generator = np.random.default_rng(1)
    bids = generator.integers(1, 10**6, (TYPES * TYPES, bidders))
    cells, u = generator.integers(0, len(bids), 1 << 20), generator.random(1 << 20)
    left = np.full(bidders, 10**15)
    clicks = np.zeros(bidders)
    bare_loop(bids, cells[:10], u, left, clicks)
    begin = clock()
    bare_loop(bids, cells, u, left, clicks)
    return len(cells) / (clock() - begin)


@njit
def bare_loop(bids: Any, cells: Any, u: Any, left: Any, clicks: Any) -> None:
    for i in range(len(cells)):
        best = second = 0
        winner = -1
        for k in range(bids.shape[1]):
            bid = min(bids[cells[i], k], left[k])
            if bid > best:
                second, best, winner = best, bid, k
            elif bid > second:
                second = bid
        if winner >= 0:
            left[winner] -= second
            clicks[winner] += u[i] < 0.01


def alone(*case: Any) -> dict[str, float]:
    """``run`` in a fresh process on one core."""
    core = {min(os.sched_getaffinity(0))}
    done = subprocess.run(
        [sys.executable, __file__, *map(str, case)],
        capture_output=True,
        text=True,
        check=True,
        preexec_fn=lambda: os.sched_setaffinity(0, core),
    )
    answer: dict[str, float] = json.loads(done.stdout)
    return answer


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Each case is a test; without pytest's decorator a case's own process need not import pytest."""
    metafunc.parametrize(("bidders", "slots", "kind"), CASES)


def test_auctions_per_second(
    benchmark: BenchmarkFixture, closing_line: Callable[[str], None], bidders: int, slots: int, kind: str
) -> None:
    """Whole runs of one million requests, and one of sixteen million."""
    short = benchmark.pedantic(alone, args=(bidders, slots, kind, SHORT), rounds=1)
    if benchmark.disabled:
        return
    long = alone(bidders, slots, kind, LONG)
    closing_line(
        f"whole_model bidders={bidders} slots={slots} auctions_per_s={long['auctions_per_s']:.3g} "
        f"bare_loop_ratio={long['bare_loop_ratio']:.2f} peak_mb={long['peak_mb']:.0f} "
        f"peak_mb_at_1M={short['peak_mb']:.0f} sees='{kind}'"
    )


if __name__ == "__main__":
    print(json.dumps(run(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3], int(sys.argv[4]))))
