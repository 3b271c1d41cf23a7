"""The anchored flow: laws with a closed form, bounds that hold in any book, and what an agent must not shift."""

import math

import numba
import numpy as np
import pytest

from tests.core.soundness import assert_sound
from twin_env.config import load_config
from twin_env.core.event_loop import advance_world
from twin_env.core.exchange.exchange import handle
from twin_env.core.flow.anchored import _order_to_cancel
from twin_env.core.state import codes
from twin_env.core.state.jit import kernel
from twin_env.core.state.layout import MESSAGE, NONE
from twin_env.core.state.world import NO_TAPE, create_worlds, raw
from twin_env.market.links import LinksConfig
from twin_env.market.market import Market
from twin_env.market.synthetic import MarketConfig
from twin_env.studies.realism.recording import TRADE, record_market

SECOND = 1_000_000_000
PINNED = {
    "model": "anchored",
    "start_price": 4300.0,
    "start_depth_lots": [3, 3, 3],
    "warm_up_s": 60,
    "price": {"daily_volatility_ticks": 0, "volatility_times_s": [], "volatility_sds": [], "jumps_per_hour": 0},
    "arrivals": {"branching": 0},
    "market_orders": {
        "rate_per_s": 2.4,
        "informed_share": 0,
        "noise_share": 1,
        "sizes": {"one_lot_share": 1, "largest_lots": 1},
    },
    "limit_orders": {
        "rate_per_s": 30,
        "opinion_sd_ticks": 0,
        "near_share": 1,
        "near_ticks": 1.5,
        "margin_ticks": 0.75,
        "sizes": {"one_lot_share": 1, "largest_lots": 1},
    },
    "cancels": {
        "rate_per_s": 0.4,
        "depth_exponent": 0,
        "patience": 1,
        "sensitivity": 0,
        "min_factor": 1,
        "max_factor": 1,
        "capacity_per_s": 40,
    },
    "price_impact": {"reach_ticks": 0},
}
"""A market whose anchor never moves: each queue is a birth-death chain of its own."""


def market(source, **overrides) -> MarketConfig:
    return MarketConfig.model_validate({"instrument": "mgc", "source": source | overrides})


def compiled(config: MarketConfig) -> Market:
    return Market(config, load_config(LinksConfig, "instant", folder="links"))


@pytest.mark.jit
def test_the_queue_at_the_touch_follows_its_closed_form():
    """Huang, Lehalle, Rosenbaum 2015: pi(n) = pi(0) prod lambda(k-1) / (mu + theta k), exact with a fixed reference."""
    recording = record_market(market(PINNED), seed=3, hours=10)
    events = recording.events
    last = np.append(np.diff(events["group"]) != 0, True)
    state = np.where(events["bid"] == 43_000, events["bid_lots"], 0)[last]
    stay_s = np.diff(np.append(events["ts_ns"][last], recording.end_ns)) / SECOND
    measured = np.bincount(state, stay_s) / stay_s.sum()

    flow = PINNED["limit_orders"], PINNED["market_orders"], PINNED["cancels"]
    reach = 0.25  # the anchor is 43000.5: a buy order is placed at floor(43000.25 - distance)
    birth = flow[0]["rate_per_s"] / 2 * (1 - math.exp(-reach / flow[0]["near_ticks"]))
    count = np.arange(1, 60)
    weights = np.cumprod(birth / (flow[1]["rate_per_s"] / 2 + flow[2]["rate_per_s"] * count))
    expected = np.append(1.0, weights) / (1 + weights.sum())
    width = max(len(measured), len(expected))
    gap = np.pad(measured, (0, width - len(measured))) - np.pad(expected, (0, width - len(expected)))
    assert abs(gap).sum() / 2 < 0.012
    assert measured @ np.arange(len(measured)) == pytest.approx(expected @ np.arange(len(expected)), rel=0.02)


