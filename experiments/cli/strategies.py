"""`jointbid strategies`: what is installed, whether a strategy holds what it promises, and a package to begin with."""

from __future__ import annotations

import importlib.util
import keyword
import re
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from string import Template
from typing import Any

from ..cells.versions import version
from ..errors import BadInput, path_of, refused
from .output import put
from .parser import Options

NAME = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")
TAKEN = {"jointbid", "tests", "test"}


def main(options: Options) -> int:
    """List the strategies, check one, or write a package for a new one."""
    if options.action == "list":
        return _list()
    if options.action == "new":
        return _new(options.one("NAME"), options.dir or ".")
    if not options.words:
        raise BadInput(f"strategies check: needs a strategy; usage: {options.usage}")
    return _check(options.words[0], options.words[1:], getattr(options, "scenario", None))


def _list() -> int:
    """Print a line for each strategy, one that cannot be loaded too."""
    from jointbid.strategies.card import listing

    rows: list[tuple[str, ...]] = [
        ("name", "from", "made for", "learns", "chance", "budget", "bids a second", "what it does")
    ]
    for found in listing():
        if card := found.card:
            budget = "needed" if card.needs_budget else "minded" if card.paces else ""
            speed = f"{card.bids_per_second / 1e6:g} million" if card.bids_per_second else ""
            learns, chance = ("yes" if says else "" for says in (card.learns, card.stochastic))
            columns = (", ".join(card.meant_for) or "any", learns, chance, budget, speed)
            rows.append((found.name, found.origin, *columns, found.about))
        else:
            rows.append((found.name, found.origin, found.error))
    if sys.stdout.isatty():
        for name, origin, *facts, about in rows[1:]:
            words = [f"{head}: {fact}" for head, fact in zip(rows[0][2:], facts, strict=False) if fact]
            put(f"{name}  ({origin})\n    {about}" + (f"\n    {'; '.join(words)}" if words else ""))
        return 0
    widths = [max(len(row[place]) for row in rows if place < len(row) - 1) for place in range(7)]
    for *cells, last in rows:
        padded = [f"{cell:{width}}" for cell, width in zip(cells, widths, strict=False)]
        sys.stdout.write("  ".join([*padded, last]).rstrip() + "\n")
    return 0


def _check(what: str, given: Sequence[str], scenario: str | None) -> int:
    """Run every check, in the market of a scenario where one is named; a line each, with the message where it fails.

    Raises:
        BadInput: no such strategy, file, class or scenario, or parameters that it does not take.
    """
    from jointbid.strategies.card import Card
    from jointbid.strategies.registry import UnknownStrategyError, check_parameters, find
    from jointbid.strategies.testing import Case, CheckFailed, bids_per_second, findings

    parameters = _parameters(given)
    try:
        maker: Callable[..., Any] = find(what)
        check_parameters(what, maker, parameters)
    except UnknownStrategyError as error:
        raise BadInput(str(error)) from None
    case = replace(
        Case.of(partial(maker, **parameters) if parameters else maker),
        scenario=_market(scenario),
        name=what,
        parameters=parameters,
    )
    try:
        strategy = case.new()
        put(f"{what}: {Card.of(strategy).words}\n{_described(case)}")
    except CheckFailed as error:
        if isinstance(error.__cause__, ValueError) and error.expected.startswith("making"):
            raise BadInput(f"strategy {what!r}: {error.__cause__}") from None
    counts = {"PASS": 0, "FAIL": 0, "SKIP": 0}
    for found in findings(case):
        counts[found.verdict] += 1
        said = f"  ({found.message})" if found.verdict == "SKIP" else ""
        put(f"{found.verdict}  {found.check}{said}")
        if found.verdict == "FAIL":
            put("\n".join(f"      {line.strip()}" for line in found.message.splitlines()))
        sys.stdout.flush()
    rate = "" if counts["FAIL"] else f"; {_rate(bids_per_second(case, case.new()))} bids a second"
    sys.stdout.write(f"{counts['PASS']} passed, {counts['FAIL']} failed, {counts['SKIP']} skipped{rate}\n")
    return 1 if counts["FAIL"] else 0


