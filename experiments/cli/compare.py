"""`jointbid compare DIR DIR ...`: studies side by side."""

from __future__ import annotations

import sys
from pathlib import Path

from ..config.points import digest
from ..errors import BadInput, path_of, refused
from ..report import tables
from ..report.benchmark_files import is_result, merged, read, table_of
from ..report.html.comparison_page import compare
from ..report.wording.benchmark import market_table, score_table, verdict
from ..report.wording.comparison import comparison_table, sentence
from ..storage.study_folder import Folder
from .parser import Options


def main(options: Options) -> int:
    """Write the comparison, and say what it comes to and where it is."""
    results_dir = options.results_dir()
    if not options.words:
        raise BadInput(f"compare: needs the folders of studies; usage: {options.usage}")
    results = [word for word in options.words if is_result(word)]
    if results and len(results) == len(options.words):
        return _benchmarks(results, results_dir)
    if results:
        raise BadInput(
            f"compare: {results[0]} is a result of the benchmark, and the others are not; compare like with like"
        )
    folders = [path_of("compare", word) for word in options.words]
    with refused(f"results_dir: cannot write to {results_dir}"):
        comparison, page = compare(folders, results_dir)
    table = comparison_table(comparison)
    tables.show(*([table] if table else []))
    sys.stdout.write("\n")
    tables.show(sentence(comparison))
    sys.stdout.write("\n")
    tables.show(tables.linked("Report: ", page))
    return 0


def _benchmarks(words: list[str], results_dir: Path) -> int:
    """Lay results of the benchmark beside each other, and write their tables."""
    files = [read(word) for word in words]
    if len(files) < 2:
        raise BadInput(f"{words[0]}: 1 result of the benchmark; a comparison needs two at least")
    scores, notes = merged(files)
    target = results_dir / "compare" / digest([str(file.path.resolve()) for file in files])
    with refused(f"results_dir: cannot write to {results_dir}"):
        target.mkdir(parents=True, exist_ok=True)
        folder = Folder(target)
        for name, table in {
            "ranking": scores.ranked,
            "comparisons": scores.compared,
            "games": scores.by_game,
            "results": table_of(files),
        }.items():
            folder.write_table(f"{name}.csv", table)
    tables.show(
        score_table(scores), market_table(scores), *notes, verdict(scores, str(files[0].content["suite"]))
    )
    sys.stdout.write(f"\nResults: {target}\n")
    return 0
