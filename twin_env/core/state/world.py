"""Worlds from outside: make them, start them, copy them, compare them.

A *template* is a world that holds its configuration and an empty book and was never
started. Starting a world copies the template over it byte by byte, so nothing of an
earlier episode can survive a reset.
"""

import hashlib
from typing import Any

import numpy as np
import numpy.typing as npt

from twin_env.core.desk.desk import clear_desk
from twin_env.core.event_loop import advance
from twin_env.core.exchange.book import clear_book
from twin_env.core.exchange.exchange import handle
from twin_env.core.exchange.inbox import write
from twin_env.core.exchange.protections import reset_guards
from twin_env.core.exchange.stops import forget_reach
from twin_env.core.faults.engine import clear_chaos
from twin_env.core.flow.flow import ANCHORED_FLOW, POISSON_FLOW, start_flow
from twin_env.core.ledger import clear_ledger
from twin_env.core.state import codes
from twin_env.core.state.jit import announce_compilation, i64, kernel
from twin_env.core.state.layout import MESSAGE, NONE, OPENING, Profile, world_dtype
from twin_env.core.state.rng import HEARTBEAT_STREAM, MARKET_DATA_LINK_STREAM, ORDER_LINK_STREAM, REPORT_LINK_STREAM
from twin_env.core.wire.feed import mirror_snapshot, publish_snapshot
from twin_env.core.wire.links import open_link

Worlds = Any  # ndarray of world_dtype(profile): mypy cannot see the fields of its records

NO_TAPE: npt.NDArray[np.void] = np.zeros(0, MESSAGE)
NO_TAPE.flags.writeable = False
NO_ANCHORS: npt.NDArray[np.int64] = np.zeros(0, np.int64)
NO_ANCHORS.flags.writeable = False


def create_worlds(profile: Profile, count: int = 1) -> Worlds:
    """Allocate ``count`` worlds, all bytes zero; use :func:`create_template` for one that can be started."""
    return np.zeros(count, world_dtype(profile))


def create_template(profile: Profile, tape_orders: int = 0) -> Worlds:
    """Make a world with an empty book, for a configuration to be written into.

    Args:
        profile: Capacities.
        tape_orders: Order ids below this one are named by messages (a tape, a test); the
            exchange hands out the rest.

    Raises:
        ValueError: If the profile has no room for them.
    """
    if not 0 <= tape_orders <= profile.orders:
        raise ValueError(
            f"tape_orders={tape_orders}: profile {profile.name!r} has room for 0 to {profile.orders} order slots"
        )
    announce_compilation()
    template = create_worlds(profile)
    _empty(template, 0, tape_orders)
    return template


@kernel
def _empty(worlds: Any, index: int, tape_orders: int) -> None:
    world = worlds[index]
    clear_book(world, tape_orders)
    clear_ledger(world)
    clear_desk(world, 0)
    mirror_snapshot(world)
    forget_reach(world)
    reset_guards(world)
    world.venue.reopen_ns = codes.NEVER_NS
    world.trader = codes.UNKNOWN_TRADER
    world.answer_row = NONE
    clear_chaos(world)
    world.desk.next_heartbeat_ns = codes.NEVER_NS
    open_link(world.order_link, np.uint64(0), ORDER_LINK_STREAM, 0)
    open_link(world.report_link, np.uint64(0), REPORT_LINK_STREAM, 0)
    open_link(world.market_data_link, np.uint64(0), MARKET_DATA_LINK_STREAM, 0)
    open_link(world.heartbeat_out, np.uint64(0), HEARTBEAT_STREAM, 0)
    open_link(world.heartbeat_in, np.uint64(0), HEARTBEAT_STREAM, 1)


def raw(worlds: Worlds) -> npt.NDArray[np.uint8]:
    """Return the bytes of worlds as a view, shape ``(count, bytes per world)``."""
    plain = np.asarray(worlds)
    return plain.view(np.uint8).reshape(plain.shape[0], -1)


def copy_world(source: Worlds, source_index: int, target: Worlds, target_index: int) -> None:
    """Make one world a copy of another: that is all a fork is."""
    raw(target)[target_index] = raw(source)[source_index]


def digest(worlds: Worlds, index: int = 0) -> str:
    """Return a hash of every byte of a world, 32 hexadecimal digits."""
    return hashlib.blake2b(raw(worlds)[index].tobytes(), digest_size=16).hexdigest()


