"""Exact valuations over any number of sources and anything that spoils them, against what a long log says of each visible cell."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jointbid.sim import Scenario, VisibleRequests
from jointbid.sim.audience import consent_law, law_of
from jointbid.sim.response import truth
from jointbid.sim.training import randomised_log
from jointbid.strategies.valuations.bayes import bayes, mean_retention, mean_value, posterior
from jointbid.strategies.valuations.learned import learned, learned_stacked, learned_summed
from jointbid.strategies.valuations.stacking import stacked_bayes, summed_bayes
from jointbid.strategies.valuations.tables import CellValues

RESPONSE = {"b": 0.3, "c": 0.2, "d": 0.1, "q": 0.3, "noise_sd": 0}
HISTORY = {"history": -0.25, "profile_history": 0.1, "context_history": -0.15, "history_redundancy": -0.5}


def world(source, audience=None, contexts=2, **response):
    return Scenario.model_validate(
        {
            "supply": {"context_types": contexts},
            "audience": {"history_types": 2, **(audience or {})},
            "response": {**RESPONSE, **HISTORY, **response},
            "source": source,
        }
    )


ALL = {"profile": {}, "context": {}, "history": {}}
SPOILED = {
    "three": world(ALL),
    "many types": world(ALL, {"profile_types": 3, "history_types": 4}, contexts=5),
    "matching by type": world({"profile": {"match_rate": (0.9, 0.3)}, "history": {"match_rate": (0.2, 0.8)}}),
    "coverage": world({"profile": {"coverage": 0.6}, "context": {"coverage": (0.9, 0.2)}}),
    "coverage by context": world({"profile": {"coverage": (0.9, 0.2)}, "history": {"coverage": (0.1, 0.7)}}),
    "accuracy": world({"profile": {"accuracy": 0.7}, "history": {"accuracy": 0.2}}, {"profile_types": 3}),
    "consent by type": world(ALL, {"consent": (0.9, 0.2)}),
    "consent by value": world({"profile": {}, "history": {"owner": "agency"}}, {"consent": {"a": 0.5, "b": -1.5, "history": 1}}),
    "consent for some": world({"profile": {"match_rate": 0.8}, "history": {}, "segments": {"shows": "history", "owner": "agency"}}, {"consent": 0.4}),
    "two of one kind": world({"crm": {"shows": "profile", "match_rate": 0.7}, "bought": {"shows": "profile", "owner": "agency", "accuracy": 0.8}}),
    "everything": world(
        {
            "profile": {"match_rate": (0.9, 0.5), "accuracy": 0.9, "coverage": (0.8, 0.6)},
            "context": {"false_match_rate": 0.1},
            "history": {"accuracy": 0.9, "needs_consent": True},
            "segments": {"shows": "profile", "owner": "agency", "accuracy": 0.7, "latency_h": 1, "flip_rate_per_h": 0.1},
        },
        {"consent": {"b": -1}},
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", SPOILED)
def test_what_is_shown_is_worth_what_the_posterior_says(name):
    """Cell by cell: how often it comes, and what it is worth on average, n = 100,000; chi-square within 5 of its deviations."""
    s, n = SPOILED[name], 100_000
    log = randomised_log(s, 1, 0, n)
    count, total = log.count.sum(axis=0), log.total.sum(axis=0)
    square = log.square.sum(axis=0)
    exact = posterior(s, log.sources, {name: mean_retention(s, name) for name in log.sources})
    assert exact.weight.sum() == pytest.approx(1)
    often = exact.weight > 1e-12
    assert (count[~often] == 0).all()
    chi2 = ((count - n * exact.weight)[often] ** 2 / (n * exact.weight[often])).sum()
    freedom = often.sum() - 1
    assert abs(chi2 - freedom) < 5 * np.sqrt(2 * freedom) + 5
    many = count > 100
    mean, value = total[many] / count[many], bayes(s, tuple(s.source)).table[many]
    error = np.sqrt(np.maximum(square[many] / count[many] - mean**2, 0) / count[many])
    assert (np.abs(mean - value) <= 5 * error + 1e-9).all()
    assert many.sum() > 3


@pytest.mark.parametrize("name", SPOILED)
def test_less_is_known_from_fewer_sources_but_nothing_else(name):
    """The tower rule: averaged over what another source shows, a value is what is known without it."""
    s = SPOILED[name]
    names = tuple(s.source)
    keep = {name: mean_retention(s, name) for name in names}
    whole = posterior(s, names, keep)
    for axis in range(len(names)):
        rest = names[:axis] + names[axis + 1 :]
        part = posterior(s, rest, keep)
        assert whole.weight.sum(axis=axis) == pytest.approx(part.weight)
        assert whole.worth.sum(axis=axis) == pytest.approx(part.worth)


def test_history_is_a_third_factor_with_its_own_correlation():
    law = law_of(world({}))
    sign = np.array([-1, 1])
    assert law.shape == (2, 2, 2)
    assert np.einsum("xzh,x,z->", law, sign, sign) == pytest.approx(0.3)
    assert np.einsum("xzh,x,h->", law, sign, sign) == pytest.approx(-0.5)
    assert np.einsum("xzh,z,h->", law, sign, sign) == pytest.approx(0.3 * -0.5)
    x, z, h = np.meshgrid(sign, sign, sign, indexing="ij")
    level = 1 + 0.3 * x + 0.2 * z + 0.1 * x * z - 0.25 * h + 0.1 * x * h - 0.15 * z * h
    assert truth(world({})).theta == pytest.approx(level)


def test_consent_depends_on_the_score():
    given_by = consent_law(world({}, {"profile_types": 3, "consent": {"a": 0.2, "b": -1.0, "history": 0.5}}))
    assert given_by.shape == (3, 2)
    assert (np.diff(given_by, axis=0) < 0).all()
    assert (given_by[:, 1] > given_by[:, 0]).all()
    assert consent_law(world({}, {"consent": (0.9, 0.2)})).tolist() == [[0.9, 0.9], [0.2, 0.2]]


def test_unmatched_as_the_prior_is_what_is_known_without_the_source():
    """And the matched cells are worth what they are worth anyway."""
    source = {"profile": {"match_rate": (0.9, 0.3)}, "context": {}}
    signal = bayes(world(source), ("profile", "context")).table
    prior = bayes(
        world({**source, "profile": {**source["profile"], "unmatched": "prior"}}), ("profile", "context")
    ).table
    assert prior[:-1] == pytest.approx(signal[:-1], abs=1e-11)
    assert prior[-1] == pytest.approx(bayes(world(source), ("context",)).table, abs=1e-11)
    assert np.abs(prior[-1] - signal[-1])[:-1].min() > 0.01


def test_weights_are_fitted_to_what_comes_and_not_to_what_is_believed():
    """Naive scores are too sure of themselves, and unmatched ones too little: stacking finds that out."""
    source = {"profile": {"false_match_rate": 0.5, "use": "naive"}, "context": {}}
    assert stacked_bayes(world(source, q=0, d=0)).weights[1] == pytest.approx(0.5, abs=0.02)
    calibrated = {"profile": {"false_match_rate": 0.5}, "context": {}}
    assert stacked_bayes(world(calibrated, q=0, d=0)).weights[1] == pytest.approx(1, abs=0.02)


def test_houses_hold_their_sources_together():
    """Stacked and summed join houses: what the cmo holds is one model, with its crosses."""
    s = world(ALL, q=0, history_redundancy=0, d=0, profile_history=0)
    both = stacked_bayes(s)
    assert [part.reads for part in both.parts] == [("profile",), ("context", "history")]
    assert both.weights[1:] == pytest.approx((1, 1), abs=1e-9)
    assert summed_bayes(s).mean == pytest.approx(mean_value(s))
    assert s.silos == {"cio": ("profile",), "cmo": ("context", "history")}


def test_copies_are_read_once():
    s = world({"ours": {"copy_of": "profile", "owner": "cmo"}, **ALL})
    assert bayes(s, tuple(s.source)).reads == ("ours", "context", "history")
    assert bayes(s, ("profile", "ours")).table == pytest.approx(bayes(s, ("profile",)).table)
    assert s.silos["cmo"] == ("ours", "context", "history")


rates = st.floats(0, 1)


@settings(max_examples=40)
@given(rates, rates, rates, st.floats(-3, 3), st.sampled_from(["signal", "prior"]))
def test_beliefs_average_to_the_mean(match, accuracy, coverage, slope, unmatched):
    """For any faults, and also by who takes unmatched requests for any other, on what is matched."""
    spoiled = {"match_rate": match, "accuracy": accuracy, "coverage": coverage}
    s = world(
        {"profile": spoiled, "history": {**spoiled, "needs_consent": True, "unmatched": unmatched}},
        {"consent": {"b": slope}},
    )
    names = tuple(s.source)
    whole = posterior(s, names, {name: mean_retention(s, name) for name in names}, believed=False)
    assert whole.weight.sum() == pytest.approx(1)
    assert whole.worth.sum() == pytest.approx(mean_value(s), rel=1e-9)
    assert np.isfinite(bayes(s, names).table).all()


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ({"crm": {}}, "source.crm.shows: required"),
        ({"profil": {}}, "did you mean 'source.profile'"),
        ({"crm": {"copy_of": "profile"}}, "source.crm.copy_of = profile"),
        ({"profile": {}, "one": {"copy_of": "profile"}, "two": {"copy_of": "one"}}, "no copy itself; there is: profile"),
        ({"profile": {}, "one": {"copy_of": "profile", "match_rate": 0.5}}, "match_rate: a copy_of another"),
        ({"joint": {"shows": "profile"}}, "not a name for a source"),
        ({"age_x": {"shows": "profile"}}, "not a name for a source"),
        ({"a+b": {"shows": "profile"}}, "not a name for a source"),
        ({"history": {"match_rate": (0.1, 0.2, 0.3)}}, "3 numbers for 2 types"),
        ({"history": {"coverage": (0.1, 0.2, 0.3)}}, "3 numbers for 2 context types"),
        ({f"s{i}": {"shows": "profile"} for i in range(14)}, "different things"),
    ],
)  # fmt: skip
def test_sources_that_cannot_be(source, said):
    with pytest.raises(ValueError, match=said.replace("+", r"\+")):
        world(source)


def test_consent_of_too_many_types():
    with pytest.raises(ValueError, match=r"audience.consent: 3 numbers for 2 profile types"):
        world({}, {"consent": (0.1, 0.2, 0.3)})


# who owns which label

SHOP = {"family": "logit", "a": -1.0, "value_per_click": 2.0, "conversion": {"a": -0.5, "b": 0.8, "value": 10.0, "after_view": 0.05}}  # fmt: skip


def means(table, count, axes):
    return table.sum(axis=axes) / np.maximum(count.sum(axis=axes), 1)


def test_clicks_belong_to_the_cmo_and_conversions_to_the_cio():
    """Each takes what it sees for what all worth is per one of its kind; who has data of both sees both."""
    s = world(
        {"profile": {"match_rate": 0.8}, "context": {}, "bought": {"shows": "history", "owner": "agency"}},
        **SHOP,
    )
    log = randomised_log(s, 1, 0, 50_000)
    count, clicks, sales = (a.sum(axis=0) for a in (log.count, log.clicks, log.conversions))
    worth = 2.0 * clicks.sum() + 10.0 * sales.sum()
    assert log.total.sum() == pytest.approx(worth)

    def table(*sources):
        return learned(s, log, sources, "cell_means").table

    of_clicks, of_sales = worth / clicks.sum(), worth / sales.sum()
    assert table("profile") == pytest.approx(of_sales * means(sales, count, (1, 2)))
    assert table("context")[:2] == pytest.approx(of_clicks * means(clicks, count, (0, 2))[:2])
    assert table("bought")[:2] == pytest.approx(of_clicks * means(clicks, count, (0, 1))[:2])
    assert table("context", "bought")[:2, :2] == pytest.approx(of_clicks * means(clicks, count, 0)[:2, :2])
    both = 2.0 * clicks + 10.0 * sales
    assert table("profile", "context")[:, :2] == pytest.approx(means(both, count, 2)[:, :2])
    assert table() == pytest.approx(worth / count.sum())


@pytest.mark.parametrize("learner", ["ftrl", "thompson", "logistic", "table"])
def test_what_a_house_does_not_see_teaches_it_nothing(learner):
    """Clicks that tell the profile's types apart are no lesson for the cio's house, nor sales by context for the cmo's."""
    s = world({"profile": {}, "context": {}}, **SHOP)
    log = randomised_log(s, 1, 0, 20_000)
    other = {"clicks": np.flip(log.clicks, 1), "conversions": np.flip(log.conversions, 2)}
    for source, unseen in (("profile", "clicks"), ("context", "conversions")):
        one, two = (
            learned(s, signalled, (source,), learner)
            for signalled in (log, replace(log, **{unseen: other[unseen]}))
        )
        one, two = ((v.table if isinstance(v, CellValues) else v.expected()) for v in (one, two))
        assert one == pytest.approx(two)
        assert np.ptp(one[:2]) > 0.05


