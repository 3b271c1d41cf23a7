"""Progress of long work: a bar on a terminal, lines elsewhere."""

import sys
from types import TracebackType
from typing import Any, Self


class Progress:
    """Counts what is done, on standard error.

    Attributes:
        is_drawn: Whether there is a terminal to draw a bar on.
    """

    def __init__(self, total: int | None = None, unit: str = "episodes") -> None:
        self.is_drawn = sys.stderr.isatty()
        self._total = total
        self._unit = unit
        self._bar: Any = None
        self._task: Any = None

    def __enter__(self) -> Self:
        if self.is_drawn:
            from rich import progress
            from rich.console import Console

            columns = (
                progress.TextColumn("{task.description}"),
                progress.BarColumn(),
                progress.MofNCompleteColumn(),
                progress.TextColumn(self._unit),
                progress.TimeElapsedColumn(),
                progress.TimeRemainingColumn(),
            )
            self._bar = progress.Progress(*columns, console=Console(stderr=True), transient=True)
            self._task = self._bar.add_task("", total=self._total)
            self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar.stop()

    def advance(self) -> None:
        """Count one more."""
        if self._bar is not None:
            self._bar.advance(self._task)

    def begin(self, step: str) -> None:
        """Name what is done next; where there is no bar, in a line of its own."""
        if self._bar is None:
            print(step, file=sys.stderr, flush=True)
        else:
            from rich.markup import escape

            self._bar.update(self._task, description=escape(step))
