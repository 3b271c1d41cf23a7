"""The rules: they finish, they follow their own definition, and they see the observation alone."""

from types import SimpleNamespace

import numpy as np
import pytest

from agents.batteries.rollouts import run_episode
from agents.policies.pov import CATCH_UP, SHARE
from agents.policies.registry import make_policy, rules_for, rules_of
from agents.policies.twap_passive import DEADLINE, SLICES
from tests.agents.conftest import ORDERS, SCHEDULE, make
from twin_env.config import ConfigError
from twin_env.core.state.codes import BUY, SELL
from twin_env.envs.actions.orders import KEEP, LIMIT, MARKET

pytestmark = pytest.mark.jit  # hundreds of episodes

RULE_POLICIES = rules_of("TwinExecution-v0")
FINISHING = [name for name in RULE_POLICIES if name != "random"]
SEEDS = range(6)


def record(env, policy, seed, side=None):
    """Play an episode; return observations, actions, and the last info."""
    observation, info = env.reset(seed=seed, options={"side": side} if side else None)
    observations, actions, state, start, over = [], [], None, np.array([True]), False
    while not over:
        action, state = policy.predict(observation[None], state, start)
        observations.append(observation)
        actions.append(action[0])
        observation, _, terminated, truncated, info = env.step(action[0])
        start, over = np.array([False]), terminated or truncated
    return np.array(observations), np.array(actions), info


def read(env, observations, name):
    return np.array([env.unwrapped.layout.value(observation, name) for observation in observations])


@pytest.mark.parametrize("side", ["buy", "sell"])
@pytest.mark.parametrize("name", FINISHING)
def test_finishes_before_the_deadline_without_the_environments_help(orders_env, name, side):
    policy = make_policy(name, orders_env)
    for seed in SEEDS:
        _, _, info = record(orders_env, policy, seed, side)
        assert info["exec/remaining_lots"] == 0.0, seed
        assert orders_env.unwrapped.task.side == (BUY if side == "buy" else SELL)


@pytest.mark.parametrize("lots", [1, 3, 7, 50])
@pytest.mark.parametrize("name", FINISHING)
def test_finishes_parents_that_sizes_do_not_divide(name, lots):
    env = make({"codec": "orders", "slots": 2, "sizes": [0.13, 0.4]}, lots=lots)
    _, _, info = record(env, make_policy(name, env), seed=3)
    assert info["exec/filled_lots"] == lots


@pytest.mark.parametrize("name", ["immediate", "twap", "pov"])
def test_finishes_through_the_schedule_while_the_market_trades(schedule_env, name):
    policy = make_policy(name, schedule_env)
    filled = [record(schedule_env, policy, seed)[2]["exec/filled_lots"] for seed in SEEDS]
    assert np.mean(filled) > 19.5  # what is due in a last step without a print stays open


@pytest.mark.parametrize("action", [ORDERS, SCHEDULE], ids=["orders", "schedule"])
@pytest.mark.parametrize("name", RULE_POLICIES)
def test_needs_the_observation_and_what_it_was_made_with_alone(name, action):
    env = make(action)
    if name not in rules_for(env):
        pytest.skip(f"{name} does not act through {action['codec']}")
    world = env.unwrapped
    config = SimpleNamespace(action=world.config.action, task=world.config.task)
    hidden = SimpleNamespace(unwrapped=SimpleNamespace(layout=world.layout, config=config, definition=world.definition))
    observations, actions, _ = record(env, make_policy(name, env, seed=5), seed=1)
    blind, state = make_policy(name, hidden, seed=5), None
    for step, (observation, action_taken) in enumerate(zip(observations, actions, strict=True)):
        again, state = blind.predict(observation, state, np.array([step == 0]))
        assert np.array_equal(again, action_taken)
        assert world.action_space.contains(again)


@pytest.mark.parametrize("name", RULE_POLICIES)
def test_batches_decide_as_single_observations_do(orders_env, name):
    episodes = [record(orders_env, make_policy(name, orders_env), seed)[0] for seed in (1, 2, 3)]
    steps = min(map(len, episodes))
    batch = np.stack([episode[:steps] for episode in episodes], axis=1)
    batched, singles = make_policy(name, orders_env), [make_policy(name, orders_env) for _ in episodes]
    state, states = None, [None] * len(episodes)
    for step in range(steps):
        start = np.full(len(episodes), step == 0)
        actions, state = batched.predict(batch[step], state, start)
        for row, single in enumerate(singles):
            action, states[row] = single.predict(batch[step, row], states[row], start[row : row + 1])
            assert action.shape == orders_env.action_space.shape
            assert name == "random" or np.array_equal(action, actions[row])
    assert actions.shape == (len(episodes), *orders_env.action_space.shape)


