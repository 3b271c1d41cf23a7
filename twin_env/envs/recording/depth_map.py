"""An episode as one picture: resting lots over time and price, the touch, and what the desk did and saw."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from twin_env.envs.recording.depth import Depth, sample_depth
from twin_env.envs.recording.folder import read_header, read_table
from twin_env.extras import missing
from twin_env.files import WriteError, whole_file

_NS_PER_S: Final = 1e9
_DPI: Final = 100
_MARGIN_TICKS: Final = 8  # beyond the touches, own fills and own orders
_NEAR_TICKS: Final = 30  # an own order farther from the touches does not widen the picture
_COLOURS: Final = {"buy": "#d95f02", "sell": "#7b3294"}
_MARKS: Final = {"buy": "^", "sell": "v"}
_TOUCH: Final = "#111111"
_DESK: Final = "#e7298a"


class _Span(NamedTuple):
    """An own order at one price, seconds since the reset."""

    begin_s: float
    end_s: float
    price: float
    side: str
    waits: bool


def draw_depth_map(
    folder: str | Path,
    path: str | Path,
    *,
    between_s: tuple[float, float] | None = None,
    size_px: tuple[int, int] = (1600, 900),
) -> None:
    """Draw a recorded episode: time against price, resting lots as colour.

    Lines are the exchange's touch and, thin, the touch the desk saw after each step: how far it lags is the
    latency. Bars are own limit orders while they rest, dotted where they are stops that wait; triangles are own
    fills, hollow where the order took.

    Args:
        folder: Of a recorded episode.
        path: Where to; its ending says which format, ``.png`` for one.
        between_s: Seconds since the reset to draw; all by default.
        size_px: Width and height.

    Raises:
        EpisodeError: The folder is no whole recording.
        ValueError: matplotlib is not installed or cannot write such a file, or the times are not in the episode.
    """
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise ValueError(f"{path}: {missing('matplotlib')}.") from error
    scene = _Scene(Path(folder), between_s, size_px[0] // 2)
    figure = Figure(figsize=(size_px[0] / _DPI, size_px[1] / _DPI), dpi=_DPI, layout="constrained")
    axes: Any = figure.subplots()
    scene.draw_lots(figure, axes)
    scene.draw_touches(axes)
    scene.draw_orders(axes)
    scene.draw_fills(axes)
    scene.label(axes)
    figure.legend(*axes.get_legend_handles_labels(), loc="outside lower center", ncols=8, frameon=False)
    try:
        with whole_file(Path(path)) as draft:
            figure.savefig(draft, dpi=_DPI)
    except WriteError:
        raise
    except ValueError as error:  # a format that matplotlib does not know
        raise ValueError(f"{path}: cannot be written ({error}), expected a .png, .svg or .pdf file") from error


class _Scene:
    """What is drawn, in seconds since the reset and in the quote currency."""

    def __init__(self, folder: Path, between_s: tuple[float, float] | None, moments: int) -> None:
        self._facts = read_header(folder)
        instrument = self._facts["config"]["market"]["instrument"]
        self._tick, self._symbol = instrument["tick_size"], instrument["symbol"]
        self._desk = read_table(folder, "desk")
        self._last_step = read_table(folder, "steps").row(-1, named=True)
        self._start_ns, end_ns = self._desk["ts_ns"][0], self._desk["ts_ns"][-1]
        length_s = float((end_ns - self._start_ns) / _NS_PER_S)
        self._begin_s, self._end_s = between_s or (0.0, length_s)
        if not 0 <= self._begin_s < self._end_s <= length_s:
            raise ValueError(f"between_s is {between_s}, expected a part of the episode's 0 to {length_s:g} seconds")
        times = np.linspace(self._begin_s, self._end_s, moments + 1)
        self._depth: Depth = sample_depth(folder, self._start_ns + np.round(times * _NS_PER_S).astype(np.int64))
        self._spans = self._read_spans(read_table(folder, "requests"), read_table(folder, "orders"), length_s)
        self._fills = read_table(folder, "fills")
        self._low, self._high = self._price_range()

    def draw_lots(self, figure: Any, axes: Any) -> None:
        """Draw resting lots as colour."""
        from matplotlib.colors import LogNorm

        image = np.full((self._high - self._low + 1, len(self._depth.lots)), np.nan)
        for moment, lots in enumerate(self._depth.lots):
            for price, count in lots.items():
                if self._low <= price <= self._high:
                    image[price - self._low, moment] = count
        top = max(float(np.nanmax(image, initial=1.0)), 2.0)
        bottom_price, top_price = (self._low - 0.5) * self._tick, (self._high + 0.5) * self._tick
        drawn = axes.imshow(
            image,
            norm=LogNorm(0.5, top),
            cmap="Blues",
            extent=(self._begin_s, self._end_s, bottom_price, top_price),
            origin="lower",
            aspect="auto",
            interpolation="nearest",
        )
        figure.colorbar(drawn, ax=axes, label="resting lots at the exchange", pad=0.01, format="%d")

    def draw_touches(self, axes: Any) -> None:
        """Draw the best bid and ask, at the exchange and as the desk saw them."""
        seconds = (self._depth.ts_ns - self._start_ns) / _NS_PER_S
        seen = self._seconds(self._desk["ts_ns"].to_numpy())
        for place, name in enumerate(("bid", "ask")):
            true = {"color": _TOUCH, "linewidth": 1.4, "drawstyle": "steps-post", "zorder": 3}
            axes.plot(seconds, self._depth.touch_ticks[:, place] * self._tick, **true, label=_once(place, "touch"))
            desk = {"color": _DESK, "linewidth": 0.9, "drawstyle": "steps-post", "zorder": 4}
            prices = self._desk[f"{name}_1_ticks"].cast(float).to_numpy() * self._tick
            axes.plot(seen, prices, **desk, label=_once(place, "touch as the desk saw it, step by step"))

    def draw_orders(self, axes: Any) -> None:
        """Draw own orders as bars."""
        named: set[str] = set()
        for span in self._spans:
            name = f"own {span.side} {'stop' if span.waits else 'order'}"
            label = "_nolegend_" if name in named else name
            named.add(name)
            style = {"linewidth": 2.0, "linestyle": ":"} if span.waits else {"linewidth": 5.0, "alpha": 0.75}
            ends = (span.begin_s, span.end_s), (span.price, span.price)
            axes.plot(*ends, color=_COLOURS[span.side], solid_capstyle="butt", zorder=5, label=label, **style)

    def draw_fills(self, axes: Any) -> None:
        """Draw own fills as triangles."""
        for (side, liquidity), fills in self._fills.group_by("side", "liquidity", maintain_order=True):
            axes.scatter(
                self._seconds(fills["ts_ns"].to_numpy()),
                fills["price_quote"].to_numpy(),
                s=30 + 14 * np.sqrt(fills["lots"].to_numpy()),
                marker=_MARKS[str(side)],
                facecolor=_COLOURS[str(side)] if liquidity == "maker" else "white",
                edgecolor="black",
                linewidth=0.9,
                zorder=6,
                label=f"{side} fill, {liquidity}",
            )

    def label(self, axes: Any) -> None:
        """Say what is what, with units."""
        begins = datetime.fromtimestamp(self._start_ns / _NS_PER_S, UTC)
        info = self._last_step
        axes.set(
            xlim=(self._begin_s, self._end_s),
            ylim=((self._low - 0.5) * self._tick, (self._high + 0.5) * self._tick),
            xlabel=f"seconds since {begins:%Y-%m-%d %H:%M:%S} UTC",
            ylabel=f"{self._symbol} price, one tick is {self._tick:g}",
        )
        axes.ticklabel_format(axis="y", useOffset=False)
        currency = self._facts["config"]["market"]["instrument"]["currency"]
        axes.set_title(
            f"{self._facts['env']}, {info['step']} steps, {self._facts['end']}: "
            f"{info['exec/filled_lots']:.0f} lots in {info['exec/fills']:.0f} fills, "
            f"strategy {info['alpha/strategy']:+.2f}, execution {info['alpha/execution']:+.2f} {currency}"
        )

    def _seconds(self, ts_ns: NDArray[Any]) -> NDArray[np.float64]:
        return np.asarray((ts_ns - self._start_ns) / _NS_PER_S, np.float64)

    def _price_range(self) -> tuple[int, int]:
        """Return the lowest and highest price drawn, in ticks: touches, own fills and orders near them, a margin."""
        touches, ts_ns = self._depth.touch_ticks, self._depth.ts_ns
        fills = self._fills.filter(self._fills["ts_ns"].is_between(int(ts_ns[0]), int(ts_ns[-1])))
        spans = [s for s in self._spans if s.begin_s < self._end_s and s.end_s > self._begin_s]
        low, high = int(touches.min()), int(touches.max())
        own = (*fills["price_ticks"].to_list(), *(round(span.price / self._tick) for span in spans))
        near = [low, high, *(price for price in own if low - _NEAR_TICKS <= price <= high + _NEAR_TICKS)]
        return min(near) - _MARGIN_TICKS, max(near) + _MARGIN_TICKS

    def _read_spans(self, requests: Any, orders: Any, length_s: float) -> list[_Span]:
        """Return where own orders stood: from each answer that gave terms to the next, or to the end."""
        known = {order["order"]: order for order in orders.iter_rows(named=True)}
        spans: dict[int, list[_Span]] = {}
        for asked in requests.iter_rows(named=True):
            order = known[asked["order"]]
            if asked["answer"] not in ("accepted", "replaced") or order["type"] == "market":
                continue
            waits = order["type"] != "limit"
            price = (asked["trigger_ticks"] if waits else asked["price_ticks"]) * self._tick
            begin_s = (asked["arrives_ns"] - self._start_ns) / _NS_PER_S
            end_s = length_s if order["ended_ns"] is None else (order["ended_ns"] - self._start_ns) / _NS_PER_S
            stood = spans.setdefault(asked["order"], [])
            if stood:
                stood[-1] = stood[-1]._replace(end_s=begin_s)
            stood.append(_Span(begin_s, end_s, price, order["side"], waits))
        # What filled as it arrived never stood anywhere.
        return [span for stood in spans.values() for span in stood if span.end_s > span.begin_s]


def _once(place: int, name: str) -> str:
    return name if place == 0 else "_nolegend_"
