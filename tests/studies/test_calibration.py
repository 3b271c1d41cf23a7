"""Calibration: what a simulated market was made with is found again, and a source that says too little is refused."""

import json
import math

import numpy as np
import pytest

from twin_env.cli.main import main
from twin_env.config import load_config
from twin_env.market import MarketConfig
from twin_env.market.flow import AnchoredFlow
from twin_env.market.instrument import Instrument
from twin_env.studies.calibration import CalibrationError, Estimates, calibrate, to_yaml
from twin_env.studies.calibration.distance import Target
from twin_env.studies.calibration.excitement import fit_clock
from twin_env.studies.calibration.exposure import measure_exposure
from twin_env.studies.calibration.fit import PRIOR as FIT_PRIOR
from twin_env.studies.calibration.fit import busiest_book, load_prior, scale_instrument
from twin_env.studies.calibration.observed import in_units, observe, scale_lots
from twin_env.studies.calibration.placement import fit_placement
from twin_env.studies.calibration.poisson import fit_poisson
from twin_env.studies.calibration.refine import KNOBS, Problem, refine
from twin_env.studies.calibration.search import minimise
from twin_env.studies.calibration.sizes import fit_sizes, geometric_mean_size
from twin_env.studies.calibration.takers import fit_aversion, fit_length_tail, fit_touch_share
from twin_env.studies.calibration.volatility import fit_volatility
from twin_env.studies.realism.recording import LIMIT, record_market

MGC = load_config(Instrument, "mgc", folder="instruments")
PRIOR = AnchoredFlow.model_validate(
    {
        "start_price": 4300.0,
        "start_depth_lots": [9, 14, 13, 10, 7, 5, 4, 3],
        "price": {"daily_volatility_ticks": 400, "jump_sd": 4},
        "clock": {"news_gain": 1.0},
        "market_orders": {"rate_per_s": 2.0},
        "limit_orders": {"rate_per_s": 22, "patient_share": 0.0},
        "cancels": {"capacity_per_s": 30},
        "memory": {"reach_ticks": 2.0, "scale_lots": 100},
    }
)
POISSON = {
    "model": "poisson",
    "limit_rates_per_s": [1.2, 0.9, 0.6, 0.4],
    "cancel_rates_per_s": [0.25, 0.2, 0.15, 0.1],
    "market_rate_per_s": 0.6,
    "far_cancel_rate_per_s": 0.05,
    "depth_cap_orders": 40,
    "mean_limit_lots": 2.5,
    "mean_market_lots": 3.0,
    "start_price": 2000.0,
    "start_depth_lots": [5, 5, 5, 5],
    "warm_up_s": 120,
}
QUIET = {
    "price": PRIOR.price.model_dump() | {"volatility_sds": (0.0, 0.0, 0.0), "jumps_per_hour": 0.0},
    "memory": PRIOR.memory.model_dump() | {"reach_ticks": 0.0},
}


def market(source) -> MarketConfig:
    return MarketConfig.model_validate({"instrument": "mgc", "source": source, "profile": "history"})


@pytest.fixture(scope="module")
def poisson():
    return record_market(market(POISSON), 3, 2.0)


@pytest.fixture(scope="module")
def prior(tmp_path_factory):
    path = tmp_path_factory.mktemp("prior") / "prior.yaml"
    path.write_text(json.dumps({"instrument": "mgc", "source": PRIOR.model_dump(mode="json")}))
    return str(path)


@pytest.fixture(scope="module")
def anchored():
    return record_market(market(PRIOR.model_dump()), 1, 1.0)


def draw_sizes(random, count, one, tail, largest, scale=1.0):
    pareto = np.floor(scale * random.random(count) ** (-1.0 / tail))
    return np.where(random.random(count) < one, 1, np.minimum(pareto, largest)).astype(np.int64)


def hawkes_times(random, rate, branching, scales, weights, seconds):
    """Points of a Hawkes process by its clusters: every point has Poisson many children after exponential times."""
    generation = random.uniform(0, seconds, random.poisson(rate * (1 - branching) * seconds))
    points = [generation]
    while len(generation):
        children = random.poisson(branching, len(generation))
        waits = random.exponential(random.choice(scales, children.sum(), p=weights))
        generation = np.repeat(generation, children) + waits
        generation = generation[generation < seconds]
        points.append(generation)
    return np.sort(np.concatenate(points) * 1e9).astype(np.int64)


