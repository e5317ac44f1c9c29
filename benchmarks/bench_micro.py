"""The parts, each alone: nanoseconds for one of what they make (`ns_each` in the table's extra columns)."""

from __future__ import annotations

import numpy as np
import pytest

from jointbid.sim.arrivals import SLICE, arrivals
from jointbid.sim.auction.rounding import enter_bids
from jointbid.sim.audience import Visits, draw_types
from jointbid.sim.delays import quantile
from jointbid.sim.landscape import Landscape
from jointbid.sim.scenario import Delay, Rivals, Scenario, SyntheticSupply
from jointbid.sim.streams import Streams

STREAMS = Streams(1, 0)
U = STREAMS.uniform("u", 0, SLICE)
CELLS = 4096


def market(**parts):
    return Scenario.model_validate(
        {"supply": {"context_types": 64}, "audience": {"profile_types": 64}, **parts}
    )


def one_slice():
    return next(arrivals(SyntheticSupply(requests=SLICE), STREAMS))


def types(people):
    scenario = market(audience={"profile_types": 64, "people": people})
    return lambda: draw_types(scenario, STREAMS, "everyone", Visits.at(scenario, STREAMS, 0, SLICE))


def entering():
    answer, micros = np.random.default_rng(1).random(CELLS), np.zeros(CELLS, dtype=np.int64)
    return lambda: enter_bids(answer, 1e9, np.empty(0, dtype=np.int64), micros)


PARTS = {
    "uniforms in a row": (lambda: STREAMS.uniform("u", 0, SLICE), SLICE),
    "uniforms anywhere": (lambda: STREAMS.at("u", np.arange(0, 7 * SLICE, 7)), SLICE),
    "arrival times": (one_slice, SLICE),
    "types of new people": (types(None), SLICE),
    "types of a million people": (types(1_000_000), SLICE),
    "lognormal prices": (
        lambda: Landscape(Rivals(landscape="lognormal")).draw(STREAMS, 0, SLICE),
        SLICE,
    ),
    "exponential delays": (lambda: quantile(Delay(law="exponential", mean=1.0), U), SLICE),
    "lognormal delays": (lambda: quantile(Delay(law="lognormal", mean=1.0), U), SLICE),
    "bids entered by cell": (entering(), CELLS),
}


@pytest.mark.parametrize("part", PARTS)
def test_nanoseconds_each(benchmark, part):
    make, n = PARTS[part]
    benchmark(make)
    if benchmark.enabled:
        benchmark.extra_info["ns_each"] = round(1e9 * benchmark.stats.stats.min / n, 2)
