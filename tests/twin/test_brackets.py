"""Brackets and pairs of a Twin's desk: what it is told, what it refuses, and that run files play them again."""

import pytest

from twin_env.twin.orders import OrderError
from twin_env.twin.replay import replay_run
from twin_env.twin.run_file import read_run
from twin_env.twin.twin import Twin

pytestmark = pytest.mark.jit


@pytest.fixture
def twin(market):
    with Twin(market, seed=21) as twin:
        twin.advance(1)
        yield twin


def near(twin, ticks):
    tick = twin.instrument.tick_size
    return round(twin.desk.mid / tick) * tick + ticks * tick


def states(twin):
    return {order.id: order.state for order in twin.desk.orders(working=False)}


def test_exits_wait_for_their_entry_and_work_once_it_is_filled(twin):
    id = twin.desk.submit("buy", 2, type="market", target=near(twin, 40), stop=near(twin, -40), id="a")
    assert id == "a" and states(twin) == {"a": "sent", "a:target": "held", "a:stop": "held"}
    twin.advance(2)
    assert states(twin) == {"a": "filled", "a:target": "working", "a:stop": "working"}
    target, stop = twin.desk.order("a:target"), twin.desk.order("a:stop")
    assert (target.type, target.side, target.lots) == ("limit", "sell", 2)
    assert (stop.type, stop.side, stop.lots) == ("stop", "sell", 2)


def test_the_exit_that_fills_ends_the_other(twin):
    twin.desk.submit("buy", 1, type="market", target=near(twin, 4), stop=near(twin, -4), id="a")
    for _ in range(600):
        twin.advance(1)
        if not twin.desk.orders():
            break
    ends = states(twin)
    assert sorted((ends["a:target"], ends["a:stop"])) == ["cancelled", "filled"]
    assert twin.desk.position_lots == 0


def test_an_entry_that_is_cancelled_drops_its_exits(twin):
    twin.desk.submit("buy", 1, price=near(twin, -90), target=near(twin, 40), id="a")
    twin.advance(1)
    twin.desk.replace("a:target", price=near(twin, 50))
    assert twin.desk.order("a:target").price == pytest.approx(near(twin, 50))
    twin.desk.cancel("a")
    twin.advance(1)
    assert states(twin) == {"a": "cancelled", "a:target": "cancelled"}
    assert twin.desk.order("a:target").reason == "never sent"


def test_one_of_two_cancels_the_other(twin):
    up = {"side": "buy", "lots": 1, "type": "stop", "trigger": near(twin, 3), "id": "up"}
    down = {"side": "sell", "lots": 1, "type": "stop", "trigger": near(twin, -3), "id": "down"}
    assert twin.desk.submit_oco(up, down) == ("up", "down")
    for _ in range(600):
        twin.advance(1)
        if not twin.desk.orders():
            break
    assert sorted(states(twin).values()) == ["cancelled", "filled"]
    assert abs(twin.desk.position_lots) == 1


def test_what_cannot_be_is_refused_and_nothing_leaves(twin):
    price = near(twin, -5)
    with pytest.raises(OrderError, match="change places, expected target above stop"):
        twin.desk.submit("buy", 1, price=price, target=near(twin, -9), stop=near(twin, 9))
    with pytest.raises(OrderError, match="expected the same for both"):
        twin.desk.submit_oco({"side": "buy", "lots": 1, "price": price}, {"side": "buy", "lots": 2, "price": price})
    with pytest.raises(OrderError, match="expected side, lots and what else"):
        twin.desk.submit_oco({"side": "buy", "lots": 1, "target": price}, {"side": "buy", "lots": 1, "price": price})
    twin.desk.submit("buy", 1, price=price, target=near(twin, 9), id="a")
    with pytest.raises(OrderError, match="waits for its entry, expected price or trigger alone"):
        twin.desk.replace("a:target", lots=2)
    assert [order.id for order in twin.desk.orders(working=False)] == ["a", "a:target"]


def test_a_full_desk_takes_no_half_of_a_bracket(twin):
    for _ in range(7):
        try:
            twin.desk.submit("buy", 1, price=near(twin, -95), target=near(twin, 95), stop=near(twin, -99))
        except OrderError as error:
            assert "expected fewer requests" in str(error)
        twin.advance(1)
    entries = [order for order in twin.desk.orders() if order.side == "buy"]
    assert len(twin.desk.orders()) == 3 * len(entries) and len(entries) == 5


def test_a_run_file_plays_brackets_and_pairs_again(market, tmp_path):
    path = tmp_path / "run.jsonl"
    with Twin(market, seed=22, run_file=path) as twin:
        twin.advance(1)
        twin.desk.submit("buy", 1, type="market", target=near(twin, 4), stop=near(twin, -4), id="a")
        twin.desk.submit_oco(
            {"side": "buy", "lots": 1, "price": near(twin, -6)},
            {"side": "sell", "lots": 1, "price": near(twin, 6), "id": "b"},
        )
        twin.advance(120)
        expected = states(twin), twin.alpha()
    replay = replay_run(read_run(path))
    assert (states(replay.twin), replay.twin.alpha()) == expected
