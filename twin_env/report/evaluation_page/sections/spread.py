"""A figure of how values are spread over episodes or trades: a histogram."""

from typing import Any, Final

from twin_env.report.evaluation_page.blocks import Figure
from twin_env.report.evaluation_page.document import Document, Parts
from twin_env.report.evaluation_page.shapes import WIDTH, Axis, Bar, Label, Rule, Shape, bottom_axis

_LEFT: Final = 8.0
_RIGHT: Final = WIDTH - 8.0
_BOTTOM: Final = 96.0
_TOP: Final = 18.0
_ALTERNATIVE: Final = (
    "A histogram: bars count how many fall between two values; lines mark zero and the median. The table below has "
    "the figures."
)


def draw_spread(document: Document, place: int, unit: str = "") -> Figure:
    """Return how the objective is spread over the episodes of a policy."""
    root = f"derived.distributions.{place}"
    title: Parts = (
        document.number(f"{root}.policy", "text"),
        ": ",
        document.number(f"{root}.n", "count"),
        f" episodes by {document.get('derived.objective.title')}{unit}",
    )
    return draw_histogram(document.get(root), title, document.get(f"{root}.median"))


def draw_histogram(spread: dict[str, Any], title: Parts, median: float | None = None) -> Figure:
    """Return bars over bins.

    Args:
        spread: ``edges`` and ``counts``.
        title: Of the figure.
        median: Where a line is drawn.
    """
    edges, counts = spread["edges"], spread["counts"]
    axis, top = Axis(edges[0], edges[-1], _LEFT, _RIGHT), max(max(counts), 1)
    height = Axis(0.0, float(top), _BOTTOM, _TOP)
    shapes: list[Shape] = bottom_axis(axis, _TOP, _BOTTOM)
    for low, high, count in zip(edges[:-1], edges[1:], counts, strict=True):
        if count:
            shapes.append(
                Bar(axis(low) + 0.5, height(count), axis(high) - axis(low) - 1.0, _BOTTOM - height(count), "count")
            )
    shapes.append(Rule(_LEFT, _BOTTOM, _RIGHT, _BOTTOM, "axis"))
    if median is not None:
        x = axis(median)
        anchor = "end" if x > WIDTH * 0.8 else "start"
        shapes += [Rule(x, _TOP - 6, x, _BOTTOM, "median"), Label(x, _TOP - 7, ("median",), anchor, "tick")]
    return Figure(title, _ALTERNATIVE, WIDTH, _BOTTOM + 20, shapes)
