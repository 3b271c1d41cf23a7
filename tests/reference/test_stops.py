"""Known answers: stops and stop-limits."""

from twin_env.core.state.codes import (
    BUY,
    CANCEL,
    CANCEL_INCOMING,
    FOK,
    IOC,
    PRINT,
    REDUCE,
    REPLACE,
    SELL,
    STOP,
    STOP_LIMIT,
)


def stop(desk, order, side, trigger, lots=1, **fields):
    return desk.send(1, order, side, lots, type=fields.pop("type", STOP), trigger=trigger, **fields)


def last_trade_at(desk, price):
    desk.send(PRINT, side=BUY, lots=1, price=price)


def test_stop_waits_and_is_elected_at_its_trigger(desk):
    assert stop(desk, 0, BUY, 12, lots=2, owner=1) == ["accepted: order 0 buy 2 at 12"]
    desk.sell(1, 1, 11)
    desk.sell(2, 5, 12)
    desk.buy(3, 1, 11)
    assert desk.buy(3, 1, 12) == [
        "accepted: order 3 buy 1 at 12",
        "traded: order 3 buy 1 at 12, contra 2",
        "triggered: order 0 buy 2 at 12",
        "traded: order 0 buy 2 at 12, contra 2",
    ]


def test_a_print_elects_stops(desk):
    stop(desk, 0, SELL, 10)
    assert desk.send(PRINT, side=SELL, lots=4, price=10) == [
        "printed: order -1 sell 4 at 10",
        "triggered: order 0 sell 1 at 10",
    ]
    assert desk.exchange.depth(SELL, 1) == [(7, 1, 1)]  # nobody is there: it rests at its protection price


def test_stops_come_after_the_remainder_of_the_message_that_traded(desk):
    desk.sell(0, 1, 10)
    stop(desk, 1, SELL, 10, lots=5)
    assert desk.buy(2, 3, 10) == [
        "accepted: order 2 buy 3 at 10",
        "traded: order 2 buy 1 at 10, contra 0",
        "triggered: order 1 sell 5 at 10",
        "traded: order 1 sell 2 at 10, contra 2",
    ]
    assert desk.exchange.depth(SELL, 1) == [(7, 3, 1)]  # at its protection price


def test_cascade_is_oldest_first_in_one_round(desk):
    for id, price in enumerate([10, 11, 12]):
        desk.sell(id, 1, price)
    stop(desk, 5, BUY, 12)
    stop(desk, 6, BUY, 11)
    stop(desk, 7, BUY, 10)
    assert desk.buy(3, 1, 10) == [
        "accepted: order 3 buy 1 at 10",
        "traded: order 3 buy 1 at 10, contra 0",
        "triggered: order 7 buy 1 at 10",
        "traded: order 7 buy 1 at 11, contra 1",
        "triggered: order 6 buy 1 at 11",
        "traded: order 6 buy 1 at 12, contra 2",
        "triggered: order 5 buy 1 at 12",
    ]
    assert desk.exchange.depth(BUY, 1) == [(15, 1, 1)]


def test_all_stops_reached_by_a_sweep_are_elected_oldest_first(desk):
    for id, price in enumerate([10, 11, 12, 13]):
        desk.sell(id, 1, price)
    stop(desk, 6, BUY, 11)
    stop(desk, 7, BUY, 10)
    desk.buy(5, 2, 11)
    assert [event.order for event in desk.events if event.kind == 7] == [6, 7]


def test_any_trade_of_a_message_reaches_a_stop_not_only_the_last(desk):
    for id, price in enumerate([10, 11, 12]):
        desk.sell(id, 1, price)
    stop(desk, 6, SELL, 10)
    desk.buy(5, 3, 12)
    assert [event.order for event in desk.events if event.kind == 7] == [6]


def test_stop_limit_rests_at_its_limit(desk):
    stop(desk, 0, BUY, 10, lots=3, price=11, type=STOP_LIMIT)
    desk.sell(1, 1, 10)
    desk.sell(2, 1, 12)
    desk.buy(3, 1, 10)
    assert [str(event) for event in desk.events[2:]] == ["triggered: order 0 buy 3 at 10"]
    assert desk.exchange.depth(BUY, 9) == [(11, 3, 1)]


