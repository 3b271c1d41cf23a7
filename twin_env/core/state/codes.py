"""Every integer code that crosses a boundary of the compiled world, and its name.

Kernels compare plain integers (an ``IntEnum`` member would make numba compile a
second copy of every function it is passed to), people read the ``*_NAMES``.
"""

from typing import Final

BUY: Final = 1
SELL: Final = -1

# Message kinds. The first four are what any participant may send, the rest
# are what a history says happened (see docs/exchange.md).
NEW: Final = 1
CANCEL: Final = 2
REDUCE: Final = 3
REPLACE: Final = 4
EXECUTE: Final = 5
PRINT: Final = 6
HALT: Final = 7
RESUME: Final = 8
CLOSE: Final = 9
ANCHOR: Final = 10  # the efficient price is ``price`` half-ticks: history that drives the synthetic flow
PRE_OPEN: Final = 11  # collect orders without matching
OPEN: Final = 12  # uncross them
DISCONNECT: Final = 13  # the sender's session is gone: all its orders are cancelled
KIND_NAMES: Final = {
    NEW: "new",
    CANCEL: "cancel",
    REDUCE: "reduce",
    REPLACE: "replace",
    EXECUTE: "execute",
    PRINT: "print",
    HALT: "halt",
    RESUME: "resume",
    CLOSE: "close",
    ANCHOR: "anchor",
    PRE_OPEN: "pre_open",
    OPEN: "open",
    DISCONNECT: "disconnect",
}

# Why nothing matches (bits of ``venue.halted``).
HALT_SESSION: Final = 1  # the venue's own messages: HALT and CLOSE set it, RESUME, PRE_OPEN and OPEN clear it
HALT_FAULT: Final = 2  # a fault halts or takes away the exchange

# Order types.
LIMIT: Final = 0
MARKET: Final = 1
STOP: Final = 2
STOP_LIMIT: Final = 3
TYPE_NAMES: Final = {LIMIT: "limit", MARKET: "market", STOP: "stop", STOP_LIMIT: "stop_limit"}

# Time in force.
GTC: Final = 0
DAY: Final = 1
IOC: Final = 2
FOK: Final = 3
TIF_NAMES: Final = {GTC: "gtc", DAY: "day", IOC: "ioc", FOK: "fok"}

# Message flags (bits).
POST_ONLY: Final = 1
SNAPSHOT: Final = 2  # the row restores depth that existed before the file, or entered its window
ENDS_ORDER: Final = 4  # history's last row for this order: nothing of it may outlive the row
LAST_IN_EVENT: Final = 8
GAP: Final = 16

# Owners. Background orders never self-match; every other owner does.
BACKGROUND: Final = 0
DESK: Final = 1
ACTOR: Final = 2  # the first of those that faults drive; each has an owner of its own

# Traders of the synthetic flow: who sent a message of the background. No policy ever sees it.
UNKNOWN_TRADER: Final = 0
MAKER: Final = 1  # places limit orders behind the touch
SNIPER: Final = 2  # takes quotes that the price has left behind
INFORMED: Final = 3  # compares the efficient price with the mid
NOISE: Final = 4
METAORDER: Final = 5  # works a large order piece by piece
TRADER_NAMES: Final = {
    UNKNOWN_TRADER: "unknown",
    MAKER: "maker",
    SNIPER: "sniper",
    INFORMED: "informed",
    NOISE: "noise",
    METAORDER: "metaorder",
}

# Self-match prevention.
ALLOW: Final = 0
CANCEL_RESTING: Final = 1
CANCEL_INCOMING: Final = 2
CANCEL_BOTH: Final = 3
SELF_MATCH_NAMES: Final = {
    ALLOW: "allow",
    CANCEL_RESTING: "cancel_resting",
    CANCEL_INCOMING: "cancel_incoming",
    CANCEL_BOTH: "cancel_both",
}

# Exchange events.
ACCEPTED: Final = 1
REJECTED: Final = 2
TRADED: Final = 3
CANCELLED: Final = 4
REDUCED: Final = 5
REPLACED: Final = 6
TRIGGERED: Final = 7
PRINTED: Final = 8
UNRESOLVED: Final = 9
STATUS: Final = 10  # of a report alone: where an order stands, sent by a reconciliation
EVENT_NAMES: Final = {
    ACCEPTED: "accepted",
    REJECTED: "rejected",
    TRADED: "traded",
    CANCELLED: "cancelled",
    REDUCED: "reduced",
    REPLACED: "replaced",
    TRIGGERED: "triggered",
    PRINTED: "printed",
    UNRESOLVED: "unresolved",
    STATUS: "status",
}

# Reasons, of a reject or of a cancel.
NO_REASON: Final = 0
HALTED: Final = 1
BAD_LOTS: Final = 2
BAD_ORDER: Final = 3
BAD_PRICE: Final = 4
DUPLICATE_ORDER: Final = 5
UNKNOWN_ORDER: Final = 6
STOP_PRICE: Final = 7
NO_OPPOSITE: Final = 8
WOULD_CROSS: Final = 9
FOK_UNFILLABLE: Final = 10
ORDER_CAPACITY: Final = 11
LEVEL_CAPACITY: Final = 12
STOP_CAPACITY: Final = 13
LINK_CAPACITY: Final = 14
BY_USER: Final = 15
IOC_REMAINDER: Final = 16
SELF_MATCH: Final = 17
SESSION_CLOSE: Final = 18
REPLACED_AWAY: Final = 19
HISTORY_END: Final = 20
NO_MATCHING: Final = 21
PRICE_BAND: Final = 22
DISCONNECTED: Final = 23
GATEWAY: Final = 24
THROTTLED: Final = 25
MARGIN: Final = 26
REASON_NAMES: Final = {
    NO_REASON: "none",
    HALTED: "market halted",
    BAD_LOTS: "lots not positive or too many",
    BAD_ORDER: "side, type, time in force or flags do not go together",
    BAD_PRICE: "price out of range",
    DUPLICATE_ORDER: "order id already live",
    UNKNOWN_ORDER: "no such live order",
    STOP_PRICE: "stop trigger on the wrong side of the last trade",
    NO_OPPOSITE: "market order against an empty side",
    WOULD_CROSS: "post-only order would trade",
    FOK_UNFILLABLE: "fill-or-kill cannot be filled in full",
    ORDER_CAPACITY: "order capacity of the world reached",
    LEVEL_CAPACITY: "price level capacity of the world reached",
    STOP_CAPACITY: "stop capacity of the world reached",
    LINK_CAPACITY: "order link full",
    BY_USER: "cancelled by its owner",
    IOC_REMAINDER: "immediate-or-cancel remainder",
    SELF_MATCH: "self-match prevention",
    SESSION_CLOSE: "day order at session close",
    REPLACED_AWAY: "replaced to no more than was already filled",
    HISTORY_END: "history removed the order here",
    NO_MATCHING: "no matching before the opening",
    PRICE_BAND: "limit price beyond the price band",
    DISCONNECTED: "its session was disconnected",
    GATEWAY: "refused by the gateway",
    THROTTLED: "more requests in a second than the gateway lets through",
    MARGIN: "beyond the lots the account may hold",
}

MAX_LOTS: Final = 2**40
MAX_PRICE_TICKS: Final = 2**40
NEVER_NS: Final = 2**62
