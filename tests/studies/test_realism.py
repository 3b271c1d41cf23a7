"""The realism score: estimators with known answers, metrics on markets made by hand, bands, distances, the command."""

import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from twin_env.cli.main import main
from twin_env.config import ConfigError, load_config, preset_names
from twin_env.studies.realism import METRICS, SAMPLES, RealismBands, Series, compare, estimators, load_bands, measure
from twin_env.studies.realism.distances import common_edges, l1_distance
from twin_env.studies.realism.flow import response_curve
from twin_env.studies.realism.prices import hour_of_day
from twin_env.studies.realism.recording import BOOK, CANCEL, LIMIT, ROW, TRADE, Recording
from twin_env.studies.realism.registry import Measurement
from twin_env.studies.realism.scores import score_measurements, widen

SECOND = 1_000_000_000
START_NS = 1_748_874_600_000_000_000  # 2025-06-02 14:30 UTC, 10:30 in New York


@pytest.fixture
def rng():
    return np.random.default_rng(12)


# Markets made by hand


def recording_of(rows, seconds=60, touch=None, depth=None, start_ns=START_NS):
    """A recording with the rows given as mappings; ``touch`` is (bid, ask, bid lots, ask lots) at each second."""
    events = np.zeros(len(rows), ROW)
    for number, row in enumerate(rows):
        for name, value in {"group": number, "order": number + 1, "ts_ns": start_ns, **row}.items():
            events[number][name] = value
    samples = seconds + 1
    touch = np.tile([100, 101, 5, 5], (samples, 1)) if touch is None else np.asarray(touch, np.int64)
    depth = np.zeros((samples, 2, 10), np.int64) if depth is None else depth
    depth_ns = start_ns + SECOND * np.arange(samples)
    return Recording("hand", 0.1, start_ns, start_ns + seconds * SECOND, events, depth, depth_ns, touch)


def path_of(mid_ticks):
    """A recording without events whose mid at each second is given in ticks."""
    bid = np.floor(np.asarray(mid_ticks)).astype(np.int64)
    touch = np.column_stack([bid, bid + 1, np.full_like(bid, 5), np.full_like(bid, 5)])
    return recording_of([], len(bid) - 1, touch)


def measured(metric, recording):
    with np.errstate(all="ignore"):
        return METRICS[metric].measure(Series(recording))


def trades_of(sides, mids, spacing_ns=SECOND, lots=1, through=0):
    """Trades with the touch after each: mid in ticks (whole), two ticks apart."""
    rows = [{"kind": BOOK, "bid": mids[0] - 1, "ask": mids[0] + 1, "bid_lots": 5, "ask_lots": 5, "lots": 5}]
    for number, (side, mid) in enumerate(zip(sides, mids[1:], strict=True)):
        touch = {"bid": mid - 1, "ask": mid + 1, "bid_lots": 5, "ask_lots": 5}
        time = {"ts_ns": START_NS + (number + 1) * spacing_ns}
        rows.append({"kind": TRADE, "side": side, "lots": lots, "distance_ticks": through, **touch, **time})
    return recording_of(rows, int(len(sides) * spacing_ns / SECOND) + 2)


# Estimators


def test_kurtosis_of_a_normal_is_0_and_of_a_laplace_3(rng):
    assert estimators.excess_kurtosis(rng.normal(size=400_000)) == pytest.approx(0, abs=0.05)
    assert estimators.excess_kurtosis(rng.laplace(size=400_000)) == pytest.approx(3, abs=0.3)
    assert math.isnan(estimators.excess_kurtosis(np.ones(5)))


def test_white_noise_has_no_autocorrelation_and_an_autoregression_its_own(rng):
    noise = rng.normal(size=100_000)
    assert np.abs(estimators.autocorrelation(noise, 50)[1:]).max() < 0.02
    levels = np.zeros(100_000)
    for step in range(1, len(levels)):
        levels[step] = 0.8 * levels[step - 1] + noise[step]
    assert estimators.autocorrelation(levels, 3) == pytest.approx([1, 0.8, 0.64, 0.512], abs=0.02)
    assert np.isnan(estimators.autocorrelation(np.full(100, 7.3), 3)).all()


@given(st.lists(st.integers(-50, 50), min_size=4, max_size=60), st.integers(1, 3))
def test_autocorrelation_is_its_definition(values, lag):
    centred = np.array(values) - np.mean(values)
    curve = estimators.autocorrelation(values, lag)
    if np.ptp(values) == 0:
        assert np.isnan(curve).all()
    else:
        expected = (centred[lag:] * centred[:-lag]).mean() / (centred**2).mean()
        assert curve[lag] == pytest.approx(expected, abs=1e-9) if 2 * lag <= len(values) else np.isnan(curve[lag])


@pytest.mark.parametrize("index", [1.5, 3.0])
def test_pareto_values_give_their_tail_index(rng, index):
    values = rng.pareto(index, 200_000) + 1
    assert estimators.hill_index(values, 0.05) == pytest.approx(index, rel=0.05)


