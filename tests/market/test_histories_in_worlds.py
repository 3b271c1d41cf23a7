"""Histories beside an agent: reactive order books, and worlds that trades and quotes lead."""

from pathlib import Path

import numpy as np
import pytest

from tests.market.test_anchored_flow import _trade_now, compiled
from twin_env.core.event_loop import advance_world
from twin_env.core.state import codes
from twin_env.core.state.world import create_worlds
from twin_env.market.data.columns.reader import TableFile, read_quotes
from twin_env.market.synthetic import MarketConfig

SECOND = 1_000_000_000
PRICE_IMPACT = {"reach_ticks": 20.0, "scale_lots": 1000.0, "scale_s": 20.0}


def aapl(data_dir: Path, **overrides) -> MarketConfig:
    folder = data_dir / "lobster"
    source = {
        "model": "lobster",
        "messages": folder / "AAPL_2012-06-21_34200000_37800000_message_50.csv.gz",
        "orderbook": folder / "AAPL_2012-06-21_orderbook_50_first672rows.csv.gz",
        "window": False,
    }
    return MarketConfig.model_validate({"instrument": "aapl", "source": source} | overrides)


def mid(world) -> float:
    book = world["book"]
    return 0.5 * float(book["key"][0, book["count"][0] - 1] - book["key"][1, book["count"][1] - 1])


def mids_after_buying(config: MarketConfig, lots: int, wait_s: int) -> tuple[list[float], np.record]:
    """Play the hour from its tenth minute, buy every second for twenty, and return the mid each second."""
    ready = compiled(config)
    worlds = create_worlds(config.capacities)
    begin_ns = ready.first_ns + 600 * SECOND
    ready.start(worlds, 0, seed=1, start_ns=begin_ns)
    mids = []
    for second in range(1, wait_s + 1):
        if lots and second <= 20:
            _trade_now(worlds, 0, codes.BUY, lots)
        advance_world(worlds, 0, ready.tape, begin_ns + second * SECOND)
        mids.append(mid(worlds[0]))
    return mids, worlds[0]


@pytest.mark.jit
def test_a_reactive_history_moves_with_the_agent_and_comes_back(data_dir):
    frozen = aapl(data_dir)
    reactive = aapl(data_dir, impact="reactive", price_impact=PRICE_IMPACT)
    alone, _ = mids_after_buying(frozen, 0, 200)
    untouched, world = mids_after_buying(reactive, 0, 200)
    assert untouched == alone  # without a stranger's trade the two modes are one
    assert world["divergence"]["shifted_rows"] == 0

    fixed, _ = mids_after_buying(frozen, 50, 200)
    moved, world = mids_after_buying(reactive, 50, 200)
    assert world["divergence"]["shifted_rows"] > 1000
    at_end = np.mean(np.subtract(moved, alone)[20:30])
    assert at_end > np.mean(np.subtract(fixed, alone)[20:30]) + 5
    later = np.mean(np.subtract(moved, alone)[180:200])
    assert 0 < later < 0.8 * at_end


def led(data_dir: Path, day: str) -> MarketConfig:
    folder = data_dir / "comex_gc"
    source = {
        "model": "trades_quotes",
        "trades": {
            "path": folder / f"future_comex_tick_gc_{day}_trade.zip",
            "columns": "lean_trade_ticks",
            "member": "*_201312.csv",
            "bad_rows": "drop",
        },
        "quotes": {
            "path": folder / f"future_comex_minute_gc_{day}_quote.zip",
            "columns": "lean_quote_minutes",
            "member": "*_201312.csv",
            "bad_rows": "drop",
        },
        "max_spread_ticks": 10,
    }
    return MarketConfig.model_validate({"instrument": "mgc", "source": source, "flow": "mgc_2025"})


@pytest.mark.jit
@pytest.mark.parametrize("day", ["20131007", "20131008"])
def test_trades_and_quotes_lead_a_world_to_the_mids_of_the_data(data_dir, day):
    config = led(data_dir, day)
    ready = compiled(config)
    quotes = read_quotes(TableFile.model_validate(config.source.quotes), 0.1)
    two_sided = (quotes.bid_lots > 0) & (quotes.ask_lots > 0)
    told = np.flatnonzero(two_sided & (quotes.ask_ticks - quotes.bid_ticks <= 10))
    worlds = create_worlds(config.capacities)
    begin_ns = ready.first_ns + 120 * SECOND
    ready.start(worlds, 0, seed=1, start_ns=begin_ns)
    twin, data = [], []
    for row in told[quotes.ts_ns[told] > begin_ns]:
        advance_world(worlds, 0, ready.tape, int(quotes.ts_ns[row]) - 1)
        if worlds[0]["book"]["count"].min() > 0 and not worlds[0]["venue"]["halted"]:
            twin.append(mid(worlds[0]))
            data.append(0.5 * (quotes.bid_ticks[row] + quotes.ask_ticks[row]))
    assert len(twin) > 500
    assert np.corrcoef(twin, data)[0, 1] > 0.99
    assert abs(np.median(np.subtract(twin, data))) < 2
