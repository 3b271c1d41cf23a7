"""The table of metrics: what is measured, in what unit, and how long a recording it takes."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np

from twin_env.studies.realism.recording import Recording
from twin_env.studies.realism.series import Series

Figures = dict[str, float | str]
"""Figures by name: a number, or a sentence that says why there is none."""


@dataclass(frozen=True)
class Figure:
    """One number a metric gives.

    Attributes:
        name: Its name in bands and reports.
        unit: Of the number; empty for a pure number.
        needs_hours: Shortest recording it can be measured on.
    """

    name: str
    unit: str = ""
    needs_hours: float = 0.0


@dataclass(frozen=True)
class Metric:
    """One row of the table.

    Attributes:
        name: Of the metric.
        figures: What it gives, in order.
        measure: From the series of a recording to figures by name.
    """

    name: str
    figures: tuple[Figure, ...]
    measure: Callable[[Series], Figures]


METRICS: Final[dict[str, Metric]] = {}
"""All metrics by name, in the order in which they were defined."""


def metric(*figures: Figure) -> Callable[[Callable[[Series], Figures]], Callable[[Series], Figures]]:
    """Register a function under its own name as the metric that gives ``figures``."""

    def register(function: Callable[[Series], Figures]) -> Callable[[Series], Figures]:
        METRICS[function.__name__] = Metric(function.__name__, figures, function)
        return function

    return register


@dataclass(frozen=True)
class Measurement:
    """All figures of one recording.

    Attributes:
        values: By figure; NaN where it could not be measured.
        reasons: Why not, by figure.
        short: Figures the recording is too short for.
        hours: Length of the recording.
    """

    values: Mapping[str, float]
    reasons: Mapping[str, str]
    short: frozenset[str] = frozenset()
    hours: float = 0.0


def measure(recording: Recording) -> Measurement:
    """Measure every figure of every metric on one recording."""
    series = Series(recording)
    values: dict[str, float] = {}
    reasons: dict[str, str] = {}
    short = {f.name: f for m in METRICS.values() for f in m.figures if recording.hours < f.needs_hours - 1e-6}
    with np.errstate(all="ignore"):
        for one in METRICS.values():
            found = one.measure(series)
            for figure in one.figures:
                value = found[figure.name]
                if figure.name in short:
                    value = f"needs {figure.needs_hours:g} h of recording, there are {recording.hours:.3g}"
                elif not isinstance(value, str) and not np.isfinite(value):
                    value = "too little data, or nothing that varies"
                values[figure.name] = float("nan") if isinstance(value, str) else float(value)
                if isinstance(value, str):
                    reasons[figure.name] = value
    return Measurement(values, reasons, frozenset(short), recording.hours)
