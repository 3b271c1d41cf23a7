"""The place in the queue. Each test is a fault another simulator was caught with."""

import pytest

from twin_env.core.state.codes import ALLOW, CANCEL_BOTH, CANCEL_INCOMING, CANCEL_RESTING, IOC


def queue_with_agent(market):
    """Strangers of 10, 20, then the agent's 5, then a stranger of 7, all at 100."""
    first, second = market.bid(10, 100), market.bid(20, 100)
    market.wait()
    row = market.send(5, 100)
    market.arrive()
    behind = market.bid(7, 100)
    market.arrive()
    return row, first, second, behind


def test_a_strangers_cancel_ahead_brings_us_forward_by_its_lots(market):
    """NautilusTrader #4370: any cancel at our price put us first, and the next lot that traded filled us."""
    row, _, second, _ = queue_with_agent(market)
    market.withdraw(second)
    market.arrive()
    assert market.order(row)["ahead"] == 10 == market.session.lots_ahead(row)
    market.hit(1, 100)
    market.arrive()
    assert market.position == 0 and market.order(row)["ahead"] == 9
    market.hit(12, 100)
    market.arrive()
    assert market.position == 3


def test_a_strangers_cancel_behind_does_not_move_us(market):
    """NautilusTrader #4370: the queue was cleared by a cancel behind us too."""
    row, _, _, behind = queue_with_agent(market)
    market.withdraw(behind)
    market.arrive()
    assert market.order(row)["ahead"] == 30 == market.session.lots_ahead(row)
    market.hit(30, 100)
    market.arrive()
    assert market.position == 0 and market.order(row)["ahead"] == 0
    market.hit(1, 100)
    market.arrive()
    assert market.position == 1


def test_a_snapshot_does_not_put_us_first(market):
    """NautilusTrader #4942: every snapshot of the book set the lots ahead of own orders to 0."""
    row, first, _, _ = queue_with_agent(market)
    market.session.world["market_data_link"]["loss"] = 1.0
    market.bid(1, 95)
    market.session.world["market_data_link"]["loss"] = 0.0
    market.bid(1, 94)
    market.arrive()
    assert market.session.desk["gaps"] == 1 and market.session.desk["gap"] == 0
    assert market.order(row)["ahead"] == 30
    market.withdraw(first)
    market.arrive()
    assert market.order(row)["ahead"] == 20


def test_five_hundred_own_lots_first_in_line_fill_one_on_a_trade_of_one(market):
    """hftbacktest, level 3: 500 own lots alone ahead of a one-lot order were all filled when that lot traded."""
    market.send(500, 100)
    market.arrive()
    market.bid(1, 100)
    market.hit(1, 100)
    market.arrive()
    assert market.position == 1
    assert market.bids() == [(100, 500)]


def test_keeping_an_order_keeps_its_place(market):
    """ABIDES-gym, JaxMARL-HFT: every step cancelled and re-sent the agent's orders, so none ever got to the front."""
    row, *_ = queue_with_agent(market)
    for _ in range(20):
        market.hit(1, 100)
        market.arrive()
    assert market.order(row)["ahead"] == 10 == market.session.lots_ahead(row)
    market.hit(11, 100)
    market.arrive()
    assert market.position == 1


def test_making_an_order_smaller_keeps_its_place(market):
    """NautilusTrader resets the place in the queue on any change of quantity."""
    row, *_ = queue_with_agent(market)
    market.replace(row, 3, 100)
    market.arrive()
    assert market.order(row)["ahead"] == 30 == market.session.lots_ahead(row)


@pytest.mark.parametrize(("lots", "price"), [(6, 100), (5, 101), (5, 99)], ids=["larger", "better", "worse"])
def test_any_other_change_goes_to_the_back(market, lots, price):
    """hftbacktest, level 2: a modified order kept its place at its new price."""
    row, *_ = queue_with_agent(market)
    market.bid(4, 101)
    market.bid(4, 99)
    market.replace(row, lots, price)
    market.arrive()
    back = {100: 37, 101: 4, 99: 4}[price]
    assert market.order(row)["ahead"] == back == market.session.lots_ahead(row)


@pytest.mark.parametrize("self_match", [ALLOW, CANCEL_RESTING, CANCEL_INCOMING, CANCEL_BOTH])
def test_an_own_resting_order_is_met_and_not_walked_past(make_market, self_match):
    """hftbacktest: own orders were invisible to each other, an own IOC order expired beside an own offer."""
    market = make_market(self_match=self_match)
    market.offer(10, 103)
    market.wait()
    own = market.send(4, 102, side=-1)
    market.arrive()
    market.send(6, 103, tif=IOC)
    market.arrive()
    ledger = market.session.world["ledger"]
    left = {
        ALLOW: [(103, 8)],
        CANCEL_RESTING: [(103, 4)],
        CANCEL_INCOMING: [(102, 4), (103, 10)],
        CANCEL_BOTH: [(103, 10)],
    }
    filled = {ALLOW: 4 + 4 + 2, CANCEL_RESTING: 6, CANCEL_INCOMING: 0, CANCEL_BOTH: 0}
    position = {ALLOW: 2, CANCEL_RESTING: 6, CANCEL_INCOMING: 0, CANCEL_BOTH: 0}
    assert market.offers() == left[self_match]
    assert ledger["filled_lots"] == filled[self_match] and market.position == position[self_match]
    assert (market.order(own)["state"] != 0) == (self_match == CANCEL_INCOMING)


def test_lots_behind_an_own_order_are_not_jumped_to(make_market):
    """With the own order cancelled on the way, what stands behind it trades in its turn, not before."""
    market = make_market(self_match=CANCEL_RESTING)
    market.offer(2, 101)
    market.wait()
    market.send(4, 101, side=-1)
    market.arrive()
    market.offer(3, 101)
    market.wait()
    market.send(4, 101, tif=IOC)
    market.arrive()
    assert market.position == 4 and market.offers() == [(101, 1)]
