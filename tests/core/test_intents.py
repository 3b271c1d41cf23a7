"""What decisions would hold, worked out by hand: Strategy Alpha of limits, stops, cancels and moves.

Prices are those a buyer sees; a seller's are mirrored around 100.5. The market stands at 100 / 101, mid 201 half-ticks.
"""

import pytest

from tests.core.session import Session
from tests.core.test_ledger_answers import SIDES, make_market, parts_of, price_for
from tests.core.worlds import MS, SECOND, tape_template
from twin_env.core.state import codes
from twin_env.core.state.codes import DAY, IOC, MARKET, STOP, STOP_LIMIT
from twin_env.core.state.layout import NONE

EXECUTION = ("TIMING", "LATENCY", "SPREAD", "IMPACT", "QUEUE_WAIT", "SPREAD_EARNED", "OPPORTUNITY", "FEES")


def decide(session, side, lots, price=0, **terms):
    """Send an order that is a decision of its own."""
    return session.order(side, lots, price, intent=NONE, **terms)


def trade_at(session, side, price, lots=1):
    """Let others trade at a price: one rests there, one takes it, both are gone."""
    resting = session.stranger(side, lots, price)
    session.stranger(-side, lots, price, tif=IOC)
    session.stranger_cancels(resting)


def totals(session):
    strategy, execution, net = parts_of(session, "STRATEGY", "EXECUTION", "NET")
    assert strategy + execution == net
    assert sum(parts_of(session, *EXECUTION)) == execution
    return strategy, execution


@SIDES
def test_a_market_order_is_due_at_once_at_the_mid_the_desk_saw(side):
    session, _ = make_market(side)
    decide(session, side, 2, type=MARKET, tif=IOC)
    session.run(MS)
    assert totals(session) == (0, -2)  # bought at 101, half a tick above the mid, which has not moved
    assert parts_of(session, "SPREAD") == [-2]


@SIDES
def test_a_limit_is_worth_its_price_once_the_market_trades_there(side):
    session, _ = make_market(side)
    decide(session, side, 2, price_for(side, 98), tif=DAY)
    session.run(MS)
    assert totals(session) == (0, 0)
    session.stranger(-side, 22, price_for(side, 98), tif=IOC)  # through 100 and 99, and both lots at 98
    assert session.world["ledger"]["position"] == 2 * side
    mid = session.mid_half_ticks
    assert totals(session) == (side * 2 * (mid - 2 * price_for(side, 98)), 0)
    assert parts_of(session, *EXECUTION) == [0] * 8


@SIDES
def test_a_limit_that_is_not_reached_is_worth_nothing_cancelled_or_not(side):
    session, ids = make_market(side)
    row = decide(session, side, 2, price_for(side, 98), tif=DAY)
    session.run(MS)
    session.stranger_cancels(ids[101])
    assert totals(session) == (0, 0)
    session.cancel(row)
    session.run(MS)
    session.stranger(-side, 21, price_for(side, 98), tif=IOC)
    assert totals(session) == (0, 0)


@SIDES
def test_a_limit_that_was_touched_and_not_filled_is_an_opportunity_missed(side):
    session, ids = make_market(side)
    row = decide(session, side, 2, price_for(side, 100), tif=DAY)  # behind ten lots
    session.run(MS)
    session.stranger(-side, 1, price_for(side, 100), tif=IOC)
    assert totals(session) == (2 * (201 - 200), -2 * (201 - 200))
    session.stranger_cancels(ids[101])  # 100 / 102
    assert totals(session) == (4, -4)
    assert parts_of(session, "OPPORTUNITY") == [-4]
    session.cancel(row)
    session.run(MS)
    session.stranger_cancels(ids[102])  # nothing is held, in theory or in fact
    assert totals(session) == (4, -4)


@SIDES
def test_a_touched_limit_that_is_moved_after_the_market_pays_for_its_place_in_the_queue(side):
    session, ids = make_market(side)
    row = decide(session, side, 2, price_for(side, 100), tif=DAY)
    session.run(MS)
    session.stranger(-side, 1, price_for(side, 100), tif=IOC)
    session.stranger_cancels(ids[101])  # 100 / 102
    session.replace(row, 2, price_for(side, 102))
    session.run(MS)
    assert session.world["ledger"]["position"] == 2 * side
    assert parts_of(session, "QUEUE_WAIT", "OPPORTUNITY", "TIMING") == [-2 * 4, 0, 0]  # bought at 102, wished for 100
    assert totals(session) == (2 * (202 - 200), -8)


@SIDES
def test_a_limit_that_crosses_the_book_the_desk_sees_is_a_market_order(side):
    session, _ = make_market(side)
    decide(session, side, 2, price_for(side, 103), tif=DAY)
    session.run(MS)
    assert totals(session) == (0, -2)
    assert parts_of(session, "SPREAD") == [-2]


@SIDES
def test_a_post_only_order_that_would_cross_waits_for_its_price(side):
    session, _ = make_market(side)
    decide(session, side, 2, price_for(side, 101), tif=DAY, flags=codes.POST_ONLY)
    assert session.world["ledger"]["theory_lots"] == 0
    session.run(MS)  # refused
    trade_at(session, -side, price_for(side, 101))
    assert totals(session) == (0, 0)


@SIDES
def test_a_limit_that_meets_a_better_price_on_arrival_earns_by_latency(side):
    session, ids = make_market(side, delay_ms=(10, 10))
    decide(session, side, 2, price_for(side, 98), tif=DAY)
    session.stranger_cancels(ids[99])
    session.stranger_cancels(ids[100])
    session.stranger(-side, 2, price_for(side, 97))
    session.run(SECOND)
    assert session.world["ledger"]["filled_lots"] == 2
    assert parts_of(session, *EXECUTION) == [0, 4, 0, 0, 0, 0, 0, 0]


