"""Every mechanism, one slot and several. n = 12 replications of 25,000 auctions in the laws.

Sources: Zeithammer 2019 (soft floors), Edelman, Ostrovsky & Schwarz 2007 (GSP against VCG), Myerson 1981 (payments of any
mechanism follow from its allocation, from which the formula for VCG in K slots and the first-price equilibrium in K slots are
our own derivations).
"""

from __future__ import annotations

from itertools import pairwise
from math import comb

import numpy as np
import pytest
from scipy import integrate

from jointbid.sim import Entrant, Scenario, simulate
from jointbid.strategies.base import Policy
from jointbid.strategies.policies.constant import Constant
from jointbid.strategies.policies.linear import Linear, Truthful

pytestmark = pytest.mark.oracle
REPLICATIONS = 12

SLOTS = [(1.0, 0.8, 0.6), (1.0, 0.5), (200.0, 100.0), (1.0, 1.0, 0.25, 0.1)]


def seats(n, strategy):
    return {f"bidder_{i}": strategy for i in range(n)}


def private(scenario, auction, slots=(1.0,), **rules):
    return scenario(response={"family": "private_value"}, auction={"type": auction, "slots": slots, **rules})


# soft floors


class BelowASoftFloor(Policy):
    """Zeithammer 2019, values U[0,1], n bidders, soft floor s: below v* = ns/(n-1) bid (n-1)v/n, above it v."""

    def __init__(self, n, s):
        self.n, self.s = n, s

    def bid(self, requests):
        v, n = requests["value"], self.n
        return np.where(v < n * self.s / (n - 1), (n - 1) * v / n, v)


@pytest.mark.parametrize(
    ("n", "s", "threshold"), [(2, 0.3, 0.6), (3, 0.5, 0.75), (5, 0.2, 0.25), (2, 0.5, 1.0)]
)
def test_soft_floor_equilibrium(scenario, market, lands, n, s, threshold):
    """Revenue as without the soft floor: 1/3 at (2, .3), 1/2 at (3, .5)."""
    assert n * s / (n - 1) == pytest.approx(threshold)
    got = market(private(scenario, "soft_floor", soft_floor_cpm=1000 * s), seats(n, BelowASoftFloor(n, s)))
    lands(got["revenue"], (n - 1) / (n + 1))
    lands(got["welfare"], n / (n + 1))
    for bidder in range(n):
        lands(got["profit"][:, bidder], 1 / (n * (n + 1)))
    without = market(private(scenario, "second_price"), seats(n, Truthful()))
    lands(got["revenue"] - without["revenue"], 0.0, resolution=2e-3)
    assert np.allclose(got["welfare"], without["welfare"], atol=1e-5)


@pytest.mark.parametrize(("n", "s"), [(2, 0.3), (3, 0.5), (5, 0.9)])
def test_soft_floor_with_bidders_still_truthful(scenario, market, lands, n, s):
    """Below s the highest value is paid; above it max(v2, s): by the densities of the two highest of n uniforms [D]."""
    below = n / (n + 1) * s ** (n + 1)
    at_the_floor = s * n * s ** (n - 1) * (1 - s)
    above = (n - 1) / (n + 1) - n * (n - 1) * (s**n / n - s ** (n + 1) / (n + 1))
    got = market(private(scenario, "soft_floor", soft_floor_cpm=1000 * s), seats(n, Truthful()))
    lands(got["revenue"], below + at_the_floor + above)


@pytest.mark.parametrize("strategy", [Truthful(), Linear(0.55)])
def test_leaving_the_soft_floor_equilibrium_does_not_pay(scenario, market, lands, strategy):
    """(3, .5): what a bidder who is truthful throughout, or shades throughout, loses, by quadrature of its payoff."""
    n, s = 3, 0.5
    rival = BelowASoftFloor(n, s)

    def payoff(v):
        bid = float(strategy.bid({"value": np.array([v])})[0])
        # the highest rival value m has density 2m; rivals' bids rise with it, at .75 by a jump from .5 to .75
        if bid < s:
            return (v - bid) * min(bid * n / (n - 1), 1.0) ** 2
        low = 0.75**2 * (v - s)  # rivals up to .75 bid at most .5
        return low + integrate.quad(lambda m: (v - m) * 2 * m, 0.75, max(bid, 0.75))[0]

    expected = integrate.quad(payoff, 0, 1, points=[0.5, 0.75, s / 0.55], limit=200)[0]
    bidders = {"leaver": strategy, "bidder_1": rival, "bidder_2": rival}
    got = market(private(scenario, "soft_floor", soft_floor_cpm=1000 * s), bidders)
    lands(got["profit"][:, 0], expected)
    assert expected < 1 / (n * (n + 1)) - 1e-3


