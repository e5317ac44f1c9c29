"""`jointbid serve`: a strategy answers an exchange's OpenRTB 2.6 bid requests over HTTP, until it is stopped."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from jointbid.sim.scenario.bidders import StrategySpec
from jointbid.strategies.openrtb.addresses import is_loopback
from jointbid.strategies.openrtb.checked import currency_of, names_of

from ..cells.arms import FOCAL
from ..cells.bidders import entrants
from ..config.points import Point, load
from ..config.run_settings import RunSettings
from ..errors import BadInput
from ..studies.cell_plans import cell_of
from .parser import Options

if TYPE_CHECKING:
    from jointbid.strategies.openrtb.desk import Desk
    from jointbid.strategies.openrtb.server import Server

HOST, PORT = "127.0.0.1", "8080"
EXTRA = "pip install 'jointbid[openrtb]'"


def main(options: Options) -> int:
    """Serve until SIGINT or SIGTERM; both are a clean stop."""
    (point,) = load("run", options.words, config_dir=options.config_dir)
    server = made(point, options)
    desk, settings = server.desk, point.settings.of(RunSettings)
    spec = settings.scenario.bidders.strategy
    sys.stdout.write(
        f"{spec.name} answers as in {settings.scenario.name}, arm {settings.study.arm}, in {desk.currency}: POST {server.url}/bid\n"
        f"It reads {', '.join(desk.reading.columns) or 'nothing'}. Notices: {desk.base}/win, /bill, /loss; counters: {server.url}/metrics. "
        "Ctrl-C stops it.\n"
    )
    sys.stdout.flush()
    server.run()
    books = desk.totals()
    sys.stdout.write(
        f"stopped: {books.requests:,} requests, {books.bids:,} bids, {books.wins:,} wins, spend {books.spend_micros / 1e6:.6f} {desk.currency}\n"
    )
    return 0


def made(point: Point, options: Options) -> Server:
    """Return the server of the settings' focal bidder.

    Raises:
        BadInput: a strategy that cannot be served, a port that cannot be used, a missing extra.
    """
    host, port = options.host or HOST, options.port or PORT
    if not is_loopback(host) and not options.public:
        raise BadInput(
            f"--host {host}: must be this machine (127.0.0.1, ::1, localhost); --public lets others on the network in"
        )
    if not port.isdigit() or int(port) > 65_535:
        raise BadInput(f"--port {port}: must be a whole number from 0 (any free port) to 65535")
    try:
        from jointbid.strategies.openrtb.server import Server
    except ImportError as error:
        raise BadInput(f"serve: needs the extra openrtb ({error}): {EXTRA}") from None
    desk = _desk(point, options)
    try:
        return Server(desk, host, int(port), options.url or "")
    except OSError as error:
        raise BadInput(
            f"--port {port}: cannot listen on {host}:{port} ({error.strerror or error}); take another"
        ) from None


def _desk(point: Point, options: Options) -> Desk:
    from jointbid.strategies.market import MarketFacts
    from jointbid.strategies.openrtb.desk import Desk

    settings = point.settings.of(RunSettings)
    scenario, study = settings.played_scenario, settings.study
    if scenario.supply.kind == "log":
        raise BadInput(
            "supply.kind = log: serve needs a scenario whose requests are described, as scenario=default"
        )
    if study.strategies:
        raise BadInput("study.strategies: serve answers with one strategy; name it as strategy=")
    _refuse_remote(scenario.bidders.strategy)
    bidders = entrants(cell_of(settings, study.arm, study.replication))
    if FOCAL not in bidders:
        raise BadInput(f"study.arm = {study.arm}: must be an arm with one campaign")
    market = MarketFacts.of(scenario)
    try:
        return Desk(
            bidders[FOCAL], scenario, names_of(_names(options.names), market), currency_of(None, market)
        )
    except ValueError as error:
        raise BadInput(f"serve: {error}") from None


def _refuse_remote(spec: StrategySpec) -> None:
    from jointbid.strategies.registry import find

    if getattr(find(spec.name), "is_remote", False):
        raise BadInput(f"strategy = {spec.name}: is played elsewhere itself; serve one that is played here")


def _names(file: str | None) -> dict[str, list[str]]:
    if file is None:
        return {}
    try:
        found = json.loads(Path(file).read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise BadInput(f"--names {file}: cannot be read as JSON ({error})") from None
    if not isinstance(found, dict) or not all(isinstance(texts, list) for texts in found.values()):
        raise BadInput(f'--names {file}: must be an object of lists, {{"profile": ["gold", "silver"]}}')
    return found
