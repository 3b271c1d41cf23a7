"""Templates of worlds for tests.

Three kinds of world: one that only plays messages (``book_template``), one with the synthetic flow
(``flow_template``) and one that plays a tape, possibly an empty one (``tape_template``).
"""

import os
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from twin_env.core.flow import flow
from twin_env.core.state import codes, layout
from twin_env.core.state import world as world_module
from twin_env.core.state.layout import SYNTHETIC, Profile
from twin_env.reference.messages import Message
from twin_env.reference.protections import GuardTerms

START_NS = 1_700_000_000_000_000_000
MS = 1_000_000
SECOND = 1_000_000_000
LINKS = ("order_link", "report_link", "market_data_link", "heartbeat_out", "heartbeat_in")

# Every profile compiles once, so there are few. DRIVEN keeps enough events to read them all after a step.
DRIVEN = replace(SYNTHETIC, name="driven", orders=512, levels=96, events=4096)
CRAMPED = Profile("cramped", orders=5, levels=2, stops=2, rows=1, requests=1, reports=1, market_data=1, events=256)

Delay = tuple[float, float]  # milliseconds, shortest and longest


def examples(count: int) -> int:
    """How many examples of a property to try: a tenth where kernels run uncompiled, a hundred times slower."""
    return count if os.environ.get("NUMBA_DISABLE_JIT") != "1" else max(2, count // 10)


def set_delays(template: Any, **delays: Delay) -> None:
    """Give links delays spread evenly over ``(shortest, longest)`` milliseconds; equal ones are a constant."""
    for name, (shortest_ms, longest_ms) in delays.items():
        knots = np.linspace(shortest_ms * MS, longest_ms * MS, layout.DELAY_KNOTS)
        is_heartbeat = name.startswith("heartbeat")  # both ways of the heartbeat have one table
        table = template[0]["heartbeat_delay_ns"] if is_heartbeat else template[0][name]["delay_ns"]
        table[:] = np.rint(knots).astype(np.int64)


def set_protections(template: Any, band_ticks: int, guards: Sequence[GuardTerms]) -> None:
    """Give the venue a price band and guards."""
    venue = template[0]["venue"]
    venue["band_ticks"] = band_ticks
    for index, terms in enumerate(guards):
        for name, value in terms._asdict().items():
            venue["guards"][index][name] = value


def book_template(
    profile: Profile = DRIVEN,
    *,
    protection_ticks: int = 3,
    self_match: int = codes.ALLOW,
    band_ticks: int = 0,
    guards: Sequence[GuardTerms] = (),
) -> Any:
    """A world for ``exchange.play`` whose order ids are all named by the messages."""
    template = world_module.create_template(profile, tape_orders=profile.orders)
    venue = template[0]["venue"]
    venue["protection_ticks"], venue["self_match"] = protection_ticks, self_match
    set_protections(template, band_ticks, guards)
    return template


def _configure(
    template: Any, delay_ms: Delay, self_match: int, protection_ticks: int, taker_fee_micro: int, maker_fee_micro: int
) -> None:
    set_delays(template, **dict.fromkeys(LINKS, delay_ms))
    venue = template[0]["venue"]
    venue["protection_ticks"], venue["self_match"] = protection_ticks, self_match
    venue["taker_fee_micro"], venue["maker_fee_micro"] = taker_fee_micro, maker_fee_micro
    venue["half_tick_micro"] = 500_000
    template[0]["desk"]["recovery_ns"] = 200 * MS
    template[0]["desk"]["heartbeat_ns"] = SECOND


def tape_template(
    profile: Profile = DRIVEN,
    *,
    tape_orders: int = 256,
    delay_ms: Delay = (0.0, 0.0),
    self_match: int = codes.ALLOW,
    protection_ticks: int = 50,
    taker_fee_micro: int = 0,
    maker_fee_micro: int = 0,
) -> Any:
    """A world that plays a tape; with an empty one it holds still until it is told something."""
    template = world_module.create_template(profile, tape_orders=tape_orders)
    _configure(template, delay_ms, self_match, protection_ticks, taker_fee_micro, maker_fee_micro)
    template[0]["flow_kind"] = flow.TAPE_FLOW
    return template


def flow_template(
    profile: Profile = DRIVEN,
    *,
    delay_ms: Delay = (0.0, 0.0),
    self_match: int = codes.ALLOW,
    protection_ticks: int = 50,
    taker_fee_micro: int = 0,
    maker_fee_micro: int = 0,
) -> Any:
    """A world with a synthetic flow of about 60 events a second."""
    template = world_module.create_template(profile)
    _configure(template, delay_ms, self_match, protection_ticks, taker_fee_micro, maker_fee_micro)
    template[0]["flow_kind"] = flow.POISSON_FLOW
    poisson, cap, levels = template[0]["flow"], 32, 8
    limit_rate, cancel_rate = np.zeros(layout.FLOW_LEVELS), np.zeros(layout.FLOW_LEVELS)
    limit_rate[:levels] = [2.5, 2.2, 1.6, 1.2, 0.9, 0.7, 0.5, 0.4]
    cancel_rate[:levels] = [0.25, 0.2, 0.15, 0.15, 0.15, 0.15, 0.15, 0.15]
    far_rate = 0.02 * profile.orders / 2
    cumulative = np.cumsum([*limit_rate, *(cancel_rate * cap), 1.0, far_rate])
    poisson["cumulative"], poisson["total_rate"] = cumulative, 2 * cumulative[-1]
    starts = np.arange(layout.FLOW_GUIDE) / layout.FLOW_GUIDE * cumulative[-1]
    poisson["guide"] = np.searchsorted(cumulative, starts, side="right")
    poisson["depth_cap"], poisson["levels"] = cap, levels
    poisson["limit_log_growth"], poisson["market_log_growth"] = np.log(1 - 1 / 2.0), np.log(1 - 1 / 3.0)
    return template


FLOW_START = {"warm_up_ns": 20 * SECOND, "price_ticks": 43_000, "depth_lots": np.full(8, 10)}
"""Arguments of ``start_world`` that go with ``flow_template``."""


def to_tape(rows: Sequence[Message] | np.ndarray) -> Any:
    """Return messages as a tape, which is read-only as all tapes are."""
    tape = rows.copy() if isinstance(rows, np.ndarray) else np.array([tuple(row) for row in rows], layout.MESSAGE)
    tape.flags.writeable = False
    return tape


NO_ROWS = to_tape([])
