"""The names of files in the folders of studies and sweeps that several modules read or write."""

from __future__ import annotations

MANIFEST, STATUS, CONFIG = "manifest.json", "status.json", "config.yaml"
SUMMARY_CSV, FAILURES, REPORT = "summary.csv", "failures.jsonl", "report.html"
POINTS = "points"
"""A sweep's table, with ``.csv`` and ``.parquet``."""
SWEEPS = "sweeps"
"""The folder of sweeps, beside those of the verbs: ``results/sweeps/<verb>-<hash12>/``."""
