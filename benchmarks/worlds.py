"""Events, steps and resets per second of whole worlds, and what the first step costs."""

import os
import subprocess
import sys
import tempfile
import time
import tracemalloc
from collections.abc import Callable, Iterator

import gymnasium as gym
import numpy as np

import twin_env
from benchmarks.timing import measure
from twin_env.core.event_loop import advance
from twin_env.core.state.jit import kernel
from twin_env.core.state.layout import SYNTHETIC, world_dtype
from twin_env.core.state.world import NO_TAPE
from twin_env.envs.execution.env import TwinExecutionVectorEnv as TwinVectorEnv

assert twin_env  # registers the environments

_KEEP = np.array([0, 0, 0])
_STEPS = 2000
_RESETS = 200
_EPISODES = 40
_FIRST_STEP = (
    "import gymnasium as gym, numpy as np, twin_env\n"
    "env = gym.make('TwinExecution-v0')\n"
    "env.reset(seed=1)\n"
    "env.step(np.array([2, 1, 2]))\n"
)


@kernel
def _advance(worlds: object, tape: object, until_ns: int) -> None:
    advance(worlds[0], tape, until_ns)  # type: ignore[index]


def flow_figures() -> Iterator[tuple[str, float]]:
    """Measure the synthetic market with its wires and the desk's mirror, and no agent."""
    env = gym.make("TwinExecution-v0").unwrapped
    env.reset(seed=1)
    worlds, world = env.batch.worlds, env.world  # type: ignore[attr-defined]
    span_ns = 600 * 10**9
    before = int(world.event_count)
    timing = measure(lambda: _advance(worlds, NO_TAPE, int(world.now_ns) + span_ns))
    events = (int(world.event_count) - before) / 6
    yield "flow.events_per_s", events / timing.median_s
    yield "flow.ns_per_event", timing.median_s / events * 1e9
    yield "flow.simulated_seconds_per_s", 600 / timing.median_s


def step_figures() -> Iterator[tuple[str, float]]:
    """Measure one environment driven from Python, at several numbers of exchange events a step."""
    rate = events_per_simulated_s()
    for events in (10, 50, 100):
        step_s = events / rate
        env = gym.make("TwinExecution-v0", task={"step_s": step_s, "horizon_s": 20_000 * step_s}).unwrapped
        env.reset(seed=1)
        before = int(env.world.event_count)  # type: ignore[attr-defined]
        timing = measure(lambda env=env: [env.step(_KEEP) for _ in range(_STEPS)])  # type: ignore[misc]
        seen = (int(env.world.event_count) - before) / (6 * _STEPS)  # type: ignore[attr-defined]
        yield f"env.single.e{events}.steps_per_s", _STEPS / timing.median_s
        yield f"env.single.e{events}.events_per_step", seen


