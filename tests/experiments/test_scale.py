"""Studies that are killed, filled up, damaged, started twice: nothing lost, nothing doubled, no wrong `done`."""

from __future__ import annotations

import json
import os
import shlex
import signal
import subprocess
import time
from functools import partial
from pathlib import Path

import pandas as pd
import pytest
from tests.experiments import drivers
from tests.experiments.drivers import go_on

from jointbid import sim
from jointbid.experiments.cells import bidders as arms
from jointbid.experiments.cells import match
from jointbid.experiments.cli.main import main
from jointbid.experiments.studies.base import Study

TINY = ["scenario=theory", "supply.requests=300", "plot.enabled=false", "executor.jobs=2"]
LONG = [*TINY, "study.replications=12"]
CELLS = 12 * 7 + 8
POINTS = int(os.environ.get("JOINTBID_SWEEP_POINTS", "8"))
SWEEP = ["-m", *TINY, "study.replications=2", f"source.profile.match_rate=range(0,1,{1 / POINTS})"]
PER_POINT = 2 * 7 + 8


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    yield
    drivers.end()


start = partial(drivers.start, "value")


def finish(process, code=0):
    out, err = process.communicate(timeout=300 + 10 * POINTS)
    assert process.returncode == code, out + err
    assert "Traceback" not in err, err
    return err


def lines(results="results"):
    return [line for file in Path(results).rglob("cells/*.jsonl") for line in file.read_bytes().splitlines()]


def studies(results="results"):
    return sorted(path for path in Path(results, "value").iterdir())


def statuses(results="results"):
    return {json.loads((folder / "status.json").read_text())["status"] for folder in studies(results)}


def assert_same(one, other):
    assert [path.name for path in studies(one)] == [path.name for path in studies(other)]
    for mine, theirs in zip(studies(one), studies(other), strict=True):
        for name in ("cells.parquet", "timeseries.parquet", "summary.parquet"):
            pd.testing.assert_frame_equal(
                pd.read_parquet(mine / name), pd.read_parquet(theirs / name), check_exact=True
            )


def failures():
    (file,) = Path().rglob("failures.jsonl")
    return [json.loads(line) for line in file.read_text().splitlines()]


def children(process):
    """Of a driver: its fork server, and the workers that have come from there."""
    listed = subprocess.run(
        ["ps", "-wweo", "pid=,ppid=,args="], capture_output=True, text=True, check=True
    ).stdout
    rows = [line.split(maxsplit=2) for line in listed.splitlines()]
    ours = [(int(pid), int(parent)) for pid, parent, args in rows if "multiprocessing.forkserver" in args]
    (server,) = [pid for pid, parent in ours if parent == process.pid]
    return server, [pid for pid, parent in ours if parent == server]


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """The long study and the sweep, uninterrupted."""
    folder = tmp_path_factory.mktemp("whole")
    for arguments in ([*LONG, "results_dir=long"], [*SWEEP, "results_dir=sweep"]):
        finish(start(*arguments, cwd=folder))
    return folder


@pytest.mark.slow
@pytest.mark.parametrize("which", ["worker", "server"])
def test_a_killed_process_costs_nothing(whole, which):
    process = start(*LONG, pause_after=14)
    server, workers = children(process)
    os.kill(server if which == "server" else workers[0], signal.SIGKILL)
    go_on(process)
    finish(process)
    assert statuses() == {"done"}
    assert not list(Path("results").rglob("failures.jsonl"))
    assert_same("results", whole / "long")


@pytest.mark.slow
def test_two_drivers_on_one_study(whole):
    first = start(*LONG, pause_after=7)
    second = start(*LONG)
    said = second.stderr.readline()
    assert f"process {first.pid} on " in said
    assert "waiting for it" in said
    go_on(first)
    finish(first)
    finish(second)
    keys = [line[17:37] for line in lines()]
    assert len(keys) == len(set(keys)) == CELLS, "nothing is run twice, and nothing is missing"
    assert statuses() == {"done"}
    assert_same("results", whole / "long")


