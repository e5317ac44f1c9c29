"""The accounts of one run: their stages, now and as far back as anybody's copy may reach, and their stocks of preference."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..audience import type_of
from ..scenario import HOUR_US, Scenario
from ..streams import Streams
from .kernel import PurchaseTally, move, settle
from .process import ONWARD, STAGES, journey_law


class BuyerAccounts:
    """Moved by the calendar at every step; read between two steps. Stage paths are the same in every arm of a study.

    ``owner`` names the streams of the facts that belong to people, so that an account's segment is the profile type of all its
    people. ``back_us`` is how far back a copy of the stages may reach: so long the world has run before hour 0. ``advertisers`` is
    the number of those who have a stock of preference, empty at first.
    """

    def __init__(
        self, scenario: Scenario, streams: Streams, owner: str, back_us: int, advertisers: int
    ) -> None:
        law = journey_law(scenario)
        journey, self._law, self._streams = law.journey, law, streams
        self.group = journey.group
        self.step_us = round(journey.step_h * HOUR_US)
        people = scenario.audience.people or 0
        n = people // journey.group
        first = np.arange(n, dtype=np.int64) * journey.group
        self.segment = type_of(streams.at(f"profile/{owner}", first), scenario.audience.profile_types)
        self._rows = -(-back_us // self.step_us) + 2
        self._path = np.zeros((self._rows, n), dtype=np.uint8)
        self.step = 0
        for step in range(0, 1 - self._rows, -1):  # the same past, however far back anybody looks
            after = self._path[(step + 1) % self._rows]
            chance = law.back[self.segment, after] if step else law.start[self.segment]
            self._path[step % self._rows] = self._drawn(f"journey/{step or 'start'}", chance)
        self.census: list[NDArray[np.int64]] = []
        self.tallied: list[dict[str, Any]] = []
        self.stock, self.fresh = np.zeros((2, n, advertisers))
        self._seller = np.full(n, -1, dtype=np.int16)
        self._sales: list[tuple[NDArray[np.int64], NDArray[np.int16]]] = []
        self.tally = PurchaseTally(
            expected=np.zeros(advertisers),
            without=np.zeros(advertisers),
            bought=np.zeros(advertisers, np.int64),
            due=np.zeros(1),
            decisions=np.zeros(1, np.int64),
            outside=np.zeros(1, np.int64),
        )

    @property
    def stage(self) -> NDArray[np.uint8]:
        """Stages now, shape (accounts,)."""
        return self._now()

    def stages_at(self, time_us: NDArray[np.int64], person: NDArray[np.int64]) -> NDArray[np.int32]:
        """The stage that each person's account was in at a time that is not further back than ``back_us``; shape (n,)."""
        row = np.minimum(time_us // self.step_us, self.step) % self._rows
        return np.asarray(self._path[row, person // self.group], dtype=np.int32)

    def advance(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """A step: stocks, purchases, stages. Returns what it adds to expected purchases, and to those without own ads."""
        law, before = self._law, self._now()
        self._move()
        expected, without = self.tally.expected.copy(), self.tally.without.copy()
        settle(
            before, self._now(), self.segment, law.leave, self.stock, self.fresh, law.kept,
            law.journey.power, law.journey.outside, law.journey.base, self._streams.key64(f"choice/{self.step}"), self.tally,
            self._seller,
        )  # fmt: skip
        buyers = np.flatnonzero(self._seller >= 0)
        self._sales.append((buyers, self._seller[buyers]))
        self._note()
        return self.tally.expected - expected, self.tally.without - without

    def columns(self) -> dict[str, NDArray[Any]]:
        """What happened step by step: ``hour``, accounts in each stage from then on, and what was decided by then, added up."""
        if not self.census:
            return {}
        census = np.stack(self.census)
        hours = (np.arange(len(census)) + 1) * (self.step_us / HOUR_US)
        return {
            "hour": hours,
            **{stage: census[:, number] for number, stage in enumerate(STAGES)},
            **{name: np.array([row[name] for row in self.tallied]) for name in self.tallied[0]},
        }

    def sales(self) -> dict[str, NDArray[Any]]:
        """Every purchase as realised, in order: ``hour`` of the step, ``account``, and the ``advertiser``'s number."""
        if not self._sales:
            return {}
        hours = (np.arange(len(self._sales)) + 1) * (self.step_us / HOUR_US)
        return {
            "hour": np.repeat(hours, [len(buyers) for buyers, _ in self._sales]),
            "account": np.concatenate([buyers for buyers, _ in self._sales]),
            "advertiser": np.concatenate([sellers for _, sellers in self._sales]),
        }

    def _note(self) -> None:
        self.census.append(np.bincount(self._now(), minlength=len(STAGES)))
        self.tallied.append(
            {
                "decisions_expected": float(self.tally.due[0]),
                "decisions": int(self.tally.decisions[0]),
                "bought_outside": int(self.tally.outside[0]),
            }
        )

    def _now(self) -> NDArray[np.uint8]:
        now: NDArray[np.uint8] = self._path[self.step % self._rows]
        return now

    def _move(self) -> None:
        before = self._now()
        self.step += 1
        key = self._streams.key64(f"journey/{self.step}")
        move(before, self._now(), self.segment, self._law.leave, self._law.lapse, ONWARD, key)

    def _drawn(self, name: str, law: NDArray[np.float64]) -> NDArray[np.uint8]:
        """A stage for each account from its own law, shape (accounts, stages)."""
        u = self._streams.uniform(name, 0, len(law))
        return np.asarray((u[:, None] >= np.cumsum(law, axis=1)[:, :-1]).sum(axis=1), dtype=np.uint8)
