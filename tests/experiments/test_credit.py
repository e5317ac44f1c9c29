"""The rules of attribution: by hand, by brute force, and what they all must hold."""

from __future__ import annotations

from itertools import chain

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jointbid.experiments.cells.attribution_rules import RULES, credits_of, markov, shapley
from jointbid.experiments.cells.lattice import Lattice
from jointbid.sim.touchpoints import Paths

HALF_LIFE_H = 10.0


def made(*journeys):
    """Paths from (channels, hours before, bought); without hours each touchpoint is one hour after the last."""
    rows = []
    for number, (channels, bought, *hours) in enumerate(journeys):
        before = hours[0] if hours else range(len(channels), 0, -1)
        rows += [(number, c, h if bought else np.nan, bought) for c, h in zip(channels, before, strict=True)]
    path, channel, before_h, bought = (np.array(column) for column in zip(*rows, strict=True))
    return Paths(path, channel, before_h.astype(float), bought.astype(bool), sum(j[1] for j in journeys))


def test_rules_by_hand():
    found = credits_of(
        made(([0, 1, 1, 2], True, [30, 20, 10, 0]), ([2, 0], True, [10, 0]), ([1], False)), 3, HALF_LIFE_H
    )
    expected = {
        "last_touch": [1, 0, 1],
        "first_touch": [1, 0, 1],
        "linear": [0.25 + 0.5, 0.5, 0.25 + 0.5],
        "position": [0.4 + 0.5, 0.2, 0.4 + 0.5],
        "time_decay": [0.125 / 1.875 + 2 / 3, 0.75 / 1.875, 1 / 1.875 + 1 / 3],
        "shapley": [1 / 3 + 0.5, 1 / 3, 1 / 3 + 0.5],
    }
    for rule, shares in expected.items():
        np.testing.assert_allclose(found[rule], shares, err_msg=rule)


def test_markov_by_hand():
    """Start to 0 (1/2) and to 1 (1/2); from 0 half buy, half go on to 1; from 1 half buy.

    A purchase: 1/2 (1/2 + 1/2 1/2) + 1/2 1/2 = 5/8; without 0: 1/4; without 1: 1/4. So both share equally.
    """
    paths = made(
        ([0], True),
        ([0, 1], False),
        ([1], True),
        ([0], True),
        ([0, 1], True),
        ([1], False),
        ([1], False),
        ([1], True),
    )
    np.testing.assert_allclose(markov(paths, 2, 1.0), [2.5, 2.5])


def test_markov_removal_by_walking_the_paths_where_no_channel_repeats():
    """Where each channel comes at one place only, removal is what walking the paths says (Anderl et al. 2016)."""
    paths = made(([0], True), ([0], False), ([1], True), ([1], True), ([1], False), ([1], False))
    np.testing.assert_allclose(markov(paths, 3, 1.0), [1.0, 2.0, 0.0])


def test_shapley_is_that_of_the_game_over_all_orders():
    """Of v(S) = purchases whose channels all lie in S, by the lattice's own weights (Shapley 1953)."""
    journeys = [([0, 1], True), ([1, 1, 2], True), ([2, 0, 1], True), ([0], True), ([2], False)]
    lattice = Lattice(("0", "1", "2"))
    worth = {
        lattice.arm(members): sum(
            bought and set(map(str, channels)) <= set(members) for channels, bought in journeys
        )
        for members in lattice.sets
    }
    expected = [
        sum(weight * worth[arm] for arm, weight in lattice.shapley(name).items()) for name in lattice.sources
    ]
    np.testing.assert_allclose(shapley(made(*journeys), 3, 1.0), expected)


journeys = st.lists(
    st.tuples(st.lists(st.integers(0, 3), min_size=1, max_size=6), st.booleans()), min_size=1, max_size=12
)


@given(journeys)
def test_credits_are_not_negative_and_sum_to_the_purchases_that_were_touched(drawn):
    paths = made(*drawn)
    untouched = set(range(4)) - set(chain.from_iterable(channels for channels, bought in drawn if bought))
    for rule, shares in credits_of(paths, 4, HALF_LIFE_H).items():
        assert (shares >= -1e-12).all(), rule
        assert shares.sum() == pytest.approx(paths.touched), rule
        if rule != "markov":  # a chain has no memory, and also takes paths that no person took
            assert all(shares[channel] == 0 for channel in untouched), rule


def test_one_channel_is_credited_with_everything_by_every_rule():
    paths = made(([0, 0], True), ([0], True), ([0, 0, 0], False))
    for rule in RULES:
        np.testing.assert_allclose(RULES[rule](paths, 1, HALF_LIFE_H), [2.0], err_msg=rule)


def test_an_empty_log_credits_no_channel():
    empty = Paths(np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0), np.empty(0, bool), 3)
    for rule in RULES:
        np.testing.assert_array_equal(RULES[rule](empty, 2, HALF_LIFE_H), [0.0, 0.0], err_msg=rule)


@pytest.mark.parametrize("half_life_h", [1e-320, 1e-6, 1e-3, 0.5])
def test_time_decay_with_a_short_half_life_is_last_touch(half_life_h):
    paths = made(([0, 1, 2], True, [900, 700, 690]), ([2, 0], True, [4_000, 500]), ([1], True, [720]))
    np.testing.assert_allclose(RULES["time_decay"](paths, 3, half_life_h), [1, 1, 1], rtol=1e-5)


def test_time_decay_depends_on_how_far_touchpoints_lie_apart_and_not_on_how_long_before_the_purchase():
    near, far = (made(([0, 1], True, [10 + more, 0 + more])) for more in (0, 1e6))
    np.testing.assert_allclose(RULES["time_decay"](near, 2, HALF_LIFE_H), [1 / 3, 2 / 3])
    np.testing.assert_array_equal(*(RULES["time_decay"](paths, 2, HALF_LIFE_H) for paths in (near, far)))
