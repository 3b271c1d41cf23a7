"""The ``prices`` codec: orders and brackets at any price, moved and cancelled by slot."""

from typing import Any

import gymnasium as gym
import numpy as np
import pytest

from twin_env.core.desk.desk import HELD, LIVE
from twin_env.core.state.codes import LIMIT, STOP

pytestmark = pytest.mark.jit

KEEP, CANCEL, BUY_LIMIT, SELL_LIMIT, BUY_MARKET, SELL_MARKET, BUY_STOP, SELL_STOP = range(8)
NONE = np.inf


def make(**config: Any) -> Any:
    action = {"codec": "prices", "slots": 1} | config.pop("action", {})
    task = {"window_s": 120, "step_s": 1, "flat_at_close": False}
    return gym.make("TwinTrading-v0", **{"links": "instant", "task": task, "action": action} | config).unwrapped


def do(env: Any, choice: int, price: float = 0.0, lots: float = 1.0, target: float = NONE, stop: float = NONE) -> Any:
    return env.step(np.array([choice, price, lots, target, stop]))


def working(env: Any) -> list[Any]:
    orders = env.world["desk"]["orders"]
    return [order for order in orders if order["state"] in (LIVE, HELD)]


def start_ticks(env: Any) -> int:
    return int(env.task["start_mid"]) >> 1


def test_prices_are_ticks_from_the_start():
    env = make()
    env.reset(seed=1)
    do(env, BUY_LIMIT, -137.0, 3.0)
    (order,) = working(env)
    assert (order["price"], order["lots"], order["side"]) == (start_ticks(env) - 137, 3, 1)
    do(env, BUY_LIMIT, -150.0, 2.0)
    (order,) = working(env)
    assert (order["price"], order["lots"]) == (start_ticks(env) - 150, 2)
    do(env, CANCEL)
    assert working(env) == []


def test_prices_can_be_those_of_the_quote_currency():
    env = make(action={"quote": "price"})
    env.reset(seed=1)
    tick = env.market.instrument.to_price(1)
    wanted = (start_ticks(env) - 44) * tick
    do(env, BUY_LIMIT, wanted)
    (order,) = working(env)
    assert order["price"] * tick == pytest.approx(wanted)


def test_a_market_order_takes_its_exits_along():
    env = make()
    env.reset(seed=2)
    do(env, BUY_MARKET, lots=2, target=60, stop=-55)
    target, stop = sorted(working(env), key=lambda order: int(order["type"]))
    base = start_ticks(env)
    assert int(env.world["ledger"]["position"]) == 2
    assert (target["type"], target["price"], target["lots"], target["side"]) == (LIMIT, base + 60, 2, -1)
    assert (stop["type"], stop["trigger"], stop["lots"], stop["side"]) == (STOP, base - 55, 2, -1)


def test_exits_are_moved_and_cancelled_by_their_slot():
    env = make()
    observation, _ = env.reset(seed=2)
    exits = env.layout.place("slot_1_exits")
    observation = do(env, SELL_MARKET, lots=1, target=-60, stop=55)[0]
    assert observation[exits] == 1.0
    do(env, SELL_MARKET, lots=5, target=-50, stop=45)  # the slot is taken: no second order, its exits move
    target, stop = sorted(working(env), key=lambda order: int(order["type"]))
    assert (target["price"], stop["trigger"]) == (start_ticks(env) - 50, start_ticks(env) + 45)
    assert int(env.world["ledger"]["position"]) == -1
    requests = int(env.world["order_link"]["pushed"])
    do(env, SELL_MARKET, lots=5, target=-50, stop=45)
    assert int(env.world["order_link"]["pushed"]) == requests  # what asks for no change sends nothing
    observation = do(env, CANCEL)[0]
    assert working(env) == [] and observation[exits] == 0.0
    do(env, BUY_MARKET)
    assert int(env.world["ledger"]["position"]) == 0


@pytest.mark.parametrize(
    ("choice", "price", "target", "stop"),
    [(BUY_LIMIT, NONE, NONE, NONE), (BUY_STOP, 1e300, NONE, NONE), (BUY_MARKET, 0, -10, 10), (SELL_MARKET, 0, 10, -10)],
    ids=["no_price", "far", "buy_crossed", "sell_crossed"],
)
def test_what_makes_no_order_is_refused_and_counted(choice, price, target, stop):
    env = make()
    env.reset(seed=3)
    *_, info = do(env, choice, price, 1.0, target, stop)
    assert info["risk/refused"] == 1 and working(env) == []
    assert int(env.world["order_link"]["pushed"]) == 0


def test_the_limit_of_the_position_holds():
    env = make(risk={"max_position_lots": 2})
    env.reset(seed=3)
    *_, info = do(env, BUY_MARKET, lots=3)
    assert info["risk/refused"] == 1
    *_, info = do(env, BUY_MARKET, lots=2, target=500, stop=-500)
    assert info["trade/position_lots"] == 2 and info["risk/refused"] == 1


def test_the_close_drops_exits_and_leaves_nothing():
    env = make(task={"window_s": 10, "step_s": 1, "flat_at_close": True}, links="retail")
    for seed in range(8):
        env.reset(seed=seed)
        over = False
        do(env, BUY_LIMIT, -1, 3, 25, -25)
        while not over:
            _, _, over, _, info = do(env, KEEP)
        assert info["trade/position_lots"] == 0
        assert working(env) == []


def test_desks_that_trade_brackets_at_random_never_hold_more_than_they_may():
    env = make(action={"slots": 4}, risk={"max_position_lots": 6}, links="adversarial", chaos="severe")
    fills = 0
    for seed in range(6):
        env.reset(seed=seed)
        rng, over = np.random.default_rng(seed), False
        while not over:
            action = np.tile([0.0, 0.0, 1.0, NONE, NONE], (4, 1))
            action[:, 0] = rng.integers(0, 8, 4)
            drift = (int(env.world["desk"]["mid"]) >> 1) - start_ticks(env)
            action[:, 1] = drift + rng.integers(-8, 9, 4)
            action[:, 2] = rng.integers(1, 4, 4)
            action[:, 3] = drift + rng.integers(-12, 13, 4)
            action[:, 4] = drift + rng.integers(-12, 13, 4)
            _, _, terminated, truncated, info = env.step(action.reshape(-1))
            over = terminated or truncated
            parts = np.array(env.task["parts"])
            assert parts[0] == parts[1] + parts[2] and parts[2] == parts[3:].sum()
        fills += info["exec/fills"]
    assert fills > 50
