"""The capacity curve: what the same policy costs at larger sizes."""

import math
from typing import Final

from twin_env.report.evaluation_page.blocks import Block, Figure, Figures, Paragraph, Section, Table
from twin_env.report.evaluation_page.document import Document, Parts
from twin_env.report.evaluation_page.sections.ladder import UNIT_FORMS
from twin_env.report.evaluation_page.shapes import WIDTH, Axis, Curve, Label, Mark, Rule, Shape, left_axis, path

_LEFT: Final = 50.0
_RIGHT: Final = WIDTH - 24.0
_TOP: Final = 8.0
_BOTTOM: Final = 150.0
_ALTERNATIVE: Final = (
    "A line of the cost over the size on a logarithmic axis, with its intervals. The figures are those of the table "
    "below."
)


def make_capacity(document: Document) -> Section | None:
    """Return the curve and its table; ``None`` where no other size was played."""
    points = document.get("capacity.points")
    if not points:
        return None
    form = UNIT_FORMS.get(document.get("capacity.unit"), "ccy")
    unit = document.data["currency"] if form == "ccy" else "bps"
    level: Parts = (document.number("confidence", "percent"), " interval")
    rows: list[list[Parts]] = []
    for number in range(len(points)):
        point = f"capacity.points.{number}"
        size, lots = document.number(f"{point}.size", "times"), document.number(f"{point}.lots", "one")
        rows.append([(size,), (lots,), *document.mean_and_interval(f"{point}.cost", form)])
    blocks: list[Block] = [
        Paragraph((document.number("capacity.policy", "text"), " in the same episodes at other sizes.")),
        Figures([draw_capacity(document, unit)]),
        Table((f"Cost, {unit}",), [("size",), ("lots",), ("cost",), level], rows),
    ]
    return Section("capacity", "Capacity", blocks)


def draw_capacity(document: Document, unit: str) -> Figure:
    """Return the cost with its intervals against the size, on a logarithmic axis."""
    points = document.get("capacity.points")
    places = [math.log2(point["size"]) for point in points]
    x = Axis(min(places) - 0.2, max(places) + 0.2, _LEFT, _RIGHT)
    costs = [point["cost"] for point in points]
    y = Axis.over([cost[key] for cost in costs for key in ("low", "mean", "high")], _BOTTOM, _TOP)
    xs, means = [x(place) for place in places], [y(cost["mean"]) for cost in costs]
    shapes: list[Shape] = [*left_axis(y, _LEFT, _RIGHT), Curve(path(xs, means), "series-0")]
    for number, (cost, at, mean) in enumerate(zip(costs, xs, means, strict=True)):
        if cost["low"] is not None and cost["high"] is not None:
            shapes.append(Rule(at, y(cost["low"]), at, y(cost["high"]), "interval thin"))
        size = document.number(f"capacity.points.{number}.size", "times")
        shapes += [Mark(at, mean, "series-0"), Label(at, _BOTTOM + 14, (size,), "middle", "value")]
    return Figure((f"Cost by size, {unit}",), _ALTERNATIVE, WIDTH, _BOTTOM + 20, shapes)
