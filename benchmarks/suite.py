"""Every measurement, and the goals it is printed beside (``twin bench``)."""

import os
import platform
import sys
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks import books, replay, report, training, worlds

# Floor and stretch goal. For what should be small the floor is the larger number.
GOALS: dict[str, tuple[float, float]] = {
    "book.compiled.messages_per_s": (20e6, 50e6),
    "book.compiled.aapl_hour.messages_per_s": (20e6, 50e6),
    "book.speedup": (15, 35),
    "book.aapl_hour.speedup": (15, 35),
    "env.single.e50.steps_per_s": (50_000, 120_000),
    "flow.events_per_s": (4e6, 8e6),
    "env.batch.e50.n64.t1.steps_per_s": (100_000, 200_000),
    "env.batch.e100.n64.t1.steps_per_s": (40_000, 80_000),
    "ppo.steps_per_s": (30_000, 45_000),
    "ppo.env_share": (0.3, 0.2),
    "env.chaos.default_over_calm": (0.8, 0.95),
    "reset_us": (500, 100),
    "compile_cold_s": (20, 8),
    "start_warm_s": (1.0, 0.5),
    "world_bytes": (65_536, 65_536),
    "report.seconds": (30, 10),
    "report.mib": (15, 5),
}
_AAPL = "AAPL_2012-06-21_34200000_37800000_message_50.csv.gz"
_AAPL_BOOK = "AAPL_2012-06-21_orderbook_50_first672rows.csv.gz"


def verdict(name: str, value: float | None) -> str:
    """Say how a figure stands to its goal."""
    if value is None or name not in GOALS:
        return ""
    floor, stretch = GOALS[name]
    small = floor > stretch or name == "world_bytes"
    reached = [value <= goal if small else value >= goal for goal in (floor, stretch)]
    word = "stretch reached" if reached[1] else "floor reached" if reached[0] else "below the floor"
    return f"{word} (goals {floor:g} / {stretch:g})"


def find_data(folder: str | None) -> Path | None:
    """Return the folder of real data, if there is one."""
    path = Path(folder or os.environ.get("TWIN_DATA_DIR") or "../shared/data")
    return path if (path / "lobster" / _AAPL).is_file() else None


def read_aapl(folder: Path) -> tuple[NDArray[np.void], int]:
    """Read the AAPL hour as a tape."""
    from twin_env.market.data.lobster.reader import read_lobster

    tape = read_lobster(folder / "lobster" / _AAPL, folder / "lobster" / _AAPL_BOOK, window=False)
    return tape.rows, tape.orders


def all_figures(data: Path | None) -> Iterator[tuple[str, float | None]]:
    """Take every measurement, slowest last; None stands for a peer that is not installed."""
    aapl = read_aapl(data) if data else (None, 0)
    yield from worlds.flow_figures()
    yield from worlds.step_figures()
    yield from worlds.batch_figures()
    yield from worlds.chaos_figures()
    yield from worlds.reset_figures()
    yield from worlds.allocation_figures()
    yield from books.figures(*aapl)
    yield from replay.figures(*aapl)
    yield from report.figures()
    yield from training.figures()
    yield from worlds.start_figures()


def machine() -> dict[str, Any]:
    """Describe where the figures were taken."""
    packages = ("numpy", "numba", "gymnasium", "stable-baselines3", "torch", "sortedcontainers", "hftbacktest")
    return {
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
        "cores": os.cpu_count(),
        "load_at_start": os.getloadavg()[0],
        "versions": {name: _version(name) for name in packages},
    }


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def measure(folder: str | None) -> dict[str, Any]:
    """Take every measurement, and print each beside its goal as it comes.

    Args:
        folder: Of real data; ``TWIN_DATA_DIR`` by default.

    Returns:
        Machine and figures, ready for JSON.
    """
    data = find_data(folder)
    if data is None:
        print("No real data: set TWIN_DATA_DIR to measure the AAPL hour, too.", file=sys.stderr)
    results: dict[str, Any] = {"machine": machine(), "figures": {}}
    for name, value in all_figures(data):
        results["figures"][name] = value
        shown = "not installed" if value is None else f"{value:,.4g}"
        print(f"{name:52} {shown:>14}  {verdict(name, value)}", flush=True)
    return results
