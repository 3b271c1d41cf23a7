"""Faults in environments: told at a reset, drawn per episode, injected; and ledgers exact whatever goes wrong."""

import json

import gymnasium as gym
import numpy as np
import pytest

from tests.chaos.worlds import ALL_KINDS, experiment, fault
from tests.core.soundness import assert_sound
from twin_env.alpha import PARTS
from twin_env.chaos.experiment import Experiment, load_experiment
from twin_env.config import ConfigError
from twin_env.core.faults.fault_codes import POSITION
from twin_env.core.state.codes import REASON_NAMES
from twin_env.core.state.layout import EFFECTS

pytestmark = pytest.mark.jit

EXECUTION, TRADING = "TwinExecution-v0", "TwinTrading-v0"
SHORT = {"task": {"lots": 30, "horizon_s": 30.0, "step_s": 1.0}}
WINDOW = {"task": {"window_s": 30.0, "step_s": 1.0}}
ROWS = 10
LONG = {
    "heldout": [],
    "terms": [{"kind": kind} for kind in ALL_KINDS],
    "calm_share": 0.0,
    "count": {"mean": 3, "most": 5},
}


def act(env, steps, seed=0):
    env.action_space.seed(seed)
    for _ in range(steps):
        _, _, terminated, truncated, info = env.step(env.action_space.sample())
        if terminated or truncated:
            break
    return info


def rest(env, steps):
    """Let steps pass in which nothing is sent."""
    for _ in range(steps):
        info = env.step(env.action_space.sample() * 0)[4]
    return info


@pytest.mark.parametrize("name", [EXECUTION, TRADING])
def test_a_reset_takes_whatever_names_an_experiment(name, tmp_path):
    env = gym.make(name, **(SHORT if name == EXECUTION else WINDOW)).unwrapped
    model = experiment(fault("fat_finger", when={"at": "offset", "seconds": 2}))
    path = tmp_path / "mine.json"
    path.write_text(model.to_json())
    told = [
        env.reset(seed=1, options={"experiment": given})[1]["chaos/experiment"]
        for given in (model, json.loads(model.to_json()), str(path), path)
    ]
    assert len(set(told)) == 1
    assert Experiment.model_validate_json(told[0]).hash == model.hash == env.experiment.hash
    info = act(env, 5)
    assert info["chaos/scenario"] == model.number > 0
    env.reset(seed=1, options={"experiment": "library:flash_crash.low"})
    assert env.experiment.method[0].kind == "flash_crash"
    env.reset(seed=1, options={"experiment": "widen spreads 3x for 10 seconds"})
    assert env.experiment.method[0].kind == "spread_widening"
    _, info = env.reset(seed=1)
    assert "chaos/experiment" not in info
    assert info["chaos/scenario"] == info["chaos/active"] == 0.0
    assert not env.experiment.method


@pytest.mark.parametrize(
    "given", ["library:flash_cash", {"title": "x", "method": [{"kind": "crash"}]}, "make me a sandwich please", 7]
)
def test_what_is_no_experiment_is_refused_in_a_sentence(given):
    env = gym.make(EXECUTION).unwrapped
    with pytest.raises((ValueError, TypeError)) as refused:
        env.reset(seed=1, options={"experiment": given})
    assert str(refused.value)


def test_an_experiment_of_another_instrument_is_refused():
    env = gym.make(EXECUTION).unwrapped
    with pytest.raises(ConfigError, match=r"targets.symbol is 'TSLA', expected 'MGC'"):
        env.reset(options={"experiment": experiment(fault("fat_finger"), targets={"symbol": "TSLA"})})


def test_a_fault_is_seen_by_the_agent_and_named_in_info():
    env = gym.make(EXECUTION, **SHORT).unwrapped
    calm = [env.reset(seed=3)[0]] + [env.step(env.action_space.sample() * 0)[0] for _ in range(20)]
    env.reset(seed=3, options={"experiment": "cut the data feed for 10 seconds"})
    infos, seen = [], []
    for _ in range(20):
        observation, _, _, _, info = env.step(env.action_space.sample() * 0)
        infos.append(info)
        seen.append(observation)
    assert [info["chaos/active"] for info in infos] == [1.0] * 10 + [0.0] * 10
    ages = [info["link/feed_age_ms"] for info in infos]
    assert max(ages) > 9000
    assert not np.array_equal(calm[6], seen[5])


