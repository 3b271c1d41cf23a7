"""The records a world is made of: messages, orders, levels, what travels on wires, the ledger.

Links between records are ``i4`` with -1 for "none"; nearly everything else is
``i8``: kernels pass field values on to each other, and one width means one
compiled version of each function.
"""

from typing import Final

import numpy as np

NONE: Final = -1
NO_KEY: Final = -(2**62)  # key of a level that does not exist
DELAY_KNOTS: Final = 81  # delay quantiles at z = -5 .. 5 standard deviations, 1/8 apart
FLOW_LEVELS: Final = 16  # distances from the opposite touch the synthetic flow has rates for
FLOW_CLASSES: Final = 2 * FLOW_LEVELS + 2  # limits by level, cancels by level, market, far cancel
FLOW_GUIDE: Final = 64
CLOCK_SCALES: Final = 6  # time scales on which the anchored flow's clock excites itself
VOLATILITY_SCALES: Final = 4
MEMORY_SCALES: Final = 10
FIRST_LEVELS: Final = 64  # most levels of either side of a first book
METAORDERS: Final = 16  # most that run at a time
PLACES: Final = METAORDERS + 2  # of those whose trades are felt: also the desk and strangers
HALF_HOURS: Final = 48  # of a day, in the intraday curves
REACH: Final = 32  # ticks behind the touch with a cancel rate of their own
INTENTS: Final = 16  # open at a time: one for each order of the desk
GUARDS: Final = 2  # of a venue: velocity logic, circuit breaker
GUARD_BUCKETS: Final = 8  # a guard remembers trades by eighths of its window

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
        ("efficient_ticks", "f8"),  # of the synthetic flow, when it decided
        ("closed_efficient_ticks", "f8"),
        ("closed", "i8"),
        ("with_order", "i8"),  # 1: it ends when the order of its row does
        ("rejected", "i8"),  # 1 while the exchange answered the latest request for it by a reject
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
        ("drift_ticks", "f8"),  # of the efficient price on lots until they were filled, ticks x lots
        ("substituted", "i8"),  # marks that used the last known touch of an empty side
        # What is left of intents that ended and whose place went to another.
        ("past_lots", "i8"),  # filled, signed by side
        ("past_mids", "i8"),  # the same times the mid of the decision, half-ticks x lots
        ("past_missed", "i8"),  # what unfilled lots would have earned until the intent ended, half-ticks x lots
        ("past_drift_ticks", "f8"),
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
        # What the desk should have heard of it and did not: told when it asks where it stands.
        ("lost", "i4"),  # 1: something was lost; 2: it is told, and on the wire
        ("lost_answers", "i4"),
        ("lost_lots", "i8"),
        ("lost_notional", "i8"),
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

_WIRE: Final[list[tuple[object, ...]]] = [
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
    ("extra_ns", "i8"),  # on top of what is drawn: a fault
]
BEAT_LINK: Final = record(_WIRE)
"""The wire of heartbeats; both directions have one table of delays."""

# The table goes first: numba takes a record that another one begins with for its base, and warns.
LINK: Final = record([("delay_ns", "i8", DELAY_KNOTS), *_WIRE])

REQUEST: Final = record(
    [
        ("at_ns", "i8"),
        ("sent_ns", "i8"),
        ("price", "i8"),
        ("trigger", "i8"),
        ("lots", "i8"),
        ("mid_sent", "i8"),
        ("row", "i2"),
        ("kind", "i1"),
        ("side", "i1"),
        ("type", "i1"),
        ("tif", "i1"),
        ("flags", "i1"),
    ]
)
"""Desk to exchange."""

REPORT: Final = record(
    [
        ("at_ns", "i8"),
        ("sent_ns", "i8"),
        ("lots", "i8"),
        ("notional", "i8"),  # price x lots, ticks x lots: several fills merge without loss
        ("row", "i2"),
        ("kind", "i1"),
        ("reason", "i1"),
        ("answers", "i1"),  # 1 when it answers a request
        ("final", "i1"),  # 1 when nothing is left of the order
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
        ("client", "i4"),  # the desk's number for the order if it is its own
        ("row", "i2"),  # and the row it is, or was, in
        ("kind", "i1"),
        ("side", "i1"),
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
        ("depth_cap", "i8"),
        ("limit_log_keep", "f8"),  # log of the chance that a size grows by one more lot
        ("market_log_keep", "f8"),
        ("cumulative", "f8", FLOW_CLASSES),  # of one side
        ("guide", "i1", FLOW_GUIDE),  # first class a draw can fall into, by its leading bits
    ]
)

