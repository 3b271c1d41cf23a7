"""The reference and the naive oracle, written apart from the same page, must agree event for event."""

from dataclasses import asdict

import pytest
from hypothesis import given, settings

from tests.oracle import NaiveExchange
from tests.streams import random_messages, settings_of_exchange, short_sequences
from twin_env.core.state import codes
from twin_env.reference import GuardTerms, ReferenceExchange, read_messages
from twin_env.reference.messages import Message

COUNTERS = ("displaced_lots", "unresolved_lots", "missing_orders", "expired_lots")


def assert_same_state(reference, oracle):
    assert reference.last_trade == oracle.last_trade
    assert (reference.halted, reference.collecting) == (oracle.halted, oracle.collecting)
    assert asdict(reference.divergence) == {name: getattr(oracle, name) for name in COUNTERS}
    for side in (codes.BUY, codes.SELL):
        assert reference.depth(side, 1_000) == oracle.depth(side)


def assert_same(messages, config, check_every):
    reference, oracle = ReferenceExchange(**config), NaiveExchange(**config)
    for index, message in enumerate(messages):
        assert reference.handle(message) == oracle.handle(message), f"message {index}: {message}"
        if index % check_every == 0:
            reference._check()
            assert_same_state(reference, oracle)
    reference._check()
    assert_same_state(reference, oracle)


GOES_BACK = [(0, codes.SELL, 101, 0), (1, codes.BUY, 101, 1), (0, codes.SELL, 102, 2), (0, codes.BUY, 102, 3)]


def test_a_guard_counts_a_trade_that_claims_to_be_older_from_the_latest_before_it():
    """Time and price of two trades, the second older by its own time, and a third when the window has passed one."""
    messages = [
        Message(ts_ns=ts_ns, kind=codes.NEW, side=side, price=price, lots=1, order=order, type=codes.LIMIT)
        for ts_ns, side, price, order in GOES_BACK
    ]
    messages.append(Message(ts_ns=8, kind=codes.PRINT, side=codes.BUY, price=100, lots=1, order=-1))
    config = {"protection_ticks": 0, "self_match": 0, "max_orders": 7, "max_levels": 4, "max_stops": 0}
    assert_same(messages, config | {"guards": (GuardTerms(1, 1, 1),)}, check_every=1)


@settings(max_examples=400, deadline=None)
@given(config=settings_of_exchange(), messages=short_sequences())
def test_adversarial_sequences(config, messages):
    assert_same(messages, config, check_every=1)


@pytest.mark.slow
@settings(max_examples=20_000, deadline=None)
@given(config=settings_of_exchange(orders=7), messages=short_sequences(orders=7))
def test_many_adversarial_sequences(config, messages):
    assert_same(messages, config, check_every=1)


@pytest.mark.parametrize("seed", range(48))
def test_tiny_worlds(seed):
    messages = read_messages(random_messages(seed, 500, orders=8, spread_ticks=1.5, swing_ticks=1.0, far=0.0))
    config = {"max_orders": 8, "max_levels": 1 + seed % 5, "max_stops": seed % 4}
    assert_same(messages, {"protection_ticks": seed % 3, "self_match": seed // 4 % 4, **config}, check_every=5)


GUARDS = (GuardTerms(6, 20_000_000, 10_000_000), GuardTerms(25, 500_000_000, 40_000_000))
"""Of random streams, whose messages are half a millisecond apart."""


@pytest.mark.parametrize("seed", range(24))
def test_tiny_worlds_with_protections(seed):
    rows = random_messages(seed, 800, orders=8, spread_ticks=2.0, swing_ticks=8.0, far=0.01)
    config = {"max_orders": 8, "max_levels": 1 + seed % 5, "max_stops": 2, "band_ticks": seed % 4 * 3}
    guards = {"guards": GUARDS[: seed % 3]}
    assert_same(read_messages(rows), {"protection_ticks": 4, "self_match": seed // 4 % 4, **config, **guards}, 5)


POLICIES = pytest.mark.parametrize("self_match", codes.SELF_MATCH_NAMES, ids=codes.SELF_MATCH_NAMES.get)


PROTECTIONS = ({}, {"band_ticks": 60}, {"guards": GUARDS[:1]}, {"band_ticks": 90, "guards": GUARDS})


def assert_same_on_stream(self_match, count):
    messages = read_messages(random_messages(20 + self_match, count, orders=512))
    config = {"protection_ticks": 8, "max_orders": 512, "max_levels": 48, "max_stops": 16, **PROTECTIONS[self_match]}
    assert_same(messages, {**config, "self_match": self_match}, check_every=100)


@POLICIES
def test_random_stream(self_match):
    assert_same_on_stream(self_match, 5_000)


@pytest.mark.slow
@POLICIES
def test_long_random_stream(self_match):
    assert_same_on_stream(self_match, 100_000)
