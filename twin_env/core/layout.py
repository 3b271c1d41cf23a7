"""Every array layout of the compiled world: one record per world, nothing outside it.

A world is one element of a NumPy record array, so copying it forks it, comparing
bytes compares worlds, and a batch is a longer array. Fields are grouped by the
room that writes them. Capacities come from a :class:`Profile`; each profile is a
dtype of its own and compiles once.

Links between records are ``i4`` with -1 for "none"; nearly everything else is
``i8``: kernels pass field values on to each other, and one width means one
compiled version of each function.
"""

from dataclasses import dataclass
from functools import cache
from typing import Final

import numpy as np

NONE: Final = -1
NO_KEY: Final = -(2**62)  # key of a level that does not exist
DELAY_KNOTS: Final = 81  # delay quantiles at z = -5 .. 5 standard deviations, 1/8 apart
FLOW_LEVELS: Final = 16  # distances from the opposite touch the synthetic flow has rates for
FLOW_CLASSES: Final = 2 * FLOW_LEVELS + 2  # limits by level, cancels by level, market, far cancel
FLOW_GUIDE: Final = 64
INTENTS: Final = 4

Dtype = np.dtype[np.void]


def record(fields: list[tuple[object, ...]]) -> Dtype:
    """Make an aligned record dtype."""
    # Elements of type np.record have attributes, compiled or not. The array itself stays a plain ndarray:
    # numba takes 16 us to recognise an np.recarray at every call, and 0.3 us for this.
    return np.dtype((np.record, np.dtype(fields, align=True)))


MESSAGE: Final = record(
    [
        ("ts_ns", "i8"),
        ("recv_ns", "i8"),
        ("seq", "i8"),
        ("price", "i8"),
        ("trigger", "i8"),
        ("lots", "i8"),
        ("order", "i4"),  # dense id of the order, NONE to let the exchange choose
        ("row", "i4"),  # the desk's row for its own orders, NONE for everybody else's
        ("owner", "i2"),
        ("flags", "i2"),
        ("kind", "i1"),
        ("side", "i1"),
        ("type", "i1"),
        ("tif", "i1"),
    ]
)
"""One message to the exchange, and one row of a tape."""

EVENT: Final = record(
    [
        ("ts_ns", "i8"),
        ("price", "i8"),
        ("lots", "i8"),
        ("order", "i4"),
        ("contra", "i4"),
        ("kind", "i1"),
        ("reason", "i1"),
        ("side", "i1"),
        ("owner", "i1"),
    ]
)
"""One thing the exchange did. ``owner`` is that of ``order``; ``contra`` is -1 unless it traded."""

ORDER: Final = record(
    [
        ("entry", "i8"),  # place in time: smaller is older
        ("lots", "i8"),  # what is left; 0 means the slot is not in use
        ("filled", "i8"),
        ("level", "i4"),  # level it rests at, NONE while it does not rest
        ("next", "i4"),  # younger order at the level, or next free slot
        ("prev", "i4"),
        ("row", "i4"),  # the owner's own reference (the desk's order row), or NONE
        ("owner", "i2"),
        ("tif", "i1"),
        ("post_only", "i1"),
        ("waiting", "i1"),  # 1 while it is a stop that was not elected
    ]
)

LEVEL: Final = record(
    [
        ("key", "i8"),  # side * price: the best level of either side has the largest key
        ("lots", "i8"),
        ("head", "i4"),  # oldest order, or next free level
        ("tail", "i4"),
        ("orders", "i4"),
        ("side", "i4"),
    ]
)

STOP: Final = record(
    [
        ("trigger", "i8"),
        ("price", "i8"),
        ("order", "i4"),
        ("side", "i2"),
        ("type", "i1"),
    ]
)

INTENT: Final = record(
    [
        ("side", "i8"),
        ("lots", "i8"),
        ("filled", "i8"),
        ("mid", "i8"),  # half-ticks, as the desk saw it when it decided
        ("closed_mid", "i8"),  # half-ticks, at the exchange when the intent ended
        ("closed", "i8"),
        ("rejected", "i8"),  # 1 while the latest answer to a child order was a reject
    ]
)

