"""Bad input: exit code 2, one message that names the place and the closest match, no result that looks done."""

from __future__ import annotations

import gzip
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from jointbid.experiments.cli.main import main
from jointbid.strategies import registry
from jointbid.strategies.base import Policy

QUICK = (
    "scenario=theory",
    "supply.requests=200",
    "study.replications=2",
    "plot.enabled=false",
    "executor=serial",
)
PEOPLE, CAPS = ["audience.people=100"], "bidders.terms.caps"
SAMPLE = Path(__file__).parents[1] / "data" / "ipinyou_synthetic.csv.gz"

# what it is, the words that the message must have, the command line after `jointbid`
CASES = [
    ("no such verb", ["valu", "did you mean 'value'"], ["valu"]),
    (
        "an option for a key",
        ["--replications: no such option", "without dashes; see jointbid help replications"],
        ["value", "--replications", "3"],
    ),
    ("no such option", ["--multirum", "did you mean '--multirun'"], ["value", "--multirum"]),
    ("option without value", ["--config-dir", "folder"], ["value", "--config-dir"]),
    ("option with a wrong value", ["--cfg hydra", "must be job"], ["value", "--cfg", "hydra"]),
    (
        "floor of no bidder",
        ["bidder_floor_cpm.focl", "'focal'"],
        ["value", "auction.bidder_floor_cpm={focl: 9}"],
    ),
    ("slots that rise", ["auction", "must not rise"], ["value", "auction.slots=[0.5,1]"]),
    (
        "unmatched as the prior while learning",
        ["source.profile.unmatched = prior", "study.learner=ftrl must be signal"],
        ["run", "source.profile.unmatched=prior", "study.valuation=learned", "study.learner=ftrl"],
    ),
    ("unknown mechanism", ["auction.type", "did you mean 'gsp'"], ["value", "auction.type=gps"]),
    (
        "unknown share",
        ["auction.type = gps: must be", "did you mean 'gsp'"],
        ["run", "auction.type={gps: 1}"],
    ),
    ("hour of no day", ["bidders.terms.day_parts", "23"], ["run", "bidders.terms.day_parts=[25]"]),
    ("flight backwards", ["flight_h", "must begin before"], ["run", "bidders.terms.flight_h=[3,2]"]),
    (
        "caps without people",
        ["bidders.terms.caps", "audience.people"],
        ["run", f"{CAPS}=[{{impressions: 3}}]"],
    ),
    (
        "cap of nothing",
        [f"{CAPS}.0.impressions = 0: must be greater than 0"],
        ["run", *PEOPLE, f"{CAPS}=[{{impressions: 0}}]"],
    ),
    (
        "misspelt window of a cap",
        [f"{CAPS}.1.window = sliding_: must be 'sliding' or 'calendar'", "did you mean 'sliding'"],
        ["run", *PEOPLE, f"{CAPS}=[{{impressions: 1}}, {{impressions: 2, window: sliding_}}]"],
    ),
    (
        "misspelt cap",
        [f"{CAPS}.0.windw_h: no such key; did you mean '{CAPS}.0.window_h'"],
        ["run", *PEOPLE, f"{CAPS}=[{{impressions: 1, windw_h: 3}}]"],
    ),
    ("one cap without its list", [f"{CAPS} = ", "must be a list"], ["run", f"{CAPS}={{impressions: 3}}"]),
    (
        "more people than can be remembered",
        ["audience.people = 1000000000", "at most"],
        ["run", "audience.people=1000000000", f"{CAPS}=[{{impressions: 3}}]"],
    ),
    ("no people", ["audience.people = 0", "greater than 0"], ["value", "audience.people=0"]),
    (
        "skew without people",
        ["audience.activity_skew", "audience.people"],
        ["value", "audience.activity_skew=1"],
    ),
    ("negative skew", ["audience.activity_skew = -1", "0"], ["value", "audience.activity_skew=-1"]),
    ("fatigue without people", ["response.fatigue", "audience.people"], ["value", "response.fatigue=.1"]),
    (
        "throttle without a deadline",
        ["auction", "throttle", "tmax_ms"],
        ["run", "auction.throttle.late_share=.1"],
    ),
    ("deadline of nothing", ["auction.tmax_ms = 0", "greater than 0"], ["run", "auction.tmax_ms=0"]),
    (
        "throttle that is a switch",
        ["auction.throttle = true", "late_share"],
        ["run", "auction.tmax_ms=100", "auction.throttle=true"],
    ),
    ("negative answer time", ["bidders.answer_ms.mean = -5", "0"], ["run", "bidders.answer_ms=-5"]),
    (
        "look-up of no law",
        ["source.profile.lookup_latency_ms.law = gama", "'exponential'"],
        ["run", "source.profile.lookup_latency_ms.law=gama"],
    ),
    (
        "word for a delay",
        ["response.conversion.delay_h = soon", "{law: exponential, mean: 2}"],
        ["run", "response.conversion.delay_h=soon"],
    ),
    (
        "empirical delay that ends early",
        ["response.conversion.delay_h", "share 0 to share 1"],
        ["run", "response.conversion.delay_h={law: empirical, points: [[0, 0], [.5, 24]]}"],
    ),
    ("worthless conversion", ["response.conversion.value = 0", "0"], ["run", "response.conversion.value=0"]),
    (
        "margins for other profile types",
        ["response.conversion.value", "2 numbers for 3 profile types"],
        ["value", "scenario=real_time_optimiser", "response.conversion.value=[10,20]"],
    ),
    (
        "conversions where nothing is clicked",
        ["response", "family=logit"],
        ["value", "scenario=theory", "response.conversion.value=3"],
    ),
    (
        "viewability above 1",
        ["response.viewability = 1.2", "less than or equal to 1"],
        ["value", "response.viewability=1.2"],
    ),
    (
        "viewability for other contexts",
        ["response.viewability", "2 numbers for 16 context types"],
        ["value", "response.viewability=[.5,.6]"],
    ),
    (
        "misspelt key of a creative",
        ["creative.loud.shar", "did you mean 'creative.loud.share'"],
        ["value", "creative.loud.shar=2"],
    ),
    ("creative without keys", ["creative = loud", "keys"], ["value", "creative=loud"]),
    (
        "creative that converts nothing",
        ["creative", "response.conversion"],
        ["value", "creative.loud.conversion.a=1"],
    ),
    ("misspelt key", ["sede", "did you mean 'seed'"], ["value", "sede=2"]),
    (
        "misspelt nested key",
        ["source.profile.match_rte", "did you mean 'source.profile.match_rate'"],
        ["value", "source.profile.match_rte=.5"],
    ),
    ("misspelt group", ["scenaro", "did you mean 'scenario'"], ["value", "scenaro=theory"]),
    ("key of Hydra's own", ["hydra.run.dir", "no such key"], ["value", "hydra.run.dir=x"]),
    ("wrong type", ["seed = abc", "must be a valid integer"], ["value", "seed=abc"]),
    ("fraction for a count", ["seed = 1.5", "integer"], ["value", "seed=1.5"]),
    ("truth value for a number", ["supply.requests", "number"], ["value", "supply.requests=true"]),
    ("list for a number", ["auction.floor_cpm = [1, 2]", "number"], ["value", "auction.floor_cpm=[1,2]"]),
    (
        "negative budget",
        ["bidders.budget = -1", "greater than or equal to 0"],
        ["value", "bidders.budget=-1"],
    ),
    (
        "rate above 1",
        ["source.profile.match_rate = 1.2", "less than or equal to 1"],
        ["value", "source.profile.match_rate=1.2"],
    ),
    ("negative floor", ["auction.floor_cpm = -5", "0"], ["value", "auction.floor_cpm=-5"]),
    (
        "infinite parameter",
        ["response.a = inf", "less than or equal to 1000000000"],
        ["value", "response.a=inf"],
    ),
    ("no requests", ["supply.requests = 0", "greater than 0"], ["value", "supply.requests=0"]),
    (
        "more requests than fit",
        ["supply", "requests = 100: at most 900,000,000 an hour"],
        ["value", "supply.requests=100", "supply.horizon_h=1e-8"],
    ),
    ("zero replications", ["study.replications = 0", "greater than 0"], ["value", "study.replications=0"]),
    ("bad half-width", ["study.half_width = wide", "number"], ["value", "study.half_width=wide"]),
    ("zero half-width", ["study.half_width = 0", "greater than 0"], ["value", "study.half_width=0"]),
    (
        "match rates for other types",
        ["source.profile.match_rate", "3 numbers for 2 types"],
        ["value", "scenario=theory", "source.profile.match_rate=[.1,.2,.3]"],
    ),
    ("more holders than bidders", ["study.who = 3", "bidders.count = 1"], ["value", "study.who=3"]),
    (
        "misspelt choice",
        ["study.who = universl", "did you mean 'universal'"],
        ["value", "study.who=universl"],
    ),
    ("misspelt silo", ["study.silo = best", "did you mean 'best_silo'"], ["value", "study.silo=best"]),
    ("unknown scenario", ["scenario = teory", "did you mean 'theory'"], ["value", "scenario=teory"]),
    ("unknown auction", ["auction = vicrey", "second_price"], ["value", "auction=vicrey"]),
    (
        "unknown auction type",
        ["auction.type = second_prise", "did you mean 'second_price'"],
        ["value", "auction.type=second_prise"],
    ),
    ("unknown strategy", ["linar", "did you mean 'linear'"], ["value", "bidders.strategy=linar"]),
    (
        "a bound as strategy group",
        ["strategy = hindsight", "is no bidder but an upper bound"],
        ["value", "strategy=hindsight"],
    ),
    (
        "no such package",
        ["strategy = acme_x", "if a package brings it, that is not installed for"],
        ["value", "strategy=acme_x"],
    ),
    ("unknown strategy group", ["strategy = linar", "did you mean 'linear'"], ["value", "strategy=linar"]),
    (
        "unknown strategy parameter",
        ["gian", "did you mean 'gain'"],
        ["value", "strategy=linear", "bidders.strategy.gian=2"],
    ),
    (
        "strategy parameter out of range",
        ["bidders.strategy", "gain = -1"],
        ["value", "bidders.strategy={name: linear, gain: -1}"],
    ),
    (
        "strategy in a market that it cannot read",
        ["bidders.strategy", "rivals.landscape"],
        ["value", "scenario=theory_rivals", "strategy=shading", "auction=first_price"],
    ),
    (
        "unknown source",
        ["source.profil.shows", "did you mean 'source.profile'"],
        ["value", "source.profil.match_rate=.5"],
    ),
    (
        "source taken away",
        ["source: ", "two sources or more", "there is: profile"],
        ["value", "~source.context", "~source.history"],
    ),
    (
        "sources where there is nothing to join",
        ["source: with response.family=private_value", "; leave it empty"],
        ["value", "response.family=private_value"],
    ),
    ("unknown supply", ["supply.kind = lg", "did you mean 'log'"], ["value", "supply.kind=lg"]),
    ("malformed override", ["seed=[1", "cannot be read"], ["value", "seed=[1"]),
    ("not an override", ["'theory'", "did you mean scenario=theory"], ["value", "theory"]),
    ("no bidder to hold the data", ["bidders.count = 0"], ["value", "bidders.count=0"]),
    (
        "sweep without values",
        ["interval", "sweep.samples=N", "key=1,2,3"],
        ["value", "-m", "source.profile.match_rate=interval(0,1)"],
    ),
    (
        "samples without a range",
        ["sweep.samples = 9", "no range"],
        ["value", "-m", "seed=1,2", "sweep.samples=9"],
    ),
    (
        "one sample",
        ["sweep.samples = 1", "greater than"],
        ["value", "-m", "seed=interval(1,2)", "sweep.samples=1"],
    ),
    (
        "range of groups",
        ["a range is of numbers"],
        ["value", "-m", "scenario=interval(1,2)", "sweep.samples=9"],
    ),
    ("range backwards", ["lower to its upper"], ["value", "-m", "seed=interval(2,1)", "sweep.samples=9"]),
    (
        "logarithm of nothing",
        ["begins above 0"],
        ["value", "-m", "auction.floor_cpm=tag(log,interval(0,1))", "sweep.samples=9"],
    ),
    ("range without -m", ["add -m"], ["value", "seed=interval(1,2)", "sweep.samples=9"]),
    ("cell of a sweep", ["--cell"], ["value", "-m", "seed=1,2", "--cell", "arm joint, replication 0"]),
    ("cell that is not there", ["no such cell"], ["value", "--cell", "arm joined, replication 0"]),
    ("cell of a run", ["--cell"], ["run", "--cell", "arm joint, replication 0"]),
    ("sweep over nothing", ["seed=range(0,0)", "no value"], ["value", "-m", "seed=range(0,0)"]),
    ("sweep over files", ["seed=glob(*)", "no value"], ["value", "-m", "seed=glob(*)"]),
    ("key without value", ["'seed'", "seed= needs a value"], ["value", "seed"]),
    ("text without quotes", ["results_dir=~/x", "double quotes"], ["value", "results_dir=~/x"]),
    ("empty text", ["results_dir = : must have at least 1 character"], ["value", "results_dir="]),
    ("group of nothing", ["scenario = null", "default"], ["value", "scenario=null"]),
    ("study of another verb", ["study = run: must be one of value"], ["value", "study=run"]),
    ("no holder of the data", ["'universal'; or greater than or equal to 1"], ["value", "study.who=0"]),
    ("sweep without -m", ["seed=1,2", "add -m"], ["value", "seed=1,2"]),
    (
        "one bad point of a sweep",
        ["source.profile.match_rate = 2"],
        ["value", "-m", "source.profile.match_rate=0,2"],
    ),
    ("broken interpolation", ["nowhere"], ["value", "seed=${nowhere}"]),
    ("log without a path", ["supply.path"], ["value", "scenario=ipinyou"]),
    ("no such arm", ["study.arm = joined", "did you mean 'joint'"], ["run", "study.arm=joined"]),
    ("no such scenario to show", ["defalt", "did you mean 'default'"], ["scenarios", "show", "defalt"]),
    ("nothing to do with scenarios", ["lst", "did you mean 'list'"], ["scenarios", "lst"]),
    ("doctor with words", ["doctor"], ["doctor", "please"]),
]


