"""Tables on a terminal, and the same as plain text elsewhere."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from twin_env.alpha.objective import FILLS, IS_BPS, UNITS
from twin_env.alpha.parts import ALPHA_KEYS, FIRST_PART, SPLIT_NAMES
from twin_env.alpha.results import Interval, Result, difference, objective_of

_COSTS: Final = ("costs less", "costs more")
_EARNS: Final = ("earns less", "earns more")


@dataclass
class Table:
    """Rows of text.

    Attributes:
        title: Above it.
        columns: Headings; the first column is left-aligned, the others right.
        rows: Each as long as ``columns``.
        rules: Numbers of rows after which a line is drawn.
    """

    title: str
    columns: list[str]
    rows: list[list[str]]
    rules: set[int] = field(default_factory=set)

    def plain(self) -> str:
        """Return it as text with aligned columns, however wide."""
        lines = [self.columns, *self.rows]
        widths = [max(len(line[column]) for line in lines) for column in range(len(self.columns))]
        texts = [_align(line, widths) for line in lines]
        bar = "-" * max(map(len, texts))
        for row in sorted(self.rules, reverse=True):
            texts.insert(row + 2, bar)
        return "\n".join([self.title, bar, texts[0], bar, *texts[1:], bar])

    def show(self) -> None:
        """Print it: drawn on a terminal that is wide enough, plain elsewhere."""
        from rich.console import Console
        from rich.table import Table as RichTable

        console = Console()
        width = max(map(len, self.plain().splitlines()))
        if not console.is_terminal or console.width < width + 2 * len(self.columns):
            print(self.plain())
            return
        drawn = RichTable(title=self.title, title_justify="left")
        for number, name in enumerate(self.columns):
            drawn.add_column(name, justify="right" if number else "left")
        for number, row in enumerate(self.rows):
            drawn.add_row(*row, end_section=number in self.rules)
        console.print(drawn)


def _align(line: Sequence[str], widths: Sequence[int]) -> str:
    first, *others = (
        text.rjust(width) if column else text.ljust(width)
        for column, (text, width) in enumerate(zip(line, widths, strict=True))
    )
    return "  ".join([first, *others]).rstrip()


def split_table(results: Sequence[Result], currency: str) -> Table:
    """Return a column per policy: where the money went, on average over episodes."""
    totals = SPLIT_NAMES[:FIRST_PART]
    names = [*totals, *(f"  {part}" for part in SPLIT_NAMES[FIRST_PART:])]
    rows = [
        [name, *(f"{result.mean(key):+.2f}" for result in results)] for name, key in zip(names, ALPHA_KEYS, strict=True)
    ]
    shortfalls = [Interval.of(result.values(IS_BPS)) for result in results]
    drift = _drift_rows(results)
    rows += [
        ["shortfall, bps", *(f"{interval.mean:.3f}" for interval in shortfalls)],
        ["  95 % interval", *(show_interval(interval) for interval in shortfalls)],
        *drift,
        ["filled", *(f"{result.filled_share:.1%}" for result in results)],
        ["fills", *(f"{result.mean(FILLS):.1f}" for result in results)],
        ["episodes", *(str(len(result.episodes)) for result in results)],
    ]
    last = len(ALPHA_KEYS) - 1
    policies = [result.policy for result in results]
    rules = {len(totals) - 1, last, last + 2 + len(drift)}
    return Table(f"Mean per episode, {currency}", ["", *policies], rows, rules)


def _drift_rows(results: Sequence[Result]) -> list[list[str]]:
    """Return the shortfall without drift, where drift is known."""
    if not any(result.knows_drift for result in results):
        return []
    intervals = [Interval.of(result.without_drift_bps) for result in results]
    return [
        ["  without drift", *(f"{interval.mean:.3f}" for interval in intervals)],
        ["  95 % interval", *(show_interval(interval) for interval in intervals)],
    ]


def difference_table(results: Sequence[Result], baseline: Result) -> Table:
    """Return a row per policy: what it costs more, or earns more, than the baseline on the same episodes.

    Where drift is known the row has it taken out of shortfalls: the same mean, estimated more precisely.
    """
    objective, title = objective_of(results)
    verdicts = _COSTS if objective.lower_is_better else _EARNS
    rows = []
    for result in results:
        if result is not baseline:
            interval = difference(result, baseline, objective)
            rows.append(
                [result.policy, f"{interval.mean:+.3f}", show_interval(interval, "+.3f"), judge(interval, verdicts)]
            )
    title = f"{title.capitalize()} minus that of {baseline.policy}, {UNITS[objective.unit]}, paired by episode"
    return Table(title, ["", "mean", "95 % interval", ""], rows)


def show_interval(interval: Interval, form: str = ".3f") -> str:
    """Return both ends, or a dash where a single episode gives none."""
    if interval.low is None or interval.high is None:
        return "-"
    return f"{interval.low:{form}} .. {interval.high:{form}}"


def judge(interval: Interval, verdicts: tuple[str, str] = _COSTS) -> str:
    """Say what an interval of a difference supports; ``verdicts`` are for a lower and for a higher figure."""
    if not interval.excludes_zero:
        return "no difference shown"
    return verdicts[interval.mean > 0.0]
