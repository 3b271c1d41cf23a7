"""Bands, and which of them a market is in."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Final, Self

from pydantic import Field, model_validator

from twin_env.config import Config, load_config
from twin_env.studies.realism.recording import Recording
from twin_env.studies.realism.registry import METRICS, Figure, Measurement, measure

WIDER: Final = 1.5
SEEDS_SHARE: Final = 0.75  # of the seeds must be in the widened band: 6 of 8
IMPACT_FIGURES: Final = (
    Figure("impact_exponent"),
    Figure("impact_quarter"),
    Figure("impact_left_2t"),
    Figure("impact_left_4t"),
)
"""Figures no recording holds: callers measure them with orders of their own."""

Band = tuple[float | None, float | None]


def known_figures() -> dict[str, Figure]:
    """Return every figure a band can be for, by name."""
    measured = [figure for metric in METRICS.values() for figure in metric.figures]
    return {figure.name: figure for figure in (*measured, *IMPACT_FIGURES)}


class BandRow(Config):
    """The bands of one stylised fact.

    Attributes:
        row: Its number.
        name: Of the metric.
        figures: Smallest and largest accepted value by figure; ``null`` leaves an end open.
    """

    row: Annotated[int, Field(ge=1)]
    name: str
    figures: Annotated[dict[str, Band], Field(min_length=1)]

    @model_validator(mode="after")
    def _check_figures(self) -> Self:
        known = known_figures()
        for name, (low, high) in self.figures.items():
            if name not in known:
                raise ValueError(f"figures has {name!r}, expected some of {', '.join(known)}")
            if low is None and high is None:
                raise ValueError(f"figures.{name} is open at both ends, expected at least one number")
            if low is not None and high is not None and low > high:
                raise ValueError(f"figures.{name} is [{low:g}, {high:g}], expected the smaller number first")
        return self


class RealismBands(Config):
    """What a realistic market is, as numbers.

    Attributes:
        rows: One per stylised fact.
    """

    rows: Annotated[tuple[BandRow, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _check_rows(self) -> Self:
        numbers = [row.row for row in self.rows]
        if len(set(numbers)) < len(numbers):
            raise ValueError(f"rows have the numbers {numbers}, expected each once")
        figures = [name for row in self.rows for name in row.figures]
        twice = sorted({name for name in figures if figures.count(name) > 1})
        if twice:
            raise ValueError(f"rows have {', '.join(twice)} more than once, expected each figure in one row")
        return self


@dataclass(frozen=True)
class FigureScore:
    """One figure against its band.

    Attributes:
        name: Of the figure.
        unit: Of its values.
        value: Mean over seeds; NaN when it could not be measured.
        band: Smallest and largest accepted value.
        in_band: Whether the mean is inside.
        seeds_in_band: Seeds inside the band widened by :data:`WIDER`.
        seeds: Seeds it was measured on.
        values: One per seed, NaN where it could not be measured.
        reason: Why a seed has no value; empty if all have one.
    """

    name: str
    unit: str
    value: float
    band: Band
    in_band: bool
    seeds_in_band: int
    seeds: int
    values: tuple[float, ...]
    reason: str = ""

    @property
    def passed(self) -> bool:
        """Whether the mean is in the band and three quarters of the seeds are in the wider one."""
        return self.in_band and self.seeds_in_band >= math.ceil(SEEDS_SHARE * self.seeds)

    @property
    def distance(self) -> float:
        """How far the value is from the band's middle, in half-widths: above 1 outside; infinite without a value."""
        if math.isnan(self.value):
            return math.inf
        return _distance(self.value, self.band)

    def to_json(self) -> dict[str, Any]:
        """Return it ready for JSON; NaN becomes ``None``."""
        return {
            "name": self.name,
            "unit": self.unit,
            "value": _plain(self.value),
            "band": list(self.band),
            "in_band": self.in_band,
            "seeds_in_band": self.seeds_in_band,
            "seeds": self.seeds,
            "passed": self.passed,
            "values": [_plain(value) for value in self.values],
            "reason": self.reason,
        }


