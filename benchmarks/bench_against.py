"""This version against another one: `python benchmarks/bench_against.py FOLDER [REQUESTS] [CASE ...]`, FOLDER being a checkout of it.

Each case of ``CASES`` (all of them, where none is named) is played by both in turns, ``TURNS`` times, each in a process of its own: on one core by CPU time, and on two by
the clock. A line a case has the medians in nanoseconds a request, their ratio, and whether all columns of the result that both have are the same.
`git worktree add FOLDER COMMIT` makes a checkout. The other version runs in this Python: its libraries are those of this one.
"""

from __future__ import annotations

import contextlib
import json
import os
import statistics
import subprocess
import sys
import time
from importlib import import_module
from pathlib import Path
from typing import Any

CASES = {
    "2": (2, 1, "shared cells"),
    "8": (8, 1, "shared cells"),
    "48x3": (48, 3, "shared cells"),
    "caps": (8, 1, "caps, delays, 100,000 people"),
}
TURNS, REQUESTS = 5, 2_000_000
HERE = Path(__file__).parent.parent


class Player:
    """A process that plays cases with the version in a folder."""

    def __init__(self, folder: Path, cores: set[int]) -> None:
        command = [sys.executable, __file__, "play", str(folder), *map(str, cores)]
        # the threads of numpy's linear algebra keep a core busy for a tenth of a second after a product
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=os.environ | {"OPENBLAS_NUM_THREADS": "1"},
        )

    def play(self, case: tuple[int, int, str], requests: int) -> dict[str, Any]:
        """Return what one run takes: ``cpu`` and ``clock`` in nanoseconds a request, and its ``result``."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        print(json.dumps([*case, requests]), file=self._process.stdin, flush=True)
        answer: dict[str, Any] = json.loads(self._process.stdout.readline())
        return answer

    def close(self) -> None:
        """End the process."""
        self._process.communicate()


def play(folder: Path, cores: set[int]) -> None:
    """Play the cases that standard input names, with the version in a folder; the first run of each only compiles."""
    os.sched_setaffinity(0, cores)
    sys.path[:0] = [str(folder / part) for part in ("src", "", "benchmarks")]
    import bench_whole_model

    try:
        simulate = import_module("jointbid.sim").simulate
    except ImportError:  # versions before the package had its name
        simulate = import_module("sim").simulate

    played = set()
    for line in sys.stdin:
        *case, requests = json.loads(line)
        if tuple(case) not in played:
            played.add(tuple(case))
            simulate(*bench_whole_model.market(*case, 1000), seed=1)
        market = bench_whole_model.market(*case, requests)
        clock, cpu = time.perf_counter(), time.process_time()
        with contextlib.redirect_stdout(sys.stderr):
            result = simulate(*market, seed=1)
        cpu, clock = time.process_time() - cpu, time.perf_counter() - clock
        columns = {name: repr(column.tolist()) for name, column in result.bidders.items()}
        print(
            json.dumps({"cpu": 1e9 * cpu / requests, "clock": 1e9 * clock / requests, "result": columns}),
            flush=True,
        )


def compare(other: Path, requests: int, names: list[str]) -> None:
    """Print a line a case, on one core and on two."""
    every = sorted(os.sched_getaffinity(0))
    for cores, unit in ((every[:1], "cpu"), (every[:2], "clock")):
        players = Player(other, set(cores)), Player(HERE, set(cores))
        plain = 0.0
        for name in names:
            runs: tuple[list[dict[str, Any]], ...] = ([], [])
            for turn in range(TURNS):
                for which in (0, 1) if turn % 2 else (1, 0):
                    runs[which].append(players[which].play(CASES[name], requests))
            then, now = (statistics.median(run[unit] for run in each) for each in runs)
            one, two = (each[0]["result"] for each in runs)
            same = all(one[column] == two[column] for column in one.keys() & two.keys())
            plain = now if name == "8" else plain
            of_plain = f", {plain / now:.2f} of the plain rate" if name == "caps" and plain else ""
            print(
                f"{len(cores)} core{'s' * (len(cores) > 1)} ({unit}) {name}: {then:.1f} -> {now:.1f} ns a request, "
                f"{then / now:.2f} times as fast{of_plain}; results {'the same' if same else 'DIFFERENT'}",
                flush=True,
            )
        for player in players:
            player.close()


if __name__ == "__main__":
    first, *rest = sys.argv[1:]
    if first == "play":
        play(Path(rest[0]), set(map(int, rest[1:])))
    else:
        numbers = [int(word) for word in rest if word.isdigit() and word not in CASES]
        compare(
            Path(first).resolve(),
            (numbers or [REQUESTS])[0],
            [word for word in rest if word in CASES] or list(CASES),
        )
