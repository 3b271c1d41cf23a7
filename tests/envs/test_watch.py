"""A watched row is the row that nobody watches, and its stream has everything that happened in it."""

import copy
import pickle

import gymnasium as gym
import numpy as np
import pytest

from tests.envs.test_batch import actions_of
from twin_env.core.state import codes
from twin_env.core.state.world import raw
from twin_env.core.stream import ALL_PLANES, BOOK, EXCHANGE, REQUESTS
from twin_env.envs.batch import Batch
from twin_env.envs.episode_status import RUNNING
from twin_env.envs.execution.env import TwinExecutionVectorEnv
from twin_env.twin import StreamError

pytestmark = pytest.mark.jit

NAME = "TwinExecution-v0"
CONFIG = {"task": {"lots": 8, "horizon_s": 12.0, "step_s": 2.0}, "observation": {"frames": 2, "preset": "book"}}
CRASH = {
    "title": "A test",
    "method": [{"kind": "flash_crash", "move": {"value": 5, "unit": "points"}, "fall_s": 2}],
}
TINY = 3


def single(**config):
    return gym.make(NAME, **(CONFIG | config)).unwrapped


def bytes_of(batch, row):
    shown = (raw(batch.worlds), batch.tasks, batch.observations, batch.infos, batch.rewards, batch.status)
    return [part[row].tobytes() for part in shown]


def play(env, steps=5, seed=3, experiment=None):
    """Play one episode, and yield what the row is after the reset and after each step."""
    env.reset(seed=seed, options={} if experiment is None else {"experiment": experiment})
    yield bytes_of(env.batch, 0)
    for action in actions_of(env.action_space, 1, steps):
        if env.batch.status[0] != RUNNING:
            return
        env.step(action[0])
        yield bytes_of(env.batch, 0)


@pytest.mark.parametrize("room", [TINY, 1 << 18])
@pytest.mark.parametrize("planes", [EXCHANGE, ALL_PLANES])
def test_watching_changes_nothing(planes, room):
    watched, plain = single(), single()
    stream = watched.batch.watch(0, planes, room=room)
    for one, other in zip(play(watched), play(plain), strict=True):
        assert one == other
    assert stream.end > 100 and stream.lost == 0


@pytest.mark.parametrize("experiment", [None, CRASH], ids=["calm", "crash"])
def test_a_tiny_room_loses_nothing(experiment):
    small, large = single(), single()
    streams = [small.batch.watch(0, room=TINY), large.batch.watch(0, room=1 << 20)]
    for env in (small, large):
        assert len(list(play(env, experiment=experiment))) > 3
    assert streams[0].room > TINY
    assert streams[1].room == 1 << 20
    assert np.array_equal(streams[0].read().rows, streams[1].read().rows)
    hashed = streams[1].read().exchange
    assert np.isin(codes.TRADED, hashed["kind"])


@pytest.mark.parametrize("threads", [1, 2])
def test_a_row_of_three_writes_what_it_writes_alone(threads):
    alone = single()
    vector = TwinExecutionVectorEnv(num_envs=3, threads=threads, **CONFIG)
    plain = TwinExecutionVectorEnv(num_envs=3, **CONFIG)
    streams = [alone.watch(), vector.batch.watch(1, room=TINY), vector.batch.watch(2, EXCHANGE, room=TINY)]
    alone.reset(seed=6)
    for env in (vector, plain):
        env.reset(seed=[5, 6, 7])
    for actions in actions_of(alone.action_space, 3, 4):
        actions[:, 0] = 0  # all wait, so that no episode ends
        alone.step(actions[1])
        vector.step(actions)
        plain.step(actions)
        for row in range(3):
            assert bytes_of(vector.batch, row) == bytes_of(plain.batch, row)
    assert np.array_equal(streams[0].read().rows, streams[1].read().rows)
    assert np.array_equal(streams[2].read().rows["plane"], np.full(streams[2].end, EXCHANGE))
    assert streams[2].end > 100


def test_the_stream_goes_on_over_episodes():
    env = single()
    stream = env.watch(EXCHANGE)
    ends = []
    for _ in range(2):
        list(play(env))
        ends.append(stream.end)
    first, second = stream.read(0).rows[: ends[0]], stream.read(ends[0]).rows
    assert len(second) == ends[0]
    assert np.array_equal(first["ts_ns"], second["ts_ns"])


def test_the_latest_rows_are_kept():
    env = single()
    stream = env.watch(EXCHANGE, keep=1)
    env.reset(seed=3)
    for _ in range(3):
        begin = stream.end
        env.step(np.zeros(3, np.int64))
        assert stream.begin == begin < stream.end


def test_watching_again_is_the_same_stream_with_more_planes():
    env = single()
    stream = env.watch(EXCHANGE, keep=5)
    assert env.watch(REQUESTS) is stream
    assert (stream.planes, stream.keep) == (EXCHANGE | REQUESTS, None)
    env.reset(seed=3)
    env.step(np.array([3, 0, 1]))
    assert set(stream.read().rows["plane"]) == {EXCHANGE, REQUESTS}
    env.batch.unwatch(0)
    end = stream.end
    env.step(np.array([0, 0, 0]))
    assert stream.end == end
    with pytest.raises(StreamError, match="planes="):
        env.watch(1 << 9)


def test_copies_are_not_watched():
    env = single()
    env.reset(seed=3)
    stream = env.watch(BOOK)
    wait = np.zeros(3, np.int64)
    for twin in (env.fork(), copy.deepcopy(env), pickle.loads(pickle.dumps(env))):
        twin.step(wait)
    assert stream.end == 0
    env.step(wait)
    assert stream.end > 0


@pytest.mark.parametrize("row", [-1, 2])
def test_there_is_no_such_row(row):
    env = single()
    batch = Batch(env.definition, env.config, count=2)
    for call in (batch.watch, batch.unwatch, batch.reader):
        with pytest.raises(IndexError, match=f"row={row}, expected 0 to 1"):
            call(row)