@pytest.mark.jit
def test_rates_of_a_poisson_market_are_found_within_their_errors(poisson):
    flow, estimates = fit_poisson(observe(poisson))
    time_s = 2 * 2.0 * 3600
    for place, true in enumerate(POISSON["limit_rates_per_s"]):
        assert flow.limit_rates_per_s[place] == pytest.approx(true, abs=4 * math.sqrt(true / time_s))
    assert max(flow.limit_rates_per_s[len(POISSON["limit_rates_per_s"]) :]) < 1e-3
    exposure = measure_exposure(observe(poisson), 4).opposite
    for place, true in enumerate(POISSON["cancel_rates_per_s"]):
        assert flow.cancel_rates_per_s[place] == pytest.approx(true, abs=4 * math.sqrt(true / exposure[place]))
    error = estimates["market_rate_per_s"].error
    assert flow.market_rate_per_s == pytest.approx(POISSON["market_rate_per_s"], abs=4 * error)
    assert flow.mean_limit_lots == pytest.approx(2.5, abs=4 * estimates["mean_limit_lots"].error)


@pytest.mark.jit
def test_market_sizes_of_a_poisson_market_are_found(poisson):
    """A message that found too little on the other side traded less than it asked for: a little below the truth."""
    flow, _ = fit_poisson(observe(poisson))
    assert 2.8 < flow.mean_market_lots < 3.1


@pytest.mark.jit
def test_order_seconds_are_those_of_every_order_by_itself(poisson):
    """Oracle: one order at a time, from birth to end, summed whatever the distance."""
    part = poisson.between(poisson.start_ns, poisson.start_ns + 400_000_000_000)
    rows = part.events[part.events["order"] > 0]
    total = 0.0
    for order in np.unique(rows["order"]):
        own = rows[rows["order"] == order]
        end_ns = part.end_ns if own["left_lots"][-1] > 0 else own["ts_ns"][-1]
        total += (end_ns - own["ts_ns"][0]) / 1e9
    exposure = measure_exposure(observe(part), 8)
    assert exposure.opposite.sum() + exposure.opposite_far == pytest.approx(total, rel=1e-9)
    assert exposure.behind.sum() + exposure.behind_far == pytest.approx(total, rel=1e-9)
    assert exposure.opposite[0] > 0


@pytest.mark.jit
def test_the_busiest_book_is_that_of_a_replay(poisson):
    part = poisson.between(poisson.start_ns, poisson.start_ns + 600_000_000_000)
    live, most_orders, most_levels = {}, 0, 0
    for row in part.events:
        order = int(row["order"])
        if order and row["left_lots"] > 0:
            live.setdefault(order, (int(row["side"]), int(row["price_ticks"])))
        elif order:
            live.pop(order, None)
        most_orders = max(most_orders, len(live))
        most_levels = max(most_levels, *(len({p for s, p in live.values() if s == side}) for side in (1, -1)))
    assert busiest_book(part) == (most_orders, most_levels)


@pytest.mark.parametrize(("one", "tail"), [(0.5, 1.6), (0.0, 1.2), (0.8, 2.2)])
def test_the_law_of_sizes_is_found_within_its_errors(one, tail):
    lots = draw_sizes(np.random.default_rng(7), 40_000, one, tail, 1_000_000)
    fit = fit_sizes(lots)
    assert fit.tail_exponent == pytest.approx(tail, abs=max(4 * fit.tail_error, 0.02))
    lots = np.arange(1, 30)
    # Two pairs of one-lot share and beginning make the same law: its chances are what counts.
    assert fit.chance_above(lots) == pytest.approx((1 - one) * (lots + 1.0) ** -tail, abs=0.01)


def test_sizes_that_were_cut_by_what_was_offered_do_not_bend_the_tail():
    random = np.random.default_rng(8)
    lots, room = draw_sizes(random, 60_000, 0.4, 1.5, 10_000), random.integers(1, 12, 60_000)
    fit = fit_sizes(np.minimum(lots, room), room)
    assert fit.tail_exponent == pytest.approx(1.5, abs=4 * fit.tail_error)
    assert fit.one_lot_share == pytest.approx(0.4, abs=0.03)
    naive = fit_sizes(np.minimum(lots, room))
    assert abs(naive.tail_exponent - 1.5) > 5 * fit.tail_error


