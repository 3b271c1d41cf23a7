"""Brackets and orders that cancel each other, worked out by hand: at the desk, at the exchange, and in theory.

Prices are those a buyer sees; a seller's are mirrored around 100.5. The market stands at 100 / 101, mid 201 half-ticks.
"""

from tests.core.session import Session
from tests.core.soundness import assert_sound
from tests.core.test_intents import decide, totals, trade_at
from tests.core.test_ledger_answers import SIDES, make_market, parts_of, price_for
from tests.core.worlds import MS, SECOND, tape_template
from twin_env.core.desk.desk import FREE, HELD, LIVE
from twin_env.core.state.codes import DAY, IOC, LIMIT, MARKET, PRINT, STOP
from twin_env.reference.messages import Message


def bracket(session, side, lots=1, *, target=103, stop=98, **entry):
    """Send an entry (at market, by default) with exits at prices; return the rows of all three."""
    entry = {"type": MARKET, "tif": IOC} | entry
    row = decide(session, side, lots, **entry)
    session.attach_exits(row, price_for(side, target), price_for(side, stop))
    client = int(session.row(row)["client"])
    clients = session.desk["orders"]["client"].tolist()
    return [row, clients.index(client + 1), clients.index(client + 2)]


def states(session, rows):
    return [int(session.row(row)["state"]) for row in rows]


@SIDES
def test_the_example_of_the_design(side):
    """Long from 100; the target trades and does not fill, the stop fills at 97.8: strategy +3, execution -5.2.

    Here the tick is 1 and the stop fills at 97: strategy +3, execution -6, in ticks.
    """
    session = Session(tape_template())
    session.stranger(side, 1, price_for(side, 99))
    session.stranger(-side, 1, price_for(side, 101))
    session.run(SECOND)
    row = decide(session, side, 1, type=MARKET, tif=IOC)  # at the mid, 100
    session.attach_exits(row, price_for(side, 103), price_for(side, 98))
    session.stranger(-side, 5, price_for(side, 103))  # five lots before the target
    session.run(MS)
    assert session.world["ledger"]["position"] == side
    spread = parts_of(session, "SPREAD")[0]
    session.stranger(side, 2, price_for(side, 103), tif=IOC)  # the target trades, three lots ahead
    assert totals(session) == (2 * 3, -2 * 3 + 2 + spread)  # 99 / 103: held, and worth a tick
    session.stranger(-side, 1, price_for(side, 99), tif=IOC)
    session.stranger(side, 2, price_for(side, 97))
    session.stranger(-side, 1, price_for(side, 97), tif=IOC)  # through the stop
    session.run(MS)
    assert session.world["ledger"]["position"] == 0
    assert session.desk["live"] == 0
    assert totals(session) == (2 * 3, -2 * 6 + spread)
    assert_sound(session.world)


@SIDES
def test_had_the_trader_cancelled_both(side):
    """Theory buys back at the mid when the group ends, and sells again with the market order: +3."""
    session, ids = make_market(side)
    rows = bracket(session, side, target=102, stop=98)
    session.run(MS)  # bought at 101, wished for 100.5
    session.stranger(side, 2, price_for(side, 101), tif=IOC)  # what is left at 101
    session.stranger(side, 2, price_for(side, 102), tif=IOC)  # the target trades; it is behind three lots
    assert totals(session)[0] == 204 - 201
    for row in rows[1:]:
        session.cancel(row)
    session.run(MS)
    assert session.desk["live"] == 0
    ledger = session.world["ledger"]
    assert (ledger["theory_lots"], ledger["position"]) == (side, side)
    before = totals(session)
    session.stranger_cancels(ids[100])  # 99 / 102
    session.run(MS)
    decide(session, -side, 1, type=MARKET, tif=IOC)
    session.run(MS)
    assert ledger["position"] == ledger["theory_lots"] == 0
    strategy, execution = totals(session)
    assert strategy == before[0] + (99 + 102) - (100 + 102)  # long in theory, too, from the cancel to the sale
    assert strategy + execution == 2 * (99 - 101)


