"""hftbacktest on the same history, as its documentation says: rows in memory, a compiled loop, delays both ways."""

from collections.abc import Callable, Iterator
from typing import Any, Final

import numba
import numpy as np
from hftbacktest import BacktestAsset, HashMapMarketDepthBacktest, ROIVectorMarketDepthBacktest
from numpy.typing import NDArray

from benchmarks.peer_rows import peer_rows
from benchmarks.replay_task import DELAY_NS, PEER_NAMES, STEP_NS, Touch, steps_of
from benchmarks.timing import measure

_BOOKS: Final[dict[str, Callable[[list[Any]], Any]]] = {
    "roi": ROIVectorMarketDepthBacktest,
    "hashmap": HashMapMarketDepthBacktest,
}


@numba.njit
def _idle(backtest: Any, step_ns: int, steps: int) -> int:
    for _ in range(steps):
        code = int(backtest.elapse(step_ns))
        if code != 0:
            return code
    return 0


class _Run:
    """One backtest after another of the same rows; the last one is kept to look at."""

    def __init__(self, rows: NDArray[Any], name: str, steps: int) -> None:
        self.rows, self.steps = rows, steps
        self.format, self.book = name.split(".")
        self.backtest: Any = None

    def prepare(self) -> None:
        self.close()
        price = self.rows["px"]
        asset = BacktestAsset().data(self.rows).linear_asset(1.0).constant_order_latency(DELAY_NS, DELAY_NS)
        asset = asset.l3_fifo_queue_model() if self.format == "l3" else asset.risk_adverse_queue_model()
        asset = asset.no_partial_fill_exchange().trading_value_fee_model(0.0, 0.0).tick_size(1.0).lot_size(1.0)
        if self.book == "roi":
            asset = asset.roi_lb(float(price.min())).roi_ub(float(price.max()))
        self.backtest = _BOOKS[self.book]([asset])

    def run(self) -> None:
        code = _idle(self.backtest, STEP_NS, self.steps)
        if code != 0:
            raise RuntimeError(f"hftbacktest ended its {self.format} replay with code {code}")

    def touch(self) -> Touch:
        depth = self.backtest.depth(0)
        bid, offer = depth.best_bid_tick, depth.best_ask_tick  # 2.4.4 gives prices for its best quantities
        return int(bid), int(depth.bid_qty_at_tick(bid)), int(offer), int(depth.ask_qty_at_tick(offer))

    def close(self) -> None:
        if self.backtest is not None:
            self.backtest.close()


def replays(history: NDArray[np.void], touch: Touch) -> Iterator[tuple[str, float]]:
    """Return the median seconds of each way to replay a history.

    Raises:
        RuntimeError: A replay failed, or ended at another touch than ours: the tasks were not the same.
    """
    rows = peer_rows(history, DELAY_NS)
    for name in PEER_NAMES:
        run = _Run(rows[name.split(".")[0]], name, steps_of(history))
        seconds = measure(run.run, prepare=run.prepare).median_s
        if run.touch() != touch:
            raise RuntimeError(f"hftbacktest {name} ended at {run.touch()}, the replay here at {touch}")
        run.close()
        yield name, seconds
