"""Recorded episodes: what is written is what was played, and playing it again says so."""

import re
import shutil
import struct
import subprocess
import sys
from functools import partialmethod
from pathlib import Path

import gymnasium as gym
import numpy as np
import pytest

from twin_env.core.state.codes import BUY, SELL
from twin_env.envs.batch import Batch
from twin_env.envs.recording import EpisodeError, RecordEpisodes, RecordRuns, draw_depth_map, replay
from twin_env.envs.recording.depth import first_book, read_events, sample_depth
from twin_env.envs.recording.folder import RUN, read_header, read_table
from twin_env.envs.recording.notes import read_resting
from twin_env.envs.recording.replaying import replay_episode
from twin_env.envs.recording.tables import TABLES
from twin_env.twin.run_file import RunFileError, RunWriter, read_run

pl = pytest.importorskip("polars")
pytestmark = pytest.mark.jit

EXECUTION = "TwinExecution-v0"
TRADING = "TwinTrading-v0"
SHORT = {"lots": 12, "horizon_s": 30.0, "step_s": 1.0}
WINDOW = {"window_s": 60.0, "step_s": 1.0}
CASES = {
    "orders_buy": (EXECUTION, {"task": SHORT | {"side": "buy"}, "action": {"codec": "orders", "slots": 3}}),
    "orders_sell": (EXECUTION, {"task": SHORT | {"side": "sell"}, "links": "adversarial"}),
    "ladder": (EXECUTION, {"task": SHORT, "action": {"codec": "ladder"}, "observation": {"form": "dict", "frames": 2}}),
    "table": (EXECUTION, {"task": SHORT | {"lots": [5, 50]}, "action": {"codec": "table"}, "market": "mgc_poisson"}),
    "schedule": (EXECUTION, {"task": SHORT | {"leftover": "mark"}, "action": {"codec": "schedule"}}),
    "trading": (TRADING, {"task": WINDOW, "action": {"codec": "orders", "slots": 4, "stops_ticks": [1, 2, 3, 4, 5]}}),
    # Stops of half the book: what they do not get rests at the end of the protection band.
    "stops": (
        TRADING,
        {
            "task": WINDOW,
            "action": {"codec": "orders", "offsets_ticks": [0], "stops_ticks": [1], "sizes_lots": [60]},
            "risk": {"max_position_lots": 200},
            "market": "thin",
        },
    ),
    # Pauses and openings, and stops whose protection ends at the price band.
    "protected": (
        TRADING,
        {
            "task": WINDOW,
            "action": {"codec": "orders", "offsets_ticks": [0, -3], "stops_ticks": [1, 2], "sizes_lots": [10]},
            "risk": {"max_position_lots": 200},
            "market": "mgc_poisson",
            "market.protections": True,
            "market.instrument.protections.velocity": {"move_ticks": 2, "window_s": 4.0, "pause_s": 2.0},
            "market.instrument.protections.price_band_ticks": 4,
        },
    ),
    "target": (TRADING, {"task": WINDOW, "action": {"codec": "target"}, "links": "instant"}),
    "positions": (TRADING, {"task": WINDOW, "action": {"codec": "positions"}, "risk": {"max_loss_ccy": 30}}),
}


