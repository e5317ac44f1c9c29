"""Every check of jointbid's kit, and what is special about this strategy."""

from __future__ import annotations

import pytest
from jointbid import parametrize_with_checks
from acme_pid.strategy import AcmePid


@parametrize_with_checks([AcmePid, AcmePid(kp=3.0)])
def test_it_passes_the_kit(strategy, check):
    check(strategy)


def test_its_parameter_is_checked():
    with pytest.raises(ValueError, match="kp = -1"):
        AcmePid(kp=-1)