def test_the_tail_index_knows_of_values_cut_off(rng):
    values = rng.pareto(1.0, 200_000) + 1
    end = float(np.quantile(values, 0.99))
    assert estimators.hill_index(np.minimum(values, end), 0.1, end) == pytest.approx(1.0, rel=0.05)
    assert estimators.hill_index(np.minimum(values, end), 0.1) > 1.08
    assert math.isnan(estimators.hill_index(values[:50], 0.1))


@pytest.mark.parametrize("shape", [0.7, 3.0])
def test_gamma_values_give_their_shape(rng, shape):
    assert estimators.gamma_shape(rng.gamma(shape, 10.0, 50_000)) == pytest.approx(shape, rel=0.03)
    assert math.isnan(estimators.gamma_shape(np.full(10, 4.0)))


def test_a_power_law_gives_its_exponent_also_below_noise(rng):
    lags = np.arange(1, 501)
    curve = np.append(1.0, 0.3 * lags**-0.6)
    assert estimators.power_decay(curve, 5, 500, 40_000) == pytest.approx(0.6, abs=0.02)
    noisy = curve + rng.normal(scale=0.005, size=len(curve))
    assert estimators.power_decay(noisy, 5, 500, 40_000) == pytest.approx(0.6, abs=0.12)
    assert math.isnan(estimators.power_decay(rng.normal(scale=0.005, size=501), 5, 500, 40_000))


def fractional_noise(rng, hurst, count):
    """Increments of fractional Brownian motion, exact, by circulant embedding."""
    lags = np.arange(count + 1)
    covariance = 0.5 * (np.abs(lags + 1.0) ** (2 * hurst) - 2 * lags ** (2 * hurst) + np.abs(lags - 1.0) ** (2 * hurst))
    ring = np.concatenate([covariance, covariance[-2:0:-1]])
    power = np.maximum(np.fft.fft(ring).real, 0)
    drawn = rng.normal(size=len(ring)) + 1j * rng.normal(size=len(ring))
    return np.fft.fft(np.sqrt(power / len(ring)) * drawn).real[:count]


@pytest.mark.parametrize("hurst", [0.1, 0.3, 0.5])
def test_fractional_noise_gives_its_roughness(rng, hurst):
    assert estimators.roughness(np.cumsum(fractional_noise(rng, hurst, 20_000))) == pytest.approx(hurst, abs=0.03)
    assert math.isnan(estimators.roughness(np.arange(10.0)))


def test_a_poisson_process_has_a_coefficient_of_variation_of_1(rng):
    assert estimators.coefficient_of_variation(rng.exponential(3.0, 100_000)) == pytest.approx(1, abs=0.02)
    assert estimators.coefficient_of_variation(np.ones(10)) == 0


@given(st.lists(st.integers(-4, 4), min_size=1, max_size=40), st.integers(1, 6))
def test_first_passage_is_what_a_search_finds(steps, distance):
    path = np.cumsum(steps)
    for start, found in enumerate(estimators.first_passage_steps(path, distance)):
        beyond = np.flatnonzero(path[start:] >= path[start] + distance)
        assert found == (beyond[0] if len(beyond) else len(path))


def test_slopes_are_those_of_lines():
    x = np.array([1.0, 2, 4, 8])
    assert estimators.slope(x, 3 * x + 1) == pytest.approx(3)
    assert estimators.log_slope(x, 5 * x**-1.5) == pytest.approx(-1.5)
    assert math.isnan(estimators.slope(x[:2], x[:2]))
    assert estimators.r_squared(x, -2 * x) == pytest.approx(1)


# Metrics of prices


def random_walk(rng, count=40_000, scale=3.0):
    return 43_000 + np.cumsum(np.rint(rng.normal(scale=scale, size=count)))


def test_a_random_walk_has_none_of_the_facts_of_prices(rng):
    walk = path_of(random_walk(rng, 200_000))
    found = {
        name: value
        for metric in ("return_kurtosis", "return_acf", "abs_return_acf", "signature", "leverage")
        for name, value in measured(metric, walk).items()
    }
    assert found["kurtosis_1s"] == pytest.approx(0, abs=0.2)
    assert found["return_acf_1s"] == pytest.approx(0, abs=0.03)
    assert found["return_acf_1min"] == pytest.approx(0, abs=0.1)
    assert found["abs_acf_lag1"] == pytest.approx(0, abs=0.1)
    assert isinstance(found["abs_acf_exponent"], str)
    assert found["signature_mid_1s"] == pytest.approx(1, abs=0.15)
    assert found["leverage"] == pytest.approx(0, abs=0.05)


