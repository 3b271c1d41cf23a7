"""Time of day: activity and volatility by half hour, where a source spans enough of it."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final
from zoneinfo import ZoneInfo

import numpy as np

from twin_env.core.state.layout import HALF_HOURS
from twin_env.studies.calibration.observed import NS_PER_S, Floats, Observed

_HALF_HOUR_S: Final = 1800
_COVERED: Final = 0.9  # of a half hour must be in the source
FEWEST_HALF_HOURS: Final = 8


@dataclass(frozen=True)
class SessionFit:
    """Curves relative to their mean over the half hours that were seen; 1 in the others."""

    activity: tuple[float, ...]
    volatility: tuple[float, ...]
    seen: int


def fit_session(observed: Observed, zone: str) -> SessionFit | None:
    """Return the curves, or ``None`` if fewer than 8 half hours of the day are covered."""
    recording = observed.recording
    at = datetime.fromtimestamp(recording.start_ns / NS_PER_S, UTC).astimezone(ZoneInfo(zone)).utcoffset()
    offset_s = at.total_seconds() if at else 0.0
    seconds = np.bincount(_half_hours(recording.depth_ns, offset_s), minlength=HALF_HOURS).astype(np.float64)
    covered = seconds % (86_400) >= _COVERED * _HALF_HOUR_S
    if np.count_nonzero(covered) < FEWEST_HALF_HOURS:
        return None
    events = np.bincount(_half_hours(observed.event_ns, offset_s), minlength=HALF_HOURS) / np.maximum(seconds, 1.0)
    squares = np.diff(observed.mid_by_second[::60]) ** 2
    place = _half_hours(recording.depth_ns[::60][1:], offset_s)
    count = np.maximum(np.bincount(place, minlength=HALF_HOURS), 1)
    variance = np.bincount(place, weights=squares, minlength=HALF_HOURS) / count
    return SessionFit(
        activity=_relative(events, covered),
        volatility=_relative(np.sqrt(variance), covered),
        seen=int(np.count_nonzero(covered)),
    )


def _half_hours(
    ts_ns: np.ndarray[tuple[int], np.dtype[np.int64]], offset_s: float
) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    return ((ts_ns / NS_PER_S + offset_s) % 86_400 // _HALF_HOUR_S).astype(np.int64)


def _relative(values: Floats, covered: np.ndarray[tuple[int], np.dtype[np.bool_]]) -> tuple[float, ...]:
    curve = np.where(covered, values / values[covered].mean(), 1.0)
    return tuple(round(value, 4) for value in curve.tolist())
