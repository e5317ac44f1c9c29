"""The table of docs/benchmark.md, from its result file; `python -m tools.benchmark_page [RESULT ...]` makes that file of new results.

docs/benchmark.md has the commands that make the results.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

from jointbid.experiments.estimate.benchmark import INFORMATION
from jointbid.experiments.estimate.intervals import mean_interval
from jointbid.experiments.report.benchmark_files import merged, read

PAGE = Path(__file__).parents[1] / "docs" / "benchmark.md"
RESULT = PAGE.with_name("benchmark_v1.json")
PART = re.compile(r"(<!-- ranking -->\n).*?(<!-- end of ranking -->)", re.DOTALL)


def joined(files: list[str]) -> dict[str, Any]:
    """Return one result with the strategies of all, which must be of one code."""
    first, *others = [read(file).content for file in files]
    for other in others:
        if (other["code"], other["yardsticks"]) != (first["code"], first["yardsticks"]):
            raise SystemExit(f"{', '.join(files)}: must be results of one code")
        first["strategies"] |= other["strategies"]
    return first


def table(path: Path) -> str:
    """Return the ranking of a result with the scores of all markets, best first."""
    file = read(str(path))
    result, (scores, _) = file.content, merged([file])
    markets = list(result["markets"])
    head = ["strategy", "rank", "score (95 % interval)", *INFORMATION, *(f"`{market}`" for market in markets)]
    lines = [f"| {' | '.join(head)} |", "|---" * len(head) + "|"]
    by_game = scores.by_game[scores.by_game["information"] == "joint"].set_index(["strategy", "market"])["estimate"]  # fmt: skip
    for row in scores.ranked.to_dict("records"):
        name, best, worst = row["strategy"], int(row["rank_best"]), int(row["rank_worst"])
        total = mean_interval(scores.total[name])
        cells = [
            f"`{name}`",
            str(best) if best == worst else f"{best} to {worst}",
            f"{total.estimate:.1f} ({total.ci_low:.1f} to {total.ci_high:.1f})",
            *(f"{scores.of(information, name).estimate:.1f}" for information in INFORMATION),
            *(
                f"{by_game[name, market]:.0f}"
                if f"{market}/joint" in result["strategies"][name]["utilities"]
                else "-"
                for market in markets
            ),
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join([*lines, ""])


def written(page: str) -> str:
    """Return the page with its table as it should be."""
    return PART.sub(lambda part: f"{part[1]}{table(RESULT)}{part[2]}", page)


if __name__ == "__main__":
    if len(sys.argv) > 1:
        RESULT.write_text(json.dumps(joined(sys.argv[1:]), separators=(",", ":")), "utf-8")
    PAGE.write_text(written(PAGE.read_text("utf-8")), "utf-8")