def _market(scenario: str | None) -> Any:
    """Return the market of a scenario by name; None where none is named.

    Raises:
        BadInput: no such scenario, or one of a log.
    """
    if scenario is None:
        return None
    from ..config.points import load

    (point,) = load("run", [f"scenario={scenario}"])
    if point.settings.played_scenario.supply.kind == "log":
        raise BadInput(f"--scenario {scenario}: replays a log; name one that is simulated")
    return point.settings.played_scenario


def _described(case: Any) -> str:
    """Return the market that the strategy is tried in: its columns with their codes, and its prices."""
    market = case.market
    codes = (
        ", ".join(f"{name} (codes 0 to {market.codes_of(name) - 1})" for name in market.source) or "no source"
    )
    from jointbid.strategies.testing.trial import PRICE

    price = f"usual price {case.scale * PRICE:.3g} {market.currency}"
    hint = "" if case.scenario else "; --scenario NAME tries it in a market of yours"
    return f"tried in {market.name}: {', '.join(market.auction.shares)}, {codes}, {price}{hint}"


def _rate(rate: float) -> str:
    """Return the rate in millions; a higher one than 1,000 million means that bid() computes nothing."""
    return "over 1,000 million" if rate > 1e9 else f"{rate / 1e6:.3g} million"


def _parameters(given: Sequence[str]) -> dict[str, Any]:
    """Return the parameters of ``param=value``, each value read as YAML: 0.5, true, [1, 2], text."""
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


def _new(name: str, within: str) -> int:
    """Write the package into a new folder of its name, within a folder.

    Raises:
        BadInput: a name that cannot be one, a folder that is there already or cannot be written to.
    """
    _check_name(name)
    folder = path_of("--dir", within) / name
    if folder.exists():
        raise BadInput(
            f"{folder}: is there already, and nothing is overwritten; choose another name or --dir"
        )
    with refused(f"{folder}: cannot be written"):
        for path, text in package(name).items():
            file = folder / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, "utf-8")
    sys.stdout.write(
        f"{folder}: a package with the strategy {name} (src/{name}/strategy.py), its configuration and its test.\n"
        f"Next:\n  python -m pip install --editable {folder}\n  jointbid strategies check {name}\n"
        f"  jointbid run scenario={name}_market\n"
    )
    return 0


def package(name: str) -> dict[str, str]:
    """Return the files of a package of that name, by their paths in it."""
    words = {
        "name": name,
        "cls": "".join(word.capitalize() for word in name.split("_")),
        "dist": name.replace("_", "-"),
        "jointbid": version("jointbid") or "0",
    }
    template = Path(__file__).parent / "plugin_template"
    return {
        str(file.relative_to(template).with_suffix("")).replace("__name__", name): Template(
            file.read_text("utf-8")
        ).substitute(words)
        for file in sorted(template.rglob("*.tmpl"))
    }


def _check_name(name: str) -> None:
    from jointbid.strategies.registry import BOUNDS, BUILT_IN

    if not NAME.fullmatch(name):
        likely = re.sub(r"[^a-z0-9]+", "_", re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()).strip("_")
        hint = f"; did you mean {likely!r}?" if NAME.fullmatch(likely) else ""
        raise BadInput(
            f"strategies new {name}: must be lower-case letters, digits and single underscores, a letter first{hint}"
        )
    if keyword.iskeyword(name) or name in TAKEN or name in sys.stdlib_module_names:
        raise BadInput(
            f"strategies new {name}: Python or jointbid has a module or word {name!r}; take another, my_{name}"
        )
    if name in BUILT_IN or name in BOUNDS:
        raise BadInput(f"strategies new {name}: {name!r} is a built-in strategy; take another, my_{name}")
    if brings := _installed(name):
        raise BadInput(f"strategies new {name}: {brings} is installed here; take another, my_{name}")


def _installed(name: str) -> str:
    """Return the installed package or module that a new package of this name would hide; empty where nothing is hidden."""
    try:
        found = distribution(name.replace("_", "-"))
    except PackageNotFoundError:
        spec = importlib.util.find_spec(name)
        return f"a module {name!r}" if spec is not None and spec.origin is not None else ""
    return f"the package {found.name} {found.version}"
