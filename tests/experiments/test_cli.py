"""The verbs, as their users call them."""

from __future__ import annotations

import ctypes
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import pytest
import yaml
from tests.test_imports import HEAVY

from jointbid import conf
from jointbid.experiments.cli.main import VERBS, main
from jointbid.experiments.execution.progress import compact

TINY = ["scenario=theory", "supply.requests=400", "executor=serial"]
CURVE = [
    "study.point.requests=200",
    "study.point.replications=2",
    "study.curves=[{over: source.profile.match_rate, values: [0, 1]}]",
]
CURVE += ["study.point.redundancy=[0,.4]", "study.point.interaction=[-.1,.1]"]
PROGRAM = "import sys; from jointbid.experiments.cli.main import main; sys.exit(main())"


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def jointbid(*arguments, program=PROGRAM):
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    command = [sys.executable, "-c", program, *arguments]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("arguments", [["--help"], ["scenarios", "list"]])
def test_light_verbs_load_nothing_heavy(arguments):
    listing = "import atexit, sys; atexit.register(lambda: print(*sys.modules, file=sys.stderr)); "
    done = jointbid(*arguments, program=listing + PROGRAM)
    assert done.returncode == 0, done.stderr
    assert "jointbid.experiments.cli.main" in done.stderr.split()
    assert not HEAVY & set(done.stderr.split())


@pytest.mark.parametrize("arguments", [[], ["--help"], ["-h"], ["help"]])
def test_help_names_every_verb(arguments, capsys):
    assert main(arguments) == 0
    said = capsys.readouterr().out
    assert all(f"  {verb} " in said for verb in VERBS)


def test_version(capsys):
    assert main(["--version"]) == 0
    assert capsys.readouterr().out.startswith("jointbid ")


@pytest.mark.parametrize("verb", ["value", "run"])
def test_help_of_a_study_shows_keys_with_their_values(verb, capsys):
    assert main([verb, "--help"]) == 0
    said = capsys.readouterr().out
    for word in (
        "--multirun",
        "--cfg job",
        "--config-dir",
        "source.profile.match_rate=0.8",
        "seed=1",
        "[CNY per thousand]" if verb == "value" else "per thousand]",
    ):
        assert word in said
    assert max(map(len, said.splitlines())) <= 80


@pytest.mark.parametrize("verb", list(VERBS))
def test_every_verb_has_help(verb, capsys):
    assert main([verb, "--help"]) == 0
    assert f"jointbid {verb}" in capsys.readouterr().out


def test_cfg_job(capsys):
    assert main(["value", "scenario=theory", "seed=5", "--cfg", "job"]) == 0
    tree = yaml.safe_load(capsys.readouterr().out)
    assert (tree["seed"], tree["scenario"]["name"], tree["rivals"]["high"]) == (5, "theory", 2.0)
    assert list(Path().iterdir()) == []


def test_scenarios(capsys):
    assert main(["scenarios", "list"]) == 0
    listed = capsys.readouterr().out.splitlines()
    folder = Path(conf.__file__).parent / "scenario"
    shipped = {path.stem for path in folder.glob("*.yaml")}
    suite = {f"v1/{path.stem}" for path in (folder / "v1").glob("*.yaml")} - {"v1/suite"}
    assert {line.split()[0] for line in listed} == shipped | suite
    assert all(line.endswith("?") for line in listed), "each answers a question"
    for line in listed:
        name = line.split()[0]
        assert main(["scenarios", "show", name]) == 0
        text = capsys.readouterr().out.splitlines()
        assert text[0] == "# @package _global_"
        assert text[1].startswith("# jointbid "), "a scenario states its command"


def test_doctor(capsys):
    main(["doctor"])
    said = capsys.readouterr().out
    for word in ("python", "numba", "cores", "kernel cache", "results"):
        assert word in said


