"""`jointbid log join FILE supply.mapping=FILE.yaml`."""

from __future__ import annotations

from jointbid.sim.scenario import LogSupply

from ..config.points import load
from ..logs.formats.joins.join_counts import count_joins
from ..logs.formats.registry import open_joined
from ..logs.rows.row_audit import RowAudit
from ..report import tables
from ..report.wording.join_counts import join_sentences, join_tables
from .log import Call, override


def main(call: Call) -> int:
    """Show what joining the tables of a mapping to a log gives, before anything is learned."""
    supply = load("value", [override(call), *call.overrides])[0].settings.scenario.supply
    assert isinstance(supply, LogSupply)  # noqa: S101 - its path says so
    audit = RowAudit(supply.path, drop_bad=supply.drop_bad, private=True)
    found = count_joins(open_joined(supply), audit)
    least = supply.min_group
    tables.show(*join_tables(found, least), *join_sentences(found, least))
    return 0
