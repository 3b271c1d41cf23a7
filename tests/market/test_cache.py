"""The cache of tapes: made once, found again by content, never half of one."""

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tests.market.dbn import Mbo
from tests.market.test_tape import rows_of, tape_of
from twin_env.market.data.cache import cache_key, cached_tape, file_hash, tape_cache_dir
from twin_env.market.data.databento.reader import load_mbo, read_mbo
from twin_env.market.data.tape import TapeError
from twin_env.market.data.tape_file import TapeWriter, write_tape


class Maker:
    """Makes a tape as long as the file, and counts how often."""

    def __init__(self, source):
        self.source = source
        self.calls = 0

    def __call__(self, target):
        self.calls += 1
        write_tape(tape_of(rows_of(*({} for _ in self.source.read_bytes()))), target)


@pytest.fixture
def source(tmp_path):
    path = tmp_path / "a day.csv"
    path.write_bytes(b"ab")
    return path


LEVELS = "twin_env.market.data.levels"
LOBSTER = "twin_env.market.data.lobster"


def load(maker, tmp_path, arguments=(), package=LEVELS):
    return cached_tape([maker.source], arguments, package, maker, tmp_path / "tapes")


def test_a_tape_is_made_once_and_mapped_afterwards(tmp_path, source):
    maker = Maker(source)
    first, second = load(maker, tmp_path), load(maker, tmp_path)
    assert maker.calls == 1
    assert np.array_equal(first.rows, second.rows)
    assert not second.rows.flags.owndata
    (cached,) = (tmp_path / "tapes").iterdir()
    assert cached.name.startswith("a_day.csv-")


def test_everything_the_tape_depends_on_makes_it_new(tmp_path, source):
    maker = Maker(source)
    load(maker, tmp_path)
    load(maker, tmp_path, arguments=(1,))
    load(maker, tmp_path, package=LOBSTER)
    source.write_bytes(b"abc")
    assert len(load(maker, tmp_path)) == 3
    assert maker.calls == 4
    assert len(list((tmp_path / "tapes").iterdir())) == 4


def test_the_key_knows_the_source_of_the_reader_and_of_what_it_needs(source, monkeypatch, tmp_path):
    for name, needs in (("some_reader", ("some_helper",)), ("some_helper", ())):
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text(f"NEEDS = {needs}\n")
        (tmp_path / name / "rows.py").write_text("one")
    monkeypatch.syspath_prepend(tmp_path)
    keys = {cache_key([source], (), "some_reader")}
    for name in ("some_reader", "some_helper"):
        (tmp_path / name / "rows.py").write_text("two")
        keys.add(cache_key([source], (), "some_reader"))
    assert len(keys) == 3


def test_the_key_does_not_know_where_the_file_lies(source, tmp_path):
    key = cache_key([source], (), LEVELS)
    moved = source.rename(tmp_path / "tapes.csv").rename(tmp_path / "a day.csv")
    assert cache_key([moved], (), LEVELS) == key
    assert cache_key([tmp_path / "gone"], (), LEVELS) != key


def test_the_hash_is_sha256_over_the_whole_file(tmp_path, monkeypatch):
    monkeypatch.setattr("twin_env.market.data.cache._READ_BYTES", 7)
    path = tmp_path / "file"
    path.write_bytes(bytes(range(100)))
    assert file_hash(path) == hashlib.sha256(bytes(range(100))).digest()


def test_a_damaged_tape_is_made_again(tmp_path, source):
    maker = Maker(source)
    load(maker, tmp_path)
    (cached,) = (tmp_path / "tapes").iterdir()
    cached.write_bytes(cached.read_bytes()[:-1])
    assert len(load(maker, tmp_path)) == 2
    assert maker.calls == 2


def test_a_maker_that_fails_leaves_nothing(tmp_path, source):
    def fail(target):
        with TapeWriter(target, has_lines=False) as writer:
            writer.append(rows_of({}))
            raise TapeError("broken")

    with pytest.raises(TapeError, match="broken"):
        cached_tape([source], (), LEVELS, fail, tmp_path / "tapes")
    assert list((tmp_path / "tapes").iterdir()) == []


def test_a_maker_whose_tape_breaks_a_rule_leaves_nothing(tmp_path, source):
    def write(target):
        with TapeWriter(target, has_lines=False) as writer:
            writer.append(rows_of({"lots": 0}))
            report = tape_of(rows_of()).report
            writer.finish(orders=1, tick_size=0.1, start_ns=0, end_ns=100, source="somewhere", report=report)

    with pytest.raises(TapeError, match=r"somewhere row 1: lots is 0"):
        cached_tape([source], (), LEVELS, write, tmp_path / "tapes")
    assert list((tmp_path / "tapes").iterdir()) == []


KILLED = """
import os, sys
from pathlib import Path
from tests.market.test_tape import rows_of
from twin_env.market.data.cache import cached_tape
from twin_env.market.data.tape_file import TapeWriter

def die(target):
    with TapeWriter(target, has_lines=False) as writer:
        writer.append(rows_of({}))
        os._exit(9)

cached_tape([Path(sys.argv[1])], (), "twin_env.market.data.levels", die, Path(sys.argv[2]))
"""


def test_what_a_killed_process_left_is_never_used(tmp_path, source):
    command = [sys.executable, "-c", KILLED, str(source), str(tmp_path / "tapes")]
    assert subprocess.run(command, cwd=Path(__file__).parents[2]).returncode == 9
    assert len(list((tmp_path / "tapes").iterdir())) == 1
    maker = Maker(source)
    assert len(load(maker, tmp_path)) == 2
    assert maker.calls == 1


def test_the_default_folder_is_beside_the_kernels(monkeypatch, tmp_path):
    monkeypatch.setenv("TWIN_CACHE_DIR", str(tmp_path))
    assert tape_cache_dir() == tmp_path / "twin_env" / "tapes"
    path = Mbo().add("A", 1, 1, 10, 5).add("A", 2, -1, 12, 5).save(tmp_path / "day.dbn")
    tape = load_mbo(path, tick_size=0.25)
    assert np.array_equal(tape.rows, read_mbo(path, tick_size=0.25).rows)
    assert [entry.name.split("-")[0] for entry in tape_cache_dir().iterdir()] == ["day.dbn"]
    assert len(load_mbo(path, tick_size=0.25, start_ns=1)) == len(tape)
    assert len(os.listdir(tape_cache_dir())) == 2