def test_value(capsys):
    assert main(["value", *TINY, *CURVE, "study.replications=3"]) == 0
    said = capsys.readouterr().out
    for word in (
        "best_single",
        "best_silo",
        "stacked",
        "joint",
        "value of joint data",
        "interval: simulation error only",
    ):
        assert word in said
    (folder,) = Path("results/value").iterdir()
    assert f"Results: {folder}" in said
    plots = {path.name for path in (folder / "plots").iterdir()}
    assert plots == {
        f"{name}.{ending}"
        for name in (
            "ladder",
            "lattice",
            "match_rate",
            "pacing",
            "redundancy_interaction",
            "shapley",
        )
        for ending in ("svg", "png", "csv")
    }
    assert list(pd.read_csv(folder / "plots" / "match_rate.csv")["x"]) == [0, 1]
    heat = pd.read_csv(folder / "plots" / "redundancy_interaction.csv")
    assert len(heat) == 4
    cells = pd.read_parquet(folder / "cells.parquet")
    points = set(cells["study_point"])
    assert {"", "source.profile.match_rate=0", "response.redundancy=0.4 response.interaction=-0.1"} <= points
    assert set(cells.loc[cells["study_point"] == "", "requests"]) == {400}
    assert set(cells.loc[cells["study_point"] != "", "requests"]) == {200}


def test_match_rate_zero_is_worth_nothing():
    base = [*TINY, "study.replications=2", "plot.enabled=false", "source.profile.match_rate=0"]
    assert main(["value", *base]) == 0
    (folder,) = Path("results/value").iterdir()
    rows = pd.read_csv(folder / "summary.csv").set_index(["estimand", "metric"])
    assert rows.loc[("value_of_joint_data", "focal_profit"), "estimate"] == 0


def test_multirun(capsys):
    base = ["study.replications=2", "plot.enabled=false"]
    assert main(["value", "-m", *TINY, *base, "source.profile.match_rate=0.3,0.6", "seed=1,2"]) == 0
    said = capsys.readouterr()
    folders = list(Path("results/value").iterdir())
    assert len(folders) == 4
    for folder in folders:
        assert str(folder) in said.out
        assert json.loads((folder / "status.json").read_text()) == {"status": "done"}
    for point in ("source.profile.match_rate=0.3 seed=1", "source.profile.match_rate=0.6 seed=2"):
        assert point in said.out
    assert said.out.count("Value of joint data") == 1, "one table at the end"


def test_all_points_of_a_sweep_are_checked_first(capsys):
    assert main(["value", "-m", *TINY, "source.profile.match_rate=0.3,1.3"]) == 2
    assert "source.profile.match_rate = 1.3" in capsys.readouterr().err
    assert not Path("results").exists()


def test_bidders_of_theory_rivals_have_rows_of_their_own():
    arguments = ["scenario=theory_rivals", "supply.requests=400", "study.replications=2", "study.who=2"]
    assert main(["value", *arguments, "plot.enabled=false", "executor=serial"]) == 0
    (folder,) = Path("results/value").iterdir()
    rows = pd.read_csv(folder / "summary.csv")
    metrics = set(rows.loc[rows["estimand"] == "utility", "metric"])
    assert {"focal_profit", "revenue", "welfare", "profit_rival_1", "profit_rival_4"} <= metrics


def test_run(capsys):
    budget = ["strategy=adaptive_pacing", "bidders.budget=20"]
    assert main(["run", "scenario=theory_rivals", "supply.requests=2000", *budget]) == 0
    said = capsys.readouterr().out
    (folder,) = Path("results/run").iterdir()
    names = {path.name for path in folder.iterdir()}
    tables = {f"{name}.{ending}" for name in ("bidders", "timeseries") for ending in ("csv", "parquet")}
    assert tables | {"config.yaml", "manifest.json", "status.json", "plots"} <= names
    assert {path.name for path in (folder / "plots").iterdir()} == {
        f"pacing.{e}" for e in ("svg", "png", "csv")
    }
    bidders = pd.read_csv(folder / "bidders.csv")
    assert list(bidders["bidder"]) == ["focal", "rival_1", "rival_2", "rival_3", "rival_4"]
    assert (bidders["spend"] <= 20).all()
    calendar = json.loads((folder / "manifest.json").read_text())["calendar"]
    assert calendar["control"] > 0
    assert "rival_4" in said