def test_failed_election_is_a_cancel_with_its_reason(desk):
    stop(desk, 0, BUY, 10, lots=2, price=12, type=STOP_LIMIT, tif=FOK)
    stop(desk, 1, BUY, 10, lots=2, price=12, type=STOP_LIMIT, tif=IOC)
    for id in range(2, 6):
        desk.buy(id, 1, id)
    stop(desk, 6, BUY, 10, lots=2, price=12, type=STOP_LIMIT)
    desk.sell(7, 1, 12)
    assert desk.send(PRINT, side=BUY, lots=1, price=10)[1:] == [
        "triggered: order 0 buy 2 at 10",
        "cancelled: order 0 buy 2 at 12 (fill-or-kill cannot be filled in full)",
        "triggered: order 1 buy 2 at 10",
        "traded: order 1 buy 1 at 12, contra 7",
        "cancelled: order 1 buy 1 at 12 (immediate-or-cancel remainder)",
        "triggered: order 6 buy 2 at 10",
        "cancelled: order 6 buy 2 at 12 (price level capacity of the world reached)",
    ]


def test_elected_stop_meets_its_owner(make_desk):
    desk = make_desk(self_match=CANCEL_INCOMING)
    desk.sell(0, 2, 10, owner=1)
    stop(desk, 1, BUY, 10, owner=1)
    assert desk.send(PRINT, side=BUY, lots=3, price=10) == [
        "traded: order -1 buy 2 at 10, contra 0",
        "printed: order -1 buy 1 at 10",
        "triggered: order 1 buy 1 at 10",
    ]
    desk.send(CANCEL, 1, owner=1)
    desk.sell(0, 2, 11, owner=1)
    stop(desk, 1, BUY, 11, owner=1)
    assert desk.send(PRINT, side=SELL, lots=3, price=11)[1:] == [
        "triggered: order 1 buy 1 at 11",
        "cancelled: order 1 buy 1 at 14 (self-match prevention)",
    ]


def test_trigger_must_be_beyond_the_last_trade(desk):
    last_trade_at(desk, 10)
    for side, trigger in ((BUY, 10), (BUY, 9), (SELL, 10), (SELL, 11)):
        assert "stop trigger on the wrong side" in stop(desk, 0, side, trigger)[0]
    assert stop(desk, 0, BUY, 11)[0].startswith("accepted")
    assert stop(desk, 1, SELL, 9)[0].startswith("accepted")


def test_wrong_trigger_is_found_before_missing_room(desk):
    for id in range(3):
        stop(desk, id, BUY, 20)
    assert "stop capacity" in stop(desk, 4, BUY, 20)[0]
    last_trade_at(desk, 10)
    assert "wrong side" in stop(desk, 4, BUY, 10)[0]


def test_waiting_stop_is_reduced_and_cancelled(desk):
    stop(desk, 0, BUY, 20, lots=5, price=21, type=STOP_LIMIT)
    assert desk.send(REDUCE, 0, lots=2) == ["reduced: order 0 buy 2 at 20"]
    assert desk.send(CANCEL, 0) == ["cancelled: order 0 buy 3 at 20 (cancelled by its owner)"]
    assert desk.exchange.order(0) is None


def test_replaced_stop_is_the_youngest(desk):
    stop(desk, 0, BUY, 20, lots=5)
    stop(desk, 1, BUY, 20)
    assert desk.send(REPLACE, 0, lots=7, price=2**50, trigger=19) == ["replaced: order 0 buy 7 at 19"]
    last_trade_at(desk, 10)
    assert "wrong side" in desk.send(REPLACE, 0, lots=7, trigger=10)[0]
    assert "price out of range" in desk.send(REPLACE, 0, lots=7, trigger=2**50)[0]
    last_trade_at(desk, 20)
    assert [event.order for event in desk.events if event.kind == 7] == [1, 0]


def test_replaced_stop_limit_has_a_new_limit(desk):
    stop(desk, 0, BUY, 20, price=21, type=STOP_LIMIT)
    assert "price out of range" in desk.send(REPLACE, 0, lots=1, trigger=19, price=2**50)[0]
    assert desk.send(REPLACE, 0, lots=1, trigger=19, price=25) == ["replaced: order 0 buy 1 at 19"]
    last_trade_at(desk, 19)
    assert desk.exchange.depth(BUY, 9) == [(25, 1, 1)]


def test_elected_stop_queues_behind_orders_that_rested_before_its_election(desk):
    stop(desk, 0, BUY, 10, price=8, type=STOP_LIMIT)
    desk.buy(1, 4, 8)
    last_trade_at(desk, 10)
    assert desk.exchange.queue_ahead(0) == 4