def refused(arguments, capsys, *words):
    """Run a command that must be refused, and look at what it says and leaves."""
    assert main(arguments) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.count("jointbid:") == 1
    assert "Traceback" not in said.err
    for word in words:
        assert word in said.err
    assert not [path for path in Path().rglob("status.json") if "done" in path.read_text("utf-8")]


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize(
    ("words", "arguments"), [case[1:] for case in CASES], ids=[case[0] for case in CASES]
)
def test_configuration_is_refused(words, arguments, capsys):
    refused(arguments, capsys, *words)
    assert list(Path().iterdir()) == []


def test_all_problems_are_listed_at_once(capsys):
    wrong = [
        "value",
        "sede=2",
        "scenario=teory",
        "seed=abc",
        "source.profile.match_rate=1.2",
        "bidders.budget=-1",
    ]
    refused(wrong, capsys, "several things", "sede", "teory", "seed = abc", "match_rate = 1.2", "budget = -1")


# -- folders ------------------------------------------------------------------------------------------------------


def test_results_dir_is_a_file(capsys):
    Path("results").write_text("mine")
    refused(["value", *QUICK], capsys, "results_dir", "results/value/theory-")
    assert Path("results").read_text() == "mine"


@pytest.mark.parametrize("verb", ["value", "run"])
def test_results_dir_cannot_be_written(verb, capsys):
    arguments = [text for text in QUICK if verb == "value" or not text.startswith("study")]
    refused([verb, *arguments, "results_dir=/proc/nowhere"], capsys, "results_dir", "/proc/nowhere")


