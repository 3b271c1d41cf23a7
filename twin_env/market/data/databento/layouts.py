"""Layouts of DBN records, as NumPy sees them in place; those read here are the same in DBN 1, 2 and 3."""

from typing import Final

import numpy as np

from twin_env.core.state.layout import Dtype

UNDEFINED_PRICE: Final = 2**63 - 1
UNDEFINED_TIME: Final = 2**64 - 1
PRICE_SCALE: Final = 10**9  # 1 in a price field is 1e-9 of the quote currency

_HEADER: Final = [("length", "u1"), ("rtype", "u1"), ("publisher", "<u2"), ("instrument", "<u4"), ("ts_event", "<u8")]
_TIMES: Final = [("ts_recv", "<u8"), ("delta", "<i4"), ("sequence", "<u4")]
_PAIR: Final = np.dtype(
    [("bid", "<i8"), ("ask", "<i8"), ("bid_size", "<u4"), ("ask_size", "<u4"), ("bid_ct", "<u4"), ("ask_ct", "<u4")]
)
_TRADE: Final = [
    *_HEADER,
    *[("price", "<i8"), ("size", "<u4"), ("action", "S1"), ("side", "S1"), ("flags", "u1"), ("depth", "u1")],
    *_TIMES,
]
MBO: Final[Dtype] = np.dtype(
    [
        *_HEADER,
        *[("order", "<u8"), ("price", "<i8"), ("size", "<u4"), ("flags", "u1"), ("channel", "u1")],
        *[("action", "S1"), ("side", "S1")],
        *_TIMES,
    ]
)
TRADES: Final[Dtype] = np.dtype(_TRADE)
TOP: Final[Dtype] = np.dtype([*_TRADE, ("levels", _PAIR, (1,))])
DEPTH: Final[Dtype] = np.dtype([*_TRADE, ("levels", _PAIR, (10,))])
OHLCV: Final[Dtype] = np.dtype(
    [*_HEADER, *[(name, "<i8") for name in ("open", "high", "low", "close")], ("volume", "<u8")]
)

LAYOUTS: Final[dict[str, tuple[Dtype, tuple[int, ...]]]] = {
    "mbo": (MBO, (160,)),
    "mbp-10": (DEPTH, (10,)),
    "mbp-1": (TOP, (1,)),
    "tbbo": (TOP, (1, 197)),
    "cmbp-1": (TOP, (177,)),
    "tcbbo": (TOP, (194,)),
    "bbo-1s": (TOP, (195,)),
    "bbo-1m": (TOP, (196,)),
    "cbbo-1s": (TOP, (192,)),
    "cbbo-1m": (TOP, (193,)),
    "trades": (TRADES, (0,)),
    "ohlcv-1s": (OHLCV, (32,)),
    "ohlcv-1m": (OHLCV, (33,)),
    "ohlcv-1h": (OHLCV, (34,)),
    "ohlcv-1d": (OHLCV, (35,)),
    "ohlcv-eod": (OHLCV, (36,)),
}
"""Schema: layout of its records, and the record types that have it."""