def test_a_law_that_begins_at_several_lots_is_seen_to():
    fit = fit_sizes(draw_sizes(np.random.default_rng(9), 40_000, 0.35, 2.5, 1_000_000, scale=5.0))
    assert fit.scale_lots == 5.0
    assert fit.one_lot_share == pytest.approx(0.35, abs=4 * fit.one_lot_error)
    assert fit.tail_exponent == pytest.approx(2.5, abs=4 * fit.tail_error)


def test_sizes_of_one_lot_alone_tell_no_law():
    assert fit_sizes(np.ones(500, np.int64)) is None


def test_a_cut_law_has_the_mean_of_the_sizes():
    lots = draw_sizes(np.random.default_rng(3), 20_000, 0.3, 0.9, 30)
    lots[:3] = 5000  # three orders of a size the others do not speak of
    fit = fit_sizes(lots)
    steps = np.arange(1, fit.largest_lots + 1.0)
    tail = np.minimum((fit.scale_lots / steps) ** fit.tail_exponent, 1.0)
    mean = fit.one_lot_share + (1 - fit.one_lot_share) * tail.sum()
    assert mean == pytest.approx(lots.mean(), rel=0.03)
    assert fit.largest_lots < 500


def test_the_geometric_mean_is_the_mean():
    lots = np.random.default_rng(0).geometric(0.4, 20_000)
    mean, error = geometric_mean_size(lots)
    assert mean == pytest.approx(2.5, abs=4 * error)


@pytest.mark.parametrize(("branching", "exponent"), [(0.7, 1.15), (0.85, 1.4), (0.6, 1.5)])
def test_branching_and_exponent_of_a_hawkes_process_are_found(branching, exponent):
    scales = np.geomspace(0.02, 100.0, 6)
    weights = scales ** (1.0 - exponent) / (scales ** (1.0 - exponent)).sum()
    random = np.random.default_rng(int(100 * branching))
    times = hawkes_times(random, 40.0, branching, scales, weights, 7200.0)
    nothing = np.zeros(0)
    fit = fit_clock(times, 0, 7_200_000_000_000, 40.0, (nothing, nothing), 100.0)
    assert fit.fastest_s == 0.02
    assert fit.branching == pytest.approx(branching, abs=0.12)
    assert fit.exponent == pytest.approx(exponent, abs=0.1)


def test_a_thinned_hawkes_process_has_the_branching_of_the_whole():
    scales = np.geomspace(0.02, 100.0, 6)
    weights = scales**-0.4 / (scales**-0.4).sum()
    random = np.random.default_rng(5)
    times = hawkes_times(random, 60.0, 0.8, scales, weights, 7200.0)
    seen = times[random.random(len(times)) < 0.4]
    nothing = np.zeros(0)
    fit = fit_clock(seen, 0, 7_200_000_000_000, 60.0, (nothing, nothing), 100.0)
    assert fit.branching == pytest.approx(0.8, abs=0.1)


def test_points_without_memory_have_no_branching():
    times = np.sort(np.random.default_rng(2).integers(0, 3_600_000_000_000, 100_000))
    nothing = np.zeros(0)
    fit = fit_clock(times, 0, 3_600_000_000_000, 28.0, (nothing, nothing), 100.0)
    assert fit.branching < 0.15


def test_volatility_of_a_random_walk_is_found():
    random = np.random.default_rng(4)
    times, sds = np.array([60.0, 1200.0]), np.array([0.4, 0.3])
    count, keep = 6 * 3600, np.exp(-1.0 / np.array([60.0, 1200.0]))
    logs, path = sds * random.standard_normal(2), np.zeros(count + 1)
    for second in range(count):
        logs = logs * keep + sds * np.sqrt(1 - keep**2) * random.standard_normal(2)
        sd = 400 / math.sqrt(86_400) * math.exp(logs.sum() - (sds**2).sum())
        path[second + 1] = path[second] + sd * random.standard_normal()
    fit = fit_volatility(path, (*times.tolist(), 20_000.0))
    assert fit.daily_ticks == pytest.approx(400, abs=4 * fit.daily_error)
    assert fit.sds[0] == pytest.approx(0.4, abs=0.12)
    assert 0.1 < fit.sds[1] < 0.6
    assert math.isnan(fit.sds[2])


