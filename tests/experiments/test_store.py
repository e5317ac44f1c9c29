"""A study's folder: resume, damage, failures, and the same numbers wherever cells run."""

from __future__ import annotations

import json
import os
import shlex
import signal
import sys
import time
from functools import partial
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pandas as pd
import pytest
from tests.experiments import drivers
from tests.experiments.drivers import go_on

from jointbid.experiments.cells import bidders as arms
from jointbid.experiments.cells.cell import Cell, CellResult
from jointbid.experiments.cells.replications import PILOT as SILO_PILOT
from jointbid.experiments.cells.replications import WIDTH_PILOT
from jointbid.experiments.cli.main import main
from jointbid.experiments.config.settings import ExecutorSettings
from jointbid.experiments.execution.pool import run_tasks
from jointbid.experiments.execution.scheduler import Driver
from jointbid.experiments.execution.stages import Finish
from jointbid.experiments.execution.tasks import SideTask, Task
from jointbid.experiments.storage.study_folder import Folder
from jointbid.experiments.studies import session
from jointbid.experiments.studies.base import Study
from jointbid.sim.scenario import Scenario

TINY = ["scenario=theory", "supply.requests=300", "plot.enabled=false", "executor=serial"]
NAMES = ("none", "profile", "context", "joint", "stacked", "split_budget", "summed")
ARMS = len(NAMES)
PILOT = 8  # two sources on four seeds


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    yield
    drivers.end()


@pytest.fixture
def ran(monkeypatch):
    """Cells that were run since; those of the trial, and of what a command sets in vain, left out."""
    monkeypatch.setattr(session, "inert", lambda *_: ())
    seen = []
    real = arms.run_cell

    def counted(cell):
        if cell.scenario.supply.requests > 64:
            seen.append(cell)
        return real(cell)

    monkeypatch.setattr(Study, "work", staticmethod(counted))
    return seen


def value(*overrides):
    return main(["value", *TINY, *overrides])


def folder(results="results"):
    (found,) = Path(results, "value").iterdir()
    return found


def times():
    return {path: path.stat().st_mtime_ns for path in folder().rglob("*") if path.name != ".lock"}


def summary(results="results"):
    return pd.read_csv(folder(results) / "summary.csv")


def status(results="results"):
    return json.loads((folder(results) / "status.json").read_text())["status"]


def test_files():
    assert value("study.replications=2") == 0
    names = {path.name for path in folder().iterdir()}
    tables = {"cells.parquet", "timeseries.parquet", "summary.csv", "summary.parquet"}
    pages = {"report.html", "estimands.md", "gains.csv", "what_it_is_worth.csv"}
    assert names == tables | pages | {"config.yaml", "manifest.json", "status.json", "cells", ".jointbid"}
    assert status() == "done"
    cells = pd.read_parquet(folder() / "cells.parquet")
    assert set(cells["arm"]) == set(NAMES)
    assert set(cells["replication"]) == {0, 1}
    assert {"study_point", "bidder", "focal", "profit", "revenue", "welfare", "seed"} <= set(cells)
    series = pd.read_parquet(folder() / "timeseries.parquet")
    assert {"arm", "replication", "bidder", "hour", "spend", "wins", "multiplier"} <= set(series)
    manifest = json.loads((folder() / "manifest.json").read_text())
    assert manifest["command"] == shlex.join(["jointbid", "value", *TINY, "study.replications=2"])
    assert manifest["auctions"] == 300 * (2 * ARMS + PILOT)
    pd.testing.assert_frame_equal(summary(), pd.read_parquet(folder() / "summary.parquet"), check_dtype=False)
    assert set(summary()["unit"]) >= {"EUR per request", "%"}