@pytest.mark.parametrize(("step_s", "expected"), [(5.0, [0.0, 0.4, 0.0]), (2.0, [0.0, 0.0, 0.0, 0.5, 0.5, 0.0])])
def test_a_fault_shorter_than_a_step_is_a_share_of_it(step_s, expected):
    """Two seconds that begin seven seconds after the start."""
    env = gym.make(EXECUTION, task={"horizon_s": 60, "step_s": step_s}).unwrapped
    fault = {"kind": "feed_disconnect", "duration_s": 2, "when": {"at": "offset", "seconds": 7}}
    env.reset(seed=3, options={"experiment": fault})
    found = [env.step(env.action_space.sample() * 0)[4]["chaos/active"] for _ in expected]
    assert found == pytest.approx(expected)


def test_sampled_episodes_are_reproduced_by_their_seed():
    env = gym.make(EXECUTION, chaos="everything", **SHORT).unwrapped
    first = [env.reset(seed=seed)[1].get("chaos/experiment") for seed in range(20)]
    hashes = [env.reset(seed=seed) and env.experiment.hash for seed in range(20)]
    again = [env.reset(seed=seed)[1].get("chaos/experiment") for seed in reversed(range(20))][::-1]
    assert first == again
    assert len(set(hashes)) > 12
    for text, wanted in zip(first, hashes, strict=True):
        if text:
            assert load_experiment(json.loads(text)).hash == wanted


def test_a_drawn_experiment_asked_for_by_name_is_the_same_episode():
    sampled, told = gym.make(EXECUTION, chaos="everything", **SHORT).unwrapped, gym.make(EXECUTION, **SHORT).unwrapped
    for seed in range(6):
        sampled.reset(seed=seed)
        told.reset(seed=seed, options={"experiment": sampled.experiment})
        act(sampled, 30, seed)
        act(told, 30, seed)
        assert sampled.world["event_hash"] == told.world["event_hash"]


def test_injected_while_running():
    env = gym.make(EXECUTION, **SHORT).unwrapped
    env.reset(seed=2)
    rest(env, 3)
    env.inject({"kind": "feed_disconnect", "duration_s": 6})
    before = env.world["desk"]["updates"]
    info = rest(env, 4)
    assert info["chaos/active"] == 1.0
    assert env.world["desk"]["updates"] == before
    env.inject("widen spreads 3x for 2 seconds")
    assert rest(env, 1)["chaos/active"] == 1.0
    with pytest.raises(ConfigError, match="no room"):
        for _ in range(EFFECTS):
            env.inject({"kind": "fat_finger"})


def test_injecting_needs_a_running_episode():
    env = gym.make(EXECUTION, **SHORT).unwrapped
    with pytest.raises(gym.error.ResetNeeded):
        env.inject({"kind": "fat_finger"})


def test_states_and_forks_take_faults_along():
    env = gym.make(EXECUTION, **SHORT).unwrapped
    env.reset(seed=5, options={"experiment": "library:chop_and_throttle"})
    act(env, 4)
    state, twin = env.get_state(), env.fork()
    ends = []
    for one in (env, twin):
        act(one, 15, seed=9)
        ends.append((int(one.world["event_hash"]), one.experiment.hash))
    env.set_state(state)
    act(env, 15, seed=9)
    assert len({*ends, (int(env.world["event_hash"]), env.experiment.hash)}) == 1


def test_rows_may_have_experiments_of_their_own():
    venv = gym.make_vec(EXECUTION, 3, info_level="step", **SHORT).unwrapped
    given = ["library:flash_crash.low", None, "cut the data feed for 5 seconds"]
    _, infos = venv.reset(seed=1, options={"experiment": given})
    assert infos["_chaos/experiment"].tolist() == [True, False, True]
    assert [one.method[0].kind if one.method else "" for one in venv.experiments] == [
        "flash_crash",
        "",
        "feed_disconnect",
    ]
    single = gym.make(EXECUTION, **SHORT).unwrapped
    single.reset(seed=3, options={"experiment": given[2]})
    action = np.zeros_like(single.action_space.sample())
    for _ in range(10):
        venv.step(np.stack([action] * 3))
        single.step(action)
    assert venv.batch.worlds[2]["event_hash"] == single.world["event_hash"]
    with pytest.raises(ValueError, match="2 entries, expected 3"):
        venv.reset(options={"experiment": given[:2]})


