"""The conformance kit: named checks that every strategy should pass, for plugin authors and for the built-in ones.

``parametrize_with_checks`` makes pytest cases of them; ``jointbid strategies check`` runs them without pytest.
"""

from __future__ import annotations

from .case import Case as Case
from .failure import CheckFailed as CheckFailed
from .kit import Finding as Finding
from .kit import all_checks as all_checks
from .kit import findings as findings
from .kit import parametrize_with_checks as parametrize_with_checks
from .speed import bids_per_second as bids_per_second
from .trial import trial_scenario as trial_scenario
