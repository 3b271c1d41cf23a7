"""``twin replay`` and ``twin record draw``: what is played, what is said, and what is refused."""

import json
import shutil

import gymnasium as gym
import numpy as np
import pytest

from twin_env.cli.main import main
from twin_env.core.stream import PLANE_NAMES
from twin_env.envs.recording import RecordEpisodes, RecordRuns
from twin_env.envs.recording.tables import TABLES
from twin_env.twin import Twin
from twin_env.twin.run_file import RunWriter, read_run

pl = pytest.importorskip("polars")
pytestmark = pytest.mark.jit

EXECUTION = "TwinExecution-v0"
TASK = {"lots": 12, "horizon_s": 12.0, "step_s": 2.0}


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A folder with an episode, the run of another, and the run of a Twin."""
    folder = tmp_path_factory.mktemp("made")
    for wrapper, prefix in ((RecordEpisodes, "episode"), (RecordRuns, "light")):
        env = wrapper(gym.make(EXECUTION, task=TASK), folder, name_prefix=prefix)
        env.reset(seed=5)
        env.step(np.array([3, 0, 1]))
        env.unwrapped.inject({"kind": "feed_disconnect", "duration_s": 3})
        env.step(np.array([0, 0, 0]))
        env.step(np.array([2, 1, 0]))
        env.close()
    with Twin(seed=21, run_file=folder / "desk.run") as twin:
        twin.advance(3)
        twin.desk.submit("buy", 2, type="market")
        twin.advance(2)
    return folder


@pytest.fixture
def folder(made, tmp_path):
    return shutil.copytree(made, tmp_path / "made")


def rewrite(path, change):
    run = read_run(path)
    header = {key: value for key, value in run.header.items() if key != "format"}
    lines = [dict(line) for line in run.inputs]
    change(header, lines)
    path.unlink()
    with RunWriter(path, header) as writer:
        for line in lines:
            writer.note(line.pop("at_ns"), line.pop("input"), line)


def test_a_folder_is_played_and_every_table_compared(folder, capsys):
    assert main(["replay", str(folder / "episode_000000")]) == 0
    out = capsys.readouterr().out
    end = read_run(folder / "episode_000000" / "episode.run").end
    assert f"{EXECUTION}, unfinished: 3 steps" in out
    assert f"event hash {end['event_hash']}: the same, and so is every table" in out


@pytest.mark.parametrize(("name", "said"), [("light_000000.run", "unfinished: 3 steps"), ("desk.run", "seed 21: 5 s")])
def test_a_run_file_is_played(folder, capsys, name, said):
    assert main(["replay", str(folder / name), "--json", str(folder / "facts.json")]) == 0
    out = capsys.readouterr().out
    facts = json.loads((folder / "facts.json").read_text())
    assert said in out
    assert f"event hash {facts['event_hash']}: the same\n" in out
    assert facts["event_hash"] == read_run(folder / name).end["event_hash"]
    assert facts["is_same"] and facts["mismatch"] is None and facts["checks"] > 0


def test_tables_of_an_episode_are_those_of_its_folder(folder):
    assert main(["replay", str(folder / "light_000000.run"), "--tables", str(folder / "tables")]) == 0
    for name in TABLES:
        written, there = (pl.read_parquet(folder / where / f"{name}.parquet") for where in ("tables", "episode_000000"))
        assert written.equals(there)


def test_tables_of_a_twin_are_the_planes_of_its_stream(folder):
    assert main(["replay", str(folder / "desk.run"), "--tables", str(folder / "tables")]) == 0
    tables = {name: pl.read_parquet(folder / "tables" / f"{name}.parquet") for name in PLANE_NAMES.values()}
    numbers = sorted(number for table in tables.values() for number in table["number"])
    assert numbers == list(range(len(numbers)))
    assert tables["requests"]["flag"].to_list() == ["sent", "arrived"]
    assert set(tables["requests"]["kind"]) == {"new"} and set(tables["requests"]["type"]) == {"market"}
    assert set(tables["exchange"]["kind"]) >= {"accepted", "traded", "cancelled"}
    assert tables["reports"]["lots"].sum() >= 2
    assert tables["faults"].is_empty() and not tables["feed"].is_empty()


@pytest.mark.parametrize(
    ("name", "until", "said"), [("light_000000.run", "2", "1 steps"), ("desk.run", "3.5", "seed 21: 3.5 s")]
)
def test_a_replay_stops_where_it_is_told(folder, capsys, name, until, said):
    assert main(["replay", str(folder / name), "--until", until]) == 0
    assert said in capsys.readouterr().out


def test_what_goes_otherwise_ends_with_one(folder, capsys):
    rewrite(folder / "light_000000.run", lambda header, lines: lines[1].update(numbers=[3, 0, 4]))
    rewrite(folder / "desk.run", lambda header, lines: lines[0].update(lots=1))
    for name in ("light_000000.run", "desk.run"):
        assert main(["replay", str(folder / name), "--json", "-"]) == 1
        out, err = capsys.readouterr()
        facts = json.loads(out)
        assert not facts["is_same"]
        assert facts["mismatch"] in err and "event_hash" in err.replace("event hash", "event_hash")
    table = folder / "episode_000000" / "ledger.parquet"
    pl.read_parquet(table).with_columns(net_micro=pl.lit(1)).write_parquet(table)
    assert main(["replay", str(folder / "episode_000000")]) == 1
    assert "ledger.parquet: net_micro differs" in capsys.readouterr().out


def no_door(header, lines):
    header["door"] = "gate"


def other_market(header, lines):
    header["history_hash"] = "0" * 32


def no_numbers(header, lines):
    del lines[1]["numbers"]


def no_side(header, lines):
    del lines[0]["side"]


@pytest.mark.parametrize(
    ("name", "spoil", "said"),
    [
        ("gone.run", None, "gone.run: cannot be read (No such file or directory), expected a run file"),
        ("light_000000.run", b"hello\nworld\n", "line 1 is damaged"),
        ("light_000000.run", b"", "line 1 is no header"),
        ("light_000000.run", no_door, "is of 'gate', expected a run of environment or twin"),
        ("light_000000.run", other_market, "its market is another one now"),
        ("light_000000.run", no_numbers, "line 3 cannot be played"),
        ("desk.run", other_market, "its market is another one now"),
        ("desk.run", no_side, "line 2 cannot be played"),
        ("episode_000000/episode.run", other_market, "its market is another one now"),
        ("episode_000000/ledger.parquet", b"PAR1", "ledger.parquet: cannot be read"),
    ],
)
def test_what_cannot_be_played_is_refused(folder, capsys, name, spoil, said):
    path = folder / name
    if isinstance(spoil, bytes):
        path.write_bytes(spoil)
    elif spoil is not None:
        rewrite(path, spoil)
    played = path.parent if name.startswith("episode") else path
    assert main(["replay", str(played)]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("twin replay: ") and said in err and err.count("\n") == 1


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        (["--until", "-1"], "'-1' is not a number of seconds"),
        (["--until", "soon"], "'soon' is not a number of seconds"),
        (["--until", "nan"], "'nan' is not a number of seconds"),
        (["--tables", "."], "'.' is there already, expected a new folder"),
    ],
)
def test_options_are_checked_before_anything_is_played(capsys, argv, said):
    with pytest.raises(SystemExit) as caught:
        main(["replay", "x.run", *argv])
    assert caught.value.code == 2
    assert said in capsys.readouterr().err


def test_an_episode_is_drawn(folder, capsys):
    pytest.importorskip("matplotlib")
    picture = folder / "map.png"
    assert main(["record", "draw", str(folder / "episode_000000"), "-o", str(picture), "--between", "0", "2"]) == 0
    assert picture.read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"
    (folder / "episode_000000" / "episode.run").unlink()
    assert main(["record", "draw", str(folder / "episode_000000"), "-o", str(picture)]) == 2
    assert "cannot be read" in capsys.readouterr().err
