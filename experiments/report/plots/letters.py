"""Letters that the style's font lacks: they are taken from an installed font that has them."""

from __future__ import annotations

import functools
import sys
from collections.abc import Iterable, Iterator

import pandas as pd

from .matplotlib_types import Figure

BASE = "DejaVu Sans"
"""The style's font, which comes with matplotlib."""
BOXES = "Last Resort"
"""A font of matplotlib's that has a box for every letter."""
NOT_A_LETTER = "\n\t\r"
SHOWN = 12

_reported: set[str] = set()


def give_letters(figure: Figure) -> None:
    """Add to each text of a figure the installed fonts that have the letters that its own font lacks."""
    from matplotlib.text import Text

    texts = [text for text in figure.findobj(Text) if not text.get_text().isascii()]
    fonts, _ = fonts_for(frozenset("".join(text.get_text() for text in texts)))
    for text in texts if fonts else ():
        families = text.get_fontfamily()
        text.set_fontfamily([*(BASE if name == "sans-serif" else name for name in families), *fonts])


def report_missing(texts: Iterable[object]) -> None:
    """Say in one line on stderr which letters no installed font has, and what to do; each letter once a process."""
    _, missing = fonts_for(frozenset("".join(str(text) for text in texts if not str(text).isascii())))
    new = sorted(missing - _reported)
    if new:
        _reported.update(new)
        more = ", ..." if len(new) > SHOWN else ""
        sys.stderr.write(
            f"plots: no installed font has {', '.join(new[:SHOWN])}{more} (drawn as boxes): install one that has, such as "
            "Noto Sans CJK or Noto Emoji, and run `jointbid report` on the study's folder\n"
        )


def names_in(table: pd.DataFrame) -> Iterator[str]:
    """Yield each text of a table, and its columns' names."""
    from pandas.api.types import is_numeric_dtype

    for name, column in table.items():
        yield str(name)
        if not is_numeric_dtype(column):
            yield from map(str, column.unique())


@functools.lru_cache(64)
def fonts_for(letters: frozenset[str]) -> tuple[tuple[str, ...], frozenset[str]]:
    """Return families that together have as many as possible of the letters that the base font lacks, and what is still missing."""
    wanted = {letter for letter in letters if letter > "~" and letter not in NOT_A_LETTER}
    if not wanted:
        return (), frozenset()
    from matplotlib.font_manager import FontProperties, findfont, fontManager

    wanted -= _letters(findfont(FontProperties(family=BASE)))
    families: list[str] = []
    plain = [
        font
        for font in fontManager.ttflist
        if font.style == "normal" and not font.name.startswith((BASE, BOXES))
    ]
    for font in sorted(plain, key=lambda font: (abs(int(_weight(font.weight)) - 400), font.name)):
        if not wanted:
            break
        found = wanted & _letters(font.fname)
        if found:
            families.append(font.name)
            wanted -= found
    return tuple(families), frozenset(wanted)


@functools.lru_cache(512)
def _letters(file: str) -> frozenset[str]:
    """The letters that a font file has; none where it cannot be read."""
    from matplotlib.font_manager import get_font

    try:
        return frozenset(map(chr, get_font(file).get_charmap()))
    except (OSError, RuntimeError, ValueError):
        return frozenset()


def _weight(weight: str | int) -> int:
    from matplotlib.font_manager import weight_dict

    return weight if isinstance(weight, int) else weight_dict.get(weight, 400)
