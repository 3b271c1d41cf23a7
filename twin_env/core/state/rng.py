"""Counter-based randomness: a draw is a function of (key, counter) and nothing else.

A stream is named by (seed, subsystem, entity); its n-th draw does not depend on who
else drew before, so turning chaos on or adding an agent shifts no other stream.
The generator is SplitMix64 (Steele, Lea, Flood 2014, "Fast splittable pseudorandom
number generators", with Stafford's 13th mixer) read at an arbitrary counter.
"""

import math
from typing import Final

import numpy as np

from twin_env.core.state.jit import kernel

# Subsystems. A new one gets a new number; numbers are never used again (6 is retired).
FLOW_STREAM: Final = 1
ORDER_LINK_STREAM: Final = 2
REPORT_LINK_STREAM: Final = 3
MARKET_DATA_LINK_STREAM: Final = 4
HEARTBEAT_STREAM: Final = 5
TASK_STREAM: Final = 7
EFFICIENT_PRICE_STREAM: Final = 8  # entity 0: moves, 1: jumps, 2: volatility, 3: noise
ARRIVAL_STREAM: Final = 9
CANDIDATE_STREAM: Final = 10
METAORDER_STREAM: Final = 11
CHAOS_STREAM: Final = 12  # entity: an effect, by what its fault is called; 0 for what wires draw under faults

_GAMMA: Final = np.uint64(0x9E3779B97F4A7C15)
_MIX_1: Final = np.uint64(0xBF58476D1CE4E5B9)
_MIX_2: Final = np.uint64(0x94D049BB133111EB)
_S30: Final = np.uint64(30)
_S27: Final = np.uint64(27)
_S31: Final = np.uint64(31)
_S12: Final = np.uint64(12)
_S32: Final = np.uint64(32)
_LOW_32: Final = np.uint64(0xFFFFFFFF)


@kernel
def mix(x: np.uint64) -> np.uint64:
    """Scatter the bits of ``x`` (a bijection of 64-bit integers)."""
    x = (x ^ (x >> _S30)) * _MIX_1
    x = (x ^ (x >> _S27)) * _MIX_2
    return x ^ (x >> _S31)


@kernel
def stream_key(seed: np.uint64, subsystem: int, entity: int) -> np.uint64:
    """Return the key of the stream of one entity of one subsystem."""
    return mix(mix(seed + np.uint64(subsystem) * _GAMMA) + np.uint64(entity) * _GAMMA)


@kernel
def bits(key: np.uint64, counter: int) -> np.uint64:
    """Return draw number ``counter`` of a stream as 64 random bits."""
    return mix(key + np.uint64(counter) * _GAMMA)


@kernel
def uniform(key: np.uint64, counter: int) -> float:
    """Return a draw strictly between 0 and 1, on a grid of 2^-52."""
    return (np.float64(bits(key, counter) >> _S12) + 0.5) * 2.220446049250313e-16


@kernel
def high_half(word: np.uint64) -> float:
    """Return the upper 32 bits of a draw as a number in [0, 1)."""
    return np.float64(word >> _S32) * 2.3283064365386963e-10


@kernel
def low_half(word: np.uint64) -> float:
    """Return the lower 32 bits of a draw as a number in [0, 1)."""
    return np.float64(word & _LOW_32) * 2.3283064365386963e-10


@kernel
def normal(key: np.uint64, counter: int) -> float:
    """Return a standard normal draw by inverting one uniform.

    Wichura 1988, algorithm AS 241 (PPND16), relative error about 1e-16.
    """
    q = uniform(key, counter) - 0.5
    if abs(q) <= 0.425:
        r = 0.180625 - q * q
        top = 2.5090809287301226727e3 * r + 3.3430575583588128105e4
        top = (((top * r + 6.7265770927008700853e4) * r + 4.5921953931549871457e4) * r + 1.3731693765509461125e4) * r
        top = ((top + 1.9715909503065514427e3) * r + 1.3314166789178437745e2) * r + 3.3871328727963666080e0
        low = 5.2264952788528545610e3 * r + 2.8729085735721942674e4
        low = (((low * r + 3.9307895800092710610e4) * r + 2.1213794301586595867e4) * r + 5.3941960214247511077e3) * r
        low = ((low + 6.8718700749205790830e2) * r + 4.2313330701600911252e1) * r + 1.0
        return q * top / low
    tail = q + 0.5 if q < 0.0 else 0.5 - q
    r = math.sqrt(-math.log(tail))
    if r <= 5.0:
        r -= 1.6
        top = 7.74545014278341407640e-4 * r + 2.27238449892691845833e-2
        top = (
            ((top * r + 2.41780725177450611770e-1) * r + 1.27045825245236838258e0) * r + 3.64784832476320460504e0
        ) * r
        top = ((top + 5.76949722146069140550e0) * r + 4.63033784615654529590e0) * r + 1.42343711074968357734e0
        low = 1.05075007164441684324e-9 * r + 5.47593808499534494600e-4
        low = (
            ((low * r + 1.51986665636164571966e-2) * r + 1.48103976427480074590e-1) * r + 6.89767334985100004550e-1
        ) * r
        low = ((low + 1.67638483018380384940e0) * r + 2.05319162663775882187e0) * r + 1.0
    else:
        r -= 5.0
        top = 2.01033439929228813265e-7 * r + 2.71155556874348757815e-5
        top = (
            ((top * r + 1.24266094738807843860e-3) * r + 2.65321895265761230930e-2) * r + 2.96560571828504891230e-1
        ) * r
        top = ((top + 1.78482653991729133580e0) * r + 5.46378491116411436990e0) * r + 6.65790464350110377720e0
        low = 2.04426310338993978564e-15 * r + 1.42151175831644588870e-7
        low = (
            ((low * r + 1.84631831751005468180e-5) * r + 7.86869131145613259100e-4) * r + 1.48753612908506148525e-2
        ) * r
        low = ((low + 1.36929880922735805310e-1) * r + 5.99832206555887937690e-1) * r + 1.0
    score = top / low
    return -score if q < 0.0 else score
