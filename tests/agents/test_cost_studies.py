"""Cost ladder, capacity, counterfactual and other bases: identities, and what each must show."""

from itertools import pairwise

import gymnasium as gym
import numpy as np
import pytest

import twin_env
from agents.batteries.capacity import capacity, check_sizes
from agents.batteries.cost_ladder import cost_ladder, round_trip_friction
from agents.batteries.counterfactual import play_replicas, summarize_replicas
from agents.batteries.rollouts import run_episodes
from agents.policies.registry import make_policy
from agents.training.config import load_train_config
from twin_env.alpha import SPLIT_NAMES
from twin_env.alpha.basis import Basis
from twin_env.alpha.results import Result, check, restate, summarize
from twin_env.alpha.tables import alpha_tables, write_tables
from twin_env.config import ConfigError

pytestmark = pytest.mark.jit
assert twin_env

EXECUTION, TRADING = "TwinExecution-v0", "TwinTrading-v0"
TASK = {"horizon_s": 120, "step_s": 5}


@pytest.fixture(scope="module")
def played():
    """Return a function that plays a policy once and keeps its result."""
    kept = {}

    def play(policy, chaos=None, **task):
        key = (policy, chaos, *task.items())
        if key not in kept:
            env = gym.make(EXECUTION, task=TASK | task, chaos=chaos)
            objective = env.unwrapped.definition.objective
            episodes = run_episodes(env, make_policy(policy, env), range(6), record=True)
            kept[key] = Result(policy, episodes, objective=objective)
        return kept[key]

    return play


def test_rungs_sum_to_the_net_result(played):
    calm, chaotic = played("twap_passive"), played("twap_passive", "severe")
    rungs = cost_ladder(calm, chaotic)
    assert rungs[0].value.mean == pytest.approx(calm.mean("alpha/strategy"))
    assert rungs[-2].value.mean == pytest.approx(calm.mean("alpha/net"))
    assert rungs[-1].value.mean == pytest.approx(chaotic.mean("alpha/net"))
    for before, after in pairwise(rungs):
        assert after.value.mean - before.value.mean == pytest.approx(after.change.mean)


def test_rungs_need_the_same_seeds(played):
    calm = played("twap")
    other = Result("twap", calm.episodes[1:], objective=calm.objective)
    with pytest.raises(ValueError, match="other seeds"):
        cost_ladder(calm, other)


def test_a_larger_order_costs_more():
    config = load_train_config(None, env=EXECUTION, **{"env_config.task": TASK})
    points = capacity(config, "twap", range(8), (1, 4, 16))
    costs = [point.to_json()["cost"]["mean"] for point in points]
    assert costs == sorted(costs) and costs[0] < costs[-1]
    assert [point.lots for point in points] == [20, 80, 320]
    assert points[0].result.policy == "twap"


def test_a_policy_that_cannot_play_at_a_size_says_so_before_anything_plays():
    config = load_train_config(None, env=TRADING)
    with pytest.raises(ConfigError, match=r"flat at 2 times its lots: action\.sizes_lots"):
        check_sizes(config, "flat")


@pytest.mark.parametrize("policy", ["twap", "immediate"])
def test_drift_and_what_one_did_to_oneself_are_all_of_it(policy):
    env = gym.make(EXECUTION, task=TASK | {"lots": 200})
    replicas = play_replicas(env, make_policy(policy, env), range(6))
    for one in replicas:
        split = one.episode.alpha.split
        assert one.impact.strategy_alone + one.impact.strategy_moved == split.strategy
        assert one.impact.timing_drift + one.impact.timing_self == split.timing
        assert one.silent_hash != one.episode.event_hash
    summary = summarize_replicas(replicas)
    # What is sent at once meets a market that nobody has moved; what is sent later meets what was moved before.
    if policy == "twap":
        assert summary["timing_self_ccy"]["high"] < 0.0
    assert summary["strategy_moved_ccy"]["mean"] > 0.0


def test_a_policy_that_does_nothing_is_its_counterfactual_byte_for_byte():
    env = gym.make(TRADING, task={"window_s": 60, "step_s": 5}, chaos="severe")
    replicas = play_replicas(env, make_policy("flat", env), range(4))
    for one in replicas:
        assert one.silent_hash == one.episode.event_hash
        assert set(vars(one.impact).values()) == {0}