@pytest.mark.jit
@pytest.mark.parametrize("branching", [0.0, 0.5, 0.9])
def test_the_clock_has_the_mean_and_the_dispersion_of_a_hawkes_process(branching):
    """Mean base / (1 - n); counts over windows far longer than its scales disperse like 1 / (1 - n)^2."""
    arrivals = {"branching": branching, "fastest_s": 0.01, "slowest_s": 0.5}
    config = market(PINNED, arrivals=arrivals)
    ready = compiled(config)
    worlds = create_worlds(config.capacities)
    ready.start(worlds, 0, seed=5, start_ns=ready.first_ns)
    windows = []
    for window in range(1, 1501):
        before = int(worlds[0].anchored.candidates)
        advance_world(worlds, 0, NO_TAPE, ready.first_ns + window * 20 * SECOND)
        windows.append(int(worlds[0].anchored.candidates) - before)
    counts = np.array(windows)
    rate = config.source.candidate_rate_per_s
    assert counts.mean() / 20 == pytest.approx(rate, rel=5 / ((1 - branching) * math.sqrt(rate * 30_000)))
    assert counts.var() / counts.mean() == pytest.approx((1 - branching) ** -2, rel=0.2)


@kernel
def _trade_now(worlds, index, side, lots):
    """Send an agent's market order straight to the exchange."""
    world = worlds[index]
    message = world.inbox
    message.ts_ns = world.now_ns
    message.kind = codes.NEW
    message.side = side
    message.type = codes.MARKET
    message.tif = codes.IOC
    message.lots = lots
    message.order = NONE
    message.row = NONE
    message.owner = 7
    message["flags"] = 0
    handle(world, message)


def start(name="mgc_2025", seed=11):
    ready = compiled(load_config(MarketConfig, name, folder="markets"))
    worlds = create_worlds(ready.config.capacities, 2)
    for index in range(2):
        ready.start(worlds, index, seed=seed, start_ns=ready.first_ns)
    return ready, worlds


@pytest.mark.parametrize("seed", range(3))
def test_an_agent_shifts_neither_efficient_price_nor_candidates_but_does_shift_the_market(seed):
    ready, worlds = start(seed=seed)
    for second in range(1, 61):
        for index in range(2):
            advance_world(worlds, index, NO_TAPE, ready.first_ns + second * SECOND)
        _trade_now(worlds, 1, codes.BUY, 5)
    alone, traded = worlds[0], worlds[1]
    for group, names in {
        "efficient_price": ("steps", "efficient_ticks", "log_volatility"),
        "arrivals": ("proposals", "next_ns", "excitement"),
        "anchored": ("candidates",),
    }.items():
        for name in names:
            assert np.array_equal(alone[group][name], traded[group][name]), name
    assert traded["price_impact"]["shift_ticks"] > alone["price_impact"]["shift_ticks"]
    assert traded["anchored"]["anchor_ticks"] > alone["anchored"]["anchor_ticks"]


def test_time_may_be_cut_anywhere():
    ready, worlds = start()
    rng = np.random.default_rng(1)
    now_ns, end_ns = ready.first_ns, ready.first_ns + 90 * SECOND
    advance_world(worlds, 0, NO_TAPE, end_ns)
    while now_ns < end_ns:
        now_ns = min(end_ns, now_ns + int(rng.integers(1, SECOND)))
        advance_world(worlds, 1, NO_TAPE, now_ns)
    assert np.array_equal(raw(worlds)[0], raw(worlds)[1])


@numba.njit
def order_to_cancel_in(worlds, side, rate):
    return _order_to_cancel(worlds[0], side, rate)


