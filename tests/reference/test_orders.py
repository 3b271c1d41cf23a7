"""Known answers: new orders, matching, self-match prevention, cancel, reduce, replace, sessions."""

import pytest

from twin_env.core.state.codes import (
    BUY,
    CANCEL,
    CANCEL_BOTH,
    CANCEL_INCOMING,
    CANCEL_RESTING,
    CLOSE,
    DAY,
    FOK,
    HALT,
    IOC,
    MARKET,
    MAX_LOTS,
    MAX_PRICE_TICKS,
    NEW,
    POST_ONLY,
    REDUCE,
    REPLACE,
    RESUME,
    SELL,
    STOP,
    STOP_LIMIT,
)
from twin_env.reference import Event, Message, ReferenceExchange


def reason(answers):
    assert len(answers) == 1
    return answers[0].split("(")[1].rstrip(")")


def test_best_price_first_then_oldest(desk):
    desk.sell(0, 2, 11)
    desk.sell(1, 2, 10)
    desk.sell(2, 2, 10)
    assert desk.buy(3, 5, 11) == [
        "accepted: order 3 buy 5 at 11",
        "traded: order 3 buy 2 at 10, contra 1",
        "traded: order 3 buy 2 at 10, contra 2",
        "traded: order 3 buy 1 at 11, contra 0",
    ]
    assert desk.exchange.depth(SELL, 9) == [(11, 1, 1)]
    assert desk.exchange.last_trade == 11


def test_every_field_of_a_trade(desk):
    desk.sell(0, 5, -10, owner=2)
    desk.buy(1, 3, -9, owner=1, ts_ns=77)
    assert desk.events[1] == Event(77, -10, 3, order=1, contra=0, kind=3, reason=0, side=BUY, owner=1)


def test_remainder_rests_or_is_cancelled_by_time_in_force(desk):
    desk.sell(0, 1, 10)
    assert desk.buy(1, 3, 10) == ["accepted: order 1 buy 3 at 10", "traded: order 1 buy 1 at 10, contra 0"]
    assert desk.exchange.depth(BUY, 9) == [(10, 2, 1)]
    assert desk.sell(2, 5, 10, tif=IOC) == [
        "accepted: order 2 sell 5 at 10",
        "traded: order 2 sell 2 at 10, contra 1",
        "cancelled: order 2 sell 3 at 10 (immediate-or-cancel remainder)",
    ]


@pytest.mark.parametrize("side", [BUY, SELL])
def test_market_order_stops_at_its_protection_price_and_rests_there(desk, side):
    for id, distance in enumerate([0, 3, 4]):
        desk.send(NEW, id, -side, 1, side * (10 + distance))
    answers = desk.send(NEW, 5, side, 5, 999, type=MARKET)
    name = "buy" if side == BUY else "sell"
    assert answers == [
        f"accepted: order 5 {name} 5 at {side * 13}",
        f"traded: order 5 {name} 1 at {side * 10}, contra 0",
        f"traded: order 5 {name} 1 at {side * 13}, contra 1",
    ]
    assert desk.exchange.best(side) == side * 13
    assert desk.exchange.best(-side) == side * 14


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"lots": 0, "side": 5}, "lots not positive or too many"),
        ({"lots": MAX_LOTS + 1}, "lots not positive or too many"),
        ({"side": 0, "price": MAX_PRICE_TICKS + 1}, "side, type, time in force or flags do not go together"),
        ({"type": 4}, "side, type, time in force or flags do not go together"),
        ({"tif": -1}, "side, type, time in force or flags do not go together"),
        ({"flags": POST_ONLY, "tif": IOC}, "side, type, time in force or flags do not go together"),
        ({"flags": POST_ONLY, "type": STOP_LIMIT}, "side, type, time in force or flags do not go together"),
        ({"price": -MAX_PRICE_TICKS - 1, "order": 0}, "price out of range"),
        ({"trigger": MAX_PRICE_TICKS + 1, "type": STOP, "order": 0}, "price out of range"),
        ({"price": MAX_PRICE_TICKS + 1, "type": STOP_LIMIT}, "price out of range"),
        ({"order": 0}, "order id already live"),
        ({"order": 20}, "order capacity of the world reached"),
        ({"order": -1}, "order capacity of the world reached"),
        ({"type": STOP, "trigger": 10}, "stop trigger on the wrong side of the last trade"),
        ({"type": MARKET, "side": SELL}, "market order against an empty side"),
        ({"flags": POST_ONLY, "price": 20}, "post-only order would trade"),
        ({"tif": FOK, "lots": 3, "price": 20}, "fill-or-kill cannot be filled in full"),
    ],
)
def test_rejects_name_the_first_check_that_fails(desk, fields, expected):
    desk.sell(0, 1, 10)
    desk.buy(1, 1, 10)
    desk.sell(0, 2, 20)
    message = Message(**{"kind": NEW, "order": 5, "side": BUY, "lots": 1, "price": 5, **fields})
    assert reason(desk.send(**message._asdict())) == expected
    rejected = desk.events[0]
    asked = (message.price, message.lots, message.order, message.side, message.owner)
    assert (rejected.price, rejected.lots, rejected.order, rejected.side, rejected.owner) == asked
    desk.send(HALT)
    assert reason(desk.send(**message._asdict())) == "market halted"


