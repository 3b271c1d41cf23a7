"""How much trades, and that all of it is booked. Each test is a fault another simulator was caught with."""

import pytest

from twin_env.core.state.codes import FOK, GTC, IOC, IOC_REMAINDER, MARKET


def test_a_partial_fill_shows_in_the_position(market):
    """hftbacktest #299, #316: a partially filled order left the position at 0 until it was filled in full."""
    market.bid(10, 100)
    market.wait()
    row = market.send(10, 100)
    market.arrive()
    market.hit(14, 100)
    market.arrive()
    assert market.position == 4 and market.paid == 400
    assert market.order(row)["filled"] == 4 and market.live == 1
    market.hit(6, 100)
    market.arrive()
    assert market.position == 10 and market.live == 0


def test_five_own_orders_share_one_traded_lot(market):
    """hftbacktest: each own order had a private queue, so five of one lot filled five on a trade of one."""
    market.bid(10, 100)
    market.wait()
    for _ in range(5):
        market.send(1, 100)
    market.arrive()
    market.hit(11, 100)
    market.arrive()
    assert market.position == 1 and market.live == 4
    market.hit(3, 100)
    market.arrive()
    assert market.position == 4 and market.live == 1


@pytest.mark.parametrize("tif", [GTC, IOC, FOK], ids=["gtc", "ioc", "fok"])
def test_an_order_over_two_levels_fills_and_pays_across_both(market, tif):
    """hftbacktest, partial fill model: 15 over two levels booked only the last chunk, position 5."""
    market.offer(10, 101)
    market.offer(10, 102)
    market.wait()
    market.send(15, 102, tif=tif)
    market.arrive()
    assert market.position == 15
    assert market.paid == 10 * 101 + 5 * 102
    assert market.offers() == [(102, 5)] and market.live == 0


def test_three_orders_for_ten_lots_shown_fill_ten_in_all(market):
    """hftbacktest: the shown lots were never consumed, three IOC orders of 10 against 10 filled 30."""
    market.offer(10, 101)
    market.wait()
    for _ in range(3):
        market.send(10, 101, tif=IOC)
    market.arrive()
    assert market.position == 10 and market.paid == 1010
    assert market.offers() == [] and market.live == 0


def test_a_huge_market_order_fills_what_there_is(market):
    """hftbacktest: a market order of 1,000,000 against 20 shown filled in full at the touch."""
    market.offer(12, 101)
    market.offer(8, 102)
    market.wait()
    market.take(1_000_000)
    market.arrive()
    assert market.position == 20 and market.paid == 12 * 101 + 8 * 102
    last = market.session.events()[-1]
    assert (last.reason, last.lots) == (IOC_REMAINDER, 1_000_000 - 20)


def test_a_limit_order_beyond_the_book_rests_with_the_rest(market):
    """hftbacktest, partial fill model: 1,000 lots GTC against 10 shown were filled to the last lot."""
    market.offer(10, 101)
    market.wait()
    row = market.send(1_000, 101)
    market.arrive()
    assert market.position == 10
    assert market.order(row)["filled"] == 10 and market.bids() == [(101, 990)]


def test_the_level_of_the_limit_itself_is_taken(market):
    """hftbacktest, partial fill model: a buy left out the level at its limit, a sell did not."""
    market.offer(3, 101)
    market.offer(3, 102)
    market.wait()
    market.send(6, 102, tif=IOC)
    market.arrive()
    assert market.position == 6


def test_an_order_filled_to_the_last_lot_is_gone(market):
    """hftbacktest #301, #312: a filled order lived on as a zombie and stopped the run with an error."""
    row = market.send(5, 100)
    market.arrive()
    for _ in range(5):
        market.hit(1, 100)
    market.arrive()
    assert market.position == 5 and market.live == 0
    assert market.order(row)["state"] == 0 and market.bids() == []
    market.hit(1, 100)
    market.arrive()
    assert market.position == 5


def test_two_market_orders_cannot_take_the_same_lots(market):
    """NautilusTrader #2564: two market orders of 10 both filled against the same 10 lots."""
    market.offer(10, 101)
    market.offer(4, 105)
    market.wait()
    market.take(10)
    market.take(10)
    market.arrive()
    assert market.position == 14 and market.paid == 10 * 101 + 4 * 105


def test_taken_lots_do_not_come_back_when_the_level_changes(market):
    """NautilusTrader #5017, #2564: any update of a level gave back the liquidity the agent had taken."""
    market.offer(10, 101)
    market.wait()
    market.take(10)
    market.arrive()
    market.offer(2, 101)
    market.wait()
    market.take(10)
    market.arrive()
    assert market.position == 12


def test_own_orders_and_fills_show_in_the_book_everybody_sees(market):
    """hftbacktest #279, #14: after taking liquidity the book stood as before, own orders were not in it."""
    market.offer(10, 101)
    market.bid(5, 99)
    market.wait()
    market.take(4)
    market.send(2, 100)
    market.arrive()
    assert market.offers() == [(101, 6)] and market.bids() == [(100, 2), (99, 5)]


def test_a_late_order_meets_the_book_of_its_arrival(market):
    """NautilusTrader: with late market data the agent filled at offers that were gone at the exchange."""
    stale = market.offer(10, 101)
    market.offer(10, 105)
    market.wait()
    market.withdraw(stale)
    assert market.offers()[0] == (101, 10)  # the desk still sees it
    market.take(10)
    market.arrive()
    assert market.position == 10 and market.paid == 1050


def test_an_order_is_matched_when_it_arrives_and_not_at_the_next_market_event(market):
    """NautilusTrader #4891, #5054: a due order waited for the next data event and missed what stood before it."""
    offer = market.offer(10, 101)
    market.wait()
    market.take(10)
    market.wait(10)
    assert market.session.world["ledger"]["filled_lots"] == 10  # nothing else happened in between
    market.withdraw(offer)
    market.arrive()
    assert market.paid == 1010


def test_a_resting_order_fills_at_its_own_price_when_it_is_older(market):
    """hftbacktest #158: fills without a trade. Here the aggressor pays the resting price, and only to its limit."""
    market.send(3, 100)
    market.arrive()
    market.offer(5, 98)  # through the agent's price: 3 trade at 100, 2 rest at 98
    market.arrive()
    assert market.position == 3 and market.paid == 300
    assert market.offers() == [(98, 2)]


def test_a_trade_beside_the_agents_price_fills_nothing(market):
    """Level-2 fill models fill a resting order on any trade at or near its price; here somebody must hit it."""
    market.bid(5, 100)
    row = market.send(3, 99)
    market.arrive()
    market.hit(5, 100)
    market.arrive()
    assert market.position == 0 and market.order(row)["ahead"] == 0


def test_market_orders_stop_at_their_protection(make_market):
    """hftbacktest: how deep a market order looks was a constant in the code ("todo: set the proper upper bound")."""
    market = make_market(protection_ticks=2)
    market.offer(1, 101)
    market.offer(1, 103)
    market.offer(1, 104)
    market.wait()
    row = market.send(3, type=MARKET)
    market.arrive()
    assert market.position == 2 and market.bids() == [(103, 1)]
    assert market.price(int(market.order(row)["price"])) == 103
