"""Exponential gaps: the logarithm to its last digits, and one set of bits on every machine."""

from __future__ import annotations

import numpy as np

from jointbid.sim.compiled import kernel
from jointbid.sim.exponential import exponential

EXPECTED = [
    "0x1.0000000000000p-53", "0x1.064670d979b73p-10", "0x1.269621134db92p-2", "0x1.5929e5ebb347bp-2",
    "0x1.62e42fefa39efp-1", "0x1.d2df414fcb1e0p-1", "0x1.62e42fefa39efp+0", "0x1.ba18a998fff9fp+2",
    "0x1.25e4f7b2737fap+5",
]  # fmt: skip


@kernel
def each(u, out):
    for i in range(len(u)):
        out[i] = exponential(u[i])


def uniforms():
    """Multiples of 2^-53 of all sizes, next to 0, next to 1, and where 1 - u passes a power of two."""
    generator = np.random.default_rng(1)
    edges = np.array(
        [0.0, 2.0**-29, float.fromhex("0x1.2bec4p-2"), 1 - 2**-0.5, *(1 - 2.0**-k for k in range(1, 53))]
    )
    steps = generator.integers(-(2**16), 2**16, (len(edges), 2_000)) * 2.0**-53
    near = np.rint((edges[:, None] + steps).ravel() * 2**53) / 2**53
    small = generator.integers(0, 2**53, 100_000) >> generator.integers(0, 53, 100_000)
    everywhere = np.concatenate([generator.random(200_000), near, small / 2**53])
    return everywhere[(everywhere >= 0) & (everywhere < 1)]


def test_it_is_the_logarithm_to_the_last_digit():
    u = uniforms()
    out = np.empty_like(u)
    each(u, out)
    exact = -np.log1p(-u.astype(np.longdouble)) if np.finfo(np.longdouble).nmant > 60 else -np.log1p(-u)
    assert (np.abs(out - exact) <= np.spacing(np.maximum(out, 5e-324))).all()
    assert out[u == 0].tolist() == [0.0] * int((u == 0).sum())


def test_bits_are_the_same_on_every_machine():
    """As the GNU C library's log1p on processors with fused multiply-adds."""
    u = np.array(
        [2.0**-53, 0.001, 0.25, 0.2861439097102486, 0.5, 0.598223594939583, 0.75, 0.999, 1 - 2.0**-53]
    )
    u = np.rint(u * 2**53) / 2**53
    out = np.empty_like(u)
    each(u, out)
    assert [x.hex() for x in out] == EXPECTED
