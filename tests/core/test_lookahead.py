"""What the desk knows at a time came from before that time, by the wires, in the order it was sent."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.core.session import Session
from tests.core.soundness import assert_mirrored, assert_sound
from tests.core.traders import RandomTrader, random_tape
from tests.core.worlds import (
    FLOW_START,
    MS,
    SECOND,
    START_NS,
    examples,
    flow_template,
    set_delays,
    tape_template,
    to_tape,
)
from twin_env.core.state import codes
from twin_env.core.state.codes import BUY, IOC, MARKET, SELL
from twin_env.core.state.jit import kernel
from twin_env.core.wire import feed
from twin_env.reference import Message

SIDES = pytest.mark.parametrize("side", [BUY, SELL], ids=["buy", "sell"])
SENT, LIVE = 1, 2
STEP_NS = 150 * MS


def run_with_trader(rows, seed, steps, delay_ms):
    """Return the desk's bytes after every step, and after two seconds more."""
    session = Session(tape_template(delay_ms=delay_ms), to_tape(rows), seed=seed)
    trader, seen = RandomTrader(session, seed), []
    for _ in range(steps):
        trader.act()
        session.run(STEP_NS)
        seen.append(session.desk.tobytes())
    session.run(2 * SECOND)
    return seen, session.desk.tobytes()


@settings(max_examples=examples(20), deadline=None)
@given(
    seed=st.integers(0, 10**6),
    steps=st.integers(1, 60),
    delay_ms=st.sampled_from([(0, 0), (5, 5), (1, 200)]),
)
def test_the_future_does_not_reach_the_desk(seed, steps, delay_ms):
    """Other rows after t: not one byte of the desk differs at t or before; afterwards it does."""
    rows, other = random_tape(seed), random_tape(seed + 1)
    end_ns = START_NS + steps * STEP_NS
    changed = np.concatenate([rows[rows["ts_ns"] <= end_ns], other[other["ts_ns"] > end_ns]])
    seen, later = run_with_trader(rows, seed, steps, delay_ms)
    seen_changed, later_changed = run_with_trader(changed, seed, steps, delay_ms)
    assert seen == seen_changed
    assert later != later_changed


def test_a_removed_future_does_not_reach_the_desk_either():
    rows = random_tape(3)
    cut = rows[rows["ts_ns"] <= START_NS + 20 * STEP_NS]
    assert run_with_trader(rows, 3, 20, (1, 200))[0] == run_with_trader(cut, 3, 20, (1, 200))[0]


@kernel
def ask_for_snapshot(worlds):
    feed.publish_snapshot(worlds[0])


def hand_made(side, **delays):
    """Offers of 10 at 101 against us, bids of 10 at 100 with us (seen by a buyer), and wires as asked."""
    template = tape_template()
    set_delays(template, **delays)
    session = Session(template)
    session.stranger(side, 10, mirror(side, 100))
    session.stranger(-side, 10, mirror(side, 101))
    session.run(5 * SECOND)
    return session


def mirror(side, price):
    return price if side == BUY else 201 - price


@SIDES
def test_the_exchange_knows_a_fill_before_the_desk_does(side):
    session = hand_made(side, order_link=(10, 10), report_link=(30, 30), market_data_link=(20, 20))
    row = session.order(side, 4, mirror(side, 101))
    session.run(10 * MS)
    assert session.world["ledger"]["filled_lots"] == 4
    assert (session.row(row)["state"], session.row(row)["filled"], session.desk["position"]) == (SENT, 0, 0)
    assert session.mirror(-side) == [(mirror(side, 101), 10)]
    session.run(20 * MS)
    assert session.mirror(-side) == [(mirror(side, 101), 6)]  # the tape told it first
    assert session.desk["position"] == 0
    session.run(10 * MS - 1)
    assert session.desk["position"] == 0
    session.run(1)
    assert session.desk["position"] == 4 * side
    assert session.row(row)["state"] == 0  # nothing is left of it: the row is free


@SIDES
def test_an_acknowledgement_takes_its_time(side):
    session = hand_made(side, order_link=(10, 10), report_link=(30, 30))
    row = session.order(side, 4, mirror(side, 99))
    session.run(40 * MS - 1)
    assert session.truth(row)["lots"] == 4
    assert (session.row(row)["state"], session.row(row)["pending"]) == (SENT, 1)
    session.run(1)
    assert (session.row(row)["state"], session.row(row)["pending"]) == (LIVE, 0)


