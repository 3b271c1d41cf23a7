"""Far prices, deep books, empty sides and full capacities: slow perhaps, wrong never."""

import numpy as np
import pytest

from tests.core.session import Session, levels_of
from tests.core.soundness import assert_mirrored, assert_sound
from tests.core.traders import Account
from tests.core.worlds import (
    DRIVEN,
    FLOW_START,
    MS,
    SECOND,
    START_NS,
    book_template,
    flow_template,
    tape_template,
    to_tape,
)
from twin_env.core.exchange import exchange
from twin_env.core.state import codes, layout
from twin_env.core.state.codes import BUY, FOK, IOC, MARKET, MAX_LOTS, MAX_PRICE_TICKS, SELL
from twin_env.core.state.layout import ACTORS, HISTORY
from twin_env.reference import Message, ReferenceExchange

SIDES = pytest.mark.parametrize("side", [BUY, SELL], ids=["buy", "sell"])
CENTRES = pytest.mark.parametrize("centre", [43_000, 3, 0, -500, MAX_PRICE_TICKS - 500, -MAX_PRICE_TICKS + 500])


def play(template, rows, room=1000):
    """Return the compiled exchange's events, of which there are at most 4 a row and ``room`` more."""
    events = np.zeros(4 * len(rows) + room, layout.EVENT)
    count = exchange.handle_all(template, 0, to_tape(rows), events)
    assert count <= len(events)
    return events[:count].tolist()


def reference(profile, protection_ticks=3):
    capacities = {"max_orders": profile.orders, "max_levels": profile.levels, "max_stops": profile.stops}
    return ReferenceExchange(protection_ticks=protection_ticks, **capacities)


def assert_like_the_reference(profile, messages):
    """Same events, same depth, and a sound world; return both."""
    template, plain = book_template(profile), reference(profile)
    events = play(template, to_tape(messages))
    assert events == [event for message in messages for event in plain.handle(message)]
    world = template[0]
    for side in (BUY, SELL):
        assert levels_of(world["book"], side) == plain.depth(side, profile.levels)
    assert_sound(world)
    return world, events


def limit(order, side, price, lots=1, **fields):
    return Message(kind=codes.NEW, order=order, side=side, price=price, lots=lots, **fields)


# Far prices.


@SIDES
def test_orders_at_every_distance_rest_and_trade_in_order(side):
    distances = [0, 1, 2, 15, 16, 17, 200, 5_000, 10**6, 10**9, MAX_PRICE_TICKS]
    order = np.random.default_rng(1).permutation(len(distances))
    messages = [limit(i, side, -side * distances[place]) for i, place in enumerate(order)]
    taker = limit(20, -side, -side * MAX_PRICE_TICKS, lots=len(distances), tif=IOC)
    world, events = assert_like_the_reference(DRIVEN, [*messages, taker])
    trades = [event[1] for event in events if event[5] == codes.TRADED]
    assert trades == [-side * distance for distance in distances]
    assert world["live_orders"] == 0 and world["book"]["count"].tolist() == [0, 0]


@SIDES
@pytest.mark.parametrize("field", ["price", "trigger", "lots"])
def test_the_largest_values_pass_and_one_more_is_refused(side, field):
    largest = {"price": MAX_PRICE_TICKS, "trigger": side * MAX_PRICE_TICKS, "lots": MAX_LOTS}[field]
    kind = codes.STOP_LIMIT if field == "trigger" else codes.LIMIT
    for value, event_kind in ((largest, codes.ACCEPTED), (largest + (1 if largest > 0 else -1), codes.REJECTED)):
        message = limit(0, side, 5, type=kind, trigger=side * 9)._replace(**{field: value})
        _, events = assert_like_the_reference(DRIVEN, [message])
        assert [event[5] for event in events] == [event_kind]


@SIDES
def test_lots_of_the_largest_size_add_up(side):
    """A whole level of the largest orders is swept without an overflow."""
    makers = [limit(i, side, 10, lots=MAX_LOTS) for i in range(50)]
    takers = [limit(100 + i, -side, 10, lots=MAX_LOTS, tif=FOK) for i in range(51)]
    world, events = assert_like_the_reference(DRIVEN, [*makers, *takers])
    assert world["traded_lots"] == 50 * MAX_LOTS
    assert events[-1][6] == codes.FOK_UNFILLABLE