# several slots


@pytest.mark.parametrize(
    ("auction", "bids", "each"),
    [
        ("vcg", (10, 4, 2), (600, 200, 0)),
        ("gsp", (10, 4, 2), (800, 200, 0)),  # truthful
        ("gsp", (10, 3, 2), (600, 200, 0)),  # the lowest envy-free bids: VCG's payments
        ("first_price", (10, 4, 2), (2000, 400, 0)),
    ],
)
def test_three_bidders_for_two_slots(auction, bids, each):
    """Click rates (200, 100), values (10, 4, 2) a click: VCG = lowest envy-free GSP = 800, truthful GSP 1000. Exact."""
    s = Scenario.model_validate(
        {"supply": {"requests": 50, "horizon_h": 1}, "auction": {"type": auction, "slots": [200, 100]}}
    )
    result = simulate(s, {f"bidder_{i}": Constant(bid) for i, bid in enumerate(bids)}, 1)
    assert (result.bidders["spend"] / 50).tolist() == list(each)
    assert result.market["revenue"] == 50 * sum(each)
    assert (result.bidders["value"] / 50).tolist() == [200, 100, 0]  # a = 1 a click


def vcg_revenue(n, rates):
    falls = [high - low for high, low in pairwise((*rates, 0.0))]
    return sum(k * fall * (n - k) / (n + 1) for k, fall in enumerate(falls, 1) if k <= n)


def welfare(n, rates):
    return sum(rate * (n + 1 - k) / (n + 1) for k, rate in enumerate(rates, 1) if k <= n)


def test_the_formula_gives_the_number_of_the_table():
    assert vcg_revenue(5, (1, 0.8, 0.6)) == pytest.approx(0.93333, abs=5e-6)


@pytest.mark.few(8)
@pytest.mark.parametrize("rates", SLOTS)
@pytest.mark.parametrize("n", [1, 2, 3, 5, 8])
def test_vcg_in_several_slots(scenario, market, lands, n, rates):
    """Revenue sum_k k (alpha_k - alpha_(k+1)) (n-k)/(n+1) [D], .93333 at n = 5, (1, .8, .6)."""
    got = market(private(scenario, "vcg", rates), seats(n, Truthful()))
    lands(got["revenue"], vcg_revenue(n, rates))
    lands(got["welfare"], welfare(n, rates))
    lands(got["profit"].mean(axis=1), (welfare(n, rates) - vcg_revenue(n, rates)) / n)
    lands(got["wins"].sum(axis=1), min(n, len(rates)))


@pytest.mark.few(3)
@pytest.mark.parametrize("rates", SLOTS)
@pytest.mark.parametrize("n", [2, 5])
def test_second_price_in_several_slots_with_truthful_bidders(scenario, market, lands, n, rates):
    """Slot k at the (k+1)th value: sum_k alpha_k (n-k)/(n+1); never less than VCG."""
    expected = sum(rate * (n - k) / (n + 1) for k, rate in enumerate(rates, 1) if k <= n)
    got = market(private(scenario, "second_price", rates), seats(n, Truthful()))
    lands(got["revenue"], expected)
    vcg = market(private(scenario, "vcg", rates), seats(n, Truthful()))
    assert (got["revenue"] >= vcg["revenue"]).all()
    assert np.allclose(got["welfare"], vcg["welfare"], rtol=1e-12)


