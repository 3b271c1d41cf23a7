"""Twelve panels that show what a score is made of, for up to a few recordings."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np

from twin_env.extras import missing
from twin_env.files import whole_file
from twin_env.studies.realism.book import mean_depth
from twin_env.studies.realism.estimators import Floats, autocorrelation, overlapping_changes
from twin_env.studies.realism.flow import response_curve
from twin_env.studies.realism.prices import minute_abs_acf, variance_rate, volume_by_clock
from twin_env.studies.realism.recording import Recording
from twin_env.studies.realism.series import NS_PER_S, Series

_COLOURS: Final = ("#1f77b4", "#d95f02", "#4daf4a", "#984ea3")
_SLOT_MIN: Final = 30  # minutes of the clock per step of the intraday curve


def draw(recordings: Sequence[Recording], path: Path) -> None:
    """Draw the panels and write them to ``path``; its suffix chooses the format.

    Args:
        recordings: Drawn over each other, told apart by colour and name.
        path: Where to.

    Raises:
        ValueError: There is no matplotlib, or it does not know the format.
    """
    try:
        import matplotlib
    except ImportError:
        raise ValueError(f"{path}: {missing('matplotlib')}.") from None
    matplotlib.use("Agg", force=False)
    from matplotlib import pyplot

    figure, grid = pyplot.subplots(3, 4, figsize=(18, 11), layout="constrained")
    try:
        for number, recording in enumerate(recordings):
            series = Series(recording)
            colour = _COLOURS[number % len(_COLOURS)]
            for panel, axes in zip(_PANELS, grid.flat, strict=True):
                with np.errstate(all="ignore"):
                    panel(axes, series, {"color": colour, "label": recording.name, "offset": number})
        grid.flat[0].legend()
        with whole_file(path) as draft:
            figure.savefig(draft, dpi=110)
    finally:
        pyplot.close(figure)


def _label(axes: Any, title: str, x: str, y: str, scale: str = "") -> None:
    axes.set_title(title)
    axes.set_xlabel(x)
    axes.set_ylabel(y)
    if "x" in scale:
        axes.set_xscale("log")
    if "y" in scale:
        axes.set_yscale("log")
    axes.grid(alpha=0.3)


def _line(axes: Any, x: Any, y: Any, style: dict[str, Any], marker: str = "") -> None:
    axes.plot(x, y, color=style["color"], label=style["label"], marker=marker, markersize=3, linewidth=1.2)


def _bars(axes: Any, x: Any, y: Any, style: dict[str, Any]) -> None:
    axes.bar(np.asarray(x) + 0.35 * style["offset"], y, width=0.35, color=style["color"], label=style["label"])


def _positive(values: Floats) -> Floats:
    return np.where(values > 0, values, np.nan)


def _spread(axes: Any, series: Series, style: dict[str, Any]) -> None:
    ticks = series.recording.touch[:, 1] - series.recording.touch[:, 0]
    shares = np.bincount(np.clip(ticks, 0, 8), minlength=9)[1:] / max(len(ticks), 1)
    _bars(axes, np.arange(1, 9), shares, style)
    _label(axes, "Spread", "ticks (8: and more)", "share of time")


def _depth(axes: Any, series: Series, style: dict[str, Any]) -> None:
    profile = mean_depth(series)
    _bars(axes, np.arange(1, len(profile) + 1), profile, style)
    _label(axes, "Depth", "level, ticks", "mean lots")


def _inter_arrival(axes: Any, series: Series, style: dict[str, Any]) -> None:
    gaps = np.diff(series.ts_ns[series.is_acted()]) / NS_PER_S
    counts, edges = np.histogram(np.log10(gaps[gaps > 0]), bins=60)
    width = edges[1] - edges[0]
    middle = (edges[:-1] + edges[1:]) / 2
    _line(axes, middle, counts / max(counts.sum(), 1) / width, style)
    reduced = 10.0**middle / gaps.mean()
    axes.plot(middle, np.log(10) * reduced * np.exp(-reduced), color=style["color"], linestyle=":", linewidth=0.9)
    _label(axes, "Time between messages (dotted: Poisson)", "log10 seconds", "density")


def _sign_acf(axes: Any, series: Series, style: dict[str, Any]) -> None:
    curve = autocorrelation(series.trades.side, 500, mean=0.0)[1:]
    _line(axes, np.arange(1, 501), _positive(curve), style)
    _label(axes, "Autocorrelation of trade signs", "lag, trades", "", "xy")
    axes.set_ylim(1e-3, 1)


def _abs_acf(axes: Any, series: Series, style: dict[str, Any]) -> None:
    curve = minute_abs_acf(series, 60)[1:]
    _line(axes, np.arange(1, len(curve) + 1), curve, style, "o")
    _label(axes, "Autocorrelation of absolute 1 min returns", "lag, minutes", "")


def _signature(axes: Any, series: Series, style: dict[str, Any]) -> None:
    steps = [1, 2, 5, 10, 20, 30, 60, 120, 300, 600]
    rates = np.array([variance_rate(series.mid_by_second, step) for step in steps])
    _line(axes, steps, rates / rates[steps.index(300)], style, "o")
    _label(axes, "Signature plot of the mid", "seconds", "variance rate / that over 5 min", "x")


def _response(axes: Any, series: Series, style: dict[str, Any]) -> None:
    lags = np.unique(np.round(np.geomspace(1, 1000, 31)).astype(np.int64))
    values, errors = response_curve(series, lags)
    _line(axes, lags, values, style)
    axes.fill_between(lags, values - 2 * errors, values + 2 * errors, color=style["color"], alpha=0.15, linewidth=0)
    _label(axes, "Response to a trade (band: 2 errors)", "lag, trades", "ticks", "x")


def _returns(axes: Any, series: Series, style: dict[str, Any]) -> None:
    from scipy.special import ndtri

    changes = np.sort(overlapping_changes(series.mid_by_second, 60))
    if len(changes) < 2:
        return
    chances = np.linspace(0.5 / len(changes), 1 - 0.5 / len(changes), 400)
    normal = ndtri(chances)
    _line(axes, normal, np.quantile(changes - changes.mean(), chances) / changes.std(), style)
    axes.plot([-4, 4], [-4, 4], color="grey", linewidth=0.6)
    _label(axes, "1 min returns against a normal", "normal quantile", "quantile, standard deviations")


def _touch_lots(axes: Any, series: Series, style: dict[str, Any]) -> None:
    lots = series.recording.touch[:, 2:].ravel()
    most = int(np.quantile(lots, 0.995)) + 1 if len(lots) else 1
    shares = np.bincount(np.minimum(lots, most), minlength=most + 1) / max(len(lots), 1)
    _line(axes, np.arange(1, most), _positive(shares[1:most]), style)
    _label(axes, "Lots at the best price", "lots", "share of time", "y")


def _cancel_time(axes: Any, series: Series, style: dict[str, Any]) -> None:
    orders = series.orders
    life = np.sort((orders.ended_ns - orders.born_ns)[orders.cancelled] / NS_PER_S)
    if not len(life):
        return
    shares = np.geomspace(1.0, 1.0 / len(life), 300)
    _line(axes, np.quantile(life, 1.0 - shares), shares, style)
    _label(axes, "Time to cancel", "seconds", "share that took longer", "xy")


def _clock(axes: Any, series: Series, style: dict[str, Any]) -> None:
    lots, minutes = (values.reshape(-1, _SLOT_MIN).sum(axis=1) for values in volume_by_clock(series))
    rate = np.where(minutes >= 1, lots / np.maximum(minutes, 1), np.nan)
    _line(axes, (np.arange(len(rate)) + 0.5) * _SLOT_MIN / 60, rate, style, "o")
    axes.set_xlim(0, 24)
    axes.set_ylim(bottom=0)
    _label(axes, "Volume by the clock", "hour in New York", "lots per minute")


def _price(axes: Any, series: Series, style: dict[str, Any]) -> None:
    path = series.mid_by_second[::10]
    _line(axes, np.arange(len(path)) / 360.0, (path - path[0]) if len(path) else path, style)
    _label(axes, "Mid", "hours", "ticks from the start")


_PANELS: Final = (
    _spread,
    _depth,
    _inter_arrival,
    _sign_acf,
    _abs_acf,
    _signature,
    _response,
    _returns,
    _touch_lots,
    _cancel_time,
    _clock,
    _price,
)
