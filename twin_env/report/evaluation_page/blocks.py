"""What sections are made of: paragraphs, tables, facts, figures."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from twin_env.report.evaluation_page.document import Part, Parts
from twin_env.report.evaluation_page.shapes import Shape


@dataclass(frozen=True)
class Paragraph:
    """A sentence or more.

    Attributes:
        parts: Pieces, one after another.
        kind: ``plain``, ``verdict`` for what the reader came for, ``note`` for what is said aside.
    """

    parts: Parts
    kind: str = "plain"
    type: str = field(default="paragraph", init=False)


@dataclass(frozen=True)
class Heading:
    """Title of a part of a section."""

    parts: Parts
    type: str = field(default="heading", init=False)


@dataclass(frozen=True)
class Table:
    """Rows under headings.

    Attributes:
        title: Above it.
        columns: Headings; the first column has the names of the rows.
        rows: A cell per column, each made of pieces.
        words: Places of columns that hold words, which stand at the left.
        rules: Places of rows below which a line is drawn.
        parts_of: Places of rows that are a part of what a row above them sums up.
        is_sorted: Whether a reader may sort it.
    """

    title: Parts
    columns: Sequence[Parts]
    rows: Sequence[Sequence[Parts]]
    words: frozenset[int] = frozenset({0})
    rules: frozenset[int] = frozenset()
    parts_of: frozenset[int] = frozenset()
    is_sorted: bool = False
    type: str = field(default="table", init=False)


@dataclass(frozen=True)
class Facts:
    """Names, and what is to say about each."""

    rows: Sequence[tuple[str, Parts]]
    type: str = field(default="facts", init=False)


@dataclass(frozen=True)
class Figure:
    """A drawing.

    Attributes:
        title: Below it.
        alternative: What it shows, for who does not see it.
        width: Of its coordinates.
        height: Likewise.
        shapes: What is drawn, the lowest first.
    """

    title: Parts
    alternative: str
    width: float
    height: float
    shapes: Sequence[Shape]
    type: str = field(default="figure", init=False)


@dataclass(frozen=True)
class Figures:
    """Figures beside each other where there is room."""

    figures: Sequence[Figure]
    type: str = field(default="figures", init=False)


@dataclass(frozen=True)
class Listing:
    """Text as it stands in a file or is typed; folded where it is long."""

    title: str
    text: str
    is_folded: bool = False
    type: str = field(default="listing", init=False)


@dataclass(frozen=True)
class Explorer:
    """Where the explorer of episodes is drawn; its data are in the document."""

    type: str = field(default="explorer", init=False)


Block = Paragraph | Heading | Table | Facts | Figure | Figures | Listing | Explorer


@dataclass(frozen=True)
class Section:
    """A part of the page.

    Attributes:
        name: In the address.
        title: Its heading.
        blocks: What it is made of.
    """

    name: str
    title: str
    blocks: Sequence[Block]


def plain(parts: Sequence[Part]) -> str:
    """Return pieces as text."""
    return "".join(part if isinstance(part, str) else part.text for part in parts)
