"""Path: an actor trades the price along a path, there and perhaps back, while others follow or step aside."""

import math
from typing import Any, Final

from twin_env.core.exchange import ladder
from twin_env.core.exchange.book import mid_half_ticks, touch_ticks
from twin_env.core.faults.fault_codes import CONVEX, LINEAR, SMOOTH
from twin_env.core.faults.mechanisms.actor import first_order, postpone, send_change, send_limit
from twin_env.core.faults.modifiers import BUY_LIMIT_SHARE, HERDING, PACE, SELL_LIMIT_SHARE, combine
from twin_env.core.state import codes
from twin_env.core.state.jit import i64, kernel
from twin_env.core.state.layout import NONE

# Steps of one look at the market.
_TAKE: Final = 0
_STAND: Final = 1
_WAIT: Final = 2

_ROUNDING: Final = 1e-9  # so that a share of exactly 1 does not round up to one half-tick too many
_NS_PER_S: Final = 1e9


@kernel
def begin_path(world: Any, effect: Any) -> None:
    """Note where the mid is, and start to trade."""
    path = effect.parameters.path
    path.start_half_ticks = mid_half_ticks(world)
    path.farthest_half_ticks = 0
    path.farthest_after_ns = 0
    effect.act_ns = world.now_ns


@kernel
def apply_path(world: Any, effect: Any) -> None:
    """Let the flow follow the price (herding); until the way back, thin the other side and raise the pace."""
    path = effect.parameters.path
    combine(world, HERDING, path.herding_share)
    if world.now_ns < effect.began_ns + i64((path.fall_s + path.hold_s) * _NS_PER_S):
        combine(world, SELL_LIMIT_SHARE if effect.side > 0 else BUY_LIMIT_SHARE, path.makers_left)
        combine(world, PACE, path.pace_multiple)


@kernel
def note_move(world: Any, effect: Any) -> None:
    """Record how far the mid went the path's way, and how long that took."""
    path = effect.parameters.path
    moved = effect.side * (mid_half_ticks(world) - path.start_half_ticks)
    if moved > path.farthest_half_ticks:
        path.farthest_half_ticks = moved
        path.farthest_after_ns = world.now_ns - effect.began_ns


@kernel
def act_path(world: Any, place: int) -> bool:
    """Keep the mid where the path wants it: take what stands in its way, then stand there.

    A mid of ``target`` half-ticks needs every offer up to ``limit`` gone and a bid at ``limit``, or lower if the
    next offer is farther away than one tick.
    """
    effect = world.effects[place]
    side = i64(effect.side)
    if effect.step == _TAKE:
        note_move(world, effect)  # only here: between two messages of one look the book is half done
    target = _target_half_ticks(world, effect)
    limit = target >> 1
    if effect.step == _TAKE:
        effect.step = _STAND
        lots = _lots_within(world, -side, limit)
        if lots > 0:
            return send_limit(world, place, side, side * limit, lots, codes.IOC)
    if effect.step == _STAND:
        effect.step = _WAIT
        if ladder.touch(world.book, -side) != NONE:
            limit = min(limit, target - side * touch_ticks(world, -side))
        if _stand(world, place, limit):
            return True
    effect.step = _TAKE
    return postpone(world, effect)


@kernel
def _target_half_ticks(world: Any, effect: Any) -> int:
    """Return where the mid should be now, as a buyer sees it; one look early on the way there."""
    path = effect.parameters.path
    elapsed_s = (world.now_ns - effect.began_ns) / _NS_PER_S
    there_s = max(path.fall_s - effect.period_ns / _NS_PER_S, 0.0)
    back_s = elapsed_s - path.fall_s - path.hold_s
    share = 1.0
    if elapsed_s < there_s:
        share = _ramp(i64(path.ramp), elapsed_s / there_s)
    elif back_s > 0.0 and path.half_life_s > 0.0:
        share = 1.0 - path.recovery_fraction + path.recovery_fraction * 0.5 ** (back_s / path.half_life_s)
    return i64(effect.side * path.start_half_ticks + math.ceil(2.0 * path.move_ticks * share - _ROUNDING))


@kernel
def _ramp(shape: int, part: float) -> float:
    """Return how much of a move is done when a part of its time is over."""
    if shape == LINEAR:
        return part
    if shape == CONVEX:
        return part * part
    return part * part * (3.0 - 2.0 * part) if shape == SMOOTH else 1.0


@kernel
def _lots_within(world: Any, opposite: int, limit: int) -> int:
    """Count the lots of a side up to a price, as an order that trades against it meets them."""
    book = world.book
    row = ladder.row_of(opposite)
    lots = 0
    for place in range(book.count[row] - 1, -1, -1):
        if -book.key[row, place] > limit:
            break
        lots += book.levels[book.level[row, place]].lots
    return i64(lots)


@kernel
def _stand(world: Any, place: int, limit: int) -> bool:
    """Have a wall of lots at a price; return whether that took a message."""
    effect = world.effects[place]
    side, wall = i64(effect.side), i64(effect.parameters.path.wall_lots)
    slot = first_order(world, place)
    if slot == NONE:
        return send_limit(world, place, side, side * limit, wall, codes.DAY)
    order = world.orders[slot]
    if order.level == NONE:
        return False
    if world.book.levels[order.level].key == limit and 2 * order.lots >= wall:
        return False
    return send_change(world, place, codes.REPLACE, slot, side * limit, i64(order.filled + wall))
