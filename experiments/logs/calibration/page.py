"""The page of a calibration: simulated beside real, for each thing that was fitted."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import logit

from jointbid.sim.audience import COMMON, draw_types, joint_law, scores
from jointbid.sim.response import truth
from jointbid.sim.scenario import HOUR_US, MICROS_PER_CPM, Scenario
from jointbid.sim.streams import Streams
from jointbid.sim.supply import chunks

from ..inspection.survey import place_of
from ..replay.prediction_quality import weighted_auc
from .fit import Fit, score_correlation

Floats = NDArray[np.float64]
Row = tuple[str, float, float]
"""What, real, simulated."""
DRAWN = 200_000
PARTS = 4
"""The number of groups in which types are shown, the lowest scores first."""


def sections(fit: Fit, scenario: Scenario, seed: int) -> dict[str, list[Row]]:
    """Return the rows of each section of the page."""
    drawn = scenario.model_copy(update={"supply": scenario.supply.model_copy(update={"requests": DRAWN})})
    streams = Streams(seed, 0)
    parts = [
        (c.time_us, c.floor_micros, c.price_micros, draw_types(drawn, streams, COMMON, c.visits)["context"])
        for c in chunks(drawn, streams, None)
    ]
    time_us, floor, rival, context = (np.concatenate(column) for column in zip(*parts, strict=True))
    price = np.maximum(floor, rival)
    real, simulated = _cells(fit), _law(scenario)
    ctr = _percent(np.average(fit.clicks, weights=fit.weight), simulated[1].sum() / simulated[0].sum())
    untagged = fit.weight[fit.profile < 0].sum() / fit.weight.sum()
    missing = _percent(untagged, 1 - np.mean(scenario.source["profile"].match_rate))
    found: dict[str, Iterable[Row]] = {
        "Arrival curve: share of the requests in each hour of the day, %": _arrivals(fit, time_us),
        "Price landscape with floors": _prices(fit, floor, price),
        "Price by page": _price_levels(fit, price, context, scenario.supply.context_types),
        "Click rate": [("CTR, %", *ctr)],
        "Profile and context clusters": _clusters(real, simulated),
        "Joint distribution: share of the requests in each pair of quarters, %": _joint(fit, real, simulated),
        "Interaction": _interaction(fit, real, simulated),
        "Missing tags": [("requests without a profile, %", *missing)],
    }
    return {head: list(rows) for head, rows in found.items()}


def page_title(name: str) -> str:
    """Return the first line of the page."""
    return f"# {name}: simulated beside real"


def about(fit: Fit, scenario: Scenario, path: str) -> list[str]:
    """Return what it was fitted to, how to play it, and what was remarked on."""
    how = f"Play it with `jointbid value --config-dir DIR scenario={scenario.name}`, DIR/scenario/ being the folder of {path}."
    return [f"Fitted to {fit.log.path}: {fit.log.rows}. {how}", *fit.log.facts, *fit.log.notes]


def page(fit: Fit, scenario: Scenario, found: dict[str, list[Row]], path: str) -> str:
    """Return the page as Markdown."""
    first, *remarks = about(fit, scenario, path)
    lines = [page_title(scenario.name), "", first, ""]
    lines += [*(f"* {remark}" for remark in remarks), *([""] if remarks else [])]
    for head, rows in found.items():
        lines += [f"## {head}", "", "| | real | simulated |", "|---|---|---|"]
        lines += [f"| {what} | {digits(real)} | {digits(simulated)} |" for what, real, simulated in rows]
        lines.append("")
    return "\n".join([*lines, f"## {UNKNOWN}", "", *(f"* {note}" for note in NOTES)]) + "\n"


UNKNOWN = "What the fit cannot know"
NOTES = (
    "Prices above the logger's own bid are in no log of won impressions, and so in no scenario fitted to one.",
    "Clusters come from learned scores; what the models do not show, the world does not have. So real slopes are at least as steep.",
    "Rivals' prices depend on the page by their level in each context type; they are taken to be independent of the person and the hour.",
    "The correlation of the two scores holds on average; where the joint table differs from it, the world's mixture is too simple.",
)


def _cells(fit: Fit) -> tuple[Floats, Floats]:
    """Return impressions and clicks by profile and context type, of rows with a profile."""
    types = int(fit.context.max()) + 1
    there = fit.profile >= 0
    key = fit.profile[there] * types + fit.context[there]
    shape = (types, types)
    count = np.bincount(key, fit.weight[there], minlength=types**2).reshape(shape)
    clicks = np.bincount(key, (fit.weight * fit.clicks)[there], minlength=types**2).reshape(shape)
    return count.astype(np.float64), clicks.astype(np.float64)


def _law(scenario: Scenario) -> tuple[Floats, Floats]:
    """Return the same of the scenario, exactly."""
    types = (scenario.audience.profile_types, scenario.supply.context_types)
    law = joint_law(types, (scenario.response.redundancy,))
    click = np.asarray(truth(scenario).click).reshape(*types, -1)[..., 0]
    return law, law * click


def _percent(real: Any, simulated: Any) -> tuple[float, float]:
    return 100 * float(real), 100 * float(simulated)


def _arrivals(fit: Fit, time_us: NDArray[np.int64]) -> Iterator[Row]:
    real = np.bincount(fit.hour, fit.weight, minlength=24) / fit.weight.sum()
    simulated = np.bincount(time_us // HOUR_US % 24, minlength=24) / len(time_us)
    shown = fit.is_large(fit.hour, 24)
    for hour in range(24):
        yield f"{hour:02d} h", *_percent(real[hour] if shown[hour] else np.nan, simulated[hour])


def _prices(fit: Fit, floor: NDArray[np.int64], price: NDArray[np.int64]) -> Iterator[Row]:
    frame, weight = fit.log.frame, fit.weight
    own, low = frame["price_micros"].to_numpy(), frame["floor_micros"].to_numpy()
    mean = (float(np.average(own, weights=weight)), float(price.mean()))
    yield f"mean market price, {fit.log.currency} CPM", mean[0] / MICROS_PER_CPM, mean[1] / MICROS_PER_CPM
    for share in (0.1, 0.25, 0.5, 0.75, 0.9):
        pair = (_quantile(own, weight, share), _quantile(price, np.ones(len(price)), share))
        yield f"market price, {share:.0%} quantile", pair[0] / MICROS_PER_CPM, pair[1] / MICROS_PER_CPM
    for what, real, simulated in (
        ("requests with a floor, %", low > 0, floor > 0),
        ("prices equal to the floor, %", (low > 0) & (low == own), (floor > 0) & (floor == price)),
    ):
        yield what, *_percent(weight[real].sum() / weight.sum(), simulated.mean())


def _quantile(amounts: NDArray[np.int64], weight: Floats, share: float) -> float:
    """Return the least amount that at least this share of the weight does not exceed."""
    order = np.argsort(amounts, kind="stable")
    return float(amounts[order][place_of(np.cumsum(weight[order]), share)])


def _price_levels(
    fit: Fit, price: NDArray[np.int64], context: NDArray[np.int64], types: int
) -> Iterator[Row]:
    """Yield mean prices in the quarters of the context types."""
    real = (fit.log.frame["price_micros"].to_numpy() / MICROS_PER_CPM, fit.weight, fit.context)
    simulated = (price / MICROS_PER_CPM, np.ones(len(price)), context)
    sides = [
        (np.bincount(where, money * weight, types), np.bincount(where, weight, types))
        for money, weight, where in (real, simulated)
    ]
    yield from _quarters(f"mean price in quarter {{}} of the context scores, {fit.log.currency} CPM", sides)


def _quarters(
    what: str, sides: Sequence[tuple[NDArray[Any], NDArray[Any]]], scale: float = 1.0
) -> Iterator[Row]:
    """Yield totals per count in quarters of the types; each side holds both, shape (types,)."""
    size = len(sides[0][0])
    parts = min(PARTS, size)
    group = np.arange(size) * parts // size
    rates = [_per(np.bincount(group, total), np.bincount(group, count)) for total, count in sides]
    for part in range(parts):
        yield what.format(part + 1), scale * float(rates[0][part]), scale * float(rates[1][part])


def _grouped(cells: Floats, parts: int) -> Floats:
    """Sum cells of types in `parts` groups each way; shape (parts, parts)."""
    group = [np.arange(size) * parts // size for size in cells.shape]
    found = np.zeros((parts, parts))
    np.add.at(found, (group[0][:, None], group[1][None, :]), cells)
    return found


def _clusters(real: tuple[Floats, Floats], simulated: tuple[Floats, Floats]) -> Iterator[Row]:
    for axis, source in ((1, "profile"), (0, "context")):
        sides = [(clicks.sum(axis=axis), count.sum(axis=axis)) for count, clicks in (real, simulated)]
        yield from _quarters(f"CTR in quarter {{}} of the {source} scores, %", sides, 100)
        order = scores(len(sides[0][0]))
        auc = [weighted_auc(order, clicks, count - clicks) for clicks, count in sides]
        yield f"AUC of the {source} types", float(auc[0]), float(auc[1])
    both = _per(simulated[1], simulated[0])
    auc = [weighted_auc(both, clicks, count - clicks) for count, clicks in (real, simulated)]
    yield "AUC of both", auc[0], auc[1]


def _joint(fit: Fit, real: tuple[Floats, Floats], simulated: tuple[Floats, Floats]) -> Iterator[Row]:
    parts = min(PARTS, *real[0].shape)
    quarter = [types * parts // real[0].shape[0] for types in (fit.profile, fit.context)]
    pair = np.where(fit.profile < 0, -1, quarter[0] * parts + quarter[1])
    shown = fit.is_large(pair, parts**2).reshape(parts, parts)
    shares = [_grouped(side[0], parts) / side[0].sum() for side in (real, simulated)]
    for x, z in np.ndindex(parts, parts):
        cell = shares[0][x, z] if shown[x, z] else np.nan
        yield f"profile quarter {x + 1}, context quarter {z + 1}", *_percent(cell, shares[1][x, z])
    yield "correlation of the scores", score_correlation(real[0]), score_correlation(simulated[0])


def _interaction(fit: Fit, real: tuple[Floats, Floats], simulated: tuple[Floats, Floats]) -> Iterator[Row]:
    d = float(fit.tree["response"]["interaction"])
    yield f"interaction d (standard error {fit.interaction_sd:.3f})", d, d
    found = []
    for count, clicks in (real, simulated):
        half = [_grouped(cells, 2) for cells in (count, clicks)]
        odds = logit(np.clip(half[1] / np.maximum(half[0], 1e-300), 1e-12, 1 - 1e-12))
        found.append(float(odds[1, 1] - odds[1, 0] - odds[0, 1] + odds[0, 0]))
    yield "log-odds, double difference of the halves", found[0], found[1]


def _per(total: NDArray[np.generic], count: NDArray[np.generic]) -> Floats:
    """Return totals per row, any equal shapes; nan where there are no rows."""
    return np.divide(total, count, out=np.full(np.shape(count), np.nan), where=np.asarray(count) > 0)


def digits(value: float) -> str:
    """Return a number to four digits; a dash for nan."""
    return "-" if np.isnan(value) else f"{value:.4g}"
