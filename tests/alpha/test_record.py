"""What a record says of a desk, against the ledger, the exchange's own book, and a book kept in plain Python."""

from functools import reduce

import numpy as np
import pytest

from tests.alpha.recounting import RandomDesk
from twin_env import Twin
from twin_env.alpha import AlphaRecorder, Split
from twin_env.alpha.decisions import CAUSES, DECISION, opportunity_by_cause
from twin_env.alpha.fills import COUNTERPARTIES, PARTS
from twin_env.alpha.markouts import markouts_of
from twin_env.chaos.faults import KINDS
from twin_env.core.state import codes
from twin_env.core.state.codes import NEVER_NS
from twin_env.core.state.layout import NONE
from twin_env.core.stream import ALL_PLANES, DUE, FAULTS, FEED

pytestmark = pytest.mark.jit

SECONDS = 60


def micro_of(twin):
    """Return the ledger's split in 1e-6 of the currency."""
    return tuple(round(amount * 1e6) for amount in twin.alpha().values())


def play(seed, chaos=None, links="retail", follow_every=7):
    """Return a record of a random desk, and the ledger's split and the exchange's touches after every second."""
    moments = []
    with Twin(seed=seed, links=links, chaos=chaos) as twin:
        recorder, cursor = AlphaRecorder.beside(twin), twin.cursor
        desk = RandomDesk(twin, seed)
        for second in range(SECONDS):
            desk.act()
            twin.advance(1)
            if second % follow_every == 0:
                batch = twin.events(cursor)
                cursor = batch.next
                recorder.follow(batch)
            touch = (twin.exchange.touch_ticks(1), twin.exchange.touch_ticks(-1))
            moments.append((twin.now_ns, micro_of(twin), touch))
            twin.advance(0.001)  # what is decided next belongs to a later moment
        recorder.follow(twin.events(cursor))
        return recorder.record(moments[-1][0]), moments


@pytest.mark.parametrize(("seed", "links"), [(0, "retail"), (1, "adversarial"), (2, "instant")])
def test_the_split_of_a_record_is_the_ledgers_at_every_moment(seed, links):
    record, moments = play(seed, links=links)
    assert len(record.fills) > 10
    splits = record.splits_at([ts_ns for ts_ns, _, _ in moments])
    assert [split.micro for split in splits] == [micro for _, micro, _ in moments]
    assert record.split.micro == moments[-1][1]


@pytest.mark.slow
@pytest.mark.parametrize("kind", sorted(KINDS))
def test_the_split_is_the_ledgers_under_every_kind_of_fault(kind):
    record, moments = play(11, f"library:{kind}.extreme", "adversarial")
    assert record.split.micro == moments[-1][1]
    assert reduce(Split.__add__, [trip.split for trip in record.trips], Split()) == record.split


def test_best_prices_are_the_exchanges_at_every_moment():
    record, moments = play(3)
    times = np.array([ts_ns for ts_ns, _, _ in moments])
    rows = record.touches.rows_at(times)
    assert list(zip(record.touches.bid[rows].tolist(), record.touches.ask[rows].tolist(), strict=True)) == [
        touch for _, _, touch in moments
    ]
    assert np.isnan(record.touches.mids_at(np.array([record.begin_ns - 1, record.end_ns + 1]))).all()
    with pytest.raises(ValueError, match="times_ns has"):
        record.splits_at([record.end_ns + 1])


@pytest.mark.parametrize("seed", [4, 5])
def test_round_trips_and_decisions_sum_to_the_record(seed):
    record, _ = play(seed)
    assert len(record.trips) > 0
    assert reduce(Split.__add__, [trip.split for trip in record.trips]) == record.split
    for before, after in zip(record.trips, record.trips[1:], strict=False):
        assert before.end_ns <= after.begin_ns
    money, made = record.instrument.half_tick_micro, record.decisions
    assert int(made["strategy"].sum()) * money == record.split.strategy
    assert -int(made["fee_micro"].sum()) == record.split.fees
    for part in PARTS:
        assert int(made[part].sum()) * money == getattr(record.split, part)
    assert int(made["filled_lots"].sum()) == int(record.fills["lots"].sum())


