"""What is true of a compiled world between any two events."""

from typing import Any

import numpy as np

from tests.core.session import levels_of, queue_of
from tests.core.worlds import LINKS
from twin_env.core.state import codes
from twin_env.core.state.layout import ACTORS, NO_KEY, NONE


def assert_sound(world: np.record) -> None:
    """Check every invariant of one world."""
    faults: list[str] = []
    _check_ladder(world["book"], "book", faults)
    _check_ladder(world["desk"]["book"], "mirror", faults)
    resting = _check_queues(world, faults)
    _check_orders(world, resting, faults)
    if not (world["venue"]["auction"] or world["venue"]["halted"]):
        _check_matched(world, faults)
    _check_stops(world, faults)
    _check_rows(world, faults)
    if world["published"]:
        _check_wires(world, faults)
    assert not faults, "\n".join(faults)


def assert_mirrored(world: np.record) -> None:
    """Check that the desk sees the book as it is."""
    for side in (codes.BUY, codes.SELL):
        book = [(price, lots) for price, lots, _ in levels_of(world["book"], side)]
        mirror = [(price, lots) for price, lots, _ in levels_of(world["desk"]["book"], side)]
        assert mirror == book, f"side {side}: the desk sees {mirror[:5]}, the book is {book[:5]}"


def _expect(faults: list[str], truth: Any, text: str) -> None:
    if not truth:
        faults.append(text)


def _chain(first: int, following: np.ndarray, limit: int) -> list[int]:
    chain = []
    while first != NONE and len(chain) <= limit:
        chain.append(int(first))
        first = following[first]
    return chain


def _check_ladder(ladder: np.record, name: str, faults: list[str]) -> None:
    levels, used = ladder["levels"], []
    for row, side in enumerate((codes.BUY, codes.SELL)):
        count = int(ladder["count"][row])
        keys, indices = ladder["key"][row, :count], ladder["level"][row, :count]
        used += indices.tolist()
        _expect(faults, (np.diff(keys) > 0).all(), f"{name}: keys of side {side} do not ascend: {keys}")
        _expect(faults, (levels["key"][indices] == keys).all(), f"{name}: keys of side {side} differ from the levels'")
        _expect(faults, (levels["side"][indices] == side).all(), f"{name}: levels of side {side} name another side")
        _expect(faults, (levels["lots"][indices] > 0).all(), f"{name}: an empty level on side {side}")
        _check_near(ladder, row, side, name, faults)
    free = _chain(int(ladder["free"]), levels["head"], len(levels))
    _expect(faults, sorted(used + free) == list(range(len(levels))), f"{name}: levels in use and free do not add up")
    _expect(faults, (levels["key"][free] == NO_KEY).all(), f"{name}: a free level has a key")


def _check_near(ladder: np.record, row: int, side: int, name: str, faults: list[str]) -> None:
    near = ladder["near"][row]
    places = np.flatnonzero(near != NONE)
    keys = ladder["levels"]["key"][near[places]]
    own = np.isin(near[places], ladder["level"][row, : ladder["count"][row]])
    _expect(faults, own.all(), f"{name}: the cache of side {side} names a level that is not there")
    _expect(faults, ((side * keys) & (len(near) - 1) == places).all(), f"{name}: the cache of side {side} is misfiled")


def _check_queues(world: np.record, faults: list[str]) -> list[int]:
    """Check every queue and return the slots that rest."""
    orders, resting = world["orders"], []
    for row, side in enumerate((codes.BUY, codes.SELL)):
        for index in world["book"]["level"][row, : world["book"]["count"][row]]:
            level, queue = world["book"]["levels"][index], queue_of(world, index)
            where = f"level {side * level['key']} of side {side}"
            if not queue or max(queue) >= len(orders):
                faults.append(f"{where} has a broken queue: {queue[:5]}")
                continue
            resting += queue
            there = orders[queue]
            _expect(faults, there["prev"].tolist() == [NONE, *queue[:-1]], f"{where}: links back are wrong")
            _expect(faults, level["tail"] == queue[-1], f"{where}: the tail is not the youngest order")
            _expect(
                faults, level["orders"] == len(queue), f"{where}: {level['orders']} orders counted, {len(queue)} there"
            )
            _expect(faults, level["lots"] == there["lots"].sum(), f"{where}: lots do not add up")
            _expect(faults, (np.diff(there["entry"]) > 0).all(), f"{where}: not in order of entry")
            _expect(faults, (there["level"] == index).all(), f"{where}: an order names another level")
            _expect(faults, (there["lots"] > 0).all(), f"{where}: an order without lots")
            _expect(faults, (there["tif"] <= codes.DAY).all(), f"{where}: an order that may not rest")
    return resting


