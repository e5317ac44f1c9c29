"""What a market draws in one replication, kept for the next run of it: runs that differ in their bidders alone meet the same requests.

A draw belongs to its stream and position (``jointbid.sim.streams``), so that nothing is other than if it were drawn again.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from numpy.typing import NDArray

from .scenario import Scenario, SyntheticSupply
from .sources import Facts, SourceDraws
from .streams import Streams
from .supply import Chunk, Log, chunks

MOST_REQUESTS = 1 << 20
"""A market with more requests is drawn anew in each run: its columns take some 100 bytes a request."""


class ChunkColumns(NamedTuple):
    """What no bidder changes of a chunk's columns, as far as a run has needed it.

    ``facts`` by owner; ``columns`` by what they say, the owner whose draws they show, and the source; ``draws`` by such an owner and
    source; ``rows`` of each product by owner.
    """

    facts: dict[str, Facts]
    columns: dict[tuple[str, ...], NDArray[Any]]
    draws: dict[tuple[str, str], SourceDraws]
    rows: dict[str, list[NDArray[Any]]]


class Drawn:
    """The requests of one market and replication, and what no bidder changes of their columns.

    For ``simulate(..., drawn=...)``, of this scenario, seed and replication alone.
    """

    def __init__(self) -> None:
        self._chunks: dict[str, list[Chunk]] = {}
        self._columns: dict[int, ChunkColumns] = {}

    def chunks(
        self, scenario: Scenario, streams: Streams, log: Log | None, contexts_of: str
    ) -> Iterator[Chunk]:
        """Yield the requests of one run, as ``supply.chunks`` does; those that an earlier run has drawn are kept."""
        if contexts_of in self._chunks:
            yield from self._chunks[contexts_of]
            return
        made = []
        for chunk in chunks(scenario, streams, log, contexts_of):
            if _is_kept(scenario):
                made.append(chunk)
            yield chunk
        if made:
            self._chunks[contexts_of] = made

    def of(self, chunk: Chunk, scenario: Scenario) -> ChunkColumns:
        """Return what is kept of a chunk's columns, to be added to."""
        fresh = ChunkColumns({}, {}, {}, {})
        return self._columns.setdefault(chunk.start, fresh) if _is_kept(scenario) else fresh


def _is_kept(scenario: Scenario) -> bool:
    """Whether a market is made here, and has few enough requests."""
    supply = scenario.supply
    return isinstance(supply, SyntheticSupply) and supply.requests <= MOST_REQUESTS
