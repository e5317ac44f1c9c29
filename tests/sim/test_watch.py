"""Calls of strategies that do not return are stopped, in any thread, and leave nothing behind."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from itertools import count

import numpy as np
import pytest

from jointbid.sim import Scenario, simulate
from jointbid.sim.visible import StrategyTimeout, TrialError
from jointbid.sim.watch import WATCH, Call, CallTimeout
from jointbid.strategies.base import Policy

LIMIT_S = 0.3
SCENARIO = Scenario.model_validate(
    {"supply": {"requests": 200, "horizon_h": 6}, "engine": {"strategy_timeout_s": LIMIT_S}}
)


def endless():
    for _ in count():
        pass


def stubborn():
    """Catches what it can."""
    while True:
        try:
            endless()
        except BaseException:  # noqa: BLE001 - that is what it is about
            time.sleep(0.0)
            return


def waiting():
    threading.Event().wait()


def asleep():
    time.sleep(600)


class Stuck(Policy):
    reads = ()
    learns = True

    def __init__(self, method, do=endless):
        self.method, self.do = method, do

    def _maybe(self, method, hour=5.0):
        if method == self.method and hour > 3:
            self.do()

    def bid(self, requests):
        self._maybe("bid")
        return np.ones(requests.n)

    def observe(self, feedback):
        self._maybe("observe")

    def control(self, state):
        self._maybe("control", state.hour)


def stopped(brain):
    """What is said, and after how long."""
    began = time.monotonic()
    with pytest.raises((StrategyTimeout, TrialError)) as said:
        simulate(SCENARIO, {"me": brain}, seed=1)
    return str(said.value), time.monotonic() - began


@pytest.mark.parametrize(("method", "hour"), [("bid", 0), ("observe", 0), ("control", 4)])
def test_an_endless_loop_is_stopped_and_found(method, hour):
    said, took_s = stopped(Stuck(method))
    assert "strategy 'Stuck' (" in said
    assert f"of bidder 'me' at hour {hour}: {method}() did not return within 0.3 s (it was at " in said
    assert "test_watch.py:" in said
    assert ", in endless)" in said
    assert LIMIT_S <= took_s < 10


@pytest.mark.few(1)
@pytest.mark.parametrize("do", [stubborn, waiting, asleep])
def test_other_ways_of_not_returning(do):
    said, _ = stopped(Stuck("control", do))
    assert "test_watch.py:" in said
    assert ", in endless)" in said if do is stubborn else f", in {do.__name__})" in said


def test_in_another_thread_than_the_main_one():
    said = []
    thread = threading.Thread(target=lambda: said.append(stopped(Stuck("control"))[0]))
    thread.start()
    thread.join(20)
    assert "control() did not return within 0.3 s" in said[0]


def test_what_follows_is_not_hit():
    """The error belongs to the call that took too long."""
    for _ in range(5):
        stopped(Stuck("control"))
    for _ in range(50):
        time.sleep(0.01)
    quick = WATCH.call(lambda x: x + 1, 1, Call("x", "bid", 0.0, LIMIT_S))
    assert quick == 2
    simulate(SCENARIO, {"me": Stuck("never")}, seed=1)


def test_a_call_just_within_its_time_passes():
    assert WATCH.call(lambda _: time.sleep(0.2) or 7, None, Call("x", "bid", 0.0, 1.0)) == 7


@pytest.mark.slow
def test_calls_about_as_long_as_their_limit_end_one_way_or_the_other():
    """The race between an answer and the error: never an error outside the call."""
    ends = {"answered": 0, "stopped": 0}
    for number in range(60):
        try:
            WATCH.call(lambda n: time.sleep(0.04 + 0.002 * n), number, Call("x", "bid", 0.0, 0.1))
            ends["answered"] += 1
        except CallTimeout:
            ends["stopped"] += 1
    assert sum(ends.values()) == 60
    assert min(ends.values()) > 0


TRACED = """
import sys, time
from jointbid.sim.watch import WATCH, Call, CallTimeout

for number in range(30):
    try:
        WATCH.call(lambda n: time.sleep(0.04 + 0.004 * n), number, Call("x", "bid", 0.0, 0.1))
    except CallTimeout:
        pass
sys.settrace(lambda *_: None)
(lambda: None)()
sys.settrace(None)
print("goes on")
"""


def test_after_a_stopped_call_no_error_is_pending():
    """Where the interpreter still looked for one, a traced call would never begin."""
    done = subprocess.run(
        [sys.executable, "-c", TRACED], capture_output=True, text=True, timeout=120, check=True
    )
    assert done.stdout == "goes on\n"


def test_without_a_limit_nothing_is_watched():
    free = SCENARIO.model_copy(
        update={"engine": SCENARIO.engine.model_copy(update={"strategy_timeout_s": None})}
    )
    slow = Stuck("control", lambda: time.sleep(2 * LIMIT_S / 3))
    assert simulate(free, {"me": slow}, seed=1).market["requests"] == 200
