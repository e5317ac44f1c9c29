"""A Ray cluster: a running one, or one that is started on this machine.

Tasks go out with the code that they need, and are refused by a worker whose code or libraries are not the driver's: its
numbers could differ in the last bits. Results come back to the driver, so that nodes share no disk.
"""

from __future__ import annotations

import os
import pickle
import platform
import shutil
import signal
import tempfile
import threading
import time
from pathlib import Path
from typing import Any, ClassVar

import cloudpickle

from ..cells.cell import ROOT, code_version
from ..cells.versions import version
from ..config.settings import ExecutorSettings
from ..errors import BadInput
from .pool import cores
from .tasks import Finished, Task, TaskOutcome, finished, run_task

PATIENCE_S = 0.25
LOOK_EVERY_S = 5.0
"""How often the number of cores of the cluster is read."""
OVERRIDE = "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO"
OBJECTS_BYTES = 100_000_000
"""Memory for Ray's objects in a cluster of our own: results are small. One that runs already has its own, and takes none."""
THREADS = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
NUMERIC = ("jointbid", "numpy", "numba", "scipy", "scikit-learn", "simpy", "pydantic")
"""Packages in whose versions the nodes must agree with the driver."""


class Cluster:
    """Tasks as Ray runs them, one core each."""

    forks_workers: ClassVar[bool] = False
    shares_disk: ClassVar[bool] = False

    def __init__(self, settings: ExecutorSettings) -> None:
        self._ray = _ray()
        self._jobs = settings.jobs
        with tempfile.TemporaryDirectory() as folder:
            _connect(self._ray, settings, folder)
        self._remote = self._ray.remote(num_cpus=1, max_retries=0)(_answer)
        self._about = self._ray.put(_identity())
        self._tasks: dict[Any, Task] = {}
        self._cores, self._asked = 0, 0.0

    @property
    def width(self) -> int:
        """``executor.jobs``; by default two tasks for each core that the cluster has at present."""
        if self._jobs:
            return self._jobs
        if time.monotonic() - self._asked > LOOK_EVERY_S or not self._cores:
            self._cores = int(self._ray.cluster_resources().get("CPU", 0))
            self._asked = time.monotonic()
        return max(1, 2 * self._cores)

    def submit(self, task: Task) -> None:
        """Hand it to Ray."""
        keys = tuple(cell.key for cell in task.items)
        self._tasks[self._remote.remote(cloudpickle.dumps(task), keys, self._about)] = task

    def collect(self) -> list[Finished]:
        """Return tasks that have come back, and those that were lost with their worker or node."""
        ready, _ = self._ray.wait(list(self._tasks), num_returns=1, timeout=PATIENCE_S)
        if ready:
            ready, _ = self._ray.wait(list(self._tasks), num_returns=len(self._tasks), timeout=0)
        return [self._get(reference) for reference in ready]

    def close(self, *, now: bool) -> None:  # noqa: ARG002
        """Leave the cluster, which then stops the tasks of this driver; end it if this driver started it.

        Nothing is cancelled one by one: Ray 2 aborts the driver where a task comes back just as it is cancelled.
        """
        self._tasks.clear()
        self._ray.shutdown()

    def _get(self, reference: Any) -> Finished:
        task, errors = self._tasks.pop(reference), self._ray.exceptions
        try:
            refused, outcomes = self._ray.get(reference)
        except (errors.RayTaskError, errors.RuntimeEnvSetupError) as error:
            raise BadInput(
                f"executor=ray: a worker cannot run this installation's code: {_line(error, -1)}"
            ) from None
        except errors.RayError as error:  # a worker or its node was killed, or a result was lost with it
            return Finished(task, lost=f"its Ray worker is gone ({type(error).__name__}: {_line(error, 0)})")
        if refused:
            raise BadInput(f"executor=ray: {refused}")
        return finished(task, outcomes)


def _ray() -> Any:
    try:
        import ray
    except ImportError:
        raise BadInput("executor=ray: Ray is not installed; pip install 'jointbid[ray]' brings it") from None
    return ray


def _gathered(folder: str) -> str:
    """Copy this installation's package and its metadata into a folder that Ray sends to its nodes; return the folder."""
    shutil.copytree(ROOT, Path(folder) / "jointbid", ignore=shutil.ignore_patterns("__pycache__"))
    about = Path(folder) / f"jointbid-{version('jointbid')}.dist-info"
    about.mkdir()
    (about / "METADATA").write_text(
        f"Metadata-Version: 2.1\nName: jointbid\nVersion: {version('jointbid')}\n", "utf-8"
    )
    return folder


def _connect(ray: Any, settings: ExecutorSettings, folder: str) -> None:
    """Join the cluster of ``executor.address``, or start one; SIGTERM stays ours."""
    about: dict[str, Any] = {"log_to_driver": False, "logging_level": "error", "configure_logging": True}
    if settings.address is None:
        about |= {
            "address": "local",
            "num_cpus": settings.jobs or cores(),
            "include_dashboard": False,
            "object_store_memory": OBJECTS_BYTES,
            "runtime_env": {"env_vars": THREADS},
        }
    else:
        about |= {"address": settings.address, "runtime_env": {"env_vars": THREADS}}
        if settings.ship_code:
            about["runtime_env"]["working_dir"] = _gathered(folder)
    ours = signal.getsignal(signal.SIGTERM)
    warned = OVERRIDE not in os.environ
    try:
        if warned:
            os.environ[OVERRIDE] = "0"  # or Ray warns of a change to come
        ray.init(**about)
    except Exception as error:  # noqa: BLE001 - Ray raises all kinds of them
        raise BadInput(
            f"executor.address = {settings.address or 'null'}: cannot be used: {type(error).__name__}: {_line(error, 0)} "
            "(nodes and driver need the same RAY_AUTH_MODE and token; see docs/scale.md)"
        ) from None
    finally:
        if warned:
            del os.environ[OVERRIDE]
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, ours)


def _answer(
    message: bytes, keys: tuple[str, ...], expected: dict[str, str | None]
) -> tuple[str, list[TaskOutcome]]:
    """Run a task on a worker; return the reason for a refusal (else empty) and the outcomes."""
    found = _identity()
    others = [
        f"{name} {found[name]} instead of {wanted}"
        for name, wanted in expected.items()
        if found[name] != wanted
    ]
    where = f"the worker on {platform.node()} has "
    if others:
        return where + ", ".join(others) + "; the same numbers to the last bit need the same versions", []
    task = pickle.loads(message)  # noqa: S301 - from our own driver
    for cell in task.items:
        object.__setattr__(cell, "_key", "")  # to be found anew, with the code that is here
    if tuple(cell.key for cell in task.items) != keys:
        return where + "another version of the strategy's package", []
    return "", run_task(task)


def _identity() -> dict[str, str | None]:
    """Return the versions that numbers depend on, beside the cell itself."""
    python = ".".join(platform.python_version_tuple()[:2])
    return {"python": python, "code": code_version(), **{name: version(name) for name in NUMERIC}}


def _line(error: Exception, number: int) -> str:
    """Return one line of an error's text: 0 is the first, -1 the last."""
    return ([line.strip() for line in str(error).splitlines() if line.strip()] or ["no reason given"])[number]
