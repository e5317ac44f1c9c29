"""Logs: the most memory that each verb takes, by the log's rows. `python benchmarks/bench_log_memory.py [ROWS ...] [VERB ...]`.

A made-up log is written for each number of rows (a million takes 65 MB of disk), and each verb runs in a process of its own. Past
`supply.most_rows` the figures must not grow.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
from peak import peak_mb

ROWS = (1_000_000, 10_000_000)
AT_ONCE = 250_000
MAPPING = """\
currency: EUR
time: {column: at, unit: s}
price: paid_cpm
floor: floor_cpm
click: clicked
user: person
campaign: campaign
profile: [segment, age]
context: [site, device]
"""
FAST = (
    "study.replay.folds=3",
    "study.replay.penalties=[.3]",
    "study.replay.budgets=[.25]",
    "study.replay.bootstrap=100",
)
VERBS = {
    "inspect": ("log", "inspect", "{log}"),
    "run": ("run", "supply.path={log}", "strategy=adaptive_pacing", "bidders.budget=5"),
    "table": ("log", "table", "{log}"),
    "calibrate": ("log", "calibrate", "{log}", "--out", "{folder}/fitted.yaml"),
    "value": ("value", "supply.path={log}", "executor=serial"),
}


def write(path: Path, rows: int) -> None:
    """A log of a week, one click in some two hundred rows."""
    rng = np.random.default_rng(5)
    with path.open("w") as file:
        for start in range(0, rows, AT_ONCE):
            n = min(AT_ONCE, rows - start)
            person, site = rng.integers(0, rows // 4, n), rng.integers(0, 40, n)
            odds = -5.5 + 0.8 * (person % 5 == 0) + 0.9 * (site % 4 == 2)
            price = rng.lognormal(0.0, 0.7, n).round(3)
            frame = pd.DataFrame(
                {
                    "at": ((start + np.arange(n)) * (604_800 / rows)).round(3),
                    "person": person,
                    "campaign": np.array(["spring", "brand"])[rng.integers(0, 2, n)],
                    "segment": person % 5,
                    "age": person % 3,
                    "site": site,
                    "device": rng.integers(0, 2, n),
                    "floor_cpm": (price * rng.choice([0.0, 0.5, 1.0], n)).round(3),
                    "paid_cpm": price,
                    "clicked": (rng.random(n) < 1 / (1 + np.exp(-odds))).astype(int),
                }
            )
            frame.to_csv(file, index=False, header=start == 0)


def peak(arguments: list[str]) -> tuple[float, float]:
    """Megabytes at the most, and CPU seconds, of one command in a process of its own."""
    before = os.times()
    command = [sys.executable, str(Path(__file__).resolve()), "command", *arguments]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, check=True)
    after = os.times()
    used = after.children_user + after.children_system - before.children_user - before.children_system
    return float(done.stdout.split()[-1]), used


def command(arguments: list[str]) -> int:
    """Run one command in this process, and print the most memory that it took."""
    from jointbid.experiments.cli.main import main

    code = main(arguments)
    sys.stdout.write(f"\n{peak_mb()}\n")
    return code


def measured(rows: int, verbs: list[str]) -> Iterator[tuple[str, float, float]]:
    """Each verb with its megabytes and CPU seconds."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write(folder / "log.csv", rows)
        (folder / "log.yaml").write_text(MAPPING)
        said = [f"supply.mapping={folder / 'log.yaml'}", f"results_dir={folder}", "plot.enabled=false", *FAST]
        for verb in verbs:
            words = [word.format(log=folder / "log.csv", folder=folder) for word in VERBS[verb]]
            yield verb, *peak([*words, *said])


if __name__ == "__main__":
    if sys.argv[1:2] == ["command"]:
        sys.exit(command(sys.argv[2:]))
    asked = [int(word) for word in sys.argv[1:] if word.isdecimal()]
    chosen = [word for word in sys.argv[1:] if word in VERBS]
    for count in asked or ROWS:
        for verb, megabytes, seconds in measured(count, chosen or list(VERBS)):
            print(f"{verb:10} {count:12,} rows {megabytes:8,.0f} MB {seconds:8,.1f} CPU s", flush=True)
