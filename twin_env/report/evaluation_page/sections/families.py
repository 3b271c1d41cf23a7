"""Results by what went wrong."""

from twin_env.report.evaluation_page.blocks import Block, Paragraph, Section, Table
from twin_env.report.evaluation_page.document import Document, Parts
from twin_env.report.evaluation_page.sections.verdict import objective_form


def make_families(document: Document) -> Section | None:
    """Return a table of families of faults; ``None`` where the document does not know what went wrong."""
    families = document.get("derived.families")
    if not families:
        return None
    title = document.get("derived.objective.title")
    form = objective_form(document)
    level: Parts = (document.number("confidence", "percent"), " interval")
    columns: list[Parts] = [("family",), ("policy",), ("episodes",), (title,), level]
    columns += [("against the baseline",), level, ("",)]
    rows = [
        _row(document, f"derived.families.{number}", place, form)
        for number in range(len(families))
        for place in document.policies
    ]
    note = "An episode counts in every family of which it had a fault. Differences are paired by episode."
    unit = document.data["currency"] if form == "ccy" else "bps"
    table = Table((f"Mean per episode, {unit}",), columns, rows, words=frozenset({0, 1, 7}), is_sorted=True)
    blocks: list[Block] = [table, Paragraph((note,), "note")]
    return Section("families", "By family of faults", blocks)


def _row(document: Document, family: str, place: int, form: str) -> list[Parts]:
    row = f"{family}.policies.{place}"
    return [
        (document.number(f"{family}.family", "text"),),
        (document.number(f"{row}.policy", "text"),),
        (document.number(f"{family}.episodes", "count"),),
        *document.mean_and_interval(f"{row}.value", form),
        *document.mean_and_interval(f"{row}.difference", f"{form}+"),
        (document.number(f"{row}.words", "text"),),
    ]
