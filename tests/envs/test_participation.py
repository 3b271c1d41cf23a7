"""Participation, VWAP, and the named terms of the reward: each against figures worked out apart."""

import gymnasium as gym
import numpy as np
import pytest

import twin_env
from twin_env.core.state.codes import DESK, IOC_REMAINDER, TRADED
from twin_env.core.stream import EXCHANGE
from twin_env.envs.execution.config import RewardConfig
from twin_env.envs.execution.rewards import TERMS

assert twin_env
NAME = "TwinExecution-v0"
TAKE_ALL = np.array([3, 0, 4])
HOLD = np.array([0, 0, 0])

pytestmark = pytest.mark.jit


def make(links="instant", task=None, **config):
    return gym.make(
        NAME, links=links, task={"lots": 60, "horizon_s": 60.0, "step_s": 2.0} | (task or {}), **config
    ).unwrapped


def printed(env):
    """Volume the desk has heard of since the decision."""
    desk = env.world["desk"]
    return int(desk["bought_lots"] + desk["sold_lots"] - env.task.printed_before)


@pytest.mark.parametrize("side", ["buy", "sell"])
@pytest.mark.parametrize("links", ["instant", "retail"])
def test_no_action_exceeds_the_largest_participation(links, side):
    env = make(links, {"max_participation": 0.2, "leftover": "mark", "side": side})
    bound = 0
    for seed in range(5):
        env.reset(seed=seed)
        over = False
        while not over:
            most = int(0.2 * printed(env))
            _, _, over, _, _ = env.step(TAKE_ALL)
            filled = int(env.world["ledger"]["filled_lots"])
            assert filled <= most
            bound += filled == most > 0
    assert bound > 20


@pytest.mark.parametrize("side", ["buy", "sell"])
@pytest.mark.parametrize("resting", [False, True])
def test_what_an_action_leaves_below_the_smallest_participation_is_taken(resting, side):
    env = make(task={"min_participation": 0.1, "leftover": "mark", "side": side})
    stream, caught, short = env.watch(EXCHANGE), 0, 0
    for seed in range(5):
        env.reset(seed=seed)
        if resting:  # everything waits far away: orders have to be turned over
            env.step(np.array([2, 4, 4]))
        over = False
        while not over:
            least = min(int(0.1 * printed(env)), int(env.task.lots))
            before, cursor = int(env.world["ledger"]["filled_lots"]), stream.end
            _, _, over, _, _ = env.step(HOLD)
            filled, done = int(env.world["ledger"]["filled_lots"]), stream.read(cursor).exchange
            cut = done[(done["owner"] == DESK) & (done["reason"] == IOC_REMAINDER)]["lots"].sum()
            assert filled + cut >= least  # what is cut found nobody within the venue's protection
            caught += filled > before
            short += filled < least
    assert caught > 10
    assert short <= 2  # a market order seldom meets too few within the protection


def test_no_limits_change_nothing():
    left, right = make(), make(task={"max_participation": None, "min_participation": None})
    assert np.array_equal(left.reset(seed=1)[0], right.reset(seed=1)[0])
    assert left.step(TAKE_ALL)[4] == right.step(TAKE_ALL)[4]
    with pytest.raises(ValueError, match=r"min_participation=0.5 must not exceed max_participation=0.1"):
        make(task={"min_participation": 0.5, "max_participation": 0.1})


