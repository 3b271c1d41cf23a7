"""The cost ladder: one policy, with one imperfection of the market after another."""

from typing import Final

from twin_env.report.evaluation_page.blocks import Block, Figures, Paragraph, Section, Table
from twin_env.report.evaluation_page.document import Document, Part, Parts
from twin_env.report.evaluation_page.sections.comparison import draw_intervals

UNIT_FORMS: Final = {"bps": "bps", "ccy": "ccy"}


def make_ladder(document: Document) -> Section | None:
    """Return the rungs, and the friction that was measured beside the one assumed; ``None`` without a ladder."""
    if not document.get("ladder.rungs"):
        return None
    form = UNIT_FORMS.get(document.get("ladder.unit"), "ccy")
    count = len(document.get("ladder.rungs"))
    rungs = [(f"ladder.rungs.{number}.name", f"ladder.rungs.{number}.value") for number in range(count)]
    blocks: list[Block] = [
        Paragraph(
            (document.number("ladder.policy", "text"), " in the same episodes, each rung adding one thing to the last.")
        ),
        Figures([draw_intervals(document, rungs, form, ("Mean with its interval",))]),
        _table(document, count, form),
    ]
    if document.get("ladder.friction"):
        blocks.append(Paragraph(_friction(document)))
    return Section("ladder", "Cost ladder", blocks)


def _table(document: Document, count: int, form: str) -> Table:
    level: Parts = (document.number("confidence", "percent"), " interval")
    rows: list[list[Parts]] = []
    for number in range(count):
        rung = f"ladder.rungs.{number}"
        changes = document.mean_and_interval(f"{rung}.change", f"{form}+")
        name: Part = document.number(f"{rung}.name", "text")
        rows.append([(name,), *document.mean_and_interval(f"{rung}.value", form), *changes])
    unit = document.data["currency"] if form == "ccy" else "bps"
    columns: list[Parts] = [("",), ("result",), level, ("change",), level]
    return Table((f"Mean per episode, {unit}",), columns, rows)


def _friction(document: Document) -> Parts:
    measured = "ladder.friction.measured_ccy"
    assumed: Parts = ("; ", document.number("ladder.friction.assumed_ccy", "ccy"), " was assumed.")
    return (
        "A round trip costs ",
        document.number(f"{measured}.mean", "ccy"),
        " a lot (",
        document.number("confidence", "percent"),
        " interval ",
        *document.interval(measured, "ccy"),
        ")",
        *(("; nothing was assumed.",) if document.get("ladder.friction.assumed_ccy") is None else assumed),
    )
