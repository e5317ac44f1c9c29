"""No number depends on a name: a copy of a scenario under another name gives the same numbers, units and checks."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

import jointbid
from jointbid import conf
from jointbid.experiments.cli.main import main
from jointbid.experiments.config.points import load
from jointbid.experiments.report.html.checks import checks
from jointbid.experiments.report.html.closed_form import closed_form

QUICK = ["supply.requests=300", "study.replications=3", "study.curves=[]", "plot.enabled=false", "executor=serial"]  # fmt: skip
SCENARIOS = Path(conf.__file__).parent / "scenario"


@pytest.fixture
def copied(tmp_path, monkeypatch):
    """Copy a scenario of the package under the name ``mine``; ``default`` under a name that begins with ``theory``."""
    monkeypatch.chdir(tmp_path)

    def copy(name):
        other = "theory_of_mine" if name == "default" else "mine"
        Path("own/scenario").mkdir(parents=True)
        Path(f"own/scenario/{other}.yaml").write_text((SCENARIOS / f"{name}.yaml").read_text("utf-8"), "utf-8")  # fmt: skip
        return other

    return copy


@pytest.mark.few(1)
@pytest.mark.parametrize("name", ["theory", "default"])
def test_a_copy_under_another_name_gives_the_same(name, copied):
    other = copied(name)
    for words in ([f"scenario={name}"], ["--config-dir", "own", f"scenario={other}"]):
        assert main(["value", *words, *QUICK]) == 0
    first, second = (jointbid.load(next(Path("results/value").glob(f"{found}-*"))) for found in (name, other))
    pd.testing.assert_frame_equal(first.summary, second.summary)
    assert list(checks(first)) == list(checks(second))
    assert any(check.name == "closed form" for check in checks(first)) == (name == "theory")


def test_the_unit_is_a_key_of_the_configuration():
    (point,) = load("value", ["scenario=theory", "report.per=1000"])
    assert point.settings.unit == (1000, "EUR per 1,000 bid requests")
    assert point.folder == load("value", ["scenario=theory"])[0].folder, "it changes no cell"
    assert load("value", ["scenario=default"])[0].settings.unit.name.endswith("per million bid requests")


@pytest.mark.parametrize("more", ["audience.people=50", "creative.loud.a=.1", "bidders.answer_ms=5", "response.viewability=.5"])  # fmt: skip
def test_a_market_with_more_to_it_has_no_closed_form(more):
    assert closed_form(load("value", ["scenario=theory", more])[0].settings.tree()) == {}
