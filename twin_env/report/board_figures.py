"""Figures for TensorBoard, as pixels: where the money went."""

from importlib.util import find_spec
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from twin_env.alpha.parts import ALPHA_KEYS, FIRST_PART, SPLIT_NAMES
from twin_env.alpha.results import Result

Pixels = NDArray[np.uint8]

_DPI: Final = 100
_SIZE_IN: Final = (7.0, 4.0)
_GAIN: Final = "#0b6bcb"
_LOSS: Final = "#b35900"
_HATCH: Final = "////"  # so that colour is not all that tells a loss


def can_draw() -> bool:
    """Tell whether there is what draws."""
    return find_spec("matplotlib") is not None


def waterfall_bars(result: Result) -> list[tuple[str, float, float]]:
    """Return the bars of a waterfall from zero to net: name, where it begins, where it ends.

    Strategy comes first and each part of execution begins where the one before ended, so that the last ends at net,
    which is a bar of its own from zero.
    """
    means = {name: result.mean(key) for name, key in zip(SPLIT_NAMES, ALPHA_KEYS, strict=True)}
    bars, at = [], 0.0
    for name in ("strategy", *SPLIT_NAMES[FIRST_PART:]):
        bars.append((name, at, at + means[name]))
        at += means[name]
    return [*bars, ("net", 0.0, means["net"])]


def draw_waterfall(result: Result, currency: str) -> Pixels:
    """Draw the split of a policy, mean per episode: uint8 of shape ``(height, width, 3)``.

    Raises:
        ModuleNotFoundError: matplotlib is not installed; see :func:`can_draw`.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=_SIZE_IN, dpi=_DPI, layout="constrained")
    canvas: Any = FigureCanvasAgg(figure)
    axes: Any = figure.subplots()
    bars = waterfall_bars(result)
    for row, (_, begin, end) in enumerate(bars):
        style = {"color": _GAIN} if end >= begin else {"facecolor": "white", "edgecolor": _LOSS, "hatch": _HATCH}
        axes.barh(row, end - begin, left=begin, height=0.65, **style)
    axes.set_yticks(range(len(bars)), [f"{name.replace('_', ' ')}  {end - begin:+.2f}" for name, begin, end in bars])
    axes.use_sticky_edges = False  # bars keep a margin to the frame
    axes.margins(x=0.05)
    axes.invert_yaxis()
    axes.axvline(0.0, color="black", linewidth=0.8)
    axes.set_xlabel(f"mean of {len(result.episodes)} episodes, {currency}")
    axes.set_title(result.policy, loc="left")
    canvas.draw()
    return np.asarray(canvas.buffer_rgba())[:, :, :3].copy()
