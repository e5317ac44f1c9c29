"""The four tables of an invented firm, as an ad server and a CRM export them, of any size and with known truth.

Click rates and prices are those of a scenario of the engine, which is written beside them: so what joining is worth is known, in closed form and
by `jointbid value --config-dir FOLDER scenario=firm`.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv
import pyarrow.parquet as pq
from numpy.typing import NDArray
from scipy.special import ndtr

from jointbid.sim.landscape import Landscape
from jointbid.sim.response import truth
from jointbid.sim.scenario import Scenario

from ...config.points import to_yaml
from ...config.validation import validate

Floats = NDArray[np.float64]
DAYS, TYPES = 28, 8
START = np.datetime64("2025-03-03T00:00:00", "us").astype(np.int64)
DAY_US = 86_400_000_000
BLOCK = 1_000_000
SEGMENTS = ("new", "student", "family", "senior", "saver", "traveller", "loyal", "vip")
SITES = ("forum", "games", "mail", "weather", "news", "sport", "video", "review")
ORDERS_PER_CLICK = 0.5
MOVERS = 0.3
"""The share of people whose segment changes once."""

MAPPING = """\
# What the columns of impressions.csv are, and which tables are joined to it.
currency: EUR
price_unit: cpm
time: {column: event_time, unit: iso}
price: cost_cpm                 # the market price: the highest rival bid
campaign: line_item
context: [site]                 # the CMO's columns, in the log itself
ad: [creative]
full_information: true          # each row has its price, whether the firm won or not
tables:
  clicks: {path: clicks.csv, key: impression_id}
  conversions: {path: orders.csv, key: {impression_id: impression}, value: margin}
  crm: {path: crm.parquet, key: {user_id: customer}, profile: [segment, tier], valid_from: updated_at}
"""


def market(match_rate: float) -> dict[str, Any]:
    """Return the scenario that the tables are drawn from."""
    return {
        "scenario": {
            "question": "What would joining the CRM to the log be worth to the invented firm of the four tables?",
            "currency": "EUR",
        },
        "supply": {"requests": 200_000, "context_types": TYPES, "horizon_h": 24 * DAYS},
        "audience": {"profile_types": TYPES},
        "response": {
            "family": "logit", "a": -2.7, "b": 0.65, "c": 0.75, "redundancy": 0.0, "interaction": 0.0, "value_per_click": 0.04,
        },
        "source": {
            "profile": {"owner": "cio", "match_rate": match_rate, "sync_interval_h": 0},
            "context": {"owner": "cmo", "match_rate": 1},
        },
        "rivals": {"landscape": "lognormal", "mu": float(np.log(0.0025)), "sigma": 0.6},
        "bidders": {"strategy": {"name": "truthful"}},
    }  # fmt: skip


@dataclass(frozen=True)
class People:
    """Persons: their id, segment before and after `moved_us`, whether the CRM has them; shape (persons,) each."""

    ids: pa.Array
    before: NDArray[np.int64]
    after: NDArray[np.int64]
    moved_us: NDArray[np.int64]
    known: NDArray[np.bool_]

    def type_at(self, who: NDArray[np.int64], time_us: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the segments of some persons at some times."""
        return np.where(time_us >= self.moved_us[who], self.after[who], self.before[who])


