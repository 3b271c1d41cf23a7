"""A whole world as one record: nothing of it lives outside.

A world is one element of a NumPy record array, so copying it forks it, comparing
bytes compares worlds, and a batch is a longer array. Fields are grouped by the
room that writes them. Capacities come from a :class:`Profile`; each profile is a
dtype of its own and compiles once. The parts are in ``records`` and ``fault_records``.
"""

from dataclasses import dataclass
from functools import cache
from typing import Final

from twin_env.core.state.fault_records import (
    ACTORS,
    CHAOS,
    EFFECT,
    EFFECTS,
    MODIFIERS,
    PROGRAM,
)
from twin_env.core.state.records import (
    ANCHORED,
    ARRIVAL_SCALES,
    ARRIVALS,
    DELAY_KNOTS,
    DESK_ORDER,
    DESK_ORDER_MARKS,
    DIVERGENCE,
    EFFICIENT_PRICE,
    EVENT,
    FIRST_LEVELS,
    FLOW,
    FLOW_CLASSES,
    FLOW_GUIDE,
    FLOW_LEVELS,
    GROUPS,
    GUARD,
    GUARD_BUCKETS,
    GUARDS,
    HALF_HOURS,
    HEARTBEAT,
    HEARTBEAT_LINK,
    IMPACT_SCALES,
    INTENT,
    INTENTS,
    LEDGER,
    LEVEL,
    LINK,
    MARKET_DATA,
    MESSAGE,
    METAORDERS,
    NO_KEY,
    NONE,
    OPENING,
    ORDER,
    PARTICIPANTS,
    PRICE_IMPACT,
    REACH,
    REPORT,
    REQUEST,
    SIZES,
    STOP,
    VENUE,
    VOLATILITY_SCALES,
    Dtype,
    record,
)

__all__ = [
    "ACTORS",
    "ANCHORED",
    "ARRIVALS",
    "ARRIVAL_SCALES",
    "CHAOS",
    "DELAY_KNOTS",
    "DESK_ORDER",
    "DESK_ORDER_MARKS",
    "DIVERGENCE",
    "EFFECT",
    "EFFECTS",
    "EFFICIENT_PRICE",
    "EVENT",
    "FIRST_LEVELS",
    "FLOW",
    "FLOW_CLASSES",
    "FLOW_GUIDE",
    "FLOW_LEVELS",
    "GROUPS",
    "GUARD",
    "GUARDS",
    "GUARD_BUCKETS",
    "HALF_HOURS",
    "HEARTBEAT",
    "HEARTBEAT_LINK",
    "HISTORY",
    "IMPACT_SCALES",
    "INTENT",
    "INTENTS",
    "LEDGER",
    "LEVEL",
    "LINK",
    "MARKET_DATA",
    "MESSAGE",
    "METAORDERS",
    "MODIFIERS",
    "NONE",
    "NO_KEY",
    "OPENING",
    "ORDER",
    "PARTICIPANTS",
    "PRICE_IMPACT",
    "PROFILES",
    "PROGRAM",
    "REACH",
    "REPORT",
    "REQUEST",
    "SIZES",
    "STOP",
    "SYNTHETIC",
    "VENUE",
    "VOLATILITY_SCALES",
    "WIDE",
    "Dtype",
    "Profile",
    "desk_dtype",
    "ladder_dtype",
    "record",
    "world_dtype",
]


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
    reports: int = 256
    market_data: int = 128
    events: int = 64

    def __post_init__(self) -> None:
        for ring in ("requests", "reports", "market_data", "events"):
            capacity = getattr(self, ring)
            if capacity & (capacity - 1):
                raise ValueError(f"Profile {self.name!r}: {ring}={capacity} must be a power of two")

    @property
    def slots(self) -> int:
        """Entries of the price-to-level cache of one side: a power of two >= 2 x levels."""
        return 1 << (2 * self.levels - 1).bit_length()


SYNTHETIC: Final = Profile("synthetic", orders=256, levels=64, stops=16)
WIDE: Final = Profile("wide", orders=1024, levels=256, stops=64)
HISTORY: Final = Profile("history", orders=131_072, levels=65_536, stops=256, market_data=4096, events=8192)
PROFILES: Final = {profile.name: profile for profile in (SYNTHETIC, WIDE, HISTORY)}


def ladder_dtype(levels: int, slots: int) -> Dtype:
    """Layout of one price ladder: both sides sorted towards the touch, levels in a pool."""
    index = "i2" if 2 * levels < 2**15 else "i4"
    return record(
        [
            ("free", "i8"),
            ("count", "i8", 2),
            ("key", "i8", (2, levels)),  # ascending: the touch is the last one
            ("level", index, (2, levels)),
            ("near", index, (2, slots)),  # price & mask -> level, a cache that may miss
            ("levels", LEVEL, 2 * levels),
        ]
    )


def desk_dtype(profile: Profile, ladder: Dtype) -> Dtype:
    """Layout of what reached the desk, and nothing else."""
    return record(
        [
            ("feed_ns", "i8"),  # exchange time of the newest market data that arrived
            ("received_ns", "i8"),  # when it arrived
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
            ("group_left", "i8", GROUPS),  # lots that the exits of each group may still fill
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
            ("entries", "i8"),  # counts up: the next order's place in time
            ("event_count", "i8"),
            ("event_hash", "u8"),
            ("stream", "i8"),  # address of the stream's buffer, 0 between calls: see core.stream
            ("feed_seq", "i8"),
            ("published", "i8"),  # 1 when market data and reports leave the exchange
            ("flow_kind", "i8"),
            ("trader", "i8"),  # who of the synthetic flow sent its present message, of codes
            ("tape_row", "i8"),
            ("tape_orders", "i8"),  # slots below belong to the tape
            ("actors", "i8"),  # first slot of the actors that faults drive, up to the desk's
            ("free_order", "i8", 3),  # first free slot: of the background, of the desk, of actors
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
            ("traded_notional", "f8"),  # ticks x lots
            ("venue", VENUE),
            ("chaos", CHAOS),
            ("modifiers", "f8", MODIFIERS),
            ("effects", EFFECT, EFFECTS),
            ("divergence", DIVERGENCE),
            ("rejects", "i4", 32),  # by reason
            ("flow", FLOW),
            ("efficient_price", EFFICIENT_PRICE),
            ("arrivals", ARRIVALS),
            ("price_impact", PRICE_IMPACT),
            ("anchored", ANCHORED),
            ("ledger", LEDGER),
            ("order_link", LINK),
            ("report_link", LINK),
            ("market_data_link", LINK),
            ("heartbeat_out", HEARTBEAT_LINK),
            ("heartbeat_in", HEARTBEAT_LINK),
            ("heartbeat_delay_ns", "i8", DELAY_KNOTS),
            ("heartbeats", HEARTBEAT, (2, 8)),
            ("requests", REQUEST, profile.requests),
            ("reports", REPORT, profile.reports),
            ("market_data", MARKET_DATA, profile.market_data),
            ("events", EVENT, profile.events),
            ("stops", STOP, profile.stops),
            ("desk_order_marks", DESK_ORDER_MARKS, profile.rows),
            ("snapshot_count", "i8", 2),
            ("snapshot_key", "i8", depth),
            ("snapshot_lots", "i8", depth),
            ("desk", desk_dtype(profile, ladder)),
            ("book", ladder),
            ("orders", ORDER, profile.orders),
        ]
    )
