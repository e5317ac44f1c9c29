"""Studies from Python: the tables of the command line, without it; and strategies in files, in every verb."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from jointbid import Priced, Truthful, bayes, load, simulate, strategy, study
from jointbid.experiments.cli.main import main
from jointbid.experiments.errors import BadInput, RunFailed
from jointbid.experiments.studies.from_python import StudyTables

MINE = """
from jointbid import Policy

class Half(Policy):
    def __init__(self, gain=0.5):
        self.gain = gain

    def bid(self, requests):
        return self.gain * requests["value"]
"""
SMALL = ["supply.requests=300", "executor=serial"]
PLAIN = [*SMALL, "study.replications=2", "study.pairings=false"]


@pytest.fixture(autouse=True)
def mine(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    Path("mine.py").write_text(MINE)


def test_a_study_returns_frames_and_leaves_nothing():
    found = study("tournament", PLAIN, strategy=["mine.py:Half", "truthful", {"name": "linear", "gain": 0.7}])
    assert found.path is None
    assert [file.name for file in Path().iterdir() if file.name != "__pycache__"] == ["mine.py"]
    assert set(found.summary["arm"]) >= {"mine.py:Half", "truthful", "linear(gain=0.7)"}
    assert {"ranking", "comparisons"} <= set(found.tables)
    assert len(found.cells) == 2 * 3 * 3
    assert found.sentences[0].startswith("All in one market")
    assert found.manifest["strategy_files"].keys() == {"mine.py:Half"}
    assert "study.strategies=" in repr(found)
    assert "All in one market" in found._repr_html_()


def test_a_folder_is_kept_and_resumed_and_holds_what_the_command_line_writes(capsys):
    found = study("tournament", *PLAIN, strategy=["mine.py:Half", "truthful"], folder="out")
    assert found.path.parent == Path("out/tournament")
    assert main(["tournament", *PLAIN, "study.strategies=[mine.py:Half,truthful]", "results_dir=out"]) == 0
    assert "4 kept, 0 run" in capsys.readouterr().out
    pd.testing.assert_frame_equal(pd.read_parquet(found.path / "summary.parquet"), found.summary)


def test_an_estimate_is_one_row_or_an_error_that_says_which_there_are():
    found = study("value", SMALL, "study.replications=2", scenario="theory")
    assert found.estimate("value_of_joint_data").n == 2
    assert found.estimate("shapley", arm="profile").estimate > 0
    with pytest.raises(BadInput, match=r"shapley: 2 rows fit; choose one of arm='profile' or 'context'"):
        found.estimate("shapley")
    with pytest.raises(BadInput, match="did you mean 'shapley'"):
        found.estimate("shapely")
    with pytest.raises(BadInput, match="did you mean 'profile'"):
        found.estimate("shapley", arm="profil")


def test_run_and_keyword_settings():
    found = study(
        "run", strategy={"name": "mine.py:Half", "gain": 0.25}, supply__requests=300, scenario="theory"
    )
    assert isinstance(found, StudyTables)
    scenario = load("theory", "supply.requests=300")
    assert found.tables["bidders"]["requests"].tolist() == [300]
    half = simulate(scenario, {"focal": Priced(bayes(scenario, tuple(scenario.source)), Truthful())}, seed=1)
    assert 0 < found.tables["bidders"]["wins"][0] < half.of("focal")["wins"]


@pytest.mark.parametrize(
    ("ask", "message"),
    [
        (lambda: study("vlaue"), "did you mean 'value'"),
        (
            lambda: study("run", supply__requets=3),
            "supply.requets: no such key; did you mean 'supply.requests'",
        ),
        (lambda: study("run", scenario=load("theory")), "must be a scenario's name"),
        (lambda: study("run", strategy=Truthful()), "a study makes its own instances"),
        (lambda: study("run", strategy=type("Mine", (Truthful,), {})), "Mine"),
        (lambda: study("run", strategy="mien.py:Half"), "mien.py: no such file; did you mean 'mine.py'"),
    ],
)
def test_what_is_wrong_is_one_error(ask, message):
    with pytest.raises(BadInput, match=message):
        ask()


def test_where_each_cell_fails_the_error_names_strategy_file_line_and_time():
    Path("late.py").write_text(
        MINE.replace("Half", "Late")
        + "\n    def control(self, state):\n        if state.requests_seen > 100:\n            {}['x']\n"
    )
    told = r"adoption: no estimate.* strategy 'late.py:Late' \(late.py:4\) of bidder 'focal' at hour \d+: control\(\) raised KeyError: 'x' \(late.py:13"
    with pytest.raises(RunFailed, match=told):
        study(
            "adoption",
            SMALL,
            "study.replications=2",
            "study.regret=false",
            scenario="theory",
            strategy="late.py:Late",
        )


@pytest.mark.parametrize(
    "words",
    [
        ["run", "strategy=mine.py:Half", "bidders.strategy.gain=0.4"],
        ["run", "bidders.strategy=mine.py:Half"],
        ["run", "study.strategies=[mine.py:Half,truthful]"],
        ["run", "bidders.kinds.half.strategy=mine.py:Half", "study.strategies=[half,truthful]"],
    ],
    ids=str,
)
def test_a_file_goes_wherever_a_name_goes(words, capsys):
    assert main([*words, "scenario=theory", "supply.requests=300", "plot.enabled=false"]) == 0, (
        capsys.readouterr().err
    )


def test_a_changed_file_makes_new_cells(capsys):
    words = ["tournament", *PLAIN, "plot.enabled=false", "study.strategies=[mine.py:Half,truthful]"]
    assert main(words) == 0
    assert main(words) == 0
    assert "4 kept, 0 run" in capsys.readouterr().out
    Path("mine.py").write_text(MINE.replace("self.gain *", "0.5 * self.gain *"))
    assert main(words) == 0
    assert "0 kept, 4 run" in capsys.readouterr().out
    (folder,) = Path("results/tournament").iterdir()
    assert json.loads((folder / "manifest.json").read_text())["strategy_files"]["mine.py:Half"]


def test_strategies_of_files_can_be_swept(capsys):
    assert (
        main(
            [
                "run",
                "-m",
                "strategy=mine.py:Half,truthful",
                "scenario=theory",
                "supply.requests=300",
                "plot.enabled=false",
            ]
        )
        == 0
    )
    assert capsys.readouterr().out.count("Results: ") == 2
    assert main(["run", "strategy=mine.py:Haf"]) == 2
    assert (
        "strategy = mine.py:Haf: mine.py: has no class 'Haf'; did you mean 'Half'" in capsys.readouterr().err
    )


def test_a_run_shows_itself_in_a_notebook():
    scenario = load("theory", "supply.requests=300")
    shown = simulate(scenario, {"<b>me": Priced(bayes(scenario, ()), Truthful())}, seed=1)._repr_html_()
    assert "<td style='text-align:left'>&lt;b&gt;me</td>" in shown
    assert "<th>profit</th>" in shown
    assert "clicks" not in shown, "a column without content is left out"


SCRIPT = f"""{MINE}

from jointbid import study

print("before")
print(*study("tournament", strategy=[Half, "truthful"], {{settings}}).tables["ranking"]["strategy"])
"""


@pytest.mark.parametrize("jobs", [1, 2])
def test_a_script_without_a_guard_plays_the_class_that_it_defines(jobs):
    settings = f"supply__requests=100, study__replications=2, study__pairings=False, executor__jobs={jobs}"
    Path("script.py").write_text(SCRIPT.format(settings=settings))
    done = subprocess.run(
        [sys.executable, "script.py"], capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "script.py:Half" in done.stdout.splitlines()[-1]


def test_an_import_ends_at_a_study_and_outside_of_one_nothing_ends():
    Path("twice.py").write_text(
        f"{MINE}\nfrom jointbid import study\nstudy('nonsense')\nraise SystemExit(7)\n"
    )
    assert strategy("twice.py:Half").gain == 0.5
    with pytest.raises(BadInput, match="'nonsense'"):
        study("nonsense")
