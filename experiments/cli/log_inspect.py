"""`jointbid log inspect FILE`."""

from __future__ import annotations

from collections.abc import Collection

import pandas as pd
import pyarrow as pa
from rich.table import Table

from jointbid.sim.scenario import LogSupply

from ..config.points import load
from ..logs.formats.registry import all_formats, open_log
from ..logs.inspection.advice import has_lost_rows, warnings
from ..logs.inspection.survey import Histogram, Survey
from ..logs.log_table import Reader, RowCount
from ..logs.read_log import MOST_NAMES, stream
from ..logs.rows.row_audit import RowAudit
from ..report import tables
from .log import Call, override


def main(call: Call) -> int:
    """Show what a log contains, and warnings."""
    supply = load("value", [override(call), *call.overrides])[0].settings.scenario.supply
    assert isinstance(supply, LogSupply)  # noqa: S101 - its path says so
    name, reader = open_log(supply)
    # Rows that cannot be used are counted, and the first of them shown: the command is there for that.
    audit, survey = RowAudit(supply.path, tolerant=True), Survey(reader.roles)
    small = SmallGroups(supply.min_group if reader.joins else 0)
    for table in stream(reader, audit, supply.campaign):
        survey.add(table)
        small.add(table)
    survey.close()
    suspects = survey.leaks.suspects()
    shown = [f"  {text}" for text in audit.shown]
    tables.show(
        facts(survey, reader, f"{supply.path}: {all_formats()[name].about} ({name})", small.names),
        features(survey),
        f"Rows: {RowCount(audit.read, audit.used, audit.reasons)}",
        *(
            ["Rows that cannot be used (supply.drop_bad=true leaves them out elsewhere too):", *shown]
            if shown
            else []
        ),
        *(f"Note: {text}" for text in (*audit.sentences, *reader.facts)),
        *(f"- {text}" for text in warnings(survey, reader, suspects)),
    )
    return 0


class SmallGroups:
    """Finds campaigns of fewer than `least` persons, whose counts are not shown; none where `least` is 0."""

    def __init__(self, least: int) -> None:
        self._least = least
        self._people: dict[str, set[str]] = {}

    def add(self, table: pa.Table) -> None:
        """Take some rows."""
        if not self._least or "user" not in table.column_names:
            return
        rows = table.select(["campaign", "user"]).to_pandas().astype(str).drop_duplicates()
        for campaign, own in rows.groupby("campaign")["user"]:
            known = self._people.setdefault(str(campaign), set())
            if len(known) < self._least:
                known.update(own)

    @property
    def names(self) -> set[str]:
        """The campaigns found."""
        return {name for name, people in self._people.items() if len(people) < self._least}


def facts(survey: Survey, reader: Reader, title: str, small: Collection[str] = ()) -> Table:
    """Return what the log contains, in a table, without counts of the `small` campaigns."""
    table = tables.text_table(
        title, _facts(survey, reader, small), ("what", str), ("is", str), caption="", left=2
    )
    table.show_header = False
    return table


def _facts(survey: Survey, reader: Reader, small: Collection[str]) -> list[tuple[str, str]]:
    hours = (survey.last_us - survey.first_us) / 3.6e9
    price, floor = survey.price, survey.floor
    ends = ", ".join(f"{share:.0%} {_quantile(price, share)}" for share in (0.1, 0.5, 0.9))
    known = (
        f"{survey.rows:,}, standing for {survey.weight:,.0f}"
        if survey.weight != survey.rows
        else f"{survey.rows:,}"
    )
    rows = [
        ("rows used", known),
        ("span", f"{hours:,.2f} h, from {_moment(survey.first_us)} to {_moment(survey.last_us)}"),
        ("clicks", f"{survey.clicks:,}; CTR {survey.ctr:.4%}"),
        (
            "market price",
            "none in the log"
            if not reader.has_prices
            else f"{reader.currency} CPM: mean {price.mean / 1e3:,.3f}; {ends}; highest {price.most / 1e3:,.3f}",
        ),
        (
            "floors",
            f"{floor.above_0:.0%} of the rows have one; {survey.at_floor / max(survey.weight, 1e-300):.0%} of the prices equal it"
            + (f"; median of all {_quantile(floor, 0.5)} CPM" if floor.above_0 > 0 else ""),
        ),
        ("campaigns", _campaigns(survey, small)),
        (
            "information",
            "full: losing rows are logged too"
            if reader.full_information
            else "impressions without prices"
            if not reader.has_prices
            else "won and lost rows, which the mapping does not tell apart"
            if has_lost_rows(survey, reader)
            else "one-sided: won impressions alone",
        ),
    ]
    if survey.conversions is not None:
        rows.insert(3, ("conversions", f"{survey.conversions:,}"))
    return rows


def _quantile(amounts: Histogram, share: float) -> str:
    """Return a quantile in CPM: three digits after the point where it is exact, three significant ones from bins of 1.1 %."""
    cpm = amounts.quantile(share) / 1e3
    if amounts.is_exact or not cpm > 0:
        return f"{cpm:,.3f}"
    rounded = float(f"{cpm:.3g}")
    lowest, highest = amounts.least / 1e3, amounts.most / 1e3
    return f"about {rounded:,.6g}" if lowest <= rounded <= highest else f"{cpm:,.3f}"


def _moment(time_us: int) -> str:
    """Return a date, or hours from the log's start where it has no dates."""
    if time_us > 5 * 365 * 86_400_000_000:
        return str(pd.Timestamp(time_us, unit="us").floor("s"))
    return f"hour {time_us / 3.6e9:.2f}"


def _campaigns(survey: Survey, small: Collection[str]) -> str:
    most = sorted(survey.campaigns.items(), key=lambda item: -item[1][0])
    shown = ", ".join(
        f"{name} ({'too few persons to be shown' if name in small else f'{rows:,} rows, {clicks:,} clicks'})"
        for name, (rows, clicks) in most[:9]
    )
    count = f"{len(most):,}" if len(most) < MOST_NAMES else f"{MOST_NAMES:,} or more"
    return f"{count}: {shown}" + (", ..." if len(most) > 9 else "")


def features(survey: Survey) -> Table:
    """Return the feature columns by data source: distinct values, and where they are missing."""
    rows = [
        (source, name, len(survey.values.get(name, ())), *survey.missing.get(name, [0, 0]))
        for source in (*survey.roles.sources, "ad")
        for name in survey.roles.of(source)
    ]
    return tables.text_table(
        "Feature columns",
        rows,
        ("source", str),
        ("column", str),
        ("values", lambda seen: f"{seen:,}" if seen < MOST_NAMES else f"{MOST_NAMES:,} or more"),
        ("missing", lambda gone: f"{gone / max(survey.rows, 1):.1%}"),
        ("on clicks", lambda gone: f"{gone / survey.clicks:.1%}" if survey.clicks else "-"),
        caption="",
        left=2,
    )
