"""A page that is mailed alone: no link is dead, and every number on it is one of the tables that it carries."""

from __future__ import annotations

import base64
import csv
import io
import math
import shutil
import zipfile
from html.parser import HTMLParser
from pathlib import Path

import pytest

from jointbid.experiments.cli.main import main
from jointbid.experiments.report.numbers import number

TINY = ("supply.requests=300", "study.replications=2", "executor=serial", "plot.format=[svg]")
CURVES = ("study.point.requests=100", "study.point.replications=2", "study.point.redundancy=[]", "study.point.interaction=[]")  # fmt: skip
CHEAP = ("study.range=null", "study.learned_beside=false", *CURVES)
LEVELS = ("collaboration.levels=[0,0.5,1]", "collaboration.credited=[0.3]", "collaboration.shapes={even:{}}", "collaboration.costs={rising:{bend:2}}")  # fmt: skip
HOURLY = ("bidders.control_interval_h=24", "engine.series_h=24")

KINDS = {
    "value": ["value", *TINY, *CHEAP],
    "campaign": ["value", "scenario=campaign", *TINY, *CHEAP],
    "tournament": ["tournament", *TINY, "study.strategies=[truthful,shading,adaptive_pacing]"],
    "adoption": ["adoption", "scenario=theory", *TINY, "bidders.count=3"],
    "attribution": [
        "attribution", *TINY, "audience.people=100", "study.budgets=[]",
    ],
    "sensitivity": ["sensitivity", "executor=serial", "study.requests=100", "study.morris.trajectories=2", "study.sobol.factors=0", "plot.format=[svg]"],
    "run": ["run", *TINY[:1], "executor=serial"],
    "tuned": ["value", "scenario=theory", *TINY, *CURVES, "study.tune={parameter: gain, values: [0.5, 1]}", "bidders.strategy=linear"],
    "two_budgets": ["value", "scenario=two_budgets", *TINY, *CURVES, *LEVELS, *HOURLY],
    "in_house": ["value", "scenario=in_house", *TINY, *CURVES, *HOURLY],
    "b2b_long_cycle": ["value", "scenario=b2b_long_cycle", *TINY, *CURVES, *HOURLY],
    "content_and_native": ["value", "scenario=content_and_native", *TINY, *CURVES, *HOURLY],
}  # fmt: skip
QUICK = {"value"}


class Page(HTMLParser):
    """The links, ids and numbers of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.links: list[tuple[str, str]] = []
        self.ids: set[str] = set()
        self.amounts: list[tuple[float, str]] = []
        self._value: str | None = None
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        given = dict(attrs)
        self.links += [
            (tag, given[name]) for name in ("href", "src", "xlink:href") if given.get(name) is not None
        ]
        if given.get("id"):
            self.ids.add(given["id"])
        self._value = given.get("data-v") or None

    def handle_data(self, data):
        if self._value is not None:
            self.amounts.append((float(self._value), data.strip()))
            self._value = None

    handle_startendtag = handle_starttag


def archive(page):
    """The tables and figures that a page carries."""
    (uri,) = (address for _, address in page.links if address.startswith("data:application/zip"))
    return zipfile.ZipFile(io.BytesIO(content(uri)))


def content(uri):
    head, _, body = uri.partition(",")
    return base64.b64decode(body.strip(), validate=True) if head.endswith(";base64") else body.encode()


def numbers(files):
    """All numbers of its CSV tables."""
    found = set()
    for name in files.namelist():
        if name.endswith(".csv"):
            for row in csv.reader(io.TextIOWrapper(files.open(name), "utf-8")):
                for cell in row:
                    try:
                        found.add(float(cell))
                    except ValueError:
                        continue
    return found


def check(path, alone):
    """Move a page alone into an empty folder, follow each of its links, and look each of its numbers up."""
    moved = Path(shutil.copy(path, alone))
    page = Page(moved.read_text())
    assert page.links
    for tag, address in page.links:
        if address.startswith("#"):
            assert address[1:] in page.ids, (tag, address)
        else:
            assert address.startswith("data:"), (tag, address)
            content(address)
    files = archive(page)
    assert files.testzip() is None
    known = numbers(files)
    assert len(page.amounts) > 3
    for value, text in page.amounts:
        assert value in known or math.isinf(value), (value, text)
        if text.replace("~ ", "").replace(".", "").isdigit():
            shares = {f"{number(100 * value)} %", f"{value:,.6g}", f"{value:,.0f}", number(value)}
            assert text.removeprefix("~ ") in shares, (value, text)
    return page, files


@pytest.mark.parametrize(
    "kind", [pytest.param(k, marks=() if k in QUICK else pytest.mark.slow) for k in KINDS]
)
def test_a_page_alone_has_no_dead_link_and_no_number_of_its_own(kind, tmp_path):
    alone = tmp_path / "alone"
    alone.mkdir()
    verb, *rest = KINDS[kind]
    assert main([verb, *rest, f"results_dir={tmp_path}"]) == 0
    (folder,) = (tmp_path / verb).iterdir()
    if verb == "run":
        assert main(["report", str(folder)]) == 0
    page, files = check(folder / "report.html", alone)
    assert "summary.csv" in files.namelist() or verb == "run"
    figures = [name for name in files.namelist() if name.startswith("plots/") and name.endswith(".svg")]
    assert {f"fig-{Path(name).stem}" for name in figures} <= page.ids
    if kind == "tournament":
        text = (folder / "report.html").read_text()
        assert text.index('id="fig-ranks"') < text.index('id="checks"')
    if kind == "two_budgets":
        text = (folder / "report.html").read_text()
        assert text.index('id="fig-levels"') < text.index('id="checks"'), "the chart that answers it"


@pytest.mark.slow
def test_so_have_a_sweep_and_its_comparison(tmp_path, capsys):
    swept = ["source.profile.match_rate=0.3,0.9", "scenario=theory", *TINY, *CURVES]
    assert main(["value", "-m", *swept, f"results_dir={tmp_path}"]) == 0
    for place, folder in enumerate((tmp_path / "value").iterdir()):
        alone = tmp_path / f"alone-{place}"
        alone.mkdir()
        check(folder / "report.html", alone)
    capsys.readouterr()
    assert main(["compare", str(tmp_path / "value"), f"results_dir={tmp_path}"]) == 0
    page = capsys.readouterr().out.splitlines()[-1].removeprefix("Report: ")
    (tmp_path / "alone").mkdir()
    check(Path(page), tmp_path / "alone")


@pytest.mark.slow
def test_so_has_the_value_of_a_log(tmp_path):
    assert main(["log", "synthesize", str(tmp_path / "log"), "form=yzx", "rows=2000"]) == 0
    path = tmp_path / "log" / "yzx"
    assert main(["value", f"supply.path={path}", "plot.format=[svg]", f"results_dir={tmp_path}"]) == 0  # fmt: skip
    (folder,) = (tmp_path / "value").iterdir()
    (tmp_path / "alone").mkdir()
    check(folder / "report.html", tmp_path / "alone")