@pytest.mark.parametrize(("number", "text"), [(12, "12"), (3400, "3.4k"), (2.5e6, "2.5M"), (1e10, "10.0G")])
def test_rates_for_people(number, text):
    assert compact(number) == text


OUTCOMES = ["audience.people=300", "bidders.terms.caps=[{impressions: 2}]", "response.viewability=.6"]
OUTCOMES += ["response.conversion.value=3", "response.click_delay_h={law: exponential, mean: 1}"]
DEADLINE = ["auction.tmax_ms=100", "source.profile.lookup_latency_ms=40"]
DEADLINE += ["auction.throttle={late_share: .02, review_h: 6}"]


def test_run_shows_what_says_something_and_keeps_the_rest(capsys):
    assert main(["run", "supply.requests=3000", "plot.enabled=false"]) == 0
    said = capsys.readouterr().out
    assert "clicks" in said
    for word in ("late", "unsent", "viewed", "reach", "frequency", "censored", "conversions", "budget_left"):
        assert word not in said, word
    (folder,) = Path("results/run").iterdir()
    bidders = pd.read_csv(folder / "bidders.csv")
    assert {"late", "unsent", "viewed", "reach", "conversions_unattributed", "budget_left"} <= set(bidders)
    assert bidders["frequency"].isna().all(), "no person is identified"


def test_run_of_a_market_with_everything_on(capsys):
    assert main(["run", "supply.requests=3000", "plot.enabled=false", *OUTCOMES, *DEADLINE]) == 0
    said = capsys.readouterr().out
    for word in ("late", "unsent", "viewed", "reach", "frequency", "censored", "unattributed"):
        assert word in said, word
    (line,) = [line for line in said.splitlines() if line.startswith("| throttle")]
    assert line.split()[3:8:2] == ["3", "6.00", "18.00"], "reviews at 6, 12 and 18 h"
    assert "…" not in said
    (folder,) = Path("results/run").iterdir()
    (row,) = pd.read_csv(folder / "bidders.csv").to_dict("records")
    assert row["frequency"] == row["viewed"] / row["reach"] <= 2
    assert row["late"] > 0
    assert row["unsent"] > 0
    assert {"late", "unsent", "reach"} <= set(pd.read_parquet(folder / "bidders.parquet"))


def test_value_reports_what_the_market_has():
    arguments = ["supply.requests=2000", "study.replications=2", "plot.enabled=false", "executor=serial"]
    arguments += ["study.range=null", "study.learned_beside=false"]
    assert main(["value", *arguments, *OUTCOMES, *DEADLINE]) == 0
    (folder,) = Path("results/value").iterdir()
    rows = pd.read_csv(folder / "summary.csv")
    units = rows[rows["estimand"] == "utility"].groupby("metric")["unit"].first().to_dict()
    assert units["reach"] == "people in a replication"
    assert units["late_rate"] == "share of bid requests"
    assert units["conversions_expected"] == "conversions per million bid requests"
    assert {"viewed", "frequency", "clicks", "unsent_rate"} <= set(units)
    cells = pd.read_parquet(folder / "cells.parquet")
    assert {"reach", "late", "conversions", "viewed"} <= set(cells)
    joint = rows[(rows["arm"] == "joint") & (rows["metric"] == "reach")]
    own = (cells["arm"] == "joint") & (cells["study_point"] == "")
    assert joint["estimate"].item() == cells.loc[own, "reach"].mean()


