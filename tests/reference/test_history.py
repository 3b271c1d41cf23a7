"""Known answers: a history's executions, prints and order ends beside other participants."""

import pytest

from twin_env.core.state.codes import (
    BUY,
    CANCEL,
    ENDS_ORDER,
    EXECUTE,
    HALT,
    MAX_PRICE_TICKS,
    NEW,
    PRINT,
    REPLACE,
    SELL,
    STOP,
    UNRESOLVED,
)
from twin_env.reference import Divergence, Event


def test_history_alone_just_trades(desk):
    desk.sell(0, 5, 10)
    desk.sell(1, 5, 10)
    assert desk.send(EXECUTE, 1, BUY, 2, 10) == ["traded: order -1 buy 2 at 10, contra 1"]
    assert desk.events[0] == Event(0, 10, 2, order=-1, contra=1, kind=3, reason=0, side=BUY, owner=0)
    assert desk.exchange.depth(SELL, 1) == [(10, 8, 2)]
    assert desk.exchange.divergence == Divergence()


def test_others_with_priority_trade_first(desk):
    desk.sell(0, 1, 9, owner=1)
    desk.sell(1, 1, 10, owner=1)
    desk.sell(2, 5, 10)  # the background's own older order is passed over, as in history
    desk.sell(3, 5, 10)
    desk.sell(4, 5, 10, owner=1)
    assert desk.send(EXECUTE, 3, BUY, 3, 10) == [
        "traded: order -1 buy 1 at 9, contra 0",
        "traded: order -1 buy 1 at 10, contra 1",
        "traded: order -1 buy 1 at 10, contra 3",
    ]
    assert desk.exchange.divergence == Divergence(displaced_lots=2)
    assert desk.exchange.order(3).lots == 4


def test_what_others_took_is_swept_within_the_price(desk):
    desk.sell(0, 5, 10)
    desk.buy(9, 4, 10, owner=1)
    desk.sell(1, 1, 10)
    desk.sell(2, 2, 11)
    assert desk.send(EXECUTE, 0, BUY, 5, 10) == [
        "traded: order -1 buy 1 at 10, contra 0",
        "traded: order -1 buy 1 at 10, contra 1",
        "unresolved: order 0 buy 3 at 10",
    ]
    assert desk.exchange.divergence == Divergence(unresolved_lots=3)
    assert desk.events[-1] == Event(0, 10, 3, order=0, contra=-1, kind=UNRESOLVED, reason=0, side=BUY, owner=0)


def test_sweep_is_no_larger_than_what_others_took(desk):
    desk.sell(0, 5, 10)
    desk.buy(9, 5, 10, owner=1)  # the named order is gone, and how much others took of it is remembered
    desk.sell(1, 20, 10)
    assert desk.send(EXECUTE, 0, BUY, 7, 10) == [
        "traded: order -1 buy 5 at 10, contra 1",
        "unresolved: order 0 buy 2 at 10",
    ]


def test_order_that_never_was_is_not_swept_for(desk):
    desk.sell(1, 20, 10)
    desk.sell(2, 1, 10, owner=1)
    desk.sell(3, 1, 11, owner=1)
    assert desk.send(EXECUTE, 0, BUY, 7, 10) == [
        "traded: order -1 buy 1 at 10, contra 2",
        "unresolved: order 0 buy 6 at 10",
    ]
    assert desk.exchange.divergence == Divergence(displaced_lots=1, unresolved_lots=6)


def test_own_fills_of_history_are_not_what_others_took(desk):
    desk.sell(0, 5, 10)
    desk.sell(1, 20, 10)
    desk.send(EXECUTE, 0, BUY, 5, 10)
    assert desk.send(EXECUTE, 0, BUY, 2, 10) == ["unresolved: order 0 buy 2 at 10"]
    desk.sell(0, 5, 10)
    desk.send(EXECUTE, 0, BUY, 2, 10)
    assert desk.send(REPLACE, 0, lots=3, price=10) == ["replaced: order 0 sell 3 at 10"]


def test_print_goes_to_others_first(desk):
    desk.buy(0, 1, 10)
    desk.buy(1, 1, 9, owner=1)
    desk.buy(2, 1, 8, owner=1)
    assert desk.send(PRINT, 7, SELL, 3, 9) == [
        "traded: order -1 sell 1 at 9, contra 1",
        "printed: order -1 sell 2 at 9",
    ]
    assert desk.exchange.divergence == Divergence(displaced_lots=1)
    assert desk.send(PRINT, 7, SELL, 1, 8) == ["traded: order -1 sell 1 at 8, contra 2"]
    assert desk.exchange.last_trade == 8