def chances(n, rates, b):
    """P(slot k) of a bid b among n - 1 rivals' bids U[0,1], for each k."""
    b = min(b, 1.0)
    return [comb(n - 1, k) * b ** (n - 1 - k) * (1 - b) ** k if k < n else 0.0 for k in range(len(rates))]


def click_rate(n, rates, b):
    return sum(rate * p for rate, p in zip(rates, chances(n, rates, b), strict=True))


def vcg_payment(n, rates, b):
    """Myerson: bid x click rate - the area under it."""
    b = min(b, 1.0)
    return b * click_rate(n, rates, b) - integrate.quad(lambda t: click_rate(n, rates, t), 0, b)[0]


def gsp_payment(n, rates, b):
    """Slot k costs the highest of the n - k rivals below b."""
    b = min(b, 1.0)
    below = [b * (n - k) / (n - k + 1) if k <= n else 0.0 for k in range(1, len(rates) + 1)]
    return sum(r * p * c for r, p, c in zip(rates, chances(n, rates, b), below, strict=True))


@pytest.mark.few(6)
@pytest.mark.parametrize("gain", [0.6, 0.85, 1.0, 1.3])
@pytest.mark.parametrize(("n", "rates"), [(3, (1.0, 0.9)), (5, (1.0, 0.8, 0.6))])
@pytest.mark.parametrize(("auction", "payment"), [("vcg", vcg_payment), ("gsp", gsp_payment)])
def test_one_who_bids_otherwise(scenario, market, lands, auction, payment, n, rates, gain):
    """What a bidder earns who bids gain x value against truthful rivals, by quadrature."""

    def payoff(v):
        return v * click_rate(n, rates, gain * v) - payment(n, rates, gain * v)

    points = [1 / gain] if gain > 1 else None
    expected = integrate.quad(payoff, 0, 1, points=points)[0]
    bidders = {"focal": Linear(gain), **seats(n - 1, Truthful())}
    lands(market(private(scenario, auction, rates), bidders)["profit"][:, 0], expected)


def test_truth_is_best_under_vcg_and_not_under_gsp():
    """The same payoffs: VCG is truthful, GSP is not (Edelman, Ostrovsky & Schwarz 2007)."""
    gains = [0.6, 0.85, 1.0, 1.3]
    best = {}
    for payment in (vcg_payment, gsp_payment):
        worth = [
            np.mean(
                [
                    v * click_rate(3, (1, 0.9), g * v) - payment(3, (1, 0.9), g * v)
                    for v in np.linspace(0, 1, 201)
                ]
            )
            for g in gains
        ]
        best[payment] = gains[int(np.argmax(worth))]
    assert best[vcg_payment] == 1.0
    assert best[gsp_payment] < 1.0


class FirstPriceInSlots(Policy):
    """The symmetric equilibrium: bid VCG's expected payment a click, which is what Myerson 1981 leaves [D]."""

    def __init__(self, n, rates):
        self._v = np.linspace(0, 1, 2001)
        rate = np.array([click_rate(n, rates, v) for v in self._v])
        area = integrate.cumulative_simpson(rate, x=self._v, initial=0)
        self._bid = np.divide(self._v * rate - area, rate, out=np.zeros_like(rate), where=rate > 0)

    def bid(self, requests):
        return np.interp(requests["value"], self._v, self._bid)


@pytest.mark.parametrize(("n", "rates"), [(3, (1.0, 0.5)), (5, (1.0, 0.8, 0.6)), (2, (200.0, 100.0))])
def test_first_price_equilibrium_in_several_slots(scenario, market, lands, n, rates):
    """Revenue and each bidder's surplus as in VCG."""
    got = market(private(scenario, "first_price", rates), seats(n, FirstPriceInSlots(n, rates)))
    lands(got["revenue"], vcg_revenue(n, rates))
    lands(got["profit"].mean(axis=1), (welfare(n, rates) - vcg_revenue(n, rates)) / n)


