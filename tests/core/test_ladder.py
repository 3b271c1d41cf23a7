"""The price ladder against a sorted dictionary."""

import bisect

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.core.worlds import examples
from twin_env.core.exchange import ladder as ladders
from twin_env.core.state.codes import BUY, MAX_PRICE_TICKS, SELL
from twin_env.core.state.layout import NO_KEY, NONE, ladder_dtype

LEVELS = 64  # more than are searched one by one, so that bisection is used too
SLOTS = 128


def empty_ladder():
    ladder = np.zeros(1, ladder_dtype(LEVELS, SLOTS))[0]
    ladders.clear(ladder)
    return ladder


def keys_of(ladder, side):
    row = ladders.row_of(side)
    return ladder["key"][row, : ladder["count"][row]].tolist()


def assert_like(ladder, model):
    """The ladder holds the keys of the model, on either side, and its pool is whole."""
    used = []
    for side in (BUY, SELL):
        row, expected = ladders.row_of(side), sorted(model[side])
        assert keys_of(ladder, side) == expected
        indices = ladder["level"][row, : len(expected)]
        used += indices.tolist()
        assert ladder["levels"]["key"][indices].tolist() == expected
        assert (ladder["levels"]["side"][indices] == side).all()
        assert ladders.touch(ladder, side) == (indices[-1] if expected else NONE)
        assert ladders.has_room(ladder, side) == (len(expected) < LEVELS)
    free, level = [], int(ladder["free"])
    while level != NONE:
        free.append(level)
        level = int(ladder["levels"][level]["head"])
    assert sorted(used + free) == list(range(2 * LEVELS))
    assert (ladder["levels"]["key"][free] == NO_KEY).all()


def toggle(ladder, model, side, key):
    """Insert the key if it is not there and there is room, remove it if it is there."""
    index = ladders.find(ladder, side, key)
    assert (index != NONE) == (key in model[side])
    assert ladders.place_of(ladder, ladders.row_of(side), key) == bisect.bisect_left(sorted(model[side]), key)
    if key in model[side]:
        ladders.remove(ladder, index)
        model[side].remove(key)
    elif len(model[side]) < LEVELS:
        ladders.insert(ladder, side, key)
        model[side].add(key)
        assert ladders.find(ladder, side, key) != NONE


# The cache files a price under its low bits: 0, 128 and -128 share a place, on both sides.
colliding = st.builds(lambda low, high: low + SLOTS * high, st.integers(-3, 3), st.integers(-3, 3))
any_price = colliding | st.integers(-MAX_PRICE_TICKS, MAX_PRICE_TICKS)


@settings(max_examples=examples(40), deadline=None)
@given(st.lists(st.tuples(st.sampled_from([BUY, SELL]), any_price), max_size=60))
def test_any_sequence_of_prices(changes):
    ladder, model = empty_ladder(), {BUY: set(), SELL: set()}
    for side, price in changes:
        toggle(ladder, model, side, side * price)
        assert_like(ladder, model)


@pytest.mark.parametrize("reach", [40, 100, 10**6])
def test_long_random_walks_reach_the_capacity(reach):
    rng = np.random.default_rng(reach)
    ladder, model, full = empty_ladder(), {BUY: set(), SELL: set()}, 0
    for _ in range(1_500):
        toggle(ladder, model, int(rng.choice([BUY, SELL])), int(rng.integers(-reach, reach)))
        full += not ladders.has_room(ladder, BUY)
    assert_like(ladder, model)
    assert full > 0 or reach == 40


def test_a_removed_level_leaves_nothing_behind_in_the_cache():
    ladder = empty_ladder()
    first = ladders.insert(ladder, BUY, 5)
    ladders.insert(ladder, BUY, 5 + SLOTS)  # takes the place of 5 in the cache
    ladders.remove(ladder, first)
    again = ladders.insert(ladder, SELL, -9)  # gets the freed level
    assert again == first
    assert ladders.find(ladder, BUY, 5) == NONE
    assert ladders.find(ladder, BUY, 5 + SLOTS) != NONE
    assert ladders.find(ladder, SELL, -9) == again
    assert ladders.find(ladder, BUY, -9) == NONE


def test_the_best_price_is_the_last_key_on_either_side():
    ladder = empty_ladder()
    for price in (7, 9, 8):
        for side in (BUY, SELL):
            ladders.insert(ladder, side, side * price)
    best = {side: int(ladder["levels"][ladders.touch(ladder, side)]["key"]) * side for side in (BUY, SELL)}
    assert best == {BUY: 9, SELL: 7}


def test_clearing_makes_a_used_ladder_like_new():
    used, model = empty_ladder(), {BUY: set(), SELL: set()}
    for price in range(100):
        toggle(used, model, BUY if price % 2 else SELL, price)
    ladders.clear(used)
    assert_like(used, {BUY: set(), SELL: set()})
    assert (used["near"] == NONE).all()
