"""Worlds drawn from the stated ranges: in what share of them joining pays, and what decides it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ...cells.cell import Cell
from ...config.settings import Settings
from ...config.value_settings import ValueStudy
from ...storage.cell_results import Ledger
from .. import sampled_markets as drawn
from ..business import overtaking, upgrade
from ..business import own_data as switching
from ..cell_plans import Plan, unit

if TYPE_CHECKING:
    import pandas as pd

FINDINGS = {
    "positive": "joining pays",
    "negative": "joining costs",
    "no difference shown": "no difference shown",
}
"""What a world's own interval shows, and how it is called."""
NET_FINDINGS = {
    "positive": "pays after costs",
    "negative": "does not pay after costs",
    "no difference shown": "no difference shown after costs",
}
"""The same of its present value after costs."""
LEADS = {
    "positive": "the slow plan ends ahead",
    "negative": "the slow plan ends behind",
    "no difference shown": "no lead shown",
}
"""The same where two plans for the same money are compared."""
UPGRADES = {
    "positive": "better data pay",
    "negative": "better data cost",
    "no difference shown": "no difference shown by better data",
}
"""The same of better joint data against those at hand."""


@dataclass(frozen=True)
class World:
    """A market with the values that were drawn for it."""

    number: int
    values: dict[str, Any]
    plan: Plan
    building: switching.Steps | None = None
    """Where the world's firm builds data of its own."""
    plans: overtaking.Plans | None = None
    """Where it compares two plans for the same money."""
    better: upgrade.Upgrade | None = None
    """Where its joint data could be better."""

    @property
    def replications(self) -> range:
        """Those that it is worked on with."""
        return range(self.plan.study.curve.replications)


def worlds(settings: Settings[ValueStudy]) -> list[World]:
    """The worlds asked for.

    Raises:
        BadInput: no range to draw from, or values that make no market.
    """
    found = []
    for number, values in enumerate(drawn.worlds(settings)):
        plan = drawn.market(settings, values, requests=settings.study.curve.requests, name=f"world {number}")
        building = switching.steps(plan.settings, (0.0, 0.5, 1.0), plan.point)
        plans = overtaking.plans(plan.settings, plan.point)
        better = upgrade.upgrade(plan.settings, plan.point)
        found.append(World(number, values, plan, building, plans, better))
    return found


def cells(found: list[World]) -> list[Cell]:
    """What the value of joint data needs in each of them."""
    return [
        cell
        for world in found
        for cell in (
            *drawn.cells(world.plan, len(world.replications)),
            *switching.cells(world.building),
            *(world.plans.cells(world.replications) if world.plans else ()),
            *(world.better.cells(world.replications) if world.better else ()),
        )
    ]


def world_table(found: list[World], ledger: Ledger) -> pd.DataFrame:
    """A row a world: the drawn values, the value of joint data with its interval, and what that shows; failed ones are left out."""
    import pandas as pd

    from ...estimate import mean_interval

    rows = []
    for world in found:
        values = drawn.differences(world.plan, len(world.replications), ledger)
        if values is not None:
            value = mean_interval(values)
            result = {"value": value.estimate, "ci_low": value.ci_low, "ci_high": value.ci_high}
            rows.append({
                "world": world.number, **world.values, **result, "finding": value.finding,
                **_net(world, ledger), **_lead(world, ledger), **_upgrade(world, ledger),
            })  # fmt: skip
    return pd.DataFrame(rows)


def _net(world: World, ledger: Ledger) -> dict[str, Any]:
    """Present value after costs with its interval, and what that shows; nothing where no volume is stated."""
    from ...estimate import mean_interval
    from ..business.money import per_request, terms

    known = terms(world.plan.settings)
    found = drawn.there(world.plan, len(world.replications), ledger)
    if known is None or found is None:
        return {}
    cells, silo = found
    if world.building is None:
        value, data_cost, _ = per_request(cells, silo, silo)
        net = mean_interval(known.annuity * known.a_month(value, data_cost) - known.once)
    else:
        pilot, here = (
            switching.switching(world.plan.settings, world.building, ledger, pilot=pilot)
            for pilot in (True, False)
        )
        if pilot is None or here is None:
            return {}
        net = here.net_value(pilot.best_month())
    ends = {"net": net.estimate, "net_low": net.ci_low, "net_high": net.ci_high}
    return {**ends, "net_finding": net.finding}


