"""Markouts: what a fill was worth a while later, by who was on the other side."""

import math
from collections.abc import Sequence
from typing import Any, Final

from twin_env.report.evaluation_page.blocks import Block, Figure, Figures, Paragraph, Section, Table
from twin_env.report.evaluation_page.document import Document, Parts, known_interval
from twin_env.report.evaluation_page.shapes import (
    WIDTH,
    Axis,
    Curve,
    Label,
    Mark,
    Rule,
    Shape,
    left_axis,
    path,
    tick_label,
)

_LEFT: Final = 50.0
_RIGHT: Final = WIDTH - 18.0
_TOP: Final = 26.0
_KEY: Final = 10.0
_BOTTOM: Final = 150.0
_ALL: Final = "all"
_LIQUIDITY: Final = ("maker", "taker", "all")
_ALTERNATIVE: Final = (
    "Lines over the time since the fill, one for fills that rested and one for fills that took: their value for one "
    "lot against the price paid. The figures are those of the table below."
)


def make_markouts(document: Document) -> Section | None:
    """Return the markout curve of each policy and the table of all groups; ``None`` where none were recorded."""
    places = [place for place in document.policies if document.get(f"policies.{place}.markouts.groups")]
    if not places:
        return None
    note = (
        "The markout of a fill is what its lot gained by the mid some seconds later: the spread it earned (or paid, "
        "when it took) and the drift of the mid after it. A fill is toxic when the drift went against it. Who was on "
        "the other side is known here and never to a policy."
    )
    blocks: list[Block] = [
        Paragraph((note,)),
        Figures([draw_markouts(document, place) for place in places]),
        *(_table(document, place) for place in places),
    ]
    return Section("markouts", "Markouts", blocks)


def draw_markouts(document: Document, place: int) -> Figure:
    """Return markouts against time on a logarithmic axis, of fills against everybody."""
    root = f"policies.{place}.markouts"
    horizons: list[float] = document.get(f"{root}.horizons_s")
    groups = [group for group in document.get(f"{root}.groups") if group["counterparty"] == _ALL]
    every = [known_interval(each) for group in groups for each in group["markout_ccy"]]
    ends = [each[key] for each in every for key in ("low", "mean", "high")]
    x = Axis(math.log10(horizons[0]) - 0.1, math.log10(horizons[-1]) + 0.1, _LEFT, _RIGHT)
    y = Axis.over(ends, _BOTTOM, _TOP)
    xs = [x(math.log10(horizon)) for horizon in horizons]
    shapes: list[Shape] = left_axis(y, _LEFT, _RIGHT)
    for place_x, horizon in zip(xs, horizons, strict=True):
        shapes.append(Label(place_x, _BOTTOM + 14, (f"{tick_label(horizon)} s",), "middle", "tick"))
    for number, group in enumerate(groups):
        shapes += _curve(group, number, xs, y)
    title: Parts = (document.name(place), f": markout of a lot, {document.data['currency']}, by time since the fill")
    return Figure(title, _ALTERNATIVE, WIDTH, _BOTTOM + 20, shapes)


def _curve(group: dict[str, Any], number: int, xs: Sequence[float], y: Axis) -> list[Shape]:
    every = [(x + 3.0 * number, known_interval(each)) for x, each in zip(xs, group["markout_ccy"], strict=True)]
    points = [(x, each) for x, each in every if each["mean"] is not None]
    kind = f"series-{_LIQUIDITY.index(group['liquidity'])}"
    shapes: list[Shape] = [Curve(path([x for x, _ in points], [y(each["mean"]) for _, each in points]), kind)]
    for x, each in points:
        if each["low"] is not None and each["high"] is not None:
            shapes.append(Rule(x, y(each["low"]), x, y(each["high"]), "interval thin"))
        shapes.append(Mark(x, y(each["mean"]), kind))
    shapes.append(Mark(_LEFT + 6 + 70 * number, _KEY, kind))
    shapes.append(Label(_LEFT + 15 + 70 * number, _KEY + 4, (group["liquidity"],), kind="tick"))
    return shapes


def _table(document: Document, place: int) -> Table:
    root = f"policies.{place}.markouts"
    horizons = range(len(document.get(f"{root}.horizons_s")))
    rows: list[list[Parts]] = []
    for number in range(len(document.get(f"{root}.groups"))):
        rows += [
            _row(document, f"{root}.groups.{number}", horizon, f"{root}.horizons_s.{horizon}") for horizon in horizons
        ]
    level: Parts = (document.number("confidence", "percent"), " interval")
    columns: list[Parts] = [("against",), ("as",), ("lots",), ("after",), ("spread earned",), ("drift",)]
    columns += [("markout",), level, ("toxic",)]
    title: Parts = (document.name(place), f": for one lot, {document.data['currency']}")
    return Table(title, columns, rows, words=frozenset({0, 1}), is_sorted=True)


def _row(document: Document, group: str, horizon: int, after: str) -> list[Parts]:
    return [
        (document.number(f"{group}.counterparty", "text"),),
        (document.number(f"{group}.liquidity", "text"),),
        (document.number(f"{group}.lots", "count"),),
        (document.number(after, "horizon"),),
        (document.number(f"{group}.spread_earned_ccy.mean", "ccy+"),),
        (document.number(f"{group}.drift_ccy.{horizon}.mean", "ccy+"),),
        *document.mean_and_interval(f"{group}.markout_ccy.{horizon}", "ccy+"),
        (document.number(f"{group}.toxic_share.{horizon}", "share"),),
    ]