@pytest.mark.parametrize("side", ["buy", "sell"])
def test_vwap_is_that_of_the_trades_at_the_exchange(side):
    env = make(market="mgc_poisson", task={"step_s": 0.5, "horizon_s": 30.0, "side": side})
    env.reset(seed=5)
    world, ring = env.world, len(env.world["events"])
    lots = notional = own_lots = own_notional = 0
    first, over, compared, step = int(world["event_count"]), False, 0, 0
    while not over:
        _, _, over, _, info = env.step(np.array([3 if step % 5 == 0 else 0, 0, 0]))
        world, step = env.world, step + 1
        last = int(world["event_count"])
        assert last - first <= ring
        for count in range(first, last):
            event = world["events"][count & (ring - 1)]
            if event["kind"] == TRADED:
                lots += int(event["lots"])
                notional += int(event["lots"]) * int(event["price"])
        first = last
        own_lots = int(world["ledger"]["filled_lots"])
        own_notional = -int(world["ledger"]["cash"]) // 2 * int(env.task.side)
        if own_lots and lots:
            ticks = int(env.task.side) * (own_notional - own_lots * notional / lots)
            money = ticks * 2 * int(world["venue"]["half_tick_micro"])
            assert info["exec/vwap_bps"] == pytest.approx(money / int(env.task.notional_micro) * 1e4, abs=1e-9)
            assert info["exec/participation"] == pytest.approx(own_lots / lots)
            compared += 1
    assert compared > 20


def play(env, seed):
    """Play random actions; return rewards and infos of the steps."""
    rng = np.random.default_rng(seed)
    env.reset(seed=seed)
    rewards, infos, over = [], [], False
    while not over:
        _, reward, over, _, info = env.step(rng.integers(0, env.action_space.nvec))
        rewards.append(reward)
        infos.append(info)
    return np.array(rewards), infos


def test_terms_are_what_their_names_say():
    env = make("retail", {"leftover": "mark", "lots": 2000})
    _, infos = play(env, 3)
    sums = {term: sum(info[f"reward/{term}"] for info in infos) for term in TERMS}
    last = infos[-1]
    assert sums["execution"] == pytest.approx(-last["exec/is_bps"])
    assert sums["drift"] == pytest.approx(last["exec/drift_bps"])
    assert sums["vwap"] == pytest.approx(-last["exec/vwap_bps"])
    assert sums["messages"] == -int(env.world["order_link"]["pushed"]) < 0
    assert sums["unfilled"] == pytest.approx(-last["exec/remaining_lots"] / 2000) and last["exec/remaining_lots"] > 0
    lags = [(step + 1) / 30 - info["exec/filled_lots"] / 2000 for step, info in enumerate(infos)]
    assert [info["reward/lag"] for info in infos] == pytest.approx([-(lag**2) for lag in lags])


@pytest.mark.parametrize("term", TERMS)
def test_a_reward_is_its_weighted_terms(term):
    others = dict.fromkeys(TERMS, 0.0)
    rewards, infos = play(make("retail", reward=others | {term: -2.5}), 4)
    assert rewards == pytest.approx([-2.5 * info[f"reward/{term}"] for info in infos])
    assert RewardConfig().model_dump() == others | {"execution": 1.0}


@pytest.mark.parametrize("offsets", [[4], [4, 3]], ids=["follows the touch", "moves at every step"])
def test_a_far_order_that_always_waits_for_an_answer_does_not_dodge_the_smallest_participation(offsets):
    codec = {"codec": "orders", "offsets_ticks": offsets, "sizes": [1.0]}
    env = make("retail", {"min_participation": 0.1, "leftover": "mark", "step_s": 0.5, "lots": 200}, action=codec)
    short = []
    for seed in range(4):
        env.reset(seed=seed)
        step, over, owed = 0, False, [0, 0]  # a taking order needs a round trip: judged two steps later
        while not over:
            owed.append(min(int(0.1 * printed(env)), int(env.task.lots)))
            _, _, over, _, info = env.step(np.array([2, step % len(offsets), 0]))
            short.append(owed[-3] - info["exec/filled_lots"])
            step += 1
    assert max(short) <= 0


def test_sizes_that_cannot_be_are_refused():
    with pytest.raises(ValueError, match=r"offsets_ticks\[0\] is 10000000, expected at most 1000000"):
        make(action={"codec": "orders", "offsets_ticks": [10**7]})
    with pytest.raises(ValueError, match="always start at the same time"):
        make().reset(options={"start_s": 5.0})