MEMORY: Final = record(
    [
        ("beat_ns", "i8"),  # when the traces fade and the shift is made anew
        ("step_ns", "i8"),  # between two beats
        ("places", "i8"),  # used ones: memory.py says whose
        ("speaker", "i8"),  # place of who sends the present message of the background
        ("exponent", "f8"),  # of the pace
        ("pace_keep", "f8"),  # share of a pace that is left after one beat
        ("pace_gain", "f8"),  # pace of one lot, per second
        ("shift_ticks", "f8"),
        ("heard", "i8", PLACES),  # lots signed by aggressor, since the last beat
        ("pace", "f8", PLACES),  # lots per second, signed and smoothed
        ("weight", "f8", MEMORY_SCALES),  # ticks of a push of one; 0 without impact
        ("keep", "f8", MEMORY_SCALES),  # share of a trace that is left after one beat
        ("trace", "f8", MEMORY_SCALES),
    ]
)
"""What the market remembers of who bought and who sold, and how far that moves it."""

OPENING: Final = record(
    [
        ("warm_up_ns", "i8"),  # how long a synthetic market runs before its desk sees it
        ("price", "i8"),  # first best bid in ticks; the best offer is one tick above
        ("levels", "i8"),  # of either side
        ("lots", "i8", FIRST_LEVELS),  # of each, the touch first
    ]
)
"""How a synthetic market begins; not part of a world."""

CLOCK: Final = record(
    [
        ("key", "u8"),
        ("proposals", "i8"),  # drawn so far
        ("next_ns", "i8"),  # the next proposal
        ("now_ns", "i8"),  # time of the excitement
        ("bound", "f8"),  # intensity the next proposal was drawn with
        ("base_rate", "f8"),  # candidates per second that nobody excited, at pace 1
        ("pace", "f8"),  # time of day and activity
        ("calm_pace", "f8"),  # the same without a fault
        ("news_gain", "f8"),  # candidates per second and squared tick of a move of the efficient price
        ("gain", "f8", CLOCK_SCALES),  # what one candidate adds, per second
        ("fade", "f8", CLOCK_SCALES),  # 1 / time scale, per second
        ("excitement", "f8", CLOCK_SCALES),
    ]
)
"""A Hawkes process on a random stream of its own: it hears the news and itself, never the book."""

NEWS: Final = record(
    [
        ("key", "u8"),
        ("jump_key", "u8"),
        ("volatility_key", "u8"),
        ("flutter_key", "u8"),
        ("beats", "i8"),
        ("beats_per_turn", "i8"),  # volatility and time of day are looked at once per turn
        ("told", "i8"),  # 1 once a history said where the efficient price is
        ("utc_offset_ns", "i8"),
        ("closes", "i8"),  # 1 if the session closes where the activity curve is zero
        ("efficient_ticks", "f8"),
        ("felt_ticks", "f8"),  # where it was at the latest beat
        ("flutter_ticks", "f8"),  # short-lived noise around it that everybody sees
        ("flutter_keep", "f8"),  # of it, after one beat
        ("flutter_kick", "f8"),
        ("step_sd", "f8"),  # of one beat, ticks, at volatility 1
        ("present_sd", "f8"),
        ("jump_chance", "f8"),  # per beat
        ("jump_sd", "f8"),  # in units of the present sd of one second
        ("jump_scale", "f8"),  # ticks: jump_sd times that sd
        ("activity_gain", "f8"),  # how much of a change of volatility the pace follows
        ("log_keep", "f8", VOLATILITY_SCALES),
        ("log_kick", "f8", VOLATILITY_SCALES),
        ("log_sd", "f8", VOLATILITY_SCALES),
        ("log_volatility", "f8", VOLATILITY_SCALES),
        ("activity_curve", "f8", HALF_HOURS),
        ("volatility_curve", "f8", HALF_HOURS),
    ]
)
"""The efficient price: what moves prices without anybody trading. Its path is the same whoever trades."""