def test_the_friction_of_a_round_trip_is_what_its_execution_cost():
    env = gym.make(TRADING, task={"window_s": 900, "step_s": 5}, chaos=None)
    result = Result("cross", run_episodes(env, make_policy("cross", env), range(4), record=True))
    trips = [trip for episode in result.episodes for trip in episode.alpha.trips]
    assert trips and all(trip.exit_ticks is not None for trip in trips)
    paid = -sum(trip.split.execution for trip in trips) * 1e-6 / sum(trip.lots for trip in trips)
    assert round_trip_friction(result).mean == pytest.approx(paid)
    assert round_trip_friction(result).mean > 1.7  # fees of both ways
    env = gym.make(TRADING, task={"window_s": 30, "step_s": 5})
    assert (
        round_trip_friction(Result("flat", run_episodes(env, make_policy("flat", env), range(1), record=True))) is None
    )


@pytest.mark.parametrize("basis", [Basis("executed"), Basis("ordered", "touch"), Basis("executed", "touch")])
@pytest.mark.parametrize("policy", ["twap_passive", "random", "immediate"])
def test_every_basis_has_the_same_net_and_exact_parts(played, basis, policy):
    result = played(policy, "severe", leftover="mark")
    other = restate(result, basis)
    for before, after in zip(result.episodes, other.episodes, strict=True):
        net, strategy, execution, *parts = after.parts_micro
        assert net == before.parts_micro[0] == strategy + execution and execution == sum(parts)
        assert after.info["exec/is_bps"] == before.info["exec/is_bps"]
        if basis.quantity == "executed":
            assert after.alpha is before.alpha and parts[6] == 0
    assert summarize([other], other, "USD")["policies"][0]["alpha_ccy"]["net"] == pytest.approx(
        result.mean("alpha/net")
    )


def test_from_the_touch_a_market_order_without_delay_pays_no_spread():
    """With wires that take no time the touch that was seen is the one that is met: nothing is left of the spread."""
    env = gym.make(TRADING, task={"window_s": 900, "step_s": 5}, links="instant")
    result = Result("cross", run_episodes(env, make_policy("cross", env), range(4), record=True))
    other = restate(result, Basis(desired_price="touch"))
    paid, left = result.total_micro[SPLIT_NAMES.index("spread")], other.total_micro[SPLIT_NAMES.index("spread")]
    assert paid < 0 and left == 0
    assert other.total_micro[SPLIT_NAMES.index("strategy")] == result.total_micro[SPLIT_NAMES.index("strategy")] + paid


def test_a_restated_result_needs_records():
    env = gym.make(TRADING, task={"window_s": 30, "step_s": 5})
    result = Result("flat", run_episodes(env, make_policy("flat", env), range(1)))
    with pytest.raises(ValueError, match="without a record"):
        restate(result, Basis("executed"))
    assert summarize([result], result, "USD")["policies"][0]["trips"] is None


def test_tables_hold_what_the_records_do(played, tmp_path):
    import polars as pl

    result = played("twap_passive", "severe")
    check([result])
    seeds, each = [episode.seed for episode in result.episodes], [episode.alpha for episode in result.episodes]
    tables = alpha_tables(seeds, each)
    write_tables(tmp_path / "tables", tables)
    read = {path.stem: pl.read_parquet(path) for path in (tmp_path / "tables").iterdir()}
    assert set(read) == {"fills", "orders", "decisions", "trips", "episodes"}
    for name, table in read.items():
        assert table.equals(tables[name])
    total = {name: sum(getattr(one.split, name) for one in each) for name in ("net", "strategy", "spread", "fees")}
    assert read["trips"]["net_ccy"].sum() == pytest.approx(total["net"] * 1e-6)
    assert read["decisions"]["strategy_ccy"].sum() == pytest.approx(total["strategy"] * 1e-6)
    assert read["fills"]["spread_ccy"].sum() == pytest.approx(total["spread"] * 1e-6)
    assert read["fills"]["fee_ccy"].sum() == pytest.approx(-total["fees"] * 1e-6)
    assert read["orders"]["filled_lots"].sum() == read["fills"]["lots"].sum()
    in_ticks, in_bps = (alpha_tables(seeds, each, unit)["fills"] for unit in ("ticks", "bps"))
    instrument = each[0].instrument
    tick_ccy = instrument.tick_size * instrument.point_value_ccy
    assert np.allclose(in_ticks["spread_ticks"] * tick_ccy, read["fills"]["spread_ccy"])
    notional = read["fills"]["lots"] * read["fills"]["mid"] * instrument.point_value_ccy
    assert np.allclose(in_bps["spread_bps"] * 1e-4 * notional, read["fills"]["spread_ccy"])
    with pytest.raises(ValueError, match="unit='pips', expected one of ccy, ticks, bps"):
        alpha_tables(seeds, each, "pips")