# -- configuration files of one's own -----------------------------------------------------------------------------


def own_scenario(text):
    Path("mine/scenario").mkdir(parents=True)
    Path("mine/scenario/own.yaml").write_text(f"# @package _global_\n{text}")
    return ["value", "--config-dir", "mine", "scenario=own"]


def test_scenario_of_ones_own_without_its_first_line(capsys):
    arguments = own_scenario("")
    Path("mine/scenario/own.yaml").write_text("supply: {context_types: 3}\n")
    refused(arguments, capsys, "scenario.supply", "# @package _global_")


def test_config_dir_is_not_there(capsys):
    refused(["value", "--config-dir", "mine"], capsys, "--config-dir mine", "not a folder")


def test_broken_yaml(capsys):
    refused(own_scenario("supply: {requests: [1\n"), capsys, "own.yaml")


def test_unknown_key_in_a_file(capsys):
    refused(own_scenario("suply: {requests: 10}\n"), capsys, "suply", "did you mean 'supply'")


def test_wrong_value_in_a_file(capsys):
    text = "source: {profile: {match_rate: high}, context: {}}\n"
    refused(own_scenario(text), capsys, "source.profile.match_rate = high")


def test_a_list_where_keys_are_wanted(capsys):
    refused(own_scenario("supply: [1, 2]\n"), capsys, "supply")


