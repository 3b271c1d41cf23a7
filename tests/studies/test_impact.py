"""The impact laboratory: schedules, the kernel against a slow loop, fits against known laws."""

import io
import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.core.worlds import START_NS, set_protections, tape_template, to_tape
from tests.studies.markets import made_market
from twin_env.cli.main import main
from twin_env.config import load_config
from twin_env.core.event_loop import advance_world
from twin_env.core.exchange.exchange import handle_all
from twin_env.core.state import codes
from twin_env.core.state.layout import EVENT, MESSAGE, NONE, SYNTHETIC
from twin_env.core.state.world import create_worlds
from twin_env.market import LinksConfig, MarketConfig
from twin_env.market.market import Market
from twin_env.reference.protections import GuardTerms
from twin_env.report.impact import show_impact
from twin_env.studies.impact import (
    Activity,
    Metaorder,
    MetaorderRuns,
    RoundTrip,
    Study,
    TripRuns,
    judge_market,
    measure_activity,
    run_metaorders,
    run_round_trips,
    run_study,
)
from twin_env.studies.impact.experiment import FRACTIONS
from twin_env.studies.impact.figure import save_figure
from twin_env.studies.impact.fit import (
    fit_cost,
    fit_cost_to_peak,
    fit_impact,
    fit_participation,
    fit_path,
    fit_power_law,
    ratio_of_means,
    target_path,
)
from twin_env.studies.impact.play import play_schedule
from twin_env.studies.impact.schedule import CHILD, LEG, MARK
from twin_env.twin.twin import Twin

S = 1_000_000_000
DAY = Activity(sigma_ticks=400.0, volume_lots=300_000.0, day_s=82_800.0, simulated_s=1.0, sampling_s=1.0)
SIZES = (25, 50, 100, 200, 400)
jit = pytest.mark.jit


@pytest.fixture(scope="module")
def mgc() -> Market:
    return Market(
        load_config(MarketConfig, "mgc_poisson", folder="markets"), load_config(LinksConfig, "instant", folder="links")
    )


# Schedules


metaorders = st.builds(
    Metaorder,
    lots=st.integers(1, 5000),
    duration_s=st.floats(0.01, 5000.0),
    child_interval_s=st.floats(0.05, 100.0),
)


@given(metaorders, st.sampled_from([1, -1]), st.integers(0, 10**12))
def test_children_sum_to_the_metaorder_and_are_evenly_spaced(order, side, begin_ns):
    children = order.children(side, begin_ns=begin_ns, leg=1)
    lots, offset = children["lots"], children["offset_ns"] - begin_ns
    assert lots.sum() == order.lots
    assert lots.min() >= 1
    assert np.ptp(lots) <= 1
    assert set(children["side"]) == {side}
    assert set(children["leg"]) == {1}
    assert offset[-1] == order.duration_ns
    assert offset[0] > 0
    assert np.ptp(np.diff(offset, prepend=0)) <= 1
    assert len(children) == 1 or np.diff(offset).min() >= min(order.child_interval_s * 1e9, order.duration_ns) * 0.999


@given(metaorders, metaorders, st.floats(0.0, 100.0), st.sampled_from([1, -1]))
def test_a_round_trip_ends_flat(entry, other, wait_s, side):
    trip = RoundTrip(entry, wait_s, Metaorder(entry.lots, other.duration_s, other.child_interval_s))
    children = trip.children(side)
    assert (children["side"] * children["lots"]).sum() == 0
    assert np.all(np.diff(children["offset_ns"]) >= 0)
    assert children["offset_ns"][-1] == trip.duration_ns
    assert (children["side"] == np.where(children["leg"] == 0, side, -side)).all()


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda: Metaorder(0, 60.0), "lots is 0, expected 1 to"),
        (lambda: Metaorder(10, 0.0), "duration_s is 0, expected"),
        (lambda: Metaorder(10, 60.0, -1.0), "child_interval_s is -1, expected"),
        (lambda: RoundTrip(Metaorder(10, 60.0), 0.0, Metaorder(9, 60.0)), "exit.lots is 9, expected 10"),
        (lambda: RoundTrip(Metaorder(10, 60.0), -1.0, Metaorder(10, 60.0)), "wait_s is -1, expected"),
        (lambda: Study(sizes_lots=(10,)), "expected at least two sizes"),
        (lambda: Study(sizes_lots=(20, 10)), "increasing"),
        (lambda: Study(pairs=1), "pairs is 1, expected at least 2"),
        (lambda: Study(workers=0), "workers is 0, expected"),
        (lambda: Study(longer_factor=0.5), "longer_factor is 0.5, expected"),
    ],
)
def test_what_cannot_be_run_is_refused_in_one_sentence(make, sentence):
    with pytest.raises(ValueError, match=sentence) as refused:
        make()
    assert "\n" not in str(refused.value)


