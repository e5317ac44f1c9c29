"""What analysts look at: a study's folder read back, its report, and several studies side by side."""

from __future__ import annotations

from experiments.report.compare import Comparison, studies_of
from experiments.report.compare_page import write_comparison
from experiments.report.figures import draw_further
from experiments.report.page import write_page, write_report
from experiments.report.study import Study, load_study

__all__ = [
    "Comparison",
    "Study",
    "draw_further",
    "load_study",
    "studies_of",
    "write_comparison",
    "write_page",
    "write_report",
]
