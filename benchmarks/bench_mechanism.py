"""The compiled auction alone, by mechanism: one block of 65,536 requests with bids ready in a table."""

from __future__ import annotations

import pytest

from jointbid.sim import Entrant, Scenario, simulate, simulation
from jointbid.sim.arrivals import SLICE
from jointbid.sim.auction.kernel import clear
from jointbid.sim.auction.mechanisms import MECHANISMS
from jointbid.strategies.base import Policy

RATES = (1.0, 0.8, 0.6)


class Scaled(Policy):
    """Bids by the cell alone."""

    reads = ("profile", "context")

    def __init__(self, scale):
        self._scale = scale

    def bid(self, requests):
        return self._scale * (1.0 + requests["profile"] + requests["context"])


def block(mechanism, bidders, slots, **terms):
    """The arguments of the kernel's call that settles a market's only block."""
    scenario = Scenario.model_validate(
        {
            "supply": {"requests": SLICE, "horizon_h": 0.9, "context_types": 64},
            "audience": {"profile_types": 64, "people": 1_000_000 if terms else None},
            "source": {"profile": {}, "context": {}},
            "auction": {"type": mechanism, "slots": RATES[:slots], "floor_cpm": 1000, "soft_floor_cpm": 9000},
            "bidders": {"values": "common", "terms": terms},
        }
    )
    calls = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(simulation, "clear", lambda *arguments: calls.append(arguments))
        simulate(scenario, {f"{k}": Entrant(Scaled(1 + 0.01 * k)) for k in range(bidders)}, seed=1)
    (arguments,) = calls
    return arguments


@pytest.mark.parametrize(("bidders", "slots"), [(8, 1), (8, 3), (48, 3)])
@pytest.mark.parametrize("mechanism", MECHANISMS)
def test_nanoseconds_an_auction(benchmark, mechanism, bidders, slots):
    time_it(benchmark, block(mechanism, bidders, slots))


def test_nanoseconds_an_auction_with_caps(benchmark):
    cap = {"impressions": 3, "window_h": 24}
    time_it(benchmark, block("second_price", 8, 1, caps=[cap]))


def time_it(benchmark, arguments):
    first, last, number, *rest = arguments
    benchmark(clear, first, last, number, *rest)
    if benchmark.enabled:
        benchmark.extra_info["ns_each"] = round(1e9 * benchmark.stats.stats.min / (last - first), 1)