# Playing


def slow_run(market: Market, children: Any, samples_ns: Any, seed: int) -> tuple[Any, Any, int]:
    """The same run as a loop of messages to the exchange, fills read from its events."""
    worlds = create_worlds(market.config.capacities)
    market.start(worlds, 0, seed=seed, start_ns=market.first_ns)
    world = worlds[0]
    marks, filled, notional, half_spread = [], [0, 0], [0, 0], [0, 0]
    sent = [0, 0]
    start_lots = int(world.traded_lots)
    moments = [(int(child["offset_ns"]), 0, child) for child in children]
    moments += [(int(offset), 1, None) for offset in samples_ns]
    for offset_ns, _, child in sorted(moments, key=lambda moment: moment[:2]):
        advance_world(worlds, 0, market.tape, market.first_ns + offset_ns)
        if child is None:
            mid = touch(world, 1) + touch(world, -1)
            marks.append((mid, int(world.traded_lots) - start_lots, sum(filled), 0))
            continue
        side, leg = int(child["side"]), int(child["leg"])
        sent[leg] += int(child["lots"])
        gap = side * (touch(world, -side) - touch(world, side))  # twice the half-spread, in ticks
        events = np.zeros(256, EVENT)
        row = market_order(market.first_ns + offset_ns, side, sent[leg] - filled[leg])
        trades = events[: handle_all(worlds, 0, row, events)]
        trades = trades[trades["kind"] == codes.TRADED]
        assert set(trades["owner"]) <= {codes.BACKGROUND}
        filled[leg] += int(trades["lots"].sum())
        notional[leg] += int((trades["lots"] * trades["price"]).sum())
        half_spread[leg] += gap * int(trades["lots"].sum())
    legs = list(zip(sent, filled, notional, half_spread, strict=True))
    return marks, legs, int(world.event_hash)


def touch(world: Any, side: int) -> int:
    row = 0 if side == 1 else 1
    return side * int(world.book.key[row, world.book.count[row] - 1])


def market_order(ts_ns: int, side: int, lots: int) -> Any:
    row = np.zeros(1, MESSAGE)
    row["ts_ns"], row["kind"], row["side"], row["lots"] = ts_ns, codes.NEW, side, lots
    row["order"], row["row"], row["owner"] = NONE, NONE, codes.BACKGROUND
    row["type"], row["tif"] = codes.MARKET, codes.IOC
    return row


@jit
@pytest.mark.parametrize("seed", [3, 4])
@pytest.mark.parametrize("side", [1, -1])
def test_a_run_equals_a_loop_of_messages(mgc, seed, side):
    children = RoundTrip(Metaorder(90, 20.0), 3.0, Metaorder(90, 4.0, 0.5)).children(side)
    samples_ns = np.array([0, 5, 20, 23, 27, 40]) * S
    marks, legs, event_hash = slow_run(mgc, children, samples_ns, seed)
    twin = Twin(mgc, seed=seed, planes=0, wires=False)
    found, totals = np.zeros(len(samples_ns), MARK), np.zeros(2, LEG)
    play_schedule(twin, children, samples_ns, found, totals)
    assert found.tolist() == marks
    assert totals.tolist() == legs
    assert twin.event_hash == event_hash
    assert totals["filled_lots"].tolist() == [90, 90]


@jit
@pytest.mark.parametrize("seed", range(3))
def test_a_run_without_metaorder_is_the_plain_world(mgc, seed):
    plain, played = (Twin(mgc, seed=seed, planes=0, wires=wires) for wires in (True, False))
    plain.advance(60)
    marks = np.zeros(2, MARK)
    play_schedule(played, np.zeros(0, CHILD), np.array([7, 60]) * S, marks, np.zeros(1, LEG))
    assert played.event_hash == plain.event_hash
    assert marks["mid"][1] == plain.exchange.mid_half_ticks
    assert marks["traded_lots"][1] > 20


