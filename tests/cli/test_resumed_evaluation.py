"""An evaluation that was killed goes on: no episode is repeated, none is lost, and its figures are the same."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from agents.batteries import evaluation_log
from agents.batteries.evaluation_log import EPISODES, EvaluationLog, decode_episode, encode_episode, read_begun
from agents.batteries.evaluation_plan import check_same
from twin_env.alpha.results import Episode
from twin_env.cli.main import main
from twin_env.config import ConfigError, load_config
from twin_env.market.instrument import Instrument

ROOT = Path(__file__).resolve().parents[2]
LINE = ["evaluate", "--policies", "twap", "random", "--episodes", "8", "--seed", "3", "--set", "task.horizon_s=60"]
TIMES = ("evaluation_s",)

pytestmark = pytest.mark.jit


def figures(folder):
    data = json.loads((folder / "results.json").read_text())
    data["provenance"].pop("command")  # names the folder
    return {key: value for key, value in data.items() if key not in TIMES}


def kept(played):
    """A policy's episode as it is kept: arrays have no equality of their own."""
    return played[0], encode_episode(played[1])


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    folder = tmp_path_factory.mktemp("whole")
    assert main([*LINE, "--out", str(folder)]) == 0
    return folder / "evaluation_1"


def kill_after(lines, folder):
    """Play in a process of its own, and kill it as soon as so many lines are written."""
    play = subprocess.Popen([sys.executable, "-m", "twin_env", *LINE, "--out", str(folder)], cwd=ROOT)
    file, deadline = folder / "evaluation_1" / EPISODES, time.monotonic() + 300
    while not file.is_file() or file.read_bytes().count(b"\n") < lines:
        assert play.poll() is None and time.monotonic() < deadline
        time.sleep(0.005)
    os.kill(play.pid, signal.SIGKILL)
    assert play.wait() == -signal.SIGKILL
    return file


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="needs a signal that no process can catch")
@pytest.mark.parametrize(("lines", "tail"), [(4, b""), (11, b'0badf00d {"policy":"random","seed":9,"in')])
def test_an_evaluation_that_was_killed_goes_on(whole, tmp_path, lines, tail, capsys):
    file = kill_after(lines, tmp_path)
    with file.open("ab") as torn:
        torn.write(tail)
    before = len(read_begun(file.parent).episodes)
    assert lines - 1 <= before < 16
    assert main(["evaluate", "--resume", str(file.parent)]) == 0
    begun = read_begun(file.parent)
    assert [(label, episode.seed) for label, episode in begun.episodes] == [
        (label, seed) for label in ("twap", "random") for seed in range(3, 11)
    ]
    assert figures(file.parent) == figures(whole)
    assert list(map(kept, begun.episodes)) == list(map(kept, read_begun(whole).episodes))


def test_a_finished_evaluation_plays_nothing_and_says_the_same(whole, monkeypatch):
    before = figures(whole)
    monkeypatch.setattr(evaluation_log, "run_episode", None)
    assert main(["evaluate", "--resume", str(whole)]) == 0
    assert figures(whole) == before


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--seed", "4"], "was begun with seeds.first=3 and would go on with 4."),
        (["--episodes", "9"], "was begun with seeds.episodes=8 and would go on with 9."),
        (["--smoke"], "was begun with seeds.episodes=8 and would go on with 3."),
        (["--policies", "twap", "pov"], "was begun with policies[1]='random' and would go on with 'pov'."),
        (["--policies", "twap"], "was begun with policies=['twap', 'random'] and would go on with ['twap']."),
        (["--set", "task.horizon_s=50"], "with env_config.task.horizon_s=60.0 and would go on with 50.0."),
        (["--links", "instant"], "was begun with env_config.links."),
        (["--env", "TwinTrading-v0", "--set", "task.window_s=60"], "Policy 'twap' plays in TwinExecution-v0"),
    ],
)
def test_another_evaluation_is_refused_by_one_sentence(whole, options, message, capsys):
    assert main(["evaluate", "--resume", str(whole), *options]) == 2
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 1 and message in lines[0]


@pytest.mark.parametrize("key", ["version", "kernels", "history"])
def test_another_version_is_refused(whole, key):
    plan = read_begun(whole).plan
    with pytest.raises(ConfigError, match=f"was begun with {key}='{plan[key]}' and would go on with 'other'"):
        check_same(whole, plan, plan | {key: "other"})


def test_another_model_is_refused(whole):
    plan = read_begun(whole).plan
    with pytest.raises(ConfigError, match=r"was begun with models\.twap=None and would go on with 'ab'"):
        check_same(whole, plan, plan | {"models": plan["models"] | {"twap": "ab"}})


def test_one_process_at_a_time(whole):
    begun = read_begun(whole)
    with (
        EvaluationLog.resume(begun, begun.plan),
        pytest.raises(ConfigError, match="another process plays this evaluation"),
    ):
        EvaluationLog.resume(begun, begun.plan)
    EvaluationLog.resume(begun, begun.plan).close()


def test_damage_before_the_last_line_is_refused(whole, tmp_path, capsys):
    data = (whole / EPISODES).read_bytes().split(b"\n")
    data[3] = data[3].replace(b'"steps":', b'"stops":')
    (tmp_path / EPISODES).write_bytes(b"\n".join(data))
    assert main(["evaluate", "--resume", str(tmp_path)]) == 2
    assert f"{tmp_path / EPISODES}: line 4 is damaged" in capsys.readouterr().err


def test_episodes_that_are_not_of_the_plan_are_refused(whole, tmp_path):
    lines = (whole / EPISODES).read_bytes().split(b"\n")
    (tmp_path / EPISODES).write_bytes(b"\n".join([lines[0], lines[2], lines[1], b""]))
    begun = read_begun(tmp_path)
    with pytest.raises(ConfigError, match="holds other episodes than its plan"):
        EvaluationLog.resume(begun, begun.plan)


def test_a_folder_without_an_evaluation_is_refused(tmp_path, capsys):
    assert main(["evaluate", "--resume", str(tmp_path)]) == 2
    assert "holds no episodes.log, expected the folder of a run of twin evaluate" in capsys.readouterr().err


def test_episodes_come_back_exactly():
    info = {"exec/is_bps": 0.1 + 0.2, "alpha/net": -1e-17, "exec/vwap_bps": float("nan")}
    episode = Episode(7, info, (1, -(2**60), 3), 20, 1 / 3, 60, b"\x00\xff\n", 2**64 - 1)
    again = decode_episode(
        json.loads(json.dumps(encode_episode(episode))), load_config(Instrument, "mgc", folder="instruments")
    )
    assert repr(again) == repr(episode)