@pytest.mark.parametrize(
    "shares", [{"second_price": 1, "first_price": 3}, {"vcg": 0.5, "first_price": 0.2, "gsp": 0.3}]
)
def test_a_mixed_market_is_a_mixture(scenario, market, lands, shares):
    """Truthful bidders in one slot: (n-1)/(n+1) where the second price is paid, n/(n+1) where the first is."""
    n, first = 4, shares["first_price"] / sum(shares.values())
    got = market(private(scenario, shares), seats(n, Truthful()))
    lands(got["revenue"], (1 - first) * (n - 1) / (n + 1) + first * n / (n + 1))


@pytest.mark.parametrize(
    ("floors", "wins"), [((0.5, 0.0), (3 / 8, 1 / 2 + 1 / 8)), ((0.5, 0.5), (3 / 8, 3 / 8))]
)
def test_floors_of_bidders_own(scenario, market, lands, floors, wins):
    """Two truthful bidders, U[0,1]: a floor of 1/2 for one of them, who pays max(rival, 1/2), or for both.

    Below its own floor a bidder is out, and the other wins at its own. Charges by quadrature.
    """
    own = {f"bidder_{i}": 1000 * floor for i, floor in enumerate(floors)}
    got = market(private(scenario, "second_price", bidder_floor_cpm=own), seats(2, Truthful()))
    for bidder, (mine, other) in enumerate([floors, floors[::-1]]):

        def pays(v, mine=mine, other=other):
            beaten = integrate.quad(lambda y: max(y, mine), other, max(v, other), points=[mine])[0]
            return min(other, 1.0) * mine + beaten if v >= mine else 0.0

        lands(got["wins"][:, bidder], wins[bidder])
        lands(got["spend"][:, bidder], integrate.quad(pays, 0, 1, points=[mine, other], limit=200)[0])


# relations that hold auction by auction


class Drawn(Policy):
    """Bids on a grid of 1/64, up to 2, by its own randomness: the same bids beside any others."""

    reads = ("uniform",)

    def __init__(self, gain=1.0, step=1 / 64):
        self._gain, self._step = gain, step

    def bid(self, requests):
        return self._gain * self._step * np.floor(2 * requests["uniform"] / self._step)


MECHANISMS = ["second_price", "first_price", "soft_floor", "gsp", "vcg", "mixed"]
MIX = {"second_price": 1.0, "first_price": 1.0, "soft_floor": 1.0, "vcg": 1.0}
ROWS = 2_000


def busy(auction, *, scale=1.0, requests=ROWS, landscape=None, rates=(1.0, 0.5, 0.25), **rules):
    """A market with every kind of floor; all its money times ``scale``."""
    rules = {
        "floor_cpm": 250.0,
        "soft_floor_cpm": 1000.0,
        "bidder_floor_cpm": {"b1": 1250.0, "b2": 500.0},
        **rules,
    }
    money = {
        name: {k: scale * v for k, v in floor.items()} if isinstance(floor, dict) else scale * floor
        for name, floor in rules.items()
        if name != "fee"
    }
    return Scenario.model_validate(
        {
            "supply": {"requests": requests, "horizon_h": 2},
            "response": {"a": scale},
            "auction": {
                "type": MIX if auction == "mixed" else auction,
                "slots": rates,
                "fee": rules.get("fee", 0.0),
                **money,
            },
            "rivals": {"landscape": landscape, "high": 2 * scale},
        }
    )


def crowd(n=5, *, scale=1.0, budgets=(), step=1 / 64):
    """n bidders; some of them with budgets that run out."""
    budget = dict(enumerate(budgets))
    return {
        f"b{i}": Entrant(Drawn(scale, step), budget=scale * budget[i] if i in budget else None)
        for i in range(n)
    }


def run(scenario, bidders):
    """(result, the auctions' columns, shape (requests, slots))."""
    batches = []
    result = simulate(scenario, bidders, 3, sink=batches.append)
    columns = {name: np.concatenate([batch[name] for batch in batches]) for name in batches[0]}
    return result, {name: column.reshape(scenario.supply.requests, -1) for name, column in columns.items()}


def same(one, other):
    return all((one[name] == other[name]).all() for name in one if name != "mechanism")


