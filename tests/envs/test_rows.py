"""The loop over rows is compiled once for each task, and the cache tells the tasks apart in every process."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from twin_env.envs import definition_of
from twin_env.envs.batch import Batch
from twin_env.envs.registration import ENVS
from twin_env.envs.rows import BatchArrays

ROOT = Path(__file__).resolve().parents[2]
LOOP = """
from twin_env.core.state.jit import kernel

def compile_loop(hooks):
    @kernel
    def loop(array):
        for index in range(array.shape[0]):
            array[index] = hooks.act(index)
    return loop
"""
HOOKS = """
from twin_env.core.state.jit import kernel

@kernel
def act(index):
    return index * {factor}
"""
RUN = """
import importlib, sys
import numpy as np
from loop import compile_loop

for name in sys.argv[1:]:
    loop, array = compile_loop(importlib.import_module(name)), np.arange(3)
    loop(array)
    print(array[2], sum(loop.stats.cache_hits.values()))
"""


@pytest.mark.slow
@pytest.mark.jit
def test_a_loop_over_hooks_is_cached_for_each_module_of_hooks(tmp_path):
    for name, text in {
        "loop": LOOP,
        "run": RUN,
        "double": HOOKS.format(factor=2),
        "triple": HOOKS.format(factor=3),
    }.items():
        (tmp_path / f"{name}.py").write_text(text)
    paths = os.pathsep.join((str(tmp_path), str(ROOT)))
    variables = os.environ | {"TWIN_CACHE_DIR": str(tmp_path / "cache"), "PYTHONPATH": paths}

    def run(*hooks: str) -> list[str]:
        command = [sys.executable, str(tmp_path / "run.py"), *hooks]
        done = subprocess.run(command, check=True, capture_output=True, text=True, env=variables)
        return done.stdout.splitlines()

    assert run("double", "triple") == ["4 0", "6 0"]
    assert run("double", "triple") == ["4 1", "6 1"]  # loaded, not compiled
    assert run("triple", "double") == ["6 1", "4 1"]


@pytest.mark.parametrize("name", ENVS)
def test_the_arrays_of_a_batch_are_its_own_and_those_of_its_fork_are_not(name):
    definition = definition_of(name)
    batch = Batch(definition, definition.load_config(market="mgc_poisson"), 2)
    twin = batch.fork()
    shared = {"template_bytes", "opening", "tape", "anchors", "params"}
    for field in BatchArrays._fields:
        mine, theirs = getattr(batch._arrays, field), getattr(twin._arrays, field)
        assert (mine is theirs or np.shares_memory(mine, theirs)) == (field in shared), field
    assert np.shares_memory(batch._arrays.world_bytes, batch.worlds)
    assert np.shares_memory(twin._arrays.task_bytes, twin.tasks)