def still_market(
    lots: int = 10,
    levels: int = 40,
    bid_levels: int | None = None,
    refill_s: float | None = None,
    last_ns: int | None = None,
    guards: tuple[GuardTerms, ...] = (),
) -> Market:
    """Return a book of one order of ``lots`` at each of ``levels`` prices a side, that only the experiment touches.

    At ``refill_s`` 100 lots come to the first price of either side.
    """
    rows = np.zeros(2 * levels, MESSAGE)
    place = np.repeat(np.arange(levels), 2)
    rows["ts_ns"], rows["kind"], rows["lots"] = START_NS, codes.NEW, lots
    rows["side"] = np.tile([1, -1], levels)
    rows["price"] = np.where(rows["side"] == 1, 100 - place, 101 + place)
    rows["order"], rows["row"] = np.arange(len(rows)), NONE
    rows = rows[(rows["side"] == -1) | (place < (levels if bid_levels is None else bid_levels))]
    if refill_s is not None:
        refill = rows[:2].copy()
        refill["ts_ns"] += int(refill_s * S)
        refill["lots"], refill["order"] = 100, [100, 101]
        rows = np.concatenate([rows, refill])
    template = tape_template(SYNTHETIC, tape_orders=128)
    set_protections(template, 0, guards)
    return made_market(template, SYNTHETIC, to_tape(rows), last_ns=last_ns)


@jit
def test_known_answers_in_a_still_book():
    runs = run_metaorders(still_market(), Metaorder(25, 4.0), pairs=2, fractions=(0.25, 0.5, 1.0, 2.0))
    # Children of 6, 6, 6, 7 lots against 10 at 101, 10 at 102 and 5 at 103; the mid starts at 100.5.
    assert runs.moves_ticks[0].tolist() == [[0.0, 0.5, 1.0, 1.0]] * 2
    assert runs.moves_ticks[1].tolist() == [[0.0, -0.5, -1.0, -1.0]] * 2
    assert runs.impact_ticks.tolist() == [[0.0, 0.5, 1.0, 1.0]] * 2
    assert runs.cost_ticks == pytest.approx(np.full((2, 2), (10 * 0.5 + 10 * 1.5 + 5 * 2.5) / 25))
    # Touches when they come: 101, 101, 102, 102 against mids 100.5, 100.5, 101, 101.
    assert runs.half_spread_ticks == pytest.approx(np.full((2, 2), (12 * 0.5 + 13 * 1.0) / 25))
    assert runs.asymmetry_ticks.tolist() == runs.silent_ticks.tolist() == [0.0, 0.0]
    assert (runs.participation, runs.filled_share, runs.one_sided) == (1.0, 1.0, 0)


@jit
def test_known_answer_of_a_round_trip():
    runs = run_round_trips(still_market(), RoundTrip(Metaorder(20, 1.0), 1.0, Metaorder(20, 1.0)), pairs=2)
    # Bought 10 at 101 and 10 at 102, sold 10 at 100 and 10 at 99; the mirror image costs as much.
    assert runs.pnl_ticks == pytest.approx([-2.0, -2.0])


@jit
def test_what_a_child_misses_is_sent_with_the_next():
    runs = run_metaorders(still_market(levels=1, refill_s=2.5), Metaorder(40, 4.0), pairs=1, fractions=(0.5, 0.75, 1.0))
    # Children of 10: the first empties the book, the second finds nobody, the third asks for 20 and gets them.
    assert runs.filled_lots.tolist() == [[40.0], [40.0]]
    assert runs.background_lots.tolist() == [[0.0], [0.0]]
    assert runs.one_sided == 2
    assert runs.cost_ticks == pytest.approx(np.full((2, 1), 0.5))


@jit
def test_a_child_reaches_as_far_as_protection_lets_it():
    runs = run_metaorders(still_market(levels=60), Metaorder(600, 1.0), pairs=1)
    assert runs.filled_lots.tolist() == [[510.0], [510.0]]  # the touch and 50 ticks beyond
    assert runs.cost_ticks == pytest.approx(np.full((2, 1), 0.5 + 25.0))


