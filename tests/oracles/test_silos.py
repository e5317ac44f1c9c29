"""What each source, each owner and all of them together earn in markets like the default one, by enumeration and quadrature.

Worked out here without the engine, from the definitions: CTR = expit(a + b s + c t + d s t + e w) of standardised scores of
normal quantile bins; with probability |q| the context's type is the profile's own quantile, and the history's likewise; a source
shows the true type with its match rate, a random person's in a share of these, and else nothing. A bidder without budget
bids E[theta | codes] against p, the higher of a lognormal price and (on a share of requests) a lognormal floor, and
earns E[theta F(v) - (v F(v) - u(v))] with u(v) the integral of F from 0 to v. ``stacked`` bids the owners' scores, put
together on log-odds by the weights that maximise the likelihood. n = 16 replications of 15,000 requests; arms meet the same requests.
"""

from __future__ import annotations

from functools import cache
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scipy.integrate import cumulative_simpson
from scipy.optimize import root
from scipy.special import expit, logit
from scipy.stats import lognorm, norm

from jointbid import load
from jointbid.experiments.cells.arms import owners_of

pytestmark = pytest.mark.oracle

R, N = 16, 15_000
SOURCES = ("profile", "context", "history")


def standardised(types):
    """Mean of a normal variable in each of its quantile bins, scaled to variance 1."""
    edges = norm.ppf(np.linspace(0, 1, types + 1))
    means = -types * np.diff(norm.pdf(edges))
    return means / np.sqrt(np.mean(means**2))


def law(types, redundancies):
    """P(profile, context, history type), by cutting [0, 1] wherever a type changes."""
    x, z, h = types
    cuts = np.unique(np.concatenate([np.arange(k + 1) / k for k in types]))
    found = np.zeros(types)
    for low, high in pairwise(cuts):
        u = (low + high) / 2
        followers = []
        for k, q in ((z, redundancies[0]), (h, redundancies[1])):
            same = np.zeros(k)
            same[int((u if q >= 0 else 1 - u) * k)] = 1
            followers.append(abs(q) * same + (1 - abs(q)) / k)
        found[int(u * x)] += (high - low) * np.outer(*followers)
    return found


def codes(source, types):
    """P(code | type), shape (types + 1, types); the last code is "not matched"."""
    match, wrong = source.match_rate, source.false_match_rate
    shown = (1 - wrong) * np.eye(types) + wrong / types
    return np.vstack([match * shown, np.full(types, 1 - match)])


class Exact:
    """The market of a scenario, by enumeration of what is visible."""

    def __init__(self, scenario):
        r, s = scenario.response, scenario.supply
        types = (
            scenario.audience.profile_types,
            s.context_types,
            scenario.audience.history_types,
        )
        x, z, h = (
            standardised(k).reshape([-1 if i == axis else 1 for i in range(3)])
            for axis, k in enumerate(types)
        )
        self.theta = r.value_per_click * expit(
            r.a + r.b * x + r.c * z + r.interaction * x * z + r.history * h
        )
        self.unit, self.law = r.value_per_click, law(types, (r.redundancy, r.history_redundancy))
        shown = [codes(scenario.source[name], k) for name, k in zip(SOURCES, types, strict=True)]
        path = "xzh,ax,bz,ch->abc"
        self.weight = np.einsum(path, self.law, *shown)
        self.worth = np.einsum(path, self.law * self.theta, *shown)
        self.owners = owners_of(scenario)
        top = 10 * float(self.theta.max())  # put together, scores may say more than any impression is worth
        price = np.geomspace(1e-9 * top, top, 40_001)
        below = lognorm.cdf(price, scenario.rivals.sigma, scale=np.exp(scenario.rivals.mu))
        floor = lognorm.cdf(price, s.floor_sigma, scale=np.exp(s.floor_mu))
        self.price, self.below = price, below * (1 - s.floor_share * (1 - floor))
        self.u = cumulative_simpson(self.below * price, x=np.log(price), initial=0)

    def score(self, sources):
        """E[theta | codes of these sources], broadcast over the codes of all."""
        hidden = tuple(axis for axis, name in enumerate(SOURCES) if name not in sources)
        worth, weight = (table.sum(axis=hidden, keepdims=True) for table in (self.worth, self.weight))
        never = np.full_like(weight, self.theta.mean())  # codes that do not come
        return np.broadcast_to(np.divide(worth, weight, out=never, where=weight > 0), self.weight.shape)

    def stacked(self):
        """The owners' scores with the likeliest weights on log-odds: where the gradient of the likelihood is 0."""
        target, weight = self.score(SOURCES) / self.unit, self.weight / self.weight.sum()
        middle = logit((weight * target).sum())
        scores = [logit(self.score(arm.split("+")) / self.unit) - middle for arm in self.owners]
        design = np.stack([np.ones_like(target), *scores])

        def level(w):
            return middle + np.tensordot(w, design, axes=1)

        def gradient(w):
            return 1e4 * np.tensordot(design, weight * (target - expit(level(w))), axes=target.ndim)

        found = root(gradient, np.array([0.0, *np.ones(len(scores))]))
        assert found.success
        return self.unit * expit(level(found.x))

    def earns(self, arm):
        """Profit a request."""
        sets = {"none": (), "joint": SOURCES}
        bid = self.stacked() if arm == "stacked" else self.score(sets.get(arm, tuple(arm.split("+"))))
        wins, u = (np.interp(bid, self.price, column) for column in (self.below, self.u))
        return float((self.worth * wins - self.weight * (bid * wins - u)).sum())