@SIDES
def test_a_fill_wins_the_race_against_a_cancel(side):
    session = hand_made(side, order_link=(10, 10), report_link=(10, 10))
    row = session.order(side, 4, mirror(side, 101) - side)
    session.run(SECOND)
    session.events()
    session.cancel(row)
    session.run(9 * MS)
    session.stranger(-side, 14, mirror(side, 100), tif=IOC)  # takes 10 strangers' lots and our 4
    assert session.row(row)["state"] == LIVE and session.row(row)["filled"] == 0
    session.run(SECOND)
    last = session.events()[-1]
    assert (last.kind, last.reason, last.owner) == (codes.REJECTED, codes.UNKNOWN_ORDER, codes.DESK)
    assert session.desk["position"] == 4 * side
    assert (session.desk["pending"], session.desk["live"]) == (0, 0)
    assert session.desk["last_reason"] == codes.UNKNOWN_ORDER


@SIDES
def test_a_cancel_wins_the_race_against_a_fill(side):
    session = hand_made(side, order_link=(10, 10), report_link=(10, 10))
    row = session.order(side, 4, mirror(side, 100))
    session.run(SECOND)
    session.cancel(row)
    session.run(10 * MS)
    session.stranger(-side, 14, mirror(side, 100), tif=IOC)
    session.run(SECOND)
    assert session.desk["position"] == 0 and session.world["ledger"]["fills"] == 0
    assert (session.desk["pending"], session.desk["live"]) == (0, 0)


@SIDES
def test_a_partial_fill_before_a_cancel_is_kept(side):
    session = hand_made(side, order_link=(10, 10), report_link=(10, 10))
    row = session.order(side, 4, mirror(side, 100))
    session.run(SECOND)
    session.cancel(row)
    session.run(5 * MS)
    session.stranger(-side, 11, mirror(side, 100), tif=IOC)
    session.run(SECOND)
    assert session.desk["position"] == side
    assert (session.desk["pending"], session.desk["live"]) == (0, 0)


@pytest.mark.parametrize("seed", range(8))
def test_a_cancel_never_overtakes_its_order(seed):
    """Sent in one breath over a wire of 0 to 500 ms: the order is accepted and then cancelled, every time."""
    session = hand_made(BUY, order_link=(0, 500), report_link=(0, 500))
    session.world["order_link"]["key"] = seed
    session.events()
    for _ in range(40):
        row = session.order(BUY, 1, 90)
        session.cancel(row)
        session.run(3 * SECOND)
        assert [event.kind for event in session.events()] == [codes.ACCEPTED, codes.CANCELLED]
    assert not session.world["rejects"].any()


@SIDES
@pytest.mark.parametrize(("delay_ms", "paid"), [(9.999_999, 101), (10, 105), (10.000_001, 105)])
def test_at_one_nanosecond_the_market_moves_before_the_order_arrives(side, delay_ms, paid):
    """The offer at 101 is withdrawn 10 ms after the order was sent: on time is too late."""
    rows = [
        Message(START_NS, kind=codes.NEW, order=0, side=-side, price=mirror(side, 101), lots=5),
        Message(START_NS, kind=codes.NEW, order=1, side=-side, price=mirror(side, 105), lots=5),
        Message(START_NS + 10 * MS, kind=codes.CANCEL, order=0),
    ]
    session = Session(tape_template(delay_ms=(delay_ms, delay_ms)), to_tape(rows))
    session.order(side, 1, type=MARKET, tif=IOC)
    session.run(SECOND)
    assert session.desk["notional"] == side * mirror(side, paid)


