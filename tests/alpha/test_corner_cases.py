"""Cases that a second pair of eyes found: each is small, and both witnesses have to agree on it."""

import numpy as np
import pytest

from twin_env import Twin
from twin_env.alpha import AlphaRecorder
from twin_env.alpha.recount import StrategyRecount
from twin_env.core.conditions import AT_LIMIT, AT_ONCE
from twin_env.core.state import codes

pytestmark = pytest.mark.jit


class Both:
    """A running market with a recorder and a second count beside it."""

    def __init__(self, **settings):
        self.twin = Twin(**{"seed": 7, **settings})
        self.recorder, self.recount = AlphaRecorder.beside(self.twin), StrategyRecount.beside(self.twin)
        self.cursor = self.twin.cursor

    def result(self):
        batch = self.twin.events(self.cursor)
        self.cursor = batch.next
        self.recorder.follow(batch)
        self.recount.follow(batch.rows)
        record = self.recorder.record(self.twin.now_ns)
        money = self.twin.instrument.half_tick_micro
        assert self.recount.strategy * money == record.split.strategy
        assert {name: round(value * 1e6) for name, value in self.twin.alpha().items()} == dict(
            zip(self.twin.alpha(), record.split.micro, strict=True)
        )
        assert int(record.decisions["opportunity"].sum()) * money == record.split.opportunity
        return record

    def price(self, ticks):
        return round(round(self.twin.desk.mid / 0.1) * 0.1 + ticks * 0.1, 1)


@pytest.mark.parametrize(("side", "sign"), [("buy", 1), ("sell", -1)])
def test_a_post_only_order_stays_one_when_it_is_moved(side, sign):
    both = Both()
    order = both.twin.desk.submit(side, 1, price=both.price(-10 * sign), post_only=True)
    both.twin.advance(1)
    both.twin.desk.replace(order, price=both.price(sign))  # would take: the exchange refuses it
    both.twin.advance(1)
    record = both.result()
    assert record.decisions["condition"].tolist() == [AT_LIMIT]
    assert all(record.fills["maker"] == 1)


@pytest.mark.parametrize(("side", "sign"), [("buy", 1), ("sell", -1)])
def test_of_two_that_cancel_each_other_and_both_cross_the_first_has_it(side, sign):
    both = Both()
    near, far = both.price(10 * sign), both.price(11 * sign)
    both.twin.desk.submit_oco({"side": side, "lots": 1, "price": near}, {"side": side, "lots": 1, "price": far})
    both.twin.advance(5)
    record = both.result()
    assert record.decisions["due_lots"].tolist() == [1, 0]
    assert int(record.fills["lots"].sum()) == 2 and record.fills["due_lots"].sum() == 1


def test_the_opportunity_of_open_decisions_is_marked_too():
    both = Both()
    both.twin.desk.submit("buy", 3, price=both.price(-2))
    for _ in range(60):
        both.twin.advance(5)
        record = both.result()
        open_lots = record.decisions["open_lots"].tolist()
        assert sum(open_lots) == int(record.decisions["due_lots"].sum() - record.decisions["met_lots"].sum())
        if record.fills["lots"].sum() == 3:
            break


def test_what_wants_to_trade_at_once_is_told_from_the_mid_when_it_left():
    """Stops too whose trigger had traded, however long the exchange made them wait for their election."""
    stops = 0
    for seed in range(20):
        both = Both(seed=seed, links="adversarial")
        for second in range(40):
            if both.twin.desk.last_price is not None and second % 4 == 0:
                both.twin.desk.submit(
                    "buy" if second % 8 else "sell", 1, type="stop", trigger=both.twin.desk.last_price
                )
            both.twin.advance(1)
        record = both.result()
        sent_ns = {int(order["order"]): int(order["sent_ns"]) for order in record.orders}
        kinds = {int(order["order"]): int(order["type"]) for order in record.orders}
        desired = {int(one["order"]): one for one in record.decisions if one["condition"] == AT_ONCE}
        for fill in record.fills:
            one = desired.get(int(fill["order"]))
            if one is not None:
                sent = int(record.touches.mids_at(np.array([sent_ns[int(fill["order"])]]))[0])
                assert fill["timing"] == -int(fill["side"] * fill["due_lots"]) * (sent - int(one["price"]))
                stops += kinds[int(fill["order"])] == codes.STOP
    assert stops > 2


def test_a_second_move_keeps_what_the_first_one_asked_for():
    with Twin(seed=7) as twin:
        price = round(twin.desk.mid, 1)
        order = twin.desk.submit("buy", 1, price=price - 3)
        twin.advance(1)
        twin.desk.replace(order, price=price - 2)
        twin.desk.replace(order, lots=3)
        twin.advance(1)
        found = twin.desk.order(order)
        assert (found.price, found.lots) == (pytest.approx(price - 2), 3)


def test_a_recorder_takes_each_row_once():
    with Twin(seed=7) as twin:
        recorder = AlphaRecorder.beside(twin)
        twin.advance(1)
        batch = twin.events()
        recorder.follow(batch)
        with pytest.raises(ValueError, match="each row once, in their order"):
            recorder.follow(batch)
        twin.advance(1)
        later = twin.events(batch.next + 5)
        with pytest.raises(ValueError, match=f"expected row {batch.next}"):
            recorder.follow(later)
