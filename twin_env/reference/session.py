"""Messages of the venue: halts, the collecting of orders before an opening, the close."""

from itertools import chain

from twin_env.core.state.codes import BUY, DAY, HALTED, NO_REASON, SELL, SESSION_CLOSE
from twin_env.reference.auction import uncross
from twin_env.reference.matching import Matching
from twin_env.reference.messages import Message


class Session:
    """Whether the venue takes orders, and whether it matches them.

    Attributes:
        halted: No order is accepted and nothing matches.
    """

    def __init__(self, matching: Matching) -> None:
        self.halted = False
        self._matching = matching

    @property
    def matches(self) -> bool:
        """Whether orders trade. O(1)."""
        return not (self.halted or self._matching.collecting)

    @property
    def reopening_ns(self) -> int | None:
        """When a pause ends, ``None`` if none runs; one that is over during a halt lasts as long as that. O(1)."""
        reopen_ns = self._matching.reopen_ns
        return None if reopen_ns is None or self.halted else max(reopen_ns, self._matching.now_ns)

    def check_open(self) -> int:
        """Return why no order is accepted. O(1)."""
        return HALTED if self.halted else NO_REASON

    def check_matching(self) -> int:
        """Return why nothing trades. O(1)."""
        return NO_REASON if self.matches else HALTED

    def halt(self, message: Message) -> None:
        """Stop everything. O(1)."""
        self.halted = True

    def resume(self, message: Message) -> None:
        """End a halt; what was collected before it goes on being collected. Cost of ``open`` otherwise."""
        if self._matching.collecting:
            self.halted = False
        else:
            self.open(message)

    def pre_open(self, message: Message) -> None:
        """End a halt and collect orders until ``open``. O(1)."""
        self.halted = False
        self._matching.stop_matching()

    def open(self, message: Message) -> None:
        """End a halt, uncross, and let orders trade again. Cost of ``uncross``."""
        self.halted = False
        self._matching.stop_matching()
        uncross(self._matching)
        self._matching.go_on_matching()

    def close(self, message: Message) -> None:
        """Expire day orders, halt, and collect no more. O(orders x log L)."""
        resting = chain(self._matching.book.walk(BUY), self._matching.book.walk(SELL))
        for order in [*resting, *self._matching.stops.values()]:
            if order.tif == DAY:
                self._matching.cancel(order, SESSION_CLOSE)
        self.halted = True
        self._matching.stop_collecting()