def test_a_lost_message_is_noticed_and_repaired_by_a_snapshot():
    session = hand_made(BUY, market_data_link=(10, 10))
    assert session.desk["recovery_ns"] == 200 * MS
    session.world["market_data_link"]["loss"] = 1.0
    session.stranger(BUY, 7, 98)
    session.world["market_data_link"]["loss"] = 0.0
    session.run(SECOND)
    assert (session.desk["gaps"], session.desk["gap"]) == (0, 0)  # nothing told it yet
    session.stranger(BUY, 3, 97)
    session.run(10 * MS)
    assert (session.desk["gaps"], session.desk["gap"]) == (1, 1)
    assert session.mirror(BUY) == [(100, 10), (97, 3)]
    session.run(210 * MS - 1)
    assert session.desk["gap"] == 1
    session.run(1)
    assert (session.desk["gaps"], session.desk["gap"]) == (1, 0)
    assert_mirrored(session.world)
    session.stranger(SELL, 3, 99)
    session.run(SECOND)
    assert session.desk["gaps"] == 1
    assert_mirrored(session.world)


def test_further_losses_do_not_put_the_repair_off():
    session = hand_made(BUY, market_data_link=(10, 10))
    for _ in range(2):
        session.world["market_data_link"]["loss"] = 1.0
        session.stranger(BUY, 7, 98)
        session.world["market_data_link"]["loss"] = 0.0
        session.stranger(BUY, 3, 97)
        session.run(100 * MS)
    assert (session.desk["gaps"], session.desk["gap"]) == (2, 1)
    session.run(20 * MS - 1)  # 10 ms until the first gap was seen, 200 ms until the snapshot, 10 ms on its way
    assert session.desk["gap"] == 1
    session.run(1)
    assert session.desk["gap"] == 0
    assert_mirrored(session.world)


@pytest.mark.parametrize("recovery_ns", [0, 5 * MS])
def test_a_snapshot_for_which_there_is_no_room_is_put_off(recovery_ns):
    """Never to the same moment: the wire is as full as it was, and time would stand still."""
    session = hand_made(BUY, market_data_link=(2000, 2000))
    session.desk["recovery_ns"] = recovery_ns
    for place in range(len(session.world["market_data"])):
        session.stranger(BUY, 1, 99 - place % 50)
    ask_for_snapshot(session.worlds)
    assert session.desk["snapshot_ns"] == session.now_ns + max(recovery_ns, MS)


