"""What the journey's law says in closed form comes out of the engine: sojourns, the long run, what sources tell, what an ad is worth."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from math import sqrt
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from jointbid.sim import Entrant, Scenario, VisibleRequests, simulate
from jointbid.sim.journey.accounts import BuyerAccounts
from jointbid.sim.journey.process import (
    APPROVED,
    AWARE,
    CONSIDERING,
    INTERESTED,
    STAGES,
    decay,
    stationary,
)
from jointbid.sim.scenario.journey import Stays
from jointbid.sim.streams import Streams
from jointbid.strategies.base import Policy, Priced
from jointbid.strategies.policies.linear import Truthful
from jointbid.strategies.valuations.bayes import bayes, posterior
from jointbid.strategies.valuations.outlook import believed_win_rate

pytestmark = pytest.mark.oracle
Z = 4.0
MONTH_H = 730.0


def market(**parts: Any) -> Scenario:
    """Accounts of two people over two years, sources of stage and interest; ``parts`` change it."""
    base: dict[str, Any] = {
        "supply": {"requests": 4_000, "horizon_h": 24 * MONTH_H, "context_types": 2},
        "audience": {"people": 400, "profile_types": 2},
        "response": {"family": "additive", "a": 0.0},
        "journey": {"group": 2, "margin": 1e9, "appetite": (0.6, 1.4)},
        "source": {
            "stage": {"match_rate": 0.7, "accuracy": 0.8, "sync_interval_h": 400.0, "latency_h": 250.0},
            "interest": {"match_rate": 0.6, "accuracy": 0.9, "latency_h": 30.0},
        },
        "bidders": {"values": "common", "control_interval_h": 168.0},
        "engine": {"series_h": MONTH_H},
    }
    for name, part in parts.items():
        base[name] = {**base.get(name, {}), **part} if isinstance(part, dict) else part
    return Scenario.model_validate(base)


def many(**journey: Any) -> Scenario:
    """20,000 accounts without advertising."""
    return market(audience={"people": 20_000}, journey={"group": 1, **journey}, supply={"requests": 10})


def path(scenario: Scenario, steps: int) -> Iterator[NDArray[np.uint8]]:
    """Stages step by step."""
    accounts = BuyerAccounts(scenario, Streams(7, 0), "everyone", 0, 1)
    yield accounts.stage.copy()
    for _ in range(steps):
        accounts.advance()
        yield accounts.stage.copy()


def test_the_long_run_is_the_flow_through_each_stage_times_its_mean_stay() -> None:
    """Renewal theory (Cox 1962): n = 10,000 accounts a segment, after 260 weeks, z <= 4."""
    scenario = many()
    accounts = BuyerAccounts(scenario, Streams(7, 0), "everyone", 0, 1)
    for _ in range(260):
        accounts.advance()
    for segment, law in enumerate(stationary(scenario)):
        here = accounts.stage[accounts.segment == segment]
        count = np.bincount(here, minlength=len(STAGES))
        assert (np.abs(count - len(here) * law) <= Z * np.sqrt(len(here) * law * (1 - law))).all()


def test_sojourns_are_geometric_with_their_mean() -> None:
    """A stay of mean m steps has standard deviation sqrt(m (m - 1)); all that began in time, z <= 4, n > 1,000 a stage."""
    stays = dict.fromkeys(Stays.model_fields, 504.0) | {"approved": 336.0, "aware": 840.0}
    scenario = many(appetite=1.0, stay_h=stays)
    rows = np.stack(list(path(scenario, 160)))
    for stage, (_, mean_h) in enumerate(scenario.journey.stay_h):  # type: ignore[union-attr]
        begins = (rows[1:60] == stage) & (rows[:59] != stage)
        at, who = np.nonzero(begins)
        later = rows[1:][:, who] != stage
        later &= np.arange(len(later))[:, None] > at
        assert later.any(axis=0).all()  # a hundred steps are more than any stay here
        lengths = later.argmax(axis=0) - at
        mean = mean_h / 168.0
        assert len(lengths) > 1_000
        assert abs(lengths.mean() - mean) <= Z * sqrt(mean * (mean - 1) / len(lengths))


def test_by_default_a_twentieth_is_in_market_in_a_quarter_and_half_take_over_a_year_to_a_budget() -> None:
    """Dawes (2021): some 5 % of business buyers are in market in a quarter; the time to a budget is the scenario's own."""
    scenario = many(appetite=1.0)
    rows = np.stack(list(path(scenario, 520)))
    quarters = [(rows[t : t + 13] == APPROVED).any(axis=0).mean() for t in range(0, 520, 13)]
    assert 0.04 < np.mean(quarters) < 0.06
    waits = []
    for account in rows.T[:4_000]:
        first = np.flatnonzero((account[1:260] == INTERESTED) & (account[:259] == AWARE)) + 1
        for start in first[:1]:
            on = account[start:]
            out = np.flatnonzero((on != INTERESTED) & (on != CONSIDERING))
            if len(out) and on[out[0]] == APPROVED:
                waits.append(out[0] * 168.0)
    assert len(waits) > 200
    assert np.median(waits) > 365 * 24


class Only(Policy):
    """Wins everything where the source shows this code, and nothing elsewhere."""

    def __init__(self, source: str, code: int) -> None:
        self.reads, self.code = (source,), code
        self.source = source

    def bid(self, requests: VisibleRequests) -> NDArray[np.float64]:
        return np.where(requests[self.source] == self.code, 1e6, 0.0)


def worth_of_one(scenario: Scenario, source: str, code: int, replications: int = 12) -> NDArray[np.float64]:
    """What an impression at this code did in each replication, in currency."""
    runs = [
        simulate(scenario, {"me": Entrant(Only(source, code), (source,))}, 5, r).of("me")
        for r in range(replications)
    ]
    return np.array([run["value"] / run["wins"] for run in runs])


