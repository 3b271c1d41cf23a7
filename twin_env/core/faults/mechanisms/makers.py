"""Makers: those who quote leave, keep the book thin, stay away, or keep the two sides apart.

The background's makers are not participants with a memory, so what they do together is done here: orders leave by
ordinary cancels and reductions of the background.
"""

import math
from typing import Any, Final

from twin_env.core.exchange import ladder
from twin_env.core.exchange.book import touch_ticks
from twin_env.core.exchange.inbox import write
from twin_env.core.faults.modifiers import BUY_LIMIT_SHARE, SELL_LIMIT_SHARE, SPREAD, combine
from twin_env.core.state import codes
from twin_env.core.state.jit import i64, kernel
from twin_env.core.state.layout import NONE
from twin_env.core.state.rng import uniform

BEST_LEVELS: Final = 5
_LEAVING: Final = 0  # step in which the orders of those who leave are looked for
_ENTRY_DRAWS: Final = 1 << 32  # draws by order, beside those by beginning
_NS_PER_S: Final = 1e9
_TURN_TICKS: Final = 0.1  # per look, towards the median that is wanted


@kernel
def begin_makers(world: Any, effect: Any) -> None:
    """Note which orders rest now: their owners may leave."""
    effect.parameters.makers.last_entry = world.entries
    effect.act_ns = world.now_ns


@kernel
def apply_makers(world: Any, effect: Any) -> None:
    """Keep the sides apart, and makers away."""
    makers = effect.parameters.makers
    if makers.spread_ticks > 0.0:
        combine(world, SPREAD, makers.quoted_spread_ticks)
    if makers.absent_share > 0.0 and effect.side >= 0:
        combine(world, BUY_LIMIT_SHARE, 1.0 - makers.absent_share)
    if makers.absent_share > 0.0 and effect.side <= 0:
        combine(world, SELL_LIMIT_SHARE, 1.0 - makers.absent_share)


@kernel
def act_makers(world: Any, effect: Any) -> bool:
    """Cancel or reduce one order if one should leave; return whether that is a message in the exchange's inbox."""
    makers = effect.parameters.makers
    if makers.leaving_share > 0.0 and effect.step == _LEAVING:
        slot = _first_leaver(world, effect)
        if slot != NONE:
            return _cancel(world, slot)
        if world.now_ns >= effect.began_ns + i64(makers.lag_s * _NS_PER_S):
            effect.step = _LEAVING + 1
    for row in range(2):
        side = 1 - 2 * row
        if effect.side == -side:
            continue
        if world.modifiers[SPREAD] > 0.0:
            slot = _inside(world, side)
            if slot != NONE:
                return _cancel(world, slot)
        if makers.depth_lots > 0 and _thin_out(world, row, i64(makers.depth_lots)):
            return True
    if makers.spread_ticks > 0.0:
        _seek_spread(world, makers)
    effect.act_ns = world.now_ns + max(effect.period_ns, 1)
    return False


@kernel
def spread_cap(world: Any, side: int) -> int:
    """Return the best key a maker of a side quotes while the sides are kept apart."""
    return i64(math.floor(side * world.anchored.anchor_ticks - 0.5 * world.modifiers[SPREAD] + 0.5))


@kernel
def _seek_spread(world: Any, makers: Any) -> None:
    """Move the distance that makers keep a little towards the one at which the median spread is as wanted.

    Stochastic approximation of a median (Robbins and Monro 1951): up by a step when the spread is too small, down by
    one when it is too large; it rests where both happen equally often.
    """
    wanted = makers.spread_ticks
    spread = touch_ticks(world, codes.SELL) - touch_ticks(world, codes.BUY)
    if spread < wanted:
        makers.quoted_spread_ticks += _TURN_TICKS
    elif spread > wanted:
        makers.quoted_spread_ticks -= _TURN_TICKS
    makers.quoted_spread_ticks = min(max(makers.quoted_spread_ticks, 1.0), 2.0 * wanted)
    world.modifiers[SPREAD] = makers.quoted_spread_ticks


@kernel
def _cancel(world: Any, slot: int) -> bool:
    write(world, codes.CANCEL, codes.BUY, slot, codes.LIMIT, codes.GTC, 0, 0)
    return True


@kernel
def _first_leaver(world: Any, effect: Any) -> int:
    """Return an order that was there when the effect began and whose owner leaves now, NONE if there is none."""
    makers = effect.parameters.makers
    lag_ns = makers.lag_s * _NS_PER_S
    for slot in range(world.actors):
        order = world.orders[slot]
        if order.lots == 0 or order.level == NONE or order.owner != codes.BACKGROUND:
            continue
        if order.entry > makers.last_entry:
            continue
        if effect.side != 0 and world.book.levels[order.level].side != effect.side:
            continue
        draw = _ENTRY_DRAWS + 2 * order.entry
        if uniform(effect.key, draw) >= makers.leaving_share:
            continue
        if world.now_ns >= effect.began_ns + uniform(effect.key, draw + 1) * lag_ns:
            return i64(slot)
    return NONE


@kernel
def _inside(world: Any, side: int) -> int:
    """Return an order of the background that is better than makers want to be, NONE if there is none."""
    book = world.book
    row = ladder.row_of(side)
    cap = spread_cap(world, side)
    for place in range(book.count[row] - 1, -1, -1):
        if book.key[row, place] <= cap:
            break
        slot = i64(book.levels[book.level[row, place]].head)
        while slot != NONE:
            if world.orders[slot].owner == codes.BACKGROUND:
                return slot
            slot = i64(world.orders[slot].next)
    return NONE


@kernel
def _thin_out(world: Any, row: int, target: int) -> bool:
    """Take lots off the fattest of a side's best levels if all of them hold more than ``target``."""
    book = world.book
    count = book.count[row]
    first = max(count - BEST_LEVELS, 0)
    lots = 0
    fattest = NONE
    for place in range(count - 1, first - 1, -1):
        level = book.levels[book.level[row, place]]
        lots += level.lots
        if level.lots > 1 and (fattest == NONE or level.lots > book.levels[fattest].lots):
            fattest = i64(book.level[row, place])
    if lots <= target or fattest == NONE:
        return False
    slot = i64(book.levels[fattest].tail)
    while slot != NONE and world.orders[slot].owner != codes.BACKGROUND:
        slot = i64(world.orders[slot].prev)
    if slot == NONE:
        return False
    away = min(lots - target, world.orders[slot].lots)
    write(world, codes.REDUCE, codes.BUY, slot, codes.LIMIT, codes.GTC, 0, i64(away))
    return True
