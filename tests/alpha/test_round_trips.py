"""Round trips by hand: sides, prices, reasons, excursions, risk, and what strategy and execution had of each."""

import numpy as np
import pytest

from twin_env.alpha.fills import FILL
from twin_env.alpha.orders import ORDER
from twin_env.alpha.round_trips import RoundTripFinder
from twin_env.alpha.split import Split
from twin_env.alpha.touches import Touches
from twin_env.alpha.trading import summarize_trips
from twin_env.core.conditions import AT_LIMIT, AT_ONCE, AT_TRIGGER
from twin_env.core.state import codes
from twin_env.core.state.codes import BUY, SELL
from twin_env.core.stream import DUE, INTENT_ENTRY, SETTLED
from twin_env.statistics import Interval

HALF_TICK_MICRO = 500_000
S = 1_000_000_000


class Story:
    """Entries of a record, written one after the other; prices in ticks, times in seconds."""

    def __init__(self, path):
        times, bids = zip(*path, strict=True)
        self.touches = Touches(np.array(times) * S, np.array(bids), np.array(bids) + 1, 1000 * S)
        self.intents, self.fills, self.orders, self.places, self.count = [], [], [], ([], []), 0

    def due(self, at, order, side, lots, half_ticks, condition=AT_ONCE):
        self._intent(at, order, side, DUE, lots, half_ticks, condition, 0)

    def settle(self, at, order, lots, value, condition=AT_ONCE):
        self._intent(at, order, BUY, SETTLED, lots, 0, condition, value)

    def _intent(self, at, order, side, kind, lots, price, condition, value):
        entry = np.zeros(1, INTENT_ENTRY)
        mid = int(self.touches.mids_at(np.array([at * S]))[0])
        values = {"ts_ns": at * S, "kind": kind, "side": side, "lots": lots, "price": price, "mid": mid}
        for name, amount in (values | {"value": value, "client": order, "condition": condition}).items():
            entry[name] = amount
        self.intents.append(entry)
        self._place(0)

    def fill(self, at, order, side, lots, price, fee=0, **parts):
        fill = np.zeros(1, FILL)
        mid = int(self.touches.mids_at(np.array([at * S]))[0])
        values = {"ts_ns": at * S, "order": order, "side": side, "lots": lots, "price": price, "mid": mid}
        for name, amount in (values | {"due_lots": lots, "fee_micro": fee} | parts).items():
            fill[name] = amount
        self.fills.append(fill)
        self._place(1)

    def order(self, number, side, kind, sent, trigger=0):
        order = np.zeros(1, ORDER)
        order["order"], order["side"], order["type"] = number, side, kind
        order["sent_ns"], order["trigger"] = sent * S, trigger
        self.orders.append(order)

    def _place(self, which):
        self.places[which].append(self.count)
        self.count += 1

    def trips(self, closes=None):
        joined = [
            np.concatenate([np.zeros(0, t), *parts])
            for t, parts in ((ORDER, self.orders), (INTENT_ENTRY, self.intents), (FILL, self.fills))
        ]
        closes_ns = codes.NEVER_NS if closes is None else closes * S
        finder = RoundTripFinder(self.touches, joined[0], HALF_TICK_MICRO, closes_ns)
        places = tuple(np.array(one, np.int64) for one in self.places)
        return finder.trips(joined[1], joined[2], places)


def bracket(exit_kind, exit_price):
    """One lot long from 100 (mid 99.5), a target at 103, a stop at 98; the market goes to 104, then to 95."""
    story = Story([(0, 99), (10, 104), (20, 95)])
    story.order(1, BUY, codes.MARKET, 0)
    story.order(2, SELL, codes.LIMIT, 0)
    story.order(3, SELL, codes.STOP, 0, trigger=98)
    story.due(0, 1, BUY, 1, 199)
    story.fill(0, 1, BUY, 1, 100, fee=1_000_000, spread=-1)
    number = 2 if exit_kind == "target" else 3
    story.due(
        20, number, SELL, 1, 206 if exit_kind == "target" else 196, AT_LIMIT if exit_kind == "target" else AT_TRIGGER
    )
    story.fill(20, number, SELL, 1, exit_price, fee=1_000_000, impact=2 * exit_price - (206 if number == 2 else 196))
    return story


def test_a_bracket_that_is_stopped():
    (trip,) = bracket("stop", 97).trips()
    assert (trip.side, trip.lots, trip.fills) == (1, 1, 2)
    assert (trip.entry_ticks, trip.exit_ticks) == (100.0, 97.0)
    assert (trip.entry_reason, trip.exit_reason) == ("market", "stop")
    assert (trip.mfe, trip.mae) == (2 * 4, 2 * 1)  # closed at the bid: 104 at best, 99 at worst; 95 came with the exit
    assert trip.risk == 2 * 2
    # In theory bought at 99.5 and stopped at 98: three half-ticks lost; spread, slippage, fees are the execution's.
    assert trip.split == Split(
        net=-6 * 500_000 - 2_000_000,
        strategy=-3 * 500_000,
        execution=-3 * 500_000 - 2_000_000,
        spread=-500_000,
        impact=-2 * 500_000,
        fees=-2_000_000,
    )


def test_a_bracket_that_reaches_its_target():
    (trip,) = bracket("target", 103).trips()
    assert trip.exit_reason == "target" and trip.split.strategy == 7 * 500_000 and trip.split.impact == 0


