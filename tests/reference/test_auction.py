"""The opening and the venue's protections, rule by rule, in the order of docs/exchange.md."""

import pytest

from twin_env.core.state import codes
from twin_env.core.state.codes import (
    CLOSE,
    EXECUTE,
    FOK,
    HALT,
    IOC,
    MARKET,
    OPEN,
    POST_ONLY,
    PRE_OPEN,
    PRINT,
    REPLACE,
    RESUME,
)
from twin_env.reference import GuardTerms

POLICIES = pytest.mark.parametrize("self_match", codes.SELF_MATCH_NAMES, ids=codes.SELF_MATCH_NAMES.get)


@pytest.fixture
def collecting(desk):
    desk.send(PRE_OPEN)
    return desk


def test_what_crosses_rests_until_the_opening(collecting):
    assert collecting.buy(0, 5, 12) == ["accepted: order 0 buy 5 at 12"]
    assert collecting.sell(1, 3, 10) == ["accepted: order 1 sell 3 at 10"]
    assert collecting.exchange.best(codes.BUY) == 12
    assert collecting.send(OPEN) == ["traded: order 1 sell 3 at 11, contra 0"]
    assert collecting.buy(2, 1, 12, tif=IOC)[-1].endswith("(immediate-or-cancel remainder)")


@pytest.mark.parametrize("terms", [{"tif": IOC}, {"tif": FOK}, {"type": MARKET}, {"type": MARKET, "tif": IOC}])
def test_what_cannot_rest_is_rejected(collecting, terms):
    collecting.sell(0, 5, 10)
    assert "no matching before the opening" in collecting.buy(1, 1, 10, **terms)[0]


def test_post_only_does_not_cross_even_then(collecting):
    collecting.sell(0, 5, 10)
    assert "post-only order would trade" in collecting.buy(1, 1, 10, flags=POST_ONLY)[0]


def test_orders_can_be_changed_without_trading(collecting):
    collecting.buy(0, 5, 9)
    collecting.sell(1, 5, 10)
    assert collecting.send(REPLACE, 0, lots=4, price=11) == ["replaced: order 0 buy 4 at 11"]
    assert collecting.send(codes.REDUCE, 1, lots=3) == ["reduced: order 1 sell 3 at 10"]
    assert collecting.send(codes.CANCEL, 1) == ["cancelled: order 1 sell 2 at 10 (cancelled by its owner)"]
    assert collecting.send(OPEN) == []


@pytest.mark.parametrize("kind", [EXECUTE, PRINT])
def test_a_history_does_not_trade(collecting, kind):
    collecting.sell(0, 5, 10)
    assert "market halted" in collecting.send(kind, 0, codes.BUY, 1, 10)[0]


@pytest.mark.parametrize(
    ("buys", "sells", "last", "price"),
    [
        ([(105, 5), (104, 5)], [(101, 5), (103, 5)], 100, 103),  # all ten only at 103 and 104
        ([(105, 5), (104, 5)], [(101, 5), (103, 5)], 110, 104),
        ([(105, 9)], [(101, 4), (104, 5)], 100, 104),  # four lots at 101, nine from 104 on
        ([(105, 4), (102, 3)], [(101, 4), (106, 9)], 100, 103),  # four everywhere, nobody left over from 103 on
        ([(105, 4)], [(101, 6)], 90, 101),  # two are left over wherever
        ([(105, 4)], [(101, 6)], 104, 104),
        ([(105, 4)], [(101, 6)], None, 103),
        ([(105, 4)], [(102, 6)], None, 103),  # the lower of two beside the mid
        ([(-102, 4)], [(-105, 6)], None, -104),
        ([(103, 10), (102, 5)], [(100, 10), (103, 7)], 110, 102),  # five are left over at 102, seven at 103
        ([(103, 10), (102, 7)], [(100, 10), (103, 5)], 90, 103),
    ],
)
def test_the_price_of_an_opening(make_desk, buys, sells, last, price):
    desk = make_desk()
    if last is not None:
        desk.send(PRINT, side=codes.BUY, lots=1, price=last)
    desk.send(PRE_OPEN)
    for order, (limit, lots) in enumerate(buys):
        desk.buy(order, lots, limit)
    for order, (limit, lots) in enumerate(sells):
        desk.sell(10 + order, lots, limit)
    desk.send(OPEN)
    assert {event.price for event in desk.events} == {price} == {desk.exchange.last_trade}