@SIDES
def test_exits_are_sent_for_what_the_entry_filled(side):
    session, _ = make_market(side, delay_ms=(10, 10))
    rows = bracket(session, side, 2)
    assert states(session, rows[1:]) == [HELD, HELD]
    session.run(15 * MS)  # the entry is filled, the desk does not know
    assert states(session, rows[1:]) == [HELD, HELD]
    session.run(40 * MS)
    assert states(session, rows) == [FREE, LIVE, LIVE]
    target, stop = (session.row(row) for row in rows[1:])
    assert (target["type"], target["side"], target["lots"], target["price"]) == (LIMIT, -side, 2, price_for(side, 103))
    assert (stop["type"], stop["side"], stop["lots"], stop["trigger"]) == (STOP, -side, 2, price_for(side, 98))
    assert session.world["stop_count"] == 1
    assert_sound(session.world)


@SIDES
def test_a_filled_target_ends_the_stop_and_earns_strategy(side):
    session, _ = make_market(side)
    rows = bracket(session, side, target=102)
    session.run(MS)
    session.stranger(side, 6, price_for(side, 102), tif=IOC)  # 2 at 101, 3 at 102 before ours, ours
    session.run(MS)
    assert states(session, rows) == [FREE, FREE, FREE]
    assert session.world["stop_count"] == 0 and session.world["live_orders"] == 4
    assert session.world["ledger"]["position"] == 0
    assert totals(session) == (204 - 201, -1)  # sold at the target; bought half a tick above the mid
    assert parts_of(session, "QUEUE_WAIT", "SPREAD_EARNED") == [0, 0]


@SIDES
def test_a_filled_stop_ends_the_target(side):
    session, _ = make_market(side)
    rows = bracket(session, side, target=103, stop=99)
    session.run(MS)
    session.stranger(-side, 11, price_for(side, 99), tif=IOC)  # all of 100, one of 99
    session.run(MS)
    assert states(session, rows) == [FREE, FREE, FREE]
    assert session.world["ledger"]["position"] == 0
    assert totals(session) == (198 - 201, -1)


@SIDES
def test_an_entry_that_fills_in_parts_has_exits_for_each(side):
    session, _ = make_market(side)
    rows = bracket(session, side, 3, type=LIMIT, tif=DAY, price=price_for(side, 99), target=102, stop=97)
    session.run(MS)
    session.stranger(-side, 21, price_for(side, 99), tif=IOC)  # 10 at 100, 10 at 99, one of ours
    session.run(MS)
    assert [int(session.row(row)["lots"]) for row in rows[1:]] == [1, 1]
    assert session.world["ledger"]["theory_lots"] == 3 * side  # in theory all of it
    session.stranger(-side, 2, price_for(side, 99), tif=IOC)
    session.run(MS)
    assert [int(session.row(row)["lots"]) for row in rows[1:]] == [3, 3]
    trade_at(session, -side, price_for(side, 97))
    session.run(SECOND)
    assert session.desk["group_left"].tolist()[0] == int(abs(session.desk["position"]))
    assert_sound(session.world)


@SIDES
def test_exits_of_an_entry_that_never_fills_are_dropped(side):
    session, _ = make_market(side)
    rows = bracket(session, side, type=LIMIT, tif=DAY, price=price_for(side, 98))
    session.run(MS)
    session.cancel(rows[0])
    session.run(MS)
    assert states(session, rows) == [FREE, FREE, FREE] and session.desk["live"] == 0
    trade_at(session, -side, price_for(side, 103))
    assert totals(session) == (0, 0)


@SIDES
def test_an_entry_that_was_touched_and_not_filled_goes_on_in_theory_to_its_exit(side):
    session, _ = make_market(side)
    rows = bracket(session, side, type=LIMIT, tif=DAY, price=price_for(side, 100), target=101, stop=97)
    session.run(MS)
    session.stranger(-side, 1, price_for(side, 100), tif=IOC)  # nine lots are still before ours
    session.stranger(side, 1, price_for(side, 101), tif=IOC)
    assert totals(session) == (2, -2)
    session.cancel(rows[0])
    session.run(MS)
    assert session.desk["live"] == 0
    assert totals(session) == (2, -2)


