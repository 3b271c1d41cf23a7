"""Parent orders: how shortfalls are spread, and how an order was worked against the market's volume."""

from typing import Any, Final

from twin_env.report.evaluation_page.blocks import Block, Figure, Figures, Heading, Section, Table
from twin_env.report.evaluation_page.document import Document, Parts
from twin_env.report.evaluation_page.sections.spread import draw_spread
from twin_env.report.evaluation_page.sections.verdict import objective_form
from twin_env.report.evaluation_page.shapes import WIDTH, Axis, Curve, Label, Shape, bottom_axis, left_axis, path, steps

_LEFT: Final = 44.0
_RIGHT: Final = WIDTH - 14.0
_TOP: Final = 20.0
_BOTTOM: Final = 150.0
_DETAILS: Final = (
    ("mean", "mean"),
    ("median", "median"),
    ("median absolute deviation", "mad"),
    ("least", "least"),
    ("lowest twentieth below", "p05"),
    ("highest twentieth above", "p95"),
    ("most", "most"),
)


def make_parent_orders(document: Document) -> Section | None:
    """Return the distribution of shortfalls and the schedules of explored episodes; ``None`` for traders."""
    if document.get("derived.objective.unit") != "bps":
        return None
    blocks: list[Block] = [
        Figures([draw_spread(document, place, ", bps") for place in document.policies]),
        _table(document),
    ]
    schedules = [draw_schedule(document, number) for number in range(len(document.get("explorer.episodes") or ()))]
    if schedules:
        blocks += [Heading(("Schedule",)), Figures(schedules)]
    return Section("orders", "Shortfall and schedule", blocks)


def _table(document: Document) -> Table:
    form = objective_form(document)
    rows: list[list[Parts]] = [
        [(name,), *((document.number(f"derived.distributions.{place}.{key}", form),) for place in document.policies)]
        for name, key in _DETAILS
    ]
    shares = [(document.number(f"policies.{place}.filled_share", "share"),) for place in document.policies]
    rows.append([("lots filled",), *shares])
    columns: list[Parts] = [("",), *((document.name(place),) for place in document.policies)]
    title: Parts = (f"{document.get('derived.objective.title').capitalize()} of an episode, bps",)
    return Table(title, columns, rows, rules=frozenset({len(_DETAILS) - 1}))


def draw_schedule(document: Document, number: int) -> Figure:
    """Return the share of an explored episode's fills over time, beside that of the market's volume."""
    root = f"explorer.episodes.{number}"
    episode: dict[str, Any] = document.get(root)
    times, last = episode["t_s"], max(episode["t_s"][-1], 1e-9)
    x, y = Axis(0.0, last, _LEFT, _RIGHT), Axis(0.0, 1.0, _BOTTOM, _TOP)
    xs = [x(time) for time in times]
    shapes: list[Shape] = [*bottom_axis(x, _TOP, _BOTTOM), *left_axis(y, _LEFT, _RIGHT, 2)]
    shapes += [
        Curve(path(xs, [y(share) for share in _shares(episode["volume_lots"])]), "series-1"),
        Curve(steps(xs, [y(share) for share in _shares(episode["filled_lots"])]), "series-0"),
        Label(_LEFT, _TOP - 9, ("solid: own fills; dashed: the market's volume",), kind="tick"),
    ]
    title: Parts = (
        document.number(f"{root}.policy", "text"),
        ", seed ",
        document.number(f"{root}.seed", "identifier"),
        ": ",
        document.number(f"{root}.lots", "count"),
        " lots filled, share over time, s",
    )
    alternative = (
        "Two rising lines over time: the share of the order that was filled, and the share of the volume traded."
    )
    return Figure(title, alternative, WIDTH, _BOTTOM + 20, shapes)


def _shares(counts: list[int]) -> list[float]:
    whole = max(counts[-1], 1)
    return [count / whole for count in counts]