@jit
def test_a_child_gets_what_trades_until_the_venue_pauses():
    market = still_market(guards=(GuardTerms(move_ticks=5, window_ns=S, pause_ns=10 * S),))
    runs = run_metaorders(market, Metaorder(300, 1.0), pairs=1)
    assert runs.filled_lots.tolist() == [[70.0], [70.0]]  # the trade six ticks from the first starts the pause
    assert runs.background_lots.tolist() == [[0.0], [0.0]]
    assert runs.cost_ticks == pytest.approx(np.full((2, 1), 3.5))


@jit
def test_what_cannot_be_sold_is_marked_at_the_mid():
    trip = RoundTrip(Metaorder(20, 1.0), 1.0, Metaorder(20, 1.0))
    runs = run_round_trips(still_market(levels=3, bid_levels=1), trip, pairs=1)
    # 20 lots bought for 2030, 10 sold at 100, 10 left at the mid of 100 (the last bid there was) and 103.
    # The mirror image sells 10 of 20 lots first, buys 20, and ends with the same 10.
    assert runs.pnl_ticks == pytest.approx([(1000 + 1015 - 2030) / 20])


@jit
def test_what_the_book_does_not_have_is_not_filled():
    runs = run_metaorders(still_market(levels=2), Metaorder(100, 4.0), pairs=1)
    assert runs.filled_lots.tolist() == [[20.0], [20.0]]
    assert runs.filled_share == 0.2
    assert runs.one_sided == 2 * sum(z >= 0.25 for z in FRACTIONS)
    trip = run_round_trips(still_market(levels=2), RoundTrip(Metaorder(30, 1.0), 1.0, Metaorder(30, 1.0)), pairs=1)
    # 20 lots bought for 2030 are sold for 1990; the mid plays no part, as nothing is left.
    assert trip.pnl_ticks == pytest.approx([-40.0 / 30.0])


@jit
def test_pairs_are_antithetic_and_workers_change_nothing(mgc):
    order = Metaorder(60, 30.0)
    runs = run_metaorders(mgc, order, pairs=6, first_seed=5)
    again = run_metaorders(mgc, order, pairs=6, first_seed=5, workers=3)
    assert np.array_equal(runs.moves_ticks, again.moves_ticks)
    assert np.array_equal(runs.cost_ticks, again.cost_ticks)
    assert np.array_equal(run_metaorders(mgc, order, pairs=1, first_seed=8).moves_ticks[:, 0], runs.moves_ticks[:, 3])
    assert runs.peak_ticks.mean() > 0.0
    assert np.all(runs.filled_lots == 60)
    assert np.all(runs.background_lots > 0)


@jit
def test_activity_counts_what_trades(mgc):
    activity = measure_activity(mgc, runs=2, duration_s=1200.0, sampling_s=60.0, day_s=2400.0, first_seed=1)
    worlds = create_worlds(mgc.config.capacities)
    lots, squares = 0, 0.0
    for seed in (1, 2):
        mgc.start(worlds, 0, seed=seed, start_ns=mgc.first_ns)
        before = int(worlds[0].traded_lots)
        mids = [touch(worlds[0], 1) + touch(worlds[0], -1)]
        for minute in range(1, 21):
            advance_world(worlds, 0, mgc.tape, mgc.first_ns + minute * 60 * S)
            mids.append(touch(worlds[0], 1) + touch(worlds[0], -1))
        lots += int(worlds[0].traded_lots) - before
        squares += float((np.diff(mids) ** 2).sum()) / 4.0
    assert activity.volume_lots == lots  # two runs of half a day each
    assert activity.sigma_ticks == pytest.approx(np.sqrt(squares))


def test_a_history_too_short_is_refused():
    market = still_market(last_ns=START_NS + 10 * S)
    with pytest.raises(ValueError, match="the history lasts 10 s, expected at least 240 s for one run"):
        run_metaorders(market, Metaorder(10, 60.0), pairs=1)


@jit
def test_pairs_of_a_history_start_at_different_times():
    market = still_market(last_ns=START_NS + 100 * S)
    starts, start = [], market.start

    def noted(worlds: Any, index: int, *, seed: int, start_ns: int) -> None:
        starts.append(start_ns)
        start(worlds, index, seed=seed, start_ns=start_ns)

    market.start = noted  # type: ignore[method-assign]
    run_metaorders(market, Metaorder(10, 10.0), pairs=3)
    assert [(at - START_NS) / S for at in starts] == [0.0, 30.0, 60.0]