def test_messages_after_the_snapshot_apply_to_it():
    """The snapshot is the book when it was taken; what changed while it travelled comes after it."""
    session = hand_made(BUY, market_data_link=(50, 50))
    session.world["market_data_link"]["loss"] = 1.0
    session.stranger(BUY, 7, 98)
    session.world["market_data_link"]["loss"] = 0.0
    session.stranger(BUY, 1, 97)
    session.run(50 * MS + 200 * MS + 10 * MS)  # noticed, asked for, and 10 ms on its way
    session.stranger(BUY, 2, 96)
    session.run(40 * MS)
    assert session.mirror(BUY) == [(100, 10), (98, 7), (97, 1)]
    session.run(10 * MS)
    assert session.mirror(BUY) == [(100, 10), (98, 7), (97, 1), (96, 2)]


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("loss", [0.01, 0.3])
def test_a_lossy_feed_heals_whatever_was_lost(loss, seed):
    session = Session(flow_template(delay_ms=(1, 300)), seed=seed, **FLOW_START)
    trader = RandomTrader(session, seed)
    session.world["market_data_link"]["loss"] = loss
    for _ in range(200):
        trader.act()
        session.run(SECOND // 2)
    assert_sound(session.world)
    world = session.world
    sent = world["feed_seq"] - first_sequence(seed)
    assert abs(world["market_data_link"]["lost"] - loss * sent) < 6 * np.sqrt(loss * sent)
    assert session.desk["gaps"] > 5
    session.world["market_data_link"]["loss"] = 0.0
    session.run(2 * SECOND)  # the next message shows the last gap
    session.settle()
    assert session.desk["gap"] == 0
    assert_sound(session.world)
    assert_mirrored(session.world)


def first_sequence(seed):
    return int(Session(flow_template(delay_ms=(1, 300)), seed=seed, **FLOW_START).world["feed_seq"])


def test_losses_do_not_change_what_else_is_drawn():
    """A lossy feed is the same market: the exchange's events are the same one by one."""
    lossy, whole = (Session(flow_template(delay_ms=(1, 300)), seed=5, **FLOW_START) for _ in range(2))
    lossy.world["market_data_link"]["loss"] = 0.3
    for _ in range(30):
        lossy.run(SECOND)
        whole.run(SECOND)
        assert lossy.events() == whole.events()
    assert lossy.world["market_data_link"]["lost"] > 100


def test_a_full_feed_drops_counts_and_recovers():
    session = hand_made(BUY, market_data_link=(2000, 2000))
    ring = len(session.world["market_data"])
    for place in range(ring + 40):
        session.stranger(BUY, 1, 99 - place % 50)
        session.run(MS)
    assert session.world["market_data_link"]["conflated"] == 40
    assert_sound(session.world)
    session.run(2 * SECOND)
    session.stranger(BUY, 1, 40)
    session.run(3 * SECOND)
    assert session.desk["gaps"] == 1
    session.run(3 * SECOND)
    assert session.desk["gap"] == 0
    assert_sound(session.world)
    assert_mirrored(session.world)


def test_a_snapshot_that_finds_the_wire_full_is_tried_again():
    """The desk sees a gap while the wire to it is still full, so its snapshot has to wait."""
    session = hand_made(BUY, market_data_link=(1000, 1000))
    ring = len(session.world["market_data"])
    session.world["market_data_link"]["loss"] = 1.0
    session.stranger(BUY, 1, 98)
    session.world["market_data_link"]["loss"] = 0.0
    session.stranger(BUY, 1, 98)
    session.run(900 * MS)
    for _ in range(4):
        for place in range(ring):
            session.stranger(BUY, 1, 99 - place % 30)
            session.stranger_cancels(session.world["book"]["levels"]["tail"].max())
        session.run(400 * MS)
    assert session.world["market_data_link"]["conflated"] > ring
    session.run(10 * SECOND)
    session.stranger(BUY, 1, 40)
    session.run(10 * SECOND)
    assert session.desk["gap"] == 0
    assert_mirrored(session.world)


def test_messages_of_one_moment_travel_together():
    session = hand_made(BUY, market_data_link=(0, 300))
    for price in range(80, 90):
        session.stranger(SELL, 1, 120 + price)
    order = session.stranger(BUY, 10, 101)
    assert order >= 0
    world = session.world
    ring, link = world["market_data"], world["market_data_link"]
    flying = [ring[i % len(ring)] for i in range(int(link["popped"]), int(link["pushed"]))]
    assert len(flying) == 11 and len({int(tick["at_ns"]) for tick in flying}) == 1


def test_prints_reach_the_desk_with_their_aggressor():
    session = hand_made(BUY, market_data_link=(10, 10))
    session.stranger(BUY, 4, 101, tif=IOC)
    session.stranger(SELL, 3, 100, tif=IOC, type=MARKET)
    session.run(10 * MS)
    desk = session.desk
    assert (desk["bought_lots"], desk["sold_lots"], desk["trades"], desk["last_trade"]) == (4, 3, 2, 100)


@SIDES
def test_a_print_against_an_order_nobody_saw_reaches_the_desk_with_its_aggressor(side):
    session = hand_made(side, market_data_link=(10, 10))
    session.tell(Message(kind=codes.PRINT, side=side, price=mirror(side, 101), lots=4))
    session.run(10 * MS)
    desk = session.desk
    assert (desk["trades"], desk["last_trade"]) == (1, mirror(side, 101))
    assert (desk["bought_lots"], desk["sold_lots"]) == ((4, 0) if side == BUY else (0, 4))
    assert_mirrored(session.world)


@pytest.mark.parametrize("change", ["row", "lots", "kind", "time"])
def test_the_event_hash_sees_what_the_desk_is_told(change):
    """Two reports that differ in one thing make two hashes, whatever the exchange's own events were."""
    hashes = set()
    for changed in (False, True):
        session = hand_made(BUY, report_link=(50, 50))
        rows = [session.order(BUY, 3, price) for price in (90, 80)]
        session.run(SECOND + (changed and change == "time"))
        if change == "kind" and changed:
            session.cancel(rows[0])
        else:
            row, lots = rows[changed and change == "row"], 3 - (changed and change == "lots")
            session.replace(row, lots, 85)
        session.run(MS)
        session.world["event_hash"] = 0
        session.run(SECOND)
        assert session.desk["pending"] == 0
        hashes.add(int(session.world["event_hash"]))
    assert len(hashes) == 2
