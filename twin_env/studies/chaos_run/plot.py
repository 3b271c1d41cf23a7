"""One figure per run: mid, depth map, spread, the desk's view against the exchange's, faults shaded, readings."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from twin_env.chaos.journal.journal import FaultRecord, Journal
from twin_env.chaos.journal.trace import Trace
from twin_env.extras import missing
from twin_env.files import WriteError, whole_file
from twin_env.market.moments import NS_PER_S
from twin_env.studies.chaos_run.run import Run

_DOTS: Final = 1400  # samples drawn
_AROUND_S: Final = 10.0  # drawn before the first fault and after the last
_MAP_ROWS: Final = 160
_CALM: Final = "#9aa0a6"
_EXCHANGE: Final = "#1f4e79"
_DESK: Final = "#d9822b"
_SHADES: Final = ("#c0392b", "#8e44ad", "#16a085", "#b7950b", "#2874a6", "#6c7a89", "#af601a", "#196f3d")


def draw_run(run: Run, path: str | Path) -> None:
    """Draw a run into a file; its ending says which format.

    Args:
        run: What was run.
        path: Where to: .png, .svg or .pdf.

    Raises:
        ValueError: If matplotlib is not installed, or cannot write such a file.
    """
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise ValueError(f"{path}: {missing('matplotlib')}.") from error
    trace, calm = _shown(run)
    figure = Figure(figsize=(11, 10), layout="constrained")
    rows: Any = figure.subplots(5, 1, height_ratios=[3, 3, 1.4, 1.4, 1.6])
    _draw_mids(rows[0], trace, calm)
    _draw_depth(rows[1], trace)
    _draw_spreads(rows[2], trace, calm)
    _draw_lots(rows[3], trace, calm)
    _write_readings(rows[4], run.journal)
    for axes in rows[:4]:
        _shade(axes, run.journal, trace, axes is rows[0])
        axes.set_xlim(0.0, _seconds(trace)[-1])
        axes.tick_params(labelsize=8)
    rows[3].set_xlabel(f"seconds from {_clock(run, trace)}", fontsize=8)
    figure.suptitle(f"{run.journal.experiment.title} (seed {run.journal.seed})", fontsize=11)
    try:
        with whole_file(Path(path)) as draft:
            figure.savefig(draft, dpi=110)
    except WriteError:
        raise
    except ValueError as error:  # a format that matplotlib does not know
        raise ValueError(f"{path}: cannot be written ({error}), expected a .png, .svg or .pdf file") from error


def _shown(run: Run) -> tuple[Trace, Trace]:
    """Return the part of both runs around the faults, thinned out to what a figure can show."""
    began = [record.began_ns for record in run.journal.run if record.began_ns is not None]
    ended = [record.ended_ns for record in run.journal.run if record.ended_ns is not None]
    margin_ns = round(max(_AROUND_S, 0.25 * (max(ended) - min(began)) / NS_PER_S if began else 0.0) * NS_PER_S)
    begin_ns = min(began) - margin_ns if began else run.journal.start_ns
    end_ns = max(ended) + 2 * margin_ns if ended else run.journal.end_ns
    return _thin(run.chaos.trace.between(begin_ns, end_ns)), _thin(run.calm.trace.between(begin_ns, end_ns))


def _thin(trace: Trace) -> Trace:
    every = max(1, len(trace) // _DOTS)
    thin = Trace(0, trace.step_ns * every)
    thin.samples, thin.prices, thin.lots = trace.samples[::every], trace.prices[::every], trace.lots[::every]
    return thin


def _seconds(trace: Trace) -> NDArray[np.float64]:
    return np.asarray((trace["t_ns"] - trace["t_ns"][0]) / NS_PER_S)


def _clock(run: Run, trace: Trace) -> str:
    zone = ZoneInfo("UTC")
    return (
        datetime.fromtimestamp(int(trace["t_ns"][0]) / NS_PER_S, UTC).astimezone(zone).strftime("%Y-%m-%d %H:%M:%S UTC")
    )


def _draw_mids(axes: Any, trace: Trace, calm: Trace) -> None:
    desk = 0.5 * (trace["desk_bid"] + trace["desk_ask"])
    axes.plot(_seconds(calm), calm.mid_ticks, color=_CALM, linewidth=0.9, label="mid without the faults")
    axes.plot(_seconds(trace), trace.mid_ticks, color=_EXCHANGE, linewidth=1.1, label="mid at the exchange")
    axes.plot(_seconds(trace), desk, color=_DESK, linewidth=0.9, alpha=0.9, label="mid as the desk sees it")
    axes.set_ylabel("mid, ticks", fontsize=8)


def _draw_depth(axes: Any, trace: Trace) -> None:
    """Draw lots by price and time, and the touches over them."""
    from matplotlib.colors import LogNorm

    there = trace.lots > 0
    low, high = np.percentile(trace.prices[there], [0.5, 99.5]) if there.any() else (0.0, 1.0)
    edges = np.linspace(low - 1, high + 1, _MAP_ROWS + 1)
    rows = np.clip(np.digitize(trace.prices, edges) - 1, 0, _MAP_ROWS - 1)
    heat = np.zeros((_MAP_ROWS, len(trace)))
    columns = np.broadcast_to(np.arange(len(trace))[:, None, None], trace.prices.shape)
    np.add.at(heat, (rows[there], columns[there]), trace.lots[there])
    norm = LogNorm(1, max(2.0, float(heat.max())))
    span = (0.0, float(_seconds(trace)[-1]), edges[0], edges[-1])
    axes.imshow(np.ma.masked_less(heat, 1), aspect="auto", origin="lower", extent=span, norm=norm, cmap="viridis")
    for name, color in (("bid", "#2e7d32"), ("ask", "#c62828")):
        axes.plot(_seconds(trace), trace[name], color=color, linewidth=0.6, label=name)
    axes.set_ylabel("resting lots by price, ticks", fontsize=8)


def _draw_spreads(axes: Any, trace: Trace, calm: Trace) -> None:
    axes.plot(_seconds(calm), calm.spread_ticks, color=_CALM, linewidth=0.7)
    axes.plot(_seconds(trace), trace.spread_ticks, color=_EXCHANGE, linewidth=0.7)
    axes.set_yscale("symlog", linthresh=10)
    axes.set_ylabel("spread, ticks", fontsize=8)


def _draw_lots(axes: Any, trace: Trace, calm: Trace) -> None:
    axes.plot(_seconds(calm), calm.depth_lots, color=_CALM, linewidth=0.7)
    axes.plot(_seconds(trace), trace.depth_lots, color=_EXCHANGE, linewidth=0.7)
    axes.set_ylabel("lots, best 5", fontsize=8)


def _shade(axes: Any, journal: Journal, trace: Trace, named: bool) -> None:
    """Shade the time of every fault."""
    first_ns = int(trace["t_ns"][0])
    for record, color in zip(journal.run, _SHADES * 2, strict=False):
        if record.began_ns is None or record.ended_ns is None:
            continue
        begin, end = ((edge - first_ns) / NS_PER_S for edge in (record.began_ns, record.ended_ns))
        axes.axvspan(begin, max(end, begin + 1e-3), color=color, alpha=0.16, label=record.id if named else None)
    if named:
        axes.legend(fontsize=7, loc="best", ncols=2)


def _write_readings(axes: Any, journal: Journal) -> None:
    """Write what was asked for beside what came of it."""
    axes.axis("off")
    lines = [f"{'fault':24} {'signal':22} {'asked':>10} {'achieved':>10}   outcome"]
    for record in journal.run:
        lines += _lines_of(record)
    recovered = journal.steady_states.recovered_s
    back = "not in time" if recovered is None else f"after {recovered:.0f} s"
    lines.append(f"steady state back: {back}")
    axes.text(0.0, 1.0, "\n".join(lines[:12]), family="monospace", fontsize=8, va="top", transform=axes.transAxes)


def _lines_of(record: FaultRecord) -> list[str]:
    lines = []
    for reading in record.readings:
        achieved = "-" if reading.achieved is None else f"{reading.achieved:.4g}"
        outcome = "as asked" if reading.met else record.deviation.replace("_", " ")
        lines.append(f"{record.id:24.24} {reading.name:22.22} {reading.requested:10.4g} {achieved:>10}   {outcome}")
    return lines or [f"{record.id:24.24} {record.deviation.replace('_', ' ')}"]