LEDGER: Final = record(
    [
        # Parts of execution alpha, half-ticks x lots, summed over fills.
        ("timing", "i8"),
        ("latency", "i8"),
        ("spread", "i8"),
        ("impact", "i8"),
        ("queue_wait", "i8"),
        ("spread_earned", "i8"),
        # Kept apart from the parts, so that the identity is a check and not a definition.
        ("cash", "i8"),  # half-ticks x lots
        ("position", "i8"),
        ("fees_micro", "i8"),  # 1e-6 of the account currency, positive when paid
        ("fills", "i8"),
        ("filled_lots", "i8"),
        ("taker_lots", "i8"),
        ("substituted", "i8"),  # marks that used the last known touch of an empty side
        ("intents", INTENT, INTENTS),
    ]
)

OWN: Final = record(
    [
        ("order", "i8"),  # slot at the exchange, or NONE
        ("client", "i8"),  # the desk's number for the order
        ("intent", "i8"),
        ("side", "i8"),
        ("mid_next", "i8"),  # half-ticks at the exchange when the latest request left the desk
        ("mid_sent", "i8"),  # the same for the request whose terms it now works under
        ("mid_arrived", "i8"),
        ("touch_arrived", "i8"),  # opposite touch, half-ticks
        ("resting", "i8"),  # 0 while it is the aggressor
    ]
)
"""What the exchange side knows of one desk order (the privileged half)."""

DESK_ORDER: Final = record(
    [
        ("state", "i8"),
        ("side", "i8"),
        ("type", "i8"),
        ("price", "i8"),
        ("lots", "i8"),  # total, as last confirmed (as sent, before that)
        ("asked", "i8"),  # largest total asked for and not answered yet
        ("filled", "i8"),
        # Where the feed shows it: none of this waits for a report.
        ("ahead", "i8"),  # lots before it in its queue, NONE while the feed does not show it
        ("entry", "i8"),  # its place in time, or NONE
        ("shown_price", "i8"),
        ("shown_lots", "i8"),
        ("sent_ns", "i8"),
        ("pending", "i8"),  # requests on the wire that were not answered
        ("intent", "i8"),
        ("client", "i8"),  # client order number, counts up
    ]
)
"""What the desk believes about one of its orders."""

LINK: Final = record(
    [
        ("key", "u8"),
        ("pushed", "i8"),  # counters that only grow: a ring index is counter & (capacity - 1)
        ("departed", "i8"),
        ("popped", "i8"),
        ("draws", "i8"),
        ("next_ns", "i8"),  # arrival of the oldest message, NEVER_NS when the wire is empty
        ("last_ns", "i8"),  # arrival of the newest message: nothing may overtake it
        ("loss", "f8"),
        ("lost", "i8"),
        ("conflated", "i8"),
        ("delay_ns", "i8", DELAY_KNOTS),
    ]
)

REQUEST: Final = record(
    [
        ("at_ns", "i8"),
        ("sent_ns", "i8"),
        ("price", "i8"),
        ("trigger", "i8"),
        ("lots", "i8"),
        ("mid_sent", "i8"),
        ("row", "i8"),
        ("kind", "i8"),
        ("side", "i8"),
        ("type", "i8"),
        ("tif", "i8"),
        ("flags", "i8"),
    ]
)
"""Desk to exchange."""

REPORT: Final = record(
    [
        ("at_ns", "i8"),
        ("sent_ns", "i8"),
        ("lots", "i8"),
        ("notional", "i8"),  # price x lots, ticks x lots: several fills merge without loss
        ("row", "i8"),
        ("kind", "i8"),
        ("reason", "i8"),
        ("answers", "i8"),  # 1 when it answers a request
        ("final", "i8"),  # 1 when nothing is left of the order
    ]
)
"""Exchange to desk: acknowledgements, rejects, fills, cancels."""