def test_everything_binds_in_the_busy_exchange():
    """A market that ships with everything on would be of no use if half of it did nothing."""
    arguments = ["scenario=busy_exchange", "supply.requests=40000", "audience.people=3000"]
    arguments += ["response.a=-3", "response.conversion.a=-1", "response.conversion.after_view=0.1"]
    assert main(["run", *arguments, "plot.enabled=false"]) == 0
    (folder,) = Path("results/run").iterdir()
    bidders = pd.read_csv(folder / "bidders.csv")
    assert (bidders[["clicks", "conversions", "conversions_censored", "late"]] > 0).all(axis=None)
    assert (bidders["viewed"] < bidders["wins"]).all()
    assert bidders["conversions_unattributed"].sum() > 0
    assert bidders["frequency"].between(1, 8).all()
    calendar = json.loads((folder / "manifest.json").read_text())["calendar"]
    assert {"throttle", "sync profile", "control"} <= set(calendar)


@pytest.mark.slow
def test_the_busy_exchange_is_a_study_of_seconds():
    arguments = ["scenario=busy_exchange", "supply.requests=5000", "study.replications=2"]
    assert main(["value", *arguments, "plot.enabled=false", "executor=serial"]) == 0
    (folder,) = Path("results/value").iterdir()
    metrics = set(pd.read_csv(folder / "summary.csv")["metric"])
    assert {"viewed", "reach", "frequency", "late_rate", "conversions_expected", "profit_rival_2"} <= metrics


@pytest.mark.slow
def test_a_log_of_few_sales_is_said_to_teach_little(capsys):
    arguments = [
        "study.replications=2",
        "study.train_requests=3000",
        "supply.requests=500",
        "plot.enabled=false",
    ]
    arguments += ["study.valuation=learned", "study.range=null", "executor=serial"]
    for more, said in (([], False), (["response.conversion.value=3"], True)):
        assert main(["value", *arguments, *more]) == 0
        assert ("has little to learn from" in " ".join(capsys.readouterr().out.split())) == said


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_stop_that_a_callback_of_c_drops_comes_once_more(number, code, monkeypatch, capsys):
    @ctypes.CFUNCTYPE(None)
    def callback():
        signal.raise_signal(number)

    def dispatch(_arguments):
        callback()
        time.sleep(30)
        return 0

    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    hook = sys.unraisablehook
    try:
        monkeypatch.setattr("jointbid.experiments.cli.main._dispatch", dispatch)
        assert main(["value"]) == code
        assert capsys.readouterr().err.startswith("stopped; what is done is kept")
        assert sys.unraisablehook is hook
    finally:
        signal.signal(signal.SIGINT, before)


def test_an_interrupt_that_a_library_turned_into_an_error_is_one(monkeypatch, capsys):
    def importing(_arguments):
        try:
            signal.raise_signal(signal.SIGINT)
        except KeyboardInterrupt:
            raise ImportError("numpy did not come up") from None

    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        monkeypatch.setattr("jointbid.experiments.cli.main._dispatch", importing)
        assert main(["value"]) == 130
        assert capsys.readouterr().err.startswith("stopped; what is done is kept")
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    finally:
        signal.signal(signal.SIGINT, before)


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_stop_that_comes_twice_at_once_is_one_and_leaves_the_tidying_alone(
    number, code, monkeypatch, capsys
):
    tidied = []

    def dispatch(_arguments):
        try:
            signal.raise_signal(number)
        finally:
            signal.raise_signal(number)
            tidied.append(True)

    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        monkeypatch.setattr("jointbid.experiments.cli.main._dispatch", dispatch)
        assert main(["value"]) == code
        assert tidied == [True]
        assert capsys.readouterr().err.startswith("stopped; what is done is kept")
    finally:
        signal.signal(signal.SIGINT, before)


def test_a_second_stop_while_the_first_is_answered_ends_the_command_without_a_trace(monkeypatch, capsys):
    said = []

    def stopped(_arguments, _stop):
        said.append("stopped")
        if len(said) == 1:
            raise KeyboardInterrupt
        return 130

    def dispatch(_arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr("jointbid.experiments.cli.main._dispatch", dispatch)
    monkeypatch.setattr("jointbid.experiments.cli.main._stopped", stopped)
    assert main(["value"]) == 130
    assert said == ["stopped", "stopped"]
