"""A Ray cluster of two nodes on this machine: a study goes on when one of them is killed, and its numbers are the same.

``make test-cluster`` installs Ray and runs this; ``make test`` leaves it out.
"""

from __future__ import annotations

import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import pytest
from tests.experiments import drivers

pytestmark = pytest.mark.cluster
pytest.importorskip("ray", reason="make test-cluster installs Ray")

BIN = Path(sys.executable).parent
STUDY = ["scenario=theory", "supply.requests=20000", "plot.enabled=false", "study.replications=60"]
CELLS = 60 * 7 + 8
OBJECTS = "--object-store-memory=100000000"  # it is tests' own cluster: its nodes accept settings
PATIENCE_S = 240


class Nodes:
    """`ray start` processes, each with its children in a session of its own."""

    def __init__(self, scratch, environment):
        self.scratch, self.environment, self.running = scratch, environment, []
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]

    def start(self, *options):
        log = self.scratch / f"node{len(self.running)}.log"
        command = [
            BIN / "ray",
            "start",
            "--block",
            "--num-cpus=1",
            "--disable-usage-stats",
            OBJECTS,
            *options,
        ]
        with log.open("w") as out:
            node = subprocess.Popen(
                command,
                env=self.environment,
                stdout=out,
                stderr=out,
                cwd=self.scratch,
                start_new_session=True,
            )
        self.running.append(node)
        wait_until(lambda: "Ray runtime started" in log.read_text() or node.poll() is not None, "a node")
        assert node.poll() is None, log.read_text()
        return node

    def kill(self, node):
        """The node with all of its processes, as a power cut does it."""
        listed = subprocess.run(["ps", "-eo", "pid=,sid="], capture_output=True, text=True, check=True).stdout
        for line in listed.splitlines():
            pid, session = map(int, line.split())
            if session == node.pid:
                os.kill(pid, signal.SIGKILL)
        node.wait()
        self.running.remove(node)


@pytest.fixture
def environment():
    """Nodes and driver have one token, in place of this user's own."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("RAY_")}
    return {**clean, "RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": secrets.token_hex(32)}


@pytest.fixture
def nodes(tmp_path, environment):
    """A head and a second node, of one core each."""
    scratch = Path("/tmp") / f"jb{os.getpid()}"  # Ray's sockets have short paths
    scratch.mkdir()
    cluster = Nodes(scratch, environment)
    try:
        cluster.start(
            "--head", f"--port={cluster.port}", "--include-dashboard=false", f"--temp-dir={scratch}"
        )
        cluster.start(f"--address=127.0.0.1:{cluster.port}", '--resources={"second": 1}')
        yield cluster
    finally:
        for node in list(cluster.running):
            cluster.kill(node)
        subprocess.run(["rm", "-rf", scratch], check=True)


def wait_until(true, what):
    end = time.monotonic() + PATIENCE_S
    while not true():
        assert time.monotonic() < end, f"no {what} within {PATIENCE_S} s"
        time.sleep(0.1)


def cells_in(results):
    return sum(file.read_bytes().count(b"\n") for file in results.rglob("cells/*.jsonl"))


def start(environment, cwd, *overrides, pause_after=0):
    return drivers.start(
        "value", *STUDY, *overrides, pause_after=pause_after, env=drivers.with_path(environment), cwd=cwd
    )


def folder(results):
    (found,) = (results / "value").iterdir()
    return found


def test_a_node_is_killed_and_the_numbers_are_the_same(nodes, environment, tmp_path):
    there = f"executor.address=127.0.0.1:{nodes.port}"
    ray, serial = tmp_path / "ray", tmp_path / "serial"
    alone = start(environment, tmp_path, "executor=serial", "results_dir=serial")
    said = alone.communicate(timeout=PATIENCE_S)
    assert alone.returncode == 0, said

    driver = start(environment, tmp_path, "executor=ray", there, "results_dir=ray", pause_after=60)
    nodes.kill(nodes.running[-1])
    done = cells_in(ray)
    drivers.go_on(driver)
    said = driver.communicate(timeout=PATIENCE_S)
    assert driver.returncode == 0, said
    assert 60 <= done < CELLS, "it was killed in mid-study"
    assert json.loads((folder(ray) / "status.json").read_text()) == {"status": "done"}
    assert not (folder(ray) / "failures.jsonl").exists()
    for name in ("cells", "timeseries", "summary"):
        one, other = (pd.read_parquet(folder(results) / f"{name}.parquet") for results in (ray, serial))
        pd.testing.assert_frame_equal(one, other, check_exact=True)

    # another study on the node that is left; the driver is killed, and the same command goes on
    more = ("executor=ray", there, "results_dir=ray", "seed=2")
    driver = start(environment, tmp_path, *more, pause_after=30)
    driver.kill()
    driver.communicate()
    kept = cells_in(ray) - CELLS
    driver = start(environment, tmp_path, *more)
    said = driver.communicate(timeout=PATIENCE_S)
    assert driver.returncode == 0, said
    (other,) = (path for path in (ray / "value").iterdir() if path != folder_of_seed_1(ray))
    manifest = json.loads((other / "manifest.json").read_text())
    assert 30 <= kept <= manifest["cells_kept"] < CELLS, "what was done is not done again"
    assert manifest["cells_run"] + manifest["cells_kept"] == CELLS

    # another token is refused, in one line
    stranger = {**environment, "RAY_AUTH_TOKEN": secrets.token_hex(32)}
    driver = start(stranger, tmp_path, *more, "seed=3")
    _, complaint = driver.communicate(timeout=PATIENCE_S)
    assert driver.returncode == 2
    assert "RAY_AUTH_MODE" in complaint
    assert "Traceback" not in complaint


def folder_of_seed_1(results):
    (found,) = (
        path
        for path in (results / "value").iterdir()
        if json.loads((path / "manifest.json").read_text())["seed"] == 1
    )
    return found


def test_a_cluster_of_our_own(environment, tmp_path):
    few = ("study.replications=3", "supply.requests=1000", "executor.jobs=2")
    for executor in ("ray", "serial"):
        done = start(environment, tmp_path, *few, f"executor={executor}", f"results_dir={executor}")
        said = done.communicate(timeout=PATIENCE_S)
        assert done.returncode == 0, said
    ray, serial = (pd.read_parquet(folder(tmp_path / name) / "cells.parquet") for name in ("ray", "serial"))
    pd.testing.assert_frame_equal(ray, serial, check_exact=True)


def test_ctrl_c(environment, tmp_path):
    many = ("study.replications=3000", "executor=ray", "executor.jobs=2")
    driver = start(environment, tmp_path, *many, pause_after=20)
    driver.send_signal(signal.SIGINT)
    began = time.monotonic()
    drivers.go_on(driver)
    _, said = driver.communicate(timeout=60)
    assert driver.returncode == 130, said
    assert time.monotonic() - began < 10, "generous: all of this runs on the cores that others leave"
    assert "the same command again goes on" in said
    assert "Traceback" not in said
    assert json.loads((folder(tmp_path / "results") / "status.json").read_text()) == {"status": "stopped"}
