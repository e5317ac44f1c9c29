from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from jointbid.sim import Scenario
from jointbid.sim import arrivals as arriving
from jointbid.sim.scenario import HOUR_US, SyntheticSupply
from jointbid.sim.streams import Streams
from jointbid.sim.supply import SLICE, arrivals, chunks

CURVE = (1.0, 3.0, 0.0, 2.0)


def times(requests, seed=1, **supply):
    return np.concatenate(list(arrivals(SyntheticSupply(requests=requests, **supply), Streams(seed, 0))))


@pytest.mark.parametrize("requests", [1, 2, 999, SLICE - 1, SLICE, SLICE + 1, 3 * SLICE + 17, 1_000_000])
def test_the_number_of_requests_is_exact(requests):
    at = times(requests, hourly=CURVE)
    assert len(at) == requests
    assert (np.diff(at) >= 0).all()
    assert at[0] >= 0
    assert at[-1] < 24 * HOUR_US


@pytest.mark.parametrize("horizon", [24.0, 48.0, 30.0, 7.5])
def test_the_daily_curve_shapes_the_counts(horizon):
    """Chi-square of the counts per half-hour against the curve's share, n = 200,000; hours of weight 0 stay empty."""
    requests = 200_000
    at = times(requests, hourly=CURVE, horizon_h=horizon) / HOUR_US
    edges = np.arange(0.0, horizon + 0.25, 0.5)
    seen, _ = np.histogram(at, edges)
    weight = np.array(CURVE)[((edges[:-1] % 24.0) // 6.0).astype(int)]
    expected = requests * weight / weight.sum()
    assert (seen[expected == 0] == 0).all()
    used = expected > 0
    assert stats.chisquare(seen[used], expected[used]).pvalue > 1e-4


def test_arrivals_are_poisson_within_the_hour():
    """Index of dispersion of counts in short windows is 1 (section 5), n = 40 runs x 2,400 windows of 20 requests."""
    indices = []
    for seed in range(40):
        counts = np.bincount((times(48_000, seed) // (HOUR_US // 100)).astype(int), minlength=2400)
        indices.append(counts.var() / counts.mean())
    error = np.std(indices, ddof=1) / np.sqrt(len(indices))
    assert abs(np.mean(indices) - 1) < 4 * error
    assert error < 0.01


def test_slices_share_the_total_as_a_multinomial():
    """Dispersion of the keyed binomial tree's counts too: over seeds, the first slice has its binomial variance."""
    requests, slices = 4 * SLICE, 4
    first = np.array(
        [arriving._share(requests, slices, Streams(seed, 0)) for seed in range(300)], dtype=float
    )
    assert (first.sum(axis=1) == requests).all()
    z = (first - requests / slices) / np.sqrt(requests * 0.25 * 0.75)
    assert np.abs(z.mean(axis=0)).max() < 4 / np.sqrt(300)
    assert np.abs(z.var(axis=0) - 1).max() < 4 * np.sqrt(2 / 300)


def test_columns_of_a_chunk_do_not_depend_on_the_chunks_before():
    """Landscape and floors of position i are the same for any length of the run or of its slices."""
    parts = {"rivals": {"landscape": "uniform", "high": 2}, "auction": {"floor_cpm": 100}}
    supply = {"floor_share": 0.5, "floor_mu": -1.0, "floor_sigma": 0.5}
    columns = []
    for requests in (SLICE - 5, 3 * SLICE):
        s = Scenario.model_validate({"supply": {"requests": requests, **supply}, **parts})
        made = list(chunks(s, Streams(1, 0), None))
        assert [c.start for c in made] == np.cumsum([0, *map(len, made)])[:-1].tolist()
        columns.append(
            [np.concatenate([getattr(c, name) for c in made]) for name in ("price_micros", "floor_micros")]
        )
    for short, long in zip(*columns, strict=True):
        assert (short == long[: len(short)]).all()
    assert columns[0][1].min() == 100_000


def test_no_two_requests_share_a_microsecond():
    """A thousand requests on the shortest clock that they fit: strictly rising."""
    s = Scenario.model_validate({"supply": {"requests": 1000, "horizon_h": 4001 / HOUR_US}})
    at = np.concatenate([c.time_us for c in chunks(s, Streams(1, 0), None)])
    assert (np.diff(at) >= 1).all()


def test_placement_floors_follow_their_law():
    supply = {"requests": 100_000, "floor_share": 0.3, "floor_mu": -1.0, "floor_sigma": 0.5}
    (chunk,) = chunks(Scenario.model_validate({"supply": supply}), Streams(1, 0), None)
    floors = chunk.floor_micros[chunk.floor_micros > 0] / 1e6
    assert abs(len(floors) / 1e5 - 0.3) < 4 * np.sqrt(0.21 / 1e5)
    assert stats.kstest(np.log(floors), "norm", (-1.0, 0.5)).pvalue > 1e-4
