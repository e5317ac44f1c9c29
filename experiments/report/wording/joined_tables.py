"""What joining tables is worth where they are joined otherwise, by campaign and net of costs: the rows of `joins.csv`, and sentences on them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from ...estimate.money import CostTerms
from ...logs.replay.plan import PER


class JoinedRow(NamedTuple):
    """A row of `joins.csv`.

    Attributes:
        curve: `match_rate`, `false_matches`, `staleness_h`, or the campaign.
        at: the share of keys kept or permuted, or the lag in hours; nan of a campaign.
        match_rate: share of the log's rows with a record; nan of a campaign.
        estimate, ci_low, ci_high: of the value of joint data.
        unit: of these.
        extrapolated: whether no log was joined in this way.
        band_low, band_high: the least and the greatest estimate over the landscapes that stand in for prices; nan of a log with prices.
    """

    curve: str
    at: float
    match_rate: float
    estimate: float
    ci_low: float
    ci_high: float
    unit: str
    extrapolated: bool
    band_low: float = np.nan
    band_high: float = np.nan


@dataclass(frozen=True)
class LookupCosts:
    """What joining costs: a thousand look-ups by source, of which ``added`` are needed, and the firm's own costs where a volume is stated."""

    lookup_cpm: Mapping[str, float] = field(default_factory=dict)
    terms: CostTerms | None = None
    added: Collection[str] = ()

    def sentences(self, worth: JoinedRow, unit: str) -> list[str]:
        """Return what joining is worth net of costs, in words; nothing where none are set."""
        lookups = 1e3 * sum(self.lookup_cpm.get(name, 0.0) for name in self.added)
        net = [end - lookups for end in (worth.estimate, worth.ci_low, worth.ci_high)]
        said = []
        if lookups > 0:
            said.append(
                f"look-ups cost {lookups:,.3g} {unit} (source.<name>.cost_per_lookup_cpm): net of them joining is worth "
                f"{net[0]:,.3g} ({net[1]:,.3g} to {net[2]:,.3g})"
            )
        if terms := self.terms:
            month = [end * terms.requests_per_month / PER - terms.monthly for end in net]
            after = (
                f"paid back after {terms.payback(month[0]):,.1f} months"
                if month[0] > 0
                else "never paid back"
            )
            said.append(
                f"at {terms.requests_per_month:,.0f} a month, net of {terms.monthly:,.6g} a month, joining is worth "
                f"{month[0]:,.4g} ({month[1]:,.4g} to {month[2]:,.4g}) {unit.partition(' per ')[0]} a month"
                + (f"; {terms.once:,.6g} once are {after}" if terms.once else "")
            )
        return said


def joined_sentences(rows: Sequence[JoinedRow], unit: str, costs: LookupCosts, folds: int) -> list[str]:
    """Return what the table says, in words."""

    def of(row: JoinedRow) -> str:
        band = (
            "" if np.isnan(row.band_low) else f"; over landscapes {row.band_low:,.3g} to {row.band_high:,.3g}"
        )
        return f"{row.estimate:,.3g} ({row.ci_low:,.3g} to {row.ci_high:,.3g}{band})"

    curve = [row for row in rows if row.curve == "match_rate"]
    measured = [row for row in curve if not row.extrapolated]
    said = [
        f"joining by match rate, in {unit}: "
        + ", ".join(f"{row.match_rate:.0%} {of(row)}" for row in measured)
        + f"; the last is the tables' own, the others keep a part of its keys ({folds} folds)"
    ]
    if higher := [row for row in curve if row.extrapolated]:
        said.append(
            "higher match rates are extrapolated by a straight line, as if people whom the tables lack were like those they "
            "have: " + ", ".join(f"{row.match_rate:.0%} {of(row)}" for row in higher)
        )
    for name, what in (
        ("staleness_h", "records as old as"),
        ("false_matches", "keys that find another person's record:"),
    ):
        if own := [row for row in rows if row.curve == name]:
            shown = (
                f"{row.at:g} h {of(row)}" if name == "staleness_h" else f"{row.at:.0%} {of(row)}"
                for row in own
            )
            said.append(f"joining with {what} " + ", ".join(shown))
    if own := [row for row in rows if row.curve.startswith("campaign ")]:
        said.append(
            "joining by campaign: "
            + ", ".join(f"{row.curve.removeprefix('campaign ')} {of(row)}" for row in own)
        )
    return said + costs.sentences(measured[-1], unit)