def test_price_then_time_decide_on_both_sides(collecting):
    collecting.buy(0, 2, 11)
    collecting.sell(1, 3, 10)
    collecting.buy(2, 2, 12)
    collecting.sell(3, 3, 10)
    assert collecting.send(OPEN) == [
        "traded: order 2 buy 2 at 11, contra 1",
        "traded: order 1 sell 1 at 11, contra 0",
        "traded: order 3 sell 1 at 11, contra 0",
    ]


@POLICIES
def test_own_pairs_are_parted_before_the_price_is_made(make_desk, self_match):
    desk = make_desk(self_match=self_match)
    desk.send(PRE_OPEN)
    desk.buy(0, 5, 14, owner=1)
    desk.sell(1, 5, 10, owner=1)
    desk.buy(2, 5, 12)
    happened = desk.send(OPEN)
    older = "cancelled: order 0 buy 5 at 14 (self-match prevention)"
    younger = "cancelled: order 1 sell 5 at 10 (self-match prevention)"
    assert (
        happened
        == {
            codes.ALLOW: ["traded: order 1 sell 5 at 13, contra 0"],
            codes.CANCEL_RESTING: [older, "traded: order 2 buy 5 at 11, contra 1"],
            codes.CANCEL_INCOMING: [younger],
            codes.CANCEL_BOTH: [older, younger],
        }[self_match]
    )


def test_stops_wait_for_the_opening(collecting):
    collecting.buy(0, 2, type=codes.STOP_LIMIT, trigger=12, price=15)
    collecting.buy(1, 1, 13)
    collecting.sell(2, 1, 13)
    collecting.sell(3, 2, 14)
    assert collecting.send(OPEN) == [
        "traded: order 2 sell 1 at 13, contra 1",
        "triggered: order 0 buy 2 at 12",
        "traded: order 0 buy 2 at 14, contra 3",
    ]


def test_a_halt_while_collecting_ends_without_an_opening(collecting):
    collecting.buy(0, 1, 12)
    collecting.send(HALT)
    assert "market halted" in collecting.sell(1, 1, 10)[0]
    assert collecting.send(RESUME) == []
    assert collecting.sell(1, 1, 10) == ["accepted: order 1 sell 1 at 10"]
    assert collecting.send(OPEN) == ["traded: order 1 sell 1 at 11, contra 0"]


@pytest.mark.parametrize("kind", [PRE_OPEN, OPEN, RESUME])
def test_each_ends_a_halt(desk, kind):
    desk.send(HALT)
    desk.send(kind)
    assert desk.buy(0, 1, 10) == ["accepted: order 0 buy 1 at 10"]
    assert desk.exchange.collecting == (kind == PRE_OPEN)


def test_a_close_ends_the_collecting_and_what_stays_crossed_trades_when_trading_goes_on(collecting):
    collecting.buy(0, 1, 12)
    collecting.sell(1, 1, 10)
    collecting.sell(2, 1, 9, tif=codes.DAY)
    assert collecting.send(CLOSE) == ["cancelled: order 2 sell 1 at 9 (day order at session close)"]
    assert not collecting.exchange.collecting
    assert collecting.send(RESUME) == ["traded: order 1 sell 1 at 11, contra 0"]


# Protections.


@pytest.fixture
def guarded(make_desk):
    return make_desk(guards=[GuardTerms(move_ticks=3, window_ns=80, pause_ns=50)])


