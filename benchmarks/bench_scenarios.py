"""What each shipped scenario takes: `python benchmarks/bench_scenarios.py [whole] [VERB/SCENARIO ...]`; all without a word.

Cells are counted, and a task of each kind (the arms of a replication or of some, as a worker plays them) is played for the CPU seconds of all of them, and
of the kernel alone among these: the bound, as if nothing but auctions were held. To these come `DRIVER_S` and the workers' start for
composing, estimates, plots and pages. `whole` runs the command itself with its plots, and prints the CPU seconds of all of its processes
and the driver's among them. On two idle cores a command takes about the driver's seconds and half of the others'.
Other programs on the machine add to CPU seconds.
"""

from __future__ import annotations

import cProfile
import ctypes
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections import Counter, defaultdict
from pathlib import Path

import bench_layers

NEED_A_LOG = {"ipinyou", "log"}
VERBS = ("tournament/tournament", "attribution/touchpoints")
FEW = 4
"""Cells of a task that are played once more for the kernel's share."""
DRIVER_S = 6.0
"""What the driver of a study with plots takes, in CPU seconds."""


def kind_of(cell):
    return "pilots" if cell.is_pilot else "points" if cell.study_point else "own"


def estimated(verb, scenario):
    """Return cells, CPU seconds of all cells, and of the kernel in them; of a study's first stage."""
    from jointbid.experiments.config.points import load
    from jointbid.experiments.execution.grouping import grouped
    from jointbid.experiments.studies.registry import study_class

    (point,) = load(verb, [f"scenario={scenario}"])
    study = study_class(verb)(point.settings)
    stage = list({cell.key: cell for cell in next(iter(study.stages()))}.values())
    tasks, chance = defaultdict(list), random.Random(1)  # noqa: S311 - a sample of tasks
    for task in grouped(stage):
        tasks[kind_of(task[0])].append(task)
    study.work(stage[0])  # what a process does once
    cpu_s = kernel_s = 0.0
    for of_kind in tasks.values():
        cells = chance.choice(of_kind)
        began = time.process_time()
        for cell in cells:
            study.work(cell)
        taken = time.process_time() - began
        profile = cProfile.Profile(time.process_time)
        profile.enable()
        for cell in cells[:FEW]:
            study.work(cell)
        profile.disable()
        everywhere = sum(map(len, of_kind)) / len(cells) * taken
        cpu_s += everywhere
        kernel_s += everywhere * bench_layers.layers(profile).get("kernel", 0.0)
    return Counter(map(kind_of, stage)), cpu_s, kernel_s


def whole(verb, scenario):
    """Return seconds, CPU seconds of all processes of a command, and the driver's among them."""
    command = [str(Path(sys.executable).with_name("jointbid")), verb, f"scenario={scenario}"]
    ctypes.CDLL(None).prctl(bench_layers.SUBREAPER, 1, 0, 0, 0)
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([*command, f"results_dir={folder}"], capture_output=True, check=True)
        wall, driver = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    spent = before.ru_utime + before.ru_stime
    return wall, bench_layers.all_cpu_s() - spent, driver.ru_utime + driver.ru_stime - spent


def all_of_them():
    from jointbid.experiments.config import composition

    folder = Path(composition.__file__).parents[2] / "conf" / "scenario"
    names = sorted(path.stem for path in folder.glob("*.yaml"))
    return [*(f"value/{name}" for name in names if name not in NEED_A_LOG), *VERBS]


def main(*asked):
    is_whole = "whole" in asked
    for one in [name for name in asked if name != "whole"] or all_of_them():
        verb, scenario = one.split("/")
        if is_whole:
            wall, cpu, driver = whole(verb, scenario)
            said = f"{wall:6.1f} s here, {cpu:6.1f} CPU s, {driver:5.1f} of them the driver's; two idle cores {driver + (cpu - driver) / 2:5.1f} s"
        else:
            cells, cpu, kernel = estimated(verb, scenario)
            expected = DRIVER_S + cpu / 2
            said = f"{cells.total():6,} cells {cpu:6.1f} CPU s, kernel {kernel:5.1f}; two idle cores {expected:5.1f} s"
        print(f"{one:32} {said}", flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