def draw_action(space, rng):
    """Draw an action that mostly waits, or trades little, so that episodes are long."""
    if isinstance(space, gym.spaces.Box):
        return (rng.uniform(space.low, space.high) * (rng.random() < 0.3)).astype(np.float32)
    if isinstance(space, gym.spaces.Discrete):
        return rng.integers(space.n) if rng.random() < 0.2 else np.int64(0)
    action = rng.integers(0, space.nvec)
    action[0::3] *= rng.random(len(action) // 3) < 0.4
    action[2::3] = 0
    return action


def play(env, seed, steps=10**6, options=None):
    """Play with actions of its own and return what was shown, step by step."""
    rng = np.random.default_rng(seed)
    observation, info = env.reset(seed=seed, options=options)
    shown = [(observation, None, False, False, info)]
    while len(shown) <= steps and not (shown[-1][2] or shown[-1][3]):
        shown.append(env.step(draw_action(env.action_space, rng)))
    return shown


@pytest.fixture(scope="module", params=CASES)
def case(request, tmp_path_factory):
    """An episode that was recorded: the environment where it stopped, its folder, and what was shown."""
    name, config = CASES[request.param]
    folder = tmp_path_factory.mktemp(request.param)
    env = RecordEpisodes(gym.make(name, **config), folder)
    env.reset(seed=4)
    first = int(env.unwrapped.world.event_count)
    shown = play(env, 4)
    return env.unwrapped, folder / "episode_000001", shown, first


@pytest.fixture(scope="module")
def recorded(tmp_path_factory):
    """A folder that tests copy before they spoil it."""
    folder = tmp_path_factory.mktemp("recorded")
    env = RecordEpisodes(gym.make(EXECUTION, task=SHORT), folder)
    play(env, 1, options={"side": "sell"})
    return folder / "episode_000000"


@pytest.fixture
def spoilt(recorded, tmp_path):
    return Path(shutil.copytree(recorded, tmp_path / "spoilt"))


def test_playing_again_gives_every_table_again(case):
    env, folder, shown, _ = case
    again = replay(folder)
    facts = again.facts
    assert again.mismatch is None
    assert again.checks == len(shown) + 1
    assert facts["env"] == env.definition.name
    assert (facts["steps"], facts["end"]) == (len(shown) - 1, "terminated")
    assert facts["event_hash"] == f"{int(env.world.event_hash):016x}" == again.tables["steps"]["event_hash"][-1]
    assert facts["info"] == shown[-1][4]
    for name in TABLES:
        assert again.tables[name].equals(pl.read_parquet(folder / f"{name}.parquet"))


def test_every_event_of_the_episode_is_there(case):
    env, folder, _, first = case
    events, steps = read_table(folder, "events"), read_table(folder, "steps")
    assert len(events) == int(env.world.event_count) - first == steps["events"][-1]
    assert events["ts_ns"].is_sorted()
    assert len(events) > 200
    latest = env.world.events[(int(env.world.event_count) - 1) & (len(env.world.events) - 1)]
    assert events.row(-1, named=True)["price_ticks"] == latest.price
    assert events.row(-1, named=True)["ts_ns"] == latest.ts_ns


def test_steps_are_what_was_shown(case):
    env, folder, shown, _ = case
    steps = read_table(folder, "steps")
    assert len(steps) == len(shown)
    for row, (observation, reward, terminated, truncated, info) in zip(steps.iter_rows(named=True), shown, strict=True):
        assert (row["reward"], row["terminated"], row["truncated"]) == (reward, terminated, truncated)
        assert {key: row[key] for key in info} == info
        assert {name: row[f"observation/{name}"] for name in env.layout.decode(observation)} == env.layout.decode(
            observation
        )


def test_fills_are_the_ledgers(case):
    env, folder, shown, _ = case
    fills, last = read_table(folder, "fills"), read_table(folder, "ledger").row(-1, named=True)
    sign = fills["side"].replace_strict({"buy": 1, "sell": -1}, return_dtype=pl.Int64)
    assert len(fills) == shown[-1][4]["exec/fills"] == last["fills"] > 0
    assert fills["lots"].sum() == shown[-1][4]["exec/filled_lots"] == last["filled_lots"]
    assert fills.filter(pl.col("liquidity") == "taker")["lots"].sum() == last["taker_lots"]
    assert (sign * fills["lots"]).sum() == last["position_lots"]
    assert -(2 * sign * fills["lots"] * fills["price_ticks"]).sum() == last["cash_half_tick_lots"]
    net, strategy, execution, *parts = (value for name, value in last.items() if name.endswith("_micro"))
    assert net == strategy + execution == strategy + sum(parts[:-1])
    assert [net, strategy, execution, *parts[:-1]] == [int(part) for part in env.task.parts]
    assert parts[-1] == -parts[-2]  # fees: paid, and as a part of the split
    resting = fills.filter(pl.col("liquidity") == "maker")
    signed = resting["side"].replace_strict({"buy": 1, "sell": -1}, return_dtype=pl.Int64)
    earned = -(signed * resting["lots"] * (2 * resting["price_ticks"] - 2 * resting["mid_before_ticks"])).sum()
    if "lots" in env.task.dtype.names:  # a limit that is a decision of its own wishes for no more than its price
        assert earned == int(env.world.ledger.spread_earned)


def test_orders_requests_and_fills_go_together(case):
    env, folder, _, _ = case
    orders, requests, fills = (read_table(folder, name) for name in ("orders", "requests", "fills"))
    assert len(requests) == int(env.world.order_link.pushed)
    assert orders["order"].to_list() == list(range(1, int(env.world.desk.clients) + 1))
    filled = dict(fills.group_by("order").agg(pl.col("lots").sum()).iter_rows())
    assert orders["filled_lots"].to_list() == [filled.get(order, 0) for order in orders["order"]]
    new = requests.filter((pl.col("request") == "new") & pl.col("answer").is_not_null())
    arrived = orders.filter(pl.col("arrived_ns").is_not_null())
    assert new["arrives_ns"].equals(arrived["arrived_ns"], check_names=False)
    assert (arrived["arrived_ns"] >= arrived["sent_ns"]).all()
    assert set(orders["end"]) <= {"filled", "cancelled", "rejected", "open", "on the wire"}
    answered = requests.filter(pl.col("answer").is_not_null())
    assert len(answered) == int(env.world.order_link.popped)


def levels(env):
    true = {BUY: {}, SELL: {}}
    for order in read_resting(env.batch.reader(0).exchange):
        true[order.side][order.price_ticks] = true[order.side].get(order.price_ticks, 0) + order.lots
    return true


def test_the_book_rebuilt_from_the_events_is_the_exchanges(case):
    env, folder, _, _ = case
    steps, events = read_table(folder, "steps"), list(read_events(read_table(folder, "events")))
    book, done = first_book(read_table(folder, "book"), steps), 0
    for row in steps.iter_rows(named=True):
        for event, rests in events[done : row["events"]]:
            book.apply(event, rests)
        book.settle()
        done = row["events"]
        assert (book.best(BUY), book.best(SELL)) == (row["bid_ticks"], row["ask_ticks"])
    true = levels(env)
    assert book.lots == true
    for side, best in ((BUY, max), (SELL, min)):
        assert not true[side] or book.best(side) == best(true[side])
    depth = sample_depth(folder, steps["ts_ns"].to_numpy())
    assert depth.lots[-1] == true[BUY] | true[SELL]


def test_stops_wait_outside_the_book_until_they_are_triggered(tmp_path):
    name, config = CASES["trading"]
    env = RecordEpisodes(gym.make(name, **config), tmp_path)
    play(env, 9)
    orders, events = (read_table(tmp_path / "episode_000000", name) for name in ("orders", "events"))
    stops = orders.filter(pl.col("type") == "stop")
    assert len(stops.filter(pl.col("end") == "filled")) > 0
    assert (stops["trigger_ticks"].is_not_null() & stops["price_ticks"].is_null()).all()
    waiting = events.filter((pl.col("kind") == "accepted") & pl.col("rests_ticks").is_null())
    assert len(waiting) == len(stops.filter(pl.col("end") != "rejected").drop_nulls("arrived_ns"))
    assert "triggered" in events["kind"]


def test_recording_changes_nothing(tmp_path):
    for name, config in (CASES["orders_buy"], CASES["target"]):
        bare, env = gym.make(name, **config), RecordEpisodes(gym.make(name, **config), tmp_path / name)
        assert env.observation_space == bare.observation_space
        assert env.action_space == bare.action_space
        for with_record, without in zip(play(env, 7), play(bare, 7), strict=True):
            assert with_record[0].tobytes() == without[0].tobytes()
            assert with_record[1:] == without[1:]


def test_wrappers_inside_and_outside_do_not_matter(tmp_path):
    env = gym.make(EXECUTION, task=SHORT, action={"codec": "ladder"}, observation={"form": "dict"})
    env = gym.wrappers.TransformReward(gym.wrappers.FlattenObservation(env), lambda reward: 2 * reward)
    env = gym.wrappers.RescaleAction(env, np.float32(0.0), np.float32(1.0))
    env = gym.wrappers.RecordEpisodeStatistics(RecordEpisodes(env, tmp_path))
    shown = play(env, 3)
    again = replay(tmp_path / "episode_000000")
    assert again.mismatch is None
    assert again.tables["steps"]["reward"][1:].sum() * 2 == pytest.approx(shown[-1][4]["episode"]["r"], rel=1e-6)


def test_an_episode_that_a_wrapper_ends_is_truncated(tmp_path):
    env = RecordEpisodes(gym.wrappers.TimeLimit(gym.make(EXECUTION, task=SHORT), 5), tmp_path)
    env.reset(seed=1)
    over = False
    while not over:
        over = env.step(np.zeros(3, np.int64))[3]
    again = replay(tmp_path / "episode_000000")
    assert again.mismatch is None
    assert (again.facts["end"], again.facts["steps"]) == ("truncated", 5)
    assert again.tables["orders"].is_empty()
    assert again.tables["fills"].is_empty()


def test_what_is_left_by_reset_and_close_is_written_too(tmp_path):
    env = RecordEpisodes(gym.make(EXECUTION, task=SHORT), tmp_path, name_prefix="left")
    play(env, 1, steps=3)
    env.reset()  # nothing was done in this one
    play(env, 2, steps=2, options={"side": "buy"})
    env.close()
    env.close()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["left_000000", "left_000002"]
    assert [replay(path).facts["steps"] for path in sorted(tmp_path.iterdir())] == [3, 2]
    assert read_header(tmp_path / "left_000002")["options"] == {"side": "buy"}
    assert read_header(tmp_path / "left_000002")["end"] == "unfinished"


def test_only_the_episodes_asked_for_are_recorded(tmp_path):
    env = RecordEpisodes(gym.make(EXECUTION, task=SHORT), tmp_path, episode_trigger=lambda number: number % 2 == 1)
    for seed in range(4):
        play(env, seed, steps=2)
    env.close()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["episode_000001", "episode_000003"]


def test_an_episode_that_was_not_played_from_its_reset_is_refused(tmp_path):
    env = RecordEpisodes(gym.make(EXECUTION, task=SHORT), tmp_path)
    play(env, 1, steps=3)
    state = env.unwrapped.get_state()
    play(env, 2, steps=3)
    env.unwrapped.set_state(state)
    with pytest.raises(EpisodeError, match=r"step 4 has event hash .* when played again, expected"):
        env.step(np.array([3, 0, 4]))  # fills all of it, which ends the episode
    assert [path.name for path in tmp_path.iterdir()] == ["episode_000000"]  # the one before it


def test_a_wrapper_inside_that_steps_by_itself_is_refused(tmp_path):
    class Twice(gym.Wrapper):
        def step(self, action):
            self.env.step(action)
            return self.env.step(action)

    env = RecordEpisodes(Twice(gym.make(EXECUTION, task=SHORT)), tmp_path)
    env.reset(seed=1)
    with pytest.raises(EpisodeError, match="the simulator is at step 2 and the wrapper at 1"):
        env.step(np.zeros(3, np.int64))


def test_a_step_of_any_size_is_recorded_whole(tmp_path, monkeypatch):
    monkeypatch.setattr(Batch, "watch", partialmethod(Batch.watch, room=1))
    env = RecordEpisodes(gym.make(EXECUTION, task=SHORT | {"step_s": 10.0}), tmp_path)
    env.reset(seed=1)
    first = int(env.unwrapped.world.event_count)
    env.step(np.zeros(3, np.int64))
    env.close()
    events = read_table(tmp_path / "episode_000000", "events")
    assert len(events) == int(env.unwrapped.world.event_count) - first > len(env.unwrapped.world.events)


def test_other_environments_and_used_folders_are_refused(tmp_path, recorded):
    with pytest.raises(TypeError, match="env is a CartPoleEnv, expected an environment of twin_env"):
        RecordEpisodes(gym.make("CartPole-v1"), tmp_path)
    with pytest.raises(EpisodeError, match="episode_000000: is there already"):
        RecordEpisodes(gym.make(EXECUTION), recorded.parent)


def edit(folder, name, column, change):
    frame = read_table(folder, name)
    frame.with_columns(pl.Series(column, change(frame[column].to_list()), frame[column].dtype)).write_parquet(
        folder / f"{name}.parquet"
    )


def rewrite(folder, change):
    """Write the run file anew, with good checksums, after its header and lines were changed in place."""
    run = read_run(folder / RUN)
    lines = [dict(line) for line in run.inputs]
    change(run.header, lines)
    run.path.unlink()
    run.header.pop("format")
    with RunWriter(run.path, run.header) as writer:
        for line in lines:
            writer.note(line.pop("at_ns"), line.pop("input"), line)


def edit_header(folder, **changes):
    rewrite(folder, lambda header, lines: header.update(changes))


def edit_config(folder, *path):
    """Double a number of the configuration."""

    def double(header, lines):
        part = header["config"]
        for name in path[:-1]:
            part = part[name]
        part[path[-1]] *= 2

    rewrite(folder, double)


def edit_line(folder, name, **changes):
    """Change the first line of a kind."""
    rewrite(folder, lambda header, lines: next(line for line in lines if line["input"] == name).update(changes))


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda f: edit_line(f, "action", numbers=[3, 0, 1]), r"step \d+ has event hash"),
        (lambda f: edit_line(f, "action", input="check", event_hash="0" * 16), r"step 0 has event hash"),
        (lambda f: rewrite(f, lambda h, lines: lines[2].update(reward=lines[2]["reward"] + 1e-9)), "step 1 has reward"),
        (lambda f: edit_line(f, "end", digest="0" * 32), "leaves other bytes of the world"),
        (lambda f: rewrite(f, lambda h, lines: lines.insert(-1, dict(lines[1]))), "the episode is over before step"),
        (lambda f: edit(f, "steps", "alpha/net", lambda x: [*x[:-1], 1.0]), r"steps.parquet: alpha/net differs"),
        (lambda f: edit(f, "fills", "lots", lambda x: [*x[:-1], 99]), r"fills.parquet: lots differs"),
        (lambda f: edit(f, "events", "price_ticks", lambda x: [1, *x[1:]]), r"events.parquet: price_ticks differs"),
        (lambda f: edit_header(f, seed=1000), "step 0 has event hash"),
        (lambda f: edit_header(f, options={}), "has event hash|has reward"),
        (lambda f: edit_config(f, "market", "source", "cancels", "sensitivity"), r"step \d+ has event hash"),
        (lambda f: edit_config(f, "market", "instrument", "taker_fee_ccy_per_lot"), r"step \d+ has reward"),
        (lambda f: edit_config(f, "links", "orders", "delay", "mean_ms"), r"step \d+ has event hash"),
        (lambda f: edit_header(f, experiment={"title": "x", "method": [{"kind": "fat_finger"}]}), "has event hash"),
    ],
)
def test_what_goes_otherwise_is_said_in_one_sentence(spoilt, spoil, message):
    spoil(spoilt)
    mismatch = replay(spoilt).mismatch
    assert re.search(message, mismatch)
    assert "\n" not in mismatch


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda f: edit_line(f, "action", numbers=[9, 0, 1]), r"line 3 cannot be played \(.* is not in MultiDiscrete"),
        (lambda f: edit_line(f, "action", numbers=None), "line 3 cannot be played"),
        (lambda f: edit_line(f, "action", input="jump"), "input 'jump' is unknown, expected action, inject"),
        (lambda f: edit_header(f, options={"start": 1}), "options key 'start' is unknown"),
        (lambda f: edit_header(f, env="Other-v0"), "env='Other-v0' is not one of"),
        (lambda f: edit_header(f, config=7), "line 1 cannot be played"),
        (lambda f: edit_header(f, history_hash="0" * 32), "its market is another one now"),
        (lambda f: edit_header(f, experiment={"method": 3}), "line 1 cannot be played"),
        (lambda f: edit_header(f, door="twin"), "is of 'twin', expected an episode"),
        (lambda f: rewrite(f, lambda h, lines: h.pop("seed")), r"line 1 cannot be played \(KeyError: 'seed'\)"),
        (lambda f: (f / RUN).write_text("{"), "line 1 is no header|line 1 is damaged"),
        (
            lambda f: (f / RUN).write_text((f / RUN).read_text().replace('"numbers"', '"Numbers"', 1)),
            "line 3 is damaged",
        ),
        (lambda f: (f / RUN).unlink(), r"episode.run: cannot be read"),
        (lambda f: (f / "desk.parquet").unlink(), "desk.parquet: cannot be read"),
        (lambda f: (f / "steps.parquet").write_bytes(b"PAR1"), "steps.parquet: cannot be read"),
    ],
)
def test_a_damaged_record_is_refused_in_one_sentence(spoilt, spoil, message):
    spoil(spoilt)
    with pytest.raises(RunFileError, match=message) as caught:
        replay(spoilt)
    assert "\n" not in str(caught.value)


