"""The exchange's own record: the latest events, and one hash over all there ever were."""

from typing import Any, Final

import numpy as np

from twin_env.core.state.jit import kernel
from twin_env.core.stream import write_exchange

_A: Final = np.uint64(0x9E3779B97F4A7C15)
_B: Final = np.uint64(0xC2B2AE3D27D4EB4F)
_C: Final = np.uint64(0x165667B19E3779F9)
_D: Final = np.uint64(0x27D4EB2F165667C5)
_S29: Final = np.uint64(29)


@kernel
def mix_into_hash(world: Any, a: int, b: int, c: int, d: int) -> None:
    """Mix four integers into the world's event hash; order matters, batching does not."""
    x = np.uint64(a) * _A ^ np.uint64(b) * _B ^ np.uint64(c) * _C ^ np.uint64(d) * _D
    h = (world.event_hash ^ x) * _B
    world.event_hash = h ^ (h >> _S29)


@kernel
def emit(
    world: Any, kind: int, reason: int, side: int, owner: int, order: int, contra: int, price: int, lots: int
) -> None:
    """Write one exchange event. The fields are those of ``layout.EVENT``."""
    event = world.events[world.event_count & (world.events.shape[0] - 1)]
    world.event_count += 1
    event.ts_ns = world.now_ns
    event.price = price
    event.lots = lots
    event.order = order
    event.contra = contra
    event.kind = kind
    event.reason = reason
    event.side = side
    event.owner = owner
    codes = kind | reason << 8 | (side + 1) << 16 | owner << 20
    mix_into_hash(world, world.now_ns, price, lots, codes << 32 ^ order << 1 ^ contra << 17)
    if world.stream != 0:
        write_exchange(world, kind, reason, side, owner, order, contra, price, lots)
