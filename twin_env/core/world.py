"""Worlds from outside: make them, start them, copy them, compare them.

A *template* is a world that holds its configuration and an empty book and was never
started. Starting a world copies the template over it byte by byte, so nothing of an
earlier episode can survive a reset.
"""

import hashlib
from typing import Any

import numpy as np
import numpy.typing as npt

from twin_env.core import codes
from twin_env.core.book import clear_book
from twin_env.core.desk import clear_desk
from twin_env.core.exchange import handle
from twin_env.core.feed import mirror_snapshot, publish_snapshot
from twin_env.core.flow import ANCHORED_FLOW, POISSON_FLOW, first_book, start_flow
from twin_env.core.jit import announce_compilation, i64, kernel
from twin_env.core.kernel import advance_world
from twin_env.core.layout import MESSAGE, NONE, Profile, world_dtype
from twin_env.core.ledger import clear_ledger
from twin_env.core.links import open_link
from twin_env.core.rng import (
    HEARTBEAT_STREAM,
    ORDER_LINK_STREAM,
    REPORT_LINK_STREAM,
    TICK_LINK_STREAM,
)
from twin_env.core.stops import FAR

Worlds = Any  # ndarray of world_dtype(profile): mypy cannot see the fields of its records

NO_TAPE: npt.NDArray[np.void] = np.zeros(0, MESSAGE)
NO_TAPE.flags.writeable = False


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
    world.reach_high = -FAR
    world.reach_low = FAR
    world.answer_row = NONE
    world.desk.next_heartbeat_ns = codes.NEVER_NS
    open_link(world.order_link, np.uint64(0), ORDER_LINK_STREAM, 0)
    open_link(world.report_link, np.uint64(0), REPORT_LINK_STREAM, 0)
    open_link(world.tick_link, np.uint64(0), TICK_LINK_STREAM, 0)
    open_link(world.beat_out, np.uint64(0), HEARTBEAT_STREAM, 0)
    open_link(world.beat_in, np.uint64(0), HEARTBEAT_STREAM, 1)


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
    first_row: int = 0,
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
        first_row: Where in the tape to begin.
    """
    copy_world(template, 0, worlds, index)
    begin_ns = start_ns - warm_up_ns
    _prepare(worlds, index, np.uint64(seed), price_ticks, first_row)
    if template[0].flow_kind in (POISSON_FLOW, ANCHORED_FLOW):
        depth = tuple(() if depth_lots is None else depth_lots.tolist())
        _open_flow(worlds, index, first_book(begin_ns, price_ticks, depth), begin_ns)
    advance_world(worlds, index, tape, start_ns)
    _wake_desk(worlds, index)


@kernel
def _prepare(worlds: Any, index: int, seed: Any, price: int, first_row: int) -> None:
    """Give a copy of the template its random streams."""
    world = worlds[index]
    world.seed = seed
    world.tape_row = first_row
    world.published = 0
    world.bid = price
    world.ask = price + 1
    open_link(world.order_link, seed, ORDER_LINK_STREAM, 0)
    open_link(world.report_link, seed, REPORT_LINK_STREAM, 0)
    open_link(world.tick_link, seed, TICK_LINK_STREAM, 0)
    open_link(world.beat_out, seed, HEARTBEAT_STREAM, 0)
    open_link(world.beat_in, seed, HEARTBEAT_STREAM, 1)


@kernel
def _open_flow(worlds: Any, index: int, book: Any, now_ns: int) -> None:
    """Let the exchange have its first book, and the synthetic flow begin."""
    world = worlds[index]
    world.now_ns = now_ns
    for row in range(book.shape[0]):
        handle(world, book[row])
    start_flow(world)


@kernel
def _wake_desk(worlds: Any, index: int) -> None:
    """Switch the wires on; the desk begins with a snapshot it already has."""
    world = worlds[index]
    clear_desk(world, world.now_ns)
    world.published = 1
    publish_snapshot(world)
    mirror_snapshot(world)
    link = world.tick_link
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
