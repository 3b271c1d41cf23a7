"""Policies against the baseline on the same episodes."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from twin_env.report.evaluation_page.blocks import Block, Figure, Figures, Paragraph, Section, Table
from twin_env.report.evaluation_page.document import Document, Parts, known_interval
from twin_env.report.evaluation_page.sections.verdict import objective_form
from twin_env.report.evaluation_page.shapes import WIDTH, Axis, Label, Mark, Rule, Shape, bottom_axis

_LEFT: Final = 120.0
_RIGHT: Final = 315.0
_ROW: Final = 24.0
_ALTERNATIVE: Final = (
    "A row per policy: a dot at the mean, a line over its interval, and a line at zero. The figures are those of the "
    "table below."
)


def make_comparison(document: Document) -> Section | None:
    """Return means and paired differences with their intervals; there is none of a single policy."""
    if len(document.policies) < 2:
        return None
    form, baseline = objective_form(document), document.get("derived.comparison.baseline")
    title = document.get("derived.objective.title")
    others = [place for place in document.policies if place != baseline]
    paths = [f"derived.comparison.rows.{place}" for place in document.policies]
    against = [f"derived.comparison.rows.{place}" for place in others]
    figures = [
        draw_intervals(
            document, [(f"{path}.policy", f"{path}.value") for path in paths], form, (f"Mean {title}", _unit(document))
        ),
        draw_intervals(
            document,
            [(f"{path}.policy", f"{path}.difference") for path in against],
            f"{form}+",
            (f"Difference in {title} from ", document.name(baseline), _unit(document)),
        ),
    ]
    blocks: list[Block] = [Figures(figures), _table(document, others), Paragraph(_reading(document), "note")]
    return Section("comparison", "Comparison", blocks)


def _unit(document: Document) -> str:
    return ", bps" if document.get("derived.objective.unit") == "bps" else ""


def _reading(document: Document) -> Parts:
    return (
        "Every policy met the same market in each episode until its own orders changed it, so differences are taken "
        "episode by episode. Intervals are Student's t at ",
        document.number("confidence", "percent"),
        ", each for itself. No difference shown is not the same as no difference.",
    )


def draw_intervals(document: Document, rows: Sequence[tuple[str, str]], form: str, title: Parts) -> Figure:
    """Return dots with their intervals on one axis.

    Args:
        document: That they are in.
        rows: For each, the path of its name and that of its interval.
        form: Of the means.
        title: Of the figure.
    """
    intervals = [known_interval(document.get(path)) for _, path in rows]
    ends = [interval[key] for interval in intervals for key in ("low", "mean", "high")]
    axis, bottom = Axis.over(ends, _LEFT, _RIGHT), _ROW * len(rows)
    shapes = bottom_axis(axis, 0.0, bottom)
    for number, ((named, path), interval) in enumerate(zip(rows, intervals, strict=True)):
        y = _ROW * (number + 0.5)
        shapes += [
            Label(_LEFT - 8, y + 4, (document.number(named, "name"),), "end"),
            *_whiskers(interval, axis, y),
            *([] if interval["mean"] is None else [Mark(axis(interval["mean"]), y, "dot")]),
        ]
        shapes.append(Label(WIDTH - 2, y + 4, (document.number(f"{path}.mean", form),), "end", "value"))
    return Figure(title, _ALTERNATIVE, WIDTH, bottom + 20, shapes)


def _whiskers(interval: Mapping[str, Any], axis: Axis, y: float) -> list[Shape]:
    if interval["low"] is None or interval["high"] is None:
        return []
    low, high = axis(interval["low"]), axis(interval["high"])
    ends: list[Shape] = [Rule(x, y - 4, x, y + 4, "interval") for x in (low, high)]
    return [Rule(low, y, high, y, "interval"), *ends]


def _table(document: Document, others: Sequence[int]) -> Table:
    form = objective_form(document)
    level: Parts = (document.number("confidence", "percent"), " interval")
    title: Parts = ("Minus ", document.name(document.get("derived.comparison.baseline")), ", paired by episode")
    columns: list[Parts] = [("",), (f"{document.get('derived.objective.title')}{_unit(document)}",), level, ("",)]
    in_money = form == "ccy"
    columns += [] if in_money else [("net result",), level]
    rows: list[list[Parts]] = []
    for place in others:
        row = f"derived.comparison.rows.{place}"
        cells = document.mean_and_interval(f"{row}.difference", f"{form}+")
        net = () if in_money else document.mean_and_interval(f"{row}.net_difference_ccy", "ccy+")
        rows.append([(document.name(place),), *cells, (document.number(f"{row}.words", "text"),), *net])
    return Table(title, columns, rows, words=frozenset({0, 3}), is_sorted=True)
