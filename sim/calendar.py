"""The calendar: SimPy's event queue in whole microseconds, with a count of what happened, first and last when.

Its events are the only moments at which knowledge or permission changes. Events at time t come before requests at t.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Generator, Iterable

import simpy

Action = Callable[[], None]

FOREVER = 1 << 62
AFTER_EVENTS = 2
"""SimPy priority of a block of requests: after everything else at the same microsecond."""


class Calendar:
    """Events by kind, in time order; ``counts`` says how many of each kind have come.

    ``first_us`` and ``last_us`` say when the first and the last of each kind came.
    """

    def __init__(self) -> None:
        self._env = simpy.Environment(initial_time=0)
        self.counts: Counter[str] = Counter()
        self.first_us: dict[str, int] = {}
        self.last_us: dict[str, int] = {}
        self._market = self._pause = self._env.event()

    @property
    def now_us(self) -> int:
        """The clock; all delays are whole, and so is it."""
        return int(self._env.now)

    @property
    def next_us(self) -> int:
        """When the next event is due; ``FOREVER`` if none is."""
        return int(min(self._env.peek(), FOREVER))

    def every(self, interval_us: int, kind: str, action: Action, first_us: int | None = None) -> None:
        """Do ``action`` at ``first_us`` (one interval from now if not given) and then at every interval."""
        self._env.process(self._repeat(interval_us, kind, action, first_us))

    def at(self, times_us: Iterable[int], kind: str, action: Action) -> None:
        """Do ``action`` at each of these times, which must not lie in the past."""
        for time_us in times_us:
            event = self._env.timeout(time_us - self._env.now)
            event.callbacks.append(lambda _: self._happen(kind, action))

    def start(self, market: Generator[simpy.Event, None, None]) -> None:
        """Let ``market`` hold auctions from now on, until it ends."""
        self._market = self._env.process(market)
        self._market.defused = True  # `advance` raises its error, as it is

    def advance(self) -> bool:
        """Run until an action has called ``pause``, or the market has ended; return whether it goes on."""
        self._pause = self._env.event()
        while not (self._pause.processed or self._market.processed):
            self._env.step()
        if self._market.processed and isinstance(self._market.value, BaseException):
            raise self._market.value
        return not self._market.processed

    def pause(self) -> None:
        """End the current ``advance`` when the events of this moment have come."""
        if not self._pause.triggered:
            self._pause.succeed()

    def requests_at(self, time_us: int) -> simpy.Event:
        """The moment of a request, for the process that holds auctions: after every event of that microsecond."""
        event = simpy.Event(self._env)
        event._ok, event._value = True, None  # noqa: SLF001  (as simpy.Timeout does; only the priority differs)
        self._env.schedule(event, priority=AFTER_EVENTS, delay=time_us - self._env.now)  # type: ignore[arg-type]
        self._note("block", time_us)
        return event

    def _repeat(
        self, interval_us: int, kind: str, action: Action, first_us: int | None
    ) -> Generator[simpy.Event, None, None]:
        yield self._env.timeout(interval_us if first_us is None else first_us - self._env.now)
        while True:
            self._happen(kind, action)
            yield self._env.timeout(interval_us)

    def _happen(self, kind: str, action: Action) -> None:
        self._note(kind, self.now_us)
        action()

    def _note(self, kind: str, time_us: int) -> None:
        self.counts[kind] += 1
        self.first_us.setdefault(kind, time_us)
        self.last_us[kind] = time_us
