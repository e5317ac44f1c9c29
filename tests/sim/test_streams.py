from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from sim.streams import Streams


@given(st.integers(0, 10_000), st.integers(0, 300), st.integers(0, 300))
def test_any_slice_is_a_part_of_the_whole(start, skip, n):
    streams = Streams(5, 2)
    whole = streams.uniform("price", start, skip + n)
    assert streams.uniform("price", start + skip, n).tobytes() == whole[skip:].tobytes()


def test_a_long_slice_matches_single_positions():
    streams = Streams(1, 0)
    whole = streams.uniform("price", 0, 200_001)
    for position in (0, 1, 2, 3, 4, 65_535, 65_536, 200_000):
        assert streams.uniform("price", position, 1)[0] == whole[position]


@pytest.mark.parametrize(
    "other", [(Streams(2, 0), "a"), (Streams(1, 1), "a"), (Streams(1, 0), "b"), (Streams(0, 1), "a")]
)
def test_seed_replication_and_name_make_unrelated_streams(other):
    streams, name = other
    n = 50_000
    one, two = Streams(1, 0).uniform("a", 0, n), streams.uniform(name, 0, n)
    assert abs(np.corrcoef(one, two)[0, 1]) < 4 / np.sqrt(n)
    assert not np.isin(one, two).any()


def test_parts_of_the_key_do_not_run_into_each_other():
    """(seed 1, replication 11) is not (11, 1), and a slash in a name is no separator."""
    draws = [Streams(1, 11), Streams(11, 1), Streams(111, 0)]
    assert len({s.uniform("x", 0, 1)[0] for s in draws}) == 3
    assert Streams(1, 1).uniform("1/x", 0, 1)[0] != Streams(1, 11).uniform("x", 0, 1)[0]


def test_uniforms_are_uniform():
    draws = Streams(3, 4).uniform("landscape", 17, 100_000)
    assert ((draws >= 0) & (draws < 1)).all()
    assert stats.kstest(draws, "uniform").pvalue > 1e-4
    assert abs(np.corrcoef(draws[1:], draws[:-1])[0, 1]) < 4 / np.sqrt(1e5)


def test_keys_of_bidders_differ():
    assert len({int(Streams(1, 0).key64(f"tie/{i}")) for i in range(1000)}) == 1000
