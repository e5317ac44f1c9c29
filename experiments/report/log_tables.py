"""What a log's replay found, both variants of the tags side by side."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from rich.table import Table

from .numbers import estimate_of, number
from .tables import between, middle, text_table

SCORES = {"auc": "AUC", "auc_within_campaign": "AUC within campaign", "log_loss": "log loss"}
NOTE = "w/o: without the suspect tags"
MONEY = {"clicks": "clicks", "spend": "cost", "ecpc": "eCPC"}


def model_table(models: pd.DataFrame) -> Table:
    """How well each rung predicts clicks, mean over the splits into folds."""
    variants = list(dict.fromkeys(models["tags"]))
    means = models.groupby(["rung", "tags"], sort=False)[list(SCORES)].mean()
    rows = [
        (rung, *(float(means.loc[(rung, tags), score]) for score in SCORES for tags in variants))
        for rung in dict.fromkeys(models["rung"])
    ]
    columns = [
        (f"{name}\n{_plain(tags)}", partial(_digits, score=score))
        for score, name in SCORES.items()
        for tags in variants
    ]
    title = "How well each rung of the ladder predicts clicks"
    return text_table(title, rows, ("rung", str), *columns, caption=NOTE)


def _digits(value: float, score: str) -> str:
    """A score; a dash without one, as of ranks within campaigns that have clicks alone or none."""
    return f"{value:.{5 if score == 'log_loss' else 3}f}" if np.isfinite(value) else "-"


def money_table(summary: pd.DataFrame) -> Table:
    """Profit with its interval and what was bought, without a budget limit."""
    rows = summary[(summary["estimand"] == "utility") & ~np.isfinite(summary["budget_share"])]
    variants = list(dict.fromkeys(rows["tags"]))
    units = dict(zip(rows["metric"], rows["unit"], strict=True))
    title = f"Without a budget limit: profit and cost in {units.get('focal_profit', '')}, eCPC per click"
    cells = []
    for arm in dict.fromkeys(rows["arm"]):
        own = rows[rows["arm"] == arm].set_index(["metric", "tags"])
        profits = [own.loc[("focal_profit", tags)] for tags in variants]
        found = [estimate_of(row.to_dict()) for row in profits]
        bought = [own["estimate"].get((metric, tags), np.nan) for metric in MONEY for tags in variants]
        cells.append((arm, *(profit for profit in found for _ in range(2)), *bought))
    heads: dict[str, Callable[[Any], str]] = {"profit": middle, "95 % interval": between}
    columns = [(f"{head}\n{_plain(tags)}", write) for tags in variants for head, write in heads.items()]
    columns += [(f"{name}\n{_plain(tags)}", number) for name in MONEY.values() for tags in variants]
    return text_table(title, cells, ("arm", str), *columns, caption=NOTE)


def _plain(tags: str) -> str:
    return {"all": "all tags", "without_suspects": "w/o"}.get(tags, tags)