# -- strategies ---------------------------------------------------------------------------------------------------


class Broken(Policy):
    """Answers its trial batch with something that is no bid."""

    def __init__(self, answer: float = np.nan, rows: int = 0) -> None:
        self.answer, self.rows = answer, rows

    def bid(self, requests):
        return np.full(self.rows or requests.n, self.answer)


@pytest.mark.parametrize(
    "answer", ["{name: broken}", "{name: broken, answer: -1}", "{name: broken, rows: 3}"]
)
@pytest.mark.parametrize("verb", ["value", "run"])
def test_a_trial_batch_that_is_no_bid(verb, answer, capsys, monkeypatch):
    monkeypatch.setitem(registry.BUILT_IN, "broken", Broken)
    arguments = [text for text in QUICK if verb == "value" or not text.startswith("study")]
    refused([verb, *arguments, f"bidders.strategy={answer}"], capsys, "bidders.strategy")


# -- logs ---------------------------------------------------------------------------------------------------------


def log(path):
    return ["value", "scenario=ipinyou", f"supply.path={path}", "plot.enabled=false"]


def test_missing_file(capsys):
    refused(log("nowhere.csv.gz"), capsys, "nowhere.csv.gz")


def test_folder_for_a_file(capsys):
    Path("folder").mkdir()
    refused(log("folder"), capsys, "folder")


