"""`jointbid compare DIR DIR ...`: studies side by side."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from ..errors import BadInput, path_of

HELP = """jointbid compare: studies side by side, on one page and as CSV

Usage: jointbid compare DIR [DIR ...] [results_dir=results]

DIR is the folder of a study, one that holds several, or that of a sweep (results/sweeps/<verb>-<hash>). The first study is
what the others are compared with: pair by pair where seed, people, requests and prices are the same, else by Welch's rule.
Writes compare.html, compare.csv and differences.csv to <results_dir>/compare/<hash>/.
"""


def main(arguments: Sequence[str]) -> int:
    """Write the comparison, and say what it comes to and where it is."""
    if not arguments or set(arguments) & {"-h", "--help"}:
        sys.stdout.write(HELP)
        return 0 if arguments else 2
    if unknown := [word for word in arguments if word.startswith("-")]:
        raise BadInput([f"{word}: no such option" for word in unknown])
    settings = [word for word in arguments if word.startswith("results_dir=")]
    folders = [path_of("compare", word) for word in arguments if word not in settings]
    results_dir = path_of("results_dir", settings[-1].partition("=")[2]) if settings else Path("results")
    from ..report.html.comparison_page import write_comparison

    try:
        page = write_comparison(folders, results_dir)
    except OSError as error:
        raise BadInput(f"results_dir: cannot write to {results_dir} ({error.strerror or error})") from None
    sys.stdout.write(f"{page}\n")
    return 0
