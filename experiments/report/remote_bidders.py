"""What a reader must know of bidders elsewhere: whether results can be repeated, and how the bidders answered."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pandas as pd

from jointbid.sim.scenario import StrategySpec
from jointbid.strategies.openrtb.counts import PREFIX, UNANSWERED
from jointbid.strategies.registry import BRIDGES

from ..config.settings import Settings

MEASURED = "the answer times of a bidder elsewhere are measured (latency=measured)"

REFUSED = (
    "http_4xx", "http_5xx", "http_other", "malformed", "too_large", "wrong_id", "wrong_imp", "wrong_currency", "bad_price",
)  # fmt: skip
"""Outcomes that say that the bidder, or the way to it, is wrong."""


def remote_specs(settings: Settings) -> list[StrategySpec]:
    """Return the strategies of the settings that are played elsewhere."""
    bidders, named = settings.scenario.bidders, getattr(settings.study, "strategies", None) or ()
    kinds = [kind.strategy for kind in bidders.kinds.values() if kind.strategy is not None]
    return [spec for spec in (bidders.strategy, *kinds, *named) if spec.name in BRIDGES]


def reproducibility(settings: Settings) -> dict[str, Any]:
    """Return what the manifest says of it; nothing where no bidder is elsewhere."""
    specs = remote_specs(settings)
    if not specs:
        return {}
    is_measured = any(spec.params.get("latency") == "measured" for spec in specs)
    why = {"not_reproducible": MEASURED} if is_measured else {}
    return {"reproducible": not is_measured, **why, "remote_bidders": [spec.model_dump() for spec in specs]}


def remote_notes(settings: Settings, bidders: pd.DataFrame) -> Iterator[str]:
    """Yield a sentence for each thing that a reader must know; ``bidders`` are rows of bidders, of one run or of many cells."""
    if not remote_specs(settings):
        return
    about = reproducibility(settings)
    if not about["reproducible"]:
        yield f"Not reproducible: {MEASURED}."

    def total(name: str) -> int:
        column = f"{PREFIX}{name}"
        return int(bidders[column].sum()) if column in bidders else 0

    if total("answered_differently"):
        yield (
            f"The bidder is not deterministic: {total('answered_differently'):,} of {total('asked_again'):,} requests that were sent twice "
            "had another answer the second time. Not reproducible, and its chance is part of every difference."
        )
    if silent := {name: total(name) for name in sorted(UNANSWERED) if total(name)}:
        each = ", ".join(f"{count:,} {name}" for name, count in silent.items())
        yield (
            f"Not reproducible: {sum(silent.values()):,} of {total('requests'):,} requests had no answer ({each}), and count as no bid."
        )
    if wrong := {name: total(name) for name in REFUSED if total(name)}:
        each = ", ".join(f"{count:,} {name}" for name, count in wrong.items())
        yield f"{sum(wrong.values()):,} of {total('requests'):,} answers of the bidder were refused ({each}), and count as no bid."
    failed, withheld = total("notices_failed"), total("notices_withheld")
    if failed or withheld:
        yield f"Notices that did not arrive: {failed:,} failed, {withheld:,} to hosts that are not allowed; the bidder's books lack them."


def answer_counts(bidders: pd.DataFrame) -> pd.DataFrame:
    """Return a row for each bidder elsewhere and each of its counts that is not 0: ``bidder``, ``count of``, ``number``."""
    rows = [
        (row["bidder"], name.removeprefix(PREFIX), int(row[name]))
        for row in bidders.to_dict("records")
        for name in map(str, bidders)
        if name.startswith(PREFIX) and row[name] > 0
    ]
    return pd.DataFrame(rows, columns=["bidder", "count of", "number"])
