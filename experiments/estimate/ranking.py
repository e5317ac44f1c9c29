"""Who is ahead of whom: paired comparisons of all, ranks that they allow, and what the best response would have gained.

Tables in which scores come have one row a replication and one column a strategy, in the study's unit of money.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import combinations

import numpy as np
import pandas as pd

from .intervals import LEVEL, contrast, mean_interval
from .multiple import holm

COMPARISON_COLUMNS = (
    "format", "strategy", "other", "metric", "unit", "estimate", "ci_low", "ci_high", "n_replications", "p_value",
    "p_holm", "finding",
)  # fmt: skip
RANKING_COLUMNS = (
    "format", "strategy", "rank", "rank_best", "rank_worst", "metric", "unit", "estimate", "ci_low", "ci_high",
    "n_replications", "tied_with",
)  # fmt: skip
PAYOFF_COLUMNS = (
    "strategy", "opponent", "metric", "unit", "estimate", "ci_low", "ci_high", "n_replications", "best_response",
    "regret", "regret_low", "regret_high",
)  # fmt: skip
SEAT_PROFIT = "profit"
AHEAD, BEHIND, TIED, UNKNOWN = "ahead", "behind", "no difference shown", "no interval"


def comparisons(scores: pd.DataFrame, format_: str, unit: str) -> pd.DataFrame:
    """Every two strategies, paired by replication.

    Returns:
        Columns `COMPARISON_COLUMNS`: the difference `strategy - other` with its own 95 % interval; its p-value, alone and
        after Holm's correction for all comparisons of this format; and the finding, which goes by the latter.
    """
    pairs = list(combinations(scores.columns, 2))
    found = [contrast(scores, {a: 1.0, b: -1.0}) for a, b in pairs]
    p_values = [difference.p_value for difference in found]
    rows = []
    for (a, b), difference, p, corrected in zip(pairs, found, p_values, holm(p_values), strict=True):
        numbers = (difference.estimate, difference.ci_low, difference.ci_high, difference.n)
        rows.append(
            (
                format_,
                a,
                b,
                SEAT_PROFIT,
                unit,
                *numbers,
                p,
                corrected,
                _finding(difference.estimate, corrected),
            )
        )
    return pd.DataFrame(rows, columns=list(COMPARISON_COLUMNS))


def ranking(scores: pd.DataFrame, compared: pd.DataFrame, format_: str, unit: str) -> pd.DataFrame:
    """Strategies by their mean score, with the ranks that the comparisons allow each.

    `rank` goes by the mean, equal means sharing one; nan for a strategy without a completed replication. `rank_best` is
    1 + how many are shown to be ahead, `rank_worst` the number of strategies less how many are shown to be behind: as
    the comparisons are right together with 95 % confidence, so are these (Mogstad, Romano, Shaikh & Wilhelm 2024).
    `tied_with` names those from which no difference is shown.

    Returns:
        Columns `RANKING_COLUMNS`, the best first.
    """
    means = scores.mean()
    known = means.notna()
    rows = []
    for strategy in scores.columns:
        verdicts = _verdicts(compared, strategy)
        ahead = [other for other, verdict in verdicts.items() if verdict == BEHIND]
        behind = [other for other, verdict in verdicts.items() if verdict == AHEAD]
        tied = [other for other in verdicts if other not in {*ahead, *behind}]
        score = mean_interval(scores[strategy])
        rows.append(
            (
                format_,
                strategy,
                1 + int((means > means[strategy]).sum()) if known[strategy] else np.nan,
                1 + len(ahead),
                len(scores.columns) - len(behind),
                SEAT_PROFIT,
                unit,
                *(score.estimate, score.ci_low, score.ci_high, score.n),
                ", ".join(tied),
            )
        )
    table = pd.DataFrame(rows, columns=list(RANKING_COLUMNS))
    return table.sort_values("rank", kind="stable", ignore_index=True)


def payoffs(matrix: Mapping[tuple[str, str], pd.Series], best: Mapping[str, str], unit: str) -> pd.DataFrame:
    """What each strategy gains against each opponent, and what the best response among those present gains above that.

    Args:
        matrix: (strategy, opponent) -> its profit, one a replication.
        best: the best response to each opponent, chosen on replications that are not among these.
        unit: of the profit.

    Returns:
        Columns `PAYOFF_COLUMNS`; a regret below 0 says that the response chosen was not the best one here.
    """
    rows = []
    for (strategy, opponent), profit in matrix.items():
        own = mean_interval(profit)
        pair = pd.DataFrame({"best": matrix[best[opponent], opponent], "own": profit})
        regret = contrast(pair, {"best": 1.0, "own": -1.0})
        numbers = (own.estimate, own.ci_low, own.ci_high, own.n)
        amounts = (regret.estimate, regret.ci_low, regret.ci_high)
        rows.append((strategy, opponent, SEAT_PROFIT, unit, *numbers, best[opponent], *amounts))
    return pd.DataFrame(rows, columns=list(PAYOFF_COLUMNS))


def best_responses(matrix: Mapping[tuple[str, str], pd.Series]) -> dict[str, str]:
    """Opponent -> the strategy that gains most against it on average; the first of equals, and one whose profit is known."""
    best: dict[str, str] = {}
    gains = {pair: float(profit.mean()) for pair, profit in matrix.items()}
    for (strategy, opponent), gain in gains.items():
        most = gains[best[opponent], opponent] if opponent in best else np.nan
        if np.isnan(most) or gain > most:
            best[opponent] = strategy
    return best


def _finding(difference: float, p_holm: float) -> str:
    if np.isnan(p_holm):
        return UNKNOWN
    if p_holm >= 1.0 - LEVEL or difference == 0:
        return TIED
    return AHEAD if difference > 0 else BEHIND


def _verdicts(compared: pd.DataFrame, strategy: str) -> dict[str, str]:
    """How a strategy stands to each other one: ahead, behind, or neither."""
    turned = {AHEAD: BEHIND, BEHIND: AHEAD}
    first, second = compared["strategy"] == strategy, compared["other"] == strategy
    forward = dict(zip(compared["other"][first], compared["finding"][first], strict=True))
    back = zip(compared["strategy"][second], compared["finding"][second], strict=True)
    return {other: turned.get(finding, finding) for other, finding in back} | forward
