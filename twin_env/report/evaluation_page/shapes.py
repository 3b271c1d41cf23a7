"""What figures are drawn with, and the axes they are drawn on. Coordinates grow to the right and downwards."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

from twin_env.report.evaluation_page.document import Parts

WIDTH: Final = 400.0
"""Of every figure: on a phone it fills the screen, elsewhere two stand side by side."""
LINE: Final = 15.0
"""Height of a line of text."""
_STEPS: Final = (1.0, 2.0, 2.5, 5.0, 10.0)


@dataclass(frozen=True)
class Bar:
    """A rectangle; ``kind`` is ``gain``, ``loss``, ``total`` or ``count``."""

    x: float
    y: float
    width: float
    height: float
    kind: str
    type: str = field(default="bar", init=False)


@dataclass(frozen=True)
class Rule:
    """A straight line; ``kind`` is ``axis``, ``zero``, ``grid``, ``interval``, ``median`` or ``link``."""

    x1: float
    y1: float
    x2: float
    y2: float
    kind: str
    type: str = field(default="rule", init=False)


@dataclass(frozen=True)
class Curve:
    """A line through points; ``kind`` is ``series-0`` ... ``series-5``, or ``area``."""

    points: str
    kind: str
    type: str = field(default="curve", init=False)


@dataclass(frozen=True)
class Mark:
    """A small sign; ``kind`` is ``series-0`` ... ``series-5``, which differ in shape, or ``dot``."""

    x: float
    y: float
    kind: str
    type: str = field(default="mark", init=False)


@dataclass(frozen=True)
class Label:
    """Text; ``anchor`` is ``start``, ``middle`` or ``end``, ``kind`` is ``name``, ``value`` or ``tick``."""

    x: float
    y: float
    parts: Parts
    anchor: str = "start"
    kind: str = "name"
    type: str = field(default="label", init=False)


Shape = Bar | Rule | Curve | Mark | Label


@dataclass(frozen=True)
class Axis:
    """Places of values along a line; ``begin`` is where ``low`` is, ``end`` where ``high`` is."""

    low: float
    high: float
    begin: float
    end: float

    @classmethod
    def over(cls, values: Iterable[float | None], begin: float, end: float, *, zero: bool = True) -> "Axis":
        """Return an axis over all finite values, and zero if it is to be on it."""
        known = [value for value in values if value is not None and math.isfinite(value)] + ([0.0] if zero else [])
        low, high = min(known, default=0.0), max(known, default=1.0)
        return cls(low, high, begin, end) if high > low else cls(low - 0.5, high + 0.5, begin, end)

    def __call__(self, value: float) -> float:
        """Return the place of a value."""
        return round(self.begin + (value - self.low) / (self.high - self.low) * (self.end - self.begin), 1)

    def ticks(self, most: int = 4) -> list[float]:
        """Return round values on the axis."""
        step = self._step(most)
        first, last = math.ceil(self.low / step - 1e-9), math.floor(self.high / step + 1e-9)
        return [number * step for number in range(first, last + 1)]

    def _step(self, most: int) -> float:
        least = (self.high - self.low) / most
        power = 10.0 ** math.floor(math.log10(least))
        return next(power * step for step in _STEPS if power * step >= least * (1.0 - 1e-9))


def path(xs: Sequence[float], ys: Sequence[float]) -> str:
    """Return points as SVG writes them."""
    return " ".join(f"{x:g},{y:g}" for x, y in zip(xs, ys, strict=True))


def steps(xs: Sequence[float], ys: Sequence[float]) -> str:
    """Return points of a line that keeps each value until the next one."""
    points = [(xs[0], ys[0])]
    for x, y in zip(xs[1:], ys[1:], strict=True):
        points += [(x, points[-1][1]), (x, y)]
    return path([x for x, _ in points], [y for _, y in points])


def tick_label(value: float) -> str:
    """Write a value of an axis: short, with a minus that is one."""
    text = f"{value:,.0f}" if abs(value) >= 1000 else f"{value:g}"
    return text.replace("-", "\u2212") if value else "0"


def bottom_axis(axis: Axis, top: float, bottom: float, most: int = 4) -> list[Shape]:
    """Return ticks, their labels and light lines of a horizontal axis."""
    shapes: list[Shape] = []
    for value in axis.ticks(most):
        x = axis(value)
        shapes.append(Rule(x, top, x, bottom, "zero" if value == 0 else "grid"))
        shapes.append(Label(x, bottom + LINE - 2, (tick_label(value),), "middle", "tick"))
    return shapes


def left_axis(axis: Axis, left: float, right: float, most: int = 4) -> list[Shape]:
    """Return ticks, their labels and light lines of a vertical axis."""
    shapes: list[Shape] = []
    for value in axis.ticks(most):
        y = axis(value)
        shapes.append(Rule(left, y, right, y, "zero" if value == 0 else "grid"))
        shapes.append(Label(left - 5, y + 4, (tick_label(value),), "end", "tick"))
    return shapes
