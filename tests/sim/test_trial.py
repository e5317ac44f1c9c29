"""The trial before the first event: strategies that do not answer alike, cannot be copied, or are no strategies."""

from __future__ import annotations

import itertools
import random
import sys
import threading
import time

import numpy as np
import pytest

from jointbid.sim import Entrant, Scenario, simulate
from jointbid.sim.visible import BidError, TrialError
from jointbid.strategies.base import Policy, Priced
from jointbid.strategies.policies.linear import Truthful
from jointbid.strategies.valuations.bayes import bayes

SCENARIO = Scenario.model_validate(
    {
        "supply": {"requests": 300, "horizon_h": 6, "context_types": 3},
        "audience": {"profile_types": 4},
        "creative": {"loud": {}, "calm": {}},
        "source": {"profile": {"match_rate": 0.5}, "context": {}},
    }
)
COUNT = itertools.count()


class Asked(Policy):
    """Bids what a function makes of a request's columns; shows what another one chooses."""

    def __init__(self, answer, reads=("profile", "hour"), choose=None):
        self.answer, self.reads, self.choose = answer, reads, choose

    def bid(self, requests):
        return np.asarray(self.answer(self, requests), dtype=np.float64)

    def creative(self, requests):
        return None if self.choose is None else self.choose(requests)


def ones(_, requests):
    return np.ones(requests.n)


def run(brain):
    return simulate(SCENARIO, {"me": brain}, seed=1)


UNLIKE = {
    "numpy.random": lambda _, r: np.random.rand(r.n),  # noqa: NPY002
    "random": lambda _, r: np.full(r.n, random.random()),
    "once in ten": lambda _, r: np.full(r.n, 1.0 if random.random() < 0.1 else 2.0),
    "new generator": lambda _, r: np.random.default_rng().random(r.n),
    "clock": lambda _, r: np.full(r.n, time.perf_counter() % 1),
    "counter of the process": lambda _, r: np.full(r.n, next(COUNT)),
    "address of the strategy": lambda s, r: np.full(r.n, id(s) / 16 % 1e6),
    "address of the batch": lambda _, r: np.full(r.n, id(r) / 16 % 1e6),
    "own counter": lambda s, r: np.full(r.n, vars(s).setdefault("seen", itertools.count()).__next__()),
}


@pytest.mark.parametrize("reads", [("profile",), ("profile", "hour")], ids=["by cell", "by row"])
@pytest.mark.parametrize("why", UNLIKE)
def test_bids_that_differ_when_asked_again_are_refused(why, reads):
    with pytest.raises(TrialError) as refused:
        run(Asked(UNLIKE[why], reads))
    said = str(refused.value)
    assert (
        f"strategy 'Asked' ({place_of(Asked)}) of bidder 'me': bids differ when the same batch is asked again"
        in said
    )
    assert all(f"{name} = " in said for name in reads)


def place_of(kind):
    """As messages show where a class is written: relative to where pytest was started, or in full."""
    import inspect

    from jointbid.sim.identity import shown

    return f"{shown(inspect.getfile(kind))}:{inspect.getsourcelines(kind)[1]}"


def test_creatives_that_differ_are_refused():
    with pytest.raises(TrialError, match="creatives differ when the same batch is asked again"):
        run(Asked(ones, choose=lambda r: np.random.randint(0, 2, r.n)))  # noqa: NPY002


BLOCKWISE = {
    "mean": lambda _, r: r["hour"] / r["hour"].mean(),
    "highest": lambda _, r: r["hour"] / r["hour"].max(),
    "place": lambda _, r: np.arange(r.n),
    "number of rows": lambda _, r: np.full(r.n, r.n),
}


@pytest.mark.parametrize("why", BLOCKWISE)
def test_bids_that_depend_on_other_rows_are_refused(why):
    with pytest.raises(
        TrialError, match=r"bids depend on the other rows of the batch: row \d+: .*; row \d+: profile = "
    ):
        run(Asked(BLOCKWISE[why]))


ALIKE = {
    "chance from u": (lambda _, r: r["uniform"], ("uniform",)),
    "last bits of a matrix product": (
        lambda _, r: (
            np.column_stack([r["hour"], r["uniform"]]).repeat(40, axis=1) @ np.linspace(0.1, 1.7, 80)
        ),
        ("hour", "uniform"),
    ),
    "codes as an index": (
        lambda _, r: np.arange(8)[r["auction_type"]] + np.bincount(r["profile"])[0] * 0,
        ("auction_type", "profile"),
    ),
    "hours of the run": (lambda _, r: np.arange(6)[r["hour"].astype(int)], ("hour",)),
}