def write_four_tables(
    folder: Path, rows: int, persons: int | None = None, match_rate: float = 0.7, seed: int = 7
) -> dict[str, Any]:
    """Write impressions, clicks, orders and CRM, the mapping, the scenario and `truth.json`; return the truth.

    Args:
        folder: made where it is not there.
        rows: impressions.
        persons: of whom they are; a tenth of the rows where None.
        match_rate: the share of persons that the CRM has.
        seed: of all draws.
    """
    folder.mkdir(parents=True, exist_ok=True)
    tree, rng = market(match_rate), np.random.default_rng([seed, rows])
    scenario = validate("value", {"study": {}, **tree}).scenario
    people = _people(max(persons or rows // 10, 1), match_rate, rng)
    clicks = _write_impressions(folder, rows, people, scenario, rng)
    _write_crm(folder / "crm.parquet", people, rng)
    (folder / "mapping.yaml").write_text(MAPPING, "utf-8")
    (folder / "scenario").mkdir(exist_ok=True)
    head = "# @package _global_\n# jointbid value --config-dir FOLDER scenario=firm, this file being FOLDER/scenario/firm.yaml\n"
    head += "defaults:\n  - override /auction: second_price\n  - override /strategy: truthful\n\n"
    tree.pop("bidders")
    (folder / "scenario" / "firm.yaml").write_text(head + to_yaml(tree), "utf-8")
    known = {
        **known_profits(scenario, match_rate),
        "rows": rows,
        "persons": len(people.ids),
        "clicks": clicks,
        "match_rate": match_rate,
    }
    (folder / "truth.json").write_text(json.dumps(known, indent=1) + "\n", "utf-8")
    return known


def known_profits(scenario: Scenario, match_rate: float) -> dict[str, Any]:
    """Return the profit of each set of data, and what joining is worth, in currency per million bid requests.

    Each bids what an impression is worth to it, E[theta | its data], in a second-price auction against a lognormal price; then a bid b wins
    impressions worth theta for E[(theta - price) 1{price < b}], which is closed.
    """
    found, rivals = truth(scenario), scenario.rivals
    law, theta = found.law[:, :, 0], found.theta[:, :, 0]
    mu, sigma = float(rivals.mu), float(rivals.sigma)

    def profit(bid: Floats) -> float:
        at = (np.log(bid) - mu) / sigma
        cost = np.exp(mu + sigma**2 / 2) * ndtr(at - sigma)
        return float(1e6 * (law * (theta * ndtr(at) - cost)).sum())

    nothing = np.full_like(theta, (law * theta).sum())
    by_page = np.broadcast_to((law * theta).sum(0) / law.sum(0), theta.shape)
    by_person = np.broadcast_to(((law * theta).sum(1) / law.sum(1))[:, None], theta.shape)
    profits = {
        "none": profit(nothing),
        "profile": match_rate * profit(by_person) + (1 - match_rate) * profit(nothing),
        "context": profit(by_page),
        "joint": match_rate * profit(theta) + (1 - match_rate) * profit(by_page),
    }
    worth = profits["joint"] - max(profits["profile"], profits["context"])
    return {"unit": "EUR per million bid requests", "profit": profits, "value_of_joint_data": worth}


def _people(persons: int, match_rate: float, rng: np.random.Generator) -> People:
    before = rng.integers(0, TYPES, persons)
    moves = rng.random(persons) < MOVERS
    moved_us = np.where(moves, START + rng.integers(0, DAYS * DAY_US, persons), START + 10**6 * DAY_US)
    names = np.unique(rng.integers(2**59, 2**60, persons + 64 + persons // 1000))
    rng.shuffle(names)
    ids = pa.array([f"u-{name:x}" for name in names[:persons].tolist()], pa.string())
    return People(ids, before, rng.integers(0, TYPES, persons), moved_us, rng.random(persons) < match_rate)


def _write_impressions(
    folder: Path, rows: int, people: People, scenario: Scenario, rng: np.random.Generator
) -> int:
    """Write impressions, clicks and orders, a block at a time; return the number of clicks."""
    landscape, ctr = Landscape(scenario.rivals), truth(scenario).click[:, :, 0]
    worth = scenario.response.value_per_click / ORDERS_PER_CLICK
    total = 0
    with (
        pacsv.CSVWriter(folder / "impressions.csv", _IMPRESSIONS) as log,
        pacsv.CSVWriter(folder / "clicks.csv", _CLICKS) as clicks,
        pacsv.CSVWriter(folder / "orders.csv", _ORDERS) as orders,
    ):
        for first in range(0, rows, BLOCK):
            n = min(BLOCK, rows - first)
            begin, end = (int(START) + DAYS * DAY_US * at // rows for at in (first, first + n))
            time_us = np.sort(rng.integers(begin, end, n))
            who, site = rng.integers(0, len(people.ids), n), rng.integers(0, TYPES, n)
            clicked = rng.random(n) < ctr[people.type_at(who, time_us), site]
            price = np.maximum(np.rint(landscape.quantile(rng.random(n)) * 1e6), 1) / 1e3
            names = pc.binary_join_element_wise(
                "imp-", pa.array(np.arange(first, first + n)).cast(pa.string()), ""
            )
            log.write_table(
                pa.table(
                    [
                        _times(time_us), names, people.ids.take(pa.array(who)),
                        pa.array(np.array(["brand", "spring"])[rng.integers(0, 2, n)]),
                        pa.array(np.array(["a", "b"])[rng.integers(0, 2, n)]),
                        pa.array(np.array(SITES)[site]), pa.array(price),
                    ],
                    schema=_IMPRESSIONS,
                )
            )  # fmt: skip
            total += int(clicked.sum())
            own, at = names.filter(pa.array(clicked)), time_us[clicked]
            clicks.write_table(
                pa.table([own, _times(at + rng.integers(10**6, 60 * 10**6, len(at)))], schema=_CLICKS)
            )
            bought = rng.random(len(at)) < ORDERS_PER_CLICK
            later = at[bought] + rng.integers(60 * 10**6, DAY_US, int(bought.sum()))
            margin = np.round(worth * rng.uniform(0.5, 1.5, int(bought.sum())), 5)
            orders.write_table(
                pa.table([own.filter(pa.array(bought)), _times(later), pa.array(margin)], schema=_ORDERS)
            )
    return total


def _write_crm(path: Path, people: People, rng: np.random.Generator) -> None:
    """Write the persons that the CRM has: a row each from before the log on, and one more where the segment changed."""
    long_ago = START - rng.integers(DAY_US, 300 * DAY_US, len(people.ids))
    known = np.flatnonzero(people.known)
    moved = known[people.moved_us[known] < START + DAYS * DAY_US]
    who, segment = np.concatenate([known, moved]), np.concatenate([people.before[known], people.after[moved]])
    since = np.concatenate([long_ago[known], people.moved_us[moved]])
    order = rng.permutation(len(who))
    table = pa.table(
        {
            "customer": people.ids.take(pa.array(who[order])),
            "segment": pa.array(np.array(SEGMENTS)[segment[order]]),
            "tier": pa.array(np.array(["basic", "plus"])[rng.integers(0, 2, len(who))]),
            "updated_at": pa.array(since[order], pa.timestamp("us")),
        }
    )
    pq.write_table(table, path)


def _times(time_us: NDArray[np.int64]) -> pa.Array:
    return pc.strftime(pa.array(time_us, pa.timestamp("us")), format="%Y-%m-%dT%H:%M:%S")


def _schema(*texts: str, number: str = "") -> pa.Schema:
    fields = [(name, pa.string()) for name in texts]
    return pa.schema([*fields, *([(number, pa.float64())] if number else [])])


_IMPRESSIONS = _schema(
    "event_time", "impression_id", "user_id", "line_item", "creative", "site", number="cost_cpm"
)
_CLICKS = _schema("impression_id", "click_time")
_ORDERS = _schema("impression", "order_time", number="margin")