@CENTRES
def test_the_place_of_zero_means_nothing(centre):
    """The same flow around any price: the same events, moved."""

    def moved_events(around):
        session = Session(flow_template(delay_ms=(1, 90)), seed=4, **{**FLOW_START, "price_ticks": around})
        seen = []
        for _ in range(30):
            session.run(SECOND)
            seen += [event._replace(price=event.price - around) for event in session.events()]
        assert_sound(session.world)
        session.settle()
        assert_mirrored(session.world)
        return seen

    assert moved_events(centre) == moved_events(10**6)


# Big moves.


@pytest.mark.jit
@SIDES
def test_a_market_that_moves_by_half_goes_on_there(side):
    """One order drives the price from 43,000 to 64,500 or 21,500; the flow follows and the old book fades."""
    session = Session(flow_template(delay_ms=(1, 90)), seed=2, **FLOW_START)
    target = 43_000 + side * 21_500
    everything = sum(lots for _, lots, _ in session.depth(-side))
    session.stranger(side, everything + 5, target)
    assert session.depth(side)[0][0] == target
    assert session.depth(-side) == []
    for _ in range(90):
        session.run(10 * SECOND)
        assert_sound(session.world)
    assert abs(session.mid_half_ticks - 2 * target) < 400
    assert not session.world["rejects"].any()
    assert all(abs(price - target) < 400 for price, _, _ in session.depth(side)), "the old book is still there"
    session.settle()
    assert_mirrored(session.world)


@SIDES
def test_a_price_that_falls_through_zero(side):
    """Twenty pushes of about 30 ticks each from +250 across zero and down below -250, with the desk trading on."""
    start = {**FLOW_START, "price_ticks": side * 250}
    session = Session(flow_template(delay_ms=(1, 30), taker_fee_micro=100), seed=6, **start)
    account = Account(session)
    session.open_intent(-side, 200)
    mids = []
    for push in range(20):
        best = session.depth(side)[0][0]
        session.stranger(-side, 200, best - side * 30, tif=IOC)
        session.stranger(-side, 1, best - side * 30)
        session.run(4 * SECOND)
        session.order(-side, 2, type=MARKET, tif=IOC)
        session.run(SECOND)
        account.read()
        mids.append(session.mid_half_ticks)
        assert session.split()[0] == account.net_micro(), f"push {push}"
        assert_sound(session.world)
    assert side * mids[0] > 0 > side * mids[-1]
    assert account.lots > 10
    session.settle()
    assert_mirrored(session.world)


# Deep books.


