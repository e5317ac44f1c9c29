"""The ladder and the estimands as tables for the terminal; plain text where there is no terminal."""

from __future__ import annotations

import copy
import io
import math
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
from rich import box
from rich.console import Console, RenderableType
from rich.style import Style
from rich.table import Table
from rich.text import Text

from ..cells.lattice import JOINT, Lattice
from ..estimate.intervals import Estimate
from ..estimate.ladder import lookup
from ..estimate.metrics import MARKET_METRICS, METRICS
from ..estimate.sides import Sides
from .numbers import estimate_of, interval, number
from .table_fit import parts_of

NOT_SHOWN = "~"
"""Stands before a comparison whose interval spans zero, or that has none."""

FOOTNOTE = f"{NOT_SHOWN} no difference shown: the paired interval spans zero, or there is none"
PLAIN_WIDTH = 80
"""Columns of tables that no terminal gets."""
DASH = "-"

ROWS = {
    ("value_of_joint_data", "focal_profit"): "value of joint data",
    ("value_of_joint_data", "focal_profit_pct"): "the same in %",
    ("same_request_step", "focal_profit"): "same-request step",
    ("joint_model_step", "focal_profit"): "joint-model step",
    ("bidding_better", "focal_profit"): "bidding better",
    ("showing_better", "focal_profit"): "showing better",
    ("double_counting_penalty", "focal_profit"): "penalty of counting twice",
    ("cost_of_seeing_clicks", "focal_profit"): "cost of seeing clicks alone",
    ("synergy", "focal_profit"): "synergy",
    **{("value_of_joint_data", metric): f"change of {METRICS[metric].change}" for metric in MARKET_METRICS},
    ("frozen_value_of_joint_data", "focal_profit"): "value of joint data, rivals' curves frozen",
    ("frozen_value_of_joint_data", "revenue"): "change of revenue, rivals' curves frozen",
    ("frozen_value_of_joint_data", "payments"): "change of payments, rivals' curves frozen",
    ("effect_of_reoptimising", "focal_profit"): "re-optimising, on the value",
    ("effect_of_reoptimising", "revenue"): "re-optimising, on revenue",
    ("effect_of_reoptimising", "payments"): "re-optimising, on payments",
}
"""Estimand and metric of each row of the second table, in its order, with its name there."""


def middle(estimate: Estimate | None) -> str:
    """Return the point estimate as text; a dash without one."""
    return DASH if estimate is None else number(estimate.estimate)


def between(estimate: Estimate | None) -> str:
    """Return the interval as text; a dash without one."""
    return interval(estimate) if estimate is not None and estimate.has_interval else DASH


def percent(estimate: Estimate | None) -> str:
    """Return a share as percent; a dash without one."""
    if estimate is None or math.isnan(estimate.estimate):
        return DASH
    return f"{number(100 * estimate.estimate)} %"


def signed(estimate: Estimate | None) -> str:
    """Return a signed number, marked where its interval shows no sign."""
    if estimate is None or math.isnan(estimate.estimate):
        return DASH
    sign = "+" if estimate.estimate > 0 else ""
    mark = "" if estimate.finding in {"positive", "negative"} else f"{NOT_SHOWN} "
    return f"{mark}{sign}{number(estimate.estimate)}"


def text_table(
    title: str,
    rows: Iterable[Sequence[Any]],
    *columns: tuple[str, Callable[[Any], str]],
    caption: str = FOOTNOTE,
    left: int = 1,
) -> Table:
    """Return a table for the terminal.

    Args:
        title: above it.
        rows: the values of each row, one for each column.
        columns: each with its head, and how it writes a value.
        caption: below it.
        left: number of columns, from the first, that are aligned left.
    """
    table = blank_table(title, caption)
    for place, (head, _) in enumerate(columns):
        table.add_column(head, justify="left" if place < left else "right", no_wrap=left == 1 and place == 0)
    for row in rows:
        table.add_row(*(write(value) for (_, write), value in zip(columns, row, strict=True)))
    return table


def value_table(title: str, table: pd.DataFrame, head: str, name: Callable[[dict[Any, Any]], str]) -> Table:
    """Return a table with a row for each of these estimates: its name, its value and its interval."""
    rows = [(name(row), *[estimate_of(row)] * 2) for row in table.to_dict("records")]
    return text_table(title, rows, (head, str), ("value", middle), ("95 % interval", between), caption="")


