"""All checks by name, and how to run them: under pytest, or one after the other."""

from __future__ import annotations

import unittest
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from jointbid.sim import Scenario

from ..parameters import did_you_mean
from . import answers, declared, information, process, resources, runs, speed, state
from .case import CHECKS, Case, Check
from .failure import CheckFailed, described, likely_cause

if TYPE_CHECKING:
    import pytest

MODULES = (answers, declared, information, state, process, resources, runs, speed)
"""The modules of checks in the order in which they run; the first check, ``protocol``, decides whether the others are tried."""
IN_ORDER = {name: run for one in MODULES for name, run in CHECKS.items() if run.__module__ == one.__name__}


@dataclass(frozen=True)
class Finding:
    """The result of one check; ``message`` is empty where it passed."""

    check: str
    verdict: Literal["PASS", "FAIL", "SKIP"]
    message: str = ""


def all_checks() -> dict[str, Check]:
    """Return every check by name; it raises ``CheckFailed``, and ``unittest.SkipTest`` where there is nothing to check."""
    return dict(IN_ORDER)


def findings(strategy: object) -> Iterator[Finding]:
    """Yield what each check finds on anything that ``Case.of`` takes; once ``protocol`` fails, the others are skipped."""
    case, has_failed = Case.of(strategy), False
    for name, check in IN_ORDER.items():
        found = (
            Finding(name, "SKIP", "not tried, as protocol failed")
            if has_failed
            else _finding(name, check, case)
        )
        has_failed = has_failed or (name == "protocol" and found.verdict == "FAIL")
        yield found


def _finding(name: str, check: Check, case: Case) -> Finding:
    try:
        check(case)
    except CheckFailed as failed:
        return Finding(name, "FAIL", str(failed))
    except unittest.SkipTest as skipped:
        return Finding(name, "SKIP", str(skipped))
    except (Exception, SystemExit) as error:  # noqa: BLE001 - one check shall not stop the others
        message = CheckFailed("the check runs to its end", described(error), likely_cause(error))
        return Finding(name, "FAIL", str(message))
    return Finding(name, "PASS")


def parametrize_with_checks(
    strategies: Sequence[object],
    *,
    expected_failures: Mapping[str, str] | None = None,
    scenario: Scenario | None = None,
) -> pytest.MarkDecorator:
    """Decorate a test of two arguments with every check of every strategy: classes, functions that make one, or strategies.

    ``expected_failures`` maps the name of a check to the reason why it fails: strictly, so that one which passes after
    all is a failure. ``scenario`` is the market to try them in, where they need its sources. ::

        @parametrize_with_checks([MyStrategy, lambda: MyStrategy(gain=0.5)])
        def test_it_is_a_strategy(strategy, check):
            check(strategy)
    """
    import pytest

    expected = dict(expected_failures or {})
    for name in expected:
        if name not in IN_ORDER:
            hint = did_you_mean(name, IN_ORDER) or f" (there is: {', '.join(IN_ORDER)})"
            raise ValueError(f"expected_failures: no check is called {name!r}{hint}")
    parameters = []
    for thing in strategies:
        case = Case.of(thing)
        if scenario is not None:
            case = replace(case, scenario=scenario)
        for name, check in IN_ORDER.items():
            marks = (
                [pytest.mark.xfail(reason=expected[name], raises=CheckFailed, strict=True)]
                if name in expected
                else []
            )
            parameters.append(pytest.param(case, check, id=f"{case}-{name}", marks=marks))
    return pytest.mark.parametrize(("strategy", "check"), parameters)
