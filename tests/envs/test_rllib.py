"""RLlib trains on the environments by their id, as docs/training.md says."""

import math
import re
import secrets

import pytest

from tests.conftest import ROOT

pytest.importorskip("ray", reason="no RLlib here; `make compat` has it", exc_type=ModuleNotFoundError)

pytestmark = [pytest.mark.slow, pytest.mark.jit]


@pytest.fixture(scope="module")
def example():
    """The page's own example after it ran: its names."""
    page = (ROOT / "docs" / "training.md").read_text()
    code = next(block for block in re.findall(r"```python\n(.*?)```", page, re.DOTALL) if "rllib" in block)
    names = {}
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RAY_USAGE_STATS_ENABLED", "0")
        patch.setenv("RAY_AUTH_TOKEN", secrets.token_hex(32))  # else Ray writes one into the home folder
        exec(compile(code, "docs/training.md", "exec"), names)
        yield names
        names["ray"].shutdown()


def test_two_iterations_train(example):
    assert example["results"]["num_env_steps_sampled_lifetime"] >= 2 * 2048
    assert len(example["returns"]) == 2
    assert all(math.isfinite(value) for value in example["returns"])


def test_single_environments_train_as_the_rows_of_the_batch_do(example):
    config = example["config"].copy(copy_frozen=False).env_runners(gym_env_vectorize_mode="sync")
    algorithm = config.build_algo()
    results = algorithm.train()
    algorithm.stop()
    assert results["env_runners"]["episode_return_mean"] == example["returns"][0]