def batch_figures() -> Iterator[tuple[str, float]]:
    """Measure batches: steps of all rows per second, by events a step, rows and threads."""
    rate = events_per_simulated_s()
    for events in (10, 50, 100):
        step_s = events / rate
        task = {"step_s": step_s, "horizon_s": 20_000 * step_s}
        for rows, threads in ((1, 1), (16, 1), (64, 1), (256, 1), (64, 2), (256, 2)):
            env = TwinVectorEnv(rows, threads=threads, info_level="none", task=task)
            env.reset(seed=1)
            steps = max(_STEPS * 10 // (rows * events), 2)
            keep = np.zeros((rows, 3), np.int64)
            before = int(env.batch.worlds["event_count"].sum())
            timing = measure(lambda env=env, keep=keep, steps=steps: [env.step(keep) for _ in range(steps)])  # type: ignore[misc]
            seen = (int(env.batch.worlds["event_count"].sum()) - before) / (6 * steps * rows)
            name = f"env.batch.e{events}.n{rows}.t{threads}"
            yield f"{name}.steps_per_s", rows * steps / timing.median_s
            yield f"{name}.events_per_step", seen
            env.close()


def allocation_figures() -> Iterator[tuple[str, float]]:
    """Measure what a step allocates in Python and NumPy, at its peak: kernels allocate nothing."""
    task = {"step_s": 1.0, "horizon_s": 20_000.0}
    for rows in (1, 64):
        env = TwinVectorEnv(rows, info_level="none", task=task)
        env.reset(seed=1)
        keep = np.zeros((rows, 3), np.int64)
        yield f"env.batch.n{rows}.allocated_bytes_per_step", _peak_bytes(lambda env=env, keep=keep: env.step(keep))  # type: ignore[misc]
    single = gym.make("TwinExecution-v0", task=task).unwrapped
    single.reset(seed=1)
    yield "env.single.allocated_bytes_per_step", _peak_bytes(lambda: single.step(_KEEP))


def _peak_bytes(step: Callable[[], object]) -> float:
    """Return the median over steps of the most memory that one held beyond what was there before it."""
    peaks = []
    tracemalloc.start()
    for _ in range(50):
        before = tracemalloc.get_traced_memory()[0]
        tracemalloc.reset_peak()
        step()
        peaks.append(tracemalloc.get_traced_memory()[1] - before)
    tracemalloc.stop()
    return float(np.median(peaks))


def events_per_simulated_s() -> float:
    """Return how many exchange events the default market has in a second."""
    env = gym.make("TwinExecution-v0", task={"step_s": 600.0, "horizon_s": 600.0, "leftover": "mark"}).unwrapped
    env.reset(seed=1)
    before = int(env.world.event_count)  # type: ignore[attr-defined]
    env.step(_KEEP)
    return (int(env.world.event_count) - before) / 600.0  # type: ignore[attr-defined]


def chaos_figures() -> Iterator[tuple[str, float]]:
    """Measure whole episodes with the default faults beside the same seeds without: resets and draws included."""
    rates = []
    for name, chaos in (("calm", None), ("default", "default")):
        env = gym.make("TwinExecution-v0", chaos=chaos).unwrapped
        env.reset(seed=0)
        timing = measure(lambda env=env: _episodes(env))  # type: ignore[misc]
        steps, events = _episodes(env)
        rates.append(steps / timing.median_s)
        yield f"env.chaos.{name}.steps_per_s", rates[-1]
        yield f"env.chaos.{name}.events_per_step", events / steps
    yield "env.chaos.default_over_calm", rates[1] / rates[0]


def _episodes(env: gym.Env[object, object]) -> tuple[int, int]:
    """Play whole episodes without an order; return their steps and events."""
    steps = events = 0
    for seed in range(_EPISODES):
        env.reset(seed=seed)
        over = False
        while not over:
            over = env.step(_KEEP)[2]
            steps += 1
        events += int(env.world.event_count)  # type: ignore[attr-defined]
    return steps, events


def reset_figures() -> Iterator[tuple[str, float]]:
    """Measure a reset, warm-up of the market included."""
    for name, market in (("", "mgc_2025"), ("poisson.", "mgc_poisson")):
        env = gym.make("TwinExecution-v0", market=market).unwrapped
        timing = measure(lambda env=env: [env.reset(seed=seed) for seed in range(_RESETS)])  # type: ignore[misc]
        yield f"{name}reset_us", timing.median_s / _RESETS * 1e6
    yield "world_bytes", float(world_dtype(SYNTHETIC).itemsize)


def start_figures() -> Iterator[tuple[str, float]]:
    """Measure a new process up to its first step: with nothing compiled, and with everything."""
    with tempfile.TemporaryDirectory() as folder:
        environment = os.environ | {"TWIN_CACHE_DIR": folder}
        yield "compile_cold_s", _seconds(environment)
        yield "start_warm_s", float(np.median([_seconds(environment) for _ in range(5)]))
    yield "import_s", float(np.median([_seconds(dict(os.environ), "import twin_env") for _ in range(5)]))


def _seconds(environment: dict[str, str], code: str = _FIRST_STEP) -> float:
    start = time.perf_counter()
    subprocess.run([sys.executable, "-c", code], env=environment, check=True)
    return time.perf_counter() - start
