"""The trading environment: its split against a shadow account, its risk control, its windows."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env

import twin_env
from twin_env.core.desk.desk import DONE, FREE
from twin_env.core.state.codes import STOP
from twin_env.core.stream import MARKS
from twin_env.envs.trading.config import TradingConfig
from twin_env.envs.trading.rewards import TERMS

assert twin_env
NAME = "TwinTrading-v0"
SHORT = {"window_s": 60.0, "step_s": 1.0}
POSITIONS = {"codec": "positions", "positions_lots": [-1, 0, 1]}

pytestmark = pytest.mark.jit


def make(task=None, **config):
    return gym.make(NAME, task=SHORT | (task or {}), **config).unwrapped


def play(env, seed, look=lambda env, info: None, **options):
    """Play random actions to the end; return rewards and the last info."""
    env.action_space.seed(seed)
    env.reset(seed=seed, options=options)
    rewards, over = [], False
    while not over:
        _, reward, over, truncated, info = env.step(env.action_space.sample())
        rewards.append(reward)
        look(env, info)
        over = over or truncated
    return np.array(rewards), info


def check_sums(env, info):
    parts = env.task.parts
    assert parts[3:].sum() == parts[2]
    assert parts[0] == parts[1] + parts[2]
    assert info["alpha/net"] == pytest.approx(parts[0] / 1e6)


@pytest.mark.parametrize("links", ["instant", "retail", "adversarial"])
@pytest.mark.parametrize("codec", ["orders", "target", "positions"])
def test_the_split_is_exact_at_every_step_of_hundreds_of_intents(codec, links):
    env = make(links=links, action={"codec": codec} | ({"slots": 4} if codec == "orders" else {}))
    orders = 0
    for seed in range(3):
        rewards, info = play(env, seed, check_sums)
        assert rewards.sum() == pytest.approx(info["alpha/net"])
        orders += int(info["trade/orders"])
    assert orders > 100


def test_strategy_alpha_is_that_of_every_decision_filled_at_once_at_the_mid_it_saw():
    env = make({"flat_at_close": False}, links="instant", action=POSITIONS)
    for seed in range(5):
        env.reset(seed=seed)
        rng, decisions, over = np.random.default_rng(seed), [], False
        while not over:
            before, mid = int(env.world["desk"]["position"]), int(env.world["desk"]["mid"])
            _, _, over, _, info = env.step(rng.integers(3))
            lots = int(env.world["desk"]["position"]) - before
            decisions += [(lots, mid)] if lots else []
        assert len(decisions) > 20
        assert info["exec/filled_lots"] == info["exec/decided_lots"] == sum(abs(lots) for lots, _ in decisions)
        book, now = env.world["book"], []
        for row, side in enumerate((1, -1)):
            now.append(side * int(book["key"][row, int(book["count"][row]) - 1]))
        earned = sum(lots * (sum(now) - mid) for lots, mid in decisions) * int(env.world["venue"]["half_tick_micro"])
        assert int(env.task.parts[1]) == earned


def test_a_limit_that_is_cancelled_before_its_price_trades_is_worth_nothing():
    env = make(links="instant", action={"codec": "orders", "slots": 1, "offsets_ticks": [4], "stops_ticks": [5]})
    env.reset(seed=2)
    env.step(np.array([2, 0, 0]))  # one lot, four ticks below the bid
    intent = env.world["ledger"]["intents"][0]
    assert (int(intent["waiting"]), int(intent["due"])) == (1, 0)
    for action in (1, 0, 0, 0):  # cancel, then watch
        env.step(np.array([action, 0, 0]))
        assert not np.array(env.task.parts).any()
    assert int(intent["closed"]) == 1


BRACKET = {
    "task": {"window_s": 3600, "step_s": 1},
    "risk": {"max_position_lots": 1},
    "action": {"codec": "orders", "slots": 2, "offsets_ticks": [30], "stops_ticks": [20], "sizes_lots": [1]},
}


@pytest.mark.parametrize("seed", range(8))
def test_a_trade_with_target_and_stop_is_worth_what_its_decisions_are(seed):
    """Buy, then a target 30 ticks above and a stop 20 below: strategy is what the one that traded says."""
    env = gym.make("TwinTrading-v0", **BRACKET).unwrapped
    env.reset(seed=seed)
    stream, decided = env.batch.watch(0, MARKS), int(env.world["desk"]["mid"])
    begin = stream.end
    env.step(np.array([4, 0, 0, 0, 0, 0]))
    while int(env.world["desk"]["position"]) == 0:
        env.step(np.zeros(6, np.int64))
    env.step(np.array([3, 0, 0, 7, 0, 0]))
    desk = env.world["desk"]["orders"]
    target, stop = (int(desk["price"][env.task.row[slot]]) for slot in range(2))
    over, info = False, {}
    while not over and int(env.world["desk"]["position"]) != 0:
        _, _, over, _, info = env.step(np.zeros(6, np.int64))
    assert not over
    bought, sold = stream.read(begin).marks["price"].tolist()
    exit = target if bought < sold else stop
    tick = 2 * int(env.world["venue"]["half_tick_micro"]) / 1e6
    assert info["alpha/strategy"] == pytest.approx((exit - decided / 2) * tick)
    assert (info["alpha/strategy"] > 0) == (exit == target)
    costs = (decided / 2 - bought) + (sold - exit)  # spread and latency of the entry, and what the exit slipped
    assert info["alpha/execution"] == pytest.approx(costs * tick + info["alpha/fees"])


@pytest.mark.parametrize("codec", ["orders", "target"])
def test_no_position_exceeds_its_limit(codec):
    env = make(risk={"max_position_lots": 4}, action={"codec": codec} | ({"slots": 4} if codec == "orders" else {}))
    most = refused = 0

    def look(env, info):
        nonlocal most
        assert abs(info["trade/position_lots"]) <= 4
        most = max(most, abs(info["trade/position_lots"]))

    for seed in range(6):
        refused += play(env, seed, look)[1]["risk/refused"]
    assert most == 4
    assert (refused > 0) == (codec == "orders")


def test_requests_beyond_the_message_rate_are_refused():
    env = make(risk={"max_messages_per_s": 0.25}, action={"codec": "orders", "slots": 4})
    sent, refused = [], 0

    def look(env, info):
        sent.append(-info["reward/messages"])

    for seed in range(3):
        sent.clear()
        refused += play(env, seed, look)[1]["risk/refused"]
        total = np.cumsum(sent[:-1])  # the last step also closes the position, which no limit holds up
        assert (total <= 1 + 0.25 * np.arange(len(total))).all()
        assert total[-1] > 8
    assert refused > 100


def test_a_loss_beyond_the_limit_closes_the_episode():
    env = make({"window_s": 600.0}, risk={"max_loss_ccy": 40.0}, action={"codec": "target"})
    for seed in range(5):
        rewards, info = play(env, seed)
        assert info["risk/stopped"] == 1.0 and info["trade/position_lots"] == 0
        assert -400 < info["alpha/net"] < -40
        assert len(rewards) < 600
        assert int(env.world["desk"]["live"]) == 0
    assert play(make(action={"codec": "target"}), 0)[1]["risk/stopped"] == 0.0


@pytest.mark.parametrize("links", ["instant", "retail"])
def test_flat_at_close_is_flat_and_otherwise_the_position_is_marked(links):
    flat, marked = (make({"flat_at_close": close}, links=links) for close in (True, False))
    kept = 0
    for seed in range(8):
        assert play(flat, seed)[1]["trade/position_lots"] == 0
        assert int(flat.world["desk"]["live"]) == 0
        kept += play(marked, seed)[1]["trade/position_lots"] != 0
        check_sums(marked, {"alpha/net": marked.task.parts[0] / 1e6})
    assert kept > 2


def test_stops_wait_and_trade_once_the_market_reaches_them():
    env = make(
        {"window_s": 600.0, "step_s": 5.0},
        action={"codec": "orders", "slots": 2, "offsets_ticks": [0], "stops_ticks": [3], "sizes_lots": [1]},
    )
    triggered = 0
    for seed in range(4):
        env.reset(seed=seed)
        over = False
        while not over:
            live = [order for order in env.world["desk"]["orders"] if order["state"] not in (FREE, DONE)]
            stops = {int(order["side"]): int(order["price"]) for order in live if int(order["type"]) == STOP}
            fills, high = int(env.world["ledger"]["fills"]), int(env.world["ledger"]["position"])
            rejects = int(env.world["rejects"].sum())
            choices = {0: (6, 7), 1: (1, 1), 2: (0, 0)}[len(live)]  # both again once one has traded
            _, _, over, _, _ = env.step(np.array([choices[0], 0, 0, choices[1], 0, 0]))
            if int(env.world["ledger"]["fills"]) == fills + 1 and len(stops) == 2 and not over:
                if int(env.world["rejects"].sum()) > rejects:
                    continue  # the other one met an empty side
                if int(env.world["desk"]["filled_lots"]) < int(env.world["ledger"]["filled_lots"]):
                    continue  # the report is on its way
                triggered += 1
                bought = int(env.world["ledger"]["position"]) > high
                desk = env.world["desk"]["orders"]
                assert [int(order["side"]) for order in desk if order["state"] not in (FREE, DONE)] == [1 - 2 * bought]
                assert stops[1] > stops[-1]
    assert triggered > 10


def test_a_slot_is_cancelled_before_it_changes_sides_and_never_grows():
    env = make(links="instant", action={"codec": "orders", "slots": 1, "offsets_ticks": [6, 8], "stops_ticks": [5, 6]})
    env.reset(seed=1)
    row = int(env.task.row[0]) if env.step(np.array([2, 0, 1])) and int(env.task.row[0]) >= 0 else None
    order = env.world["desk"]["orders"][row]
    assert (int(order["side"]), int(order["lots"])) == (1, 2)
    env.step(np.array([2, 1, 2]))  # moves, and stays at two lots although five were asked for
    assert int(order["lots"]) == 2
    env.step(np.array([2, 1, 0]))
    assert int(order["lots"]) == 1
    env.step(np.array([3, 0, 1]))
    assert int(env.world["desk"]["live"]) == 0
    env.step(np.array([3, 0, 1]))
    assert int(env.world["desk"]["orders"][int(env.task.row[0])]["side"]) == -1


def test_masked_choices_send_nothing():
    env = make(action={"codec": "orders", "slots": 2})
    width, checked = 8 + 5 + 3, 0
    for seed in range(3):
        env.reset(seed=seed)
        rng, over = np.random.default_rng(seed), False
        while not over:
            mask = env.action_masks()
            assert mask.shape == (2 * width,)
            closed = [c for c in range(8) if not mask[c]]
            if closed:
                fork = env.fork()
                for choice in closed:
                    twin, still = fork.fork(), fork.fork()
                    twin.step(np.array([choice, 1, 1, 0, 0, 0]))
                    still.step(np.zeros(6, np.int64))
                    assert int(twin.world["event_hash"]) == int(still.world["event_hash"])
                    checked += 1
            _, _, over, _, _ = env.step(rng.integers(0, env.action_space.nvec))
    assert checked > 20


def test_a_session_ends_where_the_market_closes():
    env = make({"window_s": "session", "step_s": 600.0, "start_s": [0.0, 20_000.0]}, action=POSITIONS)
    starts = set()
    for seed in range(4):
        env.reset(seed=seed)
        starts.add(int(env.task.start_ns))
        end = datetime.fromtimestamp(int(env.task.end_ns + 5e9) / 1e9, UTC).astimezone(ZoneInfo("America/New_York"))
        assert (end.hour, end.minute, end.second) == (17, 0, 0)
        assert env.task.end_ns - env.task.start_ns < 9 * 3600 * 1e9
    assert len(starts) == 4
    _, info = play(env, 1)
    assert info["trade/position_lots"] == 0
    assert int(env.world["venue"]["halted"]) == 0
    env.reset(seed=0, options={"start_s": 3600.0})
    late = int(env.task.start_ns)
    env.reset(seed=0, options={"start_s": 0.0})
    assert late - int(env.task.start_ns) == 3600 * 10**9


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"market": "mgc_poisson", "task": {"window_s": "session"}}, "never close"),
        ({"task": {"start_s": [5.0, 1.0]}}, r"start_s is \[5.0, 1.0\]"),
        ({"task": {"window_s": 1.0, "step_s": 2.0}}, "step_s=2.0 must not exceed window_s=1.0"),
        ({"action": {"codec": "positions", "positions_lots": [0, 99]}}, "none beyond risk.max_position_lots=10"),
        ({"action": {"codec": "orders", "stops_ticks": [1]}}, "stops_ticks has 1 entries"),
        ({"action": {"codec": "ladder"}}, "codec"),
        ({"task": {"start_s": [0.0, 40_000.0]}}, "32400 s after 08:00 in New York the market is closed"),
        ({"task": {"step_s": 1e-10}}, "step_s is 1e-10, expected at least 1e-06"),
        ({"risk": {"max_position_lots": 10**9}}, "max_position_lots is 1000000000, expected at most 1000000"),
    ],
)
def test_bad_configurations_say_what_was_expected(config, message):
    with pytest.raises(ValueError, match=message):
        gym.make(NAME, **config)


@pytest.mark.parametrize("options", [{"start_s": -1.0}, {"start_s": 1e9}, {"side": "buy"}])
def test_bad_options_are_refused(options):
    with pytest.raises(ValueError, match="options"):
        make().reset(seed=1, options=options)


@pytest.mark.parametrize("codec", ["orders", "target", "positions"])
@pytest.mark.parametrize("form", ["flat", "dict"])
def test_gymnasium_checks_pass(codec, form):
    env = gym.make(NAME, action={"codec": codec}, observation={"form": form}, task=SHORT)
    check_env(env.unwrapped, skip_render_check=True)


@pytest.mark.parametrize("term", TERMS)
def test_a_reward_is_its_weighted_terms(term):
    reward = dict.fromkeys(TERMS, 0.0) | {term: -2.0}
    seen = []
    rewards, _ = play(
        make(reward=reward, risk={"max_loss_ccy": 60.0}), 0, lambda env, info: seen.append(info[f"reward/{term}"])
    )
    assert rewards == pytest.approx([-2.0 * value for value in seen])
    assert any(seen) and TradingConfig.model_fields["reward"].default.model_dump()["net"] == 1.0


def test_the_mirror_image_earns_the_same():
    """Buying what another sells, against the same market, both see the same touch before anybody reacts."""
    env = make(links="instant", action={"codec": "orders", "slots": 1, "offsets_ticks": [3], "stops_ticks": [9]})
    env.reset(seed=6)
    env.step(np.array([2, 0, 1]))
    bought = env.layout.decode(env.step(np.array([0, 0, 0]))[0])
    env.reset(seed=6)
    env.step(np.array([3, 0, 1]))
    sold = env.layout.decode(env.step(np.array([0, 0, 0]))[0])
    assert (bought["slot_1_side"], sold["slot_1_side"]) == (1.0, -1.0)
    assert bought["buying"] == sold["selling"] > 0 and bought["selling"] == sold["buying"] == 0
    assert bought["slot_1_left_lots"] == sold["slot_1_left_lots"]
