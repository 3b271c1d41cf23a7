"""Every episode ends: random policies of every codec, while everything goes wrong (no kernel loops for ever)."""

from typing import Any

import gymnasium as gym
import numpy as np
import pytest

import twin_env  # noqa: F401 (registers the environments)

pytestmark = [pytest.mark.jit, pytest.mark.slow]

ROWS = 100
TASKS = {
    "TwinExecution-v0": {"lots": 20, "horizon_s": 120.0, "step_s": 5.0},
    "TwinTrading-v0": {"window_s": 120.0, "step_s": 5.0},
}
CODECS = [
    *(("TwinExecution-v0", codec) for codec in ("orders", "table", "ladder", "schedule")),
    *(("TwinTrading-v0", codec) for codec in ("orders", "prices", "target", "positions")),
]


def draw(space: gym.Space[Any], rng: np.random.Generator) -> Any:
    """Draw an action for every row; prices within 30 ticks of the start."""
    if isinstance(space, gym.spaces.MultiDiscrete):
        return rng.integers(space.nvec, size=(ROWS, len(space.nvec)))
    if isinstance(space, gym.spaces.Discrete):
        return rng.integers(space.n, size=ROWS)
    low, high = np.maximum(space.low, -30.0), np.minimum(space.high, 30.0)
    return rng.uniform(low, high, (ROWS, *space.shape)).astype(space.dtype)


@pytest.mark.parametrize(("name", "codec"), CODECS)
def test_two_thousand_episodes_end(name, codec):
    action = {"codec": codec}
    venv = gym.make_vec(name, ROWS, info_level="none", task=TASKS[name], chaos="severe", action=action)
    ended = 0
    for first in range(40_000, 42_000, ROWS):
        venv.reset(seed=first)
        rng, over = np.random.default_rng(first), np.zeros(ROWS, np.bool_)
        for _ in range(24):
            actions = draw(venv.single_action_space, rng)
            _, _, terminated, truncated, _ = venv.step(actions)
            over |= terminated | truncated
            if over.all():
                break
        ended += int(over.sum())
    assert ended == 2_000
