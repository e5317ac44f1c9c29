"""`jointbid strategies check`: the kit on one strategy, for people without pytest."""

from __future__ import annotations

import importlib.util
import inspect
import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any

from ..errors import BadInput, closest, path_of

FAILED = 1


def check(what: str, given: Sequence[str]) -> int:
    """Run every check; a line each, with the message where it fails.

    Raises:
        BadInput: no such strategy, file or class, or parameters that it does not take.
    """
    from jointbid.strategies.card import Card
    from jointbid.strategies.registry import UnknownStrategyError, check_parameters, find
    from jointbid.strategies.testing import Case, CheckFailed, bids_per_second, findings

    parameters = _parameters(given)
    try:
        maker: Callable[..., Any] = _from_file(what) if _is_file(what) else find(what)
        check_parameters(what, maker, parameters)
    except UnknownStrategyError as error:
        raise BadInput(str(error)) from None
    case = Case.of(partial(maker, **parameters) if parameters else maker)
    try:
        strategy = case.fresh()
        sys.stdout.write(f"{what}: {Card.of(strategy).words}\n")
    except CheckFailed as error:
        if isinstance(error.__cause__, ValueError) and error.expected.startswith("making"):
            raise BadInput(f"strategy {what!r}: {error.__cause__}") from None
    counts = {"PASS": 0, "FAIL": 0, "SKIP": 0}
    for found in findings(case):
        counts[found.verdict] += 1
        said = f"  ({found.message})" if found.verdict == "SKIP" else ""
        sys.stdout.write(f"{found.verdict}  {found.check}{said}\n")
        if found.verdict == "FAIL":
            sys.stdout.write("".join(f"      {line.strip()}\n" for line in found.message.splitlines()))
        sys.stdout.flush()
    rate = "" if counts["FAIL"] else f"; {_rate(bids_per_second(case, case.fresh()))} bids a second"
    sys.stdout.write(f"{counts['PASS']} passed, {counts['FAIL']} failed, {counts['SKIP']} skipped{rate}\n")
    return FAILED if counts["FAIL"] else 0


def _rate(rate: float) -> str:
    """In millions; beyond a thousand of them nothing was worked out."""
    return "over 1,000 million" if rate > 1e9 else f"{rate / 1e6:.3g} million"


def _parameters(given: Sequence[str]) -> dict[str, Any]:
    """``param=value`` as YAML reads the value: 0.5, true, [1, 2], text."""
    import yaml

    found = {}
    for text in given:
        name, equals, value = text.partition("=")
        if not equals or not name.isidentifier():
            raise BadInput(f"{text}: must be param=value")
        try:
            found[name] = yaml.safe_load(value)
        except yaml.YAMLError as error:
            raise BadInput(f"{text}: cannot be read ({' '.join(str(error).split())})") from None
    return found


def _is_file(what: str) -> bool:
    path = what.rpartition(":")[0] or what
    return path.endswith(".py") or "/" in path or "\\" in path or Path(path).is_file()


def _from_file(what: str) -> Callable[..., Any]:
    """The class that FILE:CLASS names."""
    name = what.rpartition(":")[2] if ":" in what else ""
    if name.endswith(".py") or "/" in name or "\\" in name:
        name = ""
    path = path_of("strategies check", what.removesuffix(f":{name}") if name else what.removesuffix(":"))
    if not path.is_file():
        there = [file.name for file in path.parent.glob("*.py")] if path.parent.is_dir() else []
        raise BadInput(f"{path}: no such file{closest(path.name, there)}")
    module = _run(path)
    own = [
        key
        for key, item in vars(module).items()
        if inspect.isclass(item) and item.__module__ == module.__name__ and hasattr(item, "bid")
    ]
    if not name:
        raise BadInput(f"{path}: name the class, as in {path}:{own[0] if own else 'MyStrategy'}")
    found = getattr(module, name, None)
    if not callable(found):
        known = f"; there is: {', '.join(own)}" if own else "; no class in it has a method bid"
        raise BadInput(f"{path}: has no class {name!r}{closest(name, own)}{known}")
    maker: Callable[..., Any] = found
    return maker


def _run(path: Path) -> ModuleType:
    """The file as a module that pickle finds again, with its neighbours to be imported from it."""
    name = f"{path.stem}_to_check"
    spec = importlib.util.spec_from_file_location(name, path.resolve())
    if spec is None or spec.loader is None:
        raise BadInput(f"{path}: is no Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    sys.path.append(str(path.resolve().parent))
    try:
        spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:
        raise BadInput(
            f"{path}{_line(error, path)}: cannot be imported: {type(error).__name__}: {error}"
        ) from error
    return module


def _line(error: BaseException, path: Path) -> str:
    """Where in the file it happened."""
    trace, line = error.__traceback__, getattr(error, "lineno", None)
    while trace is not None:
        if Path(trace.tb_frame.f_code.co_filename) == path.resolve():
            line = trace.tb_lineno
        trace = trace.tb_next
    return f", line {line}" if line else ""