@pytest.mark.parametrize("landscape", [None, "uniform"])
@pytest.mark.parametrize("auction", MECHANISMS)
def test_money_is_conserved(auction, landscape):
    """Every charge has one payer; publisher + exchange = paid; welfare = surplus + revenue; budgets hold."""
    s = busy(auction, landscape=landscape, fee=0.15)
    budgets = (90.0, 12.345678, 0.0)
    result, auctions = run(s, crowd(budgets=budgets))
    winner, paid, rates = auctions["winner"], auctions["paid_micros"], np.array(s.auction.slots)
    assert (auctions["slot"] == np.arange(3)).all()
    assert (auctions["position"][:, 0] == np.arange(ROWS)).all()
    assert (paid[winner < 0] == 0).all()
    for number in range(5):
        row, mine = result.of(f"b{number}"), winner == number
        assert mine.sum(axis=1).max() <= 1
        assert row["wins"] == mine.sum()
        assert row["spend"] == paid[mine].sum() / 1e6
        assert row["value"] == pytest.approx((mine * rates).sum(), rel=1e-12)  # a = 1
        assert row["profit"] == row["value"] - row["spend"]
        if number < len(budgets):
            assert row["spend"] <= budgets[number]
            assert row["budget_left"] == pytest.approx(budgets[number] - row["spend"], abs=1e-9)
    assert result.of("b1")["budget_left"] < 1.25  # its floor
    assert result.of("b2")["wins"] == 0
    fees = np.rint(0.15 * paid).astype(int)  # half-even, slot by slot
    market = result.market
    assert market["revenue"] == paid.sum() / 1e6
    assert market["exchange_fee"] == fees.sum() / 1e6
    assert market["publisher_revenue"] == (paid - fees).sum() / 1e6
    if landscape is None:
        assert market["welfare"] == pytest.approx(((winner >= 0) * rates).sum(), rel=1e-12)
        surplus = result.bidders["profit"].sum()
        assert market["welfare"] == pytest.approx(surplus + market["revenue"], rel=1e-12)


@pytest.mark.parametrize("auction", MECHANISMS)
def test_a_winner_pays_between_its_floor_and_its_bid(auction):
    """To within the rounding of one charge; first price pays the bid, second price the next one or the floor."""
    s = busy(auction, landscape="uniform")
    _, auctions = run(s, crowd(budgets=(90.0,)))
    winner, paid, bid = auctions["winner"], auctions["paid_micros"], auctions["bid_micros"]
    sold, rates = winner >= 0, np.array(s.auction.slots)
    floor = np.array([250_000, 1_250_000, 500_000, 250_000, 250_000])[winner]
    assert (paid <= bid * rates + 0.5)[sold].all()
    assert (paid >= floor * rates - 0.5)[sold].all()
    assert (np.diff(bid, axis=1) <= 0).all()
    following = np.maximum(np.column_stack([bid[:, 1:], auctions["other_micros"][:, :1]]), floor)
    exact = {"first_price": bid, "second_price": following, "gsp": following}
    exact["soft_floor"] = np.where(bid < 1_000_000, bid, np.maximum(following, 1_000_000))
    if auction in exact:
        assert (paid == np.rint(exact[auction] * rates))[sold].all()


def test_the_mechanisms_are_in_order():
    """On the same bids the same winners; slot by slot VCG <= GSP <= soft floor <= first price, and each somewhere less."""
    runs = {auction: run(busy(auction), crowd())[1] for auction in MECHANISMS}
    for auction in MECHANISMS:
        assert (runs[auction]["winner"] == runs["vcg"]["winner"]).all()
    for low, high in pairwise(["vcg", "gsp", "soft_floor", "first_price"]):
        assert (runs[low]["paid_micros"] <= runs[high]["paid_micros"]).all()
        assert (runs[low]["paid_micros"] < runs[high]["paid_micros"]).mean() > 0.05
    mixed = [
        (runs["mixed"]["paid_micros"] == runs[auction]["paid_micros"]).all(axis=1)
        for auction in MECHANISMS[:5]
    ]
    assert np.logical_or.reduce(mixed).all()


