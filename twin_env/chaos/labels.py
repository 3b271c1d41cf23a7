"""Ground truth for detectors: signals that were really there, by what was measured against the paired run.

A label comes from the world and not from the request: a drought that did not thin the book has none.
"""

from collections.abc import Callable
from typing import Final

import numpy as np
from numpy.typing import NDArray

from twin_env.chaos.journal import Label
from twin_env.chaos.trace import Trace
from twin_env.chaos.window import Window
from twin_env.market.moments import NS_PER_S

_JUMP_SIGMAS: Final = 6.0
_STALE_NS: Final = NS_PER_S
_SMOOTH_S: Final = 0.5

Floats = NDArray[np.float64]


def label(fault: str, window: Window, observable_ns: int) -> list[Label]:
    """Return the signals of one fault.

    Args:
        fault: What it is called.
        window: Its time.
        observable_ns: When the desk could see it first.
    """
    labels = []
    for signal, (measure, threshold) in SIGNALS.items():
        values = measure(window)
        strong = values >= threshold
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


def _over_paired(chaos: Floats, calm: Floats, run: Trace) -> Floats:
    usual = max(float(np.median(calm)) if len(calm) else 1.0, 1.0)
    return _smooth(chaos, run) / usual


def _spread(window: Window) -> Floats:
    return _over_paired(window.chaos.spread_ticks, window.calm.spread_ticks, window.chaos)


def _thinness(window: Window) -> Floats:
    depth = _over_paired(window.chaos.depth_lots, window.calm.depth_lots, window.chaos)
    return 1.0 / np.maximum(depth, 1e-3)


def _jump(window: Window) -> Floats:
    """Return moves of the mid within a second, over those of the paired run."""
    every = max(1, NS_PER_S // window.chaos.step_ns)
    calm = np.diff(window.calm.mid_ticks[::every])
    usual = max(float(calm.std()) if len(calm) > 1 else 1.0, 0.5)
    mids = window.chaos.mid_ticks
    moves = np.zeros(len(mids))
    moves[every:] = np.abs(mids[every:] - mids[:-every]) / usual
    return moves


def _stale(window: Window) -> Floats:
    return np.asarray(window.chaos["t_ns"] - window.chaos["heard_ns"], np.float64)


def _closed(window: Window) -> Floats:
    return np.asarray(window.chaos["closed"], np.float64)


def _crossed(window: Window) -> Floats:
    return np.asarray(window.chaos["desk_bid"] >= window.chaos["desk_ask"], np.float64)


def _lost(window: Window) -> Floats:
    lost = np.asarray(window.chaos["lost"], np.float64)
    return np.diff(lost, prepend=lost[:1])


def _busy(counter: str) -> Callable[[Window], Floats]:
    """Return what measures a counter's rate over that of the paired run."""

    def measure(window: Window) -> Floats:
        rates = [np.diff(np.asarray(run[counter], np.float64), prepend=run[counter][:1]) for run in _runs(window)]
        usual = max(float(rates[1].mean()) if len(rates[1]) else 0.0, 1e-3)
        return _smooth(rates[0], window.chaos) / usual

    return measure


def _runs(window: Window) -> tuple[Trace, Trace]:
    return window.chaos, window.calm


def _off(window: Window) -> Floats:
    return np.abs(np.asarray(window.chaos["position_gap"], np.float64))


SIGNALS: Final[dict[str, tuple[Callable[[Window], Floats], float]]] = {
    "SPREAD_WIDE": (_spread, 2.0),
    "DEPTH_DROP": (_thinness, 2.0),
    "MID_JUMP": (_jump, _JUMP_SIGMAS),
    "TRADE_BURST": (_busy("trades"), 8.0),
    "MSG_RATE": (_busy("messages"), 4.0),
    "STALE": (_stale, float(_STALE_NS)),
    "SEQ_GAP": (_lost, 1.0),
    "HALT_STATE": (_closed, 1.0),
    "CROSSED": (_crossed, 1.0),
    "POS_MISMATCH": (_off, 1.0),
}
"""Signals, what measures them sample by sample, and from which value on they are there."""