def ladder_table(summary: pd.DataFrame, sides: Sides) -> Table:
    """The arms as rows: profit with its interval, paired differences to none and to the silo, win rate."""
    utility = _rows(summary, "utility", "focal_profit")
    arms = list(utility["arm"])
    rows = [
        (
            sides.label(arm),
            *[lookup(summary, "utility", arm=arm)] * 2,
            lookup(summary, "difference_to_none", arm=arm),
            lookup(summary, "difference_to_silo", arm=arm),
            lookup(summary, "utility", "win_rate", arm),
        )
        for arm in arms
    ]
    table = text_table(
        f"Profit of each arm, {_first(utility['unit'])}", rows, ("arm", str), ("profit", middle),
        ("95 % interval", between), ("over none", signed), (f"over {sides.label(sides.silo)}", signed),
        ("win rate", percent),
    )  # fmt: skip
    for arm, row in zip(arms, table.rows, strict=True):
        row.end_section = arm == JOINT
    return table


def estimand_table(summary: pd.DataFrame, sides: Sides) -> Table:
    """What separates the arms: each estimand with its interval, the metrics of the market among them."""
    money = summary.loc[summary["metric"] == "focal_profit", "unit"]
    rows = [
        (name, row["arm"], *[estimate_of(row)] * 2)
        for (estimand, metric), name in ROWS.items()
        for row in _rows(summary, estimand, metric).to_dict("records")
    ]
    title = f"What joining changes (siloed: {sides.label(sides.silo)}), {_first(money)}"
    columns = (("estimand", str), ("comparison", str), ("estimate", signed), ("95 % interval", between))
    return text_table(title, rows, *columns, left=2)


def source_table(summary: pd.DataFrame, sources: Sequence[str]) -> Table:
    """What each source adds: alone, to a holder of all others, and on average over all orders of joining."""
    lattice = Lattice(tuple(sources))
    rows = []
    for source in sources:
        rest = lattice.arm([other for other in sources if other != source])
        added = [lookup(summary, "marginal_value", arm=f"{source} | {given}") for given in ("none", rest)]
        rows.append((source, *added, *[lookup(summary, "shapley", arm=source)] * 2))
    unit = _first(_rows(summary, "shapley", "focal_profit")["unit"])
    return text_table(
        f"What each source adds, {unit}", rows, ("source", str), ("alone", signed), ("added last", signed),
        ("on average (Shapley)", signed), ("95 % interval", between),
    )  # fmt: skip


def learning_table(costs: pd.DataFrame) -> Table:
    """Each arm with exact and with learned values, and what learning costs it."""
    rows = []
    for row in costs.to_dict("records"):
        cost = Estimate(row["cost_of_learning"], row["ci_low"], row["ci_high"], row["n_replications"])
        rows.append((row["arm"], row["bayes"], row["learned"], cost, cost))
    return text_table(
        f"What learning costs, {_first(costs['unit'])}", rows, ("arm", str), ("exact", number),
        ("learned", number), ("cost of learning", signed), ("95 % interval", between),
    )  # fmt: skip


def linked(label: str, file: Path) -> Text:
    """Return a line with the path of a file, which terminals that know links open."""
    return Text(label, overflow="fold").append(str(file), Style(link=file.absolute().as_uri()))


def show(*parts: RenderableType, console: Console | None = None) -> None:
    """Print tables and sentences; on anything but a terminal as plain text whose sentences are lines."""
    console = console or Console(highlight=False, markup=False, emoji=False)
    if not console.is_terminal:
        console.file.write(plain(*parts))
        return
    for part in parts:
        for piece in parts_of(part, console) if isinstance(part, Table) else [part]:
            console.print(piece, markup=False, emoji=False)


def plain(*parts: RenderableType) -> str:
    """Return tables and sentences as text without colour, in characters that every terminal has; tables fit 80 columns."""
    text = io.StringIO()
    console = Console(
        file=text,
        width=PLAIN_WIDTH,
        color_system=None,
        force_terminal=False,
        highlight=False,
        markup=False,
        emoji=False,
    )
    for part in parts:
        if isinstance(part, Table):
            table = copy.copy(part)  # the caller's own keeps its lines
            table.box = box.ASCII2
            for piece in parts_of(table, console):
                console.print(piece, markup=False, emoji=False)
        else:
            console.print(part, soft_wrap=isinstance(part, str | Text), markup=False, emoji=False)
    return "\n".join(line.rstrip() for line in text.getvalue().splitlines()) + "\n"


def blank_table(title: str, caption: str = "") -> Table:
    """Return a table of the common look without columns yet."""
    return Table(
        title=Text(title),
        caption=Text(caption) if caption else None,
        box=box.SIMPLE_HEAD,
        title_justify="left",
        caption_justify="left",
    )


def _rows(summary: pd.DataFrame, estimand: str, metric: str) -> pd.DataFrame:
    return summary[(summary["estimand"] == estimand) & (summary["metric"] == metric)]


def _first(values: pd.Series) -> str:
    return str(values.iloc[0]) if len(values) else ""
