"""The price ladder against a sorted dictionary."""

import bisect

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.core.worlds import examples
from twin_env.core.exchange import ladder
from twin_env.core.state.codes import BUY, MAX_PRICE_TICKS, SELL
from twin_env.core.state.layout import NO_KEY, NONE, ladder_dtype

LEVELS = 64  # more than are searched one by one, so that bisection is used too
SLOTS = 128


def empty_ladder():
    record = np.zeros(1, ladder_dtype(LEVELS, SLOTS))[0]
    ladder.clear(record)
    return record


def keys_of(record, side):
    row = ladder.row_of(side)
    return record["key"][row, : record["count"][row]].tolist()


def assert_like(record, model):
    """The ladder holds the keys of the model, on either side, and its pool is whole."""
    used = []
    for side in (BUY, SELL):
        row, expected = ladder.row_of(side), sorted(model[side])
        assert keys_of(record, side) == expected
        indices = record["level"][row, : len(expected)]
        used += indices.tolist()
        assert record["levels"]["key"][indices].tolist() == expected
        assert (record["levels"]["side"][indices] == side).all()
        assert ladder.touch(record, side) == (indices[-1] if expected else NONE)
        assert ladder.has_room(record, side) == (len(expected) < LEVELS)
    free, level = [], int(record["free"])
    while level != NONE:
        free.append(level)
        level = int(record["levels"][level]["head"])
    assert sorted(used + free) == list(range(2 * LEVELS))
    assert (record["levels"]["key"][free] == NO_KEY).all()


def toggle(record, model, side, key):
    """Insert the key if it is not there and there is room, remove it if it is there."""
    index = ladder.find(record, side, key)
    assert (index != NONE) == (key in model[side])
    assert ladder.place_of(record, ladder.row_of(side), key) == bisect.bisect_left(sorted(model[side]), key)
    if key in model[side]:
        ladder.remove(record, index)
        model[side].remove(key)
    elif len(model[side]) < LEVELS:
        ladder.insert(record, side, key)
        model[side].add(key)
        assert ladder.find(record, side, key) != NONE


# The cache files a price under its low bits: 0, 128 and -128 share a place, on both sides.
colliding = st.builds(lambda low, high: low + SLOTS * high, st.integers(-3, 3), st.integers(-3, 3))
any_price = colliding | st.integers(-MAX_PRICE_TICKS, MAX_PRICE_TICKS)


@settings(max_examples=examples(40), deadline=None)
@given(st.lists(st.tuples(st.sampled_from([BUY, SELL]), any_price), max_size=60))
def test_any_sequence_of_prices(changes):
    record, model = empty_ladder(), {BUY: set(), SELL: set()}
    for side, price in changes:
        toggle(record, model, side, side * price)
        assert_like(record, model)


@pytest.mark.parametrize("reach", [40, 100, 10**6])
def test_long_random_walks_reach_the_capacity(reach):
    rng = np.random.default_rng(reach)
    record, model, full = empty_ladder(), {BUY: set(), SELL: set()}, 0
    for _ in range(1_500):
        toggle(record, model, int(rng.choice([BUY, SELL])), int(rng.integers(-reach, reach)))
        full += not ladder.has_room(record, BUY)
    assert_like(record, model)
    assert full > 0 or reach == 40


def test_a_removed_level_leaves_nothing_behind_in_the_cache():
    record = empty_ladder()
    first = ladder.insert(record, BUY, 5)
    ladder.insert(record, BUY, 5 + SLOTS)  # takes the place of 5 in the cache
    ladder.remove(record, first)
    again = ladder.insert(record, SELL, -9)  # gets the freed level
    assert again == first
    assert ladder.find(record, BUY, 5) == NONE
    assert ladder.find(record, BUY, 5 + SLOTS) != NONE
    assert ladder.find(record, SELL, -9) == again
    assert ladder.find(record, BUY, -9) == NONE


def test_the_best_price_is_the_last_key_on_either_side():
    record = empty_ladder()
    for price in (7, 9, 8):
        for side in (BUY, SELL):
            ladder.insert(record, side, side * price)
    best = {side: int(record["levels"][ladder.touch(record, side)]["key"]) * side for side in (BUY, SELL)}
    assert best == {BUY: 9, SELL: 7}


def test_clearing_makes_a_used_ladder_like_new():
    used, model = empty_ladder(), {BUY: set(), SELL: set()}
    for price in range(100):
        toggle(used, model, BUY if price % 2 else SELL, price)
    ladder.clear(used)
    assert_like(used, {BUY: set(), SELL: set()})
    assert (used["near"] == NONE).all()
