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
ARRIVAL_SCALES: Final = 6  # time scales of the Hawkes process of arrivals
VOLATILITY_SCALES: Final = 4
IMPACT_SCALES: Final = 10
FIRST_LEVELS: Final = 64  # most levels of either side of a first book
METAORDERS: Final = 16  # most that run at a time
PARTICIPANTS: Final = METAORDERS + 2  # whose trades have impact: metaorders, the desk, external orders
HALF_HOURS: Final = 48  # of a day, in the intraday curves
REACH: Final = 32  # ticks behind the touch with a cancel rate of their own
INTENTS: Final = 16  # open at a time: one for each order of the desk
GROUPS: Final = 6  # of orders that share one life, at a time
GUARDS: Final = 2  # of a venue: velocity logic, circuit breaker
GUARD_BUCKETS: Final = 8  # a guard keeps trades by eighths of its window

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
        ("row", "i4"),  # the desk's row for its own orders, NONE for all others
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
        ("price", "i8"),  # desired, half-ticks: the mid the desk saw, a limit, or a trigger
        ("waiting", "i8"),  # lots whose condition has not come true
        ("due", "i8"),  # lots whose condition has come true
        ("open", "i8"),  # of those, lots that are not filled
        ("open_value", "i8"),  # the same times their desired price, half-ticks x lots
        ("extra", "i8"),  # filled lots whose condition had not come true
        ("extra_value", "i8"),  # the same times the price paid, half-ticks x lots
        ("efficient_ticks", "f8"),  # of the synthetic flow when the open lots came due, on average
        ("client", "i8"),  # number of the order that it is for, 0 for a parent order
        ("side", "i1"),
        ("condition", "i1"),  # of core.conditions
        ("with_order", "i1"),  # 1: it ends when the order of its row does
        ("closed", "i1"),
        ("rejected", "i1"),  # 1 while the exchange answered the latest request for it by a reject
        ("group", "i1"),  # NONE for one that stands alone
        ("role", "i1"),  # in its group, of core.conditions
    ]
)
"""A decision of the strategy, as far as its order and its theory differ; see core.intents."""

INTENT_GROUP: Final = record(
    [
        ("left", "i8"),  # lots that its exits may still come due for
        ("lots", "i8"),  # by which theory and fact of members that are closed differ, signed by side
        ("value", "i8"),  # what these cost, half-ticks x lots
    ]
)
"""Intents that share one theoretical life, until the last of them is closed."""

LEDGER: Final = record(
    [
        # Parts of execution alpha, half-ticks x lots, summed over fills.
        ("timing", "i8"),
        ("latency", "i8"),
        ("spread", "i8"),
        ("impact", "i8"),
        ("queue_wait", "i8"),
        ("spread_earned", "i8"),
        ("opportunity", "i8"),  # of intents that are closed
        # Kept apart from the parts, so that the identity is a check and not a definition.
        ("cash", "i8"),  # half-ticks x lots
        ("position", "i8"),
        ("fees_micro", "i8"),  # 1e-6 of the account currency, positive when paid
        ("fills", "i8"),
        ("filled_lots", "i8"),
        ("taker_lots", "i8"),
        ("substituted", "i8"),  # marks that used the last known touch of an empty side
        ("drift_ticks", "f8"),  # of the efficient price on lots between due and filled or given up, ticks x lots
        # What the strategy's decisions would hold and have paid, filled at their desired prices.
        ("theory_lots", "i8"),
        ("theory_value", "i8"),  # half-ticks x lots
        # A trade at or beyond either price lets the condition of an intent come true.
        ("low_ticks", "i8"),
        ("high_ticks", "i8"),
        ("intents", INTENT, INTENTS),
        ("groups", INTENT_GROUP, GROUPS),
    ]
)