def test_empty_file(capsys):
    Path("empty.csv").write_text("")
    refused(log("empty.csv"), capsys, "empty.csv")


def test_header_alone(capsys):
    with gzip.open(SAMPLE, "rt") as file:
        Path("header.csv").write_text(file.readline())
    refused(log("header.csv"), capsys, "header.csv")


def test_truncated_gzip(capsys):
    Path("cut.csv.gz").write_bytes(SAMPLE.read_bytes()[: SAMPLE.stat().st_size // 2])
    refused(log("cut.csv.gz"), capsys, "cut.csv.gz")


def test_price_that_is_no_number(capsys):
    with gzip.open(SAMPLE, "rt") as file:
        header, *rows = (line.split(",") for line in file.read().splitlines()[:4])
    rows[2][header.index("payprice")] = "dear"
    Path("dear.csv").write_text("\n".join(",".join(row) for row in (header, *rows)) + "\n")
    refused(log("dear.csv"), capsys, "dear.csv", "payprice", "dear", "4")


def test_unknown_format(capsys):
    refused([*log(SAMPLE), "supply.format=ipinyu_csv"], capsys, "ipinyu_csv", "ipinyou_csv")


# -- the installed command ----------------------------------------------------------------------------------------


@pytest.mark.few(1)
@pytest.mark.parametrize("arguments", [["valu"], ["value", "sede=2"], ["value", "seed=[1"]])
def test_as_a_process(arguments):
    program = "import sys; from jointbid.experiments.cli.main import main; sys.exit(main())"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    done = subprocess.run(
        [sys.executable, "-c", program, *arguments],
        capture_output=True,
        text=True,
        check=False,
        env=environment,
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert "Traceback" not in done.stderr
    assert done.stderr.startswith("jointbid: ")