def test_the_same_command_again_runs_nothing(ran, capsys):
    assert value("study.replications=2") == 0
    said = capsys.readouterr().out
    files = times()
    ran.clear()
    assert value("study.replications=2") == 0
    assert ran == []
    cells = f"{2 * ARMS + PILOT}"
    assert f"Cells: 0 kept, {cells} run" in said
    assert capsys.readouterr().out == said.replace(f"0 kept, {cells} run", f"{cells} kept, 0 run")
    assert times() == files


def test_more_replications_run_only_the_new_ones(ran):
    assert value("study.replications=2") == 0
    ran.clear()
    assert value("study.replications=3") == 0
    assert {cell.replication for cell in ran} == {2}
    assert len(ran) == ARMS
    assert summary()["n_replications"].max() == 3
    ran.clear()
    assert value("study.replications=2") == 0
    assert ran == []
    assert summary()["n_replications"].max() == 2


def test_damaged_cells_never_count(ran, capsys):
    assert value("study.replications=3") == 0
    whole = summary()
    (file,) = (folder() / "cells").glob("*.jsonl")
    lines = file.read_bytes().splitlines(keepends=True)
    lines[3] = lines[3].replace(b"0", b"1", 1)
    lines[5] = lines[5][:40] + b"\xff\x00" + lines[5][42:]
    file.write_bytes(b"".join(lines)[:-20])
    capsys.readouterr()
    ran.clear()
    assert value("study.replications=3") == 0
    assert len(ran) == 3
    assert "3 cells half-written or damaged: not counted, and run again" in capsys.readouterr().err
    pd.testing.assert_frame_equal(summary(), whole, check_exact=True)
    ran.clear()
    assert value("study.replications=3") == 0
    assert (ran, capsys.readouterr().err) == ([], ""), "the damage is gone, and is not reported again"


@pytest.mark.parametrize("name", ["summary.csv", "summary.parquet", "cells.parquet", "timeseries.parquet"])
@pytest.mark.parametrize("junk", [None, "junk"])
@pytest.mark.few(1)
def test_tables_that_are_gone_or_damaged_are_written_again(ran, name, junk):
    assert value("study.replications=2") == 0
    whole = (folder() / name).read_bytes()
    (folder() / name).unlink() if junk is None else (folder() / name).write_text(junk)
    ran.clear()
    assert value("study.replications=2") == 0
    assert ran == []
    assert (folder() / name).read_bytes() == whole


def test_a_budget_with_a_strategy_that_does_not_mind_it_is_remarked_on(capsys):
    assert value("study.replications=2", "bidders.budget=10") == 0
    assert "strategy=adaptive_pacing spends evenly" in capsys.readouterr().out
    assert value("study.replications=2", "bidders.budget=10", "strategy=adaptive_pacing") == 0
    assert "spends evenly" not in capsys.readouterr().out


def test_a_failing_cell_is_listed_and_the_others_go_on(monkeypatch, capsys):
    real = arms.run_cell

    def fragile(cell):
        if (cell.arm, cell.replication) == ("summed", 1):
            raise RuntimeError("no luck")
        return real(cell)

    monkeypatch.setattr(Study, "work", staticmethod(fragile))
    assert value("study.replications=3", "study.who=1") == 1
    said = capsys.readouterr()
    assert "no luck" in said.err
    assert "Traceback" not in said.err
    assert status() == "failed"
    (failure,) = [json.loads(line) for line in (folder() / "failures.jsonl").read_text().splitlines()]
    assert failure["cell"] == {"point": "", "arm": "summed", "replication": 1, "seed": 1}
    assert failure["error"] == "RuntimeError: no luck"
    assert "fragile" in failure["traceback"]
    assert len(pd.read_parquet(folder() / "cells.parquet")) == 3 * (ARMS + 1) - 1  # split_budget sits twice

    monkeypatch.setattr(Study, "work", staticmethod(real))
    command = shlex.split(failure["command"])
    assert command[:2] == ["jointbid", "value"]
    assert main(command[1:]) == 0
    shown = capsys.readouterr().out.split()
    assert shown[shown.index("arm") :][:4] == ["arm", "summed", "replication", "1"]
    assert value("study.replications=3", "study.who=1") == 0
    assert status() == "done"
    assert not (folder() / "failures.jsonl").exists()