@pytest.mark.few(1)
@pytest.mark.parametrize("learner", ["logistic", "table", "ftrl", "thompson"])
def test_learned_from_much_is_exact_where_both_labels_are_seen(learner):
    s = world({"profile": {}, "context": {}, "history": {}}, **SHOP)
    log = randomised_log(s, 1, 0, 400_000)
    exact = bayes(s, tuple(s.source)).table[:2, :2, :2]
    fitted = learned(s, log, tuple(s.source), learner)
    table = fitted.table if isinstance(fitted, CellValues) else fitted.expected()
    wander = 0.1 if learner == "ftrl" else 0.0  # its last steps are still to be seen
    assert table[:2, :2, :2] == pytest.approx(exact, abs=0.15 + wander)
    cells = np.indices((2, 2, 2)).reshape(3, -1)
    shown = VisibleRequests(
        8, {**dict(zip(s.source, cells, strict=True)), "uniform": np.full(8, 0.5 + 2.0**-27 + 2.0**-40)}
    )
    apart, whole = learned_stacked(s, log, learner).value(shown), stacked_bayes(s).value(shown)
    assert apart == pytest.approx(whole, abs=0.3)
    assert learned_summed(s, log, learner).value(shown).mean() == pytest.approx(mean_value(s), abs=0.3)


