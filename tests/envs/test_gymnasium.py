"""Gymnasium's own tools take the environments as they are: its vectorisers and its wrappers."""

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.wrappers.vector import NormalizeReward, RecordEpisodeStatistics

from twin_env.envs.vector import TwinVectorEnv

pytestmark = [pytest.mark.jit, pytest.mark.filterwarnings("error")]

NAME = "TwinExecution-v0"
SHORT = {"task": {"lots": 8, "horizon_s": 12.0, "step_s": 2.0}}
ROWS = 3
STEPS = 16
# Processes that start afresh: a fork takes no threads along, and PyTorch and the batch have some.
MODES = {
    "vector_entry_point": {},
    "sync": {},
    "async": {"vector_kwargs": {"context": "forkserver", "shared_memory": True}},
}


def play(mode, **arguments):
    """Play a few episodes in each row; return what was seen, rewarded and ended."""
    # The module's name before the id imports it where it is not yet: in the processes of "async".
    venv = gym.make_vec(f"twin_env:{NAME}", ROWS, vectorization_mode=mode, **arguments, **SHORT)
    rng = np.random.default_rng(1)
    seen = [venv.reset(seed=5)[0]]
    told = []
    for _ in range(STEPS):
        actions = rng.integers(0, venv.single_action_space.nvec, (ROWS, 3))
        observations, rewards, terminated, truncated, _ = venv.step(actions)
        seen.append(observations)
        told.append(np.stack([rewards, terminated, truncated]))
    venv.close()
    return np.stack(seen), np.stack(told)


@pytest.fixture(scope="module")
def batch():
    return play("vector_entry_point")


@pytest.mark.parametrize("mode", ["sync", "async"])
def test_every_vectoriser_shows_the_rows_of_the_batch(batch, mode):
    for ours, theirs in zip(batch, play(mode, **MODES[mode]), strict=True):
        assert np.array_equal(ours, theirs)
    assert batch[1][:, 1].any()


def test_wrappers_of_vectors_count_episodes():
    venv = NormalizeReward(RecordEpisodeStatistics(gym.make_vec(NAME, ROWS, **SHORT)))
    venv.reset(seed=1)
    lengths = []
    for _ in range(STEPS):
        *_, infos = venv.step(np.zeros((ROWS, 3), np.int64))
        lengths += infos["episode"]["l"][infos["_episode"]].tolist() if "episode" in infos else []
    assert lengths == [6] * 2 * ROWS
    venv.close()


def test_vectors_name_their_spaces_and_their_mode_as_gymnasium_wants():
    venv = gym.make_vec(NAME, ROWS, autoreset_mode="SameStep", **SHORT)
    assert isinstance(venv.unwrapped, TwinVectorEnv)
    assert venv.metadata["autoreset_mode"] is gym.vector.AutoresetMode.SAME_STEP
    assert venv.observation_space == gym.vector.utils.batch_space(venv.single_observation_space, ROWS)
    assert venv.reset(seed=1)[0] in venv.observation_space
    assert venv.action_space.sample() in venv.action_space


def test_what_was_refused_can_be_closed():
    venv = TwinVectorEnv.__new__(TwinVectorEnv)
    venv.close()
    assert venv.closed
