"""The ladder, and what every codec owes an order in a queue: its place, for as long as nothing asks for another."""

import threading

import gymnasium as gym
import numpy as np
import pytest

import twin_env
from twin_env.core.state.codes import DESK
from twin_env.core.state.layout import NONE
from twin_env.envs.execution.config import LadderAction

assert twin_env
NAME = "TwinExecution-v0"
LADDER = {"codec": "ladder", "offsets_ticks": [0, 1, 2, 4]}
LONG = {"lots": 40, "horizon_s": 120.0, "step_s": 1.0}

pytestmark = pytest.mark.jit


def make(links="retail", action=LADDER, task=None, **config):
    return gym.make(NAME, links=links, action=action, task=LONG | (task or {}), **config).unwrapped


def weights(market, *rungs, hold):
    """Turn shares into an action."""
    return (2.0 * np.array([market, *rungs, hold]) - 1.0).astype(np.float32)


def resting(world):
    """Own orders that rest at the exchange: the desk's number of the order -> (entry, price, lots)."""
    orders = {}
    for own in world["desk_order_marks"]:
        if own["order"] == NONE:
            continue
        order = world["orders"][own["order"]]
        if order["owner"] == DESK and order["level"] != NONE:
            level = world["book"]["levels"][order["level"]]
            orders[int(own["client"])] = (int(order["entry"]), int(level["side"] * level["key"]), int(order["lots"]))
    return orders


def desk_touch(world, side):
    row = (1 - side) >> 1
    return side * int(world["desk"]["book"]["key"][row, int(world["desk"]["book"]["count"][row]) - 1])


def by_price(orders):
    """Sum resting lots by price."""
    lots = {}
    for _, price, size in orders.values():
        lots[price] = lots.get(price, 0) + size
    return lots


def wanted(env, action, left):
    """Lots by price that a ladder asks for behind the touch the desk sees."""
    shares = 0.5 * (action.astype(float) + 1.0)
    shares = shares[1:-1] / shares.sum()
    sign = int(env.task.side)
    touch = desk_touch(env.world, sign)
    sizes, budget = [], left
    for share in shares:
        sizes.append(min(int(share * left + 0.5), budget))
        budget -= sizes[-1]
    return {touch - sign * o: size for o, size in zip(LADDER["offsets_ticks"], sizes, strict=True) if size}


@pytest.mark.parametrize("side", ["buy", "sell"])
@pytest.mark.parametrize("links", ["instant", "retail"])
def test_an_unchanged_ladder_loses_no_queue_place_that_its_prices_allow_it_to_keep(links, side):
    env, shares = make(links, market="large_tick", task={"step_s": 0.25, "horizon_s": 60.0}), (0.3, 0.2, 0.2, 0.1)
    action = weights(0.0, *shares, hold=0.2)
    kept = quiet = 0
    for seed in range(6):
        env.reset(seed=seed, options={"side": side})
        over = False
        while not over:
            world = env.world
            before, sent = resting(world), int(world["order_link"]["pushed"])
            reports = world["report_link"]
            settled = int(world["desk"]["pending"]) == 0 and reports["pushed"] == reports["popped"]
            target = wanted(env, action, int(env.task.lots - world["desk"]["filled_lots"]))
            _, _, over, _, _ = env.step(action)
            after = resting(env.world)
            for client, (entry, price, _) in before.items():
                if by_price(before)[price] <= target.get(price, 0) and client in after and settled:
                    assert after[client][:2] == (entry, price)
                    kept += 1
            if settled and by_price(before) == target and not over:
                assert int(env.world["order_link"]["pushed"]) == sent
                quiet += 1
    assert kept > 500
    assert quiet > 100


MOMENT = {"horizon_s": 0.1, "step_s": 0.001}  # nobody else has the time to do anything


@pytest.mark.parametrize("side", ["buy", "sell"])
def test_a_ladder_stands_where_its_weights_say(side):
    env = make("instant", task=MOMENT | {"side": side})
    rng, compared = np.random.default_rng(1), 0
    for seed in range(12):
        env.reset(seed=seed)
        for _ in range(5):
            shares = rng.dirichlet(np.ones(5))
            action = weights(0.0, *shares[:4], hold=shares[4])
            target = wanted(env, action, int(env.task.lots - env.world["desk"]["filled_lots"]))
            for _ in range(3):  # what frees lots is answered first, what takes them is sent then
                observation, *_ = env.step(action)
            if wanted(env, action, int(env.task.lots - env.world["desk"]["filled_lots"])) != target:
                break  # somebody else acted after all
            compared += 1
            assert by_price(resting(env.world)) == target
            seen, lots = env.layout.decode(observation), int(env.task.lots)
            rungs = [round(seen[f"rung_{rung}_left"] * lots) for rung in range(1, 5)]
            assert [size for size in rungs if size] == list(target.values())
            assert seen["elsewhere"] == 0.0
    assert compared > 40


def test_the_market_weight_takes_and_all_to_the_pocket_cancels_everything():
    env = make("instant", task=MOMENT | {"side": "buy"})
    env.reset(seed=3)
    env.step(weights(0.0, 0.5, 0.5, 0.0, 0.0, hold=0.0))
    assert sum(by_price(resting(env.world)).values()) == 40
    env.step(weights(0.25, 0.0, 0.0, 0.0, 0.0, hold=0.75))
    assert int(env.world["ledger"]["filled_lots"]) == 10
    assert resting(env.world) == {}
    env.step(weights(0.0, 0.0, 0.0, 1.0, 0.0, hold=0.0))
    assert sum(by_price(resting(env.world)).values()) == 30
    env.step(np.full(6, -1.0, np.float32))  # no weights at all: everything is held back
    assert resting(env.world) == {} and int(env.world["ledger"]["filled_lots"]) == 10


