"""Journeys of a desk's orders: sent, at the exchange, in its queue, filled, acknowledged, over."""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from twin_env.core.state import codes
from twin_env.core.state.codes import NEVER_NS
from twin_env.core.state.layout import NONE, record
from twin_env.core.stream import ARRIVED, DROPPED, HELD, SENT
from twin_env.core.wire.feed import ADDED
from twin_env.twin.stream import Batch

ORDER: Final = record(
    [
        ("order", "i8"),  # the desk's number for it
        ("decision", "i8"),  # number of the one that it carries out: its own, or 0 for a parent order
        ("sent_ns", "i8"),  # all times are NEVER_NS where it never came to that
        ("at_exchange_ns", "i8"),
        ("acknowledged_ns", "i8"),  # first report that reached the desk
        ("rested_ns", "i8"),  # when it first stood in the book
        ("first_fill_ns", "i8"),
        ("last_fill_ns", "i8"),
        ("cancel_sent_ns", "i8"),  # first request to cancel it
        ("over_ns", "i8"),  # when the desk heard that it is over
        ("lots", "i8"),
        ("filled_lots", "i8"),
        ("maker_lots", "i8"),
        ("late_lots", "i8"),  # filled at the exchange after a cancel was sent: the race was lost
        ("lots_ahead", "i8"),  # in its queue when it first stood there, NONE if it never did
        ("price", "i8"),  # ticks, as sent
        ("trigger", "i8"),
        ("replaces", "i8"),  # requests to move it
        ("side", "i1"),
        ("type", "i1"),  # of ``codes``
        ("role", "i1"),  # in its group, of ``core.conditions``
        ("reason", "i1"),  # why it ended, of ``codes``
        ("group", "i2"),  # NONE for one that stands alone; numbers are used again
        ("end", "i1"),  # kind of the report that ended it, 0 while it lives
    ]
)
"""One order."""

_TIMES: Final = tuple(name for name in ORDER.names or () if name.endswith("_ns"))


class OrderJourneys:
    """Collects what a stream says of each order of a desk."""

    def __init__(self) -> None:
        self._orders: dict[int, NDArray[np.void]] = {}

    def follow(self, batch: Batch) -> None:
        """Take the next rows of the stream: planes REQUESTS, REPORTS, BOOK and MARKS, each in its order."""
        for request in batch.requests:
            self._follow_request(request)
        book = batch.book
        for added in book[(book["kind"] == ADDED) & (book["client"] > 0)]:
            self._follow_rest(added)
        for mark in batch.marks:
            self._follow_fill(mark)
        for report in batch.reports:
            self._follow_report(report)

    def orders(self, decided: NDArray[np.int64]) -> NDArray[np.void]:
        """Return every order, an ``ORDER`` array by their numbers.

        Args:
            decided: Numbers of the orders that are decisions of their own; the others carry out a parent's.
        """
        if not self._orders:
            return np.zeros(0, ORDER)
        orders = np.concatenate([self._orders[number] for number in sorted(self._orders)])
        orders["decision"] = np.where(np.isin(orders["order"], decided), orders["order"], 0)
        return orders

    def _follow_request(self, request: Any) -> None:
        one = self._orders.get(int(request["client"]))
        stage, kind = int(request["flag"]), int(request["kind"])
        if one is None:
            if kind != codes.NEW or stage not in (SENT, HELD):
                return  # of an order that was there before the record began
            one = self._open(request)
        one["group"], one["role"] = request["group"], request["role"]
        if kind == codes.NEW:
            self._follow_new(one, request, stage)
        elif stage == SENT and kind == codes.CANCEL:
            one["cancel_sent_ns"] = np.minimum(one["cancel_sent_ns"], request["sent_ns"])
        elif stage == SENT:
            one["replaces"] += 1

    def _open(self, request: Any) -> NDArray[np.void]:
        one = self._orders[int(request["client"])] = np.zeros(1, ORDER)
        for name in _TIMES:
            one[name] = NEVER_NS
        one["order"], one["lots_ahead"] = request["client"], NONE
        for name in ("side", "type"):
            one[name] = request[name]
        return one

    @staticmethod
    def _follow_new(one: NDArray[np.void], request: Any, stage: int) -> None:
        for name in ("price", "trigger", "lots"):
            one[name] = request[name]
        if stage == SENT:
            one["sent_ns"] = request["sent_ns"]
        elif stage == ARRIVED:
            one["at_exchange_ns"] = np.minimum(one["at_exchange_ns"], request["ts_ns"])
        elif stage == DROPPED:
            one["over_ns"], one["end"], one["reason"] = request["ts_ns"], codes.CANCELLED, codes.BY_USER

    def _follow_rest(self, added: Any) -> None:
        one = self._orders.get(int(added["client"]))
        if one is not None and one["rested_ns"][0] == NEVER_NS:
            one["rested_ns"], one["lots_ahead"] = added["ts_ns"], added["lots"] - added["change"]

    def _follow_fill(self, mark: Any) -> None:
        one = self._orders.get(int(mark["client"]))
        if one is None:
            return
        one["first_fill_ns"] = np.minimum(one["first_fill_ns"], mark["ts_ns"])
        one["last_fill_ns"] = mark["ts_ns"]
        one["filled_lots"] += mark["lots"]
        one["maker_lots"] += mark["lots"] * mark["flag"]
        one["late_lots"] += mark["lots"] * (mark["ts_ns"] > one["cancel_sent_ns"])

    def _follow_report(self, report: Any) -> None:
        one = self._orders.get(int(report["client"]))
        if one is None:
            return
        one["acknowledged_ns"] = np.minimum(one["acknowledged_ns"], report["ts_ns"])
        if report["final"] and one["end"][0] == 0:
            one["over_ns"], one["end"], one["reason"] = report["ts_ns"], report["kind"], report["reason"]