@pytest.mark.parametrize("name", [EXECUTION, TRADING])
def test_five_hundred_compound_experiments_break_no_invariant(name):
    """250 episodes in each environment, three faults on average, random actions: nothing gives way."""
    parts = SHORT if name == EXECUTION else WINDOW
    venv = gym.make_vec(
        name, ROWS, chaos=LONG, links="retail", info_level="none", autoreset_mode="Disabled", **parts
    ).unwrapped
    kinds, most = set(), 0
    for block in range(25):
        venv.reset(seed=1000 * block)
        venv.action_space.seed(block)
        over = np.zeros(ROWS, bool)
        kinds |= {one.kind for row in venv.experiments for one in row.method}
        while not over.all():
            chosen = ~over
            venv.batch.step(chosen, venv.batch.check(venv.action_space.sample(), chosen))
            over |= venv.batch.terminated | venv.batch.truncated
            net, strategy, execution, *split = venv.batch.tasks["parts"].T
            assert len(split) == len(PARTS)
            assert (net == strategy + execution).all()
            assert (execution == sum(split)).all()
            most = max(most, int(venv.batch.worlds["chaos"]["active"].max()))
            assert np.isfinite(venv.batch.observations).all()
        for world in venv.batch.worlds:
            assert_sound(world)
            assert_told(world)
    assert kinds == set(ALL_KINDS)
    assert most >= 3


def assert_told(world):
    """What the desk believes is what is so, or a note says what it has not heard."""
    own, desk = world["desk_order_marks"], world["desk"]
    untold = own["lost"] > 0
    on_the_wire = (world["report_link"]["pushed"] != world["report_link"]["popped"]) or (
        world["order_link"]["pushed"] != world["order_link"]["popped"]
    )
    if not untold.any() and not on_the_wire and not (world["effects"]["mechanism"] == POSITION).any():
        assert desk["position"] == world["ledger"]["position"]
        assert desk["pending"] == 0


def test_lost_reports_are_told_later_and_nothing_is_left_over():
    """Half of all reports are lost for ten seconds; a quarter of a minute after that the desk knows everything."""
    venv = gym.make_vec(TRADING, ROWS, info_level="none", task={"window_s": 60.0, "step_s": 1.0}).unwrapped
    cut = fault("order_disconnect", duration_s=5, when={"at": "offset", "seconds": 20})
    venv.reset(seed=4, options={"experiment": experiment(fault("ack_loss", probability=0.5, duration_s=10), cut)})
    venv.action_space.seed(4)
    for step in range(50):
        venv.step(venv.action_space.sample() if step < 30 else np.zeros_like(venv.action_space.sample()))
    chaos, own = venv.batch.worlds["chaos"], venv.batch.worlds["desk_order_marks"]
    assert chaos["reports_lost"].min() > 0
    assert chaos["requests_lost"].max() > 0
    assert not own["lost"].any()
    assert (venv.batch.worlds["desk"]["position"] == venv.batch.worlds["ledger"]["position"]).all()
    for world in venv.batch.worlds:
        live = world["desk"]["orders"]["state"] > 0
        assert np.array_equal(live, own["order"][0] >= 0) or int(world["desk"]["live"]) == int(live.sum())
        assert_sound(world)


def test_what_the_gateway_refuses_has_its_reason():
    reasons = {
        "reject_storm": ("refused by the gateway", {}),
        "throttle": ("more requests in a second than the gateway lets through", {"messages_per_s": 1}),
        "margin_change": ("beyond the lots the account may hold", {"limit_lots": 0}),
    }
    for kind, (reason, told) in reasons.items():
        env = gym.make(TRADING, **WINDOW, action={"codec": "orders", "slots": 4}).unwrapped
        env.reset(seed=1, options={"experiment": experiment(fault(kind, **told))})
        act(env, 25, seed=1)
        code = {text: number for number, text in REASON_NAMES.items()}[reason]
        assert env.world["rejects"][code] > 0
        assert_sound(env.world)
