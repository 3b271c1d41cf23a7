"""The price impact of who traded: what it adds up to, how it fades, and whose trades it holds."""

import math

import numba
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from twin_env.core.flow.price_impact import (
    ANONYMOUS,
    DESK,
    EXTERNAL,
    FIRST_METAORDER,
    add_to_impact,
    reset_impact,
    reset_participant,
    shift_at,
    step_impact,
)
from twin_env.core.state import codes
from twin_env.core.state.layout import NONE, PARTICIPANTS, PRICE_IMPACT, SYNTHETIC, world_dtype
from twin_env.market.flow import PriceImpact

STEP_S = 0.02


def make(**values):
    record = np.zeros(1, PRICE_IMPACT)
    PriceImpact(**{"reach_ticks": 2.0, **values}).fill_in(record[0], STEP_S, metaorders=2)
    reset_impact(record[0], 0)
    return record[0]


def take(impact, lots_per_s, seconds, participant=DESK):
    """Take at an even pace, a step at a time, and return the shift at its end."""
    for _ in range(round(seconds / STEP_S)):
        impact["pace"][participant] = lots_per_s / impact["pace_decay"]  # as smoothing has it after a while
        step_impact(impact, 1)
    return float(impact["shift_ticks"])


def test_reach_is_the_shift_of_what_it_says():
    impact = make(scale_lots=100, scale_s=60)
    assert take(impact, 100 / 60, 60) == pytest.approx(2.0, rel=1e-9)


@pytest.mark.parametrize("exponent", [0.5, 0.6, 1.0])
def test_the_shift_is_a_power_of_the_pace_and_odd(exponent):
    one = take(make(exponent=exponent), 1.0, 20)
    assert take(make(exponent=exponent), 4.0, 20) == pytest.approx(4.0**exponent * one, rel=1e-9)
    assert take(make(exponent=exponent), -1.0, 20) == pytest.approx(-one, rel=1e-12)


def test_with_halves_size_counts_and_speed_does_not():
    law = {"exponent": 0.5, "decay_exponent": 0.5, "onset_s": 0.5}
    fast = take(make(**law), 2.0, 60)
    assert take(make(**law), 1.0, 120) == pytest.approx(fast, rel=0.05)
    assert take(make(**law), 4.0, 120) == pytest.approx(2.0 * fast, rel=0.05)


def test_a_short_push_fades_like_the_power_law():
    """A burst leaves (1 + t / onset)^-b, within the error of ten exponentials that end at a day."""
    impact = make(exponent=1.0, decay_exponent=0.5, onset_s=2.0, pace_s=0.001)
    impact["signed_lots"][DESK] = 10
    step_impact(impact, 1)
    at_first = float(impact["shift_ticks"])
    passed = 0
    for after_s, error in ((1, 0.05), (4, 0.05), (20, 0.05), (100, 0.05), (1000, 0.1), (10_000, 0.3)):
        steps = round(after_s / STEP_S) - passed
        step_impact(impact, steps)
        passed += steps
        assert float(impact["shift_ticks"]) / at_first == pytest.approx((1 + after_s / 2.0) ** -0.5, rel=error), after_s


@given(st.integers(2, 3000), st.integers(-500, 500), st.floats(0.3, 1.0), st.floats(1.0, 60.0))
def test_steps_at_once_are_steps_one_by_one(steps, lots, exponent, pace_s):
    at_once, one_by_one = (make(exponent=exponent, pace_s=pace_s) for _ in range(2))
    for impact in (at_once, one_by_one):
        impact["signed_lots"][[DESK, FIRST_METAORDER]] = lots, -lots // 3
    step_impact(at_once, steps)
    for _ in range(steps):
        step_impact(one_by_one, 1)
    assert at_once["next_step_ns"] == one_by_one["next_step_ns"]
    # A pace that has all but gone is not a push any more: both leave it out, not at the same step. What they leave out,
    # as a share of the push of one lot, is a few times what the slowest pace that counts pushes.
    left_out = (1e-9 * pace_s) ** exponent
    expected = pytest.approx(float(one_by_one["shift_ticks"]), rel=1e-6 + 4 * left_out, abs=1e-6)
    assert float(at_once["shift_ticks"]) == expected
    assert at_once["pace"] == pytest.approx(one_by_one["pace"], rel=1e-6)


def test_a_factor_shared_by_push_and_trace_is_no_division_by_zero():
    impact = make(exponent=1.0, pace_s=50.0)
    impact["decay"][3] = impact["pace_decay"]
    impact["signed_lots"][DESK] = 10
    step_impact(impact, 1000)
    assert math.isfinite(impact["shift_ticks"])


def test_each_participant_is_concave_alone_and_all_add_up():
    alone = make()
    alone["signed_lots"][DESK] = 9
    step_impact(alone, 1)
    both = make()
    both["signed_lots"][[DESK, EXTERNAL]] = 9, 9
    step_impact(both, 1)
    assert both["shift_ticks"] == pytest.approx(2.0 * alone["shift_ticks"])
    one = make()
    one["signed_lots"][DESK] = 18
    step_impact(one, 1)
    assert one["shift_ticks"] == pytest.approx(math.sqrt(2.0) * alone["shift_ticks"])


@numba.njit
def add_to_impact_in(worlds, side, owner, lots):
    add_to_impact(worlds[0], side, owner, lots)


@numba.njit
def shift_in(worlds, now_ns):
    return shift_at(worlds[0], now_ns)


def test_whose_trades_have_impact():
    worlds = np.zeros(1, world_dtype(SYNTHETIC))
    world = worlds[0]
    reset_impact(world["price_impact"], 0)
    add_to_impact_in(worlds, codes.BUY, codes.BACKGROUND, 5)
    assert not world["price_impact"]["signed_lots"].any()
    add_to_impact_in(worlds, codes.SELL, codes.DESK, 5)
    assert world["price_impact"]["signed_lots"][DESK] == -5
    for participant in (EXTERNAL, FIRST_METAORDER, PARTICIPANTS - 1):
        world["price_impact"]["sender"] = participant
        add_to_impact_in(worlds, codes.BUY, codes.BACKGROUND, 3)
        assert world["price_impact"]["signed_lots"][participant] == 3
    assert ANONYMOUS == NONE


def test_a_newcomer_does_not_push_for_who_left():
    impact = make()
    impact["signed_lots"][FIRST_METAORDER] = 40
    step_impact(impact, 1)
    reset_participant(impact, FIRST_METAORDER)
    before = float(impact["shift_ticks"])
    step_impact(impact, 1)
    assert 0.0 < float(impact["shift_ticks"]) < before
    assert not impact["pace"].any()


def test_a_history_asks_for_whole_ticks_towards_zero():
    worlds = np.zeros(1, world_dtype(SYNTHETIC))
    world = worlds[0]
    PriceImpact(reach_ticks=2.0).fill_in(world["price_impact"], STEP_S)
    reset_impact(world["price_impact"], 0)
    for sign in (1, -1):
        world["price_impact"]["traces"][:] = 0.0
        world["price_impact"]["traces"][-1] = sign * 2.9
        assert shift_in(worlds, int(world["price_impact"]["next_step_ns"])) == sign * 2
