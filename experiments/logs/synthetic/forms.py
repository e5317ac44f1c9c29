"""Invented logs in every form that can be read (`jointbid log synthesize`).

No row is real. All forms but AuctionNet's and the mapped ones hold the same invented auctions (`synthetic.ipinyou_rows`).
"""

from __future__ import annotations

import gzip
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd

from ..formats.auctionnet import HEADER
from ..formats.ipinyou import SCHEMA, VISIBILITY
from .ipinyou_rows import ipinyou_rows, write_ipinyou_csv

ROWS, SEED = 400, 7
_AGENTS = {
    "windows_ie": "Mozilla/4.0 (compatible; MSIE 8.0; Windows NT 5.1; Trident/4.0)",
    "windows_chrome": "Mozilla/5.0 (Windows NT 6.1) AppleWebKit/537.1 (KHTML, like Gecko) Chrome/21.0 Safari/537.1",
    "android_safari": "Mozilla/5.0 (Linux; U; Android 2.3.5; zh-cn) AppleWebKit/533.1 Version/4.0 Mobile Safari/533.1",
    "mac_safari": "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_8) AppleWebKit/536.26 Version/6.0 Safari/536.26",
}
ADVERTISERS = 8
"""In AuctionNet's period."""
_FIRST_DAY = pd.Timestamp("2013-06-09")
"""A Sunday, so that weekdays stay what they are."""


