"""What a row of a batch shows to who watches it from outside: exchange, desk and ledger as plain numbers."""

from contextlib import nullcontext
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from twin_env.core.ledger import SPLIT_NAMES
from twin_env.core.state import codes
from twin_env.core.state.world import digest
from twin_env.core.stream import DECIDED, DUE, INTENT_ENTRY, INTENTS
from twin_env.twin.exchange import Exchange, read_levels

_SIDES: Final = (("bid", codes.BUY), ("ask", codes.SELL))


class RowReader:
    """Reads one row; every value is a copy, taken between two steps.

    Attributes:
        exchange: What stands at its exchange.
    """

    def __init__(self, worlds: Any, tasks: Any, row: int) -> None:
        self._worlds, self._tasks, self._row = worlds, tasks, row
        self.exchange = Exchange(worlds, row, nullcontext)

    @property
    def now_ns(self) -> int:
        """The row's time, ns since the epoch, UTC."""
        return int(self._worlds["now_ns"][self._row])

    @property
    def seed(self) -> int:
        """Number of the row's episode."""
        return int(self._worlds["seed"][self._row])

    @property
    def event_hash(self) -> int:
        """Hash of everything that the exchange did and the desk heard since the world began."""
        return int(self._worlds["event_hash"][self._row])

    @property
    def digest(self) -> str:
        """Hash of every byte of the row's world, 32 hexadecimal digits."""
        return digest(self._worlds, self._row)

    def open_intents(self) -> NDArray[np.void]:
        """Return what is due and not filled now, as the entries of plane INTENTS that would have told of it."""
        world = self._worlds[self._row]
        mid = self.exchange.mid_half_ticks
        entries = []
        for place, intent in enumerate(world["ledger"]["intents"]):
            if intent["open"] > 0:
                entry = np.zeros(2, INTENT_ENTRY)
                entry["ts_ns"], entry["plane"], entry["row"], entry["mid"] = self.now_ns, INTENTS, place, mid
                entry["kind"], entry["lots"] = (DECIDED, DUE), intent["open"]
                entry["price"] = intent["open_value"] // intent["open"]
                opposite = read_levels(world["desk"]["book"], -int(intent["side"]), 1)
                entry["touch"] = 2 * opposite[0, 0] if len(opposite) else world["desk"]["mid"]
                for name in ("side", "client", "condition", "group", "role", "rejected"):
                    entry[name] = intent[name]
                entries.append(entry)
        return np.concatenate(entries) if entries else np.zeros(0, INTENT_ENTRY)

    def desk(self, levels: int) -> dict[str, Any]:
        """Return what the desk sees and believes: its mirror's best levels, its position, its wire.

        Args:
            levels: Of each side; prices of those that are not there are ``None``.
        """
        world = self._worlds[self._row]
        desk = world["desk"]
        shown: dict[str, Any] = {"mid_ticks": int(desk["mid"]) / 2}
        for name, side in _SIDES:
            found = read_levels(desk["book"], side, levels).tolist()
            for level in range(levels):
                price, lots = found[level] if level < len(found) else (None, 0)
                shown[f"{name}_{level + 1}_ticks"] = price
                shown[f"{name}_{level + 1}_lots"] = lots
        return shown | {
            "feed_age_ns": int(world["now_ns"] - desk["feed_ns"]),
            "round_trip_ns": int(desk["round_trip_ns"]),
            "gap": bool(desk["gap"]),
            "position_lots": int(desk["position"]),
            "filled_lots": int(desk["filled_lots"]),
            "live_orders": int(desk["live"]),
            "pending_requests": int(desk["pending"]),
        }

    def ledger(self) -> dict[str, int]:
        """Return the split and what it is made of, in integers; money in 1e-6 of the account currency."""
        parts = self._tasks["parts"][self._row]
        split = {f"{name}_micro": int(part) for name, part in zip(SPLIT_NAMES, parts, strict=True)}
        ledger = self._worlds[self._row]["ledger"]
        return split | {
            "cash_half_tick_lots": int(ledger["cash"]),
            "paid_fees_micro": int(ledger["fees_micro"]),
            "position_lots": int(ledger["position"]),
            "filled_lots": int(ledger["filled_lots"]),
            "taker_lots": int(ledger["taker_lots"]),
            "fills": int(ledger["fills"]),
            "substituted_marks": int(ledger["substituted"]),
        }