DESK_ORDER_MARKS: Final = record(
    [
        ("order", "i8"),  # slot at the exchange, or NONE
        ("client", "i8"),  # the desk's number for the order
        ("mid_next", "i8"),  # half-ticks at the exchange when the latest request left; of an elected stop its trigger
        ("mid_sent", "i8"),  # the same for the request with which the order first entered the book
        ("mid_arrived", "i8"),  # half-ticks when it first entered the book
        ("mid_entered", "i8"),  # and when it did so with its present terms
        ("touch_entered", "i8"),  # opposite touch then, half-ticks
        ("intent", "i4"),
        ("side", "i4"),
        ("entered", "i4"),  # 1 once it entered the book
        ("resting", "i4"),  # 0 while it is the aggressor
        # Reports that were lost on the wire; a reconciliation sends what they said.
        ("lost", "i4"),  # 1: something was lost; 2: its reconciliation is on the wire
        ("lost_answers", "i4"),
        ("lost_lots", "i8"),
        ("lost_notional", "i8"),
    ]
)
"""Marks of one desk order on the exchange's side, for the ledger and reconciliation; the desk never reads them."""

DESK_ORDER: Final = record(
    [
        ("state", "i8"),
        ("side", "i8"),
        ("type", "i1"),
        ("tif", "i1"),
        ("post_only", "i2"),  # 1 for one that must not take; moving it changes nothing of that
        ("group", "i2"),  # NONE for one that stands alone
        ("role", "i2"),  # in its group, of core.conditions
        ("price", "i8"),
        ("trigger", "i8"),  # of a stop, as last asked for
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
HEARTBEAT_LINK: Final = record(_WIRE)
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

MARKET_DATA: Final = record(
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

HEARTBEAT: Final = record([("at_ns", "i8"), ("sent_ns", "i8")])
"""One heartbeat on the wire."""

FLOW: Final = record(
    [
        ("key", "u8"),
        ("candidates", "i8"),  # drawn so far: the counter of the random stream
        ("next_ns", "i8"),
        ("levels", "i8"),
        ("total_rate", "f8"),  # candidates per second
        ("depth_cap", "i8"),
        ("limit_log_growth", "f8"),  # log of the chance that a size grows by one more lot
        ("market_log_growth", "f8"),
        ("cumulative", "f8", FLOW_CLASSES),  # of one side
        ("guide", "i1", FLOW_GUIDE),  # first class a draw can fall into, by its leading bits
    ]
)

PRICE_IMPACT: Final = record(
    [
        ("next_step_ns", "i8"),  # when the traces decay and the shift is computed next
        ("step_ns", "i8"),  # between two steps
        ("participants", "i8"),  # slots in use: see core.flow.price_impact
        ("sender", "i8"),  # slot of who sends the present message of the background
        ("exponent", "f8"),  # of the pace
        ("pace_decay", "f8"),  # share of a pace that is left after one step
        ("pace_gain", "f8"),  # pace of one lot, per second
        ("shift_ticks", "f8"),
        ("signed_lots", "i8", PARTICIPANTS),  # lots signed by aggressor, since the last step
        ("pace", "f8", PARTICIPANTS),  # lots per second, signed and smoothed
        ("weight", "f8", IMPACT_SCALES),  # ticks of a push of one; 0 without impact
        ("decay", "f8", IMPACT_SCALES),  # share of a trace that is left after one step
        ("traces", "f8", IMPACT_SCALES),
    ]
)
"""The propagator of price impact: pace of each participant, decaying traces, and the shift they sum to."""

OPENING: Final = record(
    [
        ("warm_up_ns", "i8"),  # how long a synthetic market runs before its desk sees it
        ("price", "i8"),  # first best bid in ticks; the best offer is one tick above
        ("levels", "i8"),  # of either side
        ("lots", "i8", FIRST_LEVELS),  # of each, the touch first
    ]
)
"""How a synthetic market begins; not part of a world."""

ARRIVALS: Final = record(
    [
        ("key", "u8"),
        ("proposals", "i8"),  # drawn so far
        ("next_ns", "i8"),  # the next proposal
        ("now_ns", "i8"),  # time of the excitement
        ("bound", "f8"),  # intensity the next proposal was drawn with
        ("base_rate", "f8"),  # candidates per second without excitement, at pace 1
        ("pace", "f8"),  # time of day and activity
        ("undisturbed_pace", "f8"),  # the same without a fault
        ("price_move_gain", "f8"),  # candidates per second and squared tick of a move of the efficient price
        ("gain", "f8", ARRIVAL_SCALES),  # what one candidate adds, per second
        ("decay_rate", "f8", ARRIVAL_SCALES),  # 1 / time scale, per second
        ("excitement", "f8", ARRIVAL_SCALES),
    ]
)
"""A Hawkes process on a random stream of its own, excited by itself and the efficient price, never by the book."""

EFFICIENT_PRICE: Final = record(
    [
        ("key", "u8"),
        ("jump_key", "u8"),
        ("volatility_key", "u8"),
        ("noise_key", "u8"),
        ("steps", "i8"),
        ("steps_per_update", "i8"),  # steps between two updates of volatility and time of day
        ("follows_history", "i8"),  # 1 once a tape has set the efficient price
        ("utc_offset_ns", "i8"),
        ("closes", "i8"),  # 1 if the session closes where the activity curve is zero
        ("efficient_ticks", "f8"),
        ("observed_ticks", "f8"),  # efficient price plus noise at the latest step
        ("noise_ticks", "f8"),  # short-lived noise around it that all participants see
        ("noise_decay", "f8"),  # share left after one step
        ("noise_innovation_sd", "f8"),
        ("step_sd", "f8"),  # of one step, ticks, at volatility 1
        ("present_sd", "f8"),
        ("jump_chance", "f8"),  # per step
        ("jump_sd", "f8"),  # in units of the present sd of one second
        ("jump_scale", "f8"),  # ticks: jump_sd times that sd
        ("activity_gain", "f8"),  # how much of a change of volatility the pace follows
        ("log_decay", "f8", VOLATILITY_SCALES),
        ("log_innovation_sd", "f8", VOLATILITY_SCALES),
        ("log_sd", "f8", VOLATILITY_SCALES),
        ("log_volatility", "f8", VOLATILITY_SCALES),
        ("activity_curve", "f8", HALF_HOURS),
        ("volatility_curve", "f8", HALF_HOURS),
    ]
)
"""The efficient price: what moves prices without trades. Its path does not depend on who trades."""

SIZES: Final = record([("one_share", "f8"), ("scale", "f8"), ("tail", "f8"), ("largest", "f8")])
"""Sizes: one lot with a chance, else a Pareto law from ``scale`` lots on, rounded down."""

ANCHORED: Final = record(
    [
        ("key", "u8"),  # of the candidates
        ("meta_key", "u8"),
        ("thinning_key", "u8"),  # thins candidates that a fault suppresses
        ("candidates", "i8"),
        ("anchor_ticks", "f8"),
        ("herding_ticks", "f8"),  # shift of the anchor towards a mid that a fault has moved
        # Shares of the candidates, summed: market orders, limit orders; the rest are cancels.
        ("market_share", "f8"),
        ("limit_share", "f8"),
        ("informed_share", "f8"),  # of market orders
        ("noise_share", "f8"),
        ("information", "f8"),  # log odds of buying per tick of anchor - mid
        ("spread_aversion", "f8"),  # exp(-spread_aversion) of the market orders are left per tick of spread beyond one
        ("touch_share", "f8"),  # market orders that take no more than the touch has
        ("metaorders", "i8"),
        ("meta_count", "i8"),  # started so far
        ("meta_tail", "f8"),
        ("meta_largest", "f8"),
        ("sensitivity_factor", "f8"),  # exp(-sensitivity): factor of the cancel rate per tick away from the touch
        ("summed_event", "i8", 2),  # event count and step when the cancel rates of a side were summed
        ("summed_step", "i8", 2),
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
        ("sensitivity", "f8"),  # log of the cancel rate's factor per tick on the wrong side of the anchor
        ("min_cancel_factor", "f8"),  # bounds of the factor that makes
        ("max_cancel_factor", "f8"),
    ]
)
"""Which participant sends what, given the arrivals, the anchor and the book."""

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
