"""Where the desk's orders stood, and what filled, as the stream tells: what the explorer of episodes draws."""

from typing import Any, Final

from twin_env.core.state import codes
from twin_env.core.stream import ARRIVED, SENT

Row = dict[str, Any]

MOST_ROWS: Final = 600
"""Spans and fills of an episode each; later ones are counted and left out."""
_STOPS: Final = (codes.STOP, codes.STOP_LIMIT)
_STANDS: Final = (codes.ACCEPTED, codes.REPLACED, codes.TRIGGERED)


class OwnOrders:
    """Follows orders and fills of the desk.

    Attributes:
        spans: From when to when an order stood at one price, in nanoseconds and ticks.
        fills: Of own orders.
        position_lots: At the exchange.
        filled_lots: So far, of both sides.
        left_out: Spans and fills that there was no room for.
    """

    def __init__(self) -> None:
        self.spans: list[Row] = []
        self.fills: list[Row] = []
        self.position_lots = self.filled_lots = self.left_out = 0
        self._standing: dict[int, Row] = {}
        self._asked: dict[int, Row] = {}
        self._lots: dict[int, int] = {}

    @property
    def working(self) -> int:
        """Orders that stand at the exchange."""
        return len(self._standing)

    def ask(self, entry: Any) -> None:
        """Note the terms of a request that was sent or has arrived: a ``REQUEST_ENTRY``."""
        if entry["flag"] not in (SENT, ARRIVED) or entry["kind"] == codes.CANCEL:
            return
        waits = int(entry["type"]) in _STOPS
        price = int(entry["trigger"] if waits else entry["price"])
        is_market = int(entry["type"]) == codes.MARKET
        known = {"price": None if is_market else price, "waits": waits, "side": int(entry["side"])}
        self._asked[int(entry["client"])] = known

    def see(self, entry: Any) -> None:
        """Note what the exchange did to an own order: an ``EXCHANGE_ENTRY``."""
        kind, client = int(entry["kind"]), int(entry["client"])
        if entry["owner"] != codes.DESK or client == 0:
            return
        if kind in _STANDS:
            self._stand(entry, client)
        elif kind == codes.CANCELLED:
            self._end(client, int(entry["ts_ns"]))

    def fill(self, entry: Any, touches: Row) -> None:
        """Note a fill, a ``MARK_ENTRY``, with what else is known of its moment."""
        client, lots, side = int(entry["client"]), int(entry["lots"]), int(entry["side"])
        self.position_lots += side * lots
        self.filled_lots += lots
        row = {"t_ns": int(entry["ts_ns"]), "order": client, "side": side, "price": int(entry["price"]), "lots": lots}
        self._add(self.fills, row | {"rested": bool(entry["flag"])} | touches)
        self._lots[client] = self._lots.get(client, lots) - lots
        if self._lots[client] <= 0:
            self._end(client, int(entry["ts_ns"]))

    def end(self, ts_ns: int) -> None:
        """Note that the episode is over."""
        for client in list(self._standing):
            self._end(client, ts_ns)

    def _stand(self, entry: Any, client: int) -> None:
        self._end(client, int(entry["ts_ns"]))
        asked = self._asked.get(client)
        self._lots[client] = int(entry["lots"])
        if asked is None or asked["price"] is None:
            return
        triggered = entry["kind"] == codes.TRIGGERED
        span = {"begin_ns": int(entry["ts_ns"]), "order": client, "lots": int(entry["lots"])}
        price = int(entry["price"]) if triggered else asked["price"]
        self._standing[client] = span | asked | {"price": price, "waits": asked["waits"] and not triggered}

    def _end(self, client: int, ts_ns: int) -> None:
        span = self._standing.pop(client, None)
        if span is not None and ts_ns > span["begin_ns"]:  # what filled as it arrived never stood anywhere
            self._add(self.spans, span | {"end_ns": ts_ns})

    def _add(self, rows: list[Row], row: Row) -> None:
        if len(rows) < MOST_ROWS:
            rows.append(row)
        else:
            self.left_out += 1
