"""What belongs to the process is the host program's: it is afterwards as it was before."""

from __future__ import annotations

import decimal
import faulthandler
import gc
import locale
import logging
import multiprocessing
import os
import random
import signal
import subprocess
import sys
import threading
import warnings
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from hydra import compose, initialize
from hydra.core.global_hydra import GlobalHydra
from hydra.core.singleton import Singleton
from hydra.version import VersionBase
from omegaconf import OmegaConf
from omegaconf.basecontainer import BaseContainer
from threadpoolctl import threadpool_info

import jointbid
from jointbid.experiments.cli.main import main
from jointbid.experiments.errors import BadInput

ROOT = Path(__file__).parents[2]
MARKET = ("default", "supply.requests=200")


def state():
    loggers = [logging.root, *map(logging.getLogger, ("matplotlib", "hydra", "numba", "jointbid"))]
    return {
        "Hydra": [Singleton._instances.get(kind) for kind in (GlobalHydra, VersionBase)],
        "resolvers": dict(BaseContainer._resolvers),
        "matplotlib": dict(mpl.rcParams),
        "pyplot": "matplotlib.pyplot" in sys.modules,
        "warnings": list(warnings.filters),
        "signals": {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)},
        "numpy errors": np.geterr(),
        "numpy random": str(np.random.get_state()),  # noqa: NPY002
        "random": random.getstate(),
        "locale": locale.setlocale(locale.LC_ALL),
        "loggers": [(log.level, log.disabled, list(log.handlers)) for log in loggers],
        "environment": dict(os.environ),
        "start method": multiprocessing.get_start_method(allow_none=True),
        "path": list(sys.path),
        "folder": Path.cwd(),
        "pandas": str({key: pd.get_option(key) for key in ("display.width", "display.max_rows", "display.precision")}),
        "faulthandler": faulthandler.is_enabled(),
        "thread pools": [(pool["filepath"], pool["num_threads"]) for pool in threadpool_info()],
        "hooks": (sys.excepthook, sys.displayhook, sys.unraisablehook, threading.excepthook),
        "streams": (sys.stdout, sys.stderr, sys.stdin),
        "collector": (gc.isenabled(), gc.get_threshold()),
        "decimal": str(decimal.getcontext()),
        "printing": np.get_printoptions(),
    }  # fmt: skip


def changed(before):
    after = state()
    return [name for name in before if before[name] != after[name]]


def simulated():
    market = jointbid.load(*MARKET)
    strategy = jointbid.Priced(jointbid.bayes(market, ("profile",)), jointbid.Truthful())
    return jointbid.simulate(market, {"focal": strategy}, seed=1)


def studied():
    assert main(["run", "scenario=theory", "supply.requests=200"]) == 0
    small = "study.lattice=false study.curves=[] study.replications=2 supply.requests=200 executor=serial"
    assert main(["value", "scenario=theory", "plot.enabled=false", *small.split()]) == 0


def refused():
    with pytest.raises(BadInput):
        jointbid.load("default", "supply.requests=-1")


@pytest.mark.parametrize("work", [simulated, studied, refused])
def test_nothing_of_the_process_is_changed(work, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    work()  # what is imported first may set itself up
    warnings.filterwarnings("error", message="of the host")
    OmegaConf.register_new_resolver("now", lambda _: "the host's", replace=True)
    old = mpl.rcParams["font.size"]
    mpl.rcParams["font.size"] = 3.5
    try:
        before = state()
        work()
        assert changed(before) == []
    finally:
        mpl.rcParams["font.size"] = old


@pytest.mark.parametrize("version_base", [None, "1.2", "1.3"])
def test_a_scenario_is_loaded_where_hydra_is_initialised(tmp_path, version_base):
    (tmp_path / "app.yaml").write_text("size: 3\n")
    expected = jointbid.load(*MARKET)
    relative = os.path.relpath(tmp_path, Path(__file__).parent)
    with initialize(relative, version_base=version_base):
        before = state()
        assert jointbid.load(*MARKET) == expected
        refused()
        assert changed(before) == []
        assert compose("app").size == 3
    assert not GlobalHydra.instance().is_initialized()


def test_scenarios_are_loaded_in_threads():
    sizes = [200 + number for number in range(12)]
    with ThreadPoolExecutor(4) as pool:
        found = pool.map(lambda size: jointbid.load("default", f"supply.requests={size}"), sizes)
        assert [market.supply.requests for market in found] == sizes


def test_a_scenario_is_loaded_in_a_hydra_application(tmp_path):
    (tmp_path / "app.yaml").write_text("requests: 300\n")
    (tmp_path / "app.py").write_text(
        "import hydra, jointbid\n"
        "from hydra.core.hydra_config import HydraConfig\n"
        "@hydra.main(version_base='1.2', config_path='.', config_name='app')\n"
        "def app(cfg):\n"
        "    market = jointbid.load('default', f'supply.requests={cfg.requests}')\n"
        "    print(market.supply.requests, HydraConfig.get().job.name, hydra.version.getbase())\n"
        "app()\n"
    )
    done = subprocess.run(
        [sys.executable, "app.py", "requests=400"],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), *filter(None, sys.path)])},
        check=False,
    )
    assert (done.stdout, done.returncode) == ("400 app 1.2\n", 0), done.stderr