def test_serial_and_processes_give_the_same_numbers():
    base = ["study.replications=3", "source.profile.match_rate=.6"]
    assert value(*base, "results_dir=one") == 0
    assert value(*base, "results_dir=many", "executor=process", "executor.jobs=2") == 0
    for name in ("cells.parquet", "timeseries.parquet", "summary.parquet"):
        one, many = (pd.read_parquet(folder(results) / name) for results in ("one", "many"))
        pd.testing.assert_frame_equal(one, many, check_exact=True)


@pytest.mark.slow
def test_half_width_fixes_the_replications():
    assert value("study.half_width=.001") == 0
    replications = json.loads((folder() / "manifest.json").read_text())["replications"]
    rows = summary()
    row = rows[(rows["estimand"] == "value_of_joint_data") & (rows["metric"] == "focal_profit")].iloc[0]
    assert replications == row["n_replications"] > 10
    assert (row["ci_high"] - row["ci_low"]) / 2 < 0.0015  # the pilot knows the spread only roughly
    assert value("study.half_width=.0001", "study.max_replications=12") == 0
    assert summary()["n_replications"].max() == 12


def test_replications_that_choose_their_number_or_the_silo_are_in_no_estimate():
    assert value("study.half_width=.001") == 0
    used = set(pd.read_parquet(folder() / "cells.parquet")["replication"])
    assert used == set(range(len(used)))
    assert not used & {*WIDTH_PILOT, *SILO_PILOT}


# -- interrupted --------------------------------------------------------------------------------------------------


start = partial(drivers.start, "value", *TINY)
LONG = ("study.replications=12", "supply.requests=3000")


@pytest.mark.few(1)
@pytest.mark.parametrize("executor", ["serial", "process"])
def test_killed_driver(executor, ran):
    process = start(*LONG, f"executor={executor}", "executor.jobs=2", pause_after=6)
    process.kill()
    process.communicate()
    assert status() == "running"
    assert not (folder() / "summary.csv").exists()
    assert value(*LONG) == 0
    assert 0 < len(ran) < 12 * ARMS + PILOT
    assert value(*LONG, "results_dir=whole", "executor=process") == 0
    pd.testing.assert_frame_equal(summary(), summary("whole"), check_exact=True)


@pytest.mark.few(1)
@pytest.mark.parametrize("executor", ["serial", "process"])
def test_ctrl_c(executor):
    many = ("study.replications=2000", "supply.requests=3000")
    process = start(*many, f"executor={executor}", "executor.jobs=2", pause_after=5)
    process.send_signal(signal.SIGINT)
    started = time.monotonic()
    go_on(process)
    _, said = process.communicate(timeout=30)
    assert time.monotonic() - started < 5 * drivers.crowd()
    assert process.returncode == 130
    assert "the same command again goes on" in said
    assert "Traceback" not in said
    assert status() == "stopped"


# -- pieces -------------------------------------------------------------------------------------------------------


def test_results_survive_the_file():
    rows = [{"bidder": "focal", "profit": 0.1 + 0.2, "welfare": float("nan"), "focal": True}]
    a, b, c = (letter * 20 for letter in "abc")
    store = Folder(Path("store"))
    with store.locked():
        store.cells.add({a: CellResult(rows, [], 7), b: CellResult([], [], 0)})
        store.cells.scan()
        found = dict(store.cells.read([a, b, c]))
    assert set(found) == {a, b}
    assert repr(found[a]) == repr(CellResult(rows, [], 7))


@pytest.fixture
def importable(monkeypatch):
    """Worker processes find this very file."""
    monkeypatch.syspath_prepend(Path(__file__).parents[2])


