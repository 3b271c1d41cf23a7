"""The round trips of traders, one by one."""

from typing import Final

from twin_env.report.evaluation_page.blocks import Block, Paragraph, Section, Table
from twin_env.report.evaluation_page.document import Document, Parts

_COLUMNS: Final = (
    ("seed", "seed", "identifier"),
    ("begin", "begin_ns", "time"),
    ("end", "end_ns", "clock"),
    ("side", "side", "text"),
    ("lots", "lots", "count"),
    ("entry", "entry_price", "price"),
    ("exit", "exit_price", "price"),
    ("entered by", "entry_reason", "text"),
    ("left by", "exit_reason", "text"),
    ("net", "net_ccy", "ccy+"),
    ("R", "r", "r+"),
    ("strategy", "strategy_ccy", "ccy+"),
    ("execution", "execution_ccy", "ccy+"),
    ("fees", "fees_ccy", "ccy"),
    ("MAE", "mae_ccy", "ccy+"),
    ("MFE", "mfe_ccy", "ccy+"),
)
"""Heading, key and format."""
_WORDS: Final = frozenset(number for number, column in enumerate(_COLUMNS) if column[2] in ("text", "time", "clock"))


def make_trips(document: Document) -> Section | None:
    """Return a table of round trips per policy; ``None`` where none made any."""
    places = [place for place in document.policies if document.get(f"policies.{place}.trips.list")]
    if not places:
        return None
    note = (
        "MAE and MFE are the worst and the best open result on the way; R is the net result over the risk at entry. "
        f"Times are of {document.units.zone}."
    )
    blocks: list[Block] = [Paragraph((note,), "note"), *(_table(document, place) for place in places)]
    return Section("trips", "Round trips", blocks)


def _table(document: Document, place: int) -> Table:
    root = f"policies.{place}.trips"
    shown, recorded = len(document.get(f"{root}.list")), document.get(f"{root}.recorded")
    rows: list[list[Parts]] = [
        [(document.number(f"{root}.list.{number}.{key}", form),) for _, key, form in _COLUMNS]
        for number in range(shown)
    ]
    title: Parts = (document.name(place),)
    if recorded and recorded > shown:
        title += (": the largest gains and losses of ", document.number(f"{root}.recorded", "count"), " round trips")
    return Table(title, [(name,) for name, _, _ in _COLUMNS], rows, words=_WORDS, is_sorted=True)
