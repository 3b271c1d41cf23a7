"""The ledger's parts, worked out by hand. Prices are those a buyer sees; a seller's are mirrored around 100.5."""

import pytest

from tests.core.session import Session
from tests.core.worlds import MS, SECOND, tape_template
from twin_env.core import ledger
from twin_env.core.faults.modifiers import REPORT_LOSS
from twin_env.core.state import codes
from twin_env.core.state.codes import BUY, IOC, MARKET, SELL

SIDES = pytest.mark.parametrize("side", [BUY, SELL], ids=["buy", "sell"])


def price_for(side, price):
    return price if side == BUY else 201 - price


def make_market(side, **config):
    """Bids of 10 at 100 and 99, offers of 3 at 101, 102, 103 and 104 (for a buyer)."""
    session = Session(tape_template(**config))
    ids = {price: session.stranger(side, 10, price_for(side, price)) for price in (99, 100)}
    offers = {price: session.stranger(-side, 3, price_for(side, price)) for price in (101, 102, 103, 104)}
    session.run(SECOND)
    assert session.desk["mid"] == 201
    return session, ids | offers


def parts_of(session, *names):
    split = session.split() // 500_000  # back to half-ticks x lots
    return [int(split[getattr(ledger, name)]) for name in names]


@SIDES
def test_the_parts_of_an_order_that_takes(side):
    session, ids = make_market(side, delay_ms=(10, 10))
    session.open_intent(side, 8)
    session.stranger_cancels(ids[101])  # 100 / 102: the mid moved a half tick before the order is sent
    session.order(side, 5, type=MARKET, tif=IOC)
    session.run(5 * MS)
    session.stranger_cancels(ids[102])  # 100 / 103: another half tick before it arrives
    session.run(5 * MS)
    # 3 lots at 103 and 2 at 104 = 1034 half-ticks x lots paid above zero; then 100 / 104.
    assert session.world["ledger"]["filled_lots"] == 5
    assert parts_of(session, "TIMING", "LATENCY", "SPREAD", "IMPACT") == [-5, -5, -15, -4]
    assert parts_of(session, "QUEUE_WAIT", "SPREAD_EARNED", "FEES") == [0, 0, 0]
    assert parts_of(session, "OPPORTUNITY", "STRATEGY") == [-9, 24]
    assert parts_of(session, "NET", "EXECUTION") == [5 * 204 - 1034, -38]


@SIDES
def test_the_parts_of_an_order_that_rests(side):
    session, ids = make_market(side, delay_ms=(10, 10), maker_fee_micro=500_000)
    session.open_intent(side, 4)
    session.order(side, 4, price_for(side, 100))
    session.run(SECOND)
    session.stranger_cancels(ids[101])  # 100 / 102
    session.stranger_cancels(ids[100])  # the order is alone at the touch
    session.stranger(-side, 3, price_for(side, 100), tif=IOC)
    # 3 of 4 filled at 100 with the mid at 101: the market came half a tick against nobody, it rose by 1 half-tick.
    assert parts_of(session, "TIMING", "LATENCY", "SPREAD", "IMPACT") == [0, 0, 0, 0]
    assert parts_of(session, "QUEUE_WAIT", "SPREAD_EARNED", "FEES") == [-3 * (202 - 201), 3 * (202 - 200), -3]
    assert parts_of(session, "STRATEGY", "OPPORTUNITY") == [3 * 1 + 1 * 1, -1]
    assert parts_of(session, "NET") == [3 * (202 - 200) - 3]


@SIDES
def test_an_order_that_takes_and_then_rests_is_booked_as_both(side):
    session, _ = make_market(side)
    session.open_intent(side, 5)
    session.order(side, 5, price_for(side, 101))
    session.run(MS)  # 3 taken at 101; 2 rest there: 101 / 102
    assert parts_of(session, "SPREAD", "IMPACT", "SPREAD_EARNED") == [-3, 0, 0]
    session.stranger(-side, 2, price_for(side, 101), tif=IOC)
    assert session.world["ledger"]["taker_lots"] == 3
    assert parts_of(session, "SPREAD", "QUEUE_WAIT", "SPREAD_EARNED") == [-3, -2 * (203 - 201), 2 * (203 - 202)]


@SIDES
def test_moving_an_order_turns_no_waiting_into_timing(side):
    """Timing and latency are told from its first send and arrival; all that passed since then was waiting."""
    session, ids = make_market(side, delay_ms=(10, 10))
    session.open_intent(side, 3)
    row = session.order(side, 3, price_for(side, 99))
    session.run(SECOND)
    session.stranger_cancels(ids[101])  # 100 / 102
    session.replace(row, 3, price_for(side, 102))
    session.run(5 * MS)
    session.stranger(side, 1, price_for(side, 101))  # 101 / 102 when it arrives
    session.run(5 * MS)
    assert parts_of(session, "TIMING", "LATENCY", "SPREAD", "IMPACT") == [0, 0, -3, 0]
    assert parts_of(session, "QUEUE_WAIT", "SPREAD_EARNED") == [-6, 0]


@SIDES
def test_an_order_in_a_row_that_was_used_before_is_told_from_its_own_send(side):
    session, ids = make_market(side, delay_ms=(10, 10))
    session.open_intent(side, 4)
    first = session.order(side, 1, type=MARKET, tif=IOC)
    session.run(SECOND)
    session.stranger_cancels(ids[101])  # 100 / 102
    assert session.order(side, 1, type=MARKET, tif=IOC) == first
    session.run(SECOND)
    # The second waited while the mid went up half a tick, and met its own market: one tick from mid to offer.
    assert parts_of(session, "TIMING", "LATENCY", "QUEUE_WAIT", "SPREAD", "IMPACT") == [-1, 0, 0, -1 - 2, 0]


