"""Effects: the few things the compiled world can do to itself, and what every fault comes down to.

A fault is data; what it does is one or several effects. Each has one mechanism (``core.faults.fault_codes``) and that
mechanism's parameters, by the names and in the units of its record in ``core.state.fault_records``. The first effect
of a fault is on as long as the fault is; the others begin with it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from twin_env.core.faults.fault_codes import MECHANISM_NAMES, MODIFIER
from twin_env.core.state.codes import BUY, SELL
from twin_env.core.state.fault_records import PARAMETERS

NS_PER_S: Final = 1_000_000_000
UP: Final = "up"
DOWN: Final = "down"
FOREVER: Final = -1.0
_ORDER_SIZES: Final = ("wall_lots", "burst_lots", "layer_lots", "order_lots")  # of actors


@dataclass(frozen=True)
class Effect:
    """One effect of a fault.

    Attributes:
        mechanism: What it does, of ``core.faults.fault_codes``.
        duration_s: How long it is on; ``FOREVER`` until the episode ends.
        delay_s: After the fault began.
        side: Of an actor: the side it trades, or whose makers are meant; 0 for both.
        period_s: Between two looks of an actor at the market.
        parameters: The mechanism's own, by name; those that are not given are 0.
    """

    mechanism: int
    duration_s: float
    delay_s: float = 0.0
    side: int = 0
    period_s: float = 0.0
    parameters: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        known = parameter_names(self.mechanism)
        for name in self.parameters:
            if name not in known:
                wanted = f"one of {', '.join(known)}" if known else "none"
                raise ValueError(f"{MECHANISM_NAMES[self.mechanism]} has no parameter {name!r}, expected {wanted}")

    @property
    def largest_order_lots(self) -> int:
        """Lots of the largest order that its actor is told to send; 0 without an actor.

        What a path takes out of the book on its way depends on the book and is not part of it.
        """
        return max((int(self.parameters.get(name, 0)) for name in _ORDER_SIZES), default=0)

    def fill_in(self, effect: Any) -> None:
        """Write it into a ``layout.EFFECT`` record; when it begins is left to who compiles the fault."""
        effect["mechanism"] = self.mechanism
        effect["side"] = self.side
        effect["duration_ns"] = -1 if self.duration_s == FOREVER else round(self.duration_s * NS_PER_S)
        effect["period_ns"] = round(self.period_s * NS_PER_S)
        for name, value in self.parameters.items():
            effect["parameters"][MECHANISM_NAMES[self.mechanism]][name] = value


def parameter_names(mechanism: int) -> tuple[str, ...]:
    """Return the names of a mechanism's parameters; none for a mechanism without."""
    fields: Mapping[str, Any] = PARAMETERS.fields or {}
    name = MECHANISM_NAMES[mechanism]
    return (fields[name][0].names or ()) if name in fields else ()


def modify(modifier: int, value: float, duration_s: float, *, delay_s: float = 0.0, ramp_s: float = 0.0) -> Effect:
    """Return the effect that sets a modifier.

    Args:
        modifier: Which, of ``core.faults.modifiers``.
        value: What it is combined with, by its rule.
        duration_s: How long; ``FOREVER`` until the episode ends.
        delay_s: After the fault began.
        ramp_s: Time over which the value grows from 0.
    """
    parameters = {"modifier": modifier, "value": value, "ramp_ns": round(ramp_s * NS_PER_S)}
    return Effect(MODIFIER, duration_s, delay_s=delay_s, parameters=parameters)


def side_of(direction: str) -> int:
    """Return +1 for up or buy, -1 for down or sell."""
    return BUY if direction in (UP, "buy") else SELL
