"""Terms of an order as people write them, read into numbers of the exchange, or refused by one sentence."""

from collections.abc import Mapping
from typing import Any, Final, get_args

import numpy as np

from twin_env.core.state import codes
from twin_env.market.instrument import Instrument
from twin_env.twin.orders import OrderError, TimeInForce

ORDER: Final = ("side", "type", "tif", "flags", "price", "trigger", "lots")  # arguments of requests.send_order
EXITS: Final = ("target", "stop")  # prices in ticks of a bracket's exits
SIDES: Final[dict[str, int]] = {"buy": codes.BUY, "sell": codes.SELL}
_TYPES: Final = {name: code for code, name in codes.TYPE_NAMES.items()}
_TIFS: Final = {name: code for code, name in codes.TIF_NAMES.items()}
_OF_PAIR: Final = {"side", "lots", "type", "price", "trigger", "tif", "post_only", "id"}


def read_lots(lots: int) -> int:
    """Return lots as a number the exchange takes.

    Raises:
        OrderError: They are none.
    """
    if isinstance(lots, bool) or not isinstance(lots, int | np.integer) or not 1 <= lots <= codes.MAX_LOTS:
        raise OrderError(f"lots={lots!r}, expected an integer from 1 to {codes.MAX_LOTS}")
    return int(lots)


class OrderReader:
    """Reads orders of one instrument."""

    def __init__(self, instrument: Instrument) -> None:
        self._instrument = instrument

    def order(
        self, side: str, lots: int, type: str, price: float | None, trigger: float | None, tif: str | None
    ) -> dict[str, int]:
        """Return an order as numbers, by the names of ``ORDER``.

        Raises:
            OrderError: A word is unknown, or a number is missing, too many, or impossible.
        """
        for name, word, known in (("side", side, SIDES), ("type", type, _TYPES)):
            if word not in known:
                raise OrderError(f"{name}={word!r}, expected one of {', '.join(known)}")
        tif = tif or ("ioc" if type == "market" else "day")
        if tif not in _TIFS:
            raise OrderError(f"tif={tif!r}, expected one of {', '.join(get_args(TimeInForce))}")
        for name, value, kinds in (
            ("price", price, ("limit", "stop_limit")),
            ("trigger", trigger, ("stop", "stop_limit")),
        ):
            if (value is None) == (type in kinds):
                raise OrderError(
                    f"{name}={value!r} with type={type!r}, expected {name} of {' and '.join(kinds)} orders alone"
                )
        return {
            "side": SIDES[side],
            "type": _TYPES[type],
            "tif": _TIFS[tif],
            "price": 0 if price is None else self.ticks("price", price),
            "trigger": 0 if trigger is None else self.ticks("trigger", trigger),
            "lots": read_lots(lots),
        }

    def order_of_pair(self, terms: Mapping[str, Any]) -> dict[str, int]:
        """Return one of two orders that cancel each other, as :meth:`order` does."""
        unknown = set(terms) - _OF_PAIR
        if unknown or not {"side", "lots"} <= set(terms):
            raise OrderError(f"{sorted(terms)} for one of two orders, expected side, lots and what else submit() takes")
        names = {"type": "limit", "price": None, "trigger": None, "tif": None}
        order = self.order(terms["side"], terms["lots"], *(terms.get(name, names[name]) for name in names))
        return order | {"flags": codes.POST_ONLY if terms.get("post_only") else 0}

    def exits(self, side: int, target: float | None, stop: float | None) -> dict[str, int]:
        """Return the prices in ticks of a bracket's exits that are given, by the names of ``EXITS``.

        Raises:
            OrderError: A price is impossible, or the target would lose more than the stop: a mistake of sign.
        """
        prices = dict(zip(EXITS, (target, stop), strict=True))
        exits: dict[str, int] = {name: self.ticks(name, value) for name, value in prices.items() if value is not None}
        if len(exits) == len(EXITS) and side * (exits["target"] - exits["stop"]) <= 0:
            which = "above" if side == codes.BUY else "below"
            raise OrderError(f"target and stop change places, expected target {which} stop for this side")
        return exits

    def ticks(self, name: str, value: float) -> int:
        """Return a price in ticks.

        Raises:
            OrderError: It is no number, too large, or between two ticks.
        """
        limit = self._instrument.to_price(codes.MAX_PRICE_TICKS)
        if isinstance(value, bool) or not isinstance(value, int | float | np.number) or not abs(value) <= limit:
            raise OrderError(f"{name}={value!r}, expected a number from {-limit:g} to {limit:g}")
        try:
            return self._instrument.to_ticks(value)
        except (ValueError, TypeError) as error:
            raise OrderError(f"{name}={value!r}: {error}") from None