def png_size(path):
    head = path.read_bytes()[:24]
    assert head[:8] == b"\x89PNG\r\n\x1a\n"
    return struct.unpack(">II", head[16:24])


def test_the_picture_is_a_png_of_the_stated_size(case, tmp_path):
    pytest.importorskip("matplotlib")
    _, folder, _, _ = case
    draw_depth_map(folder, tmp_path / "map.png", size_px=(800, 500))
    assert png_size(tmp_path / "map.png") == (800, 500)
    draw_depth_map(folder, tmp_path / "part.png", between_s=(0.0, 1.0))
    assert png_size(tmp_path / "part.png") == (1600, 900)


def test_an_impossible_picture_is_refused(recorded, tmp_path):
    pytest.importorskip("matplotlib")
    with pytest.raises(ValueError, match="expected a part of the episode's 0 to"):
        draw_depth_map(recorded, tmp_path / "map.png", between_s=(5.0, 1e6))
    with pytest.raises(ValueError, match="cannot be written"):
        draw_depth_map(recorded, tmp_path / "map.cake")


def test_a_run_alone_is_the_run_of_a_folder(recorded, tmp_path):
    env = RecordRuns(gym.make(EXECUTION, task=SHORT), tmp_path)
    play(env, 1, options={"side": "sell"})
    run, whole = read_run(tmp_path / "episode_000000.run"), read_run(recorded / RUN)
    assert run.inputs == whole.inputs
    assert {k: v for k, v in run.header.items() if k != "made_with"} == {
        k: v for k, v in whole.header.items() if k != "made_with"
    }
    again = replay_episode(run)
    assert (again.mismatch, again.checks) == (None, len(run.inputs) - again.facts["steps"])
    assert [path.name for path in tmp_path.iterdir()] == ["episode_000000.run"]