def test_bounce_and_clusters_are_seen(rng):
    walk = random_walk(rng)
    bounced = measured("return_acf", path_of(walk + rng.integers(-4, 5, len(walk))))
    assert bounced["return_acf_1s"] < -0.2
    assert measured("signature", path_of(walk + rng.integers(-4, 5, len(walk))))["signature_mid_1s"] > 1.3
    volatility = np.exp(np.repeat(rng.normal(scale=0.8, size=40), 1000))
    clustered = path_of(43_000 + np.cumsum(np.rint(rng.normal(size=40_000) * 4 * volatility)))
    assert measured("abs_return_acf", clustered)["abs_acf_lag1"] > 0.15
    kurtosis = measured("return_kurtosis", clustered)
    assert kurtosis["kurtosis_1s"] > 1
    assert kurtosis["kurtosis_fall"] > 0


def test_leverage_has_the_sign_of_what_follows_a_fall(rng):
    changes = rng.normal(size=600)
    past = np.convolve(changes, np.ones(10))[:600] - changes
    by_second = np.repeat(changes * np.exp(-0.3 * past), 60)  # falls make the next ten minutes wilder
    assert measured("leverage", path_of(43_000 + np.rint(np.cumsum(by_second))))["leverage"] < -0.03


def test_eta_counts_continuations_and_alternations():
    mids = [100, 101, 102, 101, 102, 103, 102, 102, 101]  # moves + + - + + - 0 -: 3 continue, 3 turn
    found = measured("eta", trades_of([1] * 8, mids))
    assert found["eta"] == pytest.approx(3 / (2 * 3))
    assert isinstance(measured("eta", trades_of([1] * 3, [100, 101, 102, 103]))["eta"], str)


def test_volume_that_comes_with_volatility_is_correlated(rng):
    minutes = 200
    wild = rng.integers(0, 2, minutes)
    moves = np.repeat(1 + 4 * wild, 60) * rng.choice([-1, 1], 60 * minutes)
    walk = np.append(43_000, 43_000 + np.cumsum(moves))
    lots = np.repeat(1 + 9 * wild, 60)
    rows = [
        {"kind": TRADE, "side": 1, "lots": count, "ts_ns": START_NS + (number + 1) * SECOND}
        for number, count in enumerate(lots)
    ]
    touch = np.column_stack([walk, walk + 1, np.ones_like(walk), np.ones_like(walk)])
    found = measured("volume_volatility", recording_of(rows, 60 * minutes, touch))
    assert found["volume_volatility"] > 0.99


def test_the_clock_is_that_of_new_york():
    assert hour_of_day(np.array([START_NS])) == pytest.approx(10.5)
    winter = START_NS + 180 * 86_400 * SECOND
    assert hour_of_day(np.array([winter])) == pytest.approx(9.5)


def test_intraday_volume_is_measured_by_the_clock():
    evening_ns = START_NS - 16 * 3600 * SECOND - 1800 * SECOND  # 18:00 the day before
    rows = []
    for minute in range(24 * 60):
        hour = (18 + minute / 60) % 24
        closed, busy = 17 <= hour < 18, 8 + 20 / 60 - 1e-9 <= hour < 10.5
        lots = 0 if closed else 30 if busy else 12 if 19.75 <= hour < 22 else 10
        rows += [{"kind": TRADE, "side": 1, "lots": lots, "ts_ns": evening_ns + (60 * minute + 30) * SECOND}]
    found = measured("intraday", recording_of([row for row in rows if row["lots"]], 86_400, start_ns=evening_ns))
    mean = (130 * 30 + 135 * 12 + (1380 - 265) * 10) / 1380
    assert found["intraday_peak"] == pytest.approx(30 / mean, rel=0.01)
    assert found["intraday_closed_share"] == 0
    assert found["intraday_asia_bump"] == pytest.approx(1.2, rel=0.01)


# Metrics of the book


def test_spread_is_weighted_by_time():
    touch = [(100, 101, 1, 1)] * 5 + [(100, 102, 1, 1)] * 3 + [(100, 104, 1, 1)] * 2 + [(100, 150, 0, 1)]
    found = measured("spread", recording_of([], 10, touch))
    assert found["spread_share_1"] == 0.5  # the sample with an empty side does not count
    assert found["spread_mean"] == pytest.approx((5 * 1 + 3 * 2 + 2 * 4) / 10)