@pytest.mark.parametrize("why", ALIKE)
def test_what_is_allowed_passes(why):
    run(Asked(*ALIKE[why]))


def test_global_generators_are_only_looked_at():
    """A strategy that seeds one for a table of its own answers alike, and may."""

    def table(_, requests):
        random.seed(3)
        return np.array([random.random() for _ in range(5)])[requests["profile"]]

    run(Asked(table))


class Holder:
    """An object that a strategy keeps."""


def holding(thing):
    policy = Asked(ones)
    policy.model = Holder()
    policy.model.parts = {"a": [1, thing]}
    return policy


UNCOPIED = {
    "lock": (threading.Lock, "_thread.lock"),
    "generator": (lambda: (i for i in range(3)), "generator"),
    "file": (lambda: sys.__stderr__, "_io.TextIOWrapper"),
    "thread": (threading.Thread, "threading.Thread"),
}


@pytest.mark.parametrize("what", UNCOPIED)
@pytest.mark.parametrize("wrapped", [False, True])
def test_what_cannot_be_copied_is_named(what, wrapped):
    make, kind = UNCOPIED[what]
    brain = holding(make())
    if wrapped:
        brain = Priced(bayes(SCENARIO, ("profile",)), brain)
    with pytest.raises(TrialError) as refused:
        run(brain)
    assert (
        f"({place_of(Asked)}) of bidder 'me': attribute self.model.parts['a'][1] is a {kind} and cannot be copied"
        in str(refused.value)
    )


def test_functions_can_be_kept():
    run(holding(lambda x: x + 1))


NO_STRATEGIES = {
    "class": (Truthful, "Truthful is a class; give an instance"),
    "class behind a valuation": (Priced(bayes(SCENARIO, ("profile",)), Truthful), "Truthful is a class"),
    "valuation": (bayes(SCENARIO, ("profile",)), r"is a valuation, .* Priced\("),
    "number": (3, "int is no strategy: it has no reads, learns, bid, observe, control"),
    "anything behind a valuation": (
        Priced(bayes(SCENARIO, ("profile",)), object()),  # type: ignore[arg-type]
        "object is no strategy: it has no reads",
    ),
}


@pytest.mark.parametrize("what", NO_STRATEGIES)
@pytest.mark.parametrize("enter", [lambda thing: thing, Entrant], ids=["bare", "entrant"])
def test_what_is_no_strategy_is_said(what, enter):
    thing, message = NO_STRATEGIES[what]
    with pytest.raises(TypeError, match=message):
        run(enter(thing))


def test_a_policy_without_its_valuation_gets_a_message_how_to_get_one():
    with pytest.raises(
        TrialError, match=r"reads column 'value', .* enter Priced\(valuation, Truthful\(\.\.\.\)\)"
    ):
        run(Truthful())


def test_strategies_come_by_name():
    with pytest.raises(TypeError, match="strategies: list; allowed: a mapping of bidder names"):
        simulate(SCENARIO, [Asked(ones)], seed=1)


def test_an_error_names_strategy_line_and_row():
    def fails(_, requests):
        prices = {0: 1.0, 1: 1.0}
        return [prices[code] for code in requests["profile"].tolist()]

    with pytest.raises(BidError) as refused:
        run(Asked(fails, reads=("profile",)))
    said = str(refused.value)
    assert f"strategy 'Asked' ({place_of(Asked)}) of bidder 'me' at hour 0: bid() raised KeyError: 2" in said
    assert f"test_trial.py:{fails.__code__.co_firstlineno + 2}, in <listcomp>); row 2: profile = 2" in said


def test_an_error_in_control_names_the_hour_and_the_account():
    class Late(Asked):
        def control(self, state):
            if state.hour > 3:
                raise RuntimeError("no more")

    with pytest.raises(
        BidError, match=r"at hour 4: control\(\) raised RuntimeError: no more .*; account: spend"
    ) as said:
        run(Late(ones))
    assert not isinstance(said.value, TrialError)


def test_leaving_the_program_is_an_error_of_the_strategy():
    with pytest.raises(BidError, match=r"bid\(\) raised SystemExit: 3"):
        run(Asked(lambda *_: sys.exit(3)))
