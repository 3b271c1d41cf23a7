"""The observation says what the desk knows, under the names and in the units it claims."""

from pathlib import Path

import gymnasium as gym
import numpy as np
import pytest

import twin_env
from twin_env.core.desk.desk import SENT
from twin_env.envs.execution.config import ExecutionConfig
from twin_env.envs.execution.observations import execution_layout
from twin_env.envs.layout import Feature
from twin_env.envs.trading.config import TradingConfig
from twin_env.envs.trading.observations import trading_layout

assert twin_env
ROOT = Path(__file__).resolve().parents[2]
NAME = "TwinExecution-v0"


def layout_of(**config):
    return execution_layout(ExecutionConfig(**config))


def test_the_published_table_is_that_of_the_code():
    page = (ROOT / "docs" / "environment.md").read_text()
    assert layout_of().table() in page
    assert trading_layout(TradingConfig(action={"codec": "orders", "slots": 1})).table() in page


@pytest.mark.parametrize(("levels", "slots"), [(1, 1), (5, 1), (10, 4)])
def test_names_are_unique_and_the_length_is_as_documented(levels, slots):
    layout = layout_of(observation={"levels": levels}, action={"codec": "orders", "slots": slots})
    assert len({feature.name for feature in layout.features}) == len(layout) == 18 + 4 * levels + 5 * slots


@pytest.mark.parametrize(
    ("preset", "groups"),
    [
        ("minimal", ["task", "market", "link", "orders"]),
        ("book", ["task", "market", "book", "link", "orders"]),
        ("book+flow", ["task", "market", "book", "flow", "link", "orders"]),
    ],
)
def test_presets_show_the_same_numbers_or_leave_groups_out(preset, groups):
    whole, part = (gym.make(NAME, observation={"preset": name}).unwrapped for name in ("book+flow", preset))
    assert list(part.layout.groups) == groups
    for env in (whole, part):
        env.reset(seed=4)
    for _ in range(12):
        (full, *_), (observation, *_) = whole.step(np.array([2, 1, 0])), part.step(np.array([2, 1, 0]))
        shown = whole.layout.decode(full)
        assert part.layout.decode(observation) == {name: shown[name] for name in part.layout.decode(observation)}


def test_frames_are_the_latest_observations_and_begin_with_the_first():
    env, plain = (gym.make(NAME, observation={"frames": frames}).unwrapped for frames in (3, 1))
    observation, _ = env.reset(seed=2)
    seen = [plain.reset(seed=2)[0]] * 3
    assert np.array_equal(observation, np.concatenate(seen))
    for step in range(8):
        action = np.array([2, step % 5, 1])
        seen.append(plain.step(action)[0])
        observation, *_ = env.step(action)
        assert np.array_equal(observation, np.concatenate(seen[-3:]))
        for back in range(3):
            assert env.layout.decode(observation, back) == plain.layout.decode(seen[-1 - back])
    again, _ = env.reset(seed=2)
    assert np.array_equal(again, np.concatenate([seen[0]] * 3))
    with pytest.raises(IndexError, match="3 frames"):
        env.layout.value(observation, "spread_ticks", 3)


@pytest.mark.parametrize("frames", [1, 2])
def test_a_dictionary_holds_the_same_numbers_by_group(frames):
    shown = {"frames": frames, "form": "dict"}
    env, plain = gym.make(NAME, observation=shown), gym.make(NAME, observation={"frames": frames})
    layout = env.unwrapped.layout
    for made, flat in [(env.reset(seed=5)[0], plain.reset(seed=5)[0])] + [
        (env.step(np.array([2, 1, 0]))[0], plain.step(np.array([2, 1, 0]))[0]) for _ in range(4)
    ]:
        assert list(made) == list(layout.groups)
        assert env.observation_space.contains(made)
        assert np.array_equal(layout.flatten(made), flat)
        assert layout.decode(made) == layout.decode(flat)
    rows = layout.present(np.stack([flat, flat]))
    assert np.array_equal(layout.flatten(rows), np.stack([flat, flat]))