def ladder_of_orders(count, prices, seed):
    """``count`` resting orders, half on each side, over ``prices`` distinct prices a side, in random order."""
    rng = np.random.default_rng(seed)
    rows = np.zeros(count, layout.MESSAGE)
    rows["kind"], rows["order"], rows["row"] = codes.NEW, np.arange(count), layout.NONE
    places = rng.permutation(count)
    rows["side"] = np.where(places % 2 == 0, BUY, SELL)
    rows["price"] = -rows["side"].astype(np.int64) * (1 + places // 2 % prices)
    rows["lots"] = rng.integers(1, 10, count)
    rows["ts_ns"] = START_NS - count + np.arange(count)
    return rows


@pytest.mark.jit
@pytest.mark.parametrize("prices", [30_000, 1])
def test_a_hundred_thousand_resting_orders(prices):
    """At 60,000 distinct prices (30,000 a side), and at one price a side: built, thinned out, swept, emptied."""
    count = 100_000
    rows = ladder_of_orders(count, prices, seed=prices)
    template = book_template(HISTORY)
    assert len(play(template, rows)) == count
    world = template[0]
    assert world["live_orders"] == count and world["book"]["count"].tolist() == [prices, prices]
    assert_sound(world)

    rng = np.random.default_rng(1)
    cancels = np.zeros(count // 2, layout.MESSAGE)
    cancels["kind"], cancels["order"] = codes.CANCEL, rng.permutation(count)[: count // 2]
    events = play(template, cancels)
    assert {(event[5], event[6]) for event in events} == {(codes.CANCELLED, codes.BY_USER)}
    assert_sound(world)

    alive = np.setdiff1d(np.arange(count), cancels["order"])
    bids = rows[alive][rows[alive]["side"] == BUY]
    priority = bids[np.lexsort((bids["order"], -bids["price"]))]
    parts = np.array_split(priority, 10)  # no message has more events than the world keeps
    sweeps = [limit(count + i, SELL, -prices, int(part["lots"].sum()), tif=FOK) for i, part in enumerate(parts)]
    events = [event for event in play(template, to_tape(sweeps), room=count) if event[5] == codes.TRADED]
    assert [(event[4], event[1], event[2]) for event in events] == priority[["order", "price", "lots"]].tolist()
    assert world["book"]["count"][0] == 0
    assert_sound(world)


@pytest.mark.jit
def test_the_desk_in_a_book_of_a_hundred_thousand_orders():
    """A history of 60,000 levels, a desk that sweeps hundreds of them, and a mirror that stays true."""
    count = 100_000
    rows = ladder_of_orders(count, 30_000, seed=3)
    session = Session(tape_template(HISTORY, tape_orders=count, delay_ms=(5, 5)), to_tape(rows))
    assert_mirrored(session.world)
    offers = session.depth(SELL)
    sought = sum(lots for _, lots, _ in offers[:600])
    session.open_intent(BUY, sought)
    row = session.order(BUY, sought, offers[599][0])
    session.run(SECOND)
    account_lots = int(session.world["ledger"]["filled_lots"])
    assert account_lots == sought == session.desk["position"]
    assert session.desk["notional"] == sum(price * lots for price, lots, _ in offers[:600])
    assert session.row(row)["state"] == 0
    assert session.depth(SELL)[0] == offers[600]
    assert session.desk["gaps"] == 0
    assert_mirrored(session.world)
    assert_sound(session.world)


@pytest.mark.jit
@SIDES
def test_a_stream_over_a_wide_book_is_the_references(side):
    """Adds, cancels, replaces and sweeps over 100,000 ticks, in the profile made for it."""
    rng = np.random.default_rng(8)
    count = 30_000
    rows = ladder_of_orders(count, 10_000, seed=5)
    rows["price"] *= side * rng.integers(1, 11, count)
    rows["side"] *= side
    rows["kind"] = rng.choice([codes.NEW, codes.CANCEL, codes.REPLACE], count, p=[0.7, 0.1, 0.2])
    rows["order"] = np.where(rows["kind"] == codes.NEW, rows["order"], rng.integers(0, count, count))
    sweeps = rng.random(count) < 0.01
    rows["price"][sweeps] *= -1
    rows["lots"][sweeps] = 300
    world, events = assert_like_the_reference(HISTORY, [Message(*row) for row in rows.tolist()])
    assert sum(event[5] == codes.TRADED for event in events) > 1_000
    assert max(world["book"]["count"]) > 3_000


@SIDES
def test_one_order_sweeps_every_level_there_is_room_for(side):
    levels = DRIVEN.levels
    makers = [limit(i, -side, side * i, lots=1 + i % 3) for i in range(levels)]
    total = sum(message.lots for message in makers)
    world, events = assert_like_the_reference(DRIVEN, [*makers, limit(500, side, side * levels, lots=total + 7)])
    assert sum(event[5] == codes.TRADED for event in events) == levels
    assert levels_of(world["book"], side) == [(side * levels, 7, 1)]


# Thin books.


@SIDES
def test_an_empty_book_answers(side):
    session = Session(tape_template(delay_ms=(1, 1)), price_ticks=100)
    session.order(side, 3, type=MARKET, tif=IOC)
    session.run(SECOND)
    assert session.world["rejects"][codes.NO_OPPOSITE] == 1
    session.order(side, 3, 100, tif=IOC)
    session.order(side, 3, 100, tif=FOK)
    session.run(SECOND)
    assert session.world["rejects"][codes.FOK_UNFILLABLE] == 1
    assert session.desk["position"] == 0 and session.desk["live"] == 0
    assert session.mid_half_ticks == 201
    assert_sound(session.world)


@SIDES
def test_a_flow_with_one_side_gone_refills_it(side):
    session = Session(flow_template(delay_ms=(1, 90)), seed=3, **FLOW_START)
    before = session.mid_half_ticks
    session.stranger(side, sum(lots for _, lots, _ in session.depth(-side)), 43_000 + side * 1000, tif=IOC)
    assert session.depth(-side) == []
    session.run(60 * SECOND)
    assert len(session.depth(-side)) > 2 and abs(session.mid_half_ticks - before) < 200
    assert_sound(session.world)


@SIDES
def test_a_book_of_one_lot(side):
    session = Session(tape_template(delay_ms=(1, 1)))
    session.stranger(-side, 1, 100)
    session.run(SECOND)
    rows = [session.order(side, 1, type=MARKET, tif=IOC) for _ in range(2)]
    session.run(SECOND)
    assert session.desk["position"] == side
    assert session.world["rejects"][codes.NO_OPPOSITE] == 1
    assert rows == [0, 1] and session.desk["live"] == 0
    assert session.depth(-side) == session.depth(side) == []
    assert_mirrored(session.world)


# Full capacities: a counted reject, and no wrong fill.


@SIDES
def test_no_room_for_another_level(side):
    session = Session(tape_template(tape_orders=0, delay_ms=(1, 1)))
    for place in range(DRIVEN.levels):
        session.stranger(side, 1, -side * (10 + place))
    session.stranger(-side, 2, side * 10)
    session.order(side, 5, 0)
    session.run(SECOND)
    assert session.world["rejects"][codes.LEVEL_CAPACITY] == 1
    assert session.desk["last_reason"] == codes.LEVEL_CAPACITY and session.desk["live"] == 0
    session.order(side, 1, side * 10)  # would trade in full, and is refused all the same
    session.run(SECOND)
    assert session.world["rejects"][codes.LEVEL_CAPACITY] == 2 and session.desk["position"] == 0
    session.order(side, 1, -side * 10)  # a level that exists
    session.order(side, 1, side * 10, tif=IOC)  # an order that never rests
    session.run(SECOND)
    assert session.desk["position"] == side and session.desk["live"] == 1
    assert_sound(session.world)
    assert_mirrored(session.world)


@SIDES
def test_no_room_for_another_order(side):
    session = Session(tape_template(tape_orders=0, delay_ms=(1, 1)))
    accepted = 0
    while session.world["rejects"][codes.ORDER_CAPACITY] == 0:
        session.stranger(side, 1, 100)
        accepted = int(session.world["live_orders"])
    assert DRIVEN.orders - DRIVEN.rows - ACTORS <= accepted <= DRIVEN.orders
    assert session.depth(side) == [(100, accepted, accepted)]
    session.stranger(-side, 1, 100, tif=IOC)
    assert session.depth(side) == [(100, accepted, accepted)], "an order without a slot must not trade"
    assert session.world["rejects"][codes.ORDER_CAPACITY] == 2
    session.run(SECOND)
    assert_sound(session.world)
    session.stranger_cancels(0)
    assert session.stranger(-side, 1, 100, tif=IOC) >= 0
    assert session.world["traded_lots"] == 1
    assert_sound(session.world)


@SIDES
def test_no_room_for_another_stop(side):
    session = Session(tape_template(delay_ms=(1, 1)))
    for place in range(DRIVEN.stops):
        session.stranger(side, 1, type=codes.STOP, trigger=side * (10 + place))
    row = session.order(side, 1, type=codes.STOP, trigger=side * 9)
    session.run(SECOND)
    assert session.world["rejects"][codes.STOP_CAPACITY] == 1
    assert session.world["stop_count"] == DRIVEN.stops and session.row(row)["state"] == 0
    session.stranger(-side, 1, side * 10)
    session.stranger(side, 1, side * 10)  # elects the nearest, which finds nothing and is gone
    assert session.world["stop_count"] == DRIVEN.stops - 1
    session.order(side, 1, type=codes.STOP, trigger=side * 40)
    session.run(MS * 10)
    assert session.world["stop_count"] == DRIVEN.stops
    assert_sound(session.world)


@pytest.mark.parametrize("order", [-7, 256, 10**6])
def test_a_tape_that_names_a_slot_it_does_not_own_is_refused(order):
    session = Session(tape_template(tape_orders=256))
    events = session.tell(limit(order, BUY, 5))
    assert [(event.kind, event.reason) for event in events] == [(codes.REJECTED, codes.ORDER_CAPACITY)]
    for kind in (codes.CANCEL, codes.REDUCE, codes.REPLACE):
        assert session.tell(Message(kind=kind, order=order, lots=1))[0].reason == codes.UNKNOWN_ORDER
    execution = session.tell(Message(kind=codes.EXECUTE, order=order, side=BUY, price=5, lots=1))
    assert [event.kind for event in execution] == [codes.UNRESOLVED]
    assert session.tell(limit(3, BUY, 5, flags=codes.ENDS_ORDER, tif=IOC))[0].kind == codes.ACCEPTED
    assert_sound(session.world)
