"""The records of faults: what an experiment comes down to, and what becomes of it in a world.

Every mechanism has a parameter record of its own. An effect has one mechanism only, so the parameter records
of an effect share the same bytes: read the one that ``mechanism`` names and no other.
"""

from typing import Any, Final

import numpy as np

from twin_env.core.state.records import GUARD, GUARDS, Dtype, record

EFFECTS: Final = 12  # of an experiment
ACTORS: Final = 16  # live orders of the actors they drive, all together
MODIFIERS: Final = 29  # faults.modifiers names them


def union(parts: dict[str, Dtype]) -> Dtype:
    """Make a record whose fields all begin at its first byte.

    Args:
        parts: Record dtypes by field name. Each size must be a multiple of 8 bytes, as numba does not
            see the alignment of a record inside another one.
    """
    layout: Any = {
        "names": list(parts),
        "formats": list(parts.values()),
        "offsets": [0] * len(parts),
        "itemsize": max(part.itemsize for part in parts.values()),
    }
    return np.dtype((np.record, np.dtype(layout)))


MODIFIER_PARAMETERS: Final = record(
    [
        ("modifier", "i8"),  # which
        ("value", "f8"),  # its value, or what it is multiplied with: the modifier's rule says
        ("ramp_ns", "i8"),  # it grows to that within
    ]
)

PATH_PARAMETERS: Final = record(
    [
        ("move_ticks", "f8"),
        ("fall_s", "f8"),  # until the whole move is made
        ("hold_s", "f8"),  # before the way back
        ("recovery_fraction", "f8"),  # of the move, given back in the end
        ("half_life_s", "f8"),  # of the way back; 0: the market finds back by itself
        ("wall_lots", "i8"),  # resting behind the price
        ("herding_share", "f8"),  # of the distance to the pushed price that others come to believe
        ("makers_left", "f8"),  # share of the limit orders in the way that still come
        ("pace_multiple", "f8"),  # factor of all arrivals, until the way back
        ("ramp", "i8"),  # shape of the move: fault_codes.LINEAR and the others
        # State.
        ("start_half_ticks", "i8"),  # mid when it began
        ("farthest_half_ticks", "i8"),  # the mid went since
        ("farthest_after_ns", "i8"),
    ]
)

TAKER_PARAMETERS: Final = record(
    [
        ("burst_lots", "i8"),
        ("bursts", "i8"),
        ("gap_ns", "i8"),  # between two
        ("reverse", "i8"),  # 1: as many bursts back afterwards
    ]
)

LAYERS_PARAMETERS: Final = record(
    [
        ("layer_lots", "i8"),
        ("layers", "i8"),
        ("hold_ns", "i8"),
        ("offset_ticks", "i8"),  # of the first layer behind the touch
        # State.
        ("remove_ns", "i8"),  # when the present layers are cancelled
    ]
)

STUFFING_PARAMETERS: Final = record(
    [
        ("offset_ticks", "i8"),  # behind the touch
        ("order_lots", "i8"),
    ]
)

MAKERS_PARAMETERS: Final = record(
    [
        ("leaving_share", "f8"),  # of the orders that rest when it begins
        ("lag_s", "f8"),  # until the slowest of them has left
        ("depth_lots", "i8"),  # most lots of the best levels of a side; 0: any
        ("spread_ticks", "f8"),  # wanted median; 0: any
        ("absent_share", "f8"),  # of new limit orders that do not come
        # State.
        ("quoted_spread_ticks", "f8"),  # distance between the sides that makers keep at present
        ("last_entry", "i8"),  # place in time of the youngest order that was there when it began
    ]
)

CUT_PARAMETERS: Final = record([("cancel_orders", "i8")])  # 1: the venue cancels the desk's orders

FEED_CUT_PARAMETERS: Final = record([("recovery", "i8")])  # fault_codes.BY_SNAPSHOT and the others

GUARD_PARAMETERS: Final = record(
    [
        ("guard", "i8"),  # which of the venue's
        # Exchanged with the venue's own when it begins and when it ends.
        ("move_ticks", "i8"),
        ("window_ns", "i8"),
        ("pause_ns", "i8"),
    ]
)

POSITION_PARAMETERS: Final = record([("difference_lots", "i8")])  # of the desk's position from the true one

