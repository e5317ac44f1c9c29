"""What a log's replay found, both variants of the tags side by side."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..estimate.intervals import Estimate
from .verdict import interval, number

if TYPE_CHECKING:
    import pandas as pd
    from rich.table import Table

SCORES = {"auc": "AUC", "auc_within_campaign": "AUC within campaign", "log_loss": "log loss"}
MONEY = {"clicks": "clicks", "spend": "cost", "ecpc": "eCPC"}


def model_table(models: pd.DataFrame) -> Table:
    """How well each rung tells clicks, mean over the splits into folds."""
    variants = list(dict.fromkeys(models["tags"]))
    table = _table("How well each rung of the ladder tells clicks")
    table.add_column("rung")
    for score in SCORES.values():
        for tags in variants:
            table.add_column(f"{score}\n{_plain(tags)}", justify="right")
    means = models.groupby(["rung", "tags"], sort=False)[list(SCORES)].mean()
    for rung in dict.fromkeys(models["rung"]):
        digits = [
            _digits(float(means.loc[(rung, tags), score]), score) for score in SCORES for tags in variants
        ]
        table.add_row(str(rung), *digits)
    return table


def _digits(value: float, score: str) -> str:
    """A score; a dash where there is none, as of ranks within campaigns that have clicks alone or none."""
    return f"{value:.{5 if score == 'log_loss' else 3}f}" if np.isfinite(value) else "-"


def money_table(summary: pd.DataFrame) -> Table:
    """Profit with its interval and what was bought, without a budget limit."""
    rows = summary[(summary["estimand"] == "utility") & ~np.isfinite(summary["budget_share"])]
    variants = list(dict.fromkeys(rows["tags"]))
    units = dict(zip(rows["metric"], rows["unit"], strict=True))
    table = _table(
        f"Without a budget limit: profit and cost in {units.get('focal_profit', '')}, eCPC per click"
    )
    table.add_column("arm", no_wrap=True)
    for tags in variants:
        table.add_column(f"profit\n{_plain(tags)}", justify="right")
        table.add_column(f"95 % interval\n{_plain(tags)}", justify="right", no_wrap=True)
    for name in MONEY.values():
        for tags in variants:
            table.add_column(f"{name}\n{_plain(tags)}", justify="right")
    for arm in dict.fromkeys(rows["arm"]):
        own = rows[rows["arm"] == arm].set_index(["metric", "tags"])
        cells = [text for tags in variants for text in _profit(own, tags)]
        cells += [
            number(own["estimate"].get((metric, tags), np.nan)) for metric in MONEY for tags in variants
        ]
        table.add_row(str(arm), *cells)
    return table


def _profit(rows: pd.DataFrame, tags: str) -> tuple[str, str]:
    profit, low, high = (
        float(rows[name].loc[("focal_profit", tags)]) for name in ("estimate", "ci_low", "ci_high")
    )
    return number(profit), interval(Estimate(profit, low, high, 0))


def _plain(tags: str) -> str:
    return {"all": "all tags", "without_suspects": "w/o"}.get(tags, tags)


def _table(title: str) -> Table:
    from rich import box
    from rich.table import Table

    note = "w/o: without the suspect tags"
    return Table(title=title, box=box.SIMPLE_HEAD, title_justify="left", caption=note, caption_justify="left")