@pytest.mark.slow
def test_two_drivers_share_a_sweep(whole):
    both = [start(*SWEEP), start(*SWEEP)]
    for process in both:
        finish(process)
    keys = [line[17:37] for line in lines()]
    assert len(keys) == len(set(keys)) == POINTS * PER_POINT
    assert statuses() == {"done"}
    assert_same("results", whole / "sweep")


@pytest.mark.slow
def test_a_sweep_goes_on_after_its_driver_was_killed(whole):
    process = start(*SWEEP, pause_after=POINTS * PER_POINT // 3)
    process.kill()
    process.communicate()
    kept = len(lines())
    assert "done" in statuses(), "the first points are there already"
    finish(start(*SWEEP))
    assert len(lines()) == POINTS * PER_POINT
    assert kept >= POINTS * PER_POINT // 3
    assert_same("results", whole / "sweep")
    (points,) = Path("results/sweeps").iterdir()
    (other,) = (whole / "sweep" / "sweeps").iterdir()
    mine, theirs = (pd.read_csv(folder / "points.csv").drop(columns="folder") for folder in (points, other))
    pd.testing.assert_frame_equal(mine, theirs)
    assert mine["source.profile.match_rate"].tolist() == pytest.approx([n / POINTS for n in range(POINTS)])
    assert mine["value_of_joint_data"].is_monotonic_increasing or mine["value_of_joint_data"].iloc[-1] > 0


def is_running(pid: int) -> bool:
    """Whether a process is there, and has not ended without being fetched by its parent."""
    try:
        return Path("/proc", str(pid), "stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


@pytest.mark.slow
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_stopped(number, code):
    process = start(*TINY, "study.replications=20000", pause_after=100)
    server, workers = children(process)
    process.send_signal(number)
    began = time.monotonic()
    go_on(process)
    said = finish(process, code)
    busy = drivers.crowd()
    assert time.monotonic() - began < 2 * busy
    assert "what is done is kept: the same command again goes on from there" in said
    assert statuses() == {"stopped"}
    deadline = time.monotonic() + 5 * busy  # the fork server ends by itself once the driver is gone
    while any(map(is_running, (server, *workers))):
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_fail_fast(monkeypatch, capsys):
    real = arms.run_cell

    def fragile(cell):
        if (cell.arm, cell.replication) == ("profile", 1):
            raise RuntimeError("no luck")
        return real(cell)

    monkeypatch.setattr(Study, "work", staticmethod(fragile))
    few = ["value", *TINY, "executor=serial", "study.replications=9"]
    assert main([*few, "executor.fail_fast=true"]) == 1
    said = capsys.readouterr().err
    assert "stopped at the first failure" in said
    assert "no luck" in said
    assert statuses() == {"failed"}
    stopped_at = len(lines())
    assert stopped_at < 9 * 7
    (failure,) = failures()
    assert main(shlex.split(failure["command"])[1:]) == 1
    assert "RuntimeError: no luck" in capsys.readouterr().err
    monkeypatch.setattr(Study, "work", staticmethod(real))
    assert main(shlex.split(failure["command"])[1:]) == 0
    assert main(few) == 0
    assert statuses() == {"done"}


def test_failures_at_curve_points_are_repeated_alone(monkeypatch, capsys):
    real = arms.run_cell

    def fragile(cell):
        if cell.study_point and cell.replication == 1 and cell.arm == "joint":
            raise RuntimeError("no luck")
        return real(cell)

    monkeypatch.setattr(Study, "work", staticmethod(fragile))
    curve = ["study.point.requests=200", "study.point.replications=2"]
    curve += ["study.curves=[{over: source.profile.match_rate, values: [0, .5]}]"]
    grid = ["study.point.redundancy=[0]", "study.point.interaction=[0,.1]", "plot.enabled=true"]
    assert main(["value", *TINY, *curve, *grid, "executor=serial", "study.replications=2"]) == 1
    failed = failures()
    assert len(failed) >= 3
    for failure in failed:
        capsys.readouterr()
        assert main(shlex.split(failure["command"])[1:]) == 1
        assert "RuntimeError: no luck" in capsys.readouterr().err
    monkeypatch.setattr(Study, "work", staticmethod(real))
    assert main(shlex.split(failed[0]["command"])[1:]) == 0
    assert failed[0]["cell"]["point"] in capsys.readouterr().out


STUDIES = {
    "tournament": ["study.strategies=[truthful,shading]", "study.replications=2"],
    "adoption": ["bidders.count=2", "study.replications=2"],
    "sensitivity": ["study.morris={trajectories: 2, levels: 4}", "study.sobol={factors: 1, base: 4}"],
    "value": ["study.worlds=2", "study.replications=2"],
}


@pytest.mark.parametrize("verb", STUDIES)
def test_failures_of_every_study_are_repeated_alone(verb, monkeypatch, capsys):
    real = sim.simulate

    def fragile(scenario, entrants, seed, replication, **sink):
        if replication == 1:
            raise RuntimeError("no luck")
        return real(scenario, entrants, seed, replication, **sink)

    monkeypatch.setattr(arms, "simulate", fragile)
    monkeypatch.setattr(match, "simulate", fragile)
    scenario = "theory_rivals" if verb == "adoption" else "theory"
    assert main([verb, *TINY, f"scenario={scenario}", "executor=serial", *STUDIES[verb]]) == 1
    failed = failures()
    kinds = {(failure["cell"]["arm"], bool(failure["cell"]["point"])): failure for failure in failed}
    for failure in list(kinds.values())[:6]:
        capsys.readouterr()
        assert main(shlex.split(failure["command"])[1:]) == 1, failure["command"]
        assert "RuntimeError: no luck" in capsys.readouterr().err
    monkeypatch.setattr(arms, "simulate", real)
    monkeypatch.setattr(match, "simulate", real)
    assert main(shlex.split(failed[-1]["command"])[1:]) == 0
    assert "profit" in capsys.readouterr().out


@pytest.fixture
def small_disk(tmp_path):
    """A file system of two megabytes."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", disk], capture_output=True, text=True, check=False
    )
    if mounted.returncode:
        pytest.skip(f"may not mount a small disk here: {mounted.stderr.strip()}")
    yield disk
    subprocess.run(["umount", "-l", disk], check=True)


@pytest.mark.slow
@pytest.mark.parametrize("executor", ["serial", "process"])
def test_a_full_disk(small_disk, executor):
    study = [*TINY, "study.replications=30", f"executor={executor}"]
    ballast = small_disk / "ballast"
    ballast.write_bytes(bytes(1_700_000))
    said = finish(start(*study, f"results_dir={small_disk}/results"), 1)
    assert "no room left on the disk" in said
    assert "once there is room, the same command again goes on from there" in said
    assert statuses(small_disk / "results") == {"failed"}
    kept = len(lines(small_disk / "results"))
    assert kept > 0
    ballast.unlink()
    assert "damaged" not in finish(start(*study, f"results_dir={small_disk}/results"))
    assert statuses(small_disk / "results") == {"done"}
    assert len(lines(small_disk / "results")) == 30 * 7 + 8
    finish(start(*study, "results_dir=roomy"))
    assert_same(small_disk / "results", "roomy")


@pytest.mark.parametrize("name", ["cells.parquet", "timeseries.parquet", "summary.parquet", "summary.csv"])
def test_one_wrong_byte_in_a_finished_file(name, capsys):
    study = ["value", *TINY, "executor=serial", "study.replications=2"]
    assert main(study) == 0
    (folder,) = studies()
    whole = (folder / name).read_bytes()
    middle = len(whole) // 2
    (folder / name).write_bytes(whole[:middle] + bytes([whole[middle] ^ 1]) + whole[middle + 1 :])
    capsys.readouterr()
    assert main(study) == 0
    assert f"{name} gone or damaged: written again" in capsys.readouterr().err
    assert (folder / name).read_bytes() == whole
    assert main(study) == 0
    assert capsys.readouterr().err == ""