def impressions(rows: int = ROWS, *, season: int = 2) -> pd.DataFrame:
    """Return the 24 columns of an impression log and `click`, sorted by person as season 3's files are."""
    base = ipinyou_rows(rows, SEED)
    rng = np.random.default_rng([SEED, season])
    within = pd.to_timedelta(rng.integers(0, 3_600_000, rows), unit="ms")
    stamp = _FIRST_DAY + pd.to_timedelta(base["weekday"] * 24 + base["hour"], unit="h") + within
    names = {number: name for name, number in VISIBILITY.items()}
    frame = pd.DataFrame(
        {
            "bidid": [f"{word:032x}" for word in rng.integers(0, 2**62, rows)],
            "timestamp": stamp.dt.strftime("%Y%m%d%H%M%S%f").str[:17],
            "logtype": 1,
            "ipinyouid": [f"D{who:05d}~x_" for who in rng.integers(0, rows // 3, rows)],
            "useragent": base["useragent"].map(_AGENTS),
            "IP": "10.20.30.*",
            "url": [f"{word:032x}" for word in rng.integers(0, 2**62, rows)],
            "urlid": "null",
            **{name: base[name] for name in base.columns if name in SCHEMA and name != "useragent"},
            "click": base["click"],
        }
    )
    frame.loc[frame["usertag"] == "", "usertag"] = "null" if season == 3 else ""
    if season == 3:
        shown = frame["slotvisibility"].astype(str)
        frame["slotvisibility"] = [names.get(text, text) for text in shown]
        frame["slotformat"] = "Na"
    return frame.sort_values(["ipinyouid", "timestamp"], ignore_index=True)[[*SCHEMA, "click"]]


def write_raw(folder: Path, rows: int = ROWS, *, season: int = 2) -> None:
    """Impression and click files of one day, as in training2nd and training3rd; clicks without tags, some twice."""
    frame = impressions(rows, season=season)
    clicks = frame[frame["click"] == 1].assign(logtype=2, usertag="null")
    clicks = pd.concat([clicks, clicks.head(2)])
    folder.mkdir(parents=True, exist_ok=True)
    for name, table in ((f"imp.2013060{season}.txt", frame), (f"clk.2013060{season}.txt", clicks)):
        _write(folder / name, ["\t".join(map(str, row)) for row in table[[*SCHEMA]].itertuples(index=False)])


def write_log_txt(path: Path, rows: int = ROWS) -> None:
    """`train.log.txt` of make-ipinyou-data: a header, then click, weekday, hour and the 24 columns."""
    frame = impressions(rows)
    day = pd.to_datetime(frame["timestamp"].str[:8])
    frame = frame.assign(
        weekday=(day.dt.day_of_week + 1) % 7, hour=frame["timestamp"].str[8:10],
        useragent=frame["useragent"].map({text: short for short, text in _AGENTS.items()}),
    )  # fmt: skip
    names = ["click", "weekday", "hour", *SCHEMA]
    lines = ["\t".join(map(str, row)) for row in frame[names].itertuples(index=False)]
    _write(path, ["\t".join(names), *lines])


def write_click_price_pctr(
    path: Path, rows: int = ROWS, *, separator: str = "\t", wide: bool = False
) -> None:
    """`click price pctr`, with episode lines as rlb-dp has them, or (`wide`) a fourth column as rtbarbitrage has."""
    base = ipinyou_rows(rows, SEED)
    rng = np.random.default_rng(SEED)
    pctr = 1 / (1 + np.exp(3.0 - rng.normal(0, 0.7, rows) - 1.5 * base["click"]))
    lines = [] if wide else [separator.join([str(rows), "100"])]
    for row, (click, price, p) in enumerate(zip(base["click"], base["payprice"], pctr, strict=True)):
        if not wide and row % 100 == 0:
            lines.append(str(row // 100 + 1))
        cells = [str(click), str(price), f"{p:.9g}", *(["14"] if wide else [])]
        lines.append(separator.join(cells))
    _write(path, lines)


def write_yzx(folder: Path, rows: int = ROWS) -> None:
    """`train.yzx.txt` and the `featindex.txt` that says what its features are."""
    frame = impressions(rows)
    names = ["click", "weekday", "hour", *SCHEMA]
    plain = [
        "region",
        "city",
        "adexchange",
        "domain",
        "slotid",
        "slotwidth",
        "slotheight",
        "creative",
        "advertiser",
    ]
    index: dict[str, int] = {"truncate": 0}
    lines = []
    for row in frame.to_dict("records"):
        tags = str(row["usertag"]).split(",") if row["usertag"] else ["null"]
        features = [f"{names.index(name)}:{row[name]}" for name in plain] + [f"26:{tag}" for tag in tags]
        numbers = [0, *(index.setdefault(feature, len(index)) for feature in features)]
        lines.append(f"{row['click']} {row['payprice']} " + " ".join(f"{number}:1" for number in numbers))
    folder.mkdir(parents=True, exist_ok=True)
    _write(folder / "train.yzx.txt", lines)
    _write(folder / "featindex.txt", [f"{feature}\t{number}" for feature, number in index.items()])


def write_auctionnet(path: Path, rows: int = ROWS) -> None:
    """One period: each opportunity with all advertisers, three slots, the least cost of winning one."""
    rng = np.random.default_rng(SEED)
    views = rows // ADVERTISERS
    step = np.sort(rng.integers(0, 48, views))
    bid = rng.lognormal(-2.0, 0.6, (views, ADVERTISERS)).round(6)
    top = np.sort(bid, axis=1)[:, ::-1]
    value = rng.beta(0.6, 60, (views, ADVERTISERS)).round(9)
    lines = [",".join(HEADER)]
    for view in range(views):
        for who in range(ADVERTISERS):
            slot = int((bid[view] > bid[view, who]).sum()) + 1
            wins = slot <= 3
            least = top[view, 3] if wins else top[view, 2]
            shown = int(wins and rng.random() < 0.8)
            sold = int(shown and rng.random() < 20 * value[view, who])
            cost = round(float(top[view, slot]), 6) if shown else 0.0
            lines.append(
                f"7,{who},{who % 3},3000.0,{60 + who}.0,{step[view]},2500.5,{view},{value[view, who]},0.001,{bid[view, who]},"
                f"{int(wins)},{slot if wins else 0},{cost},{shown},{sold},{least},{int(step[view] == 47)}"
            )
    _write(path, lines)


MAPPING = """\
# What the columns of shop.csv are.
currency: EUR
price_unit: cpm
time: {column: at, unit: iso}
price: paid_cpm
floor: floor_cpm
bid: bid_cpm
click: clicked
conversion: bought
weight: stands_for
user: person
campaign: campaign
profile: [segment, age]
context: [site, device]
history: [touches, last_touch]
ad: [creative]
lists: [segment]
list_separator: "|"
"""


def shop(rows: int = ROWS) -> pd.DataFrame:
    """Return a log as a firm might keep it: all three groups of columns, people, conversions, weights."""
    rng = np.random.default_rng(SEED)
    person = rng.integers(0, rows // 4, rows)
    segments = np.array(["sport", "sport|travel", "travel", "home|garden", ""])[person % 5]
    age, touches = np.array(["18-29", "30-49", "50+"])[person % 3], rng.integers(0, 4, rows)
    site = np.array(["news", "mail", "video", "forum"])[rng.integers(0, 4, rows)]
    odds = -1.6 + 0.8 * (segments == "sport") + 0.9 * (site == "video") + 0.3 * touches
    click = (rng.random(rows) < 1 / (1 + np.exp(-odds))).astype(int)
    price = rng.lognormal(0.0, 0.7, rows).round(3)
    return pd.DataFrame(
        {
            "at": (pd.Timestamp("2025-03-01") + pd.to_timedelta(np.sort(rng.integers(0, 604_800, rows)), unit="s")).strftime(
                "%Y-%m-%dT%H:%M:%S"
            ),
            "person": [f"p{who}" for who in person],
            "campaign": np.array(["spring", "brand"])[rng.integers(0, 2, rows)],
            "creative": np.array(["a", "b"])[rng.integers(0, 2, rows)],
            "segment": segments, "age": age, "site": site,
            "device": np.array(["phone", "desktop"])[rng.integers(0, 2, rows)],
            "touches": touches, "last_touch": np.array(["none", "search", "social"])[rng.integers(0, 3, rows)],
            "floor_cpm": (price * rng.choice([0.0, 0.5, 1.0], rows)).round(3), "paid_cpm": price,
            "bid_cpm": (price * 2).round(3), "clicked": click, "bought": click * (rng.random(rows) < 0.2),
            "stands_for": np.where(click == 1, 1.0, 5.0),
        }
    )  # fmt: skip


def write_shop(path: Path, rows: int = ROWS) -> None:
    """Write the log of a shop as CSV or Parquet, and the mapping `shop.yaml` beside it."""
    frame = shop(rows)
    if path.suffix == ".parquet":
        frame.to_parquet(path, index=False)
    else:
        frame.to_csv(path, index=False, lineterminator="\n")
    path.with_name("shop.yaml").write_text(MAPPING, "utf-8")


FORMS: dict[str, tuple[str, Callable[..., None]]] = {
    "ipinyou_raw": ("season2", write_raw),
    "ipinyou_raw_season3": ("season3", partial(write_raw, season=3)),
    "ipinyou_log_txt": ("train.log.txt", write_log_txt),
    "ipinyou_csv": ("ipinyou.csv.gz", write_ipinyou_csv),
    "click_price_pctr": ("1458.test.txt", write_click_price_pctr),
    "click_price_pctr_wide": ("2259.test.txt", partial(write_click_price_pctr, separator=" ", wide=True)),
    "yzx": ("yzx", write_yzx),
    "auctionnet": ("period-7.csv", write_auctionnet),
    "mapped": ("shop.csv", write_shop),
    "mapped_parquet": ("shop.parquet", write_shop),
}
"""The form's name -> the file or folder to read, and its writer."""


def write_all(folder: Path, rows: int = ROWS, forms: Iterable[str] = tuple(FORMS)) -> dict[str, Path]:
    """Write invented logs; return the file or folder to read of each form."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = {}
    for form in forms:
        name, write = FORMS[form]
        paths[form] = folder / name
        write(paths[form], rows)
    return paths


def _write(path: Path, lines: Sequence[str]) -> None:
    text = "\n".join(lines).encode() + b"\n"
    path.write_bytes(gzip.compress(text, mtime=0) if path.suffix == ".gz" else text)
