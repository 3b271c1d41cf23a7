"""Ground truth for detectors: signals that were really there, by what was measured against the paired run.

A label comes from the world and not from the request: a drought that did not thin the book has none.
"""

from collections.abc import Callable
from typing import Final

import numpy as np
from numpy.typing import NDArray

from twin_env.chaos.journal.journal import Label
from twin_env.chaos.journal.measurements import Window
from twin_env.chaos.journal.trace import Trace
from twin_env.market.moments import NS_PER_S

_JUMP_SIGMAS: Final = 6.0
_BEYOND: Final = 1.1  # of the strongest a signal is without any fault
_STALE_S: Final = 1.0
_SMOOTH_S: Final = 0.5

Floats = NDArray[np.float64]


def label(fault: str, window: Window, observable_ns: int) -> list[Label]:
    """Return the signals of one fault: stronger than a threshold, and than they ever were in the paired run.

    Args:
        fault: What it is called.
        window: Its time.
        observable_ns: When the desk could see it first.
    """
    labels = []
    calm = window.whole_calm
    for signal, (measure, threshold) in SIGNALS.items():
        values, baseline = measure(window.chaos, calm), measure(calm, calm)
        strong = (values >= threshold) & (values > _BEYOND * baseline.max(initial=0.0))
        if strong.any():
            times = window.chaos["t_ns"][: len(values)][strong]
            begins_ns = max(int(times[0]), min(observable_ns, int(times[-1])))
            labels.append(
                Label(
                    fault=fault, signal=signal, begins_ns=begins_ns, ends_ns=int(times[-1]), value=float(values.max())
                )
            )
    return labels


def _smooth(values: Floats, run: Trace) -> Floats:
    """Return running means over half a second."""
    width = max(1, int(_SMOOTH_S * NS_PER_S // run.step_ns))
    if len(values) < width:
        return np.full(len(values), values.mean() if len(values) else 0.0)
    sums = np.cumsum(np.concatenate([[0.0], values]))
    means = (sums[width:] - sums[:-width]) / width
    return np.concatenate([np.full(width - 1, means[0]), means])


def _spread(run: Trace, calm: Trace) -> Floats:
    return _smooth(run.spread_ticks, run) / _baseline(calm.spread_ticks)


def _thinness(run: Trace, calm: Trace) -> Floats:
    return _baseline(calm.depth_lots) / np.maximum(_smooth(run.depth_lots, run), 1e-3)


def _baseline(values: Floats) -> float:
    return max(float(np.median(values)), 1.0) if len(values) else 1.0


def _jump(run: Trace, calm: Trace) -> Floats:
    """Return moves of the mid within a second, over those of the paired run."""
    every = max(1, NS_PER_S // run.step_ns)
    ordinary = np.diff(calm.mid_ticks[::every])
    baseline = max(float(ordinary.std()) if len(ordinary) > 1 else 1.0, 0.5)
    mids = run.mid_ticks
    moves = np.zeros(len(mids))
    moves[every:] = np.abs(mids[every:] - mids[:-every]) / baseline
    return moves


def _stale(run: Trace, calm: Trace) -> Floats:
    return np.asarray((run["t_ns"] - run["received_ns"]) / NS_PER_S, np.float64)


def _closed(run: Trace, calm: Trace) -> Floats:
    return np.asarray(run["closed"], np.float64)


def _crossed(run: Trace, calm: Trace) -> Floats:
    return np.asarray((run["desk_bid"] >= run["desk_ask"]) & (run["desk_one_sided"] == 0), np.float64)


def _lost(run: Trace, calm: Trace) -> Floats:
    lost = np.asarray(run["lost"], np.float64)
    return np.diff(lost, prepend=lost[:1])


def _busy(counter: str) -> Callable[[Trace, Trace], Floats]:
    """Return what measures a counter's rate over that of the paired run."""

    def measure(run: Trace, calm: Trace) -> Floats:
        rates = [np.diff(np.asarray(one[counter], np.float64), prepend=one[counter][:1]) for one in (run, calm)]
        baseline = max(float(rates[1].mean()) if len(rates[1]) else 0.0, 1e-3)
        return _smooth(rates[0], run) / baseline

    return measure


def _off(run: Trace, calm: Trace) -> Floats:
    """Return how many lots the desk's position is off, the least of two seconds: what is on the wire is not off."""
    width = max(1, 2 * NS_PER_S // run.step_ns)
    gap = np.abs(np.asarray(run["position_gap"], np.float64))
    if len(gap) < width:
        return np.zeros(len(gap))
    least = np.lib.stride_tricks.sliding_window_view(gap, width).min(axis=1)
    return np.concatenate([np.zeros(width - 1), least])


SIGNALS: Final[dict[str, tuple[Callable[[Trace, Trace], Floats], float]]] = {
    "SPREAD_WIDE": (_spread, 2.0),
    "DEPTH_DROP": (_thinness, 2.0),
    "MID_JUMP": (_jump, _JUMP_SIGMAS),
    "TRADE_BURST": (_busy("trades"), 8.0),
    "MSG_RATE": (_busy("messages"), 4.0),
    "STALE": (_stale, _STALE_S),
    "SEQ_GAP": (_lost, 1.0),
    "HALT_STATE": (_closed, 1.0),
    "CROSSED": (_crossed, 1.0),
    "POS_MISMATCH": (_off, 1.0),
}
"""Signals, what measures them sample by sample, and from which value on they are there."""