def test_prices_and_lots_at_their_limits_are_valid(desk):
    assert desk.buy(0, MAX_LOTS, -MAX_PRICE_TICKS)[0].startswith("accepted")
    assert desk.sell(1, MAX_LOTS, MAX_PRICE_TICKS)[0].startswith("accepted")
    assert desk.buy(2, 1, MAX_PRICE_TICKS + 1, type=STOP, trigger=1)[0].startswith("accepted")


def test_full_side_takes_known_prices_and_orders_that_do_not_rest(desk):
    for id in range(4):
        desk.buy(id, 1, id)
    desk.sell(8, 1, 9)
    expected = "price level capacity of the world reached"
    assert reason(desk.buy(4, 1, 9)) == expected  # though it would trade in full
    assert reason(desk.buy(4, 1, 0, type=MARKET)) == expected
    assert len(desk.buy(4, 1, 9, tif=IOC)) == 2
    assert desk.buy(5, 1, 3) == ["accepted: order 5 buy 1 at 3"]


def test_fill_or_kill_counts_what_it_can_reach(desk):
    desk.sell(0, 2, 10)
    desk.sell(1, 2, 11)
    assert reason(desk.buy(2, 3, 10, tif=FOK)) == "fill-or-kill cannot be filled in full"
    assert len(desk.buy(2, 4, 11, tif=FOK)) == 3


@pytest.mark.parametrize(
    ("policy", "fillable_lots"), [(0, 6), (CANCEL_RESTING, 4), (CANCEL_INCOMING, 2), (CANCEL_BOTH, 2)]
)
def test_fill_or_kill_and_own_orders(make_desk, policy, fillable_lots):
    for lots, is_filled in ((fillable_lots, True), (fillable_lots + 1, False)):
        desk = make_desk(self_match=policy)
        desk.sell(0, 2, 10, owner=2)
        desk.sell(1, 2, 10, owner=1)
        desk.sell(2, 2, 11, owner=2)
        answers = desk.buy(3, lots, 11, tif=FOK, owner=1)
        assert answers[0].startswith("accepted" if is_filled else "rejected")
        assert sum(event.lots for event in desk.events if event.kind == 3) == (lots if is_filled else 0)


@pytest.mark.parametrize(
    ("policy", "expected"),
    [
        (0, ["traded: order 2 buy 1 at 10, contra 0", "traded: order 2 buy 2 at 11, contra 1"]),
        (
            CANCEL_RESTING,
            ["cancelled: order 0 sell 1 at 10 (self-match prevention)", "traded: order 2 buy 3 at 11, contra 1"],
        ),
        (CANCEL_INCOMING, ["cancelled: order 2 buy 3 at 12 (self-match prevention)"]),
        (
            CANCEL_BOTH,
            [
                "cancelled: order 0 sell 1 at 10 (self-match prevention)",
                "cancelled: order 2 buy 3 at 12 (self-match prevention)",
            ],
        ),
    ],
)
def test_self_match_prevention(make_desk, policy, expected):
    desk = make_desk(self_match=policy)
    desk.sell(0, 1, 10, owner=1)
    desk.sell(1, 5, 11, owner=2)
    assert desk.buy(2, 3, 12, owner=1)[1:] == expected


@pytest.mark.parametrize("policy", [CANCEL_RESTING, CANCEL_INCOMING, CANCEL_BOTH])
def test_the_background_trades_with_itself(make_desk, policy):
    desk = make_desk(self_match=policy)
    desk.sell(0, 1, 10)
    assert desk.buy(1, 1, 10)[1:] == ["traded: order 1 buy 1 at 10, contra 0"]


def test_cancel_and_reduce(desk):
    desk.buy(0, 5, 10, owner=1)
    desk.buy(1, 5, 10)
    assert reason(desk.send(CANCEL, 0)) == "no such live order"
    assert reason(desk.send(REDUCE, 0, lots=0, owner=1)) == "lots not positive or too many"
    desk.send(HALT)
    assert desk.send(REDUCE, 0, lots=2, owner=1) == ["reduced: order 0 buy 2 at 10"]
    assert desk.exchange.queue_ahead(1) == 3
    assert desk.send(REDUCE, 0, lots=3, owner=1) == ["cancelled: order 0 buy 3 at 10 (cancelled by its owner)"]
    assert desk.send(REDUCE, 1, lots=9) == ["cancelled: order 1 buy 5 at 10 (cancelled by its owner)"]
    assert reason(desk.send(CANCEL, 1)) == "no such live order"
    desk.send(CANCEL, 1, owner=1)
    assert desk.exchange.divergence.missing_orders == 2  # those of the background