def test_metaorders_leave_their_exponent_in_the_signs():
    random = np.random.default_rng(6)
    running = np.array([[random.choice([-1, 1]), int(random.random() ** (-1 / 1.5))] for _ in range(4)])
    signs = np.zeros(60_000, np.int64)
    for number in range(len(signs)):
        place = random.integers(4)
        signs[number] = running[place, 0]
        running[place, 1] -= 1
        if running[place, 1] <= 0:
            running[place] = random.choice([-1, 1]), int(min(random.random() ** (-1 / 1.5), 20_000))
    tail, _ = fit_length_tail(signs)
    assert tail == pytest.approx(1.5, abs=0.25)
    assert fit_length_tail(random.choice([-1, 1], 60_000)) is None


@pytest.mark.jit
def test_the_anchored_flow_gives_its_parameters_back(anchored):
    observed = observe(anchored)
    law, _ = fit_placement(observed)
    true = PRIOR.limit_orders
    # The mid stands in for the anchor: its wandering widens the disagreement and draws the margin in.
    assert law.margin_ticks == pytest.approx(true.margin_ticks, abs=0.25)
    assert true.opinion_sd_ticks < law.opinion_sd_ticks < true.opinion_sd_ticks + 0.4
    assert law.near_share == pytest.approx(true.near_share, abs=0.15)
    assert law.farthest_ticks == pytest.approx(true.farthest_ticks, abs=1.0)
    sizes = fit_sizes(observed.limits.lots)
    assert sizes.tail_exponent == pytest.approx(true.sizes.tail_exponent, abs=4 * sizes.tail_error)
    takers = PRIOR.market_orders
    touch = fit_touch_share(observed.aggressors, sizes)
    assert touch[0] == pytest.approx(takers.touch_share, abs=4 * touch[1])


@pytest.mark.jit
def test_market_orders_that_shy_from_the_spread_are_seen():
    source = PRIOR.model_dump()
    source["market_orders"] |= {"spread_aversion": 0.6, "rate_per_s": 6.0, "informed_share": 0.0}
    source["limit_orders"] |= {"snipe_share": 0.0}
    shy = observe(record_market(market(source | QUIET), 2, 1.0))
    fit = fit_aversion(shy.aggressors, shy.recording.touch)
    assert fit.aversion == pytest.approx(0.6, abs=max(5 * fit.aversion_error, 0.1))
    assert fit.rate_per_s == pytest.approx(6.0, rel=0.1)


@pytest.fixture(scope="module")
def fits(anchored, prior):
    """The same source fitted as both models, without the second stage."""
    options = {"prior": prior, "rounds": 0, "judges": 1}
    return {model: calibrate(anchored, MGC, model=model, **options) for model in ("anchored", "poisson")}


@pytest.mark.jit
@pytest.mark.parametrize("model", ["anchored", "poisson"])
def test_the_file_of_a_fit_reads_back_as_the_same_market(model, fits, tmp_path):
    fit = fits[model]
    path = tmp_path / "fitted.yaml"
    path.write_text(to_yaml(fit))
    assert load_config(MarketConfig, path) == fit.config
    text = path.read_text()
    assert "Fitted: value +- standard error" in text
    assert "Not told by the source" in text
    json.dumps(fit.to_json())


@pytest.mark.jit
def test_what_a_source_cannot_tell_is_said_to_be_the_priors(fits):
    fit = fits["anchored"]
    kept = {one.key: one for one in fit.estimates if not one.fitted}
    for key in ("memory.exponent", "market_orders.informed_share", "price.jumps_per_hour", "session.activity"):
        assert kept[key].how
    assert kept["memory.exponent"].value == PRIOR.memory.exponent
    assert all(len(one.how) > 5 for one in fit.estimates)


@pytest.mark.jit
def test_a_source_that_is_too_short_says_so_in_one_sentence(anchored):
    short = anchored.between(anchored.start_ns, anchored.start_ns + 60_000_000_000)
    with pytest.raises(CalibrationError, match=r"MGC: the source has 60 s, \d+ limit .* expected at least 300 s"):
        calibrate(short, MGC, rounds=0)


def test_the_prior_that_stands_in_by_itself_is_there():
    assert load_prior(FIT_PRIOR).model == "anchored"


def test_a_prior_without_an_anchored_flow_is_refused(tmp_path):
    path = tmp_path / "zero.yaml"
    path.write_text(json.dumps({"instrument": "mgc", "source": POISSON}))
    with pytest.raises(CalibrationError, match=r"source\.model is poisson, expected anchored"):
        load_prior(str(path))


