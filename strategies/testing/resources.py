"""Checks of what a strategy uses beside its bids: memory, and the terminal."""

from __future__ import annotations

import io
import tracemalloc
import warnings
from contextlib import redirect_stderr, redirect_stdout

from .case import Case, check
from .failure import expect
from .life import Life, account, call, feedback_of, live

ROWS, STEPS = 2_000, 12
KEPT_A_REQUEST = 100.0
"""Bytes that may stay of each request observed: more than all its columns take."""
KEPT_A_STEP = 50_000.0
"""Bytes that may stay of each control step."""
PEAK_A_REQUEST = 4_000.0
"""Bytes that bid() may use for each request while it works."""
BATCH = 4_096


@check
def memory(case: Case) -> None:
    """What it keeps does not grow faster than what it received, and ``bid`` needs no more than some columns."""
    strategy = live(case, case.new())
    batch = case.batch(strategy, n=BATCH)
    tracemalloc.start()
    try:
        case.ask(strategy, batch)
        tracemalloc.reset_peak()
        before = tracemalloc.get_traced_memory()[0]
        case.ask(strategy, batch)
        peak = (tracemalloc.get_traced_memory()[1] - before) / BATCH
    finally:
        tracemalloc.stop()
    expect(
        peak <= PEAK_A_REQUEST,
        f"bid() uses at most {PEAK_A_REQUEST:,.0f} bytes a request while it works",
        f"{peak:,.0f} on {BATCH:,} requests",
        "a table of requests x requests, or of requests x many levels: work through the rows in parts",
    )
    kept = _kept(case, observes=False)
    expect(
        kept <= KEPT_A_STEP,
        f"control() keeps at most {KEPT_A_STEP:,.0f} bytes a step",
        f"{kept:,.0f}",
        "a list of all accounts, or of copies of a table: keep the last ones, or sums",
    )
    if strategy.learns:
        kept = (_kept(case, observes=True) - max(kept, 0.0)) / ROWS
        expect(
            kept <= KEPT_A_REQUEST,
            f"observe() keeps at most {KEPT_A_REQUEST:.0f} bytes a request",
            f"{kept:,.0f}",
            "a Python object for each row: keep counts and sums, or arrays of the last rows (a run of a million requests "
            "would need gigabytes, in each worker)",
        )


@check
def silent(case: Case) -> None:
    """It prints nothing: a study calls it a million times, in many processes."""
    out, error = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(error), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        strategy = live(case, case.new())
        case.ask(strategy, case.batch(strategy))
        case.choose(strategy, case.batch(strategy))
    for stream, text in (("standard output", out.getvalue()), ("standard error", error.getvalue())):
        lines = [line for line in text.splitlines() if line.strip()]
        expect(
            not lines,
            f"nothing on {stream}",
            f"{len(lines)} lines, the first {lines[0][:60]!r}" if lines else "",
            "a print() that was left in, or a logger with a handler: remove it; what you want to see can be an attribute",
        )


def _kept(case: Case, *, observes: bool) -> float:
    """Return the bytes that stay of a control step, with ``ROWS`` requests observed before it, over the later half of a life."""
    strategy = case.new()
    life = Life(rows=ROWS, steps=STEPS, spend=1.0)
    tracemalloc.start()
    try:
        half = 0
        for step in range(1, STEPS + 1):
            if observes:
                feedback = feedback_of(case, strategy, step, life, [])
                call(strategy, "observe", feedback, life.hour(step))
                del feedback
            call(strategy, "control", account(case, step, life), life.hour(step))
            if step == STEPS // 2:
                half = tracemalloc.get_traced_memory()[0]
        return (tracemalloc.get_traced_memory()[0] - half) / (STEPS - STEPS // 2)
    finally:
        tracemalloc.stop()
