"""Better joint data over those at hand: what they are worth in the market itself and in drawn worlds, and what is refused."""

from __future__ import annotations

import pandas as pd
import pytest

from jointbid.experiments.cli.main import main
from jointbid.experiments.config.points import load
from jointbid.experiments.errors import BadInput

MARKET = (
    "scenario=real_time_optimiser", "supply.requests=2000", "supply.context_types=4", "study.curves=[]", "study.lattice=false",
    "study.replications=3", "plot.enabled=false", "executor=serial", "bidders.control_interval_h=24",
    "supply.horizon_h=96",
)  # fmt: skip
"""Four days, and not a month: shelves are counted every hour, whatever the number of requests."""


def summary_of(tmp_path, *more):
    assert main(["value", *MARKET, *more, f"results_dir={tmp_path}"]) == 0
    (path,) = tmp_path.rglob("summary.csv")
    return pd.read_csv(path), pd.read_csv(
        next(tmp_path.rglob("worlds.csv"))
    ) if "study.worlds=3" in more else None


@pytest.mark.slow
def test_it_is_the_difference_of_two_studies(tmp_path, capsys):
    fresh = ("source.profile.sync_interval_h=0", "source.profile.latency_h=0")
    asked = "study.upgrade={source.profile.sync_interval_h: 0, source.profile.latency_h: 0}"
    here, _ = summary_of(tmp_path / "both", asked)
    said = capsys.readouterr().out
    now, _ = summary_of(tmp_path / "now", "study.upgrade=null")
    better, _ = summary_of(tmp_path / "better", "study.upgrade=null", *fresh)

    def of(table, estimand, arm):
        row = table[
            (table["estimand"] == estimand) & (table["metric"] == "focal_profit") & (table["arm"] == arm)
        ]
        return row.iloc[0]

    gained = of(here, "value_of_upgrade", "joint")
    apart = of(better, "utility", "joint")["estimate"] - of(now, "utility", "joint")["estimate"]
    assert gained["estimate"] == pytest.approx(apart)
    assert gained["ci_low"] < gained["estimate"] < gained["ci_high"]
    assert "Better data (source.profile.sync_interval_h=0 source.profile.latency_h=0)" in " ".join(
        said.split()
    )
    assert not (now["estimand"] == "value_of_upgrade").any()


@pytest.mark.slow
def test_worlds_say_how_often_it_pays(tmp_path, capsys):
    summary, worlds = summary_of(
        tmp_path, "study.worlds=3", "study.point.requests=1500", "study.point.replications=2"
    )
    shares = summary[summary["estimand"] == "share_of_worlds"].set_index("arm")["estimate"]
    mine = shares[["better data pay", "better data cost", "no difference shown by better data"]]
    assert mine.sum() == pytest.approx(1.0)
    assert mine["better data pay"] == pytest.approx((worlds["upgrade_finding"] == "positive").mean())
    assert (worlds["upgrade_low"] <= worlds["upgrade"]).all()
    assert "Better data (study.upgrade) are shown to pay in" in " ".join(capsys.readouterr().out.split())


def test_keys_that_there_are_none_of_and_tuned_policies_are_refused():
    with pytest.raises(BadInput, match=r"study\.upgrade: no such key source\.profile\.latency"):
        main_of("study.upgrade={source.profile.latency: 0}")
    with pytest.raises(BadInput, match=r"study\.upgrade: with study\.tune must be null"):
        main_of(
            "study.upgrade={source.profile.latency_h: 0}",
            "study.tune={parameter: gain, values: [0.5, 1]}",
            "strategy=linear",
        )


def main_of(*overrides):
    from jointbid.experiments.studies.registry import study_class

    (point,) = load("value", [*MARKET, *overrides])
    study_class("value")(point.settings).check()
