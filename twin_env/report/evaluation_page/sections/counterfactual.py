"""The counterfactual: what the market did by itself, and what one policy did to its own result."""

from typing import Final

from twin_env.report.evaluation_page.blocks import Paragraph, Section, Table
from twin_env.report.evaluation_page.document import Document, Parts

_ROWS: Final = (
    ("strategy in a market left alone", "strategy_alone_ccy"),
    ("what its own orders moved of it", "strategy_moved_ccy"),
    ("timing: the market's drift", "timing_drift_ccy"),
    ("timing: its own earlier orders", "timing_self_ccy"),
)


def make_counterfactual(document: Document) -> Section | None:
    """Return strategy and timing, each in what the market and what the policy did; ``None`` if it was not played."""
    if not document.get("counterfactual.policy"):
        return None
    text = (
        document.number("counterfactual.policy", "text"),
        " beside the same markets without its messages. What differs is what it caused.",
    )
    columns: list[Parts] = [("",), ("mean",), (document.number("confidence", "percent"), " interval")]
    rows: list[list[Parts]] = [
        [(name,), *document.mean_and_interval(f"counterfactual.{key}", "ccy+")] for name, key in _ROWS
    ]
    table = Table((f"Mean per episode, {document.data['currency']}",), columns, rows)
    return Section("counterfactual", "Counterfactual", [Paragraph(text), table])