@SIDES
def test_an_exit_that_was_cancelled_leaves_the_other(side):
    session, _ = make_market(side)
    rows = bracket(session, side, target=102)
    session.run(MS)
    session.cancel(rows[1])
    session.run(MS)
    assert states(session, rows) == [FREE, FREE, LIVE]
    session.stranger(side, 6, price_for(side, 102), tif=IOC)
    assert session.world["ledger"]["theory_lots"] == side  # nobody wants the target any more
    session.stranger(side, 5, price_for(side, 98))
    session.stranger(-side, 21, price_for(side, 98), tif=IOC)
    session.run(MS)
    assert session.world["ledger"]["theory_lots"] == session.world["ledger"]["position"] == 0


@SIDES
def test_a_held_exit_can_be_moved_and_cancelled(side):
    session, _ = make_market(side, delay_ms=(10, 10))
    rows = bracket(session, side)
    session.replace(rows[1], 1, price_for(side, 102))
    session.cancel(rows[2])
    assert states(session, rows[1:]) == [HELD, FREE]
    session.run(SECOND)
    assert states(session, rows[1:]) == [LIVE, FREE]
    assert session.row(rows[1])["price"] == price_for(side, 102)


@SIDES
def test_the_first_of_two_orders_that_fills_cancels_the_other(side):
    session, _ = make_market(side, delay_ms=(10, 10))
    buy = decide(session, side, 2, type=STOP, trigger=price_for(side, 102), tif=DAY)
    sell = decide(session, -side, 2, type=STOP, trigger=price_for(side, 98), tif=DAY)
    session.pair(buy, sell)
    session.run(SECOND)
    assert session.world["stop_count"] == 2
    session.stranger(side, 4, price_for(side, 102), tif=IOC)
    assert session.world["ledger"]["position"] == 2 * side
    assert session.world["stop_count"] == 1  # the desk has not heard of the fill
    session.run(SECOND)
    assert session.world["stop_count"] == 0 and session.desk["live"] == 0
    assert session.world["ledger"]["theory_lots"] == 2 * side


@SIDES
def test_both_of_two_orders_can_fill_before_the_cancel_arrives_and_theory_has_one(side):
    session, _ = make_market(side, delay_ms=(10, 10))
    buy = decide(session, side, 1, type=STOP, trigger=price_for(side, 102), tif=DAY)
    sell = decide(session, -side, 1, type=STOP, trigger=price_for(side, 98), tif=DAY)
    session.pair(buy, sell)
    session.run(SECOND)
    session.stranger(side, 4, price_for(side, 102), tif=IOC)
    session.stranger(side, 5, price_for(side, 98))
    session.stranger(-side, 21, price_for(side, 98), tif=IOC)
    assert session.world["ledger"]["position"] == 0
    session.run(SECOND)
    ledger = session.world["ledger"]
    assert (ledger["position"], ledger["theory_lots"]) == (0, 0)
    # Bought at 102 as wished; sold at 98 by accident, in theory at the mid of 98 / 102.
    assert totals(session) == (200 - 204, 196 - 200)


@SIDES
def test_the_trade_that_fills_an_entry_reaches_none_of_its_exits(side):
    """A gap through entry and target in one print: in theory the target waits for the next trade."""
    session, _ = make_market(side, delay_ms=(10, 10))
    row = decide(session, side, 1, type=STOP, trigger=price_for(side, 102), tif=DAY)
    session.attach_exits(row, price_for(side, 103))
    ledger = session.world["ledger"]
    session.tell(Message(kind=PRINT, side=side, lots=1, price=price_for(side, 104)))
    assert (ledger["theory_lots"], ledger["theory_value"]) == (side, 2 * side * price_for(side, 102))
    session.tell(Message(kind=PRINT, side=side, lots=1, price=price_for(side, 104)))
    assert (ledger["theory_lots"], ledger["theory_value"]) == (
        0,
        2 * (price_for(side, 102) - price_for(side, 103)) * side,
    )
