"""What a study costs beside its cells: `make bench-study`, or `python benchmarks/bench_study.py [overhead|memory|sweeps|speedup|people]`.

`overhead` and `memory` run cells that do nothing but hand back a result of the usual size, so that all that is left is the
driver, the pipes and the disk; `sweeps` runs many small studies of them. `speedup` runs the default study on one core and on two; where other programs share the
cores, its CPU seconds say more than its wall seconds. `people` simulates one market with more and more of them.
"""

from __future__ import annotations

import ctypes
import json
import os
import subprocess
import sys
import tempfile
import time
from functools import partial
from pathlib import Path

from bench_layers import SUBREAPER, all_cpu_s
from peak import peak_mb

ARMS = 7
COUNTS = (
    "viewed", "reach", "clicks_expected", "clicks", "clicks_censored", "conversions_expected", "conversions",
    "conversions_censored", "conversions_unattributed", "late", "unsent",
)  # fmt: skip
CROWDS = (100_000, 1_000_000, 4_000_000)
SIZES = (100, 5_000, 50_000)
SWEEPS = (90, 450)
OWN = "study.replications={} scenario=theory supply.requests=1000 plot.enabled=false executor={}"


def nothing(cell):
    """A result as a cell of one bidder has it, with 24 hours, from no work."""
    from jointbid.experiments.cells.cell import CellResult

    profit = 1.0 + hash((cell.arm, cell.replication)) % 1000 / 1e4
    counts = dict.fromkeys(COUNTS, 0.0)
    row = {
        "bidder": "focal",
        "advertiser": "focal",
        "requests": 1000,
        "wins": 500,
        "win_rate": 0.5,
        "spend": 1.5,
    }
    row |= {"value": profit + 1.5, "profit": profit, "budget_left": float("inf"), "focal": True, **counts}
    row |= {"revenue": 1.5, "welfare": float("nan")}
    about = {"bidder": "focal", "spend": profit / 24, "wins": 20, "multiplier": float("nan")}
    return CellResult([row], [{**about, "hour": hour} for hour in range(24)], 1000)


def measure(cells, executor):
    """In a process of its own: seconds and peak memory of the driver of a study of this number of cells."""
    from jointbid.experiments.config.points import load
    from jointbid.experiments.studies.session import run_study
    from jointbid.experiments.studies.value.study import Value

    class Nothing(Value):
        work = staticmethod(nothing)

    (point,) = load("value", OWN.format(max(2, cells // ARMS), executor).split())
    started = time.perf_counter(), time.process_time()
    found = run_study(point, Nothing)
    about = {
        "cells": found.ran,
        "wall_s": time.perf_counter() - started[0],
        "driver_s": time.process_time() - started[1],
        "peak_mb": peak_mb(),
        "disk_mb": sum(file.stat().st_size for file in point.folder.rglob("*")) / 1e6,
    }
    print(json.dumps(about))


def in_a_process(cells, executor):
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, str(Path(__file__).resolve()), "measure", str(cells), executor]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])


def overhead():
    for executor in ("serial", "process"):
        one = in_a_process(5_000, executor)
        wall, driver = (1e3 * one[name] / one["cells"] for name in ("wall_s", "driver_s"))
        print(
            f"{executor:8} {one['cells']:>6,} cells of no work: {wall:.2f} ms a cell, {driver:.2f} ms of it the driver's CPU"
        )


def memory():
    for cells in SIZES:
        one = in_a_process(cells, "process")
        print(
            f"{one['cells']:>6,} cells: driver's peak {one['peak_mb']:.0f} MB, {one['wall_s']:.1f} s, "
            f"{one['disk_mb']:.1f} MB on disk"
        )


