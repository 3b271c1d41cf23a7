"""New orders, changes and cancels on their way. Each test is a fault another simulator was caught with."""

import pytest

from tests.core.worlds import set_delays
from twin_env.core.state import codes
from twin_env.core.state.codes import POST_ONLY
from twin_env.reference import Message


def test_a_replace_to_a_price_that_crosses_trades(market):
    """hftbacktest #322, level 3: a buy modified through the offer rested there, crossed and unfilled."""
    market.offer(4, 101)
    market.offer(4, 102)
    row = market.send(10, 99)
    market.arrive()
    market.replace(row, 10, 102)
    market.arrive()
    assert market.position == 8 and market.paid == 4 * 101 + 4 * 102
    assert market.bids() == [(102, 2)] and market.order(row)["filled"] == 8


def test_a_replace_gives_the_total_and_remembers_what_was_filled(market):
    """hftbacktest #241: after a partial fill a modify set the remainder to the new total, filled lots forgotten."""
    row = market.send(10, 100)
    market.arrive()
    market.hit(4, 100)
    market.arrive()
    market.replace(row, 7, 100)
    market.arrive()
    assert market.bids() == [(100, 3)] and market.position == 4
    market.hit(50, 100)
    market.arrive()
    assert market.position == 7 and market.live == 0


def test_a_replace_to_what_was_already_filled_ends_the_order(market):
    """The same, with a fill that overtakes the replace: never more than the total last asked for."""
    row = market.send(10, 100)
    market.arrive()
    market.replace(row, 4, 100)
    market.wait(5)
    market.hit(6, 100)
    market.arrive()
    assert market.position == 6 and market.live == 0 and market.bids() == []
    assert market.session.events()[-1].reason == codes.REPLACED_AWAY


@pytest.mark.parametrize("kind", [codes.CANCEL, codes.REDUCE, codes.REPLACE])
@pytest.mark.parametrize("order", [0, 77, -1, 255, 100_000])
def test_an_unknown_order_is_rejected_and_the_market_goes_on(market, kind, order):
    """hftbacktest, level 3: the cancel of an id it did not know (a gap in the data) ended the run for good."""
    events = market.session.tell(Message(kind=kind, order=order, lots=1, price=5))
    assert [(event.kind, event.reason) for event in events] == [(codes.REJECTED, codes.UNKNOWN_ORDER)]
    market.offer(3, 101)
    market.take(2)
    market.arrive()
    assert market.position == 2


def test_a_cancel_of_a_filled_order_is_answered_and_the_desk_goes_on(market):
    """NautilusTrader and hftbacktest treat the race differently; here the fill stands and the cancel is rejected."""
    row = market.send(3, 100)
    market.arrive()
    market.cancel(row)
    market.hit(3, 100)
    market.arrive()
    assert market.position == 3 and market.live == 0
    assert market.session.desk["last_reason"] == codes.UNKNOWN_ORDER
    assert market.send(1, 90) == row
    market.arrive()
    assert market.bids() == [(90, 1)]


@pytest.mark.parametrize("seed", range(6))
def test_a_cancel_never_overtakes_its_order(market, seed):
    """NautilusTrader: requests lay in a heap by due time, a cancel with less latency came before its order."""
    session = market.session
    set_delays(session.worlds, order_link=(0, 900))
    session.world["order_link"]["key"] = seed
    for _ in range(10):
        market.cancel(market.send(1, 90))
        market.wait(3000)
        assert [event.kind for event in session.events()] == [codes.ACCEPTED, codes.CANCELLED]
    assert market.live == 0 and session.desk["rejects"] == 0


def test_cancel_and_new_order_cannot_both_fill_what_is_budgeted_for_one(market):
    """hftbacktest #280: an order counted as cancelled before the exchange confirmed it filled beside its successor."""
    row = market.send(5, 100)
    market.arrive()
    market.cancel(row)
    market.wait(5)
    assert market.session.committed_lots == 5  # not free to be sent again yet
    market.hit(5, 100)
    market.arrive()
    assert market.position == 5 and market.session.committed_lots == 0


def test_a_post_only_order_that_would_trade_is_rejected_with_a_reason(market):
    """hftbacktest: such an order came back as expired, as if it had lived."""
    market.offer(3, 101)
    market.wait()
    row = market.session.order(market.side, 2, market.price(101), flags=POST_ONLY)
    market.arrive()
    assert market.position == 0 and market.order(row)["state"] == 0
    assert market.session.desk["last_reason"] == codes.WOULD_CROSS


def test_market_data_that_arrives_late_arrives_late_for_orders_too(market):
    """kaspar-hft #67: orders were delayed and market data were not, which makes any policy beat itself."""
    market.offer(3, 101)
    market.wait(19)
    assert market.offers() == []
    market.wait(1)
    assert market.offers() == [(101, 3)]


def test_a_fill_is_known_after_the_report_travelled(market):
    """NautilusTrader: fills reached the strategy in the nanosecond in which they happened."""
    market.offer(3, 101)
    market.wait()
    market.take(3)
    market.wait(10)
    assert market.session.world["ledger"]["filled_lots"] == 3 and market.position == 0
    market.wait(14)
    assert market.position == 0
    market.wait(1)
    assert market.position == 3


def test_a_lost_message_heals_and_does_not_end_the_run(market):
    """hftbacktest, level 3: a gap in the feed ended the backtest; here the desk asks for a snapshot."""
    market.offer(3, 101)
    market.session.world["market_data_link"]["loss"] = 1.0
    market.offer(3, 102)
    market.session.world["market_data_link"]["loss"] = 0.0
    market.offer(3, 103)
    market.arrive()
    assert market.offers() == [(101, 3), (102, 3), (103, 3)]
    assert market.session.desk["gaps"] == 1