@pytest.mark.parametrize("fractions", [(0.5, 2.0), (1.0, 0.5), (0.0, 1.0), (1.0, 1.0)])
def test_fractions_that_will_not_do_are_refused(fractions):
    with pytest.raises(ValueError, match="fractions is"):
        run_metaorders(still_market(), Metaorder(10, 60.0), pairs=1, fractions=fractions)


# Fitting


def draw_runs(
    rng: np.random.Generator,
    lots: int,
    peak_ticks: float,
    *,
    noise_ticks: float = 2.0,
    pairs: int = 60,
    duration_s: float = 600.0,
    participation: float | None = None,
    tilt: float = 0.0,
    path: Any = target_path,
) -> MetaorderRuns:
    """Pairs whose mean impact is known: buys move the mid by (1 + tilt) x the path, sells by (1 - tilt)."""
    shape = np.array([path(z) for z in FRACTIONS])
    drift = rng.normal(0.0, 20.0, pairs)
    noise = rng.normal(0.0, noise_ticks * np.sqrt(2.0), (2, pairs, 1))
    means = peak_ticks * np.array([1.0 + tilt, tilt - 1.0])[:, None, None] * shape
    cost = peak_ticks * 2.0 / 3.0 + 0.8 + rng.normal(0.0, noise_ticks, (2, pairs))
    share = lots / (3.6 * duration_s) if participation is None else participation
    return MetaorderRuns(
        Metaorder(lots, duration_s),
        FRACTIONS,
        means + noise + drift[:, None],
        drift,
        cost,
        np.full((2, pairs), 0.8),
        np.full((2, pairs), float(lots)),
        np.full((2, pairs), lots / share - lots),
    )


def law_ticks(lots: int, exponent: float = 0.5, coefficient: float = 0.8) -> float:
    return float(coefficient * DAY.sigma_ticks * (lots / DAY.volume_lots) ** exponent)


@pytest.mark.parametrize("exponent", [0.5, 0.7, 1.0])
def test_a_known_exponent_is_found(exponent):
    rng = np.random.default_rng(1)
    scale = law_ticks(100) / law_ticks(100, exponent)
    cells = [draw_runs(rng, lots, scale * law_ticks(lots, exponent), noise_ticks=0.3) for lots in SIZES]
    fit = fit_impact(cells, DAY)
    assert fit.exponent.low < exponent < fit.exponent.high
    assert fit.exponent.high - fit.exponent.low < 0.1
    assert fit.coefficient.low < 0.8 * scale < fit.coefficient.high
    assert fit.at(100 / DAY.volume_lots) * DAY.sigma_ticks == pytest.approx(law_ticks(100), rel=0.05)


def test_intervals_cover_the_truth_as_often_as_they_say():
    rng = np.random.default_rng(2)
    shares = [lots / DAY.volume_lots for lots in SIZES]
    seeds = 200
    hits = np.zeros(2)
    for seed in range(seeds):
        impacts = [0.8 * share**0.5 + rng.normal(0.0, 0.008, 60) for share in shares]
        fit = fit_power_law(shares, impacts, seed=seed)
        truths = (fit.exponent, 0.5), (fit.sqrt_coefficient, 0.8)
        hits += [estimate.low <= truth <= estimate.high for estimate, truth in truths]
    assert np.all(hits / seeds > 0.90)
    assert np.all(hits / seeds < 0.985)


def test_the_cost_is_fitted_without_half_spread():
    rng = np.random.default_rng(11)
    cells = [draw_runs(rng, lots, law_ticks(lots), noise_ticks=0.1) for lots in SIZES]
    fit = fit_cost(cells, DAY)
    assert fit.exponent.mean == pytest.approx(0.5, abs=0.02)
    assert fit.sqrt_coefficient.mean == pytest.approx(0.8 * 2.0 / 3.0, rel=0.02)
    assert fit_cost_to_peak(cells).mean == pytest.approx(2.0 / 3.0, abs=0.02)


