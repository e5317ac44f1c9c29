"""What one cell of a study is and how it is played: this folder, strategies/ and sim/ determine a cell's numbers."""

from __future__ import annotations
