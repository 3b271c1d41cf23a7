"""The realism score: what a market's recording has of the stylised facts of real ones.

Every metric is a function in ``prices``, ``book`` or ``flow``; :data:`METRICS` is the table of them all.
docs/realism.md explains how to read a score.
"""

from twin_env.studies.realism import book, flow, prices
from twin_env.studies.realism.distances import SAMPLES, Distance, compare
from twin_env.studies.realism.registry import METRICS, Figure, Measurement, Metric, measure
from twin_env.studies.realism.scores import (
    FigureScore,
    MetricScore,
    RealismBands,
    load_bands,
    score,
    score_measurements,
)
from twin_env.studies.realism.series import Series
from twin_env.studies.realism.window import common_levels, seen_through

__all__ = [
    "METRICS",
    "SAMPLES",
    "Distance",
    "Figure",
    "FigureScore",
    "Measurement",
    "Metric",
    "MetricScore",
    "RealismBands",
    "Series",
    "book",
    "common_levels",
    "compare",
    "flow",
    "load_bands",
    "measure",
    "prices",
    "score",
    "score_measurements",
    "seen_through",
]