def test_cells_lost_in_noise_are_left_out():
    rng = np.random.default_rng(3)
    shares = [1e-4, 1e-3, 1e-2]
    impacts = [rng.normal(0.0, 1.0, 50), *(np.full(50, share**0.5) + rng.normal(0, 1e-3, 50) for share in shares[1:])]
    assert fit_power_law(shares, impacts).used == (1, 2)
    with pytest.raises(ValueError, match="stands out from noise at 1 of 2 sizes, expected at least 2"):
        fit_power_law(shares[:2], impacts[:2])


def test_a_fit_without_noise_is_exact():
    shares = [1e-4, 1e-3, 1e-2]
    fit = fit_power_law(shares, [np.full(5, 2.0 * share**0.6) for share in shares])
    assert fit.exponent.mean == pytest.approx(0.6)
    assert (fit.exponent.low, fit.exponent.high) == pytest.approx((0.6, 0.6))
    assert fit.coefficient.mean == pytest.approx(2.0)


def test_the_path_of_the_square_root_is_found():
    # Values of sqrt(z) - sqrt(z - 1) as printed in the literature's tables.
    targets = {1.1: 0.733, 1.2: 0.648, 1.5: 0.518, 2.0: 0.414, 3.0: 0.318, 4.0: 0.268, 0.25: 0.5}
    assert {z: round(target_path(z), 3) for z in targets} == targets
    rng = np.random.default_rng(4)
    path = fit_path([draw_runs(rng, lots, law_ticks(lots), noise_ticks=0.2) for lots in SIZES])
    assert [ratio.z for ratio in path] == list(FRACTIONS)
    for ratio in path:
        assert ratio.ratio.mean == pytest.approx(ratio.target, abs=0.02)
    assert path[FRACTIONS.index(1.0)].ratio.mean == pytest.approx(1.0)


@pytest.mark.parametrize("slope", [0.0, 0.4])
def test_the_exponent_of_participation_is_found(slope):
    rng = np.random.default_rng(5)
    cells = []
    for duration_s in (600.0, 1200.0):
        for lots in SIZES:
            share = lots / (3.6 * duration_s)
            peak = law_ticks(lots) * (share / 0.05) ** slope
            cells.append(draw_runs(rng, lots, peak, noise_ticks=0.2, duration_s=duration_s, participation=share))
    found = fit_participation(cells)
    assert found is not None
    assert found.low < slope < found.high
    assert found.high - found.low < 0.2
    assert fit_participation(cells[: len(SIZES)]) is None


def test_ratio_of_means_pools_sizes():
    rng = np.random.default_rng(6)
    bottoms = [rng.normal(mean, 1.0, 100) for mean in (5.0, 10.0)]
    found = ratio_of_means([1.5 * rng.normal(mean, 1.0, 100) for mean in (5.0, 10.0)], bottoms)
    assert found.low < 1.5 < found.high
    assert found.high - found.low < 0.15


# Verdicts


def trip_runs(pnl_ticks: float) -> TripRuns:
    noise = np.random.default_rng(8).normal(0.0, 0.5, 60)
    return TripRuns(RoundTrip(Metaorder(100, 60.0), 60.0, Metaorder(100, 60.0)), pnl_ticks + noise - noise.mean())


def judge(**changes: Any) -> dict[str, bool]:
    """Verdicts on a market that obeys every law but for the changes."""
    rng = np.random.default_rng(9)
    exponent, pnl = changes.pop("exponent", 0.5), changes.pop("pnl_ticks", -1.0)
    longer_factor, one_lot = changes.pop("longer_factor", 1.0), changes.pop("one_lot_ticks", 0.1)
    scale = law_ticks(100) / law_ticks(100, exponent)
    peaks = {lots: scale * law_ticks(lots, exponent) for lots in SIZES}
    base = [draw_runs(rng, lots, peak, noise_ticks=0.2, **changes) for lots, peak in peaks.items()]
    longer = [
        draw_runs(rng, lots, peaks[lots] * longer_factor, noise_ticks=0.2, duration_s=1200.0) for lots in SIZES[-2:]
    ]
    single = draw_runs(rng, 1, one_lot, noise_ticks=0.05, duration_s=1.0)
    result = judge_market(DAY, base, longer=longer, trips=[trip_runs(pnl)], one_lot=single)
    return {check.name: check.passed for check in result.checks}


