"""A result comes back from its text as it was, and a text that is none is refused."""

import base64
import zlib

import gymnasium as gym
import numpy as np
import pytest

import twin_env
from agents.batteries.rollouts import run_episodes
from agents.policies.registry import make_policy
from twin_env.alpha.packing import PackingError, pack_result, unpack_result

pytestmark = pytest.mark.jit
assert twin_env


@pytest.fixture(scope="module")
def results():
    env = gym.make("TwinTrading-v0", task={"window_s": 300, "step_s": 5}, chaos="severe")
    played = [run_episodes(env, make_policy(name, env), range(3), record=True) for name in ("random_trader", "flat")]
    return [episode.alpha for episodes in played for episode in episodes]


def test_it_comes_back_as_it_was(results):
    assert sum(len(result.fills) for result in results) > 5
    for result in results:
        text = pack_result(result)
        assert "\n" not in text
        other = unpack_result(text, result.instrument)
        for name in ("begin_ns", "end_ns", "split", "trips", "instrument"):
            assert getattr(other, name) == getattr(result, name)
        for name in ("fills", "orders", "decisions"):
            assert np.array_equal(getattr(other, name), getattr(result, name))
        for name in ("spread_earned", "drift", "lots", "maker", "counterparty"):
            assert np.array_equal(
                getattr(other.markouts, name), getattr(result.markouts, name), equal_nan=name == "drift"
            )
        assert other.markouts.horizons_s == result.markouts.horizons_s
        assert pack_result(other) == text


def test_a_text_that_is_none_is_refused(results):
    good = pack_result(results[0])
    body = zlib.decompress(base64.b64decode(good))
    other = body.replace(b'"version": 1', b'"version": 7')
    for bad in ("", "no base64 !", good[:-8], base64.b64encode(zlib.compress(body[:-9])).decode()):
        with pytest.raises(PackingError):
            unpack_result(bad, results[0].instrument)
    with pytest.raises(PackingError, match="is of version 7, expected 1"):
        unpack_result(base64.b64encode(zlib.compress(other)).decode(), results[0].instrument)
