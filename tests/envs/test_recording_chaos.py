"""Episodes in which things go wrong are recorded with what went wrong, and played again as they went."""

import gymnasium as gym
import numpy as np
import pytest

from tests.envs.test_recording import EXECUTION, SHORT, TRADING, WINDOW, draw_action
from twin_env.core.state import codes
from twin_env.core.state.codes import BUY, SELL
from twin_env.envs.recording import RecordEpisodes, draw_depth_map, replay
from twin_env.envs.recording.depth import first_book, read_events, sample_depth
from twin_env.envs.recording.folder import RUN, read_table
from twin_env.envs.recording.notes import read_resting
from twin_env.twin.run_file import read_run

pl = pytest.importorskip("polars")
pytestmark = pytest.mark.jit

ACTORS = ("flash_crash", "quote_stuffing", "fat_finger", "spoofing", "momentum_ignition")
OTHERS = ("feed_disconnect", "trading_halt", "order_disconnect", "ack_loss", "ack_duplication", "reject_storm")
MORE = ("throttle", "price_band", "order_delay", "frozen_strategy", "auction_reopen", "exchange_outage")
FAULTS = {
    "flash_crash": {"move": {"value": 5, "unit": "points"}, "fall_s": 2},
    "quote_stuffing": {"messages_per_s": 200, "duration_s": 2},
    "reject_storm": {"duration_s": 5},
    "price_band": {"band": {"value": 4, "unit": "ticks"}, "duration_s": 10},
    "ack_duplication": {"probability": 0.9, "direction": "requests", "duration_s": 8},
}


def fault(kind, offset_s=2.0):
    return {"kind": kind, "when": {"at": "offset", "seconds": offset_s}} | FAULTS.get(kind, {})


def play(env, steps=12, inject=None, at=4, experiment=None, seed=3):
    """Play an episode with an order every third step, and inject on the way."""
    rng = np.random.default_rng(seed)
    env.reset(seed=seed, options=None if experiment is None else {"experiment": experiment})
    over, step = False, 0
    while not over and step < steps:
        if inject is not None and step == at:
            env.unwrapped.inject(inject)
        _, _, terminated, truncated, _ = env.step(draw_action(env.action_space, rng))
        over, step = terminated or truncated, step + 1
    env.close()
    return env.unwrapped


def make(folder, name=TRADING):
    task = WINDOW if name == TRADING else SHORT
    action = {"codec": "orders", "slots": 2, "stops_ticks": [1, 2, 3, 4, 5]} if name == TRADING else {"codec": "orders"}
    return RecordEpisodes(gym.make(name, task=task, action=action), folder)


def check_book(env, folder):
    """The book that events rebuild is the exchange's at the end, whatever went wrong."""
    steps, events = read_table(folder, "steps"), read_events(read_table(folder, "events"))
    book = first_book(read_table(folder, "book"), steps)
    for event, rests in events:
        book.apply(event, rests)
    book.settle()
    true = {BUY: {}, SELL: {}}
    for order in read_resting(env.batch.reader(0).exchange):
        true[order.side][order.price_ticks] = true[order.side].get(order.price_ticks, 0) + order.lots
    assert book.lots == true
    assert sample_depth(folder, steps["ts_ns"].to_numpy()).lots[-1] == true[BUY] | true[SELL]


@pytest.mark.parametrize("kind", [*ACTORS, *OTHERS, *MORE])
@pytest.mark.parametrize("how", ["option", "inject"])
def test_an_episode_with_a_fault_replays_equal(tmp_path, kind, how):
    given = (
        {"experiment": {"title": "A test", "method": [fault(kind)]}}
        if how == "option"
        else {"inject": fault(kind, 0.5)}
    )
    env = play(make(tmp_path), **given)
    folder = tmp_path / "episode_000000"
    again = replay(folder)
    assert again.mismatch is None
    assert again.facts["event_hash"] == f"{int(env.world.event_hash):016x}"
    assert env.world.effects["begun"][0] > 0
    check_book(env, folder)
    run = read_run(folder / RUN)
    injected = [line for line in run.inputs if line["input"] == "inject"]
    if how == "option":
        assert [one["kind"] for one in run.header["experiment"]["method"]] == [kind] and not injected
    else:
        assert not run.header["experiment"]["method"]
        assert [line["experiment"]["method"][0]["kind"] for line in injected] == [kind]
        assert injected[0]["at_ns"] == run.header["start_ns"] + 4_000_000_000


