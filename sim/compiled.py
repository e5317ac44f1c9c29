"""Compilation of kernels, with a disk cache that knows all their sources.

Numba keys a cached kernel by its own file alone, so that an edited callee in another file goes unseen. Here the cache
lives in a folder named by a hash of numba's version and of every file of this package, since kernels take constants from
many of them: any edit starts a new one. A kernel outside this package is made of it and of its own file.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from llvmlite import ir
from numba import njit, typeof
from numba._dispatcher import compute_fingerprint
from numba.core import cgutils, types
from numba.core.dispatcher import Dispatcher
from numba.core.registry import CPUDispatcher
from numba.extending import intrinsic

from .kernel_cache import PACKAGE, cache_folder, enable_cache

F = TypeVar("F", bound=Callable[..., Any])

OPTIONS: dict[str, Any] = {"_nrt": False, "error_model": "numpy"}
"""Kernels allocate nothing, so that numba need not count references; counting took most of an auction's time. They divide by
nothing that can be 0, so that no division need be checked; a checked one is worked out alone and not several at a time."""


def kernel(function: F) -> F:
    """Compile on first use, and load from the cache of these very sources afterwards."""
    own = Path(function.__code__.co_filename)
    folder = cache_folder(*([] if own.is_relative_to(PACKAGE) else [own]))
    compiled: F = njit(nogil=True, no_cfunc_wrapper=True, **OPTIONS)(function)
    if folder is not None:
        enable_cache(compiled, function, folder)
    return compiled


def inlined(function: F) -> F:
    """Compile as a part of every kernel that calls it: no call at run time, no cache entry of its own."""
    compiled: F = njit(forceinline=True, **OPTIONS)(function)
    return compiled


def kernel_part(function: F) -> F:
    """As ``inlined``, but only kernels may call it.

    The code that takes a Python caller's arrays apart took a quarter of all compilation.
    """
    compiled: Any = njit(forceinline=True, no_cpython_wrapper=True, no_cfunc_wrapper=True, **OPTIONS)(
        function
    )
    compiled.__class__ = _KernelPart
    part: F = compiled
    return part


class _KernelPart(CPUDispatcher):  # type: ignore[misc] # numba has no types here
    """A compiled function without an entry for Python: a call would end the process."""

    def __call__(self, *_: object, **__: object) -> None:
        raise TypeError(f"{self.__name__}: only kernels may call it; in Python call its py_func")


@inlined
def natural(number: int) -> int:
    """Inside a kernel: the same number, 0 to 2^32 - 1, as an index that the compiler knows not to be counted from an array's end."""
    return int(np.int64(np.uint32(number)))


def prepared(function: F, *arguments: Any) -> F:
    """Return a kernel for arguments of these types: its calls spare numba's look at the type of each array.

    That look takes longer than the auctions of a short block. A function that is not compiled is returned as it is.
    """
    if not isinstance(function, Dispatcher):
        return function
    kinds = function, *map(compute_fingerprint, arguments)
    if kinds not in _PREPARED:
        _PREPARED[kinds] = function.compile(tuple(map(typeof, arguments)))
    entry: F = _PREPARED[kinds]
    return entry


_PREPARED: dict[Hashable, Any] = {}


@intrinsic  # type: ignore[untyped-decorator]
def fma(typing: Any, a: Any, b: Any, c: Any) -> Any:  # noqa: ARG001
    """Inside a kernel: ``a * b + c`` of doubles, rounded once, on every processor."""

    def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:  # noqa: ARG001
        return builder.fma(*arguments)

    return types.float64(types.float64, types.float64, types.float64), code


@intrinsic  # type: ignore[untyped-decorator]
def lowest_bit(typing: Any, number: Any) -> Any:  # noqa: ARG001
    """Inside a kernel: the place of the lowest bit of a number that is set; the number must not be 0."""

    def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:  # noqa: ARG001
        return builder.cttz(arguments[0], ir.IntType(1)(1))

    return types.int64(types.int64), code


@intrinsic  # type: ignore[untyped-decorator]
def prefetch(typing: Any, array: Any, place: Any) -> Any:  # noqa: ARG001
    """Inside a kernel: ask for ``array[place]`` to be brought near, without waiting for it; ``place`` is a tuple."""

    def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        kind = signature.args[0]
        whole = context.make_array(kind)(context, builder, arguments[0])
        place = cgutils.unpack_tuple(builder, arguments[1])
        at = cgutils.get_item_pointer(context, builder, kind, whole, place, wraparound=False)
        byte, number = ir.IntType(8).as_pointer(), ir.IntType(32)
        ask = builder.module.declare_intrinsic(
            "llvm.prefetch", [byte], ir.FunctionType(ir.VoidType(), [byte, number, number, number])
        )
        to_read, to_keep, data = number(0), number(3), number(1)
        builder.call(ask, [builder.bitcast(at, byte), to_read, to_keep, data])
        return context.get_dummy_value()

    return types.void(array, place), code
