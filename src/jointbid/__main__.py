"""Run the command line: ``python -m jointbid`` is the same as ``jointbid``."""

from __future__ import annotations

import sys

from jointbid.experiments.cli.main import main

sys.exit(main())
