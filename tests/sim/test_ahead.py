"""A large run makes the next columns on a second core, to the same bits."""

from __future__ import annotations

import threading

import numpy as np
import pytest

from jointbid.sim import Scenario, ahead, simulate, simulation
from jointbid.strategies.base import Priced
from jointbid.strategies.policies.pacing import AdaptivePacing
from jointbid.strategies.valuations.bayes import bayes

MARKET = {
    "supply": {"requests": 140_000},
    "source": {"profile": {"match_rate": 0.7}, "context": {}},
    "bidders": {"budget": 50},
}


def run(**more):
    scenario = Scenario.model_validate(MARKET | more)
    strategies = {name: Priced(bayes(scenario, ("profile", "context")), AdaptivePacing()) for name in "ab"}
    return simulate(scenario, strategies, seed=3)


def tables(found):
    return {
        (table, name): column.tobytes()
        for table in ("bidders", "timeseries")
        for name, column in getattr(found, table).items()
        if column.dtype != object
    }


@pytest.mark.parametrize("max_block", [65_536, 1_000])
def test_a_second_core_changes_no_bit(monkeypatch, max_block):
    used = []
    monkeypatch.setattr(simulation, "made_ahead", lambda items: used.append(1) or ahead.made_ahead(items))
    found = []
    for spare in (False, True):
        monkeypatch.setattr(simulation, "has_spare_core", lambda spare=spare: spare)
        found.append(tables(run(engine={"max_block": max_block})))
    assert used == [1]
    assert found[0] == found[1]


def test_small_runs_and_worlds_that_move_stay_on_one_core(monkeypatch):
    def never(_):
        raise AssertionError("made ahead")

    monkeypatch.setattr(simulation, "made_ahead", never)
    monkeypatch.setattr(simulation, "has_spare_core", lambda: True)
    run(supply={"requests": 1_000})
    run(audience={"drift": {"half_life_h": 6.0}}, bidders={"values": "common"})


def test_items_come_in_order_off_another_thread_with_the_settings_of_this_one():
    def items():
        for number in range(20):
            assert threading.current_thread() is not threading.main_thread()
            yield number, float(np.float64(number) / 0)

    with np.errstate(all="ignore"):
        found = list(ahead.made_ahead(items()))
    assert [number for number, _ in found] == list(range(20))


def test_an_error_is_raised_where_its_item_is_due():
    def items():
        yield 1
        raise ValueError("no more")

    made = ahead.made_ahead(items())
    assert next(made) == 1
    with pytest.raises(ValueError, match="no more"):
        next(made)


def test_the_thread_ends_with_the_iterator():
    before = threading.active_count()
    made = ahead.made_ahead(iter(range(1, 100)))
    next(made)
    assert threading.active_count() == before + 1
    made.close()
    assert threading.active_count() == before


def test_workers_leave_the_other_cores_to_others(monkeypatch):
    monkeypatch.setattr(ahead.os, "sched_getaffinity", lambda _: {0, 1}, raising=False)
    monkeypatch.delenv(ahead.ONE_THREAD, raising=False)
    assert ahead.has_spare_core()
    monkeypatch.setenv(ahead.ONE_THREAD, "1")
    assert not ahead.has_spare_core()
    monkeypatch.delenv(ahead.ONE_THREAD)
    monkeypatch.setattr(ahead.multiprocessing, "parent_process", object)
    assert not ahead.has_spare_core()
    monkeypatch.undo()
    monkeypatch.setattr(ahead.os, "sched_getaffinity", lambda _: {1}, raising=False)
    assert not ahead.has_spare_core()
