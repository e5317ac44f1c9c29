from __future__ import annotations

import itertools
import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jointbid.experiments.cells.lattice import Lattice
from jointbid.experiments.estimate.source_contributions import contribution_estimates, contributions

TWO, THREE = Lattice(("profile", "context")), Lattice(("profile", "history", "context"))
names = st.lists(st.sampled_from("abcdef"), min_size=2, max_size=5, unique=True).map(tuple)


def worth(lattice, seed):
    """Any worth for each information set."""
    rng = np.random.default_rng(seed)
    return dict(zip(lattice.arms, rng.normal(size=len(lattice.arms)), strict=True))


def weigh(weights, values):
    return sum(weight * values[arm] for arm, weight in weights.items())


def test_names():
    assert TWO.arms == ("none", "profile", "context", "joint")
    assert THREE.arms == (
        "none", "profile", "history", "context", "profile+history", "profile+context", "history+context", "joint",
    )  # fmt: skip
    assert THREE.arm(("context", "profile")) == "profile+context"
    assert THREE.members("history+context") == ("history", "context")
    assert Lattice(("profile",)).arms == ("none", "profile")
    with pytest.raises(KeyError):
        THREE.members("context+history")


def test_the_dividend_of_two_is_their_synergy():
    assert TWO.dividend(("profile", "context")) == {"joint": 1, "profile": -1, "context": -1, "none": 1}


@given(names, st.integers(0, 99))
def test_dividends_add_up_to_every_set(sources, seed):
    lattice = Lattice(sources)
    u = worth(lattice, seed)
    for members in lattice.sets:
        inside = [part for size in range(len(members) + 1) for part in itertools.combinations(members, size)]
        assert sum(weigh(lattice.dividend(part), u) for part in inside) == pytest.approx(
            u[lattice.arm(members)]
        )


@given(names, st.integers(0, 99))
def test_shapley_is_the_mean_over_all_orders_and_adds_up(sources, seed):
    lattice = Lattice(sources)
    u = worth(lattice, seed)
    gains = dict.fromkeys(sources, 0.0)
    for order in itertools.permutations(sources):
        for place, source in enumerate(order):
            gains[source] += u[lattice.arm(order[: place + 1])] - u[lattice.arm(order[:place])]
    orders = math.factorial(len(sources))
    for source in sources:
        assert weigh(lattice.shapley(source), u) == pytest.approx(gains[source] / orders)
    assert sum(gains.values()) / orders == pytest.approx(u["joint"] - u["none"])


@given(names, st.integers(0, 99))
def test_shapley_shares_each_dividend_equally(sources, seed):
    lattice = Lattice(sources)
    u = worth(lattice, seed)
    for source in sources:
        shares = [weigh(lattice.dividend(m), u) / len(m) for m in lattice.sets if source in m]
        assert weigh(lattice.shapley(source), u) == pytest.approx(sum(shares))


@given(names, st.integers(0, 99), st.randoms())
def test_permuting_the_sources_changes_nothing(sources, seed, random):
    lattice = Lattice(sources)
    u = worth(lattice, seed)
    mixed = list(sources)
    random.shuffle(mixed)
    other = Lattice(tuple(mixed))
    v = {other.arm(members): u[lattice.arm(members)] for members in lattice.sets}
    for source in sources:
        assert weigh(other.shapley(source), v) == pytest.approx(weigh(lattice.shapley(source), u))
    for members in lattice.sets:
        assert weigh(other.dividend(members), v) == pytest.approx(weigh(lattice.dividend(members), u))


def test_two_copies_of_one_source_share_what_it_is_worth():
    u = {"none": 1.0, "a": 3.0, "b": 3.0, "joint": 3.0}
    lattice = Lattice(("a", "b"))
    assert [weigh(lattice.shapley(source), u) for source in "ab"] == [1.0, 1.0]
    assert weigh(lattice.dividend(("a", "b")), u) == -2.0


def test_estimates_are_paired_and_name_their_edge():
    rng = np.random.default_rng(1)
    level = rng.normal(0, 10, (8, 1))  # the market, shared by all arms
    profit = pd.DataFrame(level + rng.normal(0, 0.01, (8, 8)) + np.arange(8), columns=list(THREE.arms))
    found = {(estimand, arm): estimate for estimand, arm, estimate in contribution_estimates(profit, THREE)}
    assert len(found) == len(list(contributions(THREE))) == 4 + 3 + 12
    gain = found["marginal_value", "context | profile+history"]
    want = profit["joint"] - profit["profile+history"]
    assert gain.estimate == pytest.approx(want.mean())
    assert gain.ci_high - gain.ci_low < 0.1
    shares = sum(found["shapley", source].estimate for source in THREE.sources)
    assert shares == pytest.approx((profit["joint"] - profit["none"]).mean())


def test_a_part_of_the_lattice_gives_what_it_can():
    profit = pd.DataFrame({arm: [1.0, 2.0] for arm in ("none", "profile", "history", "context", "joint")})
    found = {(estimand, arm) for estimand, arm, _ in contribution_estimates(profit, THREE)}
    assert found == {("marginal_value", f"{source} | none") for source in THREE.sources}
