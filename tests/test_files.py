"""Files appear whole or not at all: after errors, on a full disk, and when the process is killed."""

import errno
import json
import os
import signal
import stat
import subprocess
import sys
import textwrap

import pytest

from twin_env.config import ConfigError
from twin_env.files import WriteError, whole_file, whole_folder, write_json, write_text


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def fill_disk(*_):
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_a_file_is_written_with_the_folders_above_it(tmp_path):
    path = tmp_path / "one" / "two" / "figures.json"
    write_json(path, {"ä": [1, None]})
    assert json.loads(path.read_text(encoding="utf-8")) == {"ä": [1, None]}
    assert names(path.parent) == ["figures.json"]


def test_permissions_are_those_of_any_new_file(tmp_path):
    write_text(tmp_path / "a", "x")
    (tmp_path / "b").write_text("x")
    assert stat.S_IMODE((tmp_path / "a").stat().st_mode) == stat.S_IMODE((tmp_path / "b").stat().st_mode)


def test_a_reader_sees_the_old_file_until_the_new_one_is_whole(tmp_path):
    path = tmp_path / "model.zip"
    write_text(path, "old")
    with whole_file(path) as draft:
        assert draft.suffix == ".zip" and draft.parent == tmp_path and not draft.exists()
        draft.write_text("half")
        assert path.read_text() == "old"
        draft.write_text("new")
    assert path.read_text() == "new" and names(tmp_path) == ["model.zip"]


@pytest.mark.parametrize("error", [ValueError("broken"), KeyboardInterrupt()])
def test_after_an_error_the_old_file_is_there_and_nothing_else(tmp_path, error):
    path = tmp_path / "x.json"
    write_text(path, "old")
    with pytest.raises(type(error)), whole_file(path) as draft:
        draft.write_text("half")
        raise error
    assert path.read_text() == "old" and names(tmp_path) == ["x.json"]


@pytest.mark.parametrize("call", ["fsync", "replace"])
def test_a_full_disk_is_one_sentence_and_leaves_nothing(tmp_path, monkeypatch, call):
    path = tmp_path / "x.json"
    write_text(path, "old")
    monkeypatch.setattr(f"twin_env.files.os.{call}", fill_disk)
    with pytest.raises(WriteError, match=r"x\.json: cannot be written \(No space left on device\)") as caught:
        write_text(path, "new")
    assert isinstance(caught.value, ConfigError) and len(caught.value.problems) == 1
    assert "\n" not in str(caught.value)
    assert path.read_text() == "old" and names(tmp_path) == ["x.json"]


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="the system has no /dev/full")
def test_a_device_that_is_full_says_so(tmp_path):
    (tmp_path / "link").symlink_to("/dev/full")
    with pytest.raises(WriteError, match="No space left on device"):
        write_text(tmp_path / "link", "x")
    assert names(tmp_path) == ["link"] and os.path.exists("/dev/full")


@pytest.mark.skipif(not os.path.exists("/dev/stdout"), reason="the system has no /dev/stdout")
def test_what_is_no_regular_file_is_written_to(tmp_path):
    code = "from pathlib import Path; from twin_env.files import write_json; write_json(Path('/dev/stdout'), [1])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == [1]


def test_a_symbolic_link_stays_one(tmp_path):
    (tmp_path / "there").mkdir()
    write_text(tmp_path / "there" / "real", "old")
    (tmp_path / "link").symlink_to(tmp_path / "there" / "real")
    write_text(tmp_path / "link", "new")
    assert (tmp_path / "link").is_symlink() and (tmp_path / "there" / "real").read_text() == "new"


def test_a_place_that_is_no_folder_is_refused(tmp_path):
    write_text(tmp_path / "file", "x")
    with pytest.raises(WriteError, match="cannot be written"):
        write_text(tmp_path / "file" / "below", "y")
    with pytest.raises(WriteError, match="cannot be written"), whole_folder(tmp_path / "file" / "below"):
        pass
    assert names(tmp_path) == ["file"]


def test_a_folder_appears_whole(tmp_path):
    with whole_folder(tmp_path / "episode") as draft:
        write_text(draft / "a.json", "1")
        write_text(draft / "in" / "b.json", "2")
        assert not (tmp_path / "episode").exists()
    assert names(tmp_path) == ["episode"] and names(tmp_path / "episode") == ["a.json", "in"]


@pytest.mark.parametrize("error", [KeyboardInterrupt(), OSError(errno.ENOSPC, "No space left on device")])
def test_a_folder_that_was_not_finished_is_not_there(tmp_path, error):
    expected = WriteError if isinstance(error, OSError) else type(error)
    with pytest.raises(expected), whole_folder(tmp_path / "episode") as draft:
        write_text(draft / "a.json", "1")
        raise error
    assert names(tmp_path) == []


def test_a_folder_with_files_is_not_replaced(tmp_path):
    write_text(tmp_path / "episode" / "a.json", "old")
    with pytest.raises(WriteError, match="episode: cannot be written"), whole_folder(tmp_path / "episode") as draft:
        write_text(draft / "b.json", "new")
    assert names(tmp_path) == ["episode"] and names(tmp_path / "episode") == ["a.json"]


@pytest.mark.skipif(os.name == "nt", reason="there is no SIGKILL")
@pytest.mark.parametrize("before", ["", "fsync", "replace"])
def test_a_process_that_is_killed_leaves_the_old_file(tmp_path, before):
    path = tmp_path / "x.json"
    write_text(path, "old")
    code = f"""
        import os, signal
        from pathlib import Path
        from twin_env import files

        def kill(*_):
            os.kill(os.getpid(), signal.SIGKILL)

        if {before!r}:
            setattr(files.os, {before!r}, kill)
        with files.whole_file(Path({str(path)!r})) as draft:
            draft.write_text("half")
            if not {before!r}:
                kill()
    """
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(code)], check=False)
    assert done.returncode == -signal.SIGKILL
    assert path.read_text() == "old"
    write_text(path, "new")  # what the killed process left is in nobody's way
    assert path.read_text() == "new"
