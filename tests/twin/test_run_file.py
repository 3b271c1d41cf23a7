import json
from pathlib import Path

import pytest

from twin_env.twin import Twin
from twin_env.twin.replay import replay_run
from twin_env.twin.run_file import RunFileError, RunWriter, read_run

KEPT = Path(__file__).with_name("data")


def trade(market, path, **options):
    with Twin(market, seed=21, run_file=path, **options) as twin:
        twin.advance(3)
        below = twin.instrument.to_price(twin.desk.touch_ticks("buy") - 20)
        order = twin.desk.submit("buy", 2, price=below, id="entry")
        twin.desk.submit("sell", 1, type="market")
        twin.advance(1.5)
        twin.desk.replace(order, lots=1)
        twin.inject({"kind": "feed_disconnect", "duration_s": 2})
        twin.advance(1)
        twin.desk.cancel(order)
        twin.stop_faults()
        twin.advance(2)
    return twin


def test_a_run_replays_byte_for_byte(market, tmp_path):
    twin = trade(market, tmp_path / "a.run", chaos="library:fat_finger.mid")
    replayed = replay_run(read_run(tmp_path / "a.run"))
    assert replayed.mismatch is None and replayed.checks == 1
    assert replayed.twin.digest == twin.digest
    assert (replayed.twin.events().rows == twin.events().rows).all()
    assert replayed.twin.desk.orders(working=False) == twin.desk.orders(working=False)


@pytest.mark.parametrize("wires", [True, False])
def test_an_external_trade_is_an_input(market, tmp_path, wires):
    with Twin(market, seed=22, run_file=tmp_path / "a.run", wires=wires) as twin:
        twin.advance(2)
        assert twin.trade_as_external(-1, 4) == 4
        twin.advance(3)
    replayed = replay_run(read_run(tmp_path / "a.run"))
    assert (replayed.mismatch, replayed.checks) == (None, 1)


def test_a_replay_can_be_taken_over(market, tmp_path):
    twin = trade(market, tmp_path / "a.run")
    middle_ns = twin.start_ns + 3_700_000_000
    replayed = replay_run(read_run(tmp_path / "a.run"), until_ns=middle_ns)
    assert replayed.twin.now_ns == middle_ns
    assert [order.id for order in replayed.twin.desk.orders()] == ["entry"]
    replayed.twin.desk.cancel("entry")


def test_another_input_is_noticed(market, tmp_path):
    trade(market, tmp_path / "a.run")
    lines = (tmp_path / "a.run").read_text().splitlines()
    changed = [json.loads(line[9:]) for line in lines]
    changed[1]["lots"] = 1
    with RunWriter(tmp_path / "b.run", {k: v for k, v in changed[0].items() if k != "format"}) as writer:
        for line in changed[1:]:
            writer.note(line.pop("at_ns"), line.pop("input"), line)
    assert "event_hash" in replay_run(read_run(tmp_path / "b.run")).mismatch


@pytest.mark.parametrize("cut", range(1, 40, 7))
def test_a_torn_tail_is_cut(market, tmp_path, cut):
    path = tmp_path / "a.run"
    trade(market, path)
    whole = read_run(path)
    path.write_bytes(path.read_bytes()[:-cut])
    torn = read_run(path)
    assert torn.torn and not whole.torn
    assert torn.inputs == whole.inputs[:-1]
    with RunWriter(path, None, resume=True) as writer:
        writer.note(5, "check", {})
    assert read_run(path).inputs == (*whole.inputs[:-1], {"at_ns": 5, "input": "check"})


def test_damage_before_the_end_is_refused(market, tmp_path):
    path = tmp_path / "a.run"
    trade(market, path)
    data = bytearray(path.read_bytes())
    second = data.index(b"\n") + 30
    data[second] ^= 1
    path.write_bytes(data)
    with pytest.raises(RunFileError, match="line 2 is damaged"):
        read_run(path)


def test_what_is_no_run_file_is_refused(market, tmp_path):
    path = tmp_path / "x.run"
    for content in (b"", b"hello\nworld\n", b"\x00" * 100):
        path.write_bytes(content)
        with pytest.raises(RunFileError, match="line 1"):
            read_run(path)
    with pytest.raises(RunFileError, match="cannot be read"):
        read_run(tmp_path / "gone")
    path.unlink()
    with RunWriter(path, {"format": 2, "door": "twin"}):
        pass
    with pytest.raises(RunFileError, match="is of format 2"):
        read_run(path)


def test_a_file_that_is_there_is_not_overwritten(market, tmp_path):
    trade(market, tmp_path / "a.run")
    with pytest.raises(RunFileError, match="there already"):
        Twin(market, run_file=tmp_path / "a.run")


def test_another_market_is_refused(market, tmp_path):
    trade(market, tmp_path / "a.run")
    run = read_run(tmp_path / "a.run")
    run.header["history_hash"] = "00" * 16
    with pytest.raises(RunFileError, match="another one now"):
        replay_run(run)


@pytest.mark.parametrize("path", sorted(KEPT.glob("*.run")), ids=lambda path: path.stem)
def test_old_files_replay(path):
    replayed = replay_run(read_run(path))
    assert replayed.mismatch is None and replayed.checks > 0


def test_a_version_of_another_layout_compares_events(market, tmp_path):
    trade(market, tmp_path / "a.run")
    run = read_run(tmp_path / "a.run")
    run.inputs[-1]["digest"] = "00" * 16
    assert "digest is" in replay_run(run).mismatch
    run.header["layout_hash"] = "00" * 16
    assert replay_run(run).mismatch is None
    run.inputs[-1]["event_hash"] = "00" * 8
    assert "event_hash is" in replay_run(run).mismatch


def test_there_are_old_files():
    assert list(KEPT.glob("*.run"))
