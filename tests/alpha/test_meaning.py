"""What the split means: nothing is lost where nothing can be, and strategies are worth what their decisions are."""

from typing import Any

import numpy as np
import pytest

from tests.core.worlds import DRIVEN, MS, SECOND, START_NS, tape_template, to_tape
from tests.studies.markets import made_market
from twin_env import Twin
from twin_env.alpha import AlphaRecorder
from twin_env.alpha.basis import Basis
from twin_env.core.state import codes
from twin_env.core.state.codes import BUY, SELL
from twin_env.core.stream import EXCHANGE
from twin_env.reference.messages import Message

pytestmark = pytest.mark.jit

HUGE = 1_000_000
PATH = [0, 3, 6, 3, 0, -3, -6, -3, 0, 8, -8, 0]  # ticks from the first bid, one a second


def deep_market(first_bid: int = 1000) -> Any:
    """Return a market without friction: no delay, no fees, huge orders at both touches, the next prices as deep.

    At every step of the path the touches move by one tick at a time, and every touch trades one lot when it gets there.
    """
    rows, live, at_ns = [], {}, START_NS
    numbers = iter(range(256))
    free: list[int] = []

    def send(**terms: Any) -> None:
        nonlocal at_ns
        at_ns += MS // 10
        rows.append(Message(ts_ns=at_ns, seq=len(rows) + 1, **terms))

    def quote(side: int, price: int) -> None:
        if side in live:
            send(kind=codes.CANCEL, order=live[side][0], side=side)
            free.append(live[side][0])
        number = free.pop(0) if len(free) > 4 else next(numbers)
        live[side] = (number, price)
        send(kind=codes.NEW, order=number, side=side, price=price, lots=HUGE)

    def print_at(side: int, number: int) -> None:
        send(kind=codes.NEW, order=number, side=-side, price=live[side][1], lots=1, tif=codes.IOC)

    bid = first_bid
    quote(BUY, bid)
    quote(SELL, bid + 1)
    for second, away in enumerate(PATH):
        at_ns = START_NS + (second + 1) * SECOND
        while bid != first_bid + away:
            step = 1 if first_bid + away > bid else -1
            bid += step
            for side in (SELL, BUY) if step > 0 else (BUY, SELL):
                quote(side, bid + (side == SELL))
                print_at(side, 254)
    tape = to_tape(rows)
    return made_market(tape_template(DRIVEN), DRIVEN, tape, first_ns=START_NS + SECOND // 2)


def orders(side: int) -> dict[str, list[dict[str, Any]]]:
    """Return what a desk may send at the start, prices in ticks from the first bid; the market rises 6, then falls."""
    name, other = ("buy", "sell") if side == BUY else ("sell", "buy")

    def at(ticks: int) -> float:  # mirrored around the first mid
        return round((1000 + ticks if side == BUY else 1001 - ticks) * 0.1, 1)

    return {
        "market": [{"side": name, "lots": 3, "type": "market"}],
        "crossing limit": [{"side": name, "lots": 2, "price": at(4)}],
        "limit": [{"side": name, "lots": 2, "price": at(-2 if side == BUY else -3)}],
        "stop": [{"side": name, "lots": 2, "type": "stop", "trigger": at(4)}],
        "stop limit": [{"side": name, "lots": 2, "type": "stop_limit", "trigger": at(4), "price": at(9)}],
        "target first": [{"side": name, "lots": 2, "type": "market", "target": at(5), "stop": at(-9)}],
        "stop first": [{"side": name, "lots": 2, "type": "market", "target": at(30), "stop": at(-4)}],
        "two ways": [
            {"side": name, "lots": 1, "type": "market"},
            {"side": other, "lots": 1, "price": at(5)},
            {"side": other, "lots": 2, "type": "stop", "trigger": at(-4)},
        ],
    }


@pytest.mark.parametrize("side", [BUY, SELL])
@pytest.mark.parametrize("kind", sorted(orders(BUY)))
def test_without_friction_the_execution_is_exactly_nothing(kind, side):
    with Twin(deep_market()) as twin:
        recorder = AlphaRecorder.beside(twin)
        for terms in orders(side)[kind]:
            twin.desk.submit(**terms)
        twin.advance(len(PATH) + 1)
        recorder.follow(twin.events())
        record = recorder.record(twin.now_ns)
    assert len(record.fills) > 0
    split = Basis(desired_price="touch").restate(record.result())
    assert split.execution == 0 and split.micro[3:] == (0,) * 8
    assert split.strategy == split.net


@pytest.mark.parametrize("side", [BUY, SELL])
def test_friction_is_seen(side):
    """The test above can fail: with a tenth of a second on the way a stop slips by what the market moved meanwhile."""
    market = deep_market()
    market.template[0]["order_link"]["delay_ns"][:] = 100 * MS
    with Twin(market) as twin:
        recorder = AlphaRecorder.beside(twin)
        twin.advance(1.46)  # what is sent now arrives after the first move
        twin.desk.submit("buy" if side == BUY else "sell", 2, type="market")
        twin.advance(len(PATH))
        recorder.follow(twin.events())
        result = recorder.record(twin.now_ns).result()
    assert Basis(desired_price="touch").restate(result).execution != 0


SESSION_S, RANGE_S, SESSIONS = 900, 120, 20
TARGET_TICKS, STOP_TICKS = 12, 8


def play_breakout(seed: int, links: Any) -> tuple[dict[str, float], list[tuple[int, int]], dict[str, Any]]:
    """Play one session: follow the market out of its opening range with a bracket, and leave at the end."""
    with Twin(seed=seed, links=links, planes=EXCHANGE) as twin:
        twin.advance(RANGE_S)
        prices = twin.events().exchange
        prices = prices["price"][prices["kind"] == codes.TRADED]
        high, low, decision = prices.max(), prices.min(), {}
        tick, end_ns = twin.instrument.tick_size, twin.now_ns + (SESSION_S - RANGE_S) * SECOND
        while twin.now_ns < end_ns:
            twin.advance(1)
            mid = round(2 * twin.desk.mid / tick)
            side = BUY if mid > 2 * high + 2 else SELL if mid < 2 * low - 2 else 0
            if not decision and side:
                near = mid // 2
                exits = {"target": near + side * TARGET_TICKS, "stop": near - side * STOP_TICKS}
                decision = {"side": side, "at_ns": twin.now_ns, "mid": mid} | exits
                submitted = {name: price * tick for name, price in exits.items()}
                twin.desk.submit("buy" if side == BUY else "sell", 1, type="market", id="entry", **submitted)
        for order in twin.desk.orders():
            twin.desk.cancel(order.id)
        if twin.desk.position_lots:
            decision |= {"left_ns": twin.now_ns, "left": round(2 * twin.desk.mid / tick)}
            twin.desk.submit("sell" if twin.desk.position_lots > 0 else "buy", 1, type="market")
        elif decision:
            decision |= {"left_ns": twin.now_ns, "left": None}
        twin.advance(5)
        traded = twin.events().exchange
        traded = traded[traded["kind"] == codes.TRADED]
        return twin.alpha(), list(zip(traded["ts_ns"].tolist(), traded["price"].tolist(), strict=True)), decision


def worth(decision: dict[str, Any], trades: list[tuple[int, int]]) -> float:
    """Return what a session's decisions were worth, half-ticks, from trade prices alone: no bars, no ledger."""
    if not decision:
        return 0.0
    side = decision["side"]
    for ts_ns, price in trades:
        if decision["at_ns"] < ts_ns <= decision["left_ns"]:
            if side * (price - decision["target"]) >= 0:
                return side * (2 * decision["target"] - decision["mid"])
            if side * (decision["stop"] - price) >= 0:
                return side * (2 * decision["stop"] - decision["mid"])
    return side * (decision["left"] - decision["mid"])


@pytest.mark.parametrize("links", ["retail", {"extends": "retail", "orders": {"delay": {"mean_ms": 100}}}])
def test_the_strategy_of_a_breakout_is_what_trade_prices_say(links):
    """Twenty sessions, with the usual way to the exchange and with one about twice as long."""
    sessions = [play_breakout(seed, links) for seed in range(SESSIONS)]
    half_tick_ccy = 0.5
    told = np.array([alpha["strategy"] for alpha, _, _ in sessions])
    expected = np.array([half_tick_ccy * worth(decision, trades) for _, trades, decision in sessions])
    assert sum(bool(decision) for _, _, decision in sessions) > SESSIONS // 2
    assert np.corrcoef(told, expected)[0, 1] == pytest.approx(1.0, abs=1e-12)
    assert told == pytest.approx(expected, abs=1e-9)
    reached = [decision for _, _, decision in sessions if decision and decision.get("left") is None]
    assert len(reached) > 3