def test_a_part_that_is_off_by_one_is_found():
    """The comparisons above can fail: one half-tick in one fill is seen in the split, the trips and the decisions."""
    record, moments = play(0)
    record.fills["spread"][3] += 1
    assert record.split.micro != moments[-1][1]
    record.intents["price"][record.intents["kind"] == DUE] += 1
    assert record.splits_at([record.end_ns])[0].strategy != moments[-1][1][1]


def test_markouts_are_those_of_a_book_kept_in_plain_python():
    with Twin(seed=9) as twin:
        recorder, desk = AlphaRecorder.beside(twin), RandomDesk(twin, 9)
        levels = {
            (s, int(p)): int(n)
            for s, side in ((1, "bids"), (-1, "asks"))
            for p, n in getattr(twin.exchange.book(10**6), side)
        }
        for _ in range(SECONDS):
            desk.act()
            twin.advance(1)
        batch = twin.events()
        recorder.follow(batch)
        record = recorder.record(twin.now_ns)
    mids, money = _mids_in_plain_python(levels, batch.book), record.instrument.half_tick_micro * 1e-6
    marks, found = markouts_of(record.fills, record.touches, money, (0.1, 5.0)), 0
    for number, fill in enumerate(record.fills):
        signed = int(fill["side"]) * money
        assert marks.spread_earned[number] == pytest.approx(signed * (int(fill["mid"]) - 2 * int(fill["price"])))
        for place, horizon_ns in enumerate((100_000_000, 5_000_000_000)):
            until = int(fill["ts_ns"]) + horizon_ns
            if until > record.end_ns:
                assert np.isnan(marks.drift[number, place])
                continue
            later = [mid for ts_ns, mid in mids if ts_ns <= until][-1]
            assert marks.total[number, place] == pytest.approx(signed * (later - 2 * int(fill["price"])))
            found += 1
    assert found > 10


def _mids_in_plain_python(levels, changes):
    mids = []
    for change in changes:
        if change["kind"] not in (4, 5):  # a print alone, a snapshot
            levels[int(change["side"]), int(change["price"])] = int(change["lots"])
        bids = [p for (s, p), n in levels.items() if s > 0 and n]
        asks = [p for (s, p), n in levels.items() if s < 0 and n]
        if bids and asks:
            mids.append((int(change["ts_ns"]), max(bids) + min(asks)))
    return mids


@pytest.mark.parametrize(
    ("shares", "expected"),
    [
        ({"informed_share": 1.0, "noise_share": 0.0}, "informed"),
        ({"informed_share": 0.0, "noise_share": 1.0}, "noise"),
        ({"informed_share": 0.0, "noise_share": 0.0}, "metaorder"),
    ],
)
def test_who_was_on_the_other_side_is_who_sent_the_order(shares, expected):
    record = _maker_record(shares)
    found = {COUNTERPARTIES[place] for place in record.fills["counterparty"][record.fills["maker"] == 1].tolist()}
    assert expected in found and found <= {expected, "sniper"}
    assert {COUNTERPARTIES[place] for place in record.fills["counterparty"][record.fills["maker"] == 0]} <= {"maker"}


def _maker_record(shares):
    market = {"extends": "mgc_2025", "source": {"market_orders": shares}}
    with Twin(market, seed=1) as twin:
        recorder = AlphaRecorder.beside(twin)
        for _ in range(40):
            for side, row in (("buy", "bids"), ("sell", "asks")):
                levels = getattr(twin.desk.book(1), row)
                if len(levels):
                    twin.desk.submit(side, 2, price=twin.instrument.to_price(levels[0, 0]))
            twin.advance(1)
            for order in twin.desk.orders():
                if order.state == "working":
                    twin.desk.cancel(order.id)
            twin.advance(1)
        recorder.follow(twin.events())
        return recorder.record(twin.now_ns)