def test_spread_over_volatility_per_trade_is_that_of_a_walk(rng):
    walk = random_walk(rng, scale=3.0)
    rows = [
        {"kind": TRADE, "side": 1, "lots": 1, "ts_ns": START_NS + number * SECOND // 4}
        for number in range(1, 4 * len(walk) - 4)
    ]
    touch = np.column_stack([walk, walk + 2, np.ones_like(walk), np.ones_like(walk)]).astype(np.int64)
    found = measured("spread", recording_of(rows, len(walk) - 1, touch))
    assert found["spread_per_trade_volatility"] == pytest.approx(2 / (3.0 / 2), rel=0.1)


def test_depth_profile_finds_the_hump():
    depth = np.tile(np.array([4, 6, 10, 8, 5, 3, 2, 1, 1, 1]), (61, 2, 1))
    assert measured("depth_profile", recording_of([], depth=depth)) == {"depth_peak_level": 3, "depth_peak_ratio": 2.5}


def test_lots_at_the_touch_give_shape_and_mean(rng):
    lots = np.ceil(rng.gamma(0.8, 15.0, (20_001, 2)))
    touch = np.column_stack([np.full(20_001, 100), np.full(20_001, 101), lots]).astype(np.int64)
    found = measured("volume_at_best", recording_of([], 20_000, touch))
    assert found["touch_lots_shape"] == pytest.approx(0.8, abs=0.1)
    assert found["touch_lots_mean"] == pytest.approx(lots.mean())


def test_limit_distances_give_their_exponent(rng):
    distance = np.floor(rng.pareto(1.0, 50_000) + 1.0)
    rows = np.zeros(len(distance), ROW)
    rows["kind"], rows["side"], rows["order"], rows["lots"], rows["left_lots"] = LIMIT, 1, np.arange(1, 50_001), 1, 1
    rows["group"], rows["ts_ns"], rows["distance_ticks"] = rows["order"], START_NS, np.minimum(distance, 10_000)
    recording = recording_of([])
    found = measured("limit_distance", Recording(**(recording.__dict__ | {"events": rows})))
    assert found["limit_distance_slope"] == pytest.approx(1.0, abs=0.05)
    near = [{"kind": LIMIT, "side": 1, "distance_ticks": 3}]
    assert isinstance(measured("limit_distance", recording_of(near))["limit_distance_slope"], str)


def test_the_next_move_follows_the_imbalance(rng):
    seconds = 20_000
    share = rng.uniform(0, 1, seconds + 1)
    bids = np.rint(1 + 998 * share).astype(np.int64)
    up = rng.uniform(size=seconds + 1) < share  # P(up) = share of bids = (1 + I) / 2
    mids = 43_000 + np.append(0, np.cumsum(np.where(up, 1, -1)))
    rows = [{"kind": BOOK, "bid": mids[0], "ask": mids[0] + 1, "lots": 1}] + [
        {"kind": CANCEL, "bid": mid, "ask": mid + 1, "ts_ns": START_NS + number * SECOND + SECOND // 2}
        for number, mid in enumerate(mids[1:-1])
    ]
    touch = np.column_stack([mids[:-1], mids[:-1] + 1, bids, 1000 - bids])
    found = measured("next_mid_move", recording_of(rows, seconds, touch))
    assert found["next_move_up"] == pytest.approx(0.95, abs=0.02)
    assert found["next_move_step"] == pytest.approx(0.1, abs=0.03)


# Metrics of the flow


def test_inter_arrival_tells_a_clock_from_a_poisson_process(rng):
    regular = measured("inter_arrival", trades_of([1] * 50, [100] * 51))
    assert regular == {"cv_events": 0, "cv_trades": 0}
    times = START_NS + np.cumsum(rng.exponential(1e8, 5000)).astype(np.int64)
    rows = [{"kind": LIMIT if number % 2 else TRADE, "ts_ns": time} for number, time in enumerate(times)]
    found = measured("inter_arrival", recording_of(rows, 600))
    assert found["cv_events"] == pytest.approx(1, abs=0.06)
    assert found["cv_trades"] == pytest.approx(math.sqrt(0.5), abs=0.05)


def test_signs_have_the_memory_they_were_given(rng):
    white = measured("sign_acf", trades_of(rng.choice([-1, 1], 20_000), [100] * 20_001, SECOND // 10))
    assert white["sign_acf_1"] == pytest.approx(0, abs=0.03)
    assert isinstance(white["sign_acf_exponent"], str)
    split = [
        measured("sign_acf", trades_of(signs_of_split_orders(rng), [100] * 30_001, SECOND // 10)) for _ in range(6)
    ]
    assert np.mean([found["sign_acf_exponent"] for found in split]) == pytest.approx(0.5, abs=0.12)
    assert np.mean([found["sign_acf_1"] for found in split]) == pytest.approx(0.12, abs=0.03)


def signs_of_split_orders(rng, count=30_000, workers=5):
    """Lillo, Mike and Farmer (2005): orders of Pareto length 1.5 worked side by side make an exponent of 0.5."""
    left, side = np.zeros(workers, int), np.ones(workers, int)
    signs = np.zeros(count, int)
    for place, worker in enumerate(rng.integers(0, workers, count)):
        if left[worker] == 0:
            left[worker], side[worker] = int(rng.uniform() ** (-1 / 1.5)), rng.choice([-1, 1])
        signs[place] = side[worker]
        left[worker] -= 1
    return signs


def order(number, kind, at_s, left, distance=0, side=1, **more):
    time = {"ts_ns": START_NS + round(at_s * SECOND)}
    return (
        {"order": number, "kind": kind, "left_lots": left, "lots": 1, "distance_ticks": distance, "side": side}
        | time
        | more
    )


def test_orders_are_followed_from_birth_to_end():
    rows = [
        order(9, BOOK, 0, 5),
        order(1, LIMIT, 1, 2, distance=3),
        order(2, LIMIT, 2, 1),
        order(1, CANCEL, 4, 1),
        order(2, TRADE, 5, 0, side=-1),
        order(9, CANCEL, 6, 0),
        order(1, CANCEL, 8, 0),
        order(3, LIMIT, 9, 2),
        order(3, CANCEL, 10, 1),  # it still rests
    ]
    orders = Series(recording_of(rows)).orders
    assert ((orders.ended_ns - orders.born_ns) / SECOND).tolist() == [7, 3, 1]
    assert orders.cancelled.tolist() == [True, False, False]
    assert orders.filled.tolist() == [False, True, False]
    assert orders.first_fill_ns.tolist() == [-1, START_NS + 5 * SECOND, -1]
    assert orders.distance_ticks.tolist() == [3, 0, 0]
    assert measured("cancel_share", recording_of(rows)) == {"cancel_share": 0.5, "limits_per_trade": 3.0}
    _, values = SAMPLES["log_time_to_cancel"](Series(recording_of(rows)))
    assert values == pytest.approx([math.log(7000)])


def test_lifetimes_give_their_exponents(rng):
    count = 20_000
    life = (rng.pareto(1.1, count) + 1) * 0.01
    distance = rng.integers(1, 11, count)
    fills = np.arange(count) % 2 == 0
    life[fills] = (rng.pareto(1.0, fills.sum()) + 1) * 0.01 * distance[fills] ** 1.4
    rows = np.zeros((count, 2), ROW)
    rows["order"] = np.arange(1, count + 1)[:, None]
    rows["kind"][:, 0], rows["kind"][:, 1] = LIMIT, np.where(fills, TRADE, CANCEL)
    rows["left_lots"][:, 0], rows["distance_ticks"][:, 0] = 1, distance
    rows["ts_ns"][:, 0], rows["ts_ns"][:, 1] = START_NS, START_NS + (life * SECOND).astype(np.int64)
    rows = np.sort(rows.ravel(), order=["ts_ns", "order"])
    rows["group"] = np.arange(len(rows))
    base = path_of(43_000 + np.cumsum(np.rint(rng.normal(size=40_000))))
    found = measured("lifetimes", Recording(**(base.__dict__ | {"events": rows})))
    assert found["cancel_time_exponent"] == pytest.approx(2.1, abs=0.15)
    assert found["fill_time_exponent"] == pytest.approx(2.0, abs=0.2)
    assert found["fill_time_scaling"] == pytest.approx(1.4, abs=0.1)
    assert found["passage_time_exponent"] == pytest.approx(1.5, abs=0.15)  # of a random walk
    assert found["passage_time_scaling"] == pytest.approx(2.0, abs=0.3)


def test_trading_through_is_counted_by_aggressor():
    fills = [(1, 0), (2, 0), (2, 1), (3, 0), (4, -1)]
    rows = [{"kind": TRADE, "side": 1, "lots": 1, "group": group, "distance_ticks": away} for group, away in fills]
    assert measured("trade_through", recording_of(rows))["trade_through"] == 0.25
    trades = Series(recording_of(rows)).trades
    assert trades.lots.tolist() == [1, 2, 1, 1]
    assert trades.through_ticks.tolist() == [0, 1, 0, -1]


def test_response_is_the_move_after_a_trade(rng):
    signs = rng.choice([-1, 1], 4000)
    mids = np.append(1000, 1000 + 2 * np.cumsum(signs))  # every trade moves the mid two ticks, for good
    series = Series(trades_of(signs, mids))
    values, errors = response_curve(series, np.array([1, 10]))
    assert values == pytest.approx([2, 2], abs=0.3)
    assert np.all(errors < 0.15)
    found = measured("response", trades_of(signs, mids))
    assert found["response_1"] == pytest.approx(2, abs=0.01)
    assert found["response_ratio"] == pytest.approx(1, abs=0.2)
    assert isinstance(measured("response", trades_of(signs, [1000] * 4001))["response_ratio"], str)


def test_a_response_that_is_known_badly_has_no_ratio(rng):
    signs = rng.permutation(np.repeat([1, -1], 50))
    moves = signs * rng.permutation(np.repeat([4, -4], [63, 37]))  # a mean of 1 with an error of 0.4
    series = Series(trades_of(signs, np.append(1000, 1000 + np.cumsum(moves))))
    values, errors = response_curve(series, np.array([1]))
    assert 2 * errors[0] < values[0] < 4 * errors[0]
    found = METRICS["response"].measure(series)
    assert found["response_ratio"] == "the error of R(1) is above a quarter of it"
    assert found["response_1"] == pytest.approx(values[0])


def test_order_flow_imbalance_is_that_of_the_paper():
    rows = [
        {"bid": 100, "ask": 102, "bid_lots": 5, "ask_lots": 7},
        {"bid": 100, "ask": 102, "bid_lots": 9, "ask_lots": 7},  # bids + 4
        {"bid": 101, "ask": 102, "bid_lots": 2, "ask_lots": 7},  # new best bid + 2
        {"bid": 101, "ask": 103, "bid_lots": 2, "ask_lots": 6},  # best ask gone + 7
        {"bid": 100, "ask": 103, "bid_lots": 9, "ask_lots": 6},  # best bid gone - 2
        {"bid": 100, "ask": 102, "bid_lots": 9, "ask_lots": 3},  # new best ask - 3
    ]
    rows = [{"kind": LIMIT, "lots": 1, **row} for row in rows]
    assert Series(recording_of(rows)).order_flow.tolist() == [0, 4, 2, 7, -2, -3]


def test_the_price_follows_the_order_flow_by_depth(rng):
    intervals, per = 6000, 10
    depth = np.rint(np.exp(rng.normal(3.5, 0.6, intervals))).astype(np.int64)
    flow = rng.integers(-400, 401, intervals)
    moves = np.rint(100 * flow / depth).astype(np.int64)
    bid = 100_000 + np.append(0, np.cumsum(moves))
    path = np.append(bid[0], np.repeat(bid[:-1], per))
    path[per::per] = bid[1:]
    lots = np.append(depth[0], np.repeat(depth, per))
    touch = np.column_stack([path, path + 1, lots, lots])
    # One order per interval that changes a far touch of constant price, so that the flow is what was drawn.
    queue = np.cumsum(np.append(10_000_000, flow))
    rows = [{"kind": BOOK, "lots": 1, "bid": 1, "ask": 2, "bid_lots": queue[0]}] + [
        {"kind": LIMIT, "lots": 1, "bid": 1, "ask": 2, "bid_lots": left, "ts_ns": START_NS + (per * n + 5) * SECOND}
        for n, left in enumerate(queue[1:])
    ]
    found = measured("ofi_regression", recording_of(rows, intervals * per, touch))
    assert found["ofi_depth_exponent"] == pytest.approx(1.0, abs=0.05)
    assert 0.4 < found["ofi_r2"] < 0.9
    noise = measured("ofi_decay", recording_of(rows, intervals * per, touch))
    assert noise["ofi_predictive_r2"] < 0.02


# Measuring and scoring


def test_an_empty_recording_is_measured_without_a_number_and_with_reasons():
    found = measure(recording_of([], 60))
    known = {name for name, value in found.values.items() if math.isfinite(value)}
    assert known <= {"spread_share_1", "spread_mean", "spread_p99", "touch_lots_mean"}
    assert set(found.reasons) == set(found.values) - known
    assert all(reason for reason in found.reasons.values())


def test_an_interval_holds_its_last_moment_and_not_its_first():
    times = START_NS + np.array([0, 1, 10, 11, 20, 21, 30, 31]) * SECOND
    sums = Series(recording_of([], 35)).by_interval(times, 10 ** np.arange(8), 10)
    assert sums.tolist() == [110, 11_000, 1_100_000]


def test_a_figure_that_needs_a_day_says_so():
    found = measure(recording_of([], 60))
    assert "intraday_peak" in found.short
    assert found.reasons["intraday_peak"] == "needs 22 h of recording, there are 0.0167"


@pytest.mark.parametrize("name", preset_names("realism"))
def test_bands_have_24_rows_and_every_figure_but_those_left_out_on_purpose(name):
    bands = load_bands(name)
    assert [row.row for row in bands.rows] == list(range(1, 25))
    banded = {figure for row in bands.rows for figure in row.figures}
    measured_figures = {figure.name for metric in METRICS.values() for figure in metric.figures}
    left_out = {"spread_p99"} if name == "mgc_2020" else set()
    assert measured_figures - banded == left_out
    for row in bands.rows[:-1]:
        assert set(row.figures) <= {figure.name for figure in METRICS[row.name].figures}


def bands_of(**figures):
    rows = [{"row": n, "name": name, "figures": {name: band}} for n, (name, band) in enumerate(figures.items(), 1)]
    return RealismBands.model_validate({"rows": rows})


def values_of(**figures):
    count = len(next(iter(figures.values())))
    return [Measurement({name: values[seed] for name, values in figures.items()}, {}) for seed in range(count)]


def test_a_figure_passes_by_its_mean_and_three_quarters_of_its_seeds():
    bands = bands_of(eta=(1.0, 3.0))  # widened: 0.5 to 3.5
    cases = [
        ([2.0] * 8, True, 8, True),
        ([0.6] * 4 + [3.4] * 4, True, 8, True),
        ([0.4] * 3 + [2.0] * 5, True, 5, False),
        ([0.4] * 2 + [2.0] * 6, True, 6, True),
        ([3.2] * 8, False, 8, False),
        ([1.0, 3.0], True, 2, True),
    ]
    for values, in_band, seeds, passed in cases:
        (found,) = score_measurements(values_of(eta=values), bands)
        assert (found.in_band, found.seeds_in_band, found.passed) == (in_band, seeds, passed), values
        assert found.value == pytest.approx(np.mean(values))


def test_a_row_is_in_band_when_all_of_its_figures_are():
    row = {"row": 1, "name": "spread", "figures": {"spread_mean": [1, 2], "spread_p99": [None, 5]}}
    bands = RealismBands.model_validate({"rows": [row]})
    (good,) = score_measurements(values_of(spread_mean=[1.5], spread_p99=[4.0]), bands)
    assert good.in_band
    (bad,) = score_measurements(values_of(spread_mean=[1.5], spread_p99=[6.0]), bands)
    assert not bad.in_band
    assert (bad.worst.name, bad.value, bad.band) == ("spread_p99", 6.0, (None, 5.0))


def test_a_seed_without_a_value_is_a_seed_outside():
    bands = bands_of(eta=(1.0, 3.0))
    (found,) = score_measurements(values_of(eta=[2.0, math.nan, math.nan, math.nan]), bands)
    assert (found.in_band, found.seeds_in_band, found.worst.seeds, found.passed) == (True, 1, 4, False)
    (none,) = score_measurements(values_of(eta=[math.nan] * 2), bands)
    assert not none.in_band
    assert none.to_json()["value"] is None


def test_long_recordings_alone_answer_for_what_needs_them():
    bands = bands_of(intraday_peak=(2.0, 3.0))
    short = Measurement({"intraday_peak": math.nan}, {"intraday_peak": "short"}, frozenset({"intraday_peak"}))
    (found,) = score_measurements([short, Measurement({"intraday_peak": 2.5}, {}), short], bands)
    assert (found.value, found.worst.seeds, found.passed) == (2.5, 1, True)


def test_a_day_does_not_answer_for_what_hours_can_tell():
    hours = [Measurement({"eta": value}, {}, hours=6) for value in (0.2, 0.4)]
    (found,) = score_measurements([*hours, Measurement({"eta": 0.9}, {}, hours=24)], bands_of(eta=(0.0, 1.0)))
    assert (found.value, found.worst.values) == (pytest.approx(0.3), (0.2, 0.4))


def test_metaorder_impact_is_handed_in():
    bands = load_bands("mgc_2025")
    given = {"impact_exponent": [0.5], "impact_quarter": [0.5], "impact_left_2t": [0.5], "impact_left_4t": [0.3]}
    assert score_measurements([Measurement({}, {})], bands, given)[-1].passed
    assert not score_measurements([Measurement({}, {})], bands)[-1].in_band
    with pytest.raises(ValueError, match="extra has nonsense"):
        score_measurements([], bands, {"nonsense": [1.0]})


def test_a_band_is_widened_about_its_middle_and_an_open_one_at_its_end():
    assert widen((2.0, 4.0)) == (1.5, 4.5)
    assert widen((1.0, None)) == (0.5, math.inf)
    assert widen((None, 4.0)) == (-math.inf, 6.0)


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([{"row": 1, "name": "x", "figures": {"etta": [0, 1]}}], "figures has 'etta'"),
        ([{"row": 1, "name": "x", "figures": {"eta": [2, 1]}}], "smaller number first"),
        ([{"row": 1, "name": "x", "figures": {"eta": [None, None]}}], "open at both ends"),
        ([{"row": 1, "name": "x", "figures": {"eta": [0, 1]}}] * 2, "expected each once"),
    ],
)
def test_bands_that_make_no_sense_are_refused(rows, message):
    with pytest.raises(ConfigError, match=message):
        load_config(RealismBands, {"rows": rows})


# Distances


def walk_recording(seed, spread=1, seconds=1200):
    rng = np.random.default_rng(seed)
    walk = random_walk(rng, seconds + 1, 1.0).astype(np.int64)
    lots = rng.integers(1, 10, (seconds + 1, 2))
    touch = np.column_stack([walk, walk + spread, lots])
    rows = []
    for number in range(1, seconds):
        bid, ask, bids, asks = (int(value) for value in touch[number])
        state = {"bid": bid, "ask": ask, "bid_lots": bids, "ask_lots": asks, "ts_ns": START_NS + number * SECOND}
        kind, side = (LIMIT, CANCEL, TRADE)[number % 3], 1 if number % 2 else -1
        price = {"price_ticks": bid - side, "distance_ticks": number % 5, "side": side}
        price["order"] = 0 if kind == TRADE else number // 3 + 1
        rows.append({"kind": kind, "lots": 1 + number % 4, "left_lots": int(kind == LIMIT), **state, **price})
    depth = rng.integers(0, 20, (seconds + 1, 2, 10))
    return recording_of(rows, seconds, touch, depth)


def test_a_recording_is_no_distance_from_itself():
    recording = walk_recording(1)
    found = compare(recording, recording, resamples=20)
    assert [one.name for one in found] == list(SAMPLES)
    for one in found:
        assert (one.l1.mean, one.wasserstein.mean) == (0.0, 0.0)
        assert one.l1.low == 0.0
        assert one.samples == one.reference_samples > 0


def test_l1_is_symmetric_and_wasserstein_is_up_to_its_scale():
    left, right = walk_recording(1), walk_recording(2, spread=2)
    there, back = compare(left, right, resamples=20), compare(right, left, resamples=20)
    for one, other in zip(there, back, strict=True):
        assert one.l1.mean == pytest.approx(other.l1.mean)
        scales = [SAMPLES[one.name](Series(side))[1].std() for side in (right, left)]
        if min(scales) > 0:
            assert one.wasserstein.mean * scales[0] == pytest.approx(
                other.wasserstein.mean * scales[1], rel=0.02, abs=1e-9
            )


def test_distances_are_those_of_known_distributions():
    near, far = walk_recording(1), walk_recording(1, spread=4)
    spread = {one.name: one for one in compare(near, far, resamples=20)}["spread"]
    assert (spread.l1.mean, spread.l1.low, spread.l1.high) == (1.0, 1.0, 1.0)
    assert math.isnan(spread.wasserstein.mean)  # a reference without any spread of its own has no scale
    touch = {one.name: one for one in compare(near, walk_recording(3), resamples=100)}["bid_volume_touch"]
    left, right = (SAMPLES["bid_volume_touch"](Series(walk_recording(seed)))[1] for seed in (1, 3))
    from scipy.stats import wasserstein_distance

    assert touch.wasserstein.mean == pytest.approx(wasserstein_distance(left, right) / right.std())
    assert touch.l1.low <= touch.l1.mean <= touch.l1.high


@given(st.lists(st.integers(-30, 30), min_size=1), st.lists(st.integers(-30, 30), min_size=1), st.booleans())
def test_histogram_distances_lie_between_0_and_1(left, right, halves):
    left, right = (np.array(values, float) / (2 if halves else 1) for values in (left, right))
    edges = common_edges(left, right)
    assert np.array_equal(edges, common_edges(right, left))
    counts = [np.bincount(np.searchsorted(edges, v, side="right"), minlength=len(edges) + 1) for v in (left, right)]
    assert 0 <= l1_distance(*counts) <= 1 + 1e-12
    assert l1_distance(counts[0], 7 * counts[0]) == pytest.approx(0)


def test_a_metric_without_values_has_no_distance():
    found = {one.name: one for one in compare(recording_of([]), walk_recording(1), resamples=5)}
    assert math.isnan(found["log_time_to_cancel"].l1.mean)
    assert found["log_time_to_cancel"].to_json()["l1"] is None


# The command


@pytest.mark.jit
def test_the_command_scores_compares_and_draws(tmp_path, capsys):
    pytest.importorskip("matplotlib")
    saved = tmp_path / "walk.npz"
    walk_recording(1).save(saved)
    files = ["--json", str(tmp_path / "score.json"), "--plot", str(tmp_path / "score.png")]
    short = ["--episodes", "2", "--hours", "0.02", "--days", "0"]
    extra = ["--extra", "impact_exponent=0.5,0.6", "impact_quarter=0.5"]
    assert main(["market", "realism", "mgc_poisson", *short, *extra, "--against", str(saved), *files]) == 0
    printed = capsys.readouterr().out
    assert "24 metaorder_impact" in printed
    assert "of 24 rows pass" in printed
    assert "orderbook_imbalance" in printed
    document = json.loads((tmp_path / "score.json").read_text())
    assert len(document["metrics"]) == 24
    assert {"name", "value", "band", "in_band", "seeds_in_band"} <= set(document["metrics"][0])
    impact = document["metrics"][-1]["figures"][0]
    assert (impact["name"], impact["value"], impact["values"]) == ("impact_exponent", 0.55, [0.5, 0.6])
    assert [one["seed"] for one in document["recordings"]] == [0, 1]
    assert document["config"]["instrument"]["symbol"] == "MGC"
    assert document["provenance"]["packages"]["numpy"]
    assert len(document["distances"]) == len(SAMPLES)
    assert (tmp_path / "score.png").read_bytes().startswith(b"\x89PNG")
    assert not list(tmp_path.glob(".*.part*"))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nowhere"], "no preset 'nowhere'"),
        (["nothing.npz"], "no such file"),
        (["mgc_poisson", "--bands", "nope"], "no preset 'nope'"),
    ],
)
def test_what_cannot_be_scored_is_refused_in_a_sentence(arguments, message, capsys):
    assert main(["market", "realism", *arguments]) == 2
    assert message in capsys.readouterr().err
