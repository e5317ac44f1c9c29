"""The compiled kernel against a plain reading of the rules (theory.md, section 1, pinned conventions)."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sim.auction.compiled import KERNEL_FILES, cache_folder
from sim.auction.kernel import FIRST_PRICE, NOBODY, OUTSIDE, Bids, Outcomes, Record, Requests, Seats, clear
from sim.auction.ties import priority
from sim.ledger import open_ledger


def by_the_rules(mechanism, bids, floors, prices, advertisers, budgets, keys, outside_key):
    """(winner, paid, top, other) of each request: sort what stands, best first, and charge."""
    left, out = list(budgets), []
    for i, (floor, price) in enumerate(zip(floors, prices, strict=True)):
        standing = []
        for k in range(len(left)):
            bid = min(bids[k][i], left[k])
            if bid > 0 and bid >= floor:
                standing.append((bid, int(priority(keys[k], 100 + i)), k))
        if price >= max(floor, 0):
            standing.append((price, int(priority(outside_key, 100 + i)), OUTSIDE))
        standing.sort(reverse=True)
        if not standing:
            out.append((NOBODY, 0, -1, -1))
            continue
        top, _, winner = standing[0]
        firm = advertisers[winner] if winner >= 0 else None
        other = max((b for b, _, k in standing[1:] if k < 0 or advertisers[k] != firm), default=-1)
        paid = 0
        if winner >= 0:
            paid = top if mechanism == FIRST_PRICE else max(other, floor)
            left[winner] -= paid
        out.append((winner, paid, top, other))
    return np.array(out), left


def settle(mechanism, bids, floors, prices, advertisers, budgets, keys, outside_key, weight=()):
    n, bidders = len(floors), len(budgets)
    flat = np.array(bids, dtype=np.int64).ravel()
    rows = n * np.arange(bidders)
    ledger = open_ledger([b / 1e6 for b in budgets], 1)
    record = Record(*np.empty((4, n), dtype=np.int64), np.empty(n, dtype=np.bool_))
    theta = 1.0 + np.arange(bidders * n, dtype=float)
    everywhere = np.full(bidders, -1, dtype=np.int64)
    clear(
        mechanism,
        0,
        n,
        Requests(
            100,
            np.zeros(n, np.int32),
            np.array(floors),
            np.array(prices),
            np.full(n, 0.5),
            np.array(weight, dtype=float),
            np.empty((0, n), np.int32),
        ),
        Bids(flat, rows, everywhere),
        Outcomes(theta, np.where(theta % 2, 0.4, 0.6), rows, everywhere),
        Seats(np.array(advertisers, dtype=np.int64), keys, outside_key),
        ledger,
        record,
    )
    return ledger, record, theta.reshape(bidders, n)


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_kernel_follows_the_rules(data):
    """Few distinct amounts, so that ties, floors that equal bids and budgets of nearly nothing are the rule."""
    bidders, n = data.draw(st.integers(1, 6)), data.draw(st.integers(1, 12))
    amounts = st.integers(0, 5)
    bids = data.draw(st.lists(st.lists(amounts, min_size=n, max_size=n), min_size=bidders, max_size=bidders))
    floors = data.draw(st.lists(amounts, min_size=n, max_size=n))
    prices = data.draw(st.lists(st.integers(-1, 5), min_size=n, max_size=n))
    advertisers = data.draw(st.lists(st.integers(0, 2), min_size=bidders, max_size=bidders))
    budgets = data.draw(st.lists(st.integers(0, 12), min_size=bidders, max_size=bidders))
    numbers = st.integers(8, 2**64 - 1)
    keys = np.array(
        data.draw(st.lists(numbers, min_size=bidders, max_size=bidders, unique=True)), dtype=np.uint64
    )
    mechanism = data.draw(st.sampled_from([0, FIRST_PRICE]))
    market = (mechanism, bids, floors, prices, advertisers, budgets, keys, np.uint64(7))
    expected, left = by_the_rules(*market)
    ledger, record, theta = settle(*market)
    assert (
        np.column_stack([record.winner, record.paid, record.top, record.other]).tolist() == expected.tolist()
    )
    assert ledger.left.tolist() == left
    assert min(left) >= 0
    assert (ledger.spend + ledger.left).tolist() == budgets
    for k in range(bidders):
        won = expected[:, 0] == k
        assert ledger.wins[k] == ledger.hourly_wins[0, k] == won.sum()
        assert ledger.spend[k] == ledger.hourly_spend[0, k] == expected[won, 1].sum()
        assert ledger.value[k] == pytest.approx(theta[k][won].sum())
        chance = np.where(theta[k][won] % 2, 0.4, 0.6)
        assert ledger.clicks_expected[k] == pytest.approx(chance.sum())
        assert ledger.clicks[k] == (chance > 0.5).sum()
        assert record.clicked[won].tolist() == (chance > 0.5).tolist()


@pytest.mark.parametrize(
    ("mechanism", "bids", "floor", "price", "paid"),
    [
        (0, [900], 300, -1, 300),  # a lone bidder above the floor wins and pays it
        (FIRST_PRICE, [900], 300, -1, 900),  # or its own bid
        (0, [300], 300, -1, 300),  # a bid at the floor is in
        (0, [299], 300, -1, None),  # below it is out
        (0, [900], 0, -1, 0),
        (0, [0], 0, -1, None),  # 0 is no bid
        (0, [900, 500], 300, -1, 500),
        (0, [900, 200], 300, -1, 300),
        (0, [900, 900], 300, -1, 900),  # tied: pays the tied bid
        (0, [900], 300, 200, 300),  # an outside price below the floor is out
        (0, [900], 300, 600, 600),
        (0, [900], 300, 901, None),
        (FIRST_PRICE, [900, 500], 300, 600, 900),
    ],
)
def test_pinned_conventions(mechanism, bids, floor, price, paid):
    keys = np.arange(1, len(bids) + 1, dtype=np.uint64)
    budgets = [10**6] * len(bids)
    _, record, _ = settle(
        mechanism, [[b] for b in bids], [floor], [price], list(range(len(bids))), budgets, keys, np.uint64(9)
    )
    assert (record.winner[0] >= 0) == (paid is not None)
    assert record.paid[0] == (paid or 0)


def test_departments_of_one_advertiser_do_not_bid_against_each_other():
    keys = np.arange(3, dtype=np.uint64)
    budgets = [10**6] * 3
    for bids, winner, paid in (([[9], [8], [5]], 0, 5), ([[8], [9], [5]], 1, 5), ([[8], [7], [9]], 2, 8)):
        _, record, _ = settle(0, bids, [0], [-1], [0, 0, 1], budgets, keys, np.uint64(9))
        assert (record.winner[0], record.paid[0]) == (winner, paid)


def test_rows_that_stand_for_many_are_bought_whole_and_within_budget():
    """Weight w: the charge is rint(price x w); a bid is capped at what is left divided by w."""
    keys = np.array([3], dtype=np.uint64)
    ledger, record, theta = settle(
        FIRST_PRICE, [[10, 10, 10]], [0, 0, 0], [-1, 2, 4], [0], [30], keys, np.uint64(9), [2.5, 1.5, 2.0]
    )
    assert record.winner.tolist() == [
        0,
        0,
        OUTSIDE,
    ]  # 30 left, then 30 - 25 = 5: capped at 3, then at 0
    assert record.paid.tolist() == [25, 4, 0]  # rint(10 x 2.5), rint(3 x 1.5) to even
    assert ledger.left[0] == 1
    assert ledger.value[0] == pytest.approx(2.5 * theta[0, 0] + 1.5 * theta[0, 1])


def test_priorities_are_uniform_and_unrelated():
    keys = np.array([1, 2, 2**63], dtype=np.uint64)
    draws = np.array([[int(priority(key, p)) for p in range(4000)] for key in keys]) / 2.0**64
    assert np.abs(draws.mean(axis=1) - 0.5).max() < 4 / np.sqrt(12 * 4000)
    assert np.abs(np.corrcoef(draws)[np.triu_indices(3, 1)]).max() < 4 / np.sqrt(4000)
    assert abs(np.corrcoef(draws[0, :-1], draws[0, 1:])[0, 1]) < 4 / np.sqrt(4000)


@pytest.mark.parametrize("name", KERNEL_FILES)
def test_an_edit_of_any_kernel_source_starts_a_new_cache(name, tmp_path, monkeypatch):
    """Numba's own cache misses an edited callee in another file."""
    from sim.auction import compiled

    for source in KERNEL_FILES:
        (tmp_path / source).write_bytes((compiled.Path(compiled.__file__).parent / source).read_bytes())
    monkeypatch.setenv("JOINTBID_CACHE_DIR", str(tmp_path / "cache"))
    before = cache_folder()
    monkeypatch.setattr(compiled, "__file__", str(tmp_path / "compiled.py"))
    assert cache_folder() == before
    with (tmp_path / name).open("a") as source:
        source.write("# an edit\n")
    assert cache_folder() != before
    assert cache_folder().is_dir()


def test_kernel_files_are_all_that_compiled_code_comes_from():
    """Every source under sim/ that compiles a kernel is part of the cache's name."""
    from sim.auction import compiled

    room = compiled.Path(compiled.__file__).parent
    users = {
        p.name for p in room.parent.rglob("*.py") if "@kernel" in p.read_text() or "njit" in p.read_text()
    }
    assert users <= set(KERNEL_FILES)


def test_without_a_writable_place_kernels_are_compiled_anew(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("JOINTBID_CACHE_DIR", str(tmp_path / "file"))
    monkeypatch.setattr("tempfile.gettempdir", lambda: str(tmp_path / "file"))
    assert cache_folder() is None