@SIDES
def test_a_stop_is_worth_its_trigger_and_pays_for_what_it_slips(side):
    session, _ = make_market(side)
    decide(session, side, 2, type=STOP, trigger=price_for(side, 102), tif=DAY)
    session.run(MS)
    session.stranger(side, 3, price_for(side, 101), tif=IOC)
    assert totals(session) == (0, 0)
    session.stranger(side, 3, price_for(side, 102), tif=IOC)  # takes all of 102: the stop finds 103
    assert session.world["ledger"]["position"] == 2 * side
    assert parts_of(session, *EXECUTION) == [0, 0, 0, -2 * 2, 0, 0, 0, 0]


@SIDES
def test_a_stop_without_slippage_costs_nothing(side):
    session, _ = make_market(side)
    decide(session, side, 2, type=STOP, trigger=price_for(side, 102), tif=DAY)
    session.run(MS)
    session.stranger(side, 4, price_for(side, 102), tif=IOC)  # 101 and one of three at 102
    assert session.world["ledger"]["position"] == 2 * side
    assert totals(session)[1] == 0


@SIDES
@pytest.mark.parametrize("kind", [STOP, STOP_LIMIT])
def test_a_stop_that_finds_an_empty_side_rests(side, kind):
    session = Session(tape_template(protection_ticks=3))
    session.stranger(side, 5, price_for(side, 100))
    session.stranger(-side, 1, price_for(side, 101))
    session.run(SECOND)
    limit = price_for(side, 105)
    decide(session, side, 2, limit, type=kind, trigger=price_for(side, 102), tif=DAY)
    session.run(MS)
    session.stranger(-side, 1, price_for(side, 102))
    session.stranger(side, 2, price_for(side, 102), tif=IOC)  # the trigger trades, and nobody is left to sell
    session.run(MS)
    assert session.world["ledger"]["filled_lots"] == 0
    assert session.depth(side)[0] == (limit, 2, 1)
    session.stranger(-side, 2, price_for(side, 104))
    session.run(MS)
    assert session.world["ledger"]["position"] == 2 * side
    assert parts_of(session, "QUEUE_WAIT") == [-2 * 2 * 3]  # filled at its limit, three ticks beyond the trigger


@SIDES
def test_a_stop_whose_trigger_the_desk_saw_trade_wants_to_leave_now(side):
    session, _ = make_market(side)
    trade_at(session, -side, price_for(side, 101))
    session.run(SECOND)
    mid = int(session.desk["mid"])
    decide(session, side, 2, type=STOP, trigger=price_for(side, 100), tif=DAY)
    ledger = session.world["ledger"]
    assert (ledger["theory_lots"], ledger["theory_value"]) == (2 * side, 2 * side * mid)
    session.run(MS)
    assert session.desk["last_reason"] == codes.STOP_PRICE  # the exchange refuses it: the desk gets nothing
    assert totals(session) == (0, 0)


@SIDES
def test_a_fill_that_wins_against_a_cancel_is_execution(side):
    session, ids = make_market(side, delay_ms=(10, 10))
    row = decide(session, side, 2, price_for(side, 100), tif=DAY)
    session.run(SECOND)
    session.cancel(row)
    session.run(5 * MS)
    session.stranger_cancels(ids[101])  # 100 / 102
    session.stranger(-side, 12, price_for(side, 100), tif=IOC)  # 99 / 102
    ledger = session.world["ledger"]
    assert (ledger["position"], ledger["theory_lots"]) == (2 * side, 2 * side)
    assert totals(session) == (0, 2 * (201 - 200))  # bought at 100 by accident, in theory at the mid when it was over
    session.stranger_cancels(ids[102])
    assert totals(session) == (2, 2)


@SIDES
def test_a_moved_limit_is_worth_its_new_price_from_the_decision_on(side):
    session, _ = make_market(side, delay_ms=(10, 10))
    row = decide(session, side, 2, price_for(side, 98), tif=DAY)
    session.run(SECOND)
    session.replace(row, 2, price_for(side, 99))
    assert session.world["ledger"]["low_ticks" if side > 0 else "high_ticks"] == price_for(side, 99)
    session.stranger(-side, 11, price_for(side, 99), tif=IOC)  # 99 trades while the move is on its way
    assert session.world["ledger"]["theory_lots"] == 2 * side
    session.run(SECOND)
    assert session.world["ledger"]["position"] == 0


@SIDES
def test_an_order_made_larger_after_it_was_touched_has_two_prices(side):
    session, _ = make_market(side)
    row = decide(session, side, 2, price_for(side, 100), tif=DAY)
    session.run(MS)
    session.stranger(-side, 1, price_for(side, 100), tif=IOC)
    session.replace(row, 5, price_for(side, 98))
    session.run(MS)
    session.stranger(-side, 24, price_for(side, 98), tif=IOC)
    ledger = session.world["ledger"]
    assert ledger["filled_lots"] == 5
    assert ledger["theory_value"] == side * (2 * 2 * price_for(side, 100) + 3 * 2 * price_for(side, 98))
    assert totals(session)[1] == 2 * 4  # two lots at 98 that were wished for at 100


@SIDES
def test_orders_of_a_parent_are_no_decisions(side):
    session, _ = make_market(side)
    session.open_intent(side, 4)
    row = session.order(side, 4, price_for(side, 98))
    session.run(MS)
    session.replace(row, 4, price_for(side, 97))
    session.cancel(row)
    session.run(MS)
    ledger = session.world["ledger"]
    assert (ledger["theory_lots"], ledger["theory_value"]) == (4 * side, 4 * side * 201)
