"""Rows per second of a history that is replayed with delays, nobody trading: here, and in hftbacktest if installed."""

from collections.abc import Iterator
from importlib.util import find_spec
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from benchmarks.history import ORDERS, orders_history
from benchmarks.replay_task import DELAY_NS, PEER_NAMES, STEP_NS, Touch, steps_of
from benchmarks.timing import measure
from twin_env.core.event_loop import advance
from twin_env.core.flow.flow import TAPE_FLOW
from twin_env.core.state.jit import kernel
from twin_env.core.state.layout import HISTORY
from twin_env.core.state.world import create_template, create_worlds, start_world

_ROWS: Final = 500_000
_WIRES: Final = ("order_link", "report_link", "market_data_link")


@kernel
def _idle(worlds: Any, tape: Any, steps: int) -> None:
    world = worlds[0]
    for _ in range(steps):
        advance(world, tape, world.now_ns + STEP_NS)


def replay(history: NDArray[np.void], orders: int) -> tuple[float, Touch]:
    """Return the median seconds of a replay, and the touch that the desk knows at its end."""
    template = create_template(HISTORY, orders)
    template[0].flow_kind = TAPE_FLOW
    template[0].desk.heartbeat_ns = 10 * STEP_NS
    for wire in _WIRES:
        template[0][wire].delay_ns[:] = DELAY_NS
    template[0].heartbeat_delay_ns[:] = DELAY_NS
    worlds, steps = create_worlds(HISTORY), steps_of(history)
    before_ns = int(history["ts_ns"][0]) - 1  # so that no row is played before the clock runs
    seconds = measure(
        lambda: _idle(worlds, history, steps),
        prepare=lambda: start_world(worlds, 0, template, seed=1, start_ns=before_ns, tape=history),
    ).median_s
    return seconds, _known_touch(worlds[0].desk.book)


def _known_touch(book: Any) -> Touch:
    tops = [book.count[side] - 1 for side in (0, 1)]
    lots = [int(book.levels[book.level[side, tops[side]]].lots) for side in (0, 1)]
    return int(book.key[0, tops[0]]), lots[0], -int(book.key[1, tops[1]]), lots[1]


def figures(aapl: NDArray[np.void] | None, aapl_orders: int) -> Iterator[tuple[str, float | None]]:
    """Measure replays of a synthetic history, and of a real one where there is one."""
    histories = [("", orders_history(_ROWS), ORDERS)]
    if aapl is not None:
        histories.append(("aapl_hour.", aapl, aapl_orders))
    for name, history, orders in histories:
        seconds, touch = replay(history, orders)
        yield f"replay.{name}twin_env.rows_per_s", len(history) / seconds
        for peer, peer_s in _peers(history, touch):
            yield f"replay.{name}hftbacktest.{peer}.rows_per_s", None if peer_s is None else len(history) / peer_s


def _peers(history: NDArray[np.void], touch: Touch) -> Iterator[tuple[str, float | None]]:
    if find_spec("hftbacktest") is None:
        yield from ((name, None) for name in PEER_NAMES)
        return
    from benchmarks.peers import replays  # needs the extra "peers"

    yield from replays(history, touch)
