"""The package as people meet it: doctests, formats, and an invariant check that can fail."""

import doctest
from dataclasses import replace

import numpy as np
import pytest

import twin_env.reference
from tests.streams import random_messages, to_array
from twin_env.core.state import codes
from twin_env.core.state.layout import EVENT, MESSAGE
from twin_env.reference import (
    Event,
    Message,
    ReferenceExchange,
    auction,
    book,
    checks,
    messages,
    protections,
    read_messages,
)
from twin_env.reference import exchange as exchange_module


@pytest.mark.parametrize("module", [twin_env.reference, auction, book, checks, exchange_module, messages, protections])
def test_doctests(module):
    result = doctest.testmod(module)
    assert result.failed == 0
    assert result.attempted > 0


def test_fields_are_those_of_the_arrays():
    assert Message._fields == MESSAGE.names
    assert Event._fields == EVENT.names


def test_messages_survive_the_way_through_an_array():
    rows = random_messages(1, 500, orders=64)
    assert to_array(list(read_messages(rows))).tobytes() == rows.tobytes()
    assert Message.from_record(rows[7]) == list(read_messages(rows))[7]


def test_streams_repeat_and_move_on():
    assert random_messages(1, 100, orders=9).tobytes() == random_messages(1, 100, orders=9).tobytes()
    assert random_messages(1, 100, orders=9).tobytes() != random_messages(2, 100, orders=9).tobytes()
    assert (np.diff(random_messages(1, 1_000, orders=9)["ts_ns"]) > 0).all()


def test_random_stream_reaches_everything():
    exchange = ReferenceExchange(
        protection_ticks=8,
        self_match=codes.CANCEL_RESTING,
        max_orders=512,
        max_levels=40,
        max_stops=16,
        band_ticks=60,
    )
    seen = set()
    for message in read_messages(random_messages(3, 40_000, orders=512)):
        seen.update((event.kind, event.reason) for event in exchange.handle(message))
    reasons = {reason for _, reason in seen}
    at_the_gateway = {codes.LINK_CAPACITY, codes.GATEWAY, codes.THROTTLED, codes.MARGIN}
    assert {kind for kind, _ in seen} == set(codes.EVENT_NAMES) - {codes.STATUS}
    assert reasons >= set(codes.REASON_NAMES) - at_the_gateway - {codes.NO_OPPOSITE}


def set_limit(exchange, **limit):
    exchange._limits = replace(exchange._limits, **limit)


@pytest.mark.parametrize(
    ("corrupt", "expected"),
    [
        (lambda exchange: setattr(exchange._orders[0], "lots", 9), "says 2 lots"),
        (lambda exchange: setattr(exchange._orders[0], "entry", 99), "not in order of entry"),
        (lambda exchange: setattr(exchange._orders[2], "trigger", 5), "was reached by the last trade"),
        (lambda exchange: exchange._orders.pop(0), "live orders are"),
        (lambda exchange: set_limit(exchange, stops=0), "more than 0 waiting stops"),
        (lambda exchange: set_limit(exchange, levels=0), "more than 0 levels"),
        (lambda exchange: set_limit(exchange, orders=1), "exceed 1"),
        (lambda exchange: setattr(exchange._orders[0], "tif", codes.IOC), "may not be where it is"),
    ],
)
def test_invariant_check_finds_corruption(corrupt, expected):
    exchange = ReferenceExchange(protection_ticks=1, max_orders=4, max_levels=4, max_stops=4)
    for message in [
        Message(kind=codes.PRINT, side=codes.BUY, lots=1, price=6),
        Message(order=0, side=codes.BUY, price=5, lots=1),
        Message(order=1, side=codes.BUY, price=5, lots=1),
        Message(order=2, side=codes.BUY, lots=1, type=codes.STOP, trigger=7),
    ]:
        exchange.handle(message)
    exchange._check()
    corrupt(exchange)
    with pytest.raises(AssertionError, match=expected) as failure:
        exchange._check()
    assert "last trade 6" in str(failure.value)