@pytest.mark.parametrize("side", ["buy", "sell"])
def test_more_weight_comes_behind_and_less_is_taken_from_the_newest(side):
    env = make("instant", task=MOMENT | {"side": side})
    for seed in range(5):
        env.reset(seed=seed)
        shown = []
        for share in (0.2, 0.4, 0.3, 0.1, 0.1):
            env.step(weights(0.0, 0.0, share, 0.0, 0.0, hold=1.0 - share))
            shown.append(resting(env.world))
        first, second, third, fourth, fifth = shown
        (old,) = first
        (new,) = set(second) - {old}
        assert second[old] == first[old] and first[old][2] == second[new][2] == 8
        assert second[new][0] > first[old][0]
        assert third == {old: first[old], new: (*second[new][:2], 4)}
        assert fourth == fifth == {old: (*first[old][:2], 4)}


def test_lots_move_between_rungs_by_replacing_not_by_cancelling_first():
    env = make("instant", task=MOMENT)
    env.reset(seed=1)
    env.step(weights(0.0, 1.0, 0.0, 0.0, 0.0, hold=0.0))
    sent = int(env.world["order_link"]["pushed"])
    (client,) = resting(env.world)
    there = weights(0.0, 0.0, 0.0, 1.0, 0.0, hold=0.0)
    env.step(there)
    assert list(resting(env.world)) == [client] and int(env.world["order_link"]["pushed"]) == sent + 1
    assert by_price(resting(env.world)) == wanted(env, there, 40)


@pytest.mark.parametrize("side", ["buy", "sell"])
@pytest.mark.parametrize(
    ("action", "keeps", "wants"),
    [
        ([0, 0, 0], True, None),
        ([2, 1, 2], True, 16),
        ([2, 1, 1], True, 8),
        ([2, 1, 3], False, 24),
        ([2, 2, 2], False, 16),
    ],
    ids=["keep", "unchanged", "down", "up", "away"],
)
def test_keep_and_replacing_down_keep_the_place_up_and_away_lose_it(action, keeps, wants, side):
    codec = {"codec": "orders", "offsets_ticks": [0, 2, 3], "sizes": [0.1, 0.2, 0.4, 0.6]}
    env = make("instant", codec, task=MOMENT | {"side": side})
    for seed in range(5):
        env.reset(seed=seed)
        env.step(np.array([2, 1, 2]))
        ((client, (entry, price, lots)),) = resting(env.world).items()
        env.step(np.array(action))
        now_entry, now_price, now_lots = resting(env.world)[client]
        assert (now_entry == entry) == keeps
        assert (now_price, now_lots) == (price - (action[1] == 2) * int(env.task.side), wants or lots)


def test_an_order_that_improved_does_not_outbid_itself():
    codec = {"codec": "orders", "offsets_ticks": [-1, 0], "sizes": [1.0]}
    env = make("instant", codec, market="thin", task={"side": "buy", "step_s": 0.2})
    stayed = 0
    for seed in range(10):
        env.reset(seed=seed)
        for _ in range(10):
            before = resting(env.world)
            others = best_of_others(env.world, 1)
            env.step(np.array([2, 0, 0]))
            after = resting(env.world)
            if set(before) == set(after) != set() and best_of_others(env.world, 1) == others:
                (old,), (new,) = before.values(), after.values()
                if old[1] == others + 1:
                    assert new[:2] == old[:2]
                    stayed += 1
    assert stayed > 10


def best_of_others(world, side):
    """Best price of a side at which somebody else has lots."""
    own = by_price(resting(world))
    book, row = world["book"], (1 - side) >> 1
    for place in range(int(book["count"][row]) - 1, -1, -1):
        price = side * int(book["key"][row, place])
        if int(book["levels"][int(book["level"][row, place])]["lots"]) > own.get(price, 0):
            return price
    return None


@pytest.mark.parametrize("offsets", [[1, 0], [0, 0], [-1, 0], list(range(9))])
def test_rungs_must_rise(offsets):
    with pytest.raises(ValueError, match="offsets_ticks"):
        LadderAction(codec="ladder", offsets_ticks=offsets)


@pytest.mark.parametrize("filled", [5, 6])
def test_an_order_with_nothing_left_whose_last_report_was_lost_ends_no_step_late(filled):
    """It seems to rest, and the other order on its rung waits for an answer: nobody can give lots back."""
    env = make("instant", task=MOMENT)
    env.reset(seed=3)
    for share in (5 / 40, 10 / 40):
        for _ in range(3):
            env.step(weights(0.0, 0.0, 0.0, 0.0, share, hold=1.0 - share))
    orders = env.world["desk"]["orders"]
    first, second = np.flatnonzero(orders["state"])[:2]
    assert orders["price"][first] == orders["price"][second]
    orders["filled"][second], orders["pending"][first] = filled * (orders["lots"][second] // 5), 1
    stepping = threading.Thread(target=env.step, args=(weights(0.0, 0.0, 0.0, 0.0, 0.0, hold=1.0),), daemon=True)
    stepping.start()
    stepping.join(timeout=60)
    assert not stepping.is_alive()
