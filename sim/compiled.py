"""Compilation of kernels, with a disk cache that knows all their sources.

Numba keys a cached kernel by its own file alone, so that an edited callee in another file goes unseen. Here the cache
lives in a folder named by a hash of numba's version and of every file of this package, since kernels take constants from
many of them: any edit starts a new one. A kernel outside this package is made of it and of its own file.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from llvmlite import ir
from numba import njit
from numba.core import cgutils, types
from numba.extending import intrinsic

from .kernel_cache import PACKAGE, cache_folder, enable_cache

F = TypeVar("F", bound=Callable[..., Any])

NO_COUNTS: dict[str, Any] = {"_nrt": False}
"""Kernels allocate nothing, so that numba need not count references; counting took most of an auction's time."""


def kernel(function: F) -> F:
    """Compile on first use, and load from the cache of these very sources afterwards."""
    own = Path(function.__code__.co_filename)
    folder = cache_folder(*([] if own.is_relative_to(PACKAGE) else [own]))
    compiled: F = njit(**NO_COUNTS)(function)
    if folder is not None:
        enable_cache(compiled, function, folder)
    return compiled


def inlined(function: F) -> F:
    """Compile as a part of every kernel that calls it: no call at run time, no cache entry of its own."""
    compiled: F = njit(forceinline=True, **NO_COUNTS)(function)
    return compiled


@intrinsic  # type: ignore[untyped-decorator]
def prefetch(typing: Any, array: Any, row: Any, column: Any) -> Any:  # noqa: ARG001
    """Inside a kernel: ask for ``array[row, column]`` to be brought near, without waiting for it."""

    def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        kind = signature.args[0]
        whole = context.make_array(kind)(context, builder, arguments[0])
        at = cgutils.get_item_pointer(context, builder, kind, whole, arguments[1:], wraparound=False)
        byte, number = ir.IntType(8).as_pointer(), ir.IntType(32)
        ask = builder.module.declare_intrinsic(
            "llvm.prefetch", [byte], ir.FunctionType(ir.VoidType(), [byte, number, number, number])
        )
        to_read, to_keep, data = number(0), number(3), number(1)
        builder.call(ask, [builder.bitcast(at, byte), to_read, to_keep, data])
        return context.get_dummy_value()

    return types.void(array, row, column), code
