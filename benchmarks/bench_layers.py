"""Where the time of a scenario's cells goes: `python benchmarks/bench_layers.py [VERB/SCENARIO ...]`, or `... cold`.

Each scenario's cells are counted, and some arms of one replication are played without a profiler for the CPU seconds of a cell, then
with one for the shares of the layers. What numpy and simpy do counts where it is called. `cold` times the first cell on
an empty cache of kernels. CPU seconds are printed: other programs may share the cores.
"""

from __future__ import annotations

import cProfile
import ctypes
import os
import pstats
import resource
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

SCENARIOS = (
    "value/real_time_optimiser",
    "value/touchpoints",
    "value/default",
    "attribution/touchpoints",
    "tournament/tournament",
)
ARMS = 4
SUBREAPER = 36
"""Of Linux' prctl: workers become children of this process when a command ends, and are counted."""
ROUNDS = 12
LAYERS = {
    "kernel": ("sim/auction", "sim/journey/kernel", "sim/tables"),
    "columns": ("sim/supply", "sim/arrivals", "sim/landscape", "sim/sources", "sim/audience", "sim/world", "sim/streams", "sim/drift", "sim/stock", "sim/journey"),
    "control steps": ("sim/control", "sim/allowance", "sim/account", "sim/calls", "sim/watch", "sim/visible", "sim/bidder_session"),
    "feedback": ("sim/aftermath", "sim/feedback", "sim/outcomes", "sim/counting", "sim/responded", "sim/delays", "sim/ledger", "sim/data_usage", "sim/delivery", "sim/serving"),
    "valuations": ("strategies/valuations",),
    "policies": ("strategies",),
    "calendar and loop": ("sim/simulation", "sim/auctions.py", "sim/calendar"),
    "set-up": ("sim", "experiments"),
}  # fmt: skip
"""Layer -> the folders and files whose functions it has; the first that fits."""


def layer_of(function, table):
    """The layer of a function of this package; None for a library's."""
    _, _, own = function[0].partition("/jointbid/")
    if not own:  # a kernel that is bound to its types is a built-in function
        _, _, name = function[2].partition("built-in method jointbid.")
        own = name.replace(".", "/")
    if not own:
        return None
    return next((name for name, places in table.items() if own.startswith(places)), "set-up")


def layers(profile, table=LAYERS):
    """The share of each layer in the time of a profile; a library's time is shared out among its callers."""
    stats = pstats.Stats(profile).stats
    known = {function: layer_of(function, table) for function in stats}
    parts = {function: {layer: 1.0} if layer else {} for function, layer in known.items()}
    for _ in range(ROUNDS):  # from caller to caller, until who called is one of ours
        for function, layer in known.items():
            callers = {name: about[3] for name, about in stats[function][4].items() if name != function}
            whole = sum(callers.values())
            if not layer and whole:
                mixed = Counter()
                for caller, part in callers.items():
                    for name, share in parts.get(caller, {}).items():
                        mixed[name] += share * part / whole
                parts[function] = mixed
    seconds = Counter()
    for function, (_, _, own_s, _, _) in stats.items():
        for name, share in parts[function].items():
            seconds[name] += own_s * share
    whole = sum(seconds.values())
    return {name: part / whole for name, part in seconds.most_common()}


def measure(verb, scenario):
    """Print how many cells a scenario has, what some of them take, and where."""
    from jointbid.experiments.cells.cell_lists import are_first, chosen, keyed
    from jointbid.experiments.config.points import load
    from jointbid.experiments.studies.registry import study_class

    (point,) = load(verb, [f"scenario={scenario}"])
    study = study_class(verb)(point.settings)
    cells = keyed(next(iter(study.stages())))
    stage = list(chosen(cells, are_first(cells.keys)))
    where = Counter("pilots" if c.is_pilot else "points" if c.study_point else "own" for c in stage)
    first = [cell for cell in stage if not (cell.replication or cell.study_point)]
    some = first[:: -(-len(first) // ARMS)]
    study.work(some[0])  # what a process does once
    took = {}
    for cell in some:
        began = time.process_time()
        study.work(cell)
        took[cell.treatment] = time.process_time() - began
    profile = cProfile.Profile(time.process_time)
    profile.enable()
    for cell in some:
        study.work(cell)
    profile.disable()
    print(
        f"{verb} {scenario}: {len(stage):,} cells ({', '.join(f'{n:,} {what}' for what, n in where.items())})"
    )
    print("  CPU s a cell: " + ", ".join(f"{arm} {seconds:.3f}" for arm, seconds in took.items()))
    print("  " + ", ".join(f"{name} {share:.0%}" for name, share in layers(profile).items()), flush=True)


def all_cpu_s():
    """The CPU seconds of all processes that have ended below this one; waits for those that still run."""
    try:
        while True:
            os.wait()
    except ChildProcessError:
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def cold():
    """Print when the first cell of the default study is there, and when `jointbid run` ends, with an empty cache of kernels and a full one."""
    ctypes.CDLL(None).prctl(SUBREAPER, 1, 0, 0, 0)
    for verb in ("value", "run"):
        with tempfile.TemporaryDirectory() as folder:
            for name in ("empty", "full"):
                program = str(Path(sys.executable).with_name("jointbid"))
                command = [program, verb, "plot.enabled=false", f"results_dir={folder}/{name}"]
                before, began, first_s = all_cpu_s(), time.perf_counter(), None
                process = subprocess.Popen(
                    command,
                    env={**os.environ, "JOINTBID_CACHE_DIR": f"{folder}/cache"},
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                )
                while first_s is None:
                    time.sleep(0.02)
                    cells = Path(folder, name).glob("value/*/cells/*.jsonl")
                    if process.poll() is not None or any(file.stat().st_size for file in cells):
                        first_s = time.perf_counter() - began
                process.terminate()
                print(
                    f"jointbid {verb}, cache of kernels {name}: first cell after {first_s:.1f} s, "
                    f"{all_cpu_s() - before:.1f} CPU seconds until then of all processes",
                    flush=True,
                )


if __name__ == "__main__":
    for asked in sys.argv[1:] or (*SCENARIOS, "cold"):
        if asked == "cold":
            cold()
        else:
            measure(*asked.split("/"))