def swept(points):
    """In a process of its own: traced bytes that each further point of a sweep leaves with the driver, and its CPU seconds."""
    import gc
    import tracemalloc

    from jointbid.experiments.config.points import load
    from jointbid.experiments.report.sweep import Sweep
    from jointbid.experiments.studies.session import run_studies
    from jointbid.experiments.studies.value.study import Value

    class Nothing(Value):
        work = staticmethod(nothing)

    words = f"{OWN.format(2, 'serial')} source.profile.match_rate=interval(0.2,0.9) sweep.samples={points}"
    warm, cells, held = points // 3, [0], [0, 0]
    todo = load("value", words.split(), multirun=True)
    sweep = Sweep(todo, Nothing(todo[0].settings).headline)
    done = []

    def deliver(point, result):
        sweep.add(point, result.summary, failed=bool(result.failures))
        cells[0] += result.ran
        done.append(time.process_time())
        if len(done) in {warm, points}:
            gc.collect()
            if len(done) == warm:
                tracemalloc.start()
            held[len(done) == points] = tracemalloc.get_traced_memory()[0]

    run_studies(todo, Nothing, deliver)
    each = (held[1] - held[0]) / (points - warm)
    seconds = (done[-1] - done[0]) / (points - 1)
    print(json.dumps({"cells": cells[0] / points, "bytes": each, "cpu_s": seconds, "peak_mb": peak_mb()}))


def sweeps():
    for points in SWEEPS:
        with tempfile.TemporaryDirectory() as folder:
            command = [sys.executable, str(Path(__file__).resolve()), "swept", str(points)]
            done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True)
        one = json.loads(done.stdout.splitlines()[-1])
        print(
            f"sweep of {points} points with {one['cells']:.0f} cells each: {one['bytes']:,.0f} bytes of the driver a point more, "
            f"{one['cpu_s']:.2f} of its CPU seconds, peak {one['peak_mb']:.0f} MB"
        )


def speedup():
    """The default study with one core to run on, and with two: the processes that it starts share them."""
    seconds, cores = {}, sorted(os.sched_getaffinity(0))
    ctypes.CDLL(None).prctl(SUBREAPER, 1, 0, 0, 0)  # the workers' seconds count as well
    for allowed in cores[:1], cores[:2]:
        with tempfile.TemporaryDirectory() as folder:
            before, started = all_cpu_s(), time.perf_counter()
            command = [str(Path(sys.executable).with_name("jointbid")), "value"]
            subprocess.run(
                command,
                cwd=folder,
                capture_output=True,
                check=True,
                preexec_fn=partial(os.sched_setaffinity, 0, allowed),
            )
            took = seconds[len(allowed)] = time.perf_counter() - started
            cpu = all_cpu_s() - before
            (manifest,) = Path(folder).rglob("manifest.json")
            auctions = json.loads(manifest.read_text())["auctions"]
        print(
            f"{len(allowed)} cores: {took:.1f} s, {cpu:.1f} CPU seconds, {auctions:,} auctions, "
            f"{auctions / cpu:,.0f} a CPU second"
        )
    print(f"two cores against one: {seconds[1] / seconds[2]:.2f} x")


def crowd(people):
    """In a process of its own: one simulation with this number of people, each of whom comes four times, and a cap of three."""
    from jointbid import Policy, Priced, bayes, load, simulate

    class Truthful(Policy):
        def bid(self, requests):
            return requests["value"]

    peaks, found = [], None
    for size in (1_000, people):  # the first for the memory of everything else
        market = [
            f"audience.people={size}",
            f"supply.requests={4 * size}",
            "bidders.terms.caps=[{impressions: 3}]",
        ]
        scenario = load("default", *market)
        found = simulate(scenario, {"focal": Priced(bayes(scenario, ("context",)), Truthful())}, seed=1).of(
            "focal"
        )
        peaks.append(peak_mb() * (1 << 20))
    about = {"profit": found["profit"] / (4 * people) * 1e6, "frequency": found["viewed"] / found["reach"]}
    print(json.dumps({"bytes": (peaks[1] - peaks[0]) / people, **about}))


def people():
    for count in CROWDS:
        command = [sys.executable, str(Path(__file__).resolve()), "crowd", str(count)]
        one = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
        print(
            f"{count:>10,} people, {4 * count:,} requests: {one['bytes']:.0f} bytes a person more, profit "
            f"{one['profit']:.2f} per million requests, {one['frequency']:.3f} impressions a person reached"
        )


PARTS = {"overhead": overhead, "memory": memory, "sweeps": sweeps, "speedup": speedup, "people": people}

if __name__ == "__main__":
    if sys.argv[1:2] == ["crowd"]:
        crowd(int(sys.argv[2]))
    elif sys.argv[1:2] == ["swept"]:
        swept(int(sys.argv[2]))
    elif sys.argv[1:2] == ["measure"]:
        measure(int(sys.argv[2]), sys.argv[3])
    else:
        for name in sys.argv[1:] or PARTS:
            PARTS[name]()