def test_waiting_stop_is_not_an_order_to_execute(desk):
    desk.sell(0, 5, type=STOP, trigger=5)
    assert desk.send(EXECUTE, 0, BUY, 2, 10) == ["unresolved: order 0 buy 2 at 10"]


def test_the_sender_of_an_execution_is_not_read(desk):
    desk.sell(0, 5, 10)
    assert desk.send(EXECUTE, 0, BUY, 2, 10, owner=2, flags=ENDS_ORDER) == [
        "traded: order -1 buy 2 at 10, contra 0",
        "cancelled: order 0 sell 3 at 10 (history removed the order here)",
    ]
    assert {event.owner for event in desk.events} == {0}


def test_named_order_trades_at_its_own_price_in_its_own_priority(desk):
    desk.sell(0, 1, 10, owner=1)
    desk.sell(1, 1, 11, owner=1)
    desk.sell(2, 5, 12)
    desk.sell(3, 1, 12, owner=1)
    assert desk.send(EXECUTE, 2, BUY, 3, 10) == [
        "traded: order -1 buy 1 at 10, contra 0",
        "traded: order -1 buy 1 at 11, contra 1",
        "traded: order -1 buy 1 at 12, contra 2",
    ]


def test_order_of_another_owner_is_not_the_named_one(desk):
    desk.sell(0, 5, 10, owner=1)
    assert desk.send(EXECUTE, 0, BUY, 7, 10) == [
        "traded: order -1 buy 5 at 10, contra 0",
        "unresolved: order 0 buy 2 at 10",
    ]


@pytest.mark.parametrize("kind", [EXECUTE, PRINT])
@pytest.mark.parametrize(
    ("side", "lots", "price", "expected"),
    [
        (BUY, 0, 10, "lots not positive or too many"),
        (0, 1, 10, "side, type, time in force or flags do not go together"),
        (BUY, 1, MAX_PRICE_TICKS + 1, "price out of range"),
    ],
)
def test_impossible_rows_are_rejected(desk, kind, side, lots, price, expected):
    assert expected in desk.send(kind, 0, side, lots, price)[0]
    desk.send(HALT)
    assert "market halted" in desk.send(kind, 0, side, lots, price)[0]
    assert desk.exchange.divergence == Divergence()


def test_an_order_cannot_be_executed_by_its_own_side(desk):
    desk.sell(0, 5, 10)
    assert "side, type" in desk.send(EXECUTE, 0, SELL, 1, 10)[0]


def test_last_row_of_an_order_cancels_what_is_left(desk):
    desk.sell(0, 5, 10)
    assert desk.send(EXECUTE, 0, BUY, 2, 10, flags=ENDS_ORDER) == [
        "traded: order -1 buy 2 at 10, contra 0",
        "cancelled: order 0 sell 3 at 10 (history removed the order here)",
    ]
    assert desk.exchange.divergence == Divergence(expired_lots=3)
    assert desk.send(CANCEL, 0, flags=ENDS_ORDER)[0].endswith("(no such live order)")
    assert desk.send(NEW, 0, SELL, 5, type=STOP, trigger=4, flags=ENDS_ORDER) == [
        "accepted: order 0 sell 5 at 4",
        "cancelled: order 0 sell 5 at 4 (history removed the order here)",
    ]


def test_last_row_spares_another_owners_order_under_the_id(desk):
    desk.sell(0, 5, 10, owner=1)
    assert len(desk.send(CANCEL, 0, flags=ENDS_ORDER)) == 1
    assert desk.exchange.depth(SELL, 1) == [(10, 5, 1)]


def test_the_order_ends_before_stops_are_elected(desk):
    desk.sell(0, 5, 10)
    desk.sell(1, 5, 11)
    desk.buy(2, 1, type=STOP, trigger=10)
    assert desk.send(EXECUTE, 0, BUY, 2, 10, flags=ENDS_ORDER) == [
        "traded: order -1 buy 2 at 10, contra 0",
        "cancelled: order 0 sell 3 at 10 (history removed the order here)",
        "triggered: order 2 buy 1 at 10",
        "traded: order 2 buy 1 at 11, contra 1",
    ]
