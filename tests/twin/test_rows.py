"""A row of a batch as a running market."""

import gymnasium as gym
import numpy as np
import pytest

import twin_env
from twin_env.core.state.codes import DESK
from twin_env.core.stream import EXCHANGE
from twin_env.twin.twin import Twin

assert twin_env


def episode(name="TwinTrading-v0", seed=3, steps=12, **config):
    env = gym.make(name, **config).unwrapped
    env.reset(seed=seed)
    env.action_space.seed(seed)
    for _ in range(steps):
        *_, terminated, truncated, _ = env.step(env.action_space.sample())
        assert not (terminated or truncated)
    return env


def believed(env):
    """Orders of the desk's record that are not over: number -> side, lots, filled."""
    rows = env.world["desk"]["orders"]
    return {
        int(row["client"]): tuple(int(row[k]) for k in ("side", "lots", "filled"))
        for row in rows
        if row["state"] in (1, 2)
    }


@pytest.mark.parametrize("seed", range(5))
def test_it_stands_where_the_row_stands(seed):
    env = episode(seed=seed)
    twin, desk = env.twin(), env.world["desk"]
    assert twin.digest == env.batch.reader(0).digest
    assert twin.desk.position_lots == desk["position"] and twin.seed == seed
    sides = {"buy": 1, "sell": -1}
    orders = {order.number: (sides[order.side], order.lots, order.filled_lots) for order in twin.desk.orders()}
    assert orders == believed(env)


def test_time_passes_as_in_the_row_where_nobody_acts():
    env = episode(steps=0)
    twin, stream = env.twin(), env.watch(EXCHANGE)
    while len(stream.read()) < 100:
        env.step(np.zeros_like(env.action_space.sample()))
    done = stream.read().exchange
    twin.advance_until(int(env.world["now_ns"]))
    mine = twin.events().exchange
    assert len(done) > 50 and not (done["owner"] == DESK).any()
    assert done.tobytes() == mine.tobytes()


def test_orders_of_before_are_cancelled_and_replaced():
    seen = 0
    for seed in range(8):
        twin = episode(seed=seed).twin()
        for order in twin.desk.orders():
            twin.desk.cancel(order.id)
        twin.advance(5)
        assert not twin.desk.orders()
        seen += sum(order.state == "cancelled" for order in twin.desk.orders(working=False))
    assert seen > 3


def test_it_goes_its_own_way():
    env = episode()
    before = env.batch.reader(0).digest
    twin, same = env.twin(), env.twin()
    twin.desk.submit("buy", 3, type="market")
    twin.inject({"kind": "feed_disconnect", "duration_s": 2.0})
    twin.advance(3)
    same.advance(3)
    assert env.batch.reader(0).digest == before
    assert twin.digest != same.digest
    assert twin.desk.filled_lots >= env.world["desk"]["filled_lots"] + 1


def test_a_stop_keeps_its_trigger_and_time_in_force(market):
    with Twin(market, seed=4) as twin:
        price = twin.instrument.to_price(twin.desk.touch_ticks("buy"))
        stop = twin.desk.submit("sell", 2, type="stop_limit", trigger=price - 8.0, price=price - 8.5, tif="gtc")
        twin.advance(2)
        twin.desk.replace(stop, trigger=price - 7.5)
        twin.advance(2)
        again = Twin.standing_at(market, twin._running.world_bytes)
        assert again.desk.order(stop) == twin.desk.order(stop)


def test_a_row_that_is_not_there_is_refused():
    with pytest.raises(IndexError, match="row=1, expected 0 to 0"):
        episode(steps=0).batch.twin(1)