SIZES: Final = record([("one_share", "f8"), ("scale", "f8"), ("tail", "f8"), ("largest", "f8")])
"""Sizes: one lot with a chance, else a Pareto law from ``scale`` lots on, rounded down."""

ANCHORED: Final = record(
    [
        ("key", "u8"),  # of the candidates
        ("meta_key", "u8"),
        ("keep_key", "u8"),  # of who still comes under a fault
        ("candidates", "i8"),
        ("anchor_ticks", "f8"),
        ("herd_ticks", "f8"),  # how far the crowd has come to believe a price that somebody pushes
        # Shares of the candidates, summed: market orders, limit orders; the rest are cancels.
        ("market_share", "f8"),
        ("limit_share", "f8"),
        ("informed_share", "f8"),  # of market orders
        ("noise_share", "f8"),
        ("information", "f8"),  # log odds of buying per tick of anchor - mid
        ("patience", "f8"),  # exp(-patience) of the market orders are left per tick of spread beyond one
        ("touch_share", "f8"),  # market orders that take no more than the touch has
        ("metaorders", "i8"),
        ("meta_count", "i8"),  # started so far
        ("meta_tail", "f8"),
        ("meta_largest", "f8"),
        ("worry_fade", "f8"),  # factor of worry for each tick away from the touch
        ("summed_event", "i8", 2),  # event count and beat when the cancel rates of a side were summed
        ("summed_beat", "i8", 2),
        ("summed_rate", "f8", 2),
        ("meta_side", "i8", METAORDERS),
        ("meta_left", "i8", METAORDERS),
        ("market_sizes", SIZES),
        ("limit_sizes", SIZES),
        ("opinion_sd", "f8"),  # ticks: how much the placers of limit orders disagree about the anchor
        ("margin", "f8"),  # ticks they stay away from it
        ("near_share", "f8"),
        ("near_scale", "f8"),
        ("far_tail", "f8"),
        ("far_scale", "f8"),
        ("far_largest", "f8"),
        ("patient_share", "f8"),  # limit orders that stay: good till cancelled, the rest for the day
        ("snipe_share", "f8"),  # limit orders that take the other side when they reach it
        ("cancel_cap", "f8"),  # cancels per second and side that can be drawn, at pace 1
        ("patient_factor", "f8"),  # cancel rate of a patient order over that of another
        ("cancel_rate", "f8", REACH),  # per order and second, by ticks behind the touch
        ("worry", "f8"),  # log of how much faster an order leaves per tick it is on the wrong side of the anchor
        ("calm", "f8"),  # smallest and largest factor that makes
        ("panic", "f8"),
    ]
)
"""Who sends what, given the clock, the anchor and the book."""

GUARD: Final = record(
    [
        ("move_ticks", "i8"),  # a trade farther than this from any in the window starts a pause; 0 means never
        ("window_ns", "i8"),
        ("pause_ns", "i8"),
        ("trips", "i8"),  # pauses so far
        ("bucket", "i8"),  # number of the newest bucket: time over an eighth of the window
        ("high", "i8", GUARD_BUCKETS),  # of trade prices, by bucket number modulo their count
        ("low", "i8", GUARD_BUCKETS),
    ]
)
"""One rule that pauses the venue after a fast move."""

VENUE: Final = record(
    [
        ("protection_ticks", "i8"),
        ("self_match", "i8"),
        ("taker_fee_micro", "i8"),  # per lot
        ("maker_fee_micro", "i8"),
        ("half_tick_micro", "i8"),  # money of one half-tick of one lot
        ("halted", "i8"),  # bits: codes.HALT_SESSION, codes.HALT_FAULT
        ("auction", "i8"),  # 1 while orders are collected without matching
        ("reopen_ns", "i8"),  # when a pause ends, NEVER_NS if none runs
        ("band_ticks", "i8"),  # how far through the last trade a limit may be, 0 means any distance
        ("guards", GUARD, GUARDS),
    ]
)

DIVERGENCE: Final = record(
    [
        ("displaced_lots", "i8"),
        ("unresolved_lots", "i8"),
        ("missing_orders", "i8"),
        ("expired_lots", "i8"),
        ("shifted_rows", "i8"),  # of a reactive history: played at another price than in history
    ]
)
