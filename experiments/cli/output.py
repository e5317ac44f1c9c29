"""Standard output that loses no work: on a terminal or pipe that lacks a letter, or that is closed early."""

from __future__ import annotations

import codecs
import io
import os
import re
import sys
import textwrap
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO

SPELLED = {"€": "EUR", "£": "GBP", "¥": "JPY", "₹": "INR", "–": "-", "—": "-", "−": "-", "×": "x", "…": "...", "≥": ">=", "≤": "<=", "±": "+/-"}  # fmt: skip
"""Characters in ASCII, for outputs that have no others; letters lose their accents, and the rest becomes ``?``."""

SPELLING = "jointbid.spelling"
WIDTH = 80
"""Columns that help takes at most."""
INDENT = re.compile(r" *(?:\S+(?: \S+)*? {2,})?")
"""What the later lines of a wrapped line stand below: its indentation, or the name in a list of names and descriptions."""


@contextmanager
def spelling() -> Iterator[None]:
    """Spell characters that standard output cannot encode in ASCII while the block runs, instead of failing."""
    codecs.register_error(SPELLING, _spell)
    streams = [(stream, stream.errors) for stream in (sys.stdout, sys.stderr) if isinstance(stream, io.TextIOWrapper)]  # fmt: skip
    for stream, _ in streams:
        stream.reconfigure(errors=SPELLING)
    try:
        yield
    finally:
        for stream, errors in streams:
            if not stream.closed:
                stream.reconfigure(errors=errors)


def fitted(text: str) -> str:
    """Return a text whose long lines are wrapped to `WIDTH`, below the beginning of what they say."""
    lines = []
    for line in text.splitlines():
        head = INDENT.match(line)
        below = " " * min(head.end() if head else 0, WIDTH // 3)
        is_usage = line.startswith("usage: ")
        lines += textwrap.wrap(
            line, WIDTH, subsequent_indent=" " * 7 if is_usage else below,
            break_long_words=False, break_on_hyphens=False, replace_whitespace=False,
        ) if len(line) > WIDTH else [line]  # fmt: skip
    return "\n".join(lines) + "\n" * text.endswith("\n")


def put(text: str, stream: TextIO | None = None) -> None:
    """Write lines to a stream, standard output if none is given; a terminal gets them wrapped, and anything else as they are."""
    stream = stream or sys.stdout
    stream.write((fitted(text) if stream.isatty() else text) + "\n")


def mute() -> None:
    """Send what is still printed nowhere: its reader has left, as `| head` does."""
    sink = os.open(os.devnull, os.O_WRONLY)
    os.dup2(sink, sys.stdout.fileno())
    os.close(sink)


def _spell(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return "".join(map(_in_ascii, error.object[error.start : error.end])), error.end


def _in_ascii(character: str) -> str:
    if character in SPELLED:
        return SPELLED[character]
    plain = unicodedata.normalize("NFKD", character).encode("ascii", "ignore").decode()
    return plain or "?"
