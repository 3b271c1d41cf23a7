"""The observation: what the desk knows, flat, named, scaled, in a fixed layout.

``LAYOUT.features`` and the kernel ``observe`` list the same things in the same order;
a test reads every feature back from a world and compares. Prices are relative to the
own touch and signed by the parent's side, so that a mirrored market looks the same.
"""

import math
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from twin_env.core import ladder as ladders
from twin_env.core.desk import desk_touch
from twin_env.core.jit import i64, kernel
from twin_env.core.layout import NONE
from twin_env.core.links import in_flight
from twin_env.envs.actions import slot_row, uncommitted_lots

CLIP: Final = 10.0
_TICKS: Final = 10.0  # scale of distances inside the book
_DRIFT_TICKS: Final = 100.0
_LOG_LOTS: Final = math.log1p(100.0)  # a count of 100 becomes 1
_AGE_MS: Final = 1000.0
_NS_PER_MS: Final = 1e6


@dataclass(frozen=True)
class Feature:
    """One number of the observation.

    Attributes:
        name: Unique.
        unit: Of the decoded number.
        scale: Decoded number that becomes 1.
        low: Smallest encoded value.
        high: Largest encoded value.
        logarithmic: Encoded as ``sign(x) log(1 + |x|) / log(1 + scale)`` instead of ``x / scale``.
        meaning: For people.
    """

    name: str
    unit: str
    scale: float
    low: float
    high: float
    logarithmic: bool
    meaning: str

    def decode(self, value: float) -> float:
        """Return the number in its unit; exact up to float32 unless it was clipped."""
        if not self.logarithmic:
            return value * self.scale
        return math.copysign(math.expm1(abs(value) * math.log1p(self.scale)), value)


def _plain(name: str, unit: str, scale: float, meaning: str, low: float = -CLIP, high: float = CLIP) -> Feature:
    return Feature(name, unit, scale, low, high, False, meaning)


def _log(name: str, unit: str, meaning: str, low: float = 0.0) -> Feature:
    return Feature(name, unit, 100.0, low, CLIP, True, meaning)