PARAMETERS: Final = union(
    {
        "modifier": MODIFIER_PARAMETERS,
        "path": PATH_PARAMETERS,
        "taker": TAKER_PARAMETERS,
        "layers": LAYERS_PARAMETERS,
        "stuffing": STUFFING_PARAMETERS,
        "makers": MAKERS_PARAMETERS,
        "outage": CUT_PARAMETERS,
        "guard": GUARD_PARAMETERS,
        "feed_cut": FEED_CUT_PARAMETERS,
        "order_cut": CUT_PARAMETERS,
        "position": POSITION_PARAMETERS,
    }
)
"""The parameters of one effect, by the name of its mechanism (``fault_codes.MECHANISM_NAMES``)."""

EFFECT: Final = record(
    [
        ("key", "u8"),  # names its random stream; the stream's key once it is armed
        ("begin_ns", "i8"),  # after the start, or a moment; NEVER_NS while it waits for something
        ("delay_ns", "i8"),  # after what it waits for
        ("spread_ns", "i8"),  # begins evenly within so much after begin_ns
        ("duration_ns", "i8"),  # below 0: until the episode ends
        ("repeat_ns", "i8"),
        ("jitter_ns", "i8"),
        ("period_ns", "i8"),  # between two looks of an actor at the market
        ("parameters", PARAMETERS),
        # From here on what happens to it.
        ("end_ns", "i8"),
        ("act_ns", "i8"),  # when it acts next
        ("began_ns", "i8"),
        ("ended_ns", "i8"),
        ("threshold", "f4"),
        ("toxicity", "f4"),
        ("repeats", "i4"),
        ("step", "i4"),  # of what its actor does
        ("occurrences", "i4"),  # times the event it waits for was seen to begin
        ("sent_lots", "i4"),
        ("traded_lots", "i4"),
        ("shown_lots", "i4"),
        ("sent_messages", "i4"),
        ("refused_messages", "i4"),
        ("begun", "i4"),  # times
        ("after", "i2"),  # effect it waits for
        ("nth", "i2"),  # occurrence of the event it waits for
        ("fault", "i2"),
        ("trigger", "i1"),
        ("event", "i1"),
        ("event_holds", "i1"),  # 1 if the event it waits for was the case at the latest look
        ("mechanism", "i1"),
        ("side", "i1"),  # an actor trades, or whose makers are meant; 0: both
        ("state", "i1"),
        ("leads", "i1"),  # 1 for the first effect of a fault
    ]
)
"""One thing a fault does: a modifier it sets, an actor it drives, something it closes."""

PROGRAM: Final = record(
    [
        ("count", "i8"),
        ("scenario", "f8"),
        ("protections", "i8"),  # 0: as the market has them, 1: off, 2: those here
        ("guards", GUARD, GUARDS),
        ("band_ticks", "i8"),
        ("effects", EFFECT, EFFECTS),
    ]
)
"""What an experiment comes down to; copied into a world when its episode starts."""

CHAOS: Final = record(
    [
        ("count", "i4"),  # effects
        ("scenario", "f8"),
        ("next_ns", "i8"),  # when an effect is due
        ("on_ns", "i8"),  # time with a fault on so far; less the present time's start while one is
        ("active", "i4"),  # faults that are on
        ("awaiting_events", "i4"),  # effects that wait for an event
        ("flow_modified", "i4"),  # 1 while a modifier of the flow is
        ("wires_modified", "i4"),
        ("feed_back_ns", "i8"),  # market data sent before is lost; NEVER_NS while the wire is cut
        ("order_back_ns", "i8"),
        ("feed_hold_ns", "i8"),  # no market data reaches the desk before
        ("host_hold_ns", "i8"),
        ("reconcile_ns", "i8"),  # when the desk asks where its orders stand
        ("repeat_row", "i4"),  # desk row whose request came twice, NONE if none did
        ("band_ticks", "i8"),  # the venue's own
        ("unrecovered", "i4"),  # 1: the desk asks for no snapshot
        ("start_mid", "i8"),
        ("best_net", "i8"),  # half-ticks x lots
        ("second_ns", "i8"),  # of the throttle
        ("second_requests", "i4"),
        ("requests", "i4"),  # that reached the gateway
        ("requests_lost", "i4"),
        ("requests_twice", "i4"),
        ("refused", "i4"),
        ("reports", "i4"),
        ("reports_lost", "i4"),
        ("reports_twice", "i4"),
        ("feed_twice", "i4"),
        ("feed_swapped", "i4"),
        ("feed_neighbours", "i4"),
        ("feed_late", "i4"),  # messages the desk threw away because newer ones had come
    ]
)
"""The state of an experiment as a whole."""