@pytest.mark.parametrize("kind", ACTORS)
def test_an_actors_orders_bear_the_name_of_its_fault(tmp_path, kind):
    env = play(make(tmp_path, EXECUTION), experiment={"title": "A test", "method": [fault(kind)]})
    folder = tmp_path / "episode_000000"
    events = read_table(folder, "events")
    assert set(events["owner"]) == {"background", "desk", f"actor:{kind}"}
    mine = events.filter(pl.col("owner") == f"actor:{kind}")
    actors = env.world.effects["traded_lots"].sum()
    assert mine.filter(pl.col("kind") == "traded")["lots"].sum() <= actors
    draw = pytest.importorskip("matplotlib") and draw_depth_map
    draw(folder, tmp_path / "map.png", size_px=(800, 500))
    assert (tmp_path / "map.png").stat().st_size > 10_000


def test_each_actor_of_an_episode_has_its_own_name(tmp_path):
    both = {"title": "A test", "method": [fault("quote_stuffing", 6.0), fault("fat_finger", 1.0)]}
    env = make(tmp_path)
    rng = np.random.default_rng(0)
    env.reset(seed=3, options={"experiment": both})
    for step in range(14):
        if step in (3, 10):
            env.unwrapped.inject({"kind": "spoofing" if step == 3 else "momentum_ignition"})
        env.step(draw_action(env.action_space, rng))
    env.close()
    events = read_table(tmp_path / "episode_000000", "events")
    begins = {}
    for ts_ns, owner in events.select("ts_ns", "owner").iter_rows():
        begins.setdefault(owner, (ts_ns - read_run(tmp_path / "episode_000000" / RUN).header["start_ns"]) / 1e9)
    order = sorted((owner for owner in begins if owner.startswith("actor:")), key=begins.get)
    assert order == ["actor:fat_finger", "actor:spoofing", "actor:quote_stuffing", "actor:momentum_ignition"]
    assert [round(begins[owner]) for owner in order] == pytest.approx([1, 3, 6, 10], abs=1)
    assert replay(tmp_path / "episode_000000").mismatch is None


def test_a_drawn_experiment_is_that_of_the_record(tmp_path):
    env = RecordEpisodes(gym.make(EXECUTION, task=SHORT, chaos="severe"), tmp_path)
    for seed in range(4):
        play(env, seed=seed, steps=6)
    for number in range(4):
        folder = tmp_path / f"episode_{number:06d}"
        assert replay(folder).mismatch is None
    hashes = [read_run(path).header["experiment"] for path in sorted(tmp_path.glob("*/episode.run"))]
    assert len({str(one) for one in hashes}) == 4


def test_lost_requests_are_told_of(tmp_path):
    env = make(tmp_path, EXECUTION)
    env.reset(seed=3, options={"experiment": {"title": "A test", "method": [fault("order_disconnect", 2.5)]}})
    for number in range(8):
        env.step(np.array([2, 1, 0]) if number > 2 else np.zeros(3, np.int64))
    env.close()
    requests = read_table(tmp_path / "episode_000000", "requests")
    orders = read_table(tmp_path / "episode_000000", "orders")
    lost = requests.filter(pl.col("answer") == "lost")
    assert len(lost) == int(env.unwrapped.world.chaos.requests_lost) > 0
    assert lost["arrives_ns"].null_count() == len(lost)
    assert set(orders.filter(pl.col("order").is_in(lost["order"].implode()))["end"]) == {"lost"}
    assert codes.KIND_NAMES[codes.NEW] in lost["request"]