def test_an_order_that_was_sent_when_time_was_over_closed_the_trip():
    story = Story([(0, 100)])
    story.order(1, BUY, codes.LIMIT, 0)
    story.order(2, SELL, codes.MARKET, 50)
    story.due(1, 1, BUY, 1, 200, AT_LIMIT)
    story.fill(1, 1, BUY, 1, 100)
    story.due(50, 2, SELL, 1, 201)
    story.fill(50, 2, SELL, 1, 100, spread=-1)
    assert [trip.exit_reason for trip in story.trips(closes=50)] == ["close"]
    assert [trip.exit_reason for trip in story.trips(closes=51)] == ["signal"]
    assert story.trips()[0].entry_reason == "limit" and story.trips()[0].risk is None


def test_a_fill_that_turns_the_position_ends_one_trip_and_begins_the_next():
    story = Story([(0, 100), (5, 102)])
    story.order(1, BUY, codes.MARKET, 0)
    story.order(2, SELL, codes.MARKET, 5)
    story.due(0, 1, BUY, 1, 201)
    story.fill(0, 1, BUY, 1, 101, fee=5, spread=-1)
    story.due(5, 2, SELL, 3, 205)
    story.fill(5, 2, SELL, 3, 102, fee=16, spread=-3)
    first, second = story.trips()
    assert (first.side, first.lots, first.exit_ticks) == (1, 1, 102.0)
    assert (second.side, second.lots, second.entry_ticks, second.exit_reason) == (-1, 2, 102.0, "open")
    assert (first.split.spread, second.split.spread) == (-2 * 500_000, -2 * 500_000)
    assert (first.split.fees, second.split.fees) == (-10, -11)
    whole = first.split + second.split
    assert whole.net == whole.strategy + whole.execution
    assert whole.strategy == (4 * 1 + (205 - 205) * 2) * 500_000


def test_a_trip_the_market_did_not_give_is_missed():
    story = Story([(0, 100), (5, 110)])
    story.due(1, 1, BUY, 2, 196, AT_LIMIT)  # its price traded, its place in the queue did not come
    story.settle(5, 1, 2, 2 * 196, AT_LIMIT)
    (trip,) = story.trips()
    assert (trip.fills, trip.entry_reason, trip.exit_reason, trip.entry_ticks) == (0, "missed", "missed", None)
    assert trip.split.net == 0 and trip.split.strategy == 2 * (221 - 196) * 500_000 == -trip.split.opportunity
    assert (trip.mae, trip.mfe, trip.lots) == (0, 0, 0)


@pytest.mark.parametrize("side", [BUY, SELL])
def test_excursions_of_both_sides_are_told_from_where_they_could_be_closed(side):
    story = Story([(0, 100), (1, 107), (2, 96), (3, 100)])
    story.order(1, side, codes.MARKET, 0)
    story.order(2, -side, codes.MARKET, 3)
    story.due(0, 1, side, 2, 201)
    story.fill(0, 1, side, 2, 100)
    story.due(3, 2, -side, 2, 201)
    story.fill(3, 2, -side, 2, 100)
    (trip,) = story.trips()
    best, worst = (107, 96) if side == BUY else (97, 108)  # bids for a long position, offers for a short one
    assert trip.mfe == 2 * 2 * side * (best - 100) and trip.mae == -2 * 2 * side * (worst - 100)


def test_an_open_trip_is_looked_at_until_the_end():
    story = Story([(0, 100), (1, 107), (2, 96)])
    story.order(1, BUY, codes.MARKET, 0)
    story.due(0, 1, BUY, 1, 201)
    story.fill(0, 1, BUY, 1, 100)
    (trip,) = story.trips()
    assert (trip.exit_reason, trip.mfe, trip.mae) == ("open", 2 * 7, 2 * 4)


def test_what_was_realised_counts_and_what_was_not_held_does_not():
    """One of two lots is sold at 104; at the peak of 110 one is left, at the trough of 90 it is one from 100."""
    story = Story([(0, 100), (1, 104), (2, 110), (3, 90), (4, 100)])
    for number, (side, kind) in enumerate(((BUY, codes.MARKET), (SELL, codes.LIMIT), (SELL, codes.MARKET)), 1):
        story.order(number, side, kind, number)
    story.due(0, 1, BUY, 2, 201)
    story.fill(0, 1, BUY, 2, 100)
    story.due(1, 2, SELL, 1, 208, AT_LIMIT)
    story.fill(1, 2, SELL, 1, 104)
    story.due(4, 3, SELL, 1, 201)
    story.fill(4, 3, SELL, 1, 100)
    (trip,) = story.trips()
    assert trip.mfe == 2 * (4 + 10) and trip.mae == 2 * (10 - 4)


def test_what_traders_look_at_first():
    trips = [
        {"seed": seed, "fills": 2, "net_ccy": net, "r": r}
        for seed, net, r in ((4, 30.0, 1.5), (4, -10.0, -0.5), (9, -20.0, None), (9, 25.0, 1.0))
    ]
    summary = summarize_trips([*trips, {"seed": 9, "fills": 0, "net_ccy": 0.0, "r": None}])
    assert (summary["count"], summary["missed"], summary["win_rate"]) == (4, 1, 0.5)
    assert summary["profit_factor"] == pytest.approx(55 / 30)
    assert summary["expectancy_ccy"] == pytest.approx(6.25) and summary["expectancy_r"] == pytest.approx(2 / 3)
    assert summary["max_drawdown_ccy"] == 20.0 and summary["trips_with_risk"] == 3  # within an episode
    assert summary["mean_net_ccy"] == pytest.approx(Interval.ratio([20.0, 5.0], [2, 2]).to_json())
    assert summary["win_rate_interval"] == pytest.approx(Interval.ratio([1, 1], [2, 2]).to_json())


def test_without_a_trip_there_are_no_figures():
    summary = summarize_trips([])
    assert summary["count"] == 0 and summary["win_rate"] is summary["profit_factor"] is summary["expectancy_r"] is None
    assert summary["max_drawdown_ccy"] == 0.0
