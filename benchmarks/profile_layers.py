"""Where people's waiting goes, by layer: `python benchmarks/profile_layers.py [study|cells|small|bounds|cold|suite ...]`; all but `suite` without a word.

`study`: the default study with fewer replications, in this process, from the command to its pages. `cells`: cells of the slow scenarios (`bench_layers.py`). `small`:
1,000 requests with 48 control steps, against a single step. `bounds`: nanoseconds a request of columns and of the kernel in one large run, beside
what this machine takes for the same bytes and for a bare loop (`bench_whole_model.py`). `cold`: the first command on an empty cache of kernels. `suite`: CPU seconds
of each test file, for which it runs the quick half (`cpu_by_file.py`). CPU seconds of the process: other programs may share the cores.
"""

from __future__ import annotations

import contextlib
import cProfile
import io
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import bench_layers
import bench_small
import bench_whole_model
import numpy as np

STUDY_LAYERS = {
    "compose": ("experiments/config",),
    "plots": ("experiments/report/plots",),
    "report": ("experiments/report", "experiments/cli"),
    "estimate": ("experiments/estimate", "experiments/studies"),
    "results on disk": ("experiments/storage",),
    "execution": ("experiments/execution",),
    **bench_layers.LAYERS,
}
COPIED, MANY = 1 << 27, 2_000_000
COLUMN_BYTES = 8 + 8 + 8 + 1 + 2 * 4 + 2 * 4
"""What is written of a request at least: its time, floor, price and auction type, two types, a truth cell and a visible cell."""
SLOW = (
    "value/real_time_optimiser",
    "value/touchpoints",
    "value/agencies",
    "tournament/tournament",
    "attribution/touchpoints",
)
RUNS = 20
FEW = ("study.replications=2", "study.point.replications=2", "study.range=null")
"""The default study has 30 and 6, and a range over drawn markets; its figures and pages take the same."""


def shares(profile, table):
    """Each layer's share, as text."""
    found = bench_layers.layers(profile, table)
    return ", ".join(f"{name} {share:.0%}" for name, share in found.items() if share >= 0.005)


def study():
    """Print the CPU seconds of import, of composing and of the whole default study, and its layers."""
    began = time.process_time()
    from jointbid.experiments.cli.main import main
    from jointbid.experiments.config.points import load
    from jointbid.experiments.execution import preload  # noqa: F401 - what workers import

    imported = time.process_time()
    load("value", [])
    composed = time.process_time()
    profile = cProfile.Profile(time.process_time)
    with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(io.StringIO()):
        profile.enable()
        main(["value", *FEW, "executor=serial", f"results_dir={folder}"])
        profile.disable()
    print(f"import and kernels {imported - began:.2f} CPU s, first composing {composed - imported:.2f}")
    print(
        f"default study with {' '.join(FEW)}: {time.process_time() - composed:.1f} CPU s under the profiler"
    )
    print(f"  {shares(profile, STUDY_LAYERS)}", flush=True)


def small():
    """Print milliseconds a small run with 48 control steps and with one, and its layers."""
    for bidders in (1, 8):
        case = bench_small.market(bidders, bench_small.STEPS)
        bench_small.seconds(case)
        taken = sorted(bench_small.seconds(case) for _ in range(RUNS))[RUNS // 2]
        profile = cProfile.Profile(time.process_time)
        profile.enable()
        for _ in range(RUNS):
            bench_small.seconds(case)
        profile.disable()
        single = bench_small.market(bidders, 1)
        bare = sorted(bench_small.seconds(single) for _ in range(RUNS))[RUNS // 2]
        name = f"{bench_small.REQUESTS:,} requests, {bidders} bidders"
        print(f"{name}: {1e3 * taken:.2f} ms with {bench_small.STEPS} steps, {1e3 * bare:.2f} with one")
        print(f"  {shares(profile, bench_layers.LAYERS)}", flush=True)


def copied_bytes_per_s():
    """The rate at which memory is copied here, in bytes written a second; the best of some."""
    source = np.ones(COPIED >> 3)
    target = np.empty_like(source)
    taken = []
    for _ in range(RUNS):
        began = time.process_time()
        np.copyto(target, source)
        taken.append(time.process_time() - began)
    return COPIED / min(taken)


def bounds():
    """Print nanoseconds a request of columns and kernel in runs of many requests, their bounds, and the ratios."""
    from jointbid.sim import simulate

    rate = copied_bytes_per_s()
    print(f"memory is copied at {rate / 1e9:.1f} GB/s")
    for bidders, slots in ((2, 1), (8, 1), (48, 3)):
        simulate(*bench_whole_model.market(bidders, slots, "shared cells", 1000), seed=1)
        case = bench_whole_model.market(bidders, slots, "shared cells", MANY)
        began, profile = time.process_time(), cProfile.Profile(time.process_time)
        profile.enable()
        simulate(*case, seed=1)
        profile.disable()
        each = 1e9 * (time.process_time() - began) / MANY
        found = bench_layers.layers(profile)
        columns, kernel = (each * found[name] for name in ("columns", "kernel"))
        written, bare = (
            1e9 * COLUMN_BYTES / rate,
            1e9 / max(bench_whole_model.bare_rate(bidders, time.process_time) for _ in range(5)),
        )
        print(
            f"{bidders} bidders, {slots} slots: {each:.0f} ns a request; columns {columns:.1f} ({columns / written:.1f} x the bound of "
            f"{written:.1f}), kernel {kernel:.1f} ({kernel / bare:.1f} x the bound of {bare:.1f})",
            flush=True,
        )


def suite():
    """Run the quick half of the tests and print CPU seconds by file."""
    here = Path(__file__).parent
    command = [sys.executable, "-m", "pytest", "-q", "-p", "cpu_by_file", "-n", "2", "--dist", "worksteal"]
    chosen = ["-m", "not (slow or coverage or cluster)"]
    subprocess.run(
        [*command, *chosen], cwd=here.parent, env={**os.environ, "PYTHONPATH": str(here)}, check=True
    )


def cells():
    """Print what cells of the slow scenarios take, and where."""
    for one in SLOW:
        bench_layers.measure(*one.split("/"))


PARTS = {"study": study, "cells": cells, "small": small, "bounds": bounds, "cold": bench_layers.cold}

if __name__ == "__main__":
    for part in sys.argv[1:] or PARTS:
        {**PARTS, "suite": suite}[part]()
