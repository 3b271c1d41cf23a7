"""The laboratory's figure: impact against size, and its path in time."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from twin_env.extras import missing
from twin_env.files import WriteError, whole_file
from twin_env.studies.impact.experiment import MetaorderRuns
from twin_env.studies.impact.fit import target_path
from twin_env.studies.impact.result import ImpactResult


def save_figure(result: ImpactResult, base: Sequence[MetaorderRuns], path: Path, name: str) -> None:
    """Draw the result into a file; its ending says which format.

    Args:
        result: The figures.
        base: The runs behind them.
        path: Where to.
        name: Of the market.

    Raises:
        ValueError: If matplotlib is not installed, or cannot write such a file.
    """
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise ValueError(f"{path}: {missing('matplotlib')}.") from error
    figure = Figure(figsize=(11, 4.5), layout="constrained")
    sizes, times = figure.subplots(1, 2)
    _draw_sizes(sizes, result, len(base))
    _draw_path(times, result, base)
    figure.suptitle(f"Market impact: {name}")
    try:
        with whole_file(Path(path)) as draft:
            figure.savefig(draft, dpi=120)
    except WriteError:
        raise
    except ValueError as error:  # a format that matplotlib does not know
        raise ValueError(f"{path}: cannot be written ({error}), expected a .png, .svg or .pdf file") from error


def _draw_sizes(axes: Any, result: ImpactResult, count: int) -> None:
    sigma, fit = result.activity.sigma_ticks, result.impact
    cells = result.cells[:count]
    shares = np.array([cell.share for cell in cells])
    peaks = np.array([[cell.peak.mean, cell.peak.low, cell.peak.high] for cell in cells]) / sigma
    shown = peaks[:, 0] > 0.0
    value, low, high = peaks[shown].T
    errors = [value - np.maximum(low, value / 100.0), high - value]
    axes.errorbar(shares[shown], value, errors, fmt="o", capsize=3, color="C0", label="measured")
    label = f"fit: {fit.coefficient.mean:.2g} (Q/V)^{fit.exponent.mean:.2f}"
    axes.plot(shares, [fit.at(share) for share in shares], color="C0", label=label)
    square_root = fit.sqrt_coefficient.mean * np.sqrt(shares)
    axes.plot(shares, square_root, "--", color="0.5", label=f"{fit.sqrt_coefficient.mean:.2g} sqrt(Q/V)")
    axes.set(xscale="log", yscale="log", xlabel="Q / daily volume", ylabel="impact / daily volatility")
    axes.legend()


def _draw_path(axes: Any, result: ImpactResult, base: Sequence[MetaorderRuns]) -> None:
    for runs in base:
        path = runs.impact_ticks.mean(axis=0)
        axes.plot(runs.fractions, path / path[runs.end], color="0.8", lw=1)
    z = [ratio.z for ratio in result.path]
    value, low, high = np.array([[r.ratio.mean, r.ratio.low, r.ratio.high] for r in result.path]).T
    axes.errorbar(z, value, [value - low, high - value], fmt="o-", capsize=3, color="C0", label="all sizes")
    fine = np.linspace(0.0, max(z), 400)
    axes.plot(fine, [target_path(point) for point in fine], "--", color="C3", label="sqrt(z) - sqrt(z - 1)")
    axes.set(xlabel="z = t / T", ylabel="impact / impact at T", ylim=(0.0, max(1.3, 1.1 * float(high.max()))))
    axes.legend()