@pytest.mark.parametrize("name", FINISHING)
def test_ignores_which_side_it_is_on(orders_env, name):
    observations, actions, _ = record(orders_env, make_policy(name, orders_env), seed=4)
    place = orders_env.unwrapped.layout.place("side")
    mirrored = observations.copy()
    mirrored[:, place] *= -1.0
    policy, state = make_policy(name, orders_env), None
    for step, observation in enumerate(mirrored):
        action, state = policy.predict(observation, state, np.array([step == 0]))
        assert np.array_equal(action, actions[step])


def test_plays_the_episode_of_the_seed_to_its_end(orders_env):
    episode = run_episode(orders_env, make_policy("twap", orders_env), 7)
    assert episode.event_hash == int(orders_env.unwrapped.world["event_hash"])
    _, actions, info = record(orders_env, make_policy("twap", orders_env), 7)
    assert episode.info == info
    assert episode.steps == len(actions)
    assert episode.reward == pytest.approx(-info["exec/is_bps"])
    assert episode.first_observation == orders_env.reset(seed=7)[0].tobytes()


def test_a_new_episode_forgets_the_last_one(orders_env):
    policy = make_policy("pov", orders_env)
    observations, _, _ = record(orders_env, policy, seed=1)
    state = None
    for observation in observations:
        _, state = policy.predict(observation, state)
    _, fresh = policy.predict(observations[0], state, np.array([True]))
    assert state[0][0, 0] > 0.0
    assert fresh[0][0, 0] == 0.0


def test_immediate_sends_everything_at_once():
    env = make(links="instant")
    observations, actions, _ = record(env, make_policy("immediate", env), seed=2)
    assert len(observations) == 1
    assert actions[0].tolist() == [MARKET, 1, 4]


def test_twap_follows_the_straight_line():
    env = make(links="instant", horizon_s=120)
    for seed in SEEDS:
        observations, _, _ = record(env, make_policy("twap", env), seed)
        line = 20.0 * (1.0 - read(env, observations, "time_left"))
        filled = 20.0 * (1.0 - read(env, observations, "remaining"))
        assert np.abs(filled - line).max() <= 0.5 + 1e-3
        assert abs(np.mean(filled - line)) < 0.3


def test_pov_takes_its_share_until_the_deadline_counts():
    env = make(links="instant", lots=50, horizon_s=120)
    for seed in SEEDS:
        observations, _, _ = record(env, make_policy("pov", env), seed)
        early = read(env, observations, "time_left") > CATCH_UP
        printed = np.cumsum(read(env, observations, "with_lots") + read(env, observations, "against_lots"))
        committed = 50.0 * (1.0 - read(env, observations, "uncommitted"))
        due = np.floor(SHARE * printed + 1e-3)
        # A step's decision shows in the next observation; sizes of 2, 5, 12, 25, 50 leave at most one lot.
        lag = due[early][:-1] - committed[early][1:]
        assert lag.max() <= 1.0 + 1e-3
        assert lag.min() >= -1e-3


@pytest.mark.parametrize("step_s", [2.0, 0.1])
def test_passive_twap_moves_crosses_and_waits_as_it_says(step_s):
    seen, env = set(), make(step_s=step_s)
    for seed in range(12):
        observations, actions, _ = record(env, make_policy("twap_passive", env), seed)
        columns = ("time_left", "remaining", "slot_1_live", "slot_1_pending", "slot_1_offset_ticks")
        rows = zip(*(read(env, observations, name) for name in columns), actions[:, 0], strict=True)
        for time_left, remaining, live, pending, offset, choice in rows:
            behind = remaining - time_left  # fractions of the parent and of the horizon
            if pending:
                expected = KEEP
            elif time_left < max(DEADLINE, 2.0 * step_s / 60) + 1e-4 or behind > 1.0 / SLICES + 1e-3:
                expected = MARKET
            elif live and abs(behind) < 1.0 / SLICES - 1e-3:
                expected = LIMIT if offset > 0.5 else KEEP
            else:
                continue
            seen.add((bool(live), bool(pending), int(expected)))
            assert choice == expected
    assert {(True, False, KEEP), (True, False, LIMIT), (True, False, MARKET)} <= seen
    assert step_s == 2.0 or (True, True, KEEP) in seen


