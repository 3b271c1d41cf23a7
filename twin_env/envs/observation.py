"""What every environment shows of a desk: market, book, flow and link, each group with the kernel that writes it.

Prices are relative to the own touch and signed by a side, so that a mirrored market looks the same to
whoever buys in one and sells in the other. A trader without a side looks from the buyer's.
"""

import math
from typing import Annotated, Any, Final, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from twin_env.config import Config
from twin_env.core.desk.desk import SENT, desk_touch
from twin_env.core.exchange import ladder
from twin_env.core.faults.modifiers import CLOCK_SKEW
from twin_env.core.state.jit import i64, kernel
from twin_env.core.state.layout import NONE
from twin_env.core.wire.links import in_flight
from twin_env.envs.layout import CLIP, LOG_SCALE, Feature, Layout, logged, plain

MINIMAL: Final = "minimal"
BOOK: Final = "book"


class ObservationConfig(Config):
    """What an observation holds.

    Attributes:
        preset: ``minimal`` is the task, the touch, the link and the own orders; ``book`` adds the levels,
            ``book+flow`` what was printed since the last step.
        levels: Book levels per side.
        frames: Steps shown side by side, the latest last; before an episode's start stands its first.
        form: ``flat`` is one array, ``dict`` an array per group.
    """

    preset: Literal["minimal", "book", "book+flow"] = "book+flow"
    levels: Annotated[int, Field(ge=1, le=20)] = 5
    frames: Annotated[int, Field(ge=1, le=64)] = 1
    form: Literal["flat", "dict"] = "flat"


TICKS: Final = 10.0  # scale of distances inside the book
DRIFT_TICKS: Final = 100.0
_LOG: Final = math.log1p(LOG_SCALE)
_AGE_MS: Final = 1000.0
_NS_PER_MS: Final = 1e6

FLOW: Final = (
    logged("with_lots", "lots", "printed volume of aggressors on the order's side since the last step"),
    logged("against_lots", "lots", "printed volume of aggressors on the other side since the last step"),
    logged("trades", "prints", "prints since the last step"),
    logged("updates", "messages", "market data messages since the last step"),
)
LINK: Final = (
    plain("feed_age_ms", "ms", _AGE_MS, "age of the newest market data", 0.0),
    plain("round_trip_ms", "ms", _AGE_MS, "latest heartbeat, there and back", 0.0),
    logged("pending", "requests", "requests that were not answered"),
    logged("unacknowledged_lots", "lots", "lots of new orders that were not answered"),
    plain("gap", "", 1.0, "1 while market data is known to be missing", 0.0, 1.0),
)


def book_features(levels: int) -> tuple[Feature, ...]:
    """Return the features of so many levels a side."""
    features = []
    for name, meaning in (("own", "own side"), ("opposite", "opposite side")):
        for level in range(1, levels + 1):
            where = f"level {level} of the {meaning}"
            features.append(plain(f"{name}_{level}_ticks", "ticks", TICKS, f"own touch to {where}, outwards", 0.0))
            features.append(logged(f"{name}_{level}_lots", "lots", f"lots at {where}; 0 where there is none"))
    return tuple(features)


FLOW_FIELDS: Final = (
    ("seen_bought", "i8"),  # desk counters one step ago
    ("seen_sold", "i8"),
    ("seen_trades", "i8"),
    ("seen_updates", "i8"),
    ("bought", "i8"),  # lots that aggressors bought during the latest step, as the desk heard
    ("sold", "i8"),
    ("trades", "i8"),
    ("updates", "i8"),
)
"""What a task's record remembers for the ``flow`` group."""


SHOWN_FIELDS: Final = (
    ("width", "i8"),  # numbers of one frame of an observation
    ("show_book", "i8"),
    ("show_flow", "i8"),
    ("levels", "i8"),
)
"""What params say of the groups below."""


def shown_groups(shown: ObservationConfig) -> dict[str, tuple[Feature, ...]]:
    """Return the groups that every environment shows by preset; :func:`write_shown` writes them."""
    groups = {}
    if shown.preset != MINIMAL:
        groups["book"] = book_features(shown.levels)
        if shown.preset != BOOK:
            groups["flow"] = FLOW
    return groups | {"link": LINK}


def compile_shown(params: NDArray[np.void], shown: ObservationConfig, layout: Layout) -> None:
    """Write ``SHOWN_FIELDS``."""
    params["width"] = len(layout.features)
    params["show_book"] = "book" in layout.groups
    params["show_flow"] = "flow" in layout.groups
    params["levels"] = shown.levels


@kernel
def scale(value: float, unit: float, low: float) -> float:
    """Encode a plain feature."""
    return min(max(value / unit, low), CLIP)


@kernel
def log_scale(value: float) -> float:
    """Encode a logarithmic feature of a count."""
    return min(math.log1p(max(value, 0.0)) / _LOG, CLIP)


