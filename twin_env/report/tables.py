"""Tables: drawn on a terminal, plain text elsewhere, Markdown for documents; and how figures are written in them.

The library rich draws and lines up. It is imported where it is used: a command that is refused, or asked for its help,
should not wait for it.
"""

import io
import math
import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import IO, TYPE_CHECKING, Final

from twin_env.statistics import Interval

if TYPE_CHECKING:
    from rich.box import Box
    from rich.console import Console
    from rich.table import Table as RichTable

WIDTH: Final = 120
"""Columns of output that is no terminal."""
INTERVAL: Final = "95 % interval"
"""Heading of the column that :func:`interval_cells` fills beside the mean."""
NOTHING: Final = "-"
"""Cell of a figure that there is not."""

_GAP: Final = 2  # blanks between plain columns
_FRAME: Final = 3  # columns that a drawn one takes for its border and the blanks around its text
_PLAIN: Final = "    \n    \n----\n    \n----\n    \n    \n    \n"  # rich's notation: lines below heading and section


@dataclass(frozen=True)
class Column:
    """One column.

    Attributes:
        name: Its heading.
        left: Whether its cells stand at the left, as words do; figures stand at the right.
        wraps: Whether a cell may go on in the next line where there is no room. A figure is never broken.
    """

    name: str
    left: bool = False
    wraps: bool = False


@dataclass
class Table:
    """Rows of text under headings.

    Attributes:
        title: Above it.
        columns: What they are; a bare name is a column of words if it is the first one, of figures otherwise.
        rows: Each as long as ``columns``.
        rules: Numbers of rows after which a line is drawn.
    """

    title: str
    columns: Sequence[str | Column]
    rows: list[list[str]]
    rules: set[int] = field(default_factory=set)

    @property
    def headings(self) -> list[str]:
        """The columns' names."""
        return [column.name for column in self._columns]

    def show(self, file: IO[str] | None = None) -> None:
        """Print it: drawn on a terminal, plain elsewhere.

        Args:
            file: Where to; standard output by default.
        """
        from rich.box import HEAVY_HEAD
        from rich.text import Text

        console = open_console(file)
        if not console.is_terminal:
            console.file.write(self.plain() + "\n")
            return
        for part in self._parts(console.width - 1, _FRAME):
            drawn = part._rich(HEAVY_HEAD, padding=(0, 1))
            drawn.title, drawn.title_justify = Text(part.title, "italic"), "left"
            console.print(drawn)

    def plain(self, width: int = WIDTH) -> str:
        """Return it as text.

        Args:
            width: Most columns of a line. A table that does not fit becomes several below one another, each with the
                first column; only a single column that is too wide by itself exceeds it.
        """
        return "\n\n".join(part._plain(width) for part in self._parts(width, _GAP))

    def to_markdown(self) -> str:
        """Return heading and rows in the pipe syntax of Markdown; title and rules are left out."""
        columns = self._columns
        lines = [self.headings, ["---" if column.left else "---:" for column in columns]]
        lines += [[cell.replace("|", "\\|").replace("\n", "<br>") for cell in row] for row in self.rows]
        return "\n".join(f"| {' | '.join(line)} |" for line in lines)

    @property
    def _columns(self) -> list[Column]:
        return [
            column if isinstance(column, Column) else Column(column, left=number == 0)
            for number, column in enumerate(self.columns)
        ]

    def _parts(self, width: int, gap: int) -> Iterator["Table"]:
        """Split it by columns so that each part fits a width."""
        needed = [self._least(number) for number in range(len(self.columns))]
        place = 1
        while True:
            first, used = place, needed[0]
            while place < len(needed) and (place == first or used + gap + needed[place] <= width):
                used += gap + needed[place]
                place += 1
            chosen = [0, *range(first, place)]
            columns, rows = [self._columns[n] for n in chosen], [[row[n] for n in chosen] for row in self.rows]
            yield replace(self, columns=columns, rows=rows)
            if place >= len(needed):
                return

    def _least(self, number: int) -> int:
        """Return the least width of a column: its longest word where it may wrap, else its longest line."""
        from rich.cells import cell_len

        column = self._columns[number]
        lines = [line for cell in (column.name, *(row[number] for row in self.rows)) for line in cell.split("\n")]
        words = [word for line in lines for word in line.split()] if column.wraps else lines
        return max(map(cell_len, words), default=0)

    def _rich(self, lines: "Box", padding: tuple[int, ...], *, edges: bool = True) -> "RichTable":
        from rich.table import Table as RichTable
        from rich.text import Text

        table = RichTable(box=lines, show_edge=edges, pad_edge=edges)
        table.padding = padding  # type: ignore[assignment]  # the setter unpacks any of CSS's forms
        for column in self._columns:
            table.add_column(
                Text(column.name),
                justify="left" if column.left else "right",
                no_wrap=not column.wraps,
                overflow="fold",
            )
        for number, row in enumerate(self.rows):
            table.add_row(*map(Text, row), end_section=number in self.rules and number < len(self.rows) - 1)
        return table

    def _plain(self, width: int) -> str:
        from rich.box import Box
        from rich.cells import cell_len
        from rich.console import Console

        text = io.StringIO()
        # A column that is too wide by itself must not lose its end: the text is never cut.
        room = max(width, sum(self._least(n) for n in range(len(self.columns))) + _GAP * (len(self.columns) - 1))
        console = Console(file=text, width=room, color_system=None, force_terminal=False, emoji=False)
        console.print(self._rich(Box(_PLAIN, ascii=True), (0, _GAP - 1, 0, 0), edges=False), soft_wrap=False)
        lines = [line.rstrip() for line in text.getvalue().splitlines()]
        bar = "-" * max(map(cell_len, lines))
        return "\n".join([*textwrap.wrap(self.title, width), bar, *lines, bar])


def open_console(file: IO[str] | None = None) -> "Console":
    """Return where to print: a terminal as it is, anything else plain and :data:`WIDTH` columns wide."""
    from rich.console import Console

    console = Console(file=file, highlight=False, emoji=False)
    return console if console.is_terminal else Console(file=file, width=WIDTH, highlight=False, emoji=False)


def show_facts(facts: Sequence[tuple[str, str]], file: IO[str] | None = None) -> None:
    """Print names and what is to say about each, aligned, long texts over several lines."""
    from rich.table import Table as RichTable
    from rich.text import Text

    grid = RichTable.grid(padding=(0, _GAP))
    grid.add_column(no_wrap=True)
    grid.add_column(overflow="fold")
    for name, text in facts:
        grid.add_row(Text(name), Text(text))
    console = open_console(file)
    with console.capture() as captured:
        console.print(grid)
    console.file.write("".join(f"{line.rstrip()}\n" for line in captured.get().splitlines()))


def interval_cells(interval: Interval | None, form: str = ".3f") -> list[str]:
    """Return two cells: the mean, and both ends.

    Args:
        interval: ``None`` gives two dashes, and so does a figure that is not a number.
        form: A number format: ``+.3f`` where the sign is the message, as in a difference.
    """
    if interval is None or math.isnan(interval.mean):
        return [NOTHING, NOTHING]
    return [f"{interval.mean:{form}}", interval.ends(form)]


def judge(interval: Interval, verdicts: tuple[str, str]) -> str:
    """Say what the interval of a difference supports.

    Args:
        interval: Of the difference.
        verdicts: What a difference below and above zero means.
    """
    if not interval.excludes_zero:
        return "no difference shown"
    return verdicts[interval.mean > 0.0]