def test_passive_twap_mostly_makes(orders_env):
    policy = make_policy("twap_passive", orders_env)
    taken = made = 0
    for seed in range(20):
        run_episode(orders_env, policy, seed)
        ledger = orders_env.unwrapped.world["ledger"]
        taken += int(ledger["taker_lots"])
        made += int(ledger["filled_lots"]) - int(ledger["taker_lots"])
    assert made > 3 * taken


def test_random_is_uniform_and_its_own():
    env = make({"codec": "orders", "slots": 2})
    observation, _ = env.reset(seed=0)
    batch = np.tile(observation, (4000, 1))
    actions, _ = make_policy("random", env, seed=1).predict(batch)
    for column, choices in zip(actions.T, env.action_space.nvec, strict=True):
        counts = np.bincount(column, minlength=choices)
        expected = len(batch) / choices
        assert ((counts - expected) ** 2 / expected).sum() < 30.0  # beyond 1 in 10,000 for 4 degrees of freedom
    same, _ = make_policy("random", env, seed=1).predict(batch)
    other, _ = make_policy("random", env, seed=2).predict(batch)
    assert np.array_equal(actions, same)
    assert not np.array_equal(actions, other)


def test_random_acts_alike_in_an_episode_whatever_was_played_before(orders_env):
    policy, fresh = (make_policy("random", orders_env, seed=seed) for seed in (1, 2))
    run_episode(orders_env, policy, 5)
    again, alone, other = (run_episode(orders_env, *who) for who in ((policy, 9), (fresh, 9), (fresh, 10)))
    assert again == alone
    assert again.reward != other.reward


def test_unknown_names_are_refused_in_a_sentence(orders_env):
    with pytest.raises(
        ConfigError, match=r"^There is no policy 'twp' \(did you mean 'twap'\?\), expected one of immed"
    ):
        make_policy("twp", orders_env)
    with pytest.raises(ConfigError, match=r"nothing: there is no such file"):
        make_policy("sb3:nothing", orders_env)


def test_a_rule_refuses_actions_it_cannot_use(schedule_env):
    assert rules_for(schedule_env) == ["immediate", "twap", "pov", "random"]
    with pytest.raises(
        ConfigError, match=r"^Policy 'twap_passive' acts through orders or table, but action.codec is 'schedule'"
    ):
        make_policy("twap_passive", schedule_env)


def test_plays_in_the_loop_of_stable_baselines3(orders_env):
    from stable_baselines3.common.evaluation import evaluate_policy
    from stable_baselines3.common.monitor import Monitor

    monitored = Monitor(orders_env)
    monitored.reset(seed=11)
    rewards, lengths = evaluate_policy(make_policy("pov", orders_env), monitored, 3, return_episode_rewards=True)
    assert len(rewards) == 3
    assert max(lengths) <= 30


def clips(env, name, seed=2):
    """Return the lots of each market order that a rule sends, and where the line of time was at the end of its step."""
    observations, actions, info = record(env, make_policy(name, env), seed)
    assert info["exec/remaining_lots"] == 0.0
    task, lots = env.unwrapped.config.task, read(env, observations, "parent_lots")[0]
    due = lots * np.minimum(np.arange(1, len(actions) + 1) * task.step_s / task.horizon_s, 1.0)
    left = np.rint(read(env, observations, "uncommitted") * lots)
    return -np.diff(left, append=0.0), due


@pytest.mark.parametrize("step_s", [0.5, 1, 2, 4, 5])
@pytest.mark.parametrize("lots", [90, 800, 817])
def test_twap_trades_at_every_step_however_large_the_parent(step_s, lots):
    env = make(lots=lots, step_s=step_s, links="instant")
    sent, due = clips(env, "twap")
    steps = round(60 / step_s)
    assert np.count_nonzero(sent) == min(steps, lots)
    if lots / steps < round(0.05 * lots):  # otherwise the choices that are always there pace it, in multiples
        assert np.abs(np.cumsum(sent) - due).max() <= 0.5 + 1e-6
    assert np.abs(np.cumsum(sent) - due).max() <= 0.1 * lots


def test_twap_trades_at_every_step_through_a_table_with_automatic_sizes():
    env = make({"codec": "table", "sizes": "auto"}, lots=800, step_s=2, links="instant")
    sent, due = clips(env, "twap")
    assert np.count_nonzero(sent) == 30
    assert np.abs(np.cumsum(sent) - due).max() <= 0.5 + 1e-6