def start_world(
    worlds: Worlds,
    index: int,
    template: Worlds,
    *,
    seed: int,
    start_ns: int,
    warm_up_ns: int = 0,
    price_ticks: int = 0,
    depth_lots: npt.NDArray[np.int64] | None = None,
    tape: npt.NDArray[np.void] = NO_TAPE,
) -> None:
    """Reset one world and bring it to ``start_ns``.

    Args:
        worlds: Worlds of the template's profile.
        index: Which one.
        template: See :func:`create_template`.
        seed: Names every random stream of the world.
        start_ns: When the desk starts to see and to act.
        warm_up_ns: How long a synthetic market runs before that.
        price_ticks: Synthetic market: first best bid.
        depth_lots: Synthetic market: lots per level of the first book, int64.
        tape: The history to play; its rows up to ``start_ns`` are played at once.
    """
    opening = np.zeros(1, OPENING)
    opening["warm_up_ns"] = warm_up_ns
    opening["price"] = price_ticks
    opening["levels"] = 0 if depth_lots is None else len(depth_lots)
    opening["lots"][0, : opening["levels"][0]] = () if depth_lots is None else depth_lots
    start(worlds, index, raw(worlds), raw(template), opening, tape, NO_ANCHORS, np.uint64(seed), start_ns)


@kernel
def start(
    worlds: Any,
    index: int,
    world_bytes: Any,
    template_bytes: Any,
    opening: Any,
    tape: Any,
    anchors: Any,
    seed: Any,
    start_ns: int,
) -> None:
    """Reset one world and bring it to ``start_ns``: :func:`start_world` for compiled callers.

    Args:
        worlds: Record array of worlds.
        index: Which one.
        world_bytes: :func:`raw` of it.
        template_bytes: :func:`raw` of the template.
        opening: ``OPENING`` array of one: how a synthetic market begins.
        tape: The history to play.
        anchors: Int64, the rows of the tape that lead a synthetic market; empty if it does not.
        seed: uint64.
        start_ns: When the desk starts to see and to act.
    """
    world_bytes[index, :] = template_bytes[0, :]
    world = worlds[index]
    world.seed = seed
    begin_ns = start_ns - opening[0].warm_up_ns
    price = i64(opening[0].price)
    if anchors.shape[0] > 0:
        world.tape_row = _first_row(tape, begin_ns)
        latest = max(np.searchsorted(anchors, world.tape_row) - 1, 0)
        price = i64(tape[anchors[latest]].price // 2)
    world.bid = price
    world.ask = price + 1
    open_link(world.order_link, seed, ORDER_LINK_STREAM, 0)
    open_link(world.report_link, seed, REPORT_LINK_STREAM, 0)
    open_link(world.market_data_link, seed, MARKET_DATA_LINK_STREAM, 0)
    open_link(world.heartbeat_out, seed, HEARTBEAT_STREAM, 0)
    open_link(world.heartbeat_in, seed, HEARTBEAT_STREAM, 1)
    if world.flow_kind == POISSON_FLOW or world.flow_kind == ANCHORED_FLOW:
        _open_flow(world, opening[0], price, begin_ns)
    advance(world, tape, start_ns)
    _wake_desk(world)


@kernel
def _first_row(tape: Any, begin_ns: int) -> int:
    """Return the first row of a tape at ``begin_ns`` or later."""
    low, high = 0, tape.shape[0]
    while low < high:
        middle = (low + high) // 2
        if tape[middle].ts_ns < begin_ns:
            low = middle + 1
        else:
            high = middle
    return i64(low)


@kernel
def _open_flow(world: Any, opening: Any, price: int, now_ns: int) -> None:
    """Let the exchange have its first book, touch first, bids before offers, and the synthetic flow begin."""
    world.now_ns = now_ns
    for level in range(opening.levels):
        for side in (codes.BUY, codes.SELL):
            at = price - level if side == codes.BUY else price + 1 + level
            write(world, codes.NEW, side, NONE, codes.LIMIT, codes.GTC, at, i64(opening.lots[level]))
            handle(world, world.inbox)
    start_flow(world)


@kernel
def _wake_desk(world: Any) -> None:
    """Switch the wires on; the desk begins with a snapshot it already has."""
    clear_desk(world, world.now_ns)
    world.published = 1
    publish_snapshot(world)
    mirror_snapshot(world)
    link = world.market_data_link
    link.pushed = 0
    link.departed = 0
    link.next_ns = codes.NEVER_NS
    link.last_ns = 0
    desk = world.desk
    desk.next_seq = world.feed_seq + 1
    desk.last_trade = world.last_trade
    mirror = desk.book
    if mirror.count[0] > 0 and mirror.count[1] > 0:
        desk.mid = mirror.key[0, mirror.count[0] - 1] - mirror.key[1, mirror.count[1] - 1]
    else:
        desk.mid = i64(world.bid + world.ask)
