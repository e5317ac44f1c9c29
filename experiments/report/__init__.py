"""Tables, wording, plots and pages of results."""

from __future__ import annotations