@cache
def default(*changes):
    return load("default", f"supply.requests={N}", *changes)


def arms_of(scenario):
    return list(dict.fromkeys(("joint", *owners_of(scenario), *SOURCES, "stacked")))


def test_the_default_market(profit, lands):
    """Joint, each owner, each source and stacked; joining is worth about 4.2 CNY a million requests, 9 %, over the CMO's data."""
    scenario = default()
    exact = {arm: Exact(scenario).earns(arm) for arm in arms_of(scenario)}
    assert set(exact) == {"joint", "profile", "context+history", "context", "history", "stacked"}
    assert 1e6 * (exact["joint"] - exact["context+history"]) == pytest.approx(4.2, abs=0.05)
    assert exact["joint"] / exact["context+history"] == pytest.approx(1.09, abs=0.003)
    seen = {arm: profit(scenario, arm, replications=R) for arm in exact}
    for arm, found in seen.items():
        lands(found, exact[arm])
        if arm != "joint":
            apart = exact["joint"] - exact[arm]
            lands(seen["joint"] - found, apart, resolution=max(apart / 4, 2.6e-7))


few = settings(max_examples=3, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
rates = st.sampled_from([0.3, 0.55, 0.9])


@few
@given(
    b=st.sampled_from([0.2, 0.5]), c=st.sampled_from([0.3, 0.6]), e=st.sampled_from([0.1, 0.45]),
    d=st.sampled_from([-0.1, 0.1]), q=st.sampled_from([-0.3, 0.2, 0.6]), match=rates, media=rates,
    wrong=st.sampled_from([0.0, 0.1]), owner=st.sampled_from(["cmo", "cio", "agency"]),
)  # fmt: skip
@pytest.mark.slow
def test_drawn_markets(profit, lands, b, c, e, d, q, match, media, wrong, owner):
    """The same at parameters that nobody chose, the history with either owner or a third."""
    scenario = default(
        f"response.b={b}", f"response.c={c}", f"response.history={e}", f"response.interaction={d}",
        f"response.redundancy={q}", f"source.profile.match_rate={match}", f"source.history.match_rate={media}",
        f"source.profile.false_match_rate={wrong}", f"source.history.owner={owner}",
        "audience.profile_types=8", "supply.context_types=12",
    )  # fmt: skip
    exact = Exact(scenario)
    joint, value = profit(scenario, "joint", replications=R), exact.earns("joint")
    lands(joint, value)
    for arm in arms_of(scenario)[1:]:
        lands(joint - profit(scenario, arm, replications=R), value - exact.earns(arm), resolution=0.1 * value)
