from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from jointbid.sim.streams import Streams, word


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


# the hash itself


GOLDEN = 0x9E3779B97F4A7C15
"""What the counter is multiplied by: keys that differ by a multiple of it could give one stream twice, shifted."""


def words(key, n, start=0):
    key = np.uint64(key % 2**64)
    return np.array([word(key, start + i) for i in range(n)], dtype=np.uint64)


@pytest.mark.parametrize("steps", [1, 2, 7, 64, 1000])
@pytest.mark.parametrize("key", [0, 1, 12345, 2**63 + 9, 2**64 - 1])
def test_keys_apart_by_steps_of_the_counter_give_no_shifted_copies(key, steps):
    """key + k x golden ratio at position i enters the hash's counter where key does at i + k; the words still differ."""
    n = 2000 + steps
    one, other = words(key, n), words(key + steps * GOLDEN, n)
    assert len(np.intersect1d(one, other)) == 0
    for ahead, behind in ((one[steps:], other[:-steps]), (one[:-steps], other[steps:]), (one, other)):
        agree = np.unpackbits((ahead ^ behind).view(np.uint8)).mean()
        assert abs(agree - 0.5) < 4 * 0.5 / np.sqrt(64 * len(ahead))


@pytest.mark.parametrize("n", [1 << 16])
@pytest.mark.parametrize("keys", ["small", "hashed"])
@pytest.mark.slow
def test_every_bit_is_balanced_and_unrelated_to_every_other(n, keys):
    """Over positions of one stream: each of 64 bits is 1 half the time, and no two of them go together."""
    key = 3 if keys == "small" else Streams(5, 0).key64("landscape")
    bits = np.unpackbits(words(int(key), n).view(np.uint8)).reshape(n, 64).astype(float)
    assert np.abs(bits.mean(axis=0) - 0.5).max() < 4.5 * 0.5 / np.sqrt(n)
    between = np.corrcoef(bits.T)[np.triu_indices(64, 1)]
    assert np.abs(between).max() < 5.5 / np.sqrt(n)  # of 2,016 pairs
    following = np.corrcoef(bits[1:].T, bits[:-1].T)[:64, 64:]
    assert np.abs(following).max() < 5.5 / np.sqrt(n)  # of 4,096


def test_one_bit_of_key_or_position_changes_half_of_the_bits():
    """Any of the 64 bits of the key, any of the first 40 of the position; over 400 places each."""
    rng = np.random.default_rng(1)
    keys, positions = rng.integers(0, 2**63, 400), rng.integers(0, 2**40, 400)
    places = [(int(key), int(position)) for key, position in zip(keys, positions, strict=True)]

    def drawn(key_bit=0, position_bit=0):
        return np.array([word(np.uint64(k ^ key_bit), p ^ position_bit) for k, p in places], dtype=np.uint64)

    for bit in range(64):
        changed = {"key": drawn(key_bit=1 << bit)}
        if bit < 40:
            changed["position"] = drawn(position_bit=1 << bit)
        for what, flipped in changed.items():
            share = np.unpackbits((drawn() ^ flipped).view(np.uint8)).mean()
            assert abs(share - 0.5) < 4.5 * 0.5 / np.sqrt(64 * 400), (what, bit)


MANY = {
    "positions": lambda n: Streams(1, 0).uniform("x", 10**12, n),
    "names": lambda n: np.array([Streams(1, 0).uniform(f"bidder_{i}", 7, 1)[0] for i in range(n)]),
    "seeds": lambda n: np.array([Streams(seed, 0).uniform("x", 7, 1)[0] for seed in range(n)]),
    "replications": lambda n: np.array([Streams(1, r).uniform("x", 7, 1)[0] for r in range(n)]),
}


@pytest.mark.parametrize("over", MANY)
def test_draws_are_uniform_and_independent_over(over):
    """Chi-square of single draws in 100 bins, of pairs and of triples of neighbours; and their correlation at lags 1 to 20."""
    n = 20_000
    u = MANY[over](n)
    assert stats.chisquare(np.bincount((100 * u).astype(int), minlength=100)).pvalue > 1e-4
    for size, bins in ((2, 12), (3, 6)):
        tuples = (bins * u[: n - n % size]).astype(int).reshape(-1, size) @ bins ** np.arange(size)
        assert stats.chisquare(np.bincount(tuples, minlength=bins**size)).pvalue > 1e-4
    lags = [abs(np.corrcoef(u[lag:], u[:-lag])[0, 1]) for lag in range(1, 21)]
    assert max(lags) < 4.5 / np.sqrt(n)


def test_streams_of_similar_names_are_pairwise_unrelated():
    """30 names as the engine makes them: all correlations within 5 standard errors, at the same place and beside it."""
    n = 40_000
    names = [f"{kind}/bidder_{i}" for kind in ("u", "tie", "answer", "sent", "creative") for i in range(6)]
    draws = np.stack([Streams(1, 0).uniform(name, 0, n) for name in names])
    assert np.abs(np.corrcoef(draws)[np.triu_indices(30, 1)]).max() < 5 / np.sqrt(n)
    assert np.abs(np.corrcoef(draws[:, 1:], draws[:, :-1])[:30, 30:]).max() < 5 / np.sqrt(n)


@given(st.lists(st.integers(0, 2**40), max_size=50))
def test_any_places_are_those_of_the_whole_stream(positions):
    streams = Streams(5, 2)
    drawn = streams.at("x", np.array(positions, dtype=np.int64))
    assert drawn.tolist() == [streams.uniform("x", position, 1)[0] for position in positions]


def test_a_uniform_is_the_upper_53_bits_of_its_word():
    streams = Streams(9, 1)
    key, u = streams.key64("x"), streams.uniform("x", 40, 500)
    assert [int(word(key, 40 + i)) >> 11 for i in range(500)] == (u * 2**53).astype(int).tolist()


def test_whole_numbers_are_where_the_uniforms_fall():
    """Of a power of two, and of any other number of values."""
    streams = Streams(3, 1)
    u = streams.uniform("type", 5, 100_000)
    for numbers in (1, 2, 7, 64, 1_000, 2**31 - 1):
        fallen = np.minimum((u * numbers).astype(np.int64), numbers - 1)
        assert (streams.whole("type", 5, len(u), numbers) == fallen).all(), numbers


def test_uniforms_in_a_row_are_those_of_single_positions():
    streams = Streams(3, 1)
    row = streams.uniform("u", 7, 5_000)
    assert (row == streams.at("u", np.arange(7, 5_007))).all()