def test_an_order_waits_behind_what_stood_there_when_it_came():
    with Twin(seed=2, links="instant") as twin:
        recorder = AlphaRecorder.beside(twin)
        bids = twin.exchange.book(3).bids
        twin.desk.submit("buy", 1, price=twin.instrument.to_price(bids[2, 0]))
        twin.advance(1e-6)
        recorder.follow(twin.events())
        order = recorder.record(twin.now_ns).orders[0]
    assert (order["lots_ahead"], order["lots"], order["filled_lots"]) == (bids[2, 1], 1, 0)
    assert order["sent_ns"] <= order["at_exchange_ns"] == order["rested_ns"] <= order["acknowledged_ns"]
    assert order["first_fill_ns"] == order["cancel_sent_ns"] == order["over_ns"] == NEVER_NS


def test_a_cancel_that_comes_too_late_has_lost_its_race():
    """With a second of latency a cancel that is sent when the order fills cannot reach it."""
    record = _maker_record({"informed_share": 0.3, "noise_share": 0.3})
    orders = record.orders
    for order in orders:
        fills = record.fills[record.fills["order"] == order["order"]]
        late = int(fills["lots"][fills["ts_ns"] > order["cancel_sent_ns"]].sum())
        assert order["late_lots"] == late
        assert (
            order["filled_lots"] == fills["lots"].sum()
            and order["maker_lots"] == fills["lots"][fills["maker"] == 1].sum()
        )
    assert orders["late_lots"].sum() > 0


def test_a_taker_has_no_place_in_a_queue():
    with Twin(seed=2) as twin:
        recorder = AlphaRecorder.beside(twin)
        twin.desk.submit("buy", 1, type="market")
        twin.advance(2)
        recorder.follow(twin.events())
        order = recorder.record(twin.now_ns).orders[0]
    assert order["lots_ahead"] == NONE and order["end"] == codes.TRADED and order["reason"] == codes.NO_REASON


def test_a_recorder_needs_a_desk_that_has_sent_nothing_and_all_planes():
    with Twin(seed=1) as twin:
        twin.desk.submit("buy", 1, type="market")
        with pytest.raises(ValueError, match="before the first is sent"):
            AlphaRecorder.beside(twin)
    with Twin(seed=1, planes=ALL_PLANES & ~FEED & ~FAULTS) as twin:
        AlphaRecorder.beside(twin)
    with Twin(seed=1, planes=FEED) as twin, pytest.raises(ValueError, match="planes of the twin lack exchange, book"):
        AlphaRecorder.beside(twin)


def test_the_vwap_of_others_is_the_markets_without_ones_own_trades():
    record, _ = play(6)
    lots, notional = record.traded
    own = record.fills[(record.fills["counterparty"] != COUNTERPARTIES.index("self")) | (record.fills["maker"] == 1)]
    assert record.vwap_ticks == notional / lots
    others = (record.others_vwap_ticks, lots - int(own["lots"].sum()))
    mixed = others[0] * others[1] + int((own["lots"] * own["price"]).sum())
    assert mixed == pytest.approx(notional, rel=1e-12) and others[1] < lots


def test_causes_of_opportunity_sum_to_all_of_it():
    found = dict.fromkeys(CAUSES, 0)
    for seed in range(4):
        record, _ = play(seed, links="adversarial")
        money = record.instrument.half_tick_micro
        causes = opportunity_by_cause(record.decisions, record.split.opportunity // money)
        assert sum(causes.values()) * money == record.split.opportunity
        found = {cause: found[cause] + abs(amount) for cause, amount in causes.items()}
    assert all(found[cause] > 0 for cause in ("unwanted", "unfilled", "partial"))


def test_the_cause_of_each_decision_by_hand():
    made = np.zeros(4, DECISION)
    made["settled"] = [-1, -10, -100, -1000]
    made["due_lots"], made["met_lots"], made["filled_lots"] = [2, 2, 2, 0], [0, 1, 0, 0], [0, 1, 0, 1]
    made["rejected"] = [1, 0, 0, 0]
    expected = {"rejected": -1, "partial": -10, "unfilled": -100, "unwanted": -1000, "open": -5}
    assert opportunity_by_cause(made, -1116) == expected
