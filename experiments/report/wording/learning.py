"""What joining is worth where values are learned, and what learning costs, in sentences."""

from __future__ import annotations

import math
from collections.abc import Iterator

import pandas as pd

from ...config.value_settings import ValueSettings
from ...estimate.intervals import Estimate
from ...estimate.ladder import lookup
from ...estimate.learning import AMOUNT, COST, LEARNED, LOST_TO_LEARNING, OVER_EXACT_SILO, PAYS_FROM
from ...estimate.sides import Sides
from ..numbers import claim


def learning_sentences(
    summary: pd.DataFrame, study: ValueSettings, sides: Sides, money: str
) -> Iterator[str]:
    """What joining is worth to who has to learn, and what learning costs with all data and with the silo's."""
    value, lost = lookup(summary, f"{LEARNED}value_of_joint_data"), lookup(summary, LOST_TO_LEARNING)
    if value is None or lost is None:
        return

    def changed(found: Estimate, more: str, less: str) -> str:
        amount = "{amount} ({interval})"
        none, unknown = "no difference shown ({amount}, {interval})", "a difference of {amount} (no interval)"
        return claim(found, more.format(amount), loss=less.format(amount), none=none, unknown=unknown)

    joining = changed(value, f"joining is worth {{}} {money}", f"joining costs {{}} {money}")
    yield (
        f"Learned from {study.train_requests:,} randomised impressions: {joining}; against what there is to know "
        f"{changed(lost, '{} less', '{} more')}."
    )
    costs = {arm: lookup(summary, COST, arm=arm) for arm in ("joint", sides.silo)}
    parts = [
        f"{sides.label(arm)} {changed(found, '{}', 'a gain of {}')}" for arm, found in costs.items() if found
    ]
    yield f"Learning costs, in {money}: {', '.join(parts)}."
    if alone := lookup(summary, OVER_EXACT_SILO):
        over = changed(alone, f"joining is worth {{}} {money}", f"joining costs {{}} {money}")
        yield f"Against a silo that has nothing left to learn, {over}."
    if study.valuation != "both":
        yield "The same over the size of the log, with the size from which joining is shown to pay: study.valuation=both."


def threshold_sentences(summary: pd.DataFrame) -> Iterator[str]:
    """Yield from which size of log on joining is shown to pay."""
    found = lookup(summary, PAYS_FROM, AMOUNT)
    if found is None:
        return
    if math.isinf(found.estimate):
        yield "At no size of log that was tried is joining shown to pay where values are learned."
    else:
        yield f"Where values are learned, joining is shown to pay from a log of {found.estimate:,.0f} impressions on, of the sizes tried."