@pytest.mark.parametrize(
    ("source", "code"),
    [("stage", 1), ("stage", 3), ("stage", 4), ("stage", 7), ("interest", 0), ("interest", 1)],
)
@pytest.mark.few(2)
def test_an_impression_does_what_the_valuation_says_given_what_is_seen(source: str, code: int) -> None:
    """Posterior, recursion and ledger together, where stocks stay small: 12 runs of 2,000 accounts, t at the tail of z = 4."""
    scenario = market(
        supply={"requests": 20_000},
        audience={"people": 4_000},
        journey={"lasting": (0.5e-4, 1.5e-4), "believed_win_rate": 0.0, "run_out_h": 40_000.0},
    )
    seen = worth_of_one(scenario, source, code)
    predicted = float(bayes(scenario, (source,)).table[code])  # type: ignore[attr-defined]
    error = seen.std(ddof=1) / sqrt(len(seen))
    assert error < predicted / 8  # a test that could not have failed proves nothing
    assert abs(seen.mean() - predicted) <= stats.t.isf(stats.norm.sf(Z), len(seen) - 1) * error


def spread(scenario: Scenario, names: tuple[str, ...]) -> float:
    """Squared coefficient of variation of E[worth | codes]: what knowing them can be worth, relative to knowing nothing."""
    sources = scenario.originals(names)
    found = posterior(scenario, sources, dict.fromkeys(sources, 1.0))
    value = found.mean(0.0)
    mean = float((found.weight * value).sum())
    return float((found.weight * value**2).sum()) / mean**2 - 1.0


EXACT = {"stage": {"match_rate": 1.0, "accuracy": 1.0, "sync_interval_h": 0.0, "latency_h": 0.0}}
ALIKE = {"appetite": 1.0}


def test_with_an_endless_window_timing_is_worthless() -> None:
    """Everybody is in the window for ever, and waiting costs nothing: nothing is left to know."""
    stays = dict.fromkeys(Stays.model_fields, 840.0)
    short = market(source=EXACT, journey={**ALIKE, "stay_h": stays, "half_life_h": 336.0})
    endless = market(
        source=EXACT, journey={**ALIKE, "stay_h": stays | {"approved": 8e5}, "half_life_h": 336.0}
    )
    assert spread(endless, ("stage",)) < 0.01
    assert spread(short, ("stage",)) > 1.0


def test_with_slow_forgetting_timing_is_worthless() -> None:
    """An impression of long ago counts as one of today: value of the stage falls to nothing as the half-life grows."""
    spreads = [
        spread(market(source=EXACT, journey={**ALIKE, "half_life_h": h}), ("stage",))
        for h in (1e3, 1e4, 1e5, 1e7)
    ]
    assert all(a > b for a, b in pairwise(spreads))
    assert spreads[0] > 1.0
    assert spreads[-1] < 1e-3


def test_a_stage_that_is_known_too_late_is_worthless() -> None:
    """The later it is known, the less it is worth; years later nothing is left of it."""
    spreads = [
        spread(market(source={"stage": {**EXACT["stage"], "latency_h": h}}, journey=ALIKE), ("stage",))
        for h in (0.0, 1_680.0, 8_760.0, 87_600.0)
    ]
    assert all(a > b for a, b in pairwise(spreads))
    assert spreads[-1] < 0.01 * spreads[0]


def test_short_and_long_elasticity_follow_koyck() -> None:
    """Koyck (1954): of a stock that keeps lambda a step, what is seen in one step does 1 - lambda of what lasts."""
    scenario = market()
    kept = decay(scenario.journey)  # type: ignore[arg-type]
    journey = BuyerAccounts(scenario, Streams(1, 0), "everyone", 0, 1)
    for _ in range(400):
        journey.fresh[:] = 2.0
        journey.advance()
    assert journey.stock == pytest.approx(2.0 / (1.0 - kept))


def informed(rivals: dict[str, Any], **journey: Any) -> Scenario:
    """One advertiser that knows every stage as it is, and bids what impressions are worth."""
    return market(
        supply={"requests": 60_000, "context_types": 1},
        journey={"margin": 200.0, "appetite": 1.0, "lasting": 0.05, "outside": 3.0, "believed_win_rate": None, **journey},
        source={"stage": {"match_rate": 1.0}},
        rivals=rivals,
    )  # fmt: skip


@pytest.mark.parametrize("half_life_h", [336.0, 2_160.0, 1e5])
@pytest.mark.parametrize(
    "rivals", [{"landscape": "uniform", "high": 4.0}, {"landscape": "lognormal", "mu": -1.0, "sigma": 0.9}]
)
def test_a_win_rate_that_follows_from_itself_is_the_one_that_is_seen(
    half_life_h: float, rivals: dict[str, Any]
) -> None:
    """60,000 requests at the rate r = E[F(worth | r)]: what the engine wins lies within Z standard errors of accounts' stages."""
    scenario = informed(rivals, half_life_h=half_life_h)
    believed = believed_win_rate(scenario)
    seat = Entrant(Priced(bayes(scenario, ("stage",)), Truthful()), ("stage",))
    seen = [simulate(scenario, {"me": seat}, 1, r).of("me")["win_rate"] for r in range(6)]
    assert 0.001 < believed < 1.0
    assert abs(np.mean(seen) - believed) < Z * np.std(seen, ddof=1) / sqrt(len(seen)) + 1e-4


def test_a_rate_to_be_worked_out_needs_prices() -> None:
    """Against live rivals alone there is no law of prices to work it out from."""
    with pytest.raises(ValueError, match=r"journey\.believed_win_rate = null: is worked out from prices"):
        informed({"landscape": None})
