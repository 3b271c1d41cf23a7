"""Traders: equity, drawdown, how round trips are spread, and when they were made."""

from typing import Final

from twin_env.report.evaluation_page.blocks import Block, Figure, Figures, Heading, Paragraph, Section, Table
from twin_env.report.evaluation_page.document import Document, Parts
from twin_env.report.evaluation_page.sections.spread import draw_histogram
from twin_env.report.evaluation_page.shapes import WIDTH, Axis, Curve, Shape, bottom_axis, left_axis, path

_LEFT: Final = 56.0
_RIGHT: Final = WIDTH - 14.0
_TOP: Final = 8.0
_BOTTOM: Final = 150.0
_MOST_POINTS: Final = 300
_MOST_DAYS: Final = 60
_SUMMARY: Final = (
    ("round trips", "count", "count"),
    ("signals missed", "missed", "count"),
    ("win rate", "win_rate", "share"),
    ("profit factor", "profit_factor", "two"),
    ("expectancy", "expectancy_r", "r+"),
    ("expectancy in money", "expectancy_ccy", "ccy+"),
    ("net per round trip", "mean_net_ccy.mean", "ccy+"),
    ("maximum drawdown over trips", "max_drawdown_ccy", "ccy"),
)


def make_trading(document: Document) -> Section | None:
    """Return what the episodes of traders add up to; ``None`` where none recorded its round trips."""
    trading = document.get("derived.trading")
    if not trading:
        return None
    places = list(range(len(trading)))
    blocks: list[Block] = [
        _summary(document),
        Paragraph(
            (
                "Profit factor is gains over losses. Expectancy is the mean result of a round trip, in units of R, its "
                "risk at entry, where it had a stop. Episodes are added in the order of their seeds; they are "
                "independent draws, not one account.",
            ),
            "note",
        ),
        Heading(("Equity over episodes (line), and how far it is below its peak (hatched)",)),
        Figures([draw_equity(document, place) for place in places]),
    ]
    traded = [place for place in places if any(trading[place]["trips"]["counts"])]
    if traded:
        blocks += [Heading(("Net result of round trips",)), Figures([_trips(document, place) for place in traded])]
    blocks += _hours(document, traded) + _days(document)
    return Section("trading", "Trading", blocks)


def _summary(document: Document) -> Table:
    rows: list[list[Parts]] = [
        [(name,), *((document.number(f"policies.{place}.trips.summary.{key}", form),) for place in document.policies)]
        for name, key, form in _SUMMARY
    ]
    deepest = [(document.number(f"derived.trading.{place}.max_drawdown_ccy", "ccy"),) for place in document.policies]
    rows.append([("maximum drawdown over episodes",), *deepest])
    columns: list[Parts] = [("",), *((document.name(place),) for place in document.policies)]
    return Table((f"Round trips, {document.data['currency']}",), columns, rows)


def draw_equity(document: Document, place: int) -> Figure:
    """Return the running sum of net results, and below zero the drawdown from its peak."""
    root = f"derived.trading.{place}"
    equity, drawdown = document.get(f"{root}.equity_ccy"), document.get(f"{root}.drawdown_ccy")
    below = [-value for value in drawdown]
    every = max(len(equity) // _MOST_POINTS, 1)
    chosen = sorted({*range(0, len(equity), every), len(equity) - 1})
    x = Axis(0.0, float(len(equity)), _LEFT, _RIGHT)
    y = Axis.over([*equity, *below], _BOTTOM, _TOP)
    xs = [x(number + 1) for number in chosen]
    area = path([xs[0], *xs, xs[-1]], [y(0.0), *(y(below[number]) for number in chosen), y(0.0)])
    shapes: list[Shape] = [*bottom_axis(x, _TOP, _BOTTOM), *left_axis(y, _LEFT, _RIGHT), Curve(area, "area")]
    line = path([x(0.0), *xs], [y(0.0), *(y(equity[number]) for number in chosen)])
    shapes.append(Curve(line, "series-0"))
    title: Parts = (
        document.name(place),
        ": ends at ",
        document.number(f"{root}.final_ccy", "ccy+"),
        ", deepest drawdown ",
        document.number(f"{root}.max_drawdown_ccy", "ccy"),
    )
    alternative = (
        "A line of the running sum of net results over episodes, and an area for how far it is below its peak."
    )
    return Figure(title, alternative, WIDTH, _BOTTOM + 20, shapes)


def _trips(document: Document, place: int) -> Figure:
    count = document.number(f"policies.{place}.trips.summary.count", "count")
    title: Parts = (document.name(place), ": ", count, f" round trips by net result, {document.data['currency']}")
    return draw_histogram(document.get(f"derived.trading.{place}.trips"), title)


def _hours(document: Document, traded: list[int]) -> list[Block]:
    if not traded:
        return []
    rows: list[list[Parts]] = []
    for place in traded:
        for number in range(len(document.get(f"derived.trading.{place}.hours"))):
            hour = f"derived.trading.{place}.hours.{number}"
            figures = (("trips", "count"), ("net_ccy", "ccy+"), ("win_rate", "share"))
            cells = [(document.number(f"{hour}.{key}", form),) for key, form in figures]
            rows.append([(document.name(place),), (document.number(f"{hour}.hour", "hour"),), *cells])
    columns: list[Parts] = [("",), (f"hour, {document.units.zone}",), ("round trips",), ("net",), ("win rate",)]
    return [Table(("By hour of the entry",), columns, rows, is_sorted=True)]


def _days(document: Document) -> list[Block]:
    rows: list[list[Parts]] = []
    for place in document.policies:
        for number in range(min(len(document.get(f"policies.{place}.days") or ()), _MOST_DAYS)):
            day = f"policies.{place}.days.{number}"
            cells = [(document.number(f"{day}.{key}_ccy", "ccy+"),) for key in ("strategy", "execution", "net")]
            rows.append(
                [
                    (document.name(place),),
                    (document.number(f"{day}.day", "text"),),
                    (document.number(f"{day}.trips", "count"),),
                    *cells,
                ]
            )
    if not rows:
        return []
    columns: list[Parts] = [("",), ("day",), ("round trips",), ("strategy",), ("execution",), ("net",)]
    return [Table(("By day",), columns, rows, words=frozenset({0, 1}), is_sorted=True)]