def tasks(count, work):
    return [Task((Cell(Scenario(), "joint", replication=number),), work) for number in range(count)]


def dies(cell):
    """Work that takes its process with it in one replication."""
    if cell.replication == 3:
        os.kill(os.getpid(), signal.SIGKILL)
    return CellResult([], [], cell.replication)


def test_a_killed_worker_costs_its_own_cell_alone(importable):
    done = run_tasks(tasks(8, dies), ExecutorSettings(jobs=2))
    outcomes = {o.item.replication: o for finished in done for o in finished.outcomes}
    assert sorted(outcomes) == list(range(8))
    assert [number for number, o in outcomes.items() if o.result is None] == [3]
    assert "SIGKILL, perhaps for want of memory" in outcomes[3].error


def dies_once(cell):
    """Work that takes its process with it in one replication, the first time."""
    if cell.replication == 2 and not Path("died").exists():
        Path("died").touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return CellResult([], [], cell.replication)


def test_a_killed_worker_is_tried_once_more(importable):
    cells = tuple(Cell(Scenario(), "joint", replication=number) for number in range(5))
    outcomes = [
        o for done in run_tasks([Task(cells, dies_once)], ExecutorSettings(jobs=2)) for o in done.outcomes
    ]
    assert sorted(o.result.auctions for o in outcomes) == list(range(5))
    assert Path("died").exists()


def test_work_that_a_worker_cannot_read_is_a_failure(monkeypatch):
    monkeypatch.setitem(sys.modules, "only_in_the_driver", module := ModuleType("only_in_the_driver"))
    exec("def work(cell): pass", module.__dict__)
    (first, *_) = run_tasks(tasks(2, module.work), ExecutorSettings(jobs=1))
    assert first.outcomes[0].error == "ModuleNotFoundError: No module named 'only_in_the_driver'"


def test_workers_that_never_start_are_an_error(monkeypatch):
    monkeypatch.setattr("jointbid.experiments.execution.processes.work", os.getpid)  # takes no arguments
    with pytest.raises(RuntimeError, match=r"do not start \(exit code 1\)"):
        list(run_tasks(tasks(8, dies), ExecutorSettings(jobs=2)))


def draws(path, driver):
    """A side_task that takes its worker with it, every time; the driver itself can do it."""
    if os.getpid() != driver:
        os.kill(os.getpid(), signal.SIGKILL)
    path.write_text("drawn")


def fails():
    raise ValueError("no such column")


@pytest.mark.parametrize("executor", ["serial", "process"])
@pytest.mark.slow
def test_plots_are_drawn_even_where_workers_die(executor, importable):
    def study(point, wait):
        paths = [Path(f"{point.label}{n}") for n in range(3)]
        yield Finish([SideTask(partial(draws, path, os.getpid())) for path in paths])
        return [path.read_text() for path in paths]

    found, points = [], [SimpleNamespace(label=label) for label in "ab"]
    deliver = lambda point, answer: found.append((point.label, answer))  # noqa: E731
    Driver(study, deliver, ExecutorSettings(name=executor, jobs=2)).run(points)
    assert sorted(found) == [("a", ["drawn"] * 3), ("b", ["drawn"] * 3)]


@pytest.mark.parametrize("executor", ["serial", "process"])
def test_a_plot_that_cannot_be_drawn_says_why_and_costs_nothing_else(executor, importable, capsys):
    def study(point, wait):
        path = Path("other")
        yield Finish(
            [SideTask(fails, "plots/bad"), SideTask(partial(path.write_text, "drawn"), "plots/good")]
        )
        return path.read_text()

    found = []
    deliver = lambda point, answer: found.append(answer)  # noqa: E731
    Driver(study, deliver, ExecutorSettings(name=executor, jobs=1)).run([SimpleNamespace(label="a")])
    assert found == ["drawn"]
    said = capsys.readouterr().err
    assert said == "plots/bad: cannot be made (ValueError: no such column); all other results are written\n"
