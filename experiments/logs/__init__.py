"""Real auction logs: readers, inspection, replay and calibration."""

from __future__ import annotations