@pytest.mark.parametrize("value", [0.0, 1.0, 7.0, 1234.0])
def test_decoding_inverts_a_logarithmic_encoding(value):
    feature = Feature("x", "lots", 100.0, 0.0, 10.0, True, "")
    assert feature.decode(np.log1p(value) / np.log1p(100.0)) == pytest.approx(value)


def book_side(world, side, levels):
    """Read a side of the desk's mirror, best first, as (ticks, lots)."""
    mirror, row = world.desk.book, (1 - side) >> 1
    count = int(mirror.count[row])
    places = range(count - 1, max(count - 1 - levels, -1), -1)
    return [(side * int(mirror.key[row, p]), int(mirror.levels[int(mirror.level[row, p])].lots)) for p in places]


@pytest.mark.parametrize("side", ["buy", "sell"])
def test_every_feature_reads_back_what_the_desk_holds(side):
    env = gym.make("TwinExecution-v0", task={"step_s": 1.0}, market="thin").unwrapped
    observation, _ = env.reset(seed=3, options={"side": side})
    for step in range(40):
        before = env.world.desk.copy()
        observation, *_ = env.step(np.array([2, 1 + step % 3, 0]) if step % 7 == 0 else np.array([0, 0, 0]))
        world, task, desk = env.world, env.task, env.world.desk
        sign = int(task.side)
        seen = env.layout.decode(observation)
        own, opposite = book_side(world, sign, 5), book_side(world, -sign, 5)
        touch = own[0][0]
        expected = {
            "time_left": (task.end_ns - world.now_ns) / (task.end_ns - task.start_ns),
            "remaining": (task.lots - desk.filled_lots) / task.lots,
            "parent_lots": task.lots,
            "side": sign,
            "spread_ticks": sign * (opposite[0][0] - touch),
            "drift_ticks": sign * (desk.mid - task.start_mid) / 2,
            "step_drift_ticks": sign * (desk.mid - before["mid"]) / 2,
            "imbalance": (own[0][1] - opposite[0][1]) / (own[0][1] + opposite[0][1]),
            "trades": desk.trades - before["trades"],
            "updates": desk.updates - before["updates"],
            "feed_age_ms": (world.now_ns - desk.feed_ns) / 1e6,
            "round_trip_ms": desk.round_trip_ns / 1e6,
            "pending": desk.pending,
            "unacknowledged_lots": sum(int(order.lots) for order in desk.orders if order.state == SENT),
            "gap": desk.gap,
        }
        bought, sold = desk.bought_lots - before["bought_lots"], desk.sold_lots - before["sold_lots"]
        expected["with_lots"], expected["against_lots"] = (bought, sold) if sign > 0 else (sold, bought)
        for name, levels in (("own", own), ("opposite", opposite)):
            for depth, (price, lots) in enumerate(levels, start=1):
                direction = sign if name == "own" else -sign
                expected[f"{name}_{depth}_ticks"] = min(direction * (touch - price), 100)
                expected[f"{name}_{depth}_lots"] = lots
        for name, value in expected.items():
            assert seen[name] == pytest.approx(float(value), rel=1e-5, abs=1e-5), name


def test_lots_ahead_are_those_of_the_exchange_once_the_wire_is_instant():
    env = gym.make("TwinExecution-v0", links="instant", task={"step_s": 0.5, "side": "buy"}).unwrapped
    compared = 0
    for seed in range(8):
        env.reset(seed=seed)
        observation, *_ = env.step(np.array([2, 3, 1]))
        for _ in range(20):
            world = env.world
            slot = int(world.desk_order_marks[int(env.task.row[0])].order)
            if slot >= 0 and env.layout.value(observation, "slot_1_live"):
                ahead, walker = 0, int(world.orders[slot].prev)
                while walker >= 0:
                    ahead, walker = ahead + int(world.orders[walker].lots), int(world.orders[walker].prev)
                assert env.layout.value(observation, "slot_1_ahead_lots") == pytest.approx(ahead, rel=1e-5, abs=1e-5)
                compared += 1
            observation, _, over, _, _ = env.step(np.array([0, 0, 0]))
            if over:
                break
    assert compared > 30
