"""`jointbid compare DIR DIR ...`: studies side by side."""

from __future__ import annotations

import sys

from ..errors import BadInput, path_of
from ..report.html.comparison_page import write_comparison
from .parser import Options


def main(options: Options) -> int:
    """Write the comparison, and say what it comes to and where it is."""
    results_dir = options.results_dir()
    if not options.words:
        raise BadInput(f"compare: needs the folders of studies; usage: {options.usage}")
    folders = [path_of("compare", word) for word in options.words]
    try:
        page = write_comparison(folders, results_dir)
    except OSError as error:
        raise BadInput(f"results_dir: cannot write to {results_dir} ({error.strerror or error})") from None
    sys.stdout.write(f"{page}\n")
    return 0
