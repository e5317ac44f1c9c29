"""The calendar: SimPy's event queue in whole microseconds, with a count of what happened, first and last when.

Its events are the only moments at which knowledge or permission changes. Events at time t come before requests at t.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from heapq import heappush
from itertools import count

import simpy
from simpy.events import NORMAL, URGENT

Action = Callable[[], None]
Callback = Callable[[simpy.Event], None]

FOREVER = 1 << 62


class Tally:
    """How many events of one kind have come, and when the first and the last of them came; ``come`` has it once one has."""

    __slots__ = ("_come", "_kind", "count", "first_us", "last_us")

    def __init__(self, kind: str, come: dict[str, Tally]) -> None:
        self._kind, self._come = kind, come
        self.count = self.first_us = self.last_us = 0

    def note(self, time_us: int) -> None:
        """Another one comes."""
        if not self.count:
            self.first_us = time_us
            self._come[self._kind] = self
        self.count += 1
        self.last_us = time_us


class _Queue(simpy.Environment):
    """SimPy's queue without its makers of processes, which refer back to it: a run that has ended leaves no circle behind."""

    def __init__(self) -> None:
        self._now, self._queue, self._eid, self._active_proc = 0, [], count(), None


class Calendar:
    """Events by kind, in time order; ``tallies`` has each kind of which one has come, ``blocks`` the blocks of requests."""

    def __init__(self) -> None:
        self._env = _Queue()
        self.tallies: dict[str, Tally] = {}
        self._known: dict[str, Tally] = {}
        self.blocks = self._tally("block")
        self.now_us = 0
        """The time of the event that comes, or of the requests that have been settled since the last one."""
        self.next_us = FOREVER
        """When the next event is due after the requests that are held now; ``FOREVER`` if none is."""
        self._queue = self._env._queue  # noqa: SLF001 - its head says what comes next, and with which priority
        self._is_paused = False
        self._market: Iterator[int] = iter(())
        self._market_us = FOREVER
        """When the market's next requests come."""
        self._has_ended = False

    def every(self, interval_us: int, kind: str, action: Action, first_us: int | None = None) -> None:
        """Do ``action`` at ``first_us`` (one interval from now if not given) and then at every interval."""
        env, note, event, queue = self._env, self._tally(kind).note, self._event(), self._queue

        def happen(_: simpy.Event) -> None:
            now_us = self.now_us
            note(now_us)
            action()
            event.callbacks = again
            heappush(queue, (now_us + interval_us, NORMAL, next(env._eid), event))  # noqa: SLF001 - as in _put

        def begin(_: simpy.Event) -> None:
            self._put(event, again, int(env.now) + interval_us if first_us is None else first_us)

        again: list[Callback] = [happen]
        # put down when the run begins: at one moment, what was put on the calendar by its times comes first
        self._put(event, [begin], int(env.now), URGENT)

    def count_every(self, interval_us: int, kind: str, until_us: int) -> None:
        """Count the events of a kind that came at every interval up to a moment, and did nothing."""
        if times := until_us // interval_us:
            tally = self._tally(kind)
            tally.note(interval_us)
            tally.count, tally.last_us = times, times * interval_us

    def at(self, times_us: Iterable[int], kind: str, action: Action) -> None:
        """Do ``action`` at each of these times, which must not lie in the past."""
        env, note, event, times = self._env, self._tally(kind).note, self._event(), sorted(times_us)
        if times and times[0] < env.now:
            raise ValueError(f"{kind} at {times[0]} us: lies before {self.now_us} us")
        upcoming, number = iter(times), next(env._eid)  # noqa: SLF001

        def happen(_: simpy.Event) -> None:
            note(self.now_us)
            put_next()
            action()

        def put_next() -> None:  # one at a time, each in the place of its moment that all of them had now
            if (time_us := next(upcoming, None)) is not None:
                event.callbacks = again
                heappush(self._queue, (time_us, NORMAL, number, event))
            else:
                again.clear()  # it refers to itself

        again: list[Callback] = [happen]
        put_next()

    def start(self, market: Iterator[int]) -> None:
        """Let ``market`` hold auctions from now on, until it ends: it yields the time of its next requests, and goes on then.

        It goes on after each event of that microsecond.
        """
        self._market = market
        self._put(self._event(), [lambda _: self._go_on()], self.now_us, URGENT)

    def advance(self) -> bool:
        """Run until an action has called ``pause``, or the market has ended; return whether it goes on."""
        self._is_paused = False
        env, queue, step = self._env, self._queue, self._env.step
        while not self._has_ended:
            if not queue or queue[0][0] > self._market_us:
                env._now = self.now_us = self._market_us  # noqa: SLF001 - as env.run(until=...) does, with an event for it
                self._go_on()
                continue
            self.now_us = int(queue[0][0])
            step()
            if self._is_paused and (not queue or queue[0][0] > self.now_us):
                break
        return not self._has_ended

    def pause(self) -> None:
        """End the current ``advance`` when the events of this moment have come."""
        self._is_paused = True

    def _go_on(self) -> None:
        """Have the market hold its auctions up to the next event, and say when its next requests come."""
        queue = self._queue
        self.next_us = int(queue[0][0]) if queue else FOREVER
        try:
            self._market_us = next(self._market)
        except StopIteration:
            self._has_ended = True
            for _, _, _, event in self._queue:
                event.callbacks.clear()  # they refer to themselves, and to the run
            self._queue.clear()
            return
        self.blocks.note(self._market_us)

    def _event(self) -> simpy.Event:
        event = simpy.Event(self._env)
        event._ok, event._value = True, None  # noqa: SLF001 - as simpy.Timeout does
        return event

    def _put(
        self, event: simpy.Event, callbacks: list[Callback], time_us: int, priority: int = NORMAL
    ) -> None:
        """Schedule an event for a time; one that has come can be put down again, which costs less than another one."""
        event.callbacks = callbacks
        # Environment.schedule takes a delay from now and adds it again
        heappush(self._queue, (time_us, priority, next(self._env._eid), event))  # type: ignore[misc]  # noqa: SLF001

    def _tally(self, kind: str) -> Tally:
        return self._known.setdefault(kind, Tally(kind, self.tallies))
