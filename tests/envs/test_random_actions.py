"""A hundred thousand random actions, in every market, over every wire, through every codec, and nothing gives way."""

import gc
import os
from itertools import product
from pathlib import Path
from typing import get_args

import gymnasium as gym
import numpy as np
import pytest

import twin_env
from twin_env.alpha import PARTS
from twin_env.config import preset_names
from twin_env.envs.execution.config import Action
from twin_env.envs.observation import ObservationConfig
from twin_env.envs.trading.config import TradingAction

pytestmark = pytest.mark.jit
assert twin_env

ROWS = 20
STEPS = 100
LEAST_PLAYED = 0.8 * ROWS * STEPS  # the rest begins anew
MOST_LOTS = 7
GROWTH_BYTES = 4 * 2**20  # what a process may grow by over 64,000 actions: 64 bytes an action would show
LIMITS = {"max_position_lots": MOST_LOTS, "max_loss_ccy": 300.0, "max_messages_per_s": 3.0}
WINDOW = {"window_s": 20.0, "step_s": 0.5, "start_s": [0.0, 3600.0]}
PARENT = {"lots": [1, 300], "horizon_s": 20.0, "step_s": 0.5}
TASKS = {  # played in turn
    "TwinExecution-v0": [
        {"task": PARENT},
        {"task": PARENT | {"min_participation": 0.1, "max_participation": 0.5, "leftover": "mark"}},
    ],
    "TwinTrading-v0": [
        {"task": WINDOW, "risk": LIMITS},
        {"task": WINDOW | {"flat_at_close": False}, "risk": {"max_position_lots": MOST_LOTS}},
    ],
}
ACTIONS = {
    "TwinExecution-v0": [
        {"codec": "orders", "slots": 1},
        {"codec": "orders", "slots": 4},
        {"codec": "table"},
        {"codec": "ladder"},
        {"codec": "schedule"},
    ],
    "TwinTrading-v0": [
        {"codec": "orders", "slots": 4},
        {"codec": "target"},
        {"codec": "positions", "positions_lots": [-7, -1, 0, 3]},
        {"codec": "prices", "slots": 3},
    ],
}
MARKETS, LINKS = preset_names("markets"), preset_names("links")
PRESETS = get_args(ObservationConfig.model_fields["preset"].annotation)
CODECS = [(env, action) for env, actions in ACTIONS.items() for action in actions]
CASES = [
    (env, action, market, LINKS[(place + row) % len(LINKS)], PRESETS[(place // len(LINKS) + row) % len(PRESETS)])
    for (place, market), (row, (env, action)) in product(enumerate(MARKETS), enumerate(CODECS))
]


def make(env, action, market, links, preset):
    shown = {"preset": preset, "frames": 2}
    task = TASKS[env][MARKETS.index(market) % len(TASKS[env])]
    parts = {"market": market, "links": links, "action": action, "observation": shown} | task
    return gym.make_vec(env, ROWS, info_level="none", **parts).unwrapped


def check(venv):
    """Check all rows after a step; return which have nothing on the wire."""
    batch, space = venv.batch, venv.single_observation_space
    seen, worlds, tasks = batch.observations, batch.worlds, batch.tasks
    ledger, desk, book = worlds["ledger"], worlds["desk"], worlds["book"]
    assert np.isfinite(seen).all() and np.isfinite(batch.infos).all() and np.isfinite(batch.rewards).all()
    assert (seen >= space.low).all() and (seen <= space.high).all()

    net, strategy, execution, *parts = tasks["parts"].T
    assert len(parts) == len(PARTS)
    assert (net == strategy + execution).all()
    assert (execution == sum(parts)).all()

    assert not worlds["report_link"]["lost"].any()
    idle = (worlds["order_link"]["pushed"] == worlds["order_link"]["popped"]) & (
        worlds["report_link"]["pushed"] == worlds["report_link"]["popped"]
    )
    assert (desk["position"] == ledger["position"])[idle].all()
    assert (desk["filled_lots"] == ledger["filled_lots"])[idle].all()
    assert (desk["pending"] == 0)[idle].all()

    if "lots" in tasks.dtype.names:
        assert (ledger["filled_lots"] <= tasks["lots"]).all()
        assert (ledger["position"] == tasks["side"] * ledger["filled_lots"]).all()
    else:
        assert (np.abs(ledger["position"]) <= MOST_LOTS).all()

    rows = np.arange(len(worlds))
    bid, ask = (side * book["key"][rows, row, book["count"][:, row] - 1] for row, side in ((0, 1), (1, -1)))
    assert (bid < ask)[(book["count"] > 0).all(axis=1)].all()
    return idle


def play(venv, steps, seed):
    """Play random actions; return how many were played, how many rows stood still, and how many episodes ended."""
    venv.reset(seed=seed)
    venv.action_space.seed(seed)
    played, idle, ended = 0, 0, np.zeros(venv.num_envs, np.bool_)
    episodes = 0
    for _ in range(steps):
        played += int((~ended).sum())  # a row that ended ignores its action and begins anew
        _, _, terminated, truncated, _ = venv.step(venv.action_space.sample())
        ended = terminated | truncated
        episodes += int(ended.sum())
        idle += int(check(venv).sum())
    return played, idle, episodes


@pytest.mark.parametrize(
    "case", CASES, ids=lambda case: "-".join([case[0], *map(str, case[1].values()), *case[2:]]).replace(" ", "")
)
def test_nothing_gives_way(case):
    venv = make(*case)
    played, idle, episodes = play(venv, STEPS, seed=CASES.index(case))
    assert played >= LEAST_PLAYED
    assert idle and episodes >= ROWS  # rows were looked at in peace, and began anew
    venv.close()


def test_a_hundred_thousand_actions_meet_everything_there_is():
    assert len(CASES) * LEAST_PLAYED >= 100_000
    for env, union in (("TwinExecution-v0", Action), ("TwinTrading-v0", TradingAction)):
        codecs = {get_args(model.model_fields["codec"].annotation)[0] for model in get_args(union)}
        assert {action["codec"] for action in ACTIONS[env]} == codecs
    codecs = [str(codec) for codec in CODECS]
    met = {(str((env, action)), market) for env, action, market, _, _ in CASES}
    assert met == set(product(codecs, MARKETS))
    met = {(str((env, action)), links) for env, action, _, links, _ in CASES}
    assert met == set(product(codecs, LINKS))
    assert {(market, preset) for _, _, market, _, preset in CASES} == set(product(MARKETS, PRESETS))


def resident_bytes():
    gc.collect()
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="the system does not tell a process its size")
def test_memory_stays_flat():
    def some():
        for number, (env, action) in enumerate(CODECS):
            venv = make(env, action, "mgc_poisson", "adversarial", "book+flow")
            play(venv, 2 * STEPS, seed=number)
            venv.close()

    some()
    before = resident_bytes()
    some()
    some()
    assert resident_bytes() - before <= GROWTH_BYTES
