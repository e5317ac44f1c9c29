"""What it costs to have to learn, with plain cell means on a randomised log.

K equal cells estimated from n observations with noise sd sigma lose K sigma^2/(2Mn) against knowing them (to first order
in K/n; here with the exact mean of 1/N over binomial cell counts N). The loss
varies from log to log: n = 300 replications, each with a log and 2,000 requests of its own; the bidder who knows is
paired with the one who learned.
"""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from jointbid.experiments.estimate.intervals import mean_interval
from jointbid.experiments.estimate.learning import LOST_TO_LEARNING, OVER_EXACT_SILO
from jointbid.sim import VisibleRequests
from jointbid.sim.training import randomised_log
from jointbid.strategies.valuations.bayes import bayes
from jointbid.strategies.valuations.learned import learned

pytestmark = pytest.mark.oracle

A, B, C, D, M = 2.0, 0.3, 0.2, 0.1, 4.0
BASE = {"a": A, "b": B, "c": C, "d": D}
LOGS, REQUESTS = 300, 2_000
CELLS = {"profile": 2, "context": 2, "joint": 4}


@pytest.fixture
def learner(scenario, profit):
    """(arm, log size, sigma) -> what knowing earns, and what learning earns, per request; shape (LOGS,) each."""

    def pair(arm, n, sigma, response=BASE, high=M, **parts):
        s = scenario(
            requests=REQUESTS,
            response={**response, "noise_sd": sigma},
            source={"profile": {}, "context": {}},
            rivals={"landscape": "uniform", "high": high},
            **parts,
        )
        known = profit(s, arm, replications=LOGS)
        learned = profit(
            s, arm, replications=LOGS, valuation="learned", learner="cell_means", train_requests=n
        )
        return known, learned

    return pair


def expected_loss(cells, n, variance, high=M):
    """variance E[1/N; N > 0] summed over cells of weight 1/K, over 2M; N binomial(n, 1/K)."""
    counts = np.arange(1, n + 1)
    return variance * (stats.binom.pmf(counts, n, 1 / cells) / counts).sum() / (2 * high)


@pytest.mark.parametrize(("n", "sigma"), [(400, 1.0), (200, 0.5)])
@pytest.mark.parametrize("arm", ["profile", "context", "joint"])
@pytest.mark.few(1)
def test_estimating_cells_costs_variance(learner, lands, arm, n, sigma):
    """K sigma^2/(2Mn), where sigma^2 is the spread within the arm's cells: noise, and theta that the arm does not see."""
    unseen = {"profile": C**2 + D**2, "context": B**2 + D**2, "joint": 0.0}[arm]
    variance = sigma**2 + unseen
    known, learned = learner(arm, n, sigma)
    loss = expected_loss(CELLS[arm], n, variance)
    assert loss == pytest.approx(CELLS[arm] * variance / (2 * M * n), rel=0.05)
    lands(known - learned, loss, resolution=0.6 * loss)


@pytest.mark.parametrize(
    ("arm", "cells", "n", "sigma"),
    [("profile", 3, 60, 0.4), ("context", 5, 100, 0.6), ("joint", 15, 450, 0.8)],
)
@pytest.mark.slow
def test_the_more_cells_the_more_it_costs(learner, lands, arm, cells, n, sigma):
    """The same law with 3 profiles, 5 contexts, and the 15 cells of both, in a market that is worth more.

    A log's loss is nearly chi-squared with K degrees, so that it spreads sqrt(2/K) of its mean from log to log: four errors
    of that over all logs, and as much again for the noise of the requests, are how near the mean must come.
    """
    b, c, d, high = -0.5, 0.35, 0.25, 6.0
    unseen = {"profile": c**2 + d**2, "context": b**2 + d**2, "joint": 0.0}[arm]
    variance = sigma**2 + unseen
    known, learned = learner(
        arm, n, sigma, {"a": 3.0, "b": b, "c": c, "d": d}, high,
        audience={"profile_types": 3}, supply={"context_types": 5},
    )  # fmt: skip
    loss = expected_loss(cells, n, variance, high)
    assert loss == pytest.approx(cells * variance / (2 * high * n), rel=0.05)
    lands(known - learned, loss, resolution=2 * 4 * np.sqrt(2 / cells / LOGS) * loss)