class Layout:
    """Names, units and places of the numbers of an observation.

    Attributes:
        features: One per number, in order.
        levels: Book levels per side.
        slots: Order slots.
    """

    def __init__(self, levels: int, slots: int) -> None:
        self.levels = levels
        self.slots = slots
        self.features: tuple[Feature, ...] = (*_TASK, *_MARKET, *_book(levels), *_FLOW, *_LINK, *_orders(slots))
        self._places = {feature.name: place for place, feature in enumerate(self.features)}

    def __len__(self) -> int:
        return len(self.features)

    def place(self, name: str) -> int:
        """Return where a feature stands.

        Raises:
            KeyError: There is no such feature.
        """
        return self._places[name]

    def value(self, observation: NDArray[np.float32], name: str) -> float:
        """Return one feature of one observation in its unit."""
        place = self._places[name]
        return self.features[place].decode(float(observation[place]))

    def decode(self, observation: NDArray[np.float32]) -> dict[str, float]:
        """Return every feature of one observation, shape ``(len(layout),)``, in its unit."""
        return {f.name: f.decode(float(x)) for f, x in zip(self.features, observation, strict=True)}

    def table(self) -> str:
        """Return the layout as a Markdown table, as docs/environment.md shows it."""
        rows = ["| Num | Name | Unit | Encoded as | Min | Max | Meaning |", "|---|---|---|---|---|---|---|"]
        for place, f in enumerate(self.features):
            encoding = f"log1p(x) / {math.log1p(f.scale):.3f}" if f.logarithmic else f"x / {f.scale:g}"
            rows.append(f"| {place} | {f.name} | {f.unit} | {encoding} | {f.low:g} | {f.high:g} | {f.meaning} |")
        return "\n".join(rows)

    def bounds(self) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return lowest and highest encoded values, each float32 of shape ``(len(layout),)``."""
        low = np.array([feature.low for feature in self.features], np.float32)
        return low, np.array([feature.high for feature in self.features], np.float32)


_TASK: Final = (
    _plain("time_left", "fraction of the horizon", 1.0, "time to the deadline", 0.0, 1.0),
    _plain("remaining", "fraction of the parent", 1.0, "not filled, as far as the desk knows", 0.0, 1.0),
    _plain("uncommitted", "fraction of the parent", 1.0, "remaining and not in a live order", 0.0, 1.0),
    _log("parent_lots", "lots", "size of the parent order"),
    _plain("side", "", 1.0, "+1 buys, -1 sells", -1.0, 1.0),
)
_MARKET: Final = (
    _plain("spread_ticks", "ticks", _TICKS, "opposite touch minus own touch, along the side"),
    _plain("drift_ticks", "ticks", _DRIFT_TICKS, "mid since the decision, positive when it went against the order"),
    _plain("step_drift_ticks", "ticks", _TICKS, "mid since the last step, positive when it went against the order"),
    _plain("imbalance", "", 1.0, "(own - opposite) / (own + opposite) lots at the touch", -1.0, 1.0),
)
_FLOW: Final = (
    _log("with_lots", "lots", "printed volume of aggressors on the order's side since the last step"),
    _log("against_lots", "lots", "printed volume of aggressors on the other side since the last step"),
    _log("trades", "prints", "prints since the last step"),
    _log("updates", "messages", "market data messages since the last step"),
)
_LINK: Final = (
    _plain("feed_age_ms", "ms", _AGE_MS, "age of the newest market data", 0.0),
    _plain("round_trip_ms", "ms", _AGE_MS, "latest heartbeat, there and back", 0.0),
    _log("pending", "requests", "requests that were not answered"),
    _plain("gap", "", 1.0, "1 while market data is known to be missing", 0.0, 1.0),
)


def _book(levels: int) -> tuple[Feature, ...]:
    features = []
    for name, meaning in (("own", "own side"), ("opposite", "opposite side")):
        for level in range(1, levels + 1):
            where = f"level {level} of the {meaning}"
            features.append(_plain(f"{name}_{level}_ticks", "ticks", _TICKS, f"own touch to {where}, outwards", 0.0))
            features.append(_log(f"{name}_{level}_lots", "lots", f"lots at {where}; 0 where there is none"))
    return tuple(features)


def _orders(slots: int) -> tuple[Feature, ...]:
    features: list[Feature] = []
    for slot in range(1, slots + 1):
        order = f"the order of slot {slot}"
        features += (
            _plain(f"slot_{slot}_live", "", 1.0, f"1 while {order} is sent or working", 0.0, 1.0),
            _plain(f"slot_{slot}_pending", "", 1.0, f"1 while a request about {order} is unanswered", 0.0, 1.0),
            _plain(f"slot_{slot}_offset_ticks", "ticks", _TICKS, f"ticks of {order} behind the own touch"),
            _plain(f"slot_{slot}_left", "fraction of the parent", 1.0, f"lots left of {order}", 0.0, 1.0),
            _log(f"slot_{slot}_ahead_lots", "lots", f"lots before {order} in its queue, as the feed tells"),
        )
    return tuple(features)


@kernel
def _scaled(value: float, scale: float, low: float) -> float:
    return min(max(value / scale, low), CLIP)


@kernel
def _logged(value: float) -> float:
    return min(math.log1p(max(value, 0.0)) / _LOG_LOTS, CLIP)


@kernel
def observe(world: Any, task: Any, levels: int, slots: int, out: Any) -> None:
    """Write the observation of one world.

    Args:
        world: One world.
        task: Its parent order.
        levels: Book levels per side.
        slots: Order slots.
        out: Output, float32 of shape ``(len(Layout(levels, slots)),)``.
    """
    desk = world.desk
    side = task.side
    touch = desk_touch(world, side)
    out[0] = max(task.end_ns - world.now_ns, 0) / max(task.end_ns - task.start_ns, 1)
    out[1] = max(task.lots - desk.filled_lots, 0) / task.lots
    out[2] = uncommitted_lots(world, task) / task.lots
    out[3] = _logged(float(task.lots))
    out[4] = side
    out[5] = _scaled(float(side * (desk_touch(world, -side) - touch)), _TICKS, -CLIP)
    out[6] = _scaled(0.5 * side * (desk.mid - task.decision_mid), _DRIFT_TICKS, -CLIP)
    out[7] = _scaled(0.5 * side * (desk.mid - task.last_mid), _TICKS, -CLIP)
    out[8] = _imbalance(desk, side)
    place = _write_side(desk, side, touch, levels, out, 9)
    place = _write_side(desk, -side, touch, levels, out, place)
    out[place] = _logged(float(task.bought if side > 0 else task.sold))
    out[place + 1] = _logged(float(task.sold if side > 0 else task.bought))
    out[place + 2] = _logged(float(task.trades))
    out[place + 3] = _logged(float(task.updates))
    out[place + 4] = _scaled((world.now_ns - desk.feed_ns) / _NS_PER_MS, _AGE_MS, 0.0)
    out[place + 5] = _scaled(desk.round_trip_ns / _NS_PER_MS, _AGE_MS, 0.0)
    out[place + 6] = _logged(float(desk.pending))
    out[place + 7] = desk.gap
    place += 8
    for slot in range(slots):
        _write_order(world, task, slot, touch, out, place)
        place += 5


@kernel
def _touch_lots(desk: Any, side: int) -> int:
    level = ladders.touch(desk.book, side)
    return i64(0) if level == NONE else i64(desk.book.levels[level].lots)


@kernel
def _imbalance(desk: Any, side: int) -> float:
    own = _touch_lots(desk, side)
    opposite = _touch_lots(desk, -side)
    return 0.0 if own + opposite == 0 else (own - opposite) / (own + opposite)


@kernel
def _write_side(desk: Any, side: int, touch: int, levels: int, out: Any, place: int) -> int:
    """Write distance from ``touch`` and lots of the best levels of one side, and return the next place."""
    mirror = desk.book
    row = ladders.row_of(side)
    last = mirror.count[row] - 1
    for depth in range(levels):
        if depth <= last:
            price = side * mirror.key[row, last - depth]
            out[place] = _scaled(float(side * (touch - price)), _TICKS, 0.0)
            out[place + 1] = _logged(float(mirror.levels[mirror.level[row, last - depth]].lots))
        else:
            out[place] = CLIP
            out[place + 1] = 0.0
        place += 2
    return place


@kernel
def _write_order(world: Any, task: Any, slot: int, touch: int, out: Any, place: int) -> None:
    row = slot_row(world, task, slot)
    if row == NONE:
        for step in range(5):
            out[place + step] = 0.0
        return
    order = world.desk.orders[row]
    out[place] = 1.0
    out[place + 1] = 1.0 if order.pending > 0 else 0.0
    out[place + 2] = _scaled(float(task.side * (touch - order.price)), _TICKS, -CLIP)
    out[place + 3] = max(order.lots - order.filled, 0) / task.lots
    out[place + 4] = _logged(float(max(order.ahead, 0)))


@kernel
def feed_age_ms(world: Any) -> float:
    """Return the age of the desk's newest market data in milliseconds."""
    return float((world.now_ns - world.desk.feed_ns) / _NS_PER_MS)


@kernel
def requests_in_flight(world: Any) -> int:
    """Return how many requests and reports are on the wire."""
    return in_flight(world.order_link) + in_flight(world.report_link)
