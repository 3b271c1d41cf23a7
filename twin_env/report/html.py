"""The report of an evaluation as one HTML file that needs nothing else."""

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any, Final

from twin_env.alpha.parts import MEANINGS
from twin_env.alpha.results import Interval, Result, judged
from twin_env.report.table import Table, difference_table, split_table

DEFINITIONS: Final = {
    **MEANINGS,
    "shortfall": "Implementation shortfall: minus execution, in basis points of the parent's value at the decision.",
    "without drift": "Shortfall less what moves of the efficient price cost on unfilled lots: same mean, less luck.",
}
"""Each in account currency, positive when it earned, except the shortfall, which is a cost."""

_STYLE: Final = """
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 70rem; padding: 0 1rem; color: #1b1f24; }
table { border-collapse: collapse; margin: 1rem 0 2rem; font-variant-numeric: tabular-nums; }
caption { text-align: left; font-weight: 600; padding-bottom: .4rem; }
th, td { padding: .2rem .8rem; text-align: right; white-space: pre; }
th:first-child, td:first-child { text-align: left; }
thead th, tr.rule td { border-bottom: 1px solid #8c959f; }
dt { font-weight: 600; } dd { margin: 0 0 .5rem 1rem; }
pre { background: #f6f8fa; padding: 1rem; overflow-x: auto; }
"""
_PLOT_PX: Final = 480
_ROW_PX: Final = 26


def write_report(
    results: Sequence[Result], baseline: Result, currency: str, provenance: Mapping[str, Any], config: str
) -> str:
    """Return the report as HTML.

    Args:
        results: One per policy.
        baseline: The one the others are compared with.
        currency: Of the amounts.
        provenance: See :func:`twin_env.report.provenance.describe_provenance`.
        config: The environment's configuration as YAML.
    """
    count = len(baseline.episodes)
    body = [
        "<h1>Evaluation</h1>",
        f"<p>{len(results)} policies on the same {count} episodes, seeds {baseline.episodes[0].seed} to "
        f"{baseline.episodes[-1].seed}. In every episode the parts sum to execution, and strategy and execution "
        "to net, exactly, in integers of 10<sup>-6</sup> of the currency.</p>",
        _table(split_table(results, currency)),
        _plot(results),
        _table(difference_table(results, baseline)),
        "<h2>Definitions</h2>",
        f"<p>All parts are in {escape(currency)}, positive when they earned; the shortfall is a cost. "
        "Intervals are Student's t at 95 % over episodes; differences are paired by episode.</p>",
        "<dl>",
        *(f"<dt>{escape(name)}</dt><dd>{escape(meaning)}</dd>" for name, meaning in DEFINITIONS.items()),
        "</dl>",
        "<h2>Environment</h2>",
        f"<pre>{escape(config)}</pre>",
        "<h2>Made with</h2>",
        f"<pre>{escape(_lines(provenance))}</pre>",
    ]
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head><meta charset="utf-8"><title>Evaluation</title>'
        f"<style>{_STYLE}</style></head>\n<body>\n" + "\n".join(body) + "\n</body>\n</html>\n"
    )


def _table(table: Table) -> str:
    head = "".join(f"<th>{escape(name)}</th>" for name in table.columns)
    rows = []
    for number, row in enumerate(table.rows):
        cells = "".join(f"<td>{escape(text)}</td>" for text in row)
        rows.append(f'<tr class="rule">{cells}</tr>' if number in table.rules else f"<tr>{cells}</tr>")
    return (
        f"<table><caption>{escape(table.title)}</caption><thead><tr>{head}</tr></thead>"
        f"<tbody>{''.join(rows)}</tbody></table>"
    )


def _plot(results: Sequence[Result]) -> str:
    """Draw what judges each policy, its mean and interval, on one axis."""
    what, values = judged(results)
    intervals = [Interval.of(each) for each in values]
    ends = [end for i in intervals for end in (i.mean, i.low, i.high, 0.0) if end is not None]
    low, high = min(ends), max(ends)
    scale = _PLOT_PX / ((high - low) or 1.0)
    height = _ROW_PX * len(results) + _ROW_PX
    marks = [f'<line x1="{_x(0.0, low, scale)}" x2="{_x(0.0, low, scale)}" y1="0" y2="{height}" stroke="#8c959f"/>']
    for number, (result, interval) in enumerate(zip(results, intervals, strict=True)):
        y = _ROW_PX * number + _ROW_PX // 2
        marks.append(f'<text x="150" y="{y + 5}" text-anchor="end">{escape(result.policy)}</text>')
        if interval.low is not None and interval.high is not None:
            ends_px = _x(interval.low, low, scale), _x(interval.high, low, scale)
            marks.append(
                f'<line x1="{ends_px[0]}" x2="{ends_px[1]}" y1="{y}" y2="{y}" stroke="#0969da" stroke-width="3"/>'
            )
        marks.append(f'<circle cx="{_x(interval.mean, low, scale)}" cy="{y}" r="5" fill="#0969da"/>')
        marks.append(f'<text x="{180 + _PLOT_PX}" y="{y + 5}">{interval.mean:.3f}</text>')
    marks.append(f'<text x="160" y="{height - 4}">{what}: mean and 95 % interval; the line is zero</text>')
    return f'<svg width="{260 + _PLOT_PX}" height="{height}" role="img">{"".join(marks)}</svg>'


def _x(value: float, low: float, scale: float) -> str:
    return f"{160 + (value - low) * scale:.1f}"


def _lines(mapping: Mapping[str, Any]) -> str:
    return "\n".join(f"{key}: {value}" for key, value in mapping.items())