def _check_orders(world: np.record, resting: list[int], faults: list[str]) -> None:
    orders = world["orders"]
    waiting = world["stops"]["order"][: world["stop_count"]].tolist()
    live = np.flatnonzero(orders["lots"]).tolist()
    _expect(faults, (orders["lots"] >= 0).all(), "an order has negative lots")
    _expect(faults, (orders["filled"] >= 0).all(), "an order has negative fills")
    _expect(faults, sorted(resting + waiting) == live, "live orders are not exactly those that rest or wait")
    _expect(faults, world["live_orders"] == len(live), f"{world['live_orders']} live orders counted, {len(live)} there")
    foreign = int((orders["owner"][resting] != codes.BACKGROUND).sum())
    _expect(faults, world["foreign"] == foreign, f"{world['foreign']} foreign orders counted, {foreign} there")
    first_external = max(len(orders) - len(world["desk_order_marks"]), int(world["tape_orders"]))
    first_of_actors = max(first_external - ACTORS, int(world["tape_orders"]))
    _check_free(world, 0, int(world["tape_orders"]), first_of_actors, faults)
    _check_free(world, 2, first_of_actors, first_external, faults)
    _check_free(world, 1, first_external, len(orders), faults)
    entries = orders["entry"][resting]
    _expect(faults, len(set(entries.tolist())) == len(resting), "two orders have the same entry")
    _expect(faults, not resting or entries.max() <= world["entries"], "an order is younger than the youngest")


def _check_free(world: np.record, pool: int, begin: int, end: int, faults: list[str]) -> None:
    """One list of free slots holds every slot between two that is not live, each once."""
    free = _chain(int(world["free_order"][pool]), world["orders"]["next"], len(world["orders"]))
    dead = begin + np.flatnonzero(world["orders"]["lots"][begin:end] == 0)
    _expect(faults, sorted(free) == dead.tolist(), f"free orders of pool {pool} do not add up")


def _check_matched(world: np.record, faults: list[str]) -> None:
    """What holds wherever orders trade: the book is not crossed, no stop waits that the last trade reached."""
    bids, asks = (world["book"]["key"][row, : world["book"]["count"][row]] for row in (0, 1))
    if len(bids) and len(asks):
        _expect(faults, bids[-1] < -asks[-1], f"the book is crossed: {bids[-1]} / {-asks[-1]}")
    stops = world["stops"][: world["stop_count"]]
    if world["traded"]:
        beyond = stops["side"] * (stops["trigger"] - world["last_trade"]) > 0
        _expect(faults, beyond.all(), f"a stop waits that the last trade at {world['last_trade']} reached")


def _check_stops(world: np.record, faults: list[str]) -> None:
    stops = world["stops"][: world["stop_count"]]
    orders = world["orders"]
    waiting = np.flatnonzero(orders["waiting"])
    _expect(faults, sorted(stops["order"].tolist()) == waiting.tolist(), "stops and waiting orders differ")
    _expect(faults, (orders["level"][waiting] == NONE).all(), "a waiting stop rests")


def _check_rows(world: np.record, faults: list[str]) -> None:
    """The desk's rows, and the exchange's orders that name them."""
    orders, desk = world["orders"], world["desk"]
    live = np.flatnonzero(orders["lots"])
    named = {int(orders["row"][slot]): int(slot) for slot in live if orders["row"][slot] != NONE}
    behind = {row: int(slot) for row, slot in enumerate(world["desk_order_marks"]["order"]) if slot != NONE}
    _expect(faults, named == behind, f"orders name rows {named}, rows name orders {behind}")
    used = desk["orders"]["state"] != 0
    _expect(faults, desk["live"] == used.sum(), f"{desk['live']} desk orders counted, {used.sum()} there")
    pending = desk["orders"]["pending"]
    _expect(faults, desk["pending"] == pending.sum() and (pending >= 0).all(), f"pending {desk['pending']}: {pending}")
    _expect(faults, all(used[row] for row in behind), "an order lives at the exchange and its row is free")


def _check_wires(world: np.record, faults: list[str]) -> None:
    rings = {"order_link": "requests", "report_link": "reports", "market_data_link": "market_data"}
    for name in LINKS:
        link = world[name]
        ring = world[rings[name]] if name in rings else world["heartbeats"][0 if name == "heartbeat_out" else 1]
        order = link["pushed"] >= link["departed"] >= link["popped"]
        _expect(faults, order and link["pushed"] - link["popped"] <= len(ring), f"{name}: counters do not fit: {link}")
        flying = [int(ring["at_ns"][i % len(ring)]) for i in range(int(link["popped"]), int(link["departed"]))]
        _expect(faults, flying == sorted(flying), f"{name}: a message overtakes another: {flying}")
        first = flying[0] if flying else codes.NEVER_NS
        _expect(faults, link["next_ns"] == first, f"{name}: next arrival {link['next_ns']} is not {first}")
        _expect(faults, not flying or link["last_ns"] == flying[-1], f"{name}: newest arrival is wrong")
