"""The rows of some campaigns of a log."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection

import pyarrow as pa
import pyarrow.compute as pc

from ...errors import BadInput, closest
from .row_audit import RowAudit
from .row_sampling import compact

SHOWN = 20
MOST_NAMES = 100_000


class CampaignFilter:
    """Keeps the rows of the campaigns that are wanted, and knows which others there were."""

    def __init__(self, wanted: Collection[str]) -> None:
        self._wanted = pa.array(list(wanted), pa.string())
        self._missed, self._others = set(wanted), Counter[str]()

    def of(self, table: pa.Table, audit: RowAudit) -> pa.Table:
        """The chunk's rows of these campaigns; the others are dropped, and counted."""
        names = table["campaign"].combine_chunks().cast(pa.string())
        mine = pc.is_in(names, value_set=self._wanted)
        if self._missed:
            there = Counter({pair["values"]: pair["counts"] for pair in pc.value_counts(names).to_pylist()})
            self._missed -= set(there)
            if len(self._others) < MOST_NAMES:
                self._others += there
        kept = table.filter(mine)
        audit.dropped["of other campaigns"] += len(table) - len(kept)
        return compact(kept)

    def check(self, audit: RowAudit) -> None:
        """Raise `BadInput` for campaigns that did not occur."""
        known = [name for name, _ in self._others.most_common(SHOWN)]
        problems = [
            f"supply.campaign = {name}: {audit.path} has no rows of it that can be used; it has {', '.join(known)}"
            + closest(name, self._others)
            for name in sorted(self._missed)
        ]
        if problems:
            raise BadInput(problems)
