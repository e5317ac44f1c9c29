"""An invented log in the form of the cleaned iPinYou CSV, for tests and for a first try without the data.

No row is real. CampaignFilter, tags, domains and slots have weights drawn once; a click's log-odds are the sum of these (no
interaction of person and page), plus a suspect tag that nearly always clicks in one campaign, as in the real log.
"""

from __future__ import annotations

import gzip
import io
from pathlib import Path

import numpy as np
import pandas as pd

ROWS, SEED = 2_500, 2013
SUSPECT_TAG, SUSPECT_CAMPAIGN = "11278", "1458"
_CAMPAIGNS = ("1458", "2259", "3386")
_SIZES = ((300, 250), (728, 90), (1000, 90), (160, 600))
_AGENTS = ("windows_ie", "windows_chrome", "android_safari", "mac_safari")
_TAGS, _DOMAINS, _SLOTS, _REGIONS = 60, 80, 160, 20


def ipinyou_rows(rows: int = ROWS, seed: int = SEED) -> pd.DataFrame:
    """Return invented rows with the 20 columns of the cleaned file, sorted by weekday and hour."""
    rng = np.random.default_rng(seed)
    people, profile = _people(rng, rows)
    pages, context = _pages(rng, rows)
    campaign = rng.choice(len(_CAMPAIGNS), rows, p=(0.5, 0.2, 0.3))
    suspect = (rng.random(rows) < 0.04) & (campaign == _CAMPAIGNS.index(SUSPECT_CAMPAIGN))
    people.loc[suspect, "usertag"] = [
        f"{SUSPECT_TAG},{tags}".strip(",") for tags in people.loc[suspect, "usertag"]
    ]
    odds = np.array([-2.6, -3.4, -2.7])[campaign] + profile + context + 4.0 * suspect
    price = np.clip(rng.lognormal(3.9 + 0.25 * context, 0.8), 1, 290).round().astype(int)
    floor = np.where(rng.random(rows) < 0.69, np.minimum(price, rng.choice([5, 20, 50, 80], rows)), 0)
    frame = pd.DataFrame(
        {
            "click": (rng.random(rows) < 1 / (1 + np.exp(-odds))).astype(int),
            "weekday": rng.integers(0, 7, rows),
            "hour": rng.integers(0, 24, rows),
            **people.drop(columns="usertag"),
            **pages,
            "slotprice": floor,
            "creative": [
                f"creative_{c}_{w}x{h}"
                for c, w, h in zip(campaign, pages["slotwidth"], pages["slotheight"], strict=True)
            ],
            "bidprice": 300,
            "payprice": price,
            "keypage": [f"page_{c}" for c in campaign],
            "advertiser": np.array(_CAMPAIGNS)[campaign],
            "usertag": people["usertag"],
        }
    )
    return frame.sort_values(["weekday", "hour"], kind="stable", ignore_index=True)


def write_ipinyou_csv(path: Path, rows: int = ROWS) -> None:
    """Write invented rows as CSV, gzipped where the name ends in .gz (the same bytes each time)."""
    text = io.StringIO()
    ipinyou_rows(rows).to_csv(text, index=False, lineterminator="\n")
    data = text.getvalue().encode()
    path.write_bytes(gzip.compress(data, mtime=0) if path.suffix == ".gz" else data)


def _people(rng: np.random.Generator, rows: int) -> tuple[pd.DataFrame, np.ndarray]:
    """Profile columns, and what they add to the log-odds of a click."""
    has = rng.random((rows, _TAGS)) < rng.beta(0.6, 5, _TAGS)
    has[rng.random(rows) < 0.2] = False
    names = np.array([str(10_000 + i) for i in range(_TAGS)])
    region = rng.integers(0, _REGIONS, rows)
    agent = rng.choice(len(_AGENTS), rows, p=(0.55, 0.3, 0.1, 0.05))
    score = (has - has.mean(axis=0)) @ rng.normal(0, 0.5, _TAGS) + rng.normal(0, 0.3, len(_AGENTS))[agent]
    frame = pd.DataFrame(
        {
            "useragent": np.array(_AGENTS)[agent],
            "region": region,
            "city": region * 10 + rng.integers(0, 4, rows),
            "usertag": [",".join(names[row]) for row in has],
        }
    )
    return frame, score


def _pages(rng: np.random.Generator, rows: int) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Context columns but for time and floor, and what they add to the log-odds of a click."""
    popularity = 1 / np.arange(1, _SLOTS + 1)
    slot = rng.choice(_SLOTS, rows, p=popularity / popularity.sum())
    domain, size = slot % _DOMAINS, slot % len(_SIZES)
    score = rng.normal(0, 0.6, _DOMAINS)[domain] + rng.normal(0, 0.5, len(_SIZES))[size]
    columns = {
        "adexchange": 1 + slot % 4,
        "domain": np.array([f"domain{d}" for d in domain]),
        "slotid": np.array([f"slot{s}" for s in slot]),
        "slotwidth": np.array(_SIZES)[size, 0],
        "slotheight": np.array(_SIZES)[size, 1],
        "slotvisibility": rng.choice(["0", "1", "2", "Na"], rows),
        "slotformat": rng.choice(["0", "1", "Na"], rows),
    }
    return columns, score
