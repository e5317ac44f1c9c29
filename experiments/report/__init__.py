"""What analysts look at: a study's folder read back, its report, and several studies side by side."""

from __future__ import annotations

from experiments.report.page import write_report
from experiments.report.study import Study, load_study

__all__ = ["Study", "load_study", "write_report"]
