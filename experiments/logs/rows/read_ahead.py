"""Reads ahead: the next item of an iterator is made on a thread while the last one is used."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

Item = TypeVar("Item")


def read_ahead(
    items: Generator[Item, None, None], meanwhile: Callable[[], None] = lambda: None
) -> Iterator[Item]:
    """Yield the items, the next one being made on a thread of its own; what making it raises is raised here, in its turn.

    Args:
        items: closed at the end, also where not all of them are taken.
        meanwhile: is called while the first item is made, and ends before it is yielded.
    """
    with ThreadPoolExecutor(1, thread_name_prefix="read-ahead") as thread:
        try:
            coming = thread.submit(next, items, None)
            meanwhile()
            while (item := coming.result()) is not None:
                coming = thread.submit(next, items, None)
                yield item
        finally:
            thread.submit(items.close).result()
