"""What actions of all codecs promise, for either side."""

from itertools import product

import gymnasium as gym
import numpy as np
import pytest

import twin_env
from twin_env.core.state import codes

pytestmark = pytest.mark.jit
assert twin_env

SLOW = {"delay": {"model": "constant", "delay_ms": 900.0}}
FAR_AWAY = {
    **dict.fromkeys(("orders", "reports", "market_data", "heartbeats"), SLOW),
    "heartbeat_interval_ms": 1000.0,
    "feed_recovery_ms": 0.0,
    "decision_ms": 0.0,
}


def make(env, **overrides):
    return gym.make(env, **{"market": "mgc_poisson", "links": "instant"} | overrides).unwrapped


def requests(env, action):
    """Return how many requests an action sends."""
    before = int(env.world.order_link.pushed)
    env.step(action)
    return int(env.world.order_link.pushed) - before


@pytest.mark.parametrize("side", ["buy", "sell"])
def test_a_schedule_at_rest_trades_nothing_whatever_was_cut_before(side):
    task = {"side": side, "lots": 500, "step_s": 2.0, "max_participation": 0.05}
    env = make("TwinExecution-v0", task=task, action={"codec": "schedule", "max_participation": 1.0})
    most, none = np.array([1.0], np.float32), np.array([-1.0], np.float32)
    env.reset(seed=1)
    assert sum(requests(env, most) for _ in range(10)) > 0  # of twenty times what the task lets pass
    assert 0 <= env.task.carry < 1
    assert sum(requests(env, none) for _ in range(10)) == 0


@pytest.mark.parametrize(
    ("name", "buy", "sell"),
    [
        ("TwinExecution-v0", ("buy", [3, 0, 1]), ("sell", [3, 0, 1])),
        ("TwinTrading-v0", ("", [4, 0, 1]), ("", [5, 0, 1])),
    ],
)
def test_a_market_order_on_its_way_looks_alike_for_both_sides(name, buy, sell):
    for side, action in (buy, sell):
        env = make(name, links=FAR_AWAY, task={"step_s": 0.5}, action={"codec": "orders", "slots": 1})
        env.reset(seed=1, options={"side": side} if side else {})
        observation, *_ = env.step(np.array(action))
        seen = env.layout.decode(observation)
        assert int(env.world.desk.orders[0].type) == codes.MARKET
        across = seen["spread_ticks"] + env.market.instrument.protection_ticks
        assert seen["slot_1_offset_ticks"] == pytest.approx(-across, abs=1e-4)


@pytest.mark.parametrize("market", ["thin", "small_tick", "mgc_poisson"])
def test_the_nearest_stop_is_taken_from_the_start_on(market):
    action = {"codec": "orders", "slots": 1, "offsets_ticks": [0], "stops_ticks": [1], "sizes_lots": [1]}
    env = make("TwinTrading-v0", market=market, action=action, task={"step_s": 0.001})
    for seed, choice in product(range(60), (6, 7)):
        env.reset(seed=seed)
        env.step(np.array([choice, 0, 0]))
        assert env.world.rejects[codes.STOP_PRICE] == 0


@pytest.mark.parametrize("risk", [{"max_position_lots": 1}, {"max_messages_per_s": 1.0}])
def test_a_mask_says_of_a_slot_at_peace_what_sends_something_in_some_size(risk):
    action = {"codec": "orders", "slots": 1, "offsets_ticks": [0, 2], "stops_ticks": [5, 10], "sizes_lots": [1, 2]}
    env = make("TwinTrading-v0", links="vps", risk=risk, task={"step_s": 0.2}, action=action)
    rng, refused, masked = np.random.default_rng(1), 0, 0
    env.reset(seed=1)
    for _ in range(200):
        if env.world.desk.pending == 0:
            mask = env.action_masks()[:8]
            for choice in range(1, 8):
                ways = [[choice, offset, size] for offset, size in product(range(2), range(2))]
                assert mask[choice] == any(requests(env.fork(), np.array(way)) for way in ways)
            masked += int((~mask[2:]).any())
        env.step(rng.integers(0, env.action_space.nvec))
        refused += int(env.task.refused)
    assert refused and masked
