"""What analysts look at: a study's folder read back, its report, and several studies side by side."""

from __future__ import annotations

from .comparison import Comparison, studies_of
from .comparison_page import compare
from .loaded import ComparisonTables, SweepTables, load_folder
from .page import write_page, write_report
from .pictures import draw_further
from .study import Study, load_study

__all__ = [
    "Comparison",
    "ComparisonTables",
    "Study",
    "SweepTables",
    "compare",
    "draw_further",
    "load_folder",
    "load_study",
    "studies_of",
    "write_page",
    "write_report",
]
