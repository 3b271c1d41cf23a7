"""The split of a stretch of time, added up from recorded entries in integers."""

from dataclasses import dataclass, field, fields
from typing import Any, Final, Self

from twin_env.alpha.fills import PARTS
from twin_env.core.ledger import SPLIT_NAMES
from twin_env.core.stream import DUE, SETTLED

_MICRO: Final = 1e-6


@dataclass(frozen=True)
class Split:
    """Where the money went, in 1e-6 of the account currency; strategy + execution are net, its parts execution."""

    net: int = 0
    strategy: int = 0
    execution: int = 0
    timing: int = 0
    latency: int = 0
    spread: int = 0
    impact: int = 0
    queue_wait: int = 0
    spread_earned: int = 0
    opportunity: int = 0
    fees: int = 0

    def __sub__(self, other: "Split") -> "Split":
        return Split(*(mine - theirs for mine, theirs in zip(self.micro, other.micro, strict=True)))

    def __add__(self, other: "Split") -> "Split":
        return Split(*(mine + theirs for mine, theirs in zip(self.micro, other.micro, strict=True)))

    @property
    def micro(self) -> tuple[int, ...]:
        """All of it, in the order of ``SPLIT_NAMES``."""
        return tuple(getattr(self, name) for name in SPLIT_NAMES)

    @property
    def ccy(self) -> dict[str, float]:
        """All of it by name, in account currency."""
        return {name: getattr(self, name) * _MICRO for name in SPLIT_NAMES}


assert tuple(one.name for one in fields(Split)) == SPLIT_NAMES


@dataclass
class RunningSplit:
    """What a desk holds and has paid, in fact and in theory, half-ticks x lots, as entries add to it.

    Attributes:
        half_tick_micro: Money of half a tick of one lot.
    """

    half_tick_micro: int
    position: int = 0
    cash: int = 0
    theory_lots: int = 0
    theory_value: int = 0
    settled: int = 0  # opportunity of what was closed in theory
    fees_micro: int = 0
    parts: dict[str, int] = field(default_factory=dict)

    def copy(self) -> Self:
        """Return one that goes its own way from here."""
        return type(self)(**{**vars(self), "parts": dict(self.parts)})

    @property
    def is_flat(self) -> bool:
        """Whether neither fact nor theory holds anything, so that no price changes the split."""
        return self.position == 0 and self.theory_lots == 0

    def follow_fill(self, fill: Any) -> None:
        """Add a ``FILL``."""
        signed = int(fill["side"]) * int(fill["lots"])
        self.position += signed
        self.cash -= 2 * signed * int(fill["price"])
        self.fees_micro += int(fill["fee_micro"])
        for name in PARTS:
            self.parts[name] = self.parts.get(name, 0) + int(fill[name])

    def follow_intent(self, entry: Any) -> None:
        """Add an ``INTENT_ENTRY``: what comes due trades in theory at its desired price, what is settled at the mid."""
        lots = int(entry["lots"])
        if entry["kind"] == DUE:
            self.theory_lots += int(entry["side"]) * lots
            self.theory_value += int(entry["side"]) * lots * int(entry["price"])
        elif entry["kind"] == SETTLED:
            mid = int(entry["mid"])
            self.settled -= lots * mid - int(entry["value"])
            self.theory_lots -= lots
            self.theory_value -= lots * mid

    def at(self, mid: int) -> Split:
        """Return the split with everything that is open marked at a mid, half-ticks."""
        money = self.half_tick_micro
        net = (self.cash + self.position * mid) * money - self.fees_micro
        strategy = (self.theory_lots * mid - self.theory_value) * money
        parts = {name: amount * money for name, amount in self.parts.items()}
        parts |= {"fees": -self.fees_micro, "opportunity": (self.settled - self._open_at(mid)) * money}
        return Split(net=net, strategy=strategy, execution=sum(parts.values()), **parts)

    def _open_at(self, mid: int) -> int:
        """Return what theory has that fact has not, and is not settled, at a mid.

        Its lots are all that theory and fact differ by. Its value follows from what went into it: desired prices of
        what came due, prices of fills, less the parts that fills paid between the two, less what was settled since.
        """
        lots = self.theory_lots - self.position
        value = self.theory_value + self.cash - sum(self.parts.values()) - self.settled
        return lots * mid - value
