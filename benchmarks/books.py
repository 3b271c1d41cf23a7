"""Messages per second of the compiled and of the reference exchange."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from benchmarks.stream import mixed_stream
from benchmarks.timing import measure
from twin_env.core.exchange.exchange import handle_all
from twin_env.core.state.layout import EVENT, HISTORY, Profile
from twin_env.core.state.world import copy_world, create_template, create_worlds
from twin_env.reference import Message, ReferenceExchange

_PROTECTION_TICKS = 50
_BENCH = HISTORY  # the profile that histories use; its size costs nothing where it is not touched
_SHARE = 50  # of the stream, one part in this many is what the slow books get


def compiled_s(messages: NDArray[np.void], orders: int, profile: Profile = _BENCH) -> float:
    """Return the median seconds the compiled exchange takes for a stream."""
    template = create_template(profile, orders)
    template[0].venue.protection_ticks = _PROTECTION_TICKS
    worlds = create_worlds(profile)
    no_events = np.zeros(0, EVENT)
    return measure(
        lambda: handle_all(worlds, 0, messages, no_events), prepare=lambda: copy_world(template, 0, worlds, 0)
    ).median_s


def reference_s(messages: NDArray[np.void], orders: int) -> float:
    """Return the median seconds the reference exchange takes for a stream."""
    ready = [Message.from_record(row) for row in messages]

    def run() -> None:
        exchange = ReferenceExchange(
            protection_ticks=_PROTECTION_TICKS, max_orders=orders, max_levels=_BENCH.levels, max_stops=_BENCH.stops
        )
        for message in ready:
            exchange.handle(message)

    return measure(run, runs=3).median_s


def figures(aapl: NDArray[np.void] | None, aapl_orders: int) -> Iterator[tuple[str, float]]:
    """Measure both books on the mixed stream, and on a history where there is one."""
    mixed = mixed_stream(1_000_000)
    streams = [("", mixed, 4096)] + ([("aapl_hour.", aapl, aapl_orders)] if aapl is not None else [])
    for name, messages, orders in streams:
        seconds = compiled_s(messages, orders)
        part = messages[: max(len(messages) // _SHARE, 20_000)]
        slow = reference_s(part, orders)
        yield f"book.compiled.{name}messages_per_s", len(messages) / seconds
        yield f"book.compiled.{name}ns_per_message", seconds / len(messages) * 1e9
        yield f"book.reference.{name}messages_per_s", len(part) / slow
        yield f"book.reference.{name}ns_per_message", slow / len(part) * 1e9
        yield f"book.{name}speedup", (len(messages) / seconds) / (len(part) / slow)
