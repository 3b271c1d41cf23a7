"""The journey of orders: how long they took to the exchange and to their first fill, and what became of them."""

from typing import Final

from twin_env.report.evaluation_page.blocks import Block, Paragraph, Section, Table
from twin_env.report.evaluation_page.document import Document, Parts

_COUNTS: Final = (
    ("orders", "orders", "count"),
    ("requests sent", "sent", "count"),
    ("orders with a fill", "filled", "count"),
    ("lots filled as maker", "maker_share", "share"),
    ("cancels", "cancels", "count"),
    ("cancels that came after a fill", "cancel_races_lost", "count"),
)
_STAGES: Final = (
    ("to the exchange", "to_exchange_ms", "ms"),
    ("until acknowledged", "acknowledged_ms", "ms"),
    ("until the first fill", "first_fill_s", "s"),
    ("lots ahead on arrival", "lots_ahead", "one"),
)
_QUANTILES: Final = (("lowest tenth below", "p10"), ("median", "p50"), ("highest tenth above", "p90"))
_TAIL: Final = ("highest hundredth above", "p99")


def make_journey(document: Document) -> Section | None:
    """Return what became of orders and the quantiles of their stages; ``None`` where that was not recorded."""
    places = [place for place in document.policies if document.get(f"policies.{place}.journey")]
    if not places:
        return None
    blocks: list[Block] = [
        Paragraph(("From the decision to the exchange and back: what an order meets on its way.",)),
        _counts(document, places),
        _stages(document, places),
    ]
    return Section("journey", "Journey of orders", blocks)


def _counts(document: Document, places: list[int]) -> Table:
    rows: list[list[Parts]] = [
        [(name,), *((document.number(f"policies.{place}.journey.{key}", form),) for place in places)]
        for name, key, form in _COUNTS
    ]
    return Table(("Orders of all episodes",), [("",), *((document.name(place),) for place in places)], rows)


def _stages(document: Document, places: list[int]) -> Table:
    rows: list[list[Parts]] = []
    for name, key, form in _STAGES:
        for place in places:
            root = f"policies.{place}.journey.quantiles.{key}"
            if document.get(root):
                quantiles = [(document.number(f"{root}.{each}", form),) for _, each in (*_QUANTILES, _TAIL)]
                count = (document.number(f"{root}.n", "count"),)
                rows.append([(name,), (document.name(place),), count, *quantiles])
    headings: list[Parts] = [(title,) for title, _ in (*_QUANTILES, _TAIL)]
    columns: list[Parts] = [("",), ("policy",), ("orders",), *headings]
    return Table(("Stages",), columns, rows, words=frozenset({0, 1}), is_sorted=True)