@pytest.mark.slow
@pytest.mark.parametrize(("n", "joint_wins"), [(24, False), (200, True)])
def test_with_little_data_joint_loses_to_profile(learner, n, joint_wins):
    """Joint gains c^2+d^2 over profile, and loses (K_J-K_P) sigma^2/n: at sigma = 1 it pays above n = 40."""
    assert ((CELLS["joint"] - CELLS["profile"]) / n < C**2 + D**2) == joint_wins
    gain = learner("joint", n, 1.0)[1] - learner("profile", n, 1.0)[1]
    error = gain.std(ddof=1) / np.sqrt(LOGS)
    assert (gain.mean() > 5 * error) if joint_wins else (gain.mean() < -5 * error)


@pytest.mark.coverage
def test_learned_values_and_what_learning_costs_are_covered(scenario):
    """1,000 studies of 5 replications, each with a log of 200 impressions of its own and 100 auctions: the stated 95 % intervals.

    Over the profile joining is worth (c^2 + d^2)/(2M) exactly, and learned less by what four cells lose more than two. The logs and
    what is learned from them are the engine's, the auctions against prices U[0, M] are drawn here.
    """
    n, auctions, studies, size = 200, 100, 1_000, 5
    s = scenario(
        requests=auctions,
        response={**BASE, "noise_sd": 0.5},
        source={"profile": {}, "context": {}},
        rivals={"landscape": "uniform", "high": M},
    )
    exact = (C**2 + D**2) / (2 * M)
    loss = {
        arm: expected_loss(CELLS[arm], n, 0.25 + unseen)
        for arm, unseen in (("profile", C**2 + D**2), ("joint", 0.0))
    }
    truths = {
        "learned": exact - loss["joint"] + loss["profile"],
        LOST_TO_LEARNING: loss["joint"] - loss["profile"],
        OVER_EXACT_SILO: exact - loss["joint"],
    }
    held = {"profile": ("profile",), "joint": ("profile", "context")}
    known = {arm: bayes(s, sources) for arm, sources in held.items()}
    rng, score = np.random.default_rng(4), np.array([-1.0, 1.0])
    wide = {(name, arm): np.empty((studies, size)) for name in ("learned", "bayes") for arm in held}
    for study, replication in np.ndindex(studies, size):
        log = randomised_log(s, 1, study * size + replication, n)
        shown = {name: rng.integers(0, 2, auctions).astype(np.int32) for name in ("profile", "context")}
        x, z, price = score[shown["profile"]], score[shown["context"]], rng.uniform(0.0, M, auctions)
        theta, requests = A + B * x + C * z + D * x * z, VisibleRequests(auctions, shown)
        for arm, sources in held.items():
            for name, valuation in (
                ("learned", learned(s, log, sources, "cell_means")),
                ("bayes", known[arm]),
            ):
                won = valuation.value(requests) > price
                wide[name, arm][study, replication] = np.mean((theta - price) * won)
    found = {
        "learned": wide["learned", "joint"] - wide["learned", "profile"],
        LOST_TO_LEARNING: wide["bayes", "joint"]
        - wide["bayes", "profile"]
        - wide["learned", "joint"]
        + wide["learned", "profile"],
        OVER_EXACT_SILO: wide["learned", "joint"] - wide["bayes", "profile"],
    }
    for name, values in found.items():
        covered = [one.ci_low <= truths[name] <= one.ci_high for one in map(mean_interval, values)]
        assert abs(np.mean(covered) - 0.95) < 4 * np.sqrt(0.95 * 0.05 / studies), (name, np.mean(covered))