@dataclass(frozen=True)
class MetricScore:
    """One row of the table: it is in band when all of its figures are.

    ``value``, ``band`` and ``seeds_in_band`` are those of the figure that is worst.

    Attributes:
        row: Its number.
        name: Of the metric.
        figures: All of its figures.
    """

    row: int
    name: str
    figures: tuple[FigureScore, ...]

    @property
    def worst(self) -> FigureScore:
        """The figure that did not pass, else that farthest from the middle of its band."""
        return max(self.figures, key=lambda figure: (not figure.in_band, not figure.passed, figure.distance))

    @property
    def value(self) -> float:
        """Mean over seeds of the worst figure."""
        return self.worst.value

    @property
    def band(self) -> Band:
        """Band of the worst figure."""
        return self.worst.band

    @property
    def in_band(self) -> bool:
        """Whether the means of all figures are in their bands."""
        return all(figure.in_band for figure in self.figures)

    @property
    def seeds_in_band(self) -> int:
        """Seeds of the worst figure inside the widened band."""
        return self.worst.seeds_in_band

    @property
    def passed(self) -> bool:
        """Whether all figures passed, seeds included."""
        return all(figure.passed for figure in self.figures)

    def to_json(self) -> dict[str, Any]:
        """Return it ready for JSON."""
        return {
            "name": self.name,
            "value": _plain(self.value),
            "band": list(self.band),
            "in_band": self.in_band,
            "seeds_in_band": self.seeds_in_band,
            "seeds": self.worst.seeds,
            "passed": self.passed,
            "row": self.row,
            "figure": self.worst.name,
            "figures": [figure.to_json() for figure in self.figures],
        }


def load_bands(source: str) -> RealismBands:
    """Read bands: the name of a preset of ``configs/realism``, or a path."""
    return load_config(RealismBands, source, folder="realism")


def widen(band: Band) -> tuple[float, float]:
    """Return a band widened by :data:`WIDER` about its middle; the end of an open one moves by half of itself."""
    low, high = band
    if low is not None and high is not None:
        more = (WIDER - 1.0) * (high - low) / 2.0
        return low - more, high + more
    return (
        -math.inf if low is None else low - (WIDER - 1.0) * abs(low),
        math.inf if high is None else high + (WIDER - 1.0) * abs(high),
    )


def score(
    recordings: Iterable[Recording], bands: RealismBands, extra: Mapping[str, Sequence[float]] | None = None
) -> list[MetricScore]:
    """Measure recordings of one market and score them.

    Args:
        recordings: One per seed, and some longer ones for the figures that need them: a figure is that of the
            shortest recordings that are long enough. Taken one at a time, so a generator keeps one in memory.
        bands: What to score against.
        extra: Values of figures measured elsewhere, one per seed: those of metaorder impact.
    """
    return score_measurements([measure(recording) for recording in recordings], bands, extra)


def score_measurements(
    measurements: Sequence[Measurement], bands: RealismBands, extra: Mapping[str, Sequence[float]] | None = None
) -> list[MetricScore]:
    """Do :func:`score` for recordings that were measured before.

    Raises:
        ValueError: ``extra`` has a figure without a band.
    """
    extra = extra or {}
    banded = {name for row in bands.rows for name in row.figures}
    unknown = sorted(set(extra) - banded)
    if unknown:
        raise ValueError(f"extra has {', '.join(unknown)}, expected figures that have a band")
    return [
        MetricScore(
            row.row,
            row.name,
            tuple(_score_figure(name, band, measurements, extra.get(name)) for name, band in row.figures.items()),
        )
        for row in sorted(bands.rows, key=lambda row: row.row)
    ]


def _score_figure(
    name: str, band: Band, measurements: Sequence[Measurement], given: Sequence[float] | None
) -> FigureScore:
    used = _shortest(name, measurements)
    if given is not None:
        values, reasons = tuple(float(value) for value in given), [""]
    else:
        values = tuple(one.values[name] for one in used if name in one.values)
        reasons = [one.reasons.get(name, "") for one in used]
    known = [value for value in values if not math.isnan(value)]
    # A seed without a value counts as one outside, and so does a mean that leaves seeds out.
    value = sum(known) / len(known) if known else math.nan
    low, high = widen(band)
    return FigureScore(
        name=name,
        unit=known_figures()[name].unit,
        value=value,
        band=band,
        in_band=bool(known) and _distance(value, band) <= 1.0,
        seeds_in_band=sum(low <= one <= high for one in known),
        seeds=len(values),
        values=values,
        reason=next((reason for reason in reasons if reason), "" if values else "not measured"),
    )


def _shortest(name: str, measurements: Sequence[Measurement]) -> Sequence[Measurement]:
    """Return the measurements a figure is taken from: a day is not asked for what six hours can tell."""
    long_enough = [one for one in measurements if name not in one.short] or list(measurements)
    least = min((one.hours for one in long_enough), default=0.0)
    return [one for one in long_enough if one.hours <= 2.0 * least]


def _distance(value: float, band: Band) -> float:
    low, high = band
    if low is None or high is None:
        return 0.0 if (low is None or value >= low) and (high is None or value <= high) else 2.0
    half = (high - low) / 2.0
    away = abs(value - (low + high) / 2.0)
    if low <= value <= high:  # rounding must not push an end out
        return min(away / half, 1.0) if half > 0 else 0.0
    return max(away / half, math.nextafter(1.0, 2.0)) if half > 0 else math.inf


def _plain(value: float) -> float | None:
    return value if math.isfinite(value) else None