@pytest.mark.parametrize("side", [codes.BUY, codes.SELL])
def test_what_is_kept_of_cancel_rates_changes_no_answer(side):
    """Candidates of any rate find the same order whether sums of rates are kept or made anew."""
    ready, worlds = start("mgc_2025", 3)
    rng, found = np.random.default_rng(1), set()
    for step in range(1, 60):
        advance_world(worlds, 0, NO_TAPE, ready.first_ns + step * SECOND // 7)
        for rate in rng.uniform(0.0, 25.0, 40):
            kept = order_to_cancel_in(worlds, side, rate)
            worlds["anchored"]["summed_event"][0] = -1
            assert kept == order_to_cancel_in(worlds, side, rate)
            found.add(kept == NONE)
    assert found == {True, False}


def test_a_session_without_activity_is_closed_and_opens_again():
    ready, _ = start()
    five_pm_ns = ready.first_ns + int(6.5 * 3600) * SECOND
    recording = record_market(ready.config, seed=2, hours=1.5, start_ns=five_pm_ns - 900 * SECOND)
    trades = recording.events["ts_ns"][recording.events["kind"] == TRADE]
    closed = (trades > five_pm_ns) & (trades < five_pm_ns + 3600 * SECOND)
    assert not closed.any()
    assert (trades < five_pm_ns).sum() > 100 and (trades > five_pm_ns + 3600 * SECOND).sum() > 50


EXTREMES = {
    "a price that runs away": {"price": {"daily_volatility_ticks": 20_000, "jumps_per_hour": 600, "jump_sd": 50}},
    "arrivals near their limit": {"arrivals": {"branching": 0.98, "price_move_gain": 1000}},
    "nobody withdraws": {"cancels": {"rate_per_s": 1e-6, "capacity_per_s": 1e-3}},
    "everybody withdraws": {
        "cancels": {"rate_per_s": 1e3, "max_factor": 1e6, "sensitivity": 50, "capacity_per_s": 1e3}
    },
    "only takers": {"limit_orders": PINNED["limit_orders"] | {"rate_per_s": 1e-3}},
    "an impact that overreacts": {"price_impact": {"reach_ticks": 1e4, "scale_lots": 1.0, "exponent": 1.0}},
    "huge orders": {
        "market_orders": {
            "rate_per_s": 5,
            "sizes": {"one_lot_share": 0, "tail_exponent": 0.1, "largest_lots": 1_000_000},
        }
    },
}


@pytest.mark.jit
@pytest.mark.parametrize("overrides", EXTREMES.values(), ids=EXTREMES.keys())
def test_no_book_makes_the_flow_lose_its_footing(overrides):
    config = market(PINNED, **overrides)
    ready = compiled(config)
    worlds = create_worlds(config.capacities)
    ready.start(worlds, 0, seed=1, start_ns=ready.first_ns)
    for step in range(1, 21):
        advance_world(worlds, 0, NO_TAPE, ready.first_ns + step * 30 * SECOND)
        assert_sound(worlds[0])
    for value in (worlds[0].anchored.anchor_ticks, worlds[0].price_impact.shift_ticks, worlds[0].arrivals.bound):
        assert math.isfinite(value)
    assert worlds[0].arrivals.bound >= 0


@pytest.mark.slow
@pytest.mark.jit
@pytest.mark.parametrize("name", ["mgc_2025", "thin"])
def test_a_day_and_more_ends_with_a_sane_book(name):
    ready, worlds = start(name)
    for hour in range(1, 25):
        advance_world(worlds, 0, NO_TAPE, ready.first_ns + hour * 3600 * SECOND)
        assert_sound(worlds[0])
    book = worlds[0].book
    spread = -book.key[1, book.count[1] - 1] - book.key[0, book.count[0] - 1]
    assert 1 <= spread <= 10
    assert (
        abs(0.5 * (book.key[0, book.count[0] - 1] - book.key[1, book.count[1] - 1]) - worlds[0].anchored.anchor_ticks)
        < 10
    )
    assert 20 < worlds[0].live_orders < 400


def test_a_tape_can_say_where_the_efficient_price_is():
    ready, worlds = start()
    worlds["price_impact"]["weight"] = 0.0  # trades leave the anchor where the tape puts it
    rows = np.zeros(3, MESSAGE)
    rows["kind"], rows["order"], rows["row"] = codes.ANCHOR, NONE, NONE
    rows["ts_ns"] = ready.first_ns + np.array([1, 20, 40]) * SECOND
    mid = int(2 * worlds[0].efficient_price.efficient_ticks)
    rows["price"] = [mid, mid + 40, mid - 60]
    mids = []
    for second in range(1, 61):
        advance_world(worlds, 0, rows, ready.first_ns + second * SECOND)
        book = worlds[0].book
        mids.append(book.key[0, book.count[0] - 1] - book.key[1, book.count[1] - 1] - mid)
    assert np.mean(mids[10:19]) == pytest.approx(0, abs=6)
    assert np.mean(mids[25:39]) == pytest.approx(40, abs=6)
    assert np.mean(mids[45:]) == pytest.approx(-60, abs=6)
