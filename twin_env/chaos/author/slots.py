"""Which slot of a draft fills which field of which fault, and what a fault makes of an author's words."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

_TIMED: Final = {"duration": "duration_s"}
_MOVE: Final = {
    "move": "move",
    "fall": "fall_s",
    "hold": "hold_s",
    "give_back": "recovery.fraction",
    "half_life": "recovery.half_life_s",
    "left": "makers_left",
    "herding": "herding",
    "activity": "pace_multiple",
    "lots": "wall_lots",
}
_CHANCE: Final = {"share": "probability", **_TIMED}
_LATE: Final = {"delay": "delay_ms", **_TIMED}
_PRESENT: Final = {
    "flash_crash": _MOVE,
    "flash_rally": _MOVE,
    "fat_finger": {"multiple": "depth_multiple", "lots": "lots"},
    "liquidity_drought": {"multiple": "depth_multiple", "refill": "refill_multiple", **_TIMED},
    "spread_widening": {"multiple": "spread_multiple", **_TIMED},
    "chop": {"multiple": "spread_multiple", "move": "amplitude", **_TIMED},
    "maker_withdrawal": {"share": "fraction", "delay": "lag_s", **_TIMED},
    "volatility_regime": {"multiple": "volatility_multiple", "activity": "activity_multiple", **_TIMED},
    "gap": {"move": "move", **_TIMED},
    "momentum_ignition": {"count": "bursts", "multiple": "depth_multiple", "interval": "gap_s"},
    "spoofing": {"multiple": "depth_multiple", "count": "levels", "hold": "hold_s", **_TIMED},
    "quote_stuffing": {"rate": "messages_per_s", "distance": "offset_ticks", **_TIMED},
    "trading_halt": {"pause": "auction_s", **_TIMED},
    "velocity_logic": {"move": "move", "fall": "window_s", "pause": "pause_s", **_TIMED},
    "price_band": {"move": "band", **_TIMED},
    "exchange_outage": {"pause": "auction_s", **_TIMED},
    "reject_storm": _CHANCE,
    "throttle": {"rate": "messages_per_s", **_TIMED},
    "auction_reopen": _TIMED,
    "fee_change": {"multiple": "multiple", **_TIMED},
    "margin_change": {"lots": "limit_lots", **_TIMED},
    "feed_disconnect": _TIMED,
    "feed_loss": _CHANCE,
    "feed_duplication": _CHANCE,
    "feed_reordering": _CHANCE,
    "feed_stale": _TIMED,
    "feed_delay": _LATE,
    "crossed_feed": _TIMED,
    "order_disconnect": _TIMED,
    "order_delay": _LATE,
    "ack_loss": _CHANCE,
    "ack_duplication": _CHANCE,
    "clock_skew": {"delay": "offset_ms", **_TIMED},
    "position_mismatch": {"lots": "lots", **_TIMED},
    "slow_strategy": _LATE,
    "frozen_strategy": _TIMED,
}
SLOTS: Final[Mapping[str, Mapping[str, str]]] = MappingProxyType(
    {kind: {**slots, "chance": "toxicity"} for kind, slots in _PRESENT.items()}
)

_RAMPS: Final = {ramp: ("ramp", ramp) for ramp in ("linear", "convex", "smooth", "step")}
_WAYS: Final = {way: ("direction", way) for way in ("up", "down")}
_PUSHES: Final = {**_WAYS, "buy": ("direction", "up"), "sell": ("direction", "down")}
_SIDES: Final = {side: ("side", side) for side in ("buy", "sell")}
_ORDERS: Final = {"cancel_orders": ("cancel_on_disconnect", True), "keep_orders": ("cancel_on_disconnect", False)}
_STREAMS: Final = {stream: ("direction", stream) for stream in ("requests", "reports")}
_SIGN: Final = "sign"  # no field: it turns the number that the fault keeps with a sign
_NOTHING_NEW: Final = ("", None)
WORDS: Final[Mapping[str, Mapping[str, tuple[str, Any]]]] = MappingProxyType(
    {
        "flash_crash": {**_RAMPS, "down": _NOTHING_NEW, "never": ("recovery.fraction", 0.0)},
        "flash_rally": {**_RAMPS, "up": _NOTHING_NEW, "never": ("recovery.fraction", 0.0)},
        "fat_finger": _PUSHES,
        "maker_withdrawal": {**_SIDES, "both": ("side", "both")},
        "gap": _WAYS,
        "momentum_ignition": {**_PUSHES, "one_way": ("reverse", False)},
        "spoofing": _SIDES,
        "quote_stuffing": _SIDES,
        "crossed_feed": _SIDES,
        "exchange_outage": _ORDERS,
        "order_disconnect": _ORDERS,
        "order_delay": {**_STREAMS, "both": ("direction", "both")},
        "ack_duplication": _STREAMS,
        "feed_disconnect": {
            "snapshot": ("recovery", "snapshot"),
            "gap": ("recovery", "gap"),
            "never": ("recovery", "none"),
        },
        "clock_skew": {"ahead": (_SIGN, 1), "behind": (_SIGN, -1)},
        "position_mismatch": {"up": (_SIGN, 1), "down": (_SIGN, -1)},
    }
)
SIGNED: Final[Mapping[str, str]] = MappingProxyType({"clock_skew": "offset_ms", "position_mismatch": "lots"})
_SIZES: Final = ("move", "amplitude", "band")


def is_size(field: str) -> bool:
    """Tell whether a field holds a distance between prices."""
    return field in _SIZES


def is_move(kind: str, field: str) -> bool:
    """Tell whether a field asks the price to go somewhere, rather than to be watched."""
    return is_size(field) and kind not in ("velocity_logic", "price_band")