@pytest.mark.jit
def test_lots_are_counted_in_round_lots_where_orders_are_round(anchored):
    shares = in_units(anchored, 100)
    observed = observe(shares)
    assert observed.lot_size == 100
    assert np.array_equal(observed.recording.events["lots"], anchored.events["lots"])
    assert observe(anchored).lot_size == 1
    odd = scale_lots(anchored, 7)
    rests = odd.events["kind"] == LIMIT
    assert odd.events["lots"][rests].min() == 1


def test_the_instrument_of_a_lot_of_many_keeps_its_money():
    share = load_config(Instrument, "aapl", folder="instruments")
    lot = scale_instrument(share, 100)
    assert lot.half_tick_micro == 100 * share.half_tick_micro
    assert lot.taker_fee_micro == 100 * share.taker_fee_micro
    assert lot.maker_fee_micro == 100 * share.maker_fee_micro


def test_later_estimates_replace_earlier_ones_and_reach_nested_keys():
    estimates = Estimates()
    estimates.add("market_orders.sizes.largest_lots", 5)
    estimates.keep("market_orders.sizes.largest_lots", 9, "too few")
    before = {"market_orders": {"sizes": {"largest_lots": 1, "one_lot_share": 0.5}}}
    assert estimates.apply_to(before) == {"market_orders": {"sizes": {"largest_lots": 9, "one_lot_share": 0.5}}}
    assert before["market_orders"]["sizes"]["largest_lots"] == 1


def test_the_search_finds_the_bottom_of_a_tilted_valley():
    tilt = np.array([[3.0, 1.0, 0.0], [0.0, 1.0, 0.5], [0.0, 0.0, 0.2]])
    aim = np.array([1.0, -2.0, 3.0])
    found = minimise(
        lambda point: float(((tilt @ (point - aim)) ** 2).sum()),
        np.zeros(3),
        np.ones(3),
        rounds=150,
        seed=1,
        carry_on=lambda number, best: best > 1e-10,
    )
    assert found.best == pytest.approx(aim, abs=1e-3)


@pytest.mark.jit
def test_a_market_is_at_no_distance_from_itself(anchored):
    target = Target(anchored)
    assert all(one.l1 == 0.0 and one.wasserstein == 0.0 for one in target.distances(anchored) if one.l1 == one.l1)
    other = record_market(market(POISSON), 1, 1.0)
    assert target.loss(other) > target.loss(anchored) + 0.1


@pytest.mark.jit
def test_the_command_fits_a_saved_recording(anchored, tmp_path, capsys):
    source, output, figures = tmp_path / "mine.npz", tmp_path / "mine.yaml", tmp_path / "mine.json"
    anchored.save(source)
    options = ["--model", "poisson", "--judges", "1", "-o", str(output), "--json", str(figures)]
    assert main(["market", "calibrate", str(source), "--instrument", "mgc", *options]) == 0
    assert "market_rate_per_s" in capsys.readouterr().out
    assert load_config(MarketConfig, output).source.model == "poisson"
    assert json.loads(figures.read_text())["source"]["name"] == "mine"
    assert main(["market", "calibrate", str(source), *options]) == 2
    assert "does not say what is traded" in capsys.readouterr().err


@pytest.mark.slow
@pytest.mark.jit
def test_the_second_stage_finds_back_from_knobs_turned_away():
    off = PRIOR.model_dump()
    off["limit_orders"] |= {"margin_ticks": 2.5, "opinion_sd_ticks": 1.6}
    off["cancels"] |= {"rate_per_s": 2.0 * PRIOR.cancels.rate_per_s}
    start = AnchoredFlow.model_validate(off)
    target = Target(record_market(market(PRIOR.model_dump()), 9, 1.0))
    found = refine(Problem(start, MGC, 1, target, 1.0, (1,)), start, rounds=15, budget_s=600.0, seed=1)
    assert found.loss_after < 0.75 * found.loss_before
    assert abs(math.log(found.flow.limit_orders.margin_ticks / PRIOR.limit_orders.margin_ticks)) < abs(
        math.log(2.5 / PRIOR.limit_orders.margin_ticks)
    )
    assert set(found.spreads) == {knob.key for knob in KNOBS}