def test_a_fast_move_pauses_and_the_pause_ends_by_itself(guarded):
    for order, price in enumerate((10, 13, 14, 15)):
        guarded.sell(order, 1, price)
    assert guarded.buy(5, 9, 15, tif=IOC, ts_ns=7) == [
        "accepted: order 5 buy 9 at 15",
        "traded: order 5 buy 1 at 10, contra 0",
        "traded: order 5 buy 1 at 13, contra 1",
        "traded: order 5 buy 1 at 14, contra 2",
        "cancelled: order 5 buy 6 at 15 (no matching before the opening)",
    ]
    assert guarded.buy(6, 1, 16, ts_ns=56) == ["accepted: order 6 buy 1 at 16"]
    assert guarded.send(codes.CANCEL, 9, ts_ns=57)[0] == "traded: order 6 buy 1 at 15, contra 3"
    assert guarded.events[0].ts_ns == 57


def test_what_may_rest_rests_when_it_is_stopped(guarded):
    for order, price in enumerate((10, 14, 15)):
        guarded.sell(order, 1, price)
    guarded.buy(5, 9, 15)
    assert guarded.exchange.depth(codes.BUY, 1) == [(15, 7, 1)]
    assert guarded.send(OPEN) == ["traded: order 5 buy 1 at 15, contra 2"]


def test_a_slow_move_and_an_opening_do_not_pause(guarded):
    for ts_ns, price in [(0, 10), (80, 14), (160, 11)]:
        guarded.send(PRINT, side=codes.BUY, lots=1, price=price, ts_ns=ts_ns)
        assert not guarded.exchange.collecting
    guarded.send(PRE_OPEN, ts_ns=161)
    guarded.buy(0, 1, 90, ts_ns=161)
    guarded.sell(1, 1, 90, ts_ns=161)
    guarded.send(OPEN, ts_ns=161)
    guarded.send(PRINT, side=codes.BUY, lots=1, price=120, ts_ns=161)
    assert not guarded.exchange.collecting


def test_a_pause_that_ends_during_a_halt_lasts_as_long(guarded):
    guarded.send(PRINT, side=codes.BUY, lots=1, price=10)
    guarded.send(PRINT, side=codes.BUY, lots=1, price=20)
    guarded.buy(0, 1, 12)
    guarded.sell(1, 1, 10)
    guarded.send(HALT, ts_ns=40)
    assert guarded.send(RESUME, ts_ns=60) == []
    guarded.send(codes.CANCEL, 9, ts_ns=70)
    assert (guarded.events[0].kind, guarded.events[0].ts_ns) == (codes.TRADED, 60)


def test_stops_that_the_last_trade_before_a_pause_reached_are_elected_after_it(guarded):
    guarded.send(PRINT, side=codes.BUY, lots=1, price=10)
    guarded.buy(0, 2, type=codes.STOP_LIMIT, trigger=12, price=15)
    assert guarded.send(PRINT, side=codes.BUY, lots=1, price=14) == ["printed: order -1 buy 1 at 14"]
    assert guarded.send(OPEN) == ["triggered: order 0 buy 2 at 12"]


def test_a_limit_far_through_the_last_trade_is_rejected(make_desk):
    desk = make_desk(band_ticks=5, protection_ticks=9)
    assert "accepted" in desk.buy(0, 1, 80)[0], "nothing to measure it by"
    assert "beyond the price band" in desk.sell(1, 1, 74)[0], "the opposite touch"
    desk.send(PRINT, side=codes.BUY, lots=1, price=100)
    assert "beyond the price band" in desk.buy(1, 1, 106)[0]
    assert "beyond the price band" in desk.sell(1, 1, 94)[0]
    assert "beyond the price band" in desk.buy(1, 1, 106, type=codes.STOP_LIMIT, trigger=101)[0]
    assert "beyond the price band" in desk.send(REPLACE, 0, lots=1, price=106)[0]
    desk.sell(2, 1, 103)
    desk.sell(3, 1, 106)
    assert desk.buy(4, 2, type=MARKET, tif=IOC) == [
        "accepted: order 4 buy 2 at 105",
        "traded: order 4 buy 1 at 103, contra 2",
        "cancelled: order 4 buy 1 at 105 (immediate-or-cancel remainder)",
    ]
