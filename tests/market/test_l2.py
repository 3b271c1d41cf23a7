"""Levels taken apart into orders: the exchange that plays the tape has the source's levels after every message."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from twin_env.core.state import codes
from twin_env.core.state.codes import BUY, SELL
from twin_env.market.data.levels.reader import QueueModel, make_tape, merge_trades, read_diffs, read_snapshots
from twin_env.market.data.lobster.reader import read_lobster
from twin_env.market.data.tables import DepthSnapshots, Trades
from twin_env.market.data.tape import TapeError
from twin_env.reference import Divergence, Message, ReferenceExchange

MODELS = [QueueModel(model=name) for name in ("back", "front", "uniform", "power")]
FAR = 10_000


def exchange_for(tape):
    return ReferenceExchange(protection_ticks=50, max_orders=max(1, tape.orders), max_levels=1000, max_stops=1)


def books_after(tape, depth=FAR):
    """Play a tape alone and return both sides after the last row of each line."""
    exchange, books = exchange_for(tape), {}
    for row, line in zip(tape.rows, tape.lines, strict=True):
        events = exchange.handle(Message.from_record(row))
        assert not any(event.kind == codes.REJECTED for event in events)
        books[int(line)] = [{price: lots for price, lots, _ in exchange.depth(side, depth)} for side in (BUY, SELL)]

    assert exchange.divergence == Divergence()
    return books


def tape_of_diffs(rows, trades=(), model=MODELS[0]):
    """rows: (ts, side, price, lots); trades: (ts, price, lots, side)."""
    changes = read_diffs(*np.array(rows, np.int64).reshape(-1, 4).T)
    if trades:
        changes = merge_trades(changes, trades_of(trades))
    return make_tape(changes, model, tick_size=0.1)


def trades_of(trades):
    return Trades(*np.array(trades, np.int64).reshape(-1, 4).T)


def queue_of(tape, side, price):
    """Lots of the orders at a price when the tape has been played, oldest first."""
    exchange = exchange_for(tape)
    for row in tape.rows:
        exchange.handle(Message.from_record(row))
    orders = [exchange.order(slot) for slot in range(tape.orders)]
    at = [order for order in orders if order and order.side == side and order.price == price]
    return [order.lots for order in sorted(at, key=lambda order: order.entry)]


@st.composite
def markets(draw):
    """A book that moves about without ever being crossed, and trades at any price and time."""
    messages, book = [], {BUY: {}, SELL: {}}
    for ts in range(0, 2 * draw(st.integers(1, 25)), 2):
        touch = draw(st.integers(97, 103))
        wanted = {
            BUY: draw(st.dictionaries(st.integers(90, touch), st.integers(1, 5), max_size=5)),
            SELL: draw(st.dictionaries(st.integers(touch + 1, 110), st.integers(1, 5), max_size=5)),
        }
        for side in (BUY, SELL):
            for price in sorted({*wanted[side], *book[side]}, key=lambda price: draw(st.integers(0, 9))):
                lots = wanted[side].get(price, 0)
                if lots != book[side].get(price, 0):
                    messages.append((ts, side, price, lots))
        book = wanted
    if not messages:
        messages = [(0, BUY, 100, 1)]
    times = st.integers(messages[0][0], messages[-1][0] + 1)
    trade = st.tuples(times, st.integers(88, 112), st.integers(1, 7), st.sampled_from([-1, 0, 1]))
    return messages, sorted(draw(st.lists(trade, max_size=15)), key=lambda row: row[0])


def true_books(messages):
    """The book after the last row of every time, by line."""
    book, books = {BUY: {}, SELL: {}}, {}
    for line, (ts, side, price, lots) in enumerate(messages, start=1):
        book[side][price] = lots
        if line == len(messages) or messages[line][0] != ts:
            books[ts] = [{price: lots for price, lots in book[side].items() if lots} for side in (BUY, SELL)]
    return books


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.model)
@given(market=markets())
@settings(max_examples=60)
def test_the_tape_has_the_levels_of_the_source_after_every_message(model, market):
    messages, trades = market
    tape = tape_of_diffs(messages, trades, model)
    exchange, truth = exchange_for(tape), true_books(messages)
    after = {}
    for row in tape.rows:
        assert not any(event.kind == codes.REJECTED for event in exchange.handle(Message.from_record(row)))
        if row["kind"] not in (codes.EXECUTE, codes.PRINT):
            after[int(row["ts_ns"])] = [
                {price: lots for price, lots, _ in exchange.depth(side, FAR)} for side in (BUY, SELL)
            ]
    assert exchange.divergence == Divergence()
    assert {ts: book for ts, book in after.items() if truth[ts] != book} == {}


@given(market=markets())
def test_every_traded_lot_is_executed_or_printed_in_its_place_in_time(market):
    messages, trades = market
    tape = tape_of_diffs(messages, trades)
    played = tape.rows[np.isin(tape.rows["kind"], [codes.EXECUTE, codes.PRINT])]
    kept = [trade for trade in trades if trade[0] > messages[0][0]]
    assert played["lots"].sum() == sum(trade[2] for trade in kept)
    assert sorted({(int(r["ts_ns"]), int(r["price"])) for r in played}) == sorted({trade[:2] for trade in kept})
    assert tape.report.dropped["trade_before_book"] == len(trades) - len(kept)


@st.composite
def snapshots(draw, levels=3):
    count = draw(st.integers(1, 20))
    columns = {name: np.zeros((count, levels), np.int64) for name in ("bid_ticks", "bid_lots", "ask_ticks", "ask_lots")}
    for row in range(count):
        touch = draw(st.integers(97, 103))
        for name, prices in (("bid", range(touch, touch - 6, -1)), ("ask", range(touch + 1, touch + 7))):
            chosen = draw(st.lists(st.sampled_from(list(prices)), unique=True, max_size=levels))
            for level, price in enumerate(sorted(chosen, reverse=name == "bid")):
                columns[f"{name}_ticks"][row, level] = price
                columns[f"{name}_lots"][row, level] = draw(st.integers(1, 4))
    trade = draw(st.booleans())
    extra = {}
    if trade:
        extra = {
            "trade_ticks": np.array(draw(st.lists(st.integers(95, 105), min_size=count, max_size=count))),
            "trade_lots": np.array(draw(st.lists(st.integers(0, 2), min_size=count, max_size=count))),
            "trade_side": np.array(draw(st.lists(st.integers(-1, 1), min_size=count, max_size=count))),
        }
    return DepthSnapshots(np.arange(count) * 10, **columns, **extra)


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.model)
@given(depth=snapshots())
@settings(max_examples=60)
def test_the_best_levels_are_those_of_each_snapshot(model, depth):
    tape = make_tape(read_snapshots(depth), model, tick_size=0.1)
    exchange = exchange_for(tape)
    last = {int(line): index for index, line in enumerate(tape.lines) if tape.rows["kind"][index] not in (5, 6)}
    for index, (row, line) in enumerate(zip(tape.rows, tape.lines, strict=True)):
        exchange.handle(Message.from_record(row))
        if last.get(int(line)) == index:
            at = int(line) - 1
            for side, price, lots in (
                (BUY, depth.bid_ticks[at], depth.bid_lots[at]),
                (SELL, depth.ask_ticks[at], depth.ask_lots[at]),
            ):
                shown = [(int(p), int(q)) for p, q in zip(price, lots, strict=True) if q]
                held = [(price, lots) for price, lots, _ in exchange.depth(side, depth.levels)]
                assert held[: len(shown)] == shown
                assert len(held) == len(shown) or len(shown) == depth.levels


BUILT = [(0, BUY, 100, 4), (1, BUY, 100, 7), (2, BUY, 100, 12)]  # orders of 4, 3 and 5 lots


def test_an_increase_is_a_new_order_at_the_back():
    assert queue_of(tape_of_diffs(BUILT), BUY, 100) == [4, 3, 5]


def test_back_takes_the_youngest_and_front_the_oldest():
    shorter = [*BUILT, (3, BUY, 100, 6)]
    assert queue_of(tape_of_diffs(shorter, model=QueueModel(model="back")), BUY, 100) == [4, 2]
    assert queue_of(tape_of_diffs(shorter, model=QueueModel(model="front")), BUY, 100) == [1, 5]


def test_a_trade_takes_the_front_and_the_rest_of_the_decrease_follows_the_model():
    tape = tape_of_diffs([*BUILT, (4, BUY, 100, 6)], [(3, 100, 5, SELL)], QueueModel(model="back"))
    assert queue_of(tape, BUY, 100) == [2, 4]  # 5 lots executed of 4 + 3, 1 lot withdrawn of the last order
    executed = tape.rows[tape.rows["kind"] == codes.EXECUTE]
    assert executed["lots"].tolist() == [4, 1] and set(executed["side"].tolist()) == {SELL}
    assert tape.rows["flags"][tape.rows["kind"] == codes.EXECUTE].tolist() == [codes.ENDS_ORDER, codes.LAST_IN_EVENT]


def test_a_trade_at_the_time_of_a_message_comes_first():
    tape = tape_of_diffs([*BUILT, (3, BUY, 100, 7)], [(3, 100, 5, SELL)], QueueModel(model="back"))
    assert queue_of(tape, BUY, 100) == [2, 5]
    assert codes.CANCEL not in tape.rows["kind"]


def test_lots_of_a_trade_the_level_does_not_have_are_printed():
    tape = tape_of_diffs([*BUILT, (4, BUY, 100, 0)], [(3, 100, 15, SELL)])
    assert tape.rows["lots"][tape.rows["kind"] == codes.PRINT].tolist() == [3]
    assert tape.report.repaired["execution_printed"] == 1


def test_a_trade_the_source_does_not_show_in_its_levels_is_undone_at_the_next_message():
    tape = tape_of_diffs([*BUILT, (4, SELL, 101, 1)], [(3, 100, 5, SELL)])
    assert queue_of(tape, BUY, 100) == [2, 5, 5]
    assert tape.report.repaired["trade_undone"] == 1


def test_the_aggressor_is_found_from_the_book_and_else_by_the_tick_rule():
    book = [(0, BUY, 100, 9), (0, SELL, 103, 9), (9, BUY, 100, 1)]
    tape = tape_of_diffs(book, [(1, 103, 1, 0), (2, 100, 1, 0), (3, 102, 1, 0), (4, 101, 1, 0), (5, 101, 1, 0)])
    traded = tape.rows[np.isin(tape.rows["kind"], [codes.EXECUTE, codes.PRINT])]
    assert traded["side"].tolist() == [BUY, SELL, BUY, SELL, SELL]
    assert tape.report.repaired["side_inferred"] == 5


def test_of_a_crossed_book_the_newer_level_is_believed_and_the_other_comes_back_when_it_can():
    crossed = [(0, BUY, 100, 2), (0, SELL, 101, 3), (1, BUY, 101, 5), (2, BUY, 99, 1), (3, BUY, 101, 0)]
    tape = tape_of_diffs(crossed)
    books = books_after(tape)
    assert books[3] == [{101: 5, 100: 2}, {}]
    assert books[4] == [{101: 5, 100: 2, 99: 1}, {}]
    assert books[5] == [{100: 2, 99: 1}, {101: 3}]
    assert tape.report.repaired["level_crossed"] == 1


def test_prices_that_come_into_sight_are_flagged_and_counted():
    one = {"bid_lots": np.array([[1], [1]]), "ask_lots": np.array([[1], [1]])}
    depth = DepthSnapshots(
        np.array([0, 1]), bid_ticks=np.array([[100], [99]]), ask_ticks=np.array([[101], [101]]), **one
    )
    tape = make_tape(read_snapshots(depth), MODELS[0], tick_size=0.1)
    entered = tape.rows[(tape.rows["ts_ns"] == 1) & (tape.rows["kind"] == codes.NEW)]
    assert entered["price"].tolist() == [99] and entered["flags"][0] & codes.SNAPSHOT
    assert tape.report.window_rows == 1 and tape.report.snapshot_orders == 2


def test_a_row_with_a_trade_and_the_levels_of_the_row_before_tells_no_depth():
    lots = np.array([[5], [5], [5]])
    depth = DepthSnapshots(
        np.arange(3),
        bid_ticks=np.full((3, 1), 100),
        bid_lots=lots,
        ask_ticks=np.full((3, 1), 101),
        ask_lots=lots,
        trade_ticks=np.full(3, 101),
        trade_lots=np.array([0, 2, 1]),
        trade_side=np.array([0, 1, 1]),
    )
    tape = make_tape(read_snapshots(depth), MODELS[0], tick_size=0.1)
    assert queue_of(tape, SELL, 101) == [2]  # 5 - 2 - 1: the second trade did not bring the first one's lots back


def places_left(model, seed, orders=200):
    """Place in the queue (0 front, 1 back) of the one order that leaves a queue of equal orders, for many queues."""
    rows = [(0, BUY, price, 1) for price in range(300)]
    rows += [(age, BUY, price, age + 1) for age in range(1, orders) for price in range(300)]
    rows += [(orders, BUY, price, orders - 1) for price in range(300)]
    tape = tape_of_diffs(rows, model=model.model_copy(update={"seed": seed}))
    gone = tape.rows[tape.rows["kind"] == codes.CANCEL]
    born = tape.rows[tape.rows["kind"] == codes.NEW]
    age = dict(zip(born["order"].tolist(), born["ts_ns"].tolist(), strict=True))
    return np.array([(age[order] + 0.5) / orders for order in gone["order"].tolist()])


@pytest.mark.jit  # two minutes uncompiled
@pytest.mark.parametrize("exponent", [0.5, 1.0, 3.0])
def test_power_places_follow_their_formula(exponent):
    model = QueueModel(model="power", exponent=exponent)
    places = np.concatenate([places_left(model, seed) for seed in range(3)])
    for x in (0.1, 0.25, 0.5, 0.75, 0.9):
        behind = 1 - x**exponent
        spread = np.sqrt(behind * (1 - behind) / len(places))
        assert abs((places > x).mean() - behind) < 5 * spread


def test_uniform_is_power_with_exponent_one_and_seeds_matter():
    rows = [(age, BUY, 100, age + 1) for age in range(50)] + [(50, BUY, 100, 20)]
    uniform = tape_of_diffs(rows, model=QueueModel(model="uniform", seed=1))
    assert np.array_equal(uniform.rows, tape_of_diffs(rows, model=QueueModel(model="power", exponent=1, seed=1)).rows)
    assert not np.array_equal(uniform.rows, tape_of_diffs(rows, model=QueueModel(model="uniform", seed=2)).rows)


@pytest.mark.parametrize(
    ("row", "sentence"),
    [
        ((1, 0, 100, 1), "diffs row 2: side is 0, expected +1 (bid) or -1 (ask)"),
        ((1, BUY, 100, -1), "diffs row 2: lots is -1, expected 0 to 2^40"),
        ((1, BUY, 2**41, 1), f"diffs row 2: price_ticks is {2**41}, expected within 2^40 ticks of zero"),
        ((-1, BUY, 100, 1), "diffs change 3: ts_ns is -1, expected no earlier than the one before"),
    ],
)
def test_bad_diffs_are_refused_with_row_field_and_value(row, sentence):
    with pytest.raises(TapeError) as error:
        tape_of_diffs([(0, BUY, 100, 1), row])
    assert str(error.value) == sentence


def true_places(tape):
    """Return where in their queues (0 to 1) the orders of a day stood that left without a trade, as (front, back)."""
    queues, where, places = {}, {}, []
    for row in tape.rows:
        slot, lots = int(row["order"]), int(row["lots"])
        if row["kind"] == codes.NEW:
            where[slot] = (int(row["side"]), int(row["price"]))
            queues.setdefault(where[slot], {})[slot] = lots
        elif slot in where:
            queue = queues[where[slot]]
            withdrawn = row["kind"] != codes.EXECUTE and not row["flags"] & codes.SNAPSHOT
            if withdrawn and len(queue) > 2:
                sizes, total = list(queue.values()), sum(queue.values())
                ahead = sum(sizes[: list(queue).index(slot)])
                places.append((ahead / total, (ahead + queue[slot]) / total))
            queue[slot] -= lots
            if row["flags"] & codes.ENDS_ORDER:
                del queue[slot], where[slot]
    return np.array(places)


@pytest.mark.slow
def test_the_default_model_describes_a_real_day_better_than_the_others(data_dir):
    """Mean log-likelihood of where the orders of a real hour stood when they left, under P(place <= x) = x^n."""
    path = data_dir / "lobster" / "MSFT_2012-06-21_34200000_37800000_message_50.parquet"
    front, back = true_places(read_lobster(path, window=False)).T

    def likelihood(exponent):
        return np.log(np.maximum(back**exponent - front**exponent, 1e-12)).mean()

    default = QueueModel()
    assert default.model == "power"
    assert likelihood(default.exponent) > likelihood(1.0) + 0.3  # uniform
    assert likelihood(default.exponent) > likelihood(30.0) + 0.3  # nearly always the last
    assert likelihood(default.exponent) > likelihood(0.1) + 0.3  # nearly always the first
