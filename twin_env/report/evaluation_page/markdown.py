"""The tables of the page as Markdown, for documents and for messages."""

from collections.abc import Mapping
from typing import Any

from twin_env.alpha.derived import derive
from twin_env.report.evaluation_page.blocks import Block, Paragraph, Section, Table, plain
from twin_env.report.evaluation_page.document import Document, bounded
from twin_env.report.evaluation_page.sections import make_sections
from twin_env.report.tables import Column
from twin_env.report.tables import Table as PlainTable


def write_markdown(data: Mapping[str, Any]) -> str:
    """Return verdict and tables of an evaluation as Markdown.

    Args:
        data: The document of the evaluation.
    """
    document = Document(bounded(derive(data)))
    sections, _ = make_sections(document)
    written = [_write_section(section) for section in sections]
    return "\n\n".join(["# Evaluation", *(text for text in written if text)]) + "\n"


def _write_section(section: Section) -> str:
    blocks = [text for block in section.blocks if (text := _write_block(block))]
    return "\n\n".join([f"## {section.title}", *blocks]) if blocks else ""


def _write_block(block: Block) -> str:
    if isinstance(block, Paragraph) and block.kind == "verdict":
        return plain(block.parts)
    return f"**{plain(block.title)}**\n\n{_plain_table(block).to_markdown()}" if isinstance(block, Table) else ""


def _plain_table(table: Table) -> PlainTable:
    columns = [Column(plain(name), left=number in table.words) for number, name in enumerate(table.columns)]
    rows = [[plain(cell) for cell in row] for row in table.rows]
    return PlainTable(plain(table.title), columns, rows)