def one_taken_for_any(names, matching, **response):
    """The same three sources, those in ``names`` with unmatched requests taken for any."""
    priors = {name: {"unmatched": "prior"} if name in names else {} for name in ALL}
    return world({name: {**matching, **prior} for name, prior in priors.items()}, **response)


@pytest.mark.few(2)
@pytest.mark.parametrize("response", [{"noise_sd": 1.0}, SHOP], ids=["amounts", "clicks and conversions"])
@pytest.mark.parametrize("learner", ["logistic", "table", "cell_means"])
def test_learned_with_unmatched_as_the_prior_is_what_is_learned_without_the_source(learner, response):
    """With several unmatched, without all of these; matched cells, and those of other sources, stay as they are."""
    matching, three = {"match_rate": (0.9, 0.3)}, tuple(ALL)
    signal = one_taken_for_any((), matching, **response)
    prior = one_taken_for_any(("profile", "history"), matching, **response)
    log = randomised_log(signal, 1, 0, 20_000)
    signalled, taken = (learned(s, log, three, learner).table for s in (signal, prior))
    assert (taken[:2, :, :2] == signalled[:2, :, :2]).all()
    assert np.abs(taken[-1] - signalled[-1]).max() > 0.01
    if "conversion" not in response:  # else the arm of the cmo's context sees fewer labels
        without = learned(signal, log, ("context", "history"), learner).table
        assert (taken[-1, :, :2] == without[:, :2]).all()
        assert (taken[-1, :, -1] == learned(signal, log, ("context",), learner).table).all()
        assert (signalled[-1, :, :2] != without[:, :2]).all()
    alone = learned(prior, log, ("profile",), learner).table
    assert alone[-1] == pytest.approx(float(learned(signal, log, (), learner).table))
    assert abs(alone[-1] - learned(signal, log, ("profile",), learner).table[-1]) > 0.01


@pytest.mark.few(1)
@pytest.mark.parametrize("learner", ["logistic", "table", "cell_means"])
def test_unmatched_as_the_prior_learned_from_much_is_exact(learner):
    """Of both labels too: a request that is not matched takes no conversions from who sees them."""
    s = one_taken_for_any(("profile",), {"match_rate": (0.9, 0.5)}, **SHOP)
    log = randomised_log(s, 1, 0, 400_000)
    both = ("profile", "context")
    assert learned(s, log, both, learner).table[-1] == pytest.approx(bayes(s, both).table[-1], abs=0.1)


@pytest.mark.parametrize("learner", ["ftrl", "thompson"])
def test_what_learns_while_it_bids_refuses_unmatched_as_the_prior(learner):
    s = one_taken_for_any(("profile",), {})
    log = randomised_log(s, 1, 0, 100)
    with pytest.raises(ValueError, match=r"source\.profile\.unmatched = prior"):
        learned(s, log, ("profile", "context"), learner)
    learned(s, log, ("context",), learner)