def test_mechanisms_that_are_one_another():
    """GSP is second price; VCG is, in one slot; a soft floor of 0 is second price, one above all bids first price."""
    for rates in ((1.0,), (1.0, 0.5, 0.25)):
        second, first = (run(busy(a, rates=rates), crowd())[1] for a in ("second_price", "first_price"))
        assert same(second, run(busy("gsp", rates=rates), crowd())[1])
        assert same(second, run(busy("soft_floor", rates=rates, soft_floor_cpm=0.0), crowd())[1])
        assert same(first, run(busy("soft_floor", rates=rates, soft_floor_cpm=1e6), crowd())[1])
        assert same(second, run(busy("vcg", rates=rates), crowd())[1]) == (len(rates) == 1)


@pytest.mark.parametrize("auction", MECHANISMS)
@pytest.mark.parametrize("k", [3.0, 8.0])
def test_scaling_all_money_scales_money_and_nothing_else(auction, k):
    """Bids, floors and budgets by k: the same winners, charges by k. All on a grid that halves without a remainder."""
    unit = 2.0**20 / 1e6
    runs = [
        run(busy(auction, scale=scale), crowd(scale=scale, budgets=(128.0, 32.0), step=1 / 16))
        for scale in (unit, k * unit)
    ]
    (one, first), (two, second) = runs
    assert (first["winner"] == second["winner"]).all()
    assert (second["paid_micros"] == k * first["paid_micros"]).all()
    assert one.of("b1")["budget_left"] < 1.25 * unit
    assert two.bidders["wins"].tolist() == one.bidders["wins"].tolist()
    assert two.bidders["profit"] == pytest.approx(k * one.bidders["profit"], rel=1e-9)


@pytest.mark.parametrize("auction", MECHANISMS)
def test_scaling_click_rates_scales_charges_and_nothing_else(auction):
    """Bids are per unit of click rate: rates by 64 leave the winners and multiply charges."""
    (_, first), (_, second) = (run(busy(auction, rates=(k, k / 2, k / 4)), crowd()) for k in (4.0, 256.0))
    assert (first["winner"] == second["winner"]).all()
    assert (second["paid_micros"] == 64 * first["paid_micros"]).all()


@pytest.mark.parametrize("auction", MECHANISMS)
def test_permuting_bidders_permutes_outcomes(auction):
    """With ties (a coarse grid), budgets that run out, and floors of bidders' own."""
    bidders = crowd(7, budgets=(60.0, 30.0, 45.0), step=1 / 4)
    s = busy(auction)
    forward, first = run(s, bidders)
    backward, second = run(s, dict(reversed(bidders.items())))
    assert [forward.of(name) for name in bidders] == [backward.of(name) for name in bidders]
    assert (np.where(first["winner"] >= 0, 6 - first["winner"], first["winner"]) == second["winner"]).all()
    assert (first["paid_micros"] == second["paid_micros"]).all()
    assert (first["bid_micros"][:, 0] == first["bid_micros"][:, 1]).mean() > 0.1


@pytest.mark.parametrize("auction", MECHANISMS)
def test_one_more_bidder_never_lowers_a_price(auction):
    """Bids fixed, no budgets, no floors of bidders' own: slot by slot the charge is no lower, and somewhere higher."""
    s = busy(auction, bidder_floor_cpm={})
    _, few = run(s, crowd(4))
    _, many = run(s, crowd(5))
    assert (many["paid_micros"] >= few["paid_micros"]).all()
    assert (many["paid_micros"] > few["paid_micros"]).mean() > 0.1


@pytest.mark.parametrize("auction", MECHANISMS)
def test_a_fee_is_taken_from_the_publisher_and_changes_nothing_else(auction):
    (free, first), (taken, second) = (
        run(busy(auction, fee=fee), crowd(budgets=(60.0,))) for fee in (0.0, 0.3)
    )
    assert same(first, second)
    assert free.market["exchange_fee"] == 0.0
    assert taken.market["exchange_fee"] == pytest.approx(0.3 * taken.market["revenue"], abs=1e-6 * ROWS)
    assert free.market["publisher_revenue"] == free.market["revenue"] == taken.market["revenue"]
