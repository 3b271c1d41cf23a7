"""The market's memory of who traded: what it adds up to, how it fades, and whose trades it holds."""

import math

import numba
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from twin_env.core.flow.price_impact import (
    CROWD,
    DESK,
    FIRST_METAORDER,
    STRANGER,
    beat_memory,
    clear_memory,
    forget_pace,
    remember,
    shift_at,
)
from twin_env.core.state import codes
from twin_env.core.state.layout import MEMORY, NONE, PLACES, SYNTHETIC, world_dtype
from twin_env.market.flow import Memory

BEAT_S = 0.02


def make(**values):
    record = np.zeros(1, MEMORY)
    Memory(**{"reach_ticks": 2.0, **values}).fill_in(record[0], BEAT_S, metaorders=2)
    clear_memory(record[0], 0)
    return record[0]


def take(memory, lots_per_s, seconds, place=DESK):
    """Take at an even pace, a beat at a time, and return the shift at its end."""
    for _ in range(round(seconds / BEAT_S)):
        memory["pace"][place] = lots_per_s / memory["pace_keep"]  # as smoothing has it after a while
        beat_memory(memory, 1)
    return float(memory["shift_ticks"])


def test_reach_is_the_shift_of_what_it_says():
    memory = make(scale_lots=100, scale_s=60)
    assert take(memory, 100 / 60, 60) == pytest.approx(2.0, rel=1e-9)


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
    memory = make(exponent=1.0, decay_exponent=0.5, onset_s=2.0, pace_s=0.001)
    memory["heard"][DESK] = 10
    beat_memory(memory, 1)
    at_first = float(memory["shift_ticks"])
    passed = 0
    for after_s, error in ((1, 0.05), (4, 0.05), (20, 0.05), (100, 0.05), (1000, 0.1), (10_000, 0.3)):
        beats = round(after_s / BEAT_S) - passed
        beat_memory(memory, beats)
        passed += beats
        assert float(memory["shift_ticks"]) / at_first == pytest.approx((1 + after_s / 2.0) ** -0.5, rel=error), after_s


@given(st.integers(2, 3000), st.integers(-500, 500), st.floats(0.3, 1.0), st.floats(1.0, 60.0))
def test_beats_at_once_are_beats_one_by_one(beats, lots, exponent, pace_s):
    at_once, one_by_one = (make(exponent=exponent, pace_s=pace_s) for _ in range(2))
    for memory in (at_once, one_by_one):
        memory["heard"][[DESK, FIRST_METAORDER]] = lots, -lots // 3
    beat_memory(at_once, beats)
    for _ in range(beats):
        beat_memory(one_by_one, 1)
    assert at_once["beat_ns"] == one_by_one["beat_ns"]
    # A pace that has all but gone is not a push any more: both leave it out, not at the same beat.
    assert float(at_once["shift_ticks"]) == pytest.approx(float(one_by_one["shift_ticks"]), rel=1e-3, abs=1e-6)
    assert at_once["pace"] == pytest.approx(one_by_one["pace"], rel=1e-6)


def test_a_factor_shared_by_push_and_trace_is_no_division_by_zero():
    memory = make(exponent=1.0, pace_s=50.0)
    memory["keep"][3] = memory["pace_keep"]
    memory["heard"][DESK] = 10
    beat_memory(memory, 1000)
    assert math.isfinite(memory["shift_ticks"])


def test_each_participant_is_concave_alone_and_all_add_up():
    alone = make()
    alone["heard"][DESK] = 9
    beat_memory(alone, 1)
    both = make()
    both["heard"][[DESK, STRANGER]] = 9, 9
    beat_memory(both, 1)
    assert both["shift_ticks"] == pytest.approx(2.0 * alone["shift_ticks"])
    one = make()
    one["heard"][DESK] = 18
    beat_memory(one, 1)
    assert one["shift_ticks"] == pytest.approx(math.sqrt(2.0) * alone["shift_ticks"])


@numba.njit
def remember_in(worlds, side, owner, lots):
    remember(worlds[0], side, owner, lots)


@numba.njit
def shift_in(worlds, now_ns):
    return shift_at(worlds[0], now_ns)


def test_whose_trades_are_felt():
    worlds = np.zeros(1, world_dtype(SYNTHETIC))
    world = worlds[0]
    clear_memory(world["memory"], 0)
    remember_in(worlds, codes.BUY, codes.BACKGROUND, 5)
    assert not world["memory"]["heard"].any()
    remember_in(worlds, codes.SELL, codes.DESK, 5)
    assert world["memory"]["heard"][DESK] == -5
    for place in (STRANGER, FIRST_METAORDER, PLACES - 1):
        world["memory"]["speaker"] = place
        remember_in(worlds, codes.BUY, codes.BACKGROUND, 3)
        assert world["memory"]["heard"][place] == 3
    assert CROWD == NONE


def test_a_newcomer_does_not_push_for_who_left():
    memory = make()
    memory["heard"][FIRST_METAORDER] = 40
    beat_memory(memory, 1)
    forget_pace(memory, FIRST_METAORDER)
    before = float(memory["shift_ticks"])
    beat_memory(memory, 1)
    assert 0.0 < float(memory["shift_ticks"]) < before
    assert not memory["pace"].any()


def test_a_history_asks_for_whole_ticks_towards_zero():
    worlds = np.zeros(1, world_dtype(SYNTHETIC))
    world = worlds[0]
    Memory(reach_ticks=2.0).fill_in(world["memory"], BEAT_S)
    clear_memory(world["memory"], 0)
    for sign in (1, -1):
        world["memory"]["trace"][:] = 0.0
        world["memory"]["trace"][-1] = sign * 2.9
        assert shift_in(worlds, int(world["memory"]["beat_ns"])) == sign * 2