def test_a_run_that_was_cut_off_replays_as_far_as_it_goes(recorded, tmp_path):
    env = RecordRuns(gym.make(EXECUTION, task=SHORT), tmp_path)
    play(env, 1, steps=4)
    path = tmp_path / "cut.run"  # as a process that is killed leaves it
    path.write_bytes((tmp_path / "episode_000000.run").read_bytes()[:-20])
    env.close()
    again = replay_episode(read_run(path))
    assert (again.mismatch, again.facts["end"]) == (None, "unfinished")
    assert again.facts["steps"] == 4


def test_a_replay_stops_where_it_is_told(recorded):
    run = read_run(recorded / RUN)
    again = replay_episode(run, until_ns=run.header["start_ns"] + 3_000_000_000)
    assert (again.mismatch, again.facts["steps"], again.checks) == (None, 3, 4)
    assert again.batch.reader(0).now_ns == run.header["start_ns"] + 3_000_000_000


@pytest.mark.filterwarnings("default")  # moviepy's own
@pytest.mark.parametrize("name", [EXECUTION, TRADING])
def test_gymnasiums_recorder_makes_a_video(name, tmp_path):
    pytest.importorskip("moviepy")
    env = gym.make(name, render_mode="rgb_array", task=SHORT if name == EXECUTION else WINDOW)
    env = gym.wrappers.RecordVideo(env, str(tmp_path / "video"), episode_trigger=lambda number: True)
    play(env, 1, steps=8)
    env.close()
    (video,) = (tmp_path / "video").glob("*.mp4")
    assert video.stat().st_size > 10_000
    from moviepy.video.io.VideoFileClip import VideoFileClip

    with VideoFileClip(str(video)) as clip:
        height, width, _ = env.unwrapped.render().shape
        assert tuple(clip.size) == (width, height)
        assert clip.reader.nframes >= 9


