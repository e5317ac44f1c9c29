"""The whole model: auctions per second on one core, and memory that does not grow with their number.

Adaptive pacing in every seat, 4,096 shared visible cells, a control step every 16,384 requests, full ledger. Each case
runs in a process of its own, so that its peak memory is its own; the kernel is compiled before the clock starts. Prints a
line a case; the time of a run is what `pytest --benchmark-enable` reports, too.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from pytest_benchmark.fixture import BenchmarkFixture

CASES = [
    # bidders, whose facts and flags, match rate of the profile
    (2, "common", 1.0),
    (8, "common", 1.0),
    (48, "common", 1.0),
    (8, "common", 0.8),
    (8, "private", 1.0),
]
SHORT, LONG = 1_000_000, 16_000_000
TYPES = 64


def run(bidders: int, values: str, match_rate: float, requests: int) -> dict[str, Any]:
    """One market in this process: seconds, and peak memory of the process in MB."""
    import resource

    from sim import Scenario, simulate
    from strategies.base import Priced
    from strategies.policies.pacing import AdaptivePacing
    from strategies.valuations.bayes import bayes

    def market(n: int) -> tuple[Scenario, dict[str, Any]]:
        scenario = Scenario.model_validate(
            {
                "supply": {"requests": n, "context_types": TYPES},
                "audience": {"profile_types": TYPES},
                "response": {"a": 1, "b": 0.3, "c": 0.2, "interaction": 0.02},
                "source": {"profile": {"match_rate": match_rate}, "context": {}},
                "bidders": {
                    "budget": 0.8 * n / bidders,
                    "values": values,
                    "control_interval_requests": 16_384,
                },
            }
        )
        prices = bayes(scenario, ("profile", "context"))
        return scenario, {f"bidder_{i}": Priced(prices, AdaptivePacing()) for i in range(bidders)}

    simulate(*market(1000), seed=1)
    scenario, strategies = market(requests)
    begin = time.perf_counter()
    result = simulate(scenario, strategies, seed=1)
    seconds = time.perf_counter() - begin
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {"seconds": seconds, "peak_mb": peak, "sold": int(result.bidders["wins"].sum())}


def alone(*case: Any) -> dict[str, Any]:
    """``run`` in a fresh process on one core."""
    core = {min(os.sched_getaffinity(0))}
    done = subprocess.run(  # noqa: S603
        [sys.executable, __file__, *map(str, case)],
        capture_output=True,
        text=True,
        check=True,
        preexec_fn=lambda: os.sched_setaffinity(0, core),
    )
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


@pytest.mark.parametrize(("bidders", "values", "match_rate"), CASES)
def test_auctions_per_second(
    benchmark: BenchmarkFixture, bidders: int, values: str, match_rate: float
) -> None:
    """Whole runs of one million requests, and one of sixteen million."""
    short = benchmark.pedantic(alone, args=(bidders, values, match_rate, SHORT), rounds=1)
    if not benchmark.enabled:
        return
    long = alone(bidders, values, match_rate, LONG)
    print(
        f"\nwhole_model bidders={bidders} slots=1 values={values} match_rate={match_rate} "
        f"auctions_per_s={LONG / long['seconds']:.3g} "
        f"peak_mb_at_1M={short['peak_mb']:.0f} peak_mb_at_16M={long['peak_mb']:.0f}"
    )


if __name__ == "__main__":
    given = sys.argv[1:]
    print(json.dumps(run(int(given[0]), given[1], float(given[2]), int(given[3]))))
