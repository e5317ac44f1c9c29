"""Live bidders who all look at the same facts: what the uninformed lose, and what they do about it.

theta = a + b x with one x = -1, +1 for all; second price, truthful to what each believes; k of n know x. n = 16 replications of
4,000 auctions each. [D] our own derivations: in each of the two states the bids are known, and so is who pays what.
"""

from __future__ import annotations

import numpy as np
import pytest

from jointbid.experiments.cells.bidders import run_cell
from jointbid.experiments.cells.cell import Cell

pytestmark = pytest.mark.oracle

A, B = 1.0, 0.3
OTHER = (2.0, -0.7)


@pytest.fixture
def outcome(scenario):
    """Per request: profit (replications, bidders) and revenue (replications,)."""

    def play(n, k, response, *, arm="profile", beliefs="naive", others="none"):
        s = scenario(
            requests=4_000,
            response=response,
            source={"profile": {}, "context": {}},
            bidders={"count": n, "strategy": "truthful", "values": "common", "beliefs": beliefs},
        )
        cells = [Cell(s, arm, who=k, others=others, replication=r) for r in range(16)]
        rows = [run_cell(cell).rows for cell in cells]
        profit = np.array([[row["profit"] for row in run] for run in rows])
        return {"profit": profit / 4_000, "revenue": np.array([run[0]["revenue"] for run in rows]) / 4_000}

    return play


def naive(n, k, b):
    """Expected profit of one informed bidder and of all uninformed ones together, who bid a [D].

    In the good state the informed win: one alone pays a, several pay a + b. In the bad one the uninformed win: several pay a
    and lose b, one alone pays what the informed bid, which is the value.
    """
    informed = b / 2 if k == 1 and n > k else 0.0
    return informed, -b / 2 if n - k >= 2 and k else 0.0


@pytest.mark.parametrize(("a", "b"), [(A, B), OTHER])
@pytest.mark.parametrize(("n", "k"), [(2, 1), (3, 1), (3, 2), (4, 1), (4, 2), (5, 4), (3, 3)])
def test_the_uninformed_lose_where_there_are_two_of_them(outcome, lands, a, b, n, k):
    """theory.md section 4, n = 3, k = 1: one informed gains b/2, two naive ones lose b/2 together, revenue a."""
    got, size = outcome(n, k, {"a": a, "b": b}), abs(b)
    informed, uninformed = naive(n, k, size)
    for bidder in range(k):
        lands(got["profit"][:, bidder], informed, resolution=0.1 * size)
    lands(got["profit"][:, k:].sum(axis=1), uninformed, resolution=0.1 * size)
    lands(got["revenue"], a - k * informed - uninformed, resolution=0.1 * size)


def test_to_be_the_last_without_data_costs_more_than_it_did_under_private_values(outcome, lands):
    """With three bidders: two who stay out lose b/4 each while one joins; joining as the second stops that."""
    out, joined = (outcome(3, k, {"a": A, "b": B})["profit"][:, 1] for k in (1, 2))
    lands(joined - out, B / 4, resolution=0.1 * B)


@pytest.mark.parametrize(("a", "b"), [(A, B), OTHER])
@pytest.mark.parametrize(("n", "k"), [(2, 1), (3, 1), (3, 2), (5, 2), (4, 4)])
def test_who_reckons_with_winning_loses_nothing(outcome, lands, a, b, n, k):
    """The uninformed bid a - b, what the worst state is worth: one informed bidder gains b, several gain nothing [D]."""
    got, size = outcome(n, k, {"a": a, "b": b}, beliefs="winning"), abs(b)
    gain = size if k == 1 < n else 0.0
    for bidder in range(k):
        lands(got["profit"][:, bidder], gain, resolution=0.1 * size)
    assert np.allclose(got["profit"][:, k:], 0, atol=1e-9)
    lands(got["revenue"], a - k * gain, resolution=0.1 * size)


@pytest.mark.parametrize("k", [1, 2])
def test_who_knows_a_part_bids_the_least_that_is_left(outcome, lands, k):
    """All see z, k of three see x too: in each context the others bid a + c z - |b + d z| [D]."""
    b, c, d = 0.3, 0.2, 0.1
    response = {"a": A, "b": b, "c": c, "d": d}
    got = outcome(3, k, response, arm="joint", others="context", beliefs="winning")
    gain = (abs(b + d) + abs(b - d)) / 2 if k == 1 else 0.0
    lands(got["profit"][:, 0], gain, resolution=0.1 * b)
    assert np.allclose(got["profit"][:, k:], 0, atol=1e-9)
    lands(got["revenue"], A - k * gain, resolution=0.1 * b)


def test_no_better_informed_rival_nothing_to_reckon_with(outcome):
    for k, arm in ((3, "joint"), (1, "none")):
        one, two = (outcome(3, k, {"a": A, "b": B}, arm=arm, beliefs=how) for how in ("naive", "winning"))
        assert (one["profit"] == two["profit"]).all()


@pytest.mark.parametrize(
    ("parts", "said"),
    [
        ({"bidders": {"values": "private"}}, "bidders.values: with bidders.beliefs=winning must be common"),
        ({"auction": {"type": "first_price"}}, "auction.type: .* must be second_price"),
        ({"auction": {"slots": [1, 0.5]}}, "auction.slots: .* one slot"),
        ({"rivals": {"landscape": "uniform"}}, "rivals.landscape: .* null"),
        ({"source": {"profile": {"match_rate": 0.5}}}, "source.profile.exclusive: .* false"),
        ({"source": {"profile": {}}, "audience": {"consent": 0.5}}, "source.profile.exclusive: .* false"),
    ],
)
def test_what_winning_tells_is_not_worked_out_everywhere(scenario, parts, said):
    parts = {**parts, "bidders": {"values": "common", "beliefs": "winning", **parts.get("bidders", {})}}
    with pytest.raises(ValueError, match=said):
        scenario(**parts)


def test_a_shared_source_with_errors_is_reckoned_with(scenario, lands):
    """A segment that shows x right with .8 to all who buy it: they bid a +- .6 b, the others the least of the two [D]."""
    s = scenario(
        requests=4_000,
        response={"a": A, "b": B},
        source={"bought": {"shows": "profile", "owner": "agency", "accuracy": 0.8, "exclusive": False}, "context": {}},
        bidders={"count": 3, "strategy": "truthful", "values": "common", "beliefs": "winning"},
    )  # fmt: skip
    rows = [run_cell(Cell(s, "bought", who=3, replication=r)).rows for r in range(16)]
    lands(np.array([run[0]["revenue"] for run in rows]) / 4_000, A, resolution=0.1 * B)
    lands(np.array([sum(row["profit"] for row in run) for run in rows]) / 4_000, 0.0, resolution=0.1 * B)