def test_importing_it_loads_neither_polars_nor_matplotlib():
    code = "import sys, twin_env.envs.recording; print([m for m in ('polars', 'matplotlib') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_the_documentation_names_every_column(recorded):
    text = (Path(__file__).parents[2] / "docs" / "recording.md").read_text(encoding="utf-8")
    for name in TABLES:
        (line,) = (line for line in text.splitlines() if line.startswith(f"| `{name}` |"))
        columns = [c for c in read_table(recorded, name).columns if "/" not in c and not c[4:5].isdigit()]
        assert [c for c in columns if f"`{c}`" not in line and not c.startswith("action_")] == []


@pytest.mark.slow
def test_an_episode_in_a_history_can_be_recorded(data_dir, tmp_path):
    files = data_dir / "lobster"
    source = {
        "model": "lobster",
        "messages": str(files / "AAPL_2012-06-21_34200000_37800000_message_50.csv.gz"),
        "orderbook": str(files / "AAPL_2012-06-21_orderbook_50_first672rows.csv.gz"),
        "window": False,
    }
    task = {"lots": 500, "horizon_s": 60.0, "step_s": 1.0, "side": "buy"}
    env = RecordEpisodes(gym.make(EXECUTION, market={"instrument": "aapl", "source": source}, task=task), tmp_path)
    play(env, 1, options={"start_s": 600.0})
    folder = tmp_path / "episode_000000"
    assert replay(folder).facts["events"] > 500
    assert replay(folder).mismatch is None
    depth = sample_depth(folder, read_table(folder, "steps")["ts_ns"].to_numpy())
    true = levels(env.unwrapped)
    assert depth.lots[-1] == true[BUY] | true[SELL]
