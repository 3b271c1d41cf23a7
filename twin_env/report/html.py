"""The report of an evaluation as one HTML file that needs nothing else."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from twin_env.alpha.parts import MEANINGS
from twin_env.alpha.results import Result, headline_values
from twin_env.report.evaluation import difference_table, split_table
from twin_env.statistics import Interval

DEFINITIONS: Final = {
    **MEANINGS,
    "shortfall": "Implementation shortfall: minus execution, in basis points of the parent's value at the decision.",
    "without drift": "Shortfall less what moves of the efficient price cost on unfilled lots: same mean, less luck.",
}
"""Each in account currency, positive when it earned, except the shortfall, which is a cost."""

_PLOT_PX: Final = 480
_NAMES_PX: Final = 160  # at the left of the plot
_FIGURES_PX: Final = 100  # at its right
_ROW_PX: Final = 26


@dataclass(frozen=True)
class Mark:
    """One policy in a plot, places in pixels.

    Attributes:
        name: Of the policy.
        y_px: Of its row.
        x_px: Of its mean.
        ends_px: Of its interval; ``None`` where that has no ends.
        figure: The mean as text.
    """

    name: str
    y_px: int
    x_px: float
    ends_px: tuple[float, float] | None
    figure: str


@dataclass(frozen=True)
class IntervalPlot:
    """What the template of the plot draws, places in pixels.

    Attributes:
        title: What is on the axis.
        zero_px: Where zero is.
        marks: One per policy.
    """

    title: str
    zero_px: float
    marks: tuple[Mark, ...]
    width_px: int = _NAMES_PX + _PLOT_PX + _FIGURES_PX
    axis_px: int = _NAMES_PX
    names_px: int = _NAMES_PX - 10
    figures_px: int = _NAMES_PX + _PLOT_PX + 20

    @property
    def height_px(self) -> int:
        """A row per policy, and one for the title."""
        return _ROW_PX * (len(self.marks) + 1)


def write_report(
    results: Sequence[Result], baseline: Result, currency: str, provenance: Mapping[str, Any], config: str
) -> str:
    """Return the report as HTML.

    Args:
        results: One per policy.
        baseline: The one the others are compared with.
        currency: Of the amounts.
        provenance: See :func:`twin_env.provenance.describe_provenance`.
        config: The environment's configuration as YAML.
    """
    from jinja2 import Environment, PackageLoader, StrictUndefined

    # Everything that is shown is text to be escaped; a name that is not given is an error, not an empty place.
    templates = Environment(
        loader=PackageLoader("twin_env.report"), autoescape=True, undefined=StrictUndefined, keep_trailing_newline=True
    )
    return templates.get_template("evaluation.html.j2").render(
        policies=len(results),
        seeds=[episode.seed for episode in baseline.episodes],
        split=split_table(results, currency),
        plot=plot_intervals(results),
        difference=difference_table(results, baseline),
        currency=currency,
        definitions=DEFINITIONS,
        config=config,
        provenance=provenance,
    )


def plot_intervals(results: Sequence[Result]) -> IntervalPlot:
    """Place what judges each policy, its mean and interval, on one axis that has zero on it."""
    title, values = headline_values(results)
    intervals = [Interval.student(each) for each in values]
    places = [0.0, *(place for i in intervals for place in (i.mean, i.low, i.high) if math.isfinite(place))]
    left, span = min(places), (max(places) - min(places)) or 1.0

    def x_px(value: float) -> float:
        return round(_NAMES_PX + (value - left) * _PLOT_PX / span, 1)

    marks = [
        Mark(
            name=result.policy,
            y_px=_ROW_PX * number + _ROW_PX // 2,
            x_px=x_px(interval.mean),
            ends_px=(x_px(interval.low), x_px(interval.high)) if math.isfinite(interval.low) else None,
            figure=f"{interval.mean:.3f}",
        )
        for number, (result, interval) in enumerate(zip(results, intervals, strict=True))
    ]
    return IntervalPlot(title, x_px(0.0), tuple(marks))
