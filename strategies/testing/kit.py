"""All checks by name, and how to run them: under pytest, or one after the other."""

from __future__ import annotations

import unittest
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING, Literal

from jointbid.sim import Scenario

from . import answers, declared, information, runs, state
from .case import Case
from .failure import CheckFailed, came, cause

if TYPE_CHECKING:
    import pytest

Check = Callable[[object], None]

CHECKS: tuple[Check, ...] = (
    answers.protocol,
    answers.valid_bids,
    answers.row_wise,
    answers.one_row,
    answers.empty_batch,
    answers.read_only_batch,
    answers.creatives,
    state.deterministic_under_seed,
    state.clone,
    state.pickle,
    state.reset,
    information.no_hidden_columns,
    information.handles_outcomes,
    declared.capability_card,
    declared.scale_equivariance,
    runs.never_over_budget,
    runs.block_size_invariance,
    answers.a_million_rows,
    answers.speed,
)


@dataclass(frozen=True)
class Finding:
    """What one check found; ``message`` is empty where it passed."""

    check: str
    verdict: Literal["PASS", "FAIL", "SKIP"]
    message: str = ""


def all_checks() -> dict[str, Check]:
    """Every check by name. ``check(maker)`` raises ``CheckFailed``; ``unittest.SkipTest`` where there is nothing to check."""
    return {check.__name__: check for check in CHECKS}


def findings(maker: object) -> Iterator[Finding]:
    """Run every check on what a ``Case`` can be made of; after ``protocol`` has failed, the others are skipped."""
    case, is_strategy = Case.of(maker), True
    for name, check in all_checks().items():
        found = (
            _finding(check, case) if is_strategy else Finding(name, "SKIP", "not tried, as protocol failed")
        )
        is_strategy = is_strategy and (name != "protocol" or found.verdict == "PASS")
        yield found


def _finding(check: Check, case: Case) -> Finding:
    name = check.__name__
    try:
        check(case)
    except CheckFailed as failed:
        return Finding(name, "FAIL", str(failed))
    except unittest.SkipTest as skipped:
        return Finding(name, "SKIP", str(skipped))
    except (Exception, SystemExit) as error:  # noqa: BLE001 - one check shall not stop the others
        return Finding(name, "FAIL", str(CheckFailed("the check goes through", came(error), cause(error))))
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
    checks = all_checks()
    for name in expected:
        if name not in checks:
            close = get_close_matches(name, checks, n=1)
            hint = f"; did you mean {close[0]!r}?" if close else f" (there is: {', '.join(checks)})"
            raise ValueError(f"expected_failures: no check is called {name!r}{hint}")
    parameters = []
    for thing in strategies:
        case = Case.of(thing)
        if scenario is not None:
            case = Case(case.maker, case.auction, scenario, case.label)
        for name, check in checks.items():
            marks = (
                [pytest.mark.xfail(reason=expected[name], raises=CheckFailed, strict=True)]
                if name in expected
                else []
            )
            parameters.append(pytest.param(case, check, id=f"{case}-{name}", marks=marks))
    return pytest.mark.parametrize(("strategy", "check"), parameters)
