"""The conformance kit: named checks that every strategy should pass, for plugin authors and for the built-in ones.

``parametrize_with_checks`` makes pytest cases of them; ``jointbid strategies check`` runs them without pytest.
"""

from __future__ import annotations

from .case import Case
from .failure import CheckFailed
from .kit import Finding, all_checks, findings, parametrize_with_checks
from .speed import bids_per_second
from .trial import trial_scenario

__all__ = [
    "Case",
    "CheckFailed",
    "Finding",
    "all_checks",
    "bids_per_second",
    "findings",
    "parametrize_with_checks",
    "trial_scenario",
]