TICK: Final = record(
    [
        ("at_ns", "i8"),
        ("sent_ns", "i8"),
        ("seq", "i8"),
        ("price", "i8"),
        ("lots", "i8"),  # at the level after the change
        ("change", "i8"),  # lots added (+) or removed (-)
        ("entry", "i8"),  # of the order that changed
        ("client", "i8"),  # the desk's number for the order if it is its own
        ("row", "i4"),  # and the row it is, or was, in
        ("kind", "i2"),
        ("side", "i2"),
    ]
)
"""One market data message."""

ARRIVAL: Final = record([("at_ns", "i8"), ("sent_ns", "i8")])
"""One heartbeat on the wire."""

FLOW: Final = record(
    [
        ("key", "u8"),
        ("candidates", "i8"),  # drawn so far: the counter of the random stream
        ("next_ns", "i8"),
        ("levels", "i8"),
        ("total_rate", "f8"),  # candidates per second
        ("limit_rate", "f8", FLOW_LEVELS),
        ("cancel_rate", "f8", FLOW_LEVELS),  # per second, of a full queue of depth_cap orders
        ("market_rate", "f8"),
        ("far_cancel_rate", "f8"),
        ("depth_cap", "i8"),
        ("limit_log_keep", "f8"),  # log of the chance that a size grows by one more lot
        ("market_log_keep", "f8"),
        ("cumulative", "f8", FLOW_CLASSES),  # of one side
        ("guide", "i8", FLOW_GUIDE),  # first class a draw can fall into, by its leading bits
    ]
)

VENUE: Final = record(
    [
        ("protection_ticks", "i8"),
        ("self_match", "i8"),
        ("taker_fee_micro", "i8"),  # per lot
        ("maker_fee_micro", "i8"),
        ("half_tick_micro", "i8"),  # money of one half-tick of one lot
        ("halted", "i8"),
    ]
)

DIVERGENCE: Final = record(
    [
        ("displaced_lots", "i8"),
        ("unresolved_lots", "i8"),
        ("missing_orders", "i8"),
        ("expired_lots", "i8"),
    ]
)


@dataclass(frozen=True)
class Profile:
    """Capacities of a world. What does not fit is rejected and counted, never guessed.

    Attributes:
        name: What users write in a configuration.
        orders: Live orders, all owners, waiting stops included.
        levels: Distinct prices per side, at the exchange and in the desk's mirror.
        stops: Waiting stops.
        rows: Live orders of the desk.
        requests: Messages on the order link at once.
        reports: Acknowledgements and fills on the wire at once.
        ticks: Market data messages on the wire at once.
        events: Latest exchange events kept for reading.
    """

    name: str
    orders: int
    levels: int
    stops: int
    rows: int = 16
    requests: int = 32
    reports: int = 128
    ticks: int = 128
    events: int = 64

    def __post_init__(self) -> None:
        for ring in ("requests", "reports", "ticks", "events"):
            capacity = getattr(self, ring)
            if capacity & (capacity - 1):
                raise ValueError(f"Profile {self.name!r}: {ring}={capacity} must be a power of two")

    @property
    def slots(self) -> int:
        """Entries of the price-to-level cache of one side: a power of two >= 2 x levels."""
        return 1 << (2 * self.levels - 1).bit_length()


SYNTHETIC: Final = Profile("synthetic", orders=512, levels=96, stops=16)
HISTORY: Final = Profile("history", orders=131_072, levels=65_536, stops=256, ticks=4096, events=8192)
PROFILES: Final = {profile.name: profile for profile in (SYNTHETIC, HISTORY)}


def ladder_dtype(levels: int, slots: int) -> Dtype:
    """Layout of one price ladder: both sides sorted towards the touch, levels in a pool."""
    return record(
        [
            ("free", "i8"),
            ("count", "i8", 2),
            ("key", "i8", (2, levels)),  # ascending: the touch is the last one
            ("level", "i4", (2, levels)),
            ("near", "i4", (2, slots)),  # price & mask -> level, a cache that may miss
            ("levels", LEVEL, 2 * levels),
        ]
    )


