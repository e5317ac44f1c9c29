"""A market of journeys: 100,000 accounts over 60 months with 8 advertisers on one core.

Run it alone (``python benchmarks/bench_journey.py [requests]``): it prints simulated months per second, and memory.
"""

from __future__ import annotations

import sys
import time

from peak import peak_mb

from jointbid.sim import Entrant, Scenario, simulate
from jointbid.strategies.base import Priced
from jointbid.strategies.policies.linear import Truthful
from jointbid.strategies.valuations.bayes import bayes

MONTHS, ACCOUNTS, ADVERTISERS, GROUP = 60, 100_000, 8, 3
MONTH_H = 730.0


def market(requests: int) -> Scenario:
    """As the scenario b2b_long_cycle, and larger."""
    return Scenario.model_validate(
        {
            "supply": {"requests": requests, "horizon_h": MONTHS * MONTH_H, "context_types": 2},
            "audience": {"people": ACCOUNTS * GROUP, "profile_types": 2},
            "response": {"family": "logit", "a": -6.0, "c": 0.6, "value_per_click": 0.0, "viewability": 0.65},
            "journey": {
                "group": GROUP,
                "appetite": (0.6, 1.4),
                "margin": 1_000.0,
                "outside": 3.0,
                "lasting": 0.05,
            },
            "source": {
                "stage": {"match_rate": 0.7, "accuracy": 0.85, "sync_interval_h": 168.0, "latency_h": 336.0},
                "interest": {"match_rate": 0.6, "accuracy": 0.8, "sync_interval_h": 24.0, "latency_h": 24.0},
            },
            "rivals": {"landscape": "lognormal", "mu": -2.0, "sigma": 0.9},
            "bidders": {"count": ADVERTISERS, "values": "common", "control_interval_h": 168.0},
            "engine": {"series_h": MONTH_H},
        }
    )


def seats(scenario: Scenario) -> dict[str, Entrant]:
    """Two advertisers with all data, two with the stage, two with the interest, two with none."""
    held = [("stage", "interest"), ("stage",), ("interest",), ()]
    return {
        f"advertiser_{number}": Entrant(
            Priced(bayes(scenario, held[number % len(held)]), Truthful()), held[number % len(held)]
        )
        for number in range(ADVERTISERS)
    }


def main(requests: int) -> None:
    """Once small to compile, then once in full."""
    small = market(2_000)
    simulate(small, seats(small), 1, 0)
    scenario = market(requests)
    started = time.perf_counter()
    result = simulate(scenario, seats(scenario), 1, 0)
    wall = time.perf_counter() - started
    sys.stdout.write(
        f"{ACCOUNTS:,} accounts, {ADVERTISERS} advertisers, {MONTHS} months, {requests:,} requests: {wall:.1f} s, "
        f"{MONTHS / wall:.2f} simulated months per second, {requests / wall:,.0f} auctions per second, "
        f"{peak_mb():,.0f} MB at most; {int(result.journey['decisions'][-1]):,} purchases decided\n"
    )


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 6_000_000)
