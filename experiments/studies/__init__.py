"""One class a study: the cells that it needs, and what it makes of them."""

from __future__ import annotations
