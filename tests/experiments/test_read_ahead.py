"""Reading ahead on a thread: the same items in the same order, errors in their turn, and the source closed."""

from __future__ import annotations

import threading

import pytest

from jointbid.experiments.logs.rows.read_ahead import read_ahead


def test_items_come_in_order_and_are_made_on_another_thread():
    made, closed = [], []

    def items():
        try:
            for i in range(5):
                made.append(threading.current_thread() is not threading.main_thread())
                yield i
        finally:
            closed.append(True)

    called = []
    assert list(read_ahead(items(), lambda: called.append(1))) == [0, 1, 2, 3, 4]
    assert made == [True] * 5
    assert (closed, called) == ([True], [1])


def test_an_error_comes_after_the_items_before_it_and_the_source_is_closed_when_left():
    def broken():
        yield 1
        raise OSError("gone")

    found = read_ahead(broken())
    assert next(found) == 1
    with pytest.raises(OSError, match="gone"):
        next(found)
    closed = []

    def endless():
        try:
            while True:
                yield 1
        finally:
            closed.append(True)

    left = read_ahead(endless())
    next(left)
    left.close()
    assert closed == [True]
