"""Strategies of files in tables, sentences and plots: without the folder where that tells them apart."""

from __future__ import annotations

import pandas as pd
import pytest

from jointbid.experiments.report.strategy_names import notes, short_names
from jointbid.experiments.report.wording.benchmark import verdict as benchmark_verdict
from jointbid.experiments.report.wording.tournament import payoff_table, verdict

LONG = "acme_saver/src/acme_saver/strategy.py:AcmeSaver"
NAMES = (LONG, "truthful", "linear(gain=0.123456789, and_a_long_parameter=0.5)")


@pytest.mark.parametrize(
    ("labels", "shown"),
    [
        ([LONG, "truthful"], ["strategy.py:AcmeSaver", "truthful"]),
        ([f"{LONG}(kp=3)", f"{LONG}(kp=4)"], ["strategy.py:AcmeSaver(kp=3)", "strategy.py:AcmeSaver(kp=4)"]),
        (["a/m.py:X", "b/m.py:X", "b/m.py:Y"], ["a/m.py:X", "b/m.py:X", "m.py:Y"]),
        (["a/m.py:X", "m.py:X"], ["a/m.py:X", "m.py:X"]),
        (["C:\\mine\\m.py:X", "linear(gain=0.5)"], ["m.py:X", "linear(gain=0.5)"]),
        (["a/m.py:X(path=b/c.py:d)"], ["m.py:X(path=b/c.py:d)"]),
    ],
)
def test_the_folder_is_left_out_where_the_rest_tells_strategies_apart(labels, shown):
    assert list(short_names(labels).values()) == shown


def test_what_a_short_name_means_is_noted():
    assert list(notes([LONG, "truthful"])) == [f"strategy.py:AcmeSaver is {LONG}"]


def payoffs():
    rows = [(a, b, 10.0 * i + j) for i, a in enumerate(NAMES) for j, b in enumerate(NAMES)]
    table = pd.DataFrame(rows, columns=["strategy", "opponent", "estimate"])
    return table.assign(
        best_response=LONG,
        ci_low=0.0,
        ci_high=1.0,
        regret=0.0,
        regret_low=0.0,
        regret_high=0.0,
        metric="profit",
        n_replications=4,
        unit="EUR per million",
    )


def ranking():
    table = pd.DataFrame({"strategy": NAMES, "rank": [1, 2, 3], "estimate": [3.0, 2.0, 1.0]})
    return table.assign(
        format="together", rank_best=table["rank"], rank_worst=table["rank"], unit="EUR", n_replications=4,
        ci_low=0.0, ci_high=1.0, tied_with="", metric="profit",
    )  # fmt: skip


def test_tables_and_sentences_name_it_so():
    assert verdict(ranking(), "together").startswith("All in one market: strategy.py:AcmeSaver earns more")
    assert next(iter(payoff_table(payoffs()).columns[0].cells)) == "(1) strategy.py:AcmeSaver"


class Scores:
    """Of strategies of which a is shown to be ahead of b, b of c, and between a and c no difference is."""

    ranked = pd.DataFrame(
        {
            "strategy": ["a", "b", "c"], "estimate": [60.0, 50.0, 40.0], "ci_low": [1.0, 1.0, 1.0], "ci_high": [99.0] * 3,
            "rank_best": [1, 2, 2], "rank_worst": [2, 3, 3], "n_replications": 8,
        }
    )  # fmt: skip


def test_the_benchmark_claims_a_lead_only_over_those_that_it_is_shown_against():
    said = benchmark_verdict(Scores(), "v1")
    assert "is not shown to be ahead of every other" in said
    assert "more than every other strategy" not in said
    ahead = Scores()
    ahead.ranked = Scores.ranked.assign(rank_worst=[1, 3, 3])
    assert "more than every other strategy" in benchmark_verdict(ahead, "v1")
