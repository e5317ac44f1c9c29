"""What joint data are worth over time, net of what they cost."""

from __future__ import annotations
