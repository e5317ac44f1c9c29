"""Exponential variables from uniforms, with the same bits on every machine.

``-log1p(-u)`` of the C library has other last digits on other processors and versions, and takes a call for each number. What is
written out here is fdlibm's log1p, as the GNU library compiles it for processors with fused multiply-adds, without branches, so that
several numbers are worked out at a time.

fdlibm: "Copyright (C) 1993 by Sun Microsystems, Inc. All rights reserved. Developed at SunPro, a Sun Microsystems, Inc. business.
Permission to use, copy, modify, and distribute this software is freely granted, provided that this notice is preserved."
"""

from __future__ import annotations

import numpy as np

from .compiled import fma, inlined

LN2_HIGH, LN2_LOW = 6.93147180369123816490e-01, 1.90821492927058770002e-10
P1, P2, P3, P4 = (
    6.666666666666735130e-01,
    3.999999999940941908e-01,
    2.857142874366239149e-01,
    2.222219843214978396e-01,
)
P5, P6, P7 = 1.818357216161805012e-01, 1.531383769920937332e-01, 1.479819860511658591e-01
"""The polynomial of log((1 + s) / (1 - s))."""
SQUARE_ROOT = 0x6A09E00000000
"""Digits of the square root of 2, above which a number is put below 1."""
MANTISSA, ONE, HALF = 0xFFFFFFFFFFFFF, 0x3FF0000000000000, 0x3FE0000000000000
WHOLE, BIAS = 0x4330000000000000, float(2**52 + 1023)
"""An exponent with ``WHOLE`` before it is, as a double, the exponent and ``BIAS``."""
NEAR, TINY = float.fromhex("0x1.2bec4p-2"), 2.0**-29
"""Below these the number is not taken apart, or two terms of the series are enough."""


@inlined
def exponential(u: float) -> float:
    """Return ``-log(1 - u)`` of a uniform in [0, 1) that is a multiple of 2^-53: 1 - u is exact then."""
    bits = np.float64(1.0 - u).view(np.int64)
    digits = bits & MANTISSA
    is_large = digits >= SQUARE_ROOT
    exponent = np.int64((bits >> 52) | WHOLE).view(np.float64) - (BIAS - 1.0 if is_large else BIAS)
    reduced = np.int64(digits | (HALF if is_large else ONE)).view(np.float64) - 1.0
    f = -u if u < NEAR else float(reduced)
    k = 0.0 if u < NEAR else float(exponent)
    half_square = 0.5 * f * f
    s = f / (2.0 + f)
    z = s * s
    z2 = z * z
    z4 = z2 * z2
    series = fma(z, P1, z2 * fma(z, P3, P2))
    series = fma(z4, fma(z, P5, P4), series)
    series = fma(z4 * z2, fma(z, P7, P6), series)
    rest = half_square - fma(k, LN2_LOW, s * (half_square + series)) - f
    log = fma(-k, LN2_HIGH, rest)
    return float(fma(u * u, 0.5, u) if u < TINY else log)