@kernel
def imbalance(desk: Any, side: int) -> float:
    """Return (own - opposite) / (own + opposite) lots at the touch, 0 where there are none."""
    own = _touch_lots(desk, side)
    opposite = _touch_lots(desk, -side)
    return 0.0 if own + opposite == 0 else (own - opposite) / (own + opposite)


@kernel
def _touch_lots(desk: Any, side: int) -> int:
    level = ladder.touch(desk.book, side)
    return i64(0) if level == NONE else i64(desk.book.levels[level].lots)


@kernel
def write_book(world: Any, side: int, levels: int, out: Any, place: int) -> int:
    """Write the ``book`` group and return the next place."""
    touch = desk_touch(world, side)
    place = _write_side(world.desk, side, touch, levels, out, place)
    return i64(_write_side(world.desk, -side, touch, levels, out, place))


@kernel
def _write_side(desk: Any, side: int, touch: int, levels: int, out: Any, place: int) -> int:
    """Write distance from ``touch`` and lots of the best levels of one side, and return the next place."""
    mirror = desk.book
    row = ladder.row_of(side)
    last = mirror.count[row] - 1
    for depth in range(levels):
        if depth <= last:
            price = side * mirror.key[row, last - depth]
            out[place] = scale(float(side * (touch - price)), TICKS, 0.0)
            out[place + 1] = log_scale(float(mirror.levels[mirror.level[row, last - depth]].lots))
        else:
            out[place] = CLIP
            out[place + 1] = 0.0
        place += 2
    return i64(place)


@kernel
def write_flow(task: Any, side: int, out: Any, place: int) -> int:
    """Write the ``flow`` group and return the next place."""
    out[place] = log_scale(float(task.bought if side > 0 else task.sold))
    out[place + 1] = log_scale(float(task.sold if side > 0 else task.bought))
    out[place + 2] = log_scale(float(task.trades))
    out[place + 3] = log_scale(float(task.updates))
    return place + 4


@kernel
def write_link(world: Any, out: Any, place: int) -> int:
    """Write the ``link`` group and return the next place."""
    desk = world.desk
    # By the desk's own clock, which may be wrong.
    out[place] = scale(feed_age_ms(world) + world.modifiers[CLOCK_SKEW] / _NS_PER_MS, _AGE_MS, 0.0)
    out[place + 1] = scale(desk.round_trip_ns / _NS_PER_MS, _AGE_MS, 0.0)
    out[place + 2] = log_scale(float(desk.pending))
    out[place + 3] = log_scale(float(_unacknowledged_lots(desk)))
    out[place + 4] = desk.gap
    return place + 5


@kernel
def _unacknowledged_lots(desk: Any) -> int:
    lots = i64(0)
    if desk.pending == 0:
        return lots
    for row in range(desk.orders.shape[0]):
        order = desk.orders[row]
        if order.state == SENT:
            lots += order.lots
    return lots


@kernel
def write_shown(world: Any, task: Any, params: Any, side: int, out: Any, place: int) -> int:
    """Write book, flow and link as far as they are shown, seen from a side, and return the next place."""
    if params.show_book:
        place = write_book(world, side, i64(params.levels), out, place)
    if params.show_flow:
        place = write_flow(task, side, out, place)
    return i64(write_link(world, out, place))


@kernel
def open_frame(out: Any, width: int) -> int:
    """Move the frames of a flat observation one back and return where the new one begins."""
    last = out.shape[0] - width
    for place in range(last):
        out[place] = out[place + width]
    return i64(last)


@kernel
def fill_frames(out: Any, width: int) -> None:
    """Show the latest frame in all places: of an episode that has no past."""
    last = out.shape[0] - width
    for place in range(last):
        out[place] = out[last + place % width]


@kernel
def feed_age_ms(world: Any) -> float:
    """Return the age of the desk's newest market data in milliseconds."""
    return float((world.now_ns - world.desk.feed_ns) / _NS_PER_MS)


@kernel
def requests_in_flight(world: Any) -> int:
    """Return how many requests and reports are on the wire."""
    return in_flight(world.order_link) + in_flight(world.report_link)


@kernel
def remember_flow(desk: Any, task: Any) -> None:
    """Keep the desk's counters, and what they grew by since the last call."""
    task.bought = desk.bought_lots - task.seen_bought
    task.sold = desk.sold_lots - task.seen_sold
    task.trades = desk.trades - task.seen_trades
    task.updates = desk.updates - task.seen_updates
    task.seen_bought = desk.bought_lots
    task.seen_sold = desk.sold_lots
    task.seen_trades = desk.trades
    task.seen_updates = desk.updates


@kernel
def forget_flow(desk: Any, task: Any) -> None:
    """Begin to count the flow now."""
    remember_flow(desk, task)
    task.bought = 0
    task.sold = 0
    task.trades = 0
    task.updates = 0