def test_replace_keeps_its_place_only_when_it_gets_smaller(desk):
    desk.buy(0, 5, 10)
    desk.buy(1, 5, 10)
    assert desk.send(REPLACE, 0, lots=4, price=10) == ["replaced: order 0 buy 4 at 10"]
    assert desk.exchange.queue_ahead(0) == 0
    assert desk.send(REPLACE, 0, lots=4, price=10) == ["replaced: order 0 buy 4 at 10"]
    assert desk.exchange.queue_ahead(0) == 0
    assert desk.send(REPLACE, 0, lots=5, price=10) == ["replaced: order 0 buy 5 at 10"]
    assert desk.exchange.queue_ahead(0) == 5


def test_replace_counts_what_was_filled(desk):
    desk.buy(0, 5, 10)
    desk.sell(1, 3, 10)
    assert desk.send(REPLACE, 0, lots=4, price=9) == ["replaced: order 0 buy 1 at 9"]
    assert desk.send(REPLACE, 0, lots=3, price=9) == [
        "cancelled: order 0 buy 1 at 9 (replaced to no more than was already filled)"
    ]


def test_replace_may_trade(desk):
    desk.buy(0, 5, 9, owner=1)
    desk.sell(1, 2, 10)
    assert desk.send(REPLACE, 0, lots=5, price=10, owner=1) == [
        "replaced: order 0 buy 5 at 10",
        "traded: order 0 buy 2 at 10, contra 1",
    ]
    assert desk.exchange.depth(BUY, 9) == [(10, 3, 1)]


def test_refused_replace_leaves_the_order_as_it_was(desk):
    for id in range(4):
        desk.buy(id, 2, id, flags=POST_ONLY)
    desk.buy(4, 2, 3)
    desk.sell(5, 1, 9)
    before = desk.exchange.order(3)
    assert reason(desk.send(REPLACE, 3, lots=2, price=9)) == "post-only order would trade"
    assert reason(desk.send(REPLACE, 3, lots=2, price=8)) == "price level capacity of the world reached"
    assert reason(desk.send(REPLACE, 3, lots=0, price=8)) == "lots not positive or too many"
    assert reason(desk.send(REPLACE, 3, lots=1, price=MAX_PRICE_TICKS + 1)) == "price out of range"
    assert reason(desk.send(REPLACE, 9, lots=1, price=1)) == "no such live order"
    desk.send(HALT)
    assert reason(desk.send(REPLACE, 9, lots=1, price=1)) == "market halted"
    after = desk.exchange.order(3)
    assert (before.price, before.lots, before.entry) == (after.price, after.lots, after.entry)
    desk.send(RESUME)
    assert desk.send(REPLACE, 2, lots=2, price=8) == ["replaced: order 2 buy 2 at 8"]  # it frees a level


def test_close_expires_day_orders_and_halts(desk):
    desk.buy(0, 1, 8, tif=DAY)
    desk.buy(1, 1, 9)
    desk.buy(2, 1, 10, tif=DAY)
    desk.sell(3, 1, 12, tif=DAY)
    desk.sell(4, 1, 11, tif=DAY)
    desk.buy(5, 1, type=STOP, trigger=13, tif=DAY)
    desk.buy(6, 1, 10, tif=DAY)
    answers = desk.send(CLOSE)
    assert all(answer.endswith("(day order at session close)") for answer in answers)
    assert [event.order for event in desk.events] == [2, 6, 0, 4, 3, 5]
    assert [event.price for event in desk.events] == [10, 10, 8, 11, 12, 13]
    assert reason(desk.buy(7, 1, 9)) == "market halted"
    assert desk.send(RESUME) == []
    assert desk.exchange.depth(BUY, 9) == [(9, 1, 1)]


def test_unknown_kind_is_rejected(desk):
    assert reason(desk.send(0, 1)) == "side, type, time in force or flags do not go together"


def test_id_may_be_used_again(desk):
    desk.buy(0, 1, 10)
    desk.send(CANCEL, 0)
    assert desk.sell(0, 1, 11) == ["accepted: order 0 sell 1 at 11"]


def test_an_order_that_is_read_cannot_change_the_book(desk):
    desk.buy(0, 3, 10)
    desk.exchange.order(0).lots = 99
    assert desk.exchange.depth(BUY, 1) == [(10, 3, 1)]
    assert desk.exchange.order(1) is None
    assert desk.exchange.queue_ahead(1) is None


@pytest.mark.parametrize(
    ("name", "value"), [("protection_ticks", -1), ("max_orders", 0), ("max_levels", 0), ("max_stops", -1)]
)
def test_bad_settings_are_named(name, value):
    config = {"protection_ticks": 1, "max_orders": 1, "max_levels": 1, "max_stops": 1, name: value}
    with pytest.raises(ValueError, match=f"{name}={value} must be at least"):
        ReferenceExchange(**config)


def test_unknown_self_match_policy_is_named():
    with pytest.raises(ValueError, match="self_match=9"):
        ReferenceExchange(protection_ticks=1, self_match=9, max_orders=1, max_levels=1, max_stops=1)