def test_a_market_that_obeys_passes():
    verdicts = judge()
    assert all(verdicts.values())
    assert len(verdicts) == 11


@pytest.mark.parametrize(
    ("changes", "broken"),
    [
        ({"exponent": 1.0}, "exponent"),
        ({"tilt": 0.2}, "(buy - sell) / impact"),
        ({"path": lambda z: min(z, 1.0)}, "I(2 T) / I(T)"),
        ({"path": lambda z: min(z, 1.0)}, "I(T/4) / I(T)"),
        ({"pnl_ticks": 0.05}, "round trip 100 lots, 60 + 60 + 60 s"),
        ({"longer_factor": 1.4}, "longer T at fixed Q"),
        ({"longer_factor": 1.4}, "participation exponent"),
        ({"one_lot_ticks": -0.1}, "impact of one lot"),
    ],
)
def test_a_broken_law_is_seen(changes, broken):
    assert judge(**changes)[broken] is False


def test_an_order_is_compared_with_the_law_of_both_volumes():
    rng = np.random.default_rng(10)
    base = [draw_runs(rng, lots, law_ticks(lots)) for lots in SIZES]
    result = judge_market(DAY, base, order_lots=100, effective_volume_lots=2_300_000.0)
    own, effective = result.order_costs
    assert (own.volume_name, effective.volume_name) == ("V", "V_eff")
    assert own.law_ticks == pytest.approx(0.7 * 400.0 * np.sqrt(100 / 300_000))
    assert effective.law_ticks == pytest.approx(0.7 * 400.0 * np.sqrt(100 / 2_300_000))
    assert judge_market(DAY, base, order_lots=99).order_costs == ()


# The programme and its output


TINY = Study(
    sizes_lots=(50, 200),
    duration_s=30.0,
    pairs=12,
    longer_sizes=1,
    trip_sizes=1,
    one_lot_pairs=20,
    activity_s=1200.0,
    effective_volume_ratio=7.0,
)


@jit
def test_a_study_says_what_it_found(mgc, tmp_path):
    heard: list[str] = []
    result, base = run_study(mgc, TINY, progress=heard.append)
    assert [cell.lots for cell in result.cells] == [50, 100, 200, 200]
    assert [cell.duration_s for cell in result.cells] == [30.0, 30.0, 30.0, 60.0]
    assert [(trip.entry_s, trip.exit_s) for trip in result.trips] == [(30, 30), (3, 30), (30, 3), (3, 3)]
    assert len(heard) == TINY.steps == 1 + 4 + 4 + 1
    assert result.doublings[0].lots == 200
    figures = json.loads(json.dumps(result.to_json()))
    assert figures["cells"][1]["peak_ticks"]["mean"] == result.cells[1].peak.mean
    assert figures["passed"] is result.passed
    save_figure(result, base, tmp_path / "impact.png", "mgc")
    assert (tmp_path / "impact.png").stat().st_size > 10_000
    with pytest.raises(ValueError, match="cannot be written"):
        save_figure(result, base, tmp_path / "impact.doc", "mgc")
    text = io.StringIO()
    show_impact(result, "mgc", text)
    shown = text.getvalue()
    assert "exponent of cost" in shown
    assert all(check.name in shown for check in result.checks)


@jit
def test_the_command_writes_its_figures(tmp_path, capsys):
    files = ["--json", str(tmp_path / "impact.json"), "--plot", str(tmp_path / "impact.svg")]
    sizes = ["--sizes", "50", "200", "--duration-s", "20", "--pairs", "8", "--order-lots", "50", "--activity-s", "900"]
    assert main(["market", "impact", "mgc_poisson", *sizes, *files]) == 0
    figures = json.loads((tmp_path / "impact.json").read_text())
    assert figures["impact"]["cells"][0]["lots"] == 50
    assert figures["config"]["study"]["pairs"] == 8
    assert [cost["volume"] for cost in figures["impact"]["order_costs"]] == ["V", "V_eff"]
    assert (tmp_path / "impact.svg").exists()
    assert "Laws" in capsys.readouterr().out


def test_the_command_refuses_in_one_sentence(capsys):
    assert main(["market", "impact", "mgc_poisson", "--pairs", "1"]) == 2
    assert capsys.readouterr().err == "twin market impact: pairs is 1, expected at least 2: one pair has no interval.\n"