def desk_dtype(profile: Profile, ladder: Dtype) -> Dtype:
    """Layout of what reached the desk, and nothing else."""
    return record(
        [
            ("feed_ns", "i8"),  # exchange time of the newest market data that arrived
            ("heard_ns", "i8"),  # when it arrived
            ("next_seq", "i8"),
            ("gap", "i8"),  # 1 from a missed message until the snapshot arrived
            ("gaps", "i8"),
            ("snapshot_ns", "i8"),  # when the recovery is asked for, NEVER_NS if not
            ("recovery_ns", "i8"),
            ("decision_ns", "i8"),  # between a decision and its order leaving the desk
            ("last_trade", "i8"),
            ("bought_lots", "i8"),  # by aggressors, as printed
            ("sold_lots", "i8"),
            ("trades", "i8"),
            ("updates", "i8"),
            ("position", "i8"),
            ("notional", "i8"),  # ticks x lots, signed by side
            ("filled_lots", "i8"),
            ("pending", "i8"),  # requests not answered
            ("live", "i8"),  # rows in use
            ("clients", "i8"),
            ("mid", "i8"),  # last known mid, half-ticks
            ("round_trip_ns", "i8"),
            ("heartbeat_ns", "i8"),  # interval
            ("next_heartbeat_ns", "i8"),
            ("rejects", "i8"),
            ("last_reason", "i8"),
            ("orders", DESK_ORDER, profile.rows),
            ("book", ladder),
        ]
    )


@cache
def world_dtype(profile: Profile) -> Dtype:
    """Layout of a whole world with the capacities of ``profile``."""
    ladder = ladder_dtype(profile.levels, profile.slots)
    depth = (2, profile.levels)
    return record(
        [
            ("seed", "u8"),
            ("now_ns", "i8"),
            ("end_ns", "i8"),
            ("entries", "i8"),  # counts up: the next order's place in time
            ("event_count", "i8"),
            ("event_hash", "u8"),
            ("feed_seq", "i8"),
            ("published", "i8"),  # 1 when market data and reports leave the exchange
            ("flow_kind", "i8"),
            ("tape_row", "i8"),
            ("tape_orders", "i8"),  # slots below belong to the tape
            ("free_order", "i8", 2),  # first free slot: of the background, of everybody else
            ("live_orders", "i8"),
            ("answer_row", "i8"),  # desk row whose request is being handled and not yet answered
            ("inbox", MESSAGE),  # of the exchange: what handle() is called with next
            ("entering_side", "i8"),  # of the accepted order that is about to enter the book
            ("entering_limit", "i8"),
            ("foreign", "i8"),  # resting orders that are not the background's
            ("stop_count", "i8"),
            ("last_trade", "i8"),
            ("traded", "i8"),  # 1 once there was a trade
            ("reach_high", "i8"),  # range of trade prices that waiting stops have not seen
            ("reach_low", "i8"),
            ("bid", "i8"),  # last known touches, ticks: they stand in for an empty side
            ("ask", "i8"),
            ("trade_count", "i8"),
            ("traded_lots", "i8"),
            ("venue", VENUE),
            ("divergence", DIVERGENCE),
            ("rejects", "i8", 32),  # by reason
            ("flow", FLOW),
            ("ledger", LEDGER),
            ("order_link", LINK),
            ("report_link", LINK),
            ("tick_link", LINK),
            ("beat_out", LINK),
            ("beat_in", LINK),
            ("beats", ARRIVAL, (2, 8)),
            ("requests", REQUEST, profile.requests),
            ("reports", REPORT, profile.reports),
            ("ticks", TICK, profile.ticks),
            ("events", EVENT, profile.events),
            ("stops", STOP, profile.stops),
            ("own", OWN, profile.rows),
            ("snapshot_seq", "i8"),
            ("snapshot_count", "i8", 2),
            ("snapshot_key", "i8", depth),
            ("snapshot_lots", "i8", depth),
            ("desk", desk_dtype(profile, ladder)),
            ("book", ladder),
            ("orders", ORDER, profile.orders),
        ]
    )