@SIDES
def test_the_wait_of_a_parents_stop_is_timing(side):
    session, _ = make_market(side)
    session.open_intent(side, 2)
    session.order(side, 2, type=codes.STOP, trigger=price_for(side, 102), tif=IOC)
    session.run(MS)
    session.stranger(side, 3, price_for(side, 101), tif=IOC)  # 100 / 102
    session.stranger(side, 1, price_for(side, 102), tif=IOC)  # reaches the trigger; 2 are left at 102
    assert session.world["ledger"]["filled_lots"] == 2
    # From the mid of the decision (201) to the trigger (204), from there to the mid and the touch it met (202, 204).
    assert parts_of(session, "TIMING", "LATENCY", "SPREAD", "IMPACT") == [-2 * 3, 2 * 2, -2 * 2, 0]


@SIDES
def test_an_unfilled_intent_costs_what_the_market_moved(side):
    session, ids = make_market(side)
    session.open_intent(side, 7)
    session.stranger_cancels(ids[101])
    session.stranger_cancels(ids[102])
    assert parts_of(session, "STRATEGY", "OPPORTUNITY", "NET") == [14, -14, 0]
    session.close_intent()
    session.stranger_cancels(ids[103])
    assert parts_of(session, "STRATEGY", "OPPORTUNITY", "NET") == [14, -14, 0]


@SIDES
def test_an_empty_side_is_marked_at_its_last_touch_and_counted(side):
    session, _ = make_market(side)
    session.open_intent(side, 13)
    session.order(side, 12, price_for(side, 104))
    session.run(MS)
    assert session.depth(-side) == []
    before = int(session.world["ledger"]["substituted"])
    session.close_intent()
    assert session.world["ledger"]["substituted"] == before + 1
    assert parts_of(session, "OPPORTUNITY") == [-(204 - 201)]  # of the last lot, at 100 and the last offer, 104


@SIDES
def test_marks_at_the_last_touch_of_an_empty_side_are_counted(side):
    """One where an order arrives, one where it is filled at rest, none while both sides stand."""
    session = Session(tape_template())
    ledger = session.world["ledger"]
    session.stranger(side, 5, price_for(side, 100))
    session.order(side, 3, price_for(side, 101))
    session.run(MS)
    assert ledger["substituted"] == 1
    session.stranger(-side, 1, price_for(side, 101), tif=IOC)
    assert ledger["substituted"] == 2
    session.stranger(-side, 5, price_for(side, 103))
    session.stranger(-side, 1, price_for(side, 101), tif=IOC)
    session.order(side, 1, price_for(side, 99))
    session.run(MS)
    assert ledger["filled_lots"] == 2 and ledger["substituted"] == 2


@SIDES
def test_an_intent_opened_again_is_open(side):
    session, ids = make_market(side)
    session.open_intent(side, 7)
    session.close_intent()
    session.open_intent(side, 7)
    session.stranger_cancels(ids[101])
    assert parts_of(session, "STRATEGY", "OPPORTUNITY") == [7, -7]


@SIDES
def test_a_request_leaves_before_another_arrives_in_the_same_nanosecond(side):
    """The first takes the offer at 101 when the second leaves: that move is latency of the second, not timing."""
    session, _ = make_market(side, delay_ms=(10, 10))
    for intent in (0, 1):
        session.open_intent(side, 3, intent=intent)
    session.order(side, 3, price_for(side, 101), tif=IOC, intent=0)
    session.desk["decision_ns"] = 10 * MS
    session.order(side, 3, price_for(side, 102), tif=IOC, intent=1)
    session.run(SECOND)
    assert session.world["ledger"]["filled_lots"] == 6
    assert parts_of(session, "TIMING", "LATENCY") == [0, -3]


def test_rejects_are_remembered_until_the_next_answer():
    session, _ = make_market(BUY)
    session.open_intent(BUY, 5)
    intent = session.world["ledger"]["intents"][0]
    session.order(BUY, 5, 101, flags=codes.POST_ONLY)
    session.run(MS)
    assert intent["rejected"] == 1 and session.desk["last_reason"] == codes.WOULD_CROSS
    session.order(BUY, 5, 99)
    session.run(MS)
    assert intent["rejected"] == 0


def test_a_reject_is_one_whether_the_desk_hears_of_it_or_not():
    session, _ = make_market(BUY)
    session.open_intent(BUY, 5)
    session.world["modifiers"][REPORT_LOSS] = 1.0
    session.world["chaos"]["wires_modified"] = 1
    session.order(BUY, 5, 101, flags=codes.POST_ONLY)
    session.run(MS)
    assert session.world["chaos"]["reports_lost"] == 1
    assert session.desk["rejects"] == 0
    assert session.world["ledger"]["intents"][0]["rejected"] == 1


def test_a_reject_is_one_before_the_desk_hears_of_it():
    session, _ = make_market(BUY, delay_ms=(10, 10))
    session.open_intent(BUY, 5)
    intent = session.world["ledger"]["intents"][0]
    session.order(BUY, 5, 101, flags=codes.POST_ONLY)
    session.run(9 * MS)
    assert intent["rejected"] == 0
    session.run(2 * MS)
    assert intent["rejected"] == 1 and session.desk["rejects"] == 0
