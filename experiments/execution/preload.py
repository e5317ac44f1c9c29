"""Import what cells need and load the kernels, or compile them: a small market does both.

The fork server imports this module before it forks workers; where there is no fork, each worker does.
"""

from __future__ import annotations

import atexit
import multiprocessing
import os
from contextlib import redirect_stderr, suppress
from io import StringIO

from jointbid.sim.scenario import Scenario, SyntheticSupply

from ..cells.bidders import run_cell
from ..cells.cell import Cell

with (
    suppress(Exception),
    redirect_stderr(StringIO()),
):  # the driver reports what is wrong, in its trial of the strategies
    run_cell(Cell(Scenario(name="", supply=SyntheticSupply(requests=64)), "none"))
if multiprocessing.parent_process() is None:
    atexit.register(os._exit, 0)  # else the fork server takes a third of a second to leave
