"""Environments small enough to play many episodes in."""

import gymnasium as gym
import pytest

ORDERS = {"codec": "orders"}
SCHEDULE = {"codec": "schedule", "max_participation": 2.0}


def make(action=ORDERS, links="retail", horizon_s=60, lots=20, side="random", step_s=2, **overrides):
    """An environment that leaves what is not filled: a policy must finish by itself."""
    task = {"side": side, "lots": lots, "horizon_s": horizon_s, "step_s": step_s, "leftover": "mark"}
    config = {"market": "mgc_poisson", "links": links, "task": task, "action": action}
    return gym.make("TwinExecution-v0", config=config, **overrides)


@pytest.fixture(scope="session")
def orders_env():
    return make()


@pytest.fixture(scope="session")
def schedule_env():
    return make(SCHEDULE)
