"""Bytes that are not UTF-8, carried through the parser as marks and recognised afterwards.

Arrow's parser cannot hand a row on that is ragged and not UTF-8. So each odd byte travels as a character of the private use
area, U+F700 and its value, which no log writes.
"""

from __future__ import annotations

import codecs
import io
import re
from typing import IO, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

_FIRST = 0xF700
_MARK = re.compile("[\uf780-\uf7ff]")
_HANDLER = "jointbid_mark"


def _mark(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeDecodeError):
        raise error
    odd = error.object[error.start : error.end]
    return "".join(chr(_FIRST + byte) for byte in odd), error.end


codecs.register_error(_HANDLER, _mark)


class Utf8Stream(io.RawIOBase):
    """A stream of bytes as UTF-8; `odd` says whether some of them were not, `lines` how many have gone by."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self._decoder = codecs.getincrementaldecoder("utf-8")(_HANDLER)
        self._last = b"\n"
        self._ends = 0
        self.odd = False

    @property
    def lines(self) -> int:
        """Lines as a text editor counts them; the last may lack its end."""
        return self._ends + (self._last not in {b"\n", b"\r"})

    def readable(self) -> bool:
        """Always."""
        return True

    def read(self, size: int = -1) -> bytes:
        """Return some bytes, of which all are UTF-8."""
        block = self._read(size)
        if block.isascii() and not self._decoder.getstate()[0]:
            return block
        text = self._decoder.decode(block, final=not block)
        while not text and block:  # the first bytes of a character alone
            block = self._read(size)
            text = self._decoder.decode(block, final=not block)
        self.odd = self.odd or bool(_MARK.search(text))
        return text.encode()

    def _read(self, size: int) -> bytes:
        block = self._stream.read(size)
        alone = block.count(b"\r")
        if alone:
            alone -= block.count(b"\r\n")
        self._ends += block.count(b"\n") + alone - (self._last == b"\r" and block.startswith(b"\n"))
        self._last = block[-1:] or self._last
        return block


def with_escaped_bytes(cells: pa.Array) -> tuple[pa.Array, NDArray[np.bool_]]:
    """Return the cells with the odd bytes written as backslash, x and two digits, and which of them hold such bytes."""
    broken = np.asarray(pc.match_substring_regex(cells, "[\uf780-\uf7ff]"))
    if not broken.any():
        return cells, broken
    text: list[Any] = cells.to_pylist()
    for i in np.flatnonzero(broken):
        text[i] = escaped(text[i])
    return pa.array(text, pa.string()), broken


def escaped(text: str) -> str:
    """Return the text with the odd bytes written as backslash, x and two digits."""
    return _MARK.sub(lambda found: f"\\x{ord(found[0]) - _FIRST:02x}", text)
