"""Strategy Alpha twice: kept by the compiled ledger, and worked out from the recorded stream in plain Python."""

import os
from functools import lru_cache
from typing import Any

import gymnasium as gym
import numpy as np
import pytest

import twin_env
from tests.alpha.recounting import RandomDesk, random_actions, recount_from
from tests.core.worlds import examples
from twin_env.alpha.recount import PLANES
from twin_env.chaos.faults import KINDS
from twin_env.core.ledger import STRATEGY

pytestmark = pytest.mark.jit

WINDOW = {"window_s": 20, "step_s": 1}
HORIZON = {"horizon_s": 20, "step_s": 1}
ORDERS = {"codec": "orders", "slots": 4}
ENVIRONMENTS: dict[str, tuple[str, dict[str, Any]]] = {
    "calm": ("TwinTrading-v0", {"task": WINDOW, "action": ORDERS, "links": "instant"}),
    "orders": ("TwinTrading-v0", {"task": WINDOW, "action": ORDERS, "chaos": "severe", "links": "adversarial"}),
    "prices": (
        "TwinTrading-v0",
        {"task": WINDOW, "action": {"codec": "prices", "slots": 3}, "chaos": "severe", "links": "retail"},
    ),
    "target": ("TwinTrading-v0", {"task": WINDOW, "action": {"codec": "target"}, "chaos": "severe"}),
    "parent": ("TwinExecution-v0", {"task": HORIZON, "chaos": "severe"}),
    "ladder": ("TwinExecution-v0", {"task": HORIZON, "action": {"codec": "ladder"}, "chaos": "severe"}),
}


@lru_cache
def environment(name: str) -> Any:
    env_id, config = ENVIRONMENTS[name]
    return gym.make(env_id, **config).unwrapped


def assert_counts_agree(env: Any, seed: int) -> float:
    """Play an episode at random; after every step both counts are the same integer. Return the lots that filled."""
    env.reset(seed=seed)
    stream = env.batch.watch(0, PLANES)
    cursor = stream.end
    fields = env.task.dtype.names
    parent = (int(env.task["side"]), int(env.task["lots"])) if "side" in fields else None
    recount = recount_from(env.world, parent)
    actions, money = random_actions(env.action_space, seed), int(env.world["venue"]["half_tick_micro"])
    over = False
    while not over:
        _, _, terminated, truncated, info = env.step(next(actions))
        batch = stream.read(cursor)
        cursor = batch.next
        recount.follow(batch.rows)
        assert recount.strategy * money == int(env.task["parts"][STRATEGY])
        over = terminated or truncated
    return float(info["exec/filled_lots"])


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_both_counts_agree_after_every_step(name):
    env = environment(name)
    lots = [assert_counts_agree(env, seed) for seed in range(examples(12))]
    assert np.mean(np.array(lots) > 0) > 0.5


@pytest.mark.slow
@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_both_counts_agree_in_many_episodes(name):
    """``TWIN_EPISODES=2000`` plays ten thousand in all."""
    env = environment(name)
    for seed in range(10_000, 10_000 + int(os.environ.get("TWIN_EPISODES", "200"))):
        assert_counts_agree(env, seed)


def test_both_counts_agree_on_brackets_pairs_and_moves():
    """A desk that sends orders of every kind, brackets and pairs, moves and cancels them, through a whole minute."""
    for seed in range(examples(8)):
        with twin_env.Twin(links="retail", seed=seed) as twin:
            assert_desk_is_recounted(twin, seed, steps=120)


@pytest.mark.parametrize("kind", ["flash_crash", "ack_loss", "reject_storm", "frozen_strategy", "order_disconnect"])
def test_both_counts_agree_on_brackets_while_something_fails(kind):
    for seed in range(examples(2)):
        with twin_env.Twin(chaos=f"library:{kind}.high", seed=seed) as twin:
            assert_desk_is_recounted(twin, seed, steps=120)


@pytest.mark.slow
@pytest.mark.parametrize("kind", sorted(KINDS))
def test_both_counts_agree_on_brackets_under_every_fault(kind):
    for seed in range(100, 103):
        with twin_env.Twin(links="adversarial", chaos=f"library:{kind}.extreme", seed=seed) as twin:
            assert_desk_is_recounted(twin, seed, steps=120)


def assert_desk_is_recounted(twin: Any, seed: int, steps: int) -> None:
    record = twin._running.record
    recount, desk = recount_from(record), RandomDesk(twin, seed)
    cursor, money = twin.events().next, int(record["venue"]["half_tick_micro"])
    for _ in range(steps):
        desk.act()
        twin.advance(0.5)
        batch = twin.events(cursor)
        cursor = batch.next
        recount.follow(batch.rows)
        assert recount.strategy * money == round(twin.alpha()["strategy"] * 1e6)
    assert desk.sent > steps / 12