def _lead(world: World, ledger: Ledger) -> dict[str, Any]:
    """The slow plan's lead at the end with its interval, what that shows, and the month from which it stays ahead."""
    found = world.plans.lead(world.replications, ledger) if world.plans else None
    if found is None:
        return {}
    lead = found.at_the_end()
    ends = {"lead": lead.estimate, "lead_low": lead.ci_low, "lead_high": lead.ci_high}
    return {**ends, "lead_finding": lead.finding, "overtaking_month": found.month().estimate}


def _upgrade(world: World, ledger: Ledger) -> dict[str, Any]:
    """What better joint data are worth with its interval, and what that shows."""
    from ...estimate import mean_interval

    gained = world.better.differences(world.replications, ledger) if world.better else None
    if gained is None:
        return {}
    found = mean_interval(gained)
    ends = {"upgrade": found.estimate, "upgrade_low": found.ci_low, "upgrade_high": found.ci_high}
    return {**ends, "upgrade_finding": found.finding}


def rows(table: pd.DataFrame, settings: Settings[ValueStudy]) -> Iterator[dict[str, Any]]:
    """For ``summary.csv``: shares of worlds by what was shown, the mean value, and each key's rank correlation with it."""
    from ...estimate import mean_interval
    from ...estimate.ladder import PROFIT, summary_row

    if table.empty:
        return
    _, money = unit(settings)
    yield from drawn.share_rows(table, "finding", FINDINGS)
    yield summary_row("value_over_worlds", "mean", PROFIT, money, mean_interval(table["value"]))
    yield from drawn.key_rows(table, "value", "decided_by", settings.study.ranges)
    if "net_finding" in table:
        yield from drawn.share_rows(table, "net_finding", NET_FINDINGS)
        yield from drawn.key_rows(table, "net", "net_decided_by", settings.study.ranges)
    if "lead_finding" in table:
        yield from drawn.share_rows(table, "lead_finding", LEADS)
        yield from drawn.key_rows(table, "lead", "lead_decided_by", settings.study.ranges)
    if "upgrade_finding" in table:
        yield from drawn.share_rows(table, "upgrade_finding", UPGRADES)
        yield from drawn.key_rows(table, "upgrade", "upgrade_decided_by", settings.study.ranges)


def sentences(summary: pd.DataFrame, count: int) -> Iterator[str]:
    """In what share of worlds joining pays, and which keys go with its value; then the same after costs."""
    from ...report.verdict import counted
    from ...report.wording.sampled_markets import WHICH, goes_with

    before = _shares(summary, FINDINGS)
    if before is None:
        return
    yield (
        f"Of {counted(count, 'world')} drawn from the stated ranges joining is shown to pay in {before[0]}, and to cost in {before[1]}; "
        f"{WHICH}."
    )
    yield from goes_with(summary, "decided_by", "its value")
    if after := _shares(summary, NET_FINDINGS):
        yield f"After costs it is shown to pay in {after[0]} of these worlds, and not to pay in {after[1]}."
        yield from goes_with(summary, "net_decided_by", "its net value")
    if leads := _shares(summary, LEADS):
        yield f"The slow plan is shown to end ahead of the fast one in {leads[0]} of these worlds, and behind it in {leads[1]}."
        yield from goes_with(summary, "lead_decided_by", "its lead")
    if better := _shares(summary, UPGRADES):
        yield f"Better data (study.upgrade) are shown to pay in {better[0]} of these worlds, and to cost in {better[1]}."
        yield from goes_with(summary, "upgrade_decided_by", "their value")


def _shares(summary: pd.DataFrame, names: dict[str, str]) -> list[str] | None:
    """Shares of worlds with a positive and a negative finding, in words; None where there are none."""
    from ...report.wording.sampled_markets import percent, share_of

    found = [share_of(summary, names[finding]) for finding in ("positive", "negative")]
    return [percent(one) for one in found if one] if all(found) else None
