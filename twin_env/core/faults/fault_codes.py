"""The integer codes of compiled faults: mechanisms, triggers, states, and what their parameters choose from."""

from typing import Final

# Mechanisms: what an effect does. The names are those of its parameters in ``fault_records``.
MODIFIER: Final = 0
PATH: Final = 1
TAKER: Final = 2
LAYERS: Final = 3
STUFFING: Final = 4
MAKERS: Final = 5
HALT: Final = 6
AUCTION: Final = 7
OUTAGE: Final = 8
GUARD: Final = 9
FEED_CUT: Final = 10
ORDER_CUT: Final = 11
FEED_HOLD: Final = 12
HOST_HOLD: Final = 13
POSITION: Final = 14
MECHANISM_NAMES: Final = {
    MODIFIER: "modifier",
    PATH: "path",
    TAKER: "taker",
    LAYERS: "layers",
    STUFFING: "stuffing",
    MAKERS: "makers",
    HALT: "halt",
    AUCTION: "auction",
    OUTAGE: "outage",
    GUARD: "guard",
    FEED_CUT: "feed_cut",
    ORDER_CUT: "order_cut",
    FEED_HOLD: "feed_hold",
    HOST_HOLD: "host_hold",
    POSITION: "position",
}

# Triggers: what an effect begins by.
OFFSET: Final = 0
MOMENT: Final = 1
WITH: Final = 2
AFTER: Final = 3
EVENT: Final = 4

# States of an effect.
WAITING: Final = 0
ON: Final = 1
OVER: Final = 2

# Events that may trigger one: something that happens to the desk, or to the price.
ORDER_IN_FLIGHT: Final = 0
ORDER_RESTING: Final = 1
STOP_RESTING: Final = 2
FIRST_FILL: Final = 3
POSITION_OPEN: Final = 4
DRAWDOWN: Final = 5  # threshold: account currency
MOVE: Final = 6  # threshold: ticks
EVENT_NAMES: Final = (
    "order_in_flight", "order_resting", "stop_resting", "first_fill", "position_open", "drawdown", "move",
)  # fmt: skip

# Shapes of a path.
LINEAR: Final = 0
CONVEX: Final = 1  # slow, then fast
SMOOTH: Final = 2  # slow at both ends
STEP: Final = 3  # at once
RAMP_NAMES: Final = ("linear", "convex", "smooth", "step")

# How the desk's book recovers after market data was cut off.
BY_SNAPSHOT: Final = 0  # asked for at once
BY_GAP: Final = 1  # asked for when a missing sequence number is noticed
NEVER: Final = 2
RECOVERY_NAMES: Final = ("snapshot", "gap", "none")

# Venue protections of a program.
AS_MARKET: Final = 0
UNPROTECTED: Final = 1
PROTECTED: Final = 2
