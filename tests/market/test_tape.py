"""The tape: what it refuses, that nobody can change it, and that a file gives back what was written."""

import dataclasses
import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from twin_env.core.state import codes
from twin_env.core.state.layout import MESSAGE
from twin_env.market.data.tape import Tape, TapeError, TapeReport, count_kinds
from twin_env.market.data.tape_file import TapeWriter, read_tape, write_tape

ROW = {"ts_ns": 10, "kind": codes.NEW, "side": 1, "price": 100, "lots": 1, "order": 0}


def rows_of(*changes):
    rows = np.zeros(len(changes), MESSAGE)
    for index, change in enumerate(changes):
        for field, value in (ROW | {"seq": index + 1} | change).items():
            rows[field][index] = value
    return rows


def tape_of(rows, **facts):
    default = {"orders": 1, "tick_size": 0.1, "start_ns": 0, "end_ns": 100, "source": "somewhere"}
    return Tape(rows, **(default | {"report": TapeReport(len(rows), {})} | facts))


INT64 = st.integers(-(2**40), 2**40)


@st.composite
def tapes(draw):
    size = draw(st.integers(0, 20))
    rows = np.zeros(size, MESSAGE)
    for field in rows.dtype.names:
        limit = np.iinfo(rows.dtype[field]).max
        rows[field] = draw(st.lists(INT64.map(lambda x, top=limit: abs(x) % top), min_size=size, max_size=size))
    rows["ts_ns"] = np.sort(rows["ts_ns"])
    rows["seq"] = np.arange(1, size + 1)
    rows["kind"] = rows["kind"] % len(codes.KIND_NAMES) + 1
    rows["side"] = 1 - 2 * (rows["side"] % 2)
    rows["price"] = rows["price"] % codes.MAX_PRICE_TICKS
    rows["lots"] = 1 + rows["lots"] % codes.MAX_LOTS
    counts = draw(st.dictionaries(st.text(), st.integers(0, 2**62)))
    report = TapeReport(size, count_kinds(rows), 1, 2, 3, counts, {"b": 4})
    lines = draw(st.sampled_from((None, np.arange(size))))
    facts = {"orders": 2**31, "tick_size": draw(st.floats(1e-9, 1e9)), "source": draw(st.text())}
    return tape_of(rows, end_ns=2**62, report=report, lines=lines, **facts)


@given(tapes())
def test_a_file_gives_back_the_tape(tape):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "some.tape"
        write_tape(tape, path)
        assert [entry.name for entry in Path(folder).iterdir()] == ["some.tape"]
        other = read_tape(path)
    for field in dataclasses.fields(Tape):
        mine, theirs = getattr(tape, field.name), getattr(other, field.name)
        assert np.array_equal(mine, theirs) if isinstance(mine, np.ndarray) else mine == theirs
    assert other.rows.dtype == MESSAGE


@given(st.data())
def test_a_file_cut_short_is_refused(data):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "some.tape"
        write_tape(tape_of(rows_of({}, {})), path)
        whole = path.read_bytes()
        path.write_bytes(whole[: data.draw(st.integers(0, len(whole) - 1))])
        with pytest.raises(TapeError, match=r"some\.tape: is not a whole tape .*, expected a file of write_tape"):
            read_tape(path)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"seq": 7}, r"row 2: seq is 7, expected the number of the row"),
        ({"ts_ns": 9}, r"row 2: ts_ns is 9, expected no earlier than the row before"),
        ({"ts_ns": 101}, r"row 2: ts_ns is 101, expected between start 0 and end 100"),
        ({"kind": 0}, r"row 2: kind is 0, expected a message kind"),
        ({"kind": 99}, r"row 2: kind is 99, expected a message kind"),
        ({"lots": 0}, r"row 2: lots is 0, expected 1 to 2\^40"),
        ({"lots": -1, "kind": codes.PRINT}, r"row 2: lots is -1, expected 1 to 2\^40"),
        ({"lots": 2**40 + 1, "kind": codes.REDUCE}, r"row 2: lots is 1099511627777, expected 1 to 2\^40"),
        ({"side": 0}, r"row 2: side is 0, expected \+1 \(buy\) or -1 \(sell\)"),
        ({"side": 2, "kind": codes.EXECUTE}, r"row 2: side is 2, expected \+1 \(buy\) or -1 \(sell\)"),
        ({"price": -(2**40) - 1}, r"row 2: price is -1099511627777, expected within 2\^40 ticks of zero"),
        ({"order": 1}, r"row 2: order is 1, expected at least 0 and below 1"),
        ({"order": -1, "kind": codes.CANCEL}, r"row 2: order is -1, expected at least 0 and below 1"),
    ],
)
def test_a_bad_row_is_named(change, message):
    with pytest.raises(TapeError, match=f"^somewhere {message}"):
        tape_of(rows_of({}, change))


@pytest.mark.parametrize(
    "change",
    [
        {"kind": codes.HALT, "side": 0, "lots": 0, "order": -1},
        {"kind": codes.RESUME, "side": 0, "lots": 0, "order": -1},
        {"kind": codes.CLOSE, "side": 0, "lots": 0, "order": -1},
        {"kind": codes.PRINT, "order": -1},
        {"kind": codes.CANCEL, "lots": 0},
        {"ts_ns": 10, "price": -5, "lots": 2**40},
    ],
)
def test_fields_a_kind_does_not_use_are_free(change):
    assert len(tape_of(rows_of({}, change))) == 2


@pytest.mark.parametrize(
    ("facts", "message"),
    [
        ({"tick_size": 0.0}, r"tick_size is 0.0, expected more than 0"),
        ({"tick_size": float("nan")}, r"tick_size is nan, expected more than 0"),
        ({"lines": np.zeros(3, np.int64)}, r"3 line numbers, expected one for each of 2 rows"),
        ({"orders": 0}, r"row 1: order is 0, expected at least 0 and below 0"),
    ],
)
def test_a_bad_fact_is_named(facts, message):
    with pytest.raises(TapeError, match=message):
        tape_of(rows_of({}, {}), **facts)


@pytest.mark.parametrize("rows", [np.zeros(3), rows_of({}).reshape(1, 1)])
def test_rows_of_another_layout_are_refused(rows):
    with pytest.raises(TapeError, match=r"expected one dimension of MESSAGE"):
        tape_of(rows)


def test_nobody_can_change_a_tape():
    rows, lines = rows_of({}, {}), np.array([0, 1])
    tape = tape_of(rows, lines=lines)
    rows["price"], lines[:] = 7, 7
    assert tape.rows["price"].tolist() == [100, 100]
    assert tape.lines.tolist() == [0, 1]
    with pytest.raises(ValueError, match="read-only"):
        tape.rows["price"][0] = 1
    with pytest.raises(ValueError, match="read-only"):
        tape.lines[0] = 1
    with pytest.raises(dataclasses.FrozenInstanceError):
        tape.orders = 5


def test_an_empty_tape_is_a_tape():
    assert len(tape_of(rows_of(), orders=0)) == 0


def test_kinds_are_counted_by_name():
    rows = rows_of({}, {"kind": codes.HALT}, {})
    assert count_kinds(rows) == {"new": 2, "halt": 1}


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch):
    path = tmp_path / "some.tape"
    write_tape(tape_of(rows_of({})), path)

    def fail(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(TapeWriter, "append", fail)
    with pytest.raises(KeyboardInterrupt):
        write_tape(tape_of(rows_of({}, {})), path)
    assert len(read_tape(path)) == 1
    assert list(tmp_path.iterdir()) == [path]


def test_a_missing_or_foreign_file_is_named(tmp_path):
    with pytest.raises(TapeError, match=r"gone: no such file, expected a tape written by write_tape"):
        read_tape(tmp_path / "gone")
    foreign = tmp_path / "foreign.npy"
    np.save(foreign, np.zeros(2))
    with pytest.raises(TapeError, match=r"foreign\.npy: is not a whole tape .*, expected a file of write_tape"):
        read_tape(foreign)


def test_a_file_of_another_format_or_layout_is_refused(tmp_path):
    path = tmp_path / "some.tape"
    write_tape(tape_of(rows_of({})), path)
    whole = path.read_bytes()
    path.write_bytes(whole.replace(b'"format": 2', b'"format": 1'))
    with pytest.raises(TapeError, match=r"some\.tape: format is 1, expected 2: make the tape again"):
        read_tape(path)
    path.write_bytes(whole.replace(b"recv_ns", b"rect_ns"))
    with pytest.raises(TapeError, match=r"some\.tape: is not a whole tape \(its rows have another layout\)"):
        read_tape(path)


def test_a_bad_row_of_a_file_is_found_unless_the_file_is_trusted(tmp_path):
    path = tmp_path / "some.tape"
    with TapeWriter(path, has_lines=False) as writer:
        writer.append(rows_of({}, {"lots": 0}))
        facts = {"orders": 1, "tick_size": 0.1, "start_ns": 0, "end_ns": 100, "source": "somewhere"}
        writer.finish(report=TapeReport(2, writer.kinds), **facts)
    with pytest.raises(TapeError, match=r"somewhere row 2: lots is 0"):
        read_tape(path)
    assert len(read_tape(path, check=False)) == 2


@given(st.lists(st.integers(0, 3), max_size=6), st.integers(0, 4))
def test_parts_make_the_tape_they_would_make_at_once(sizes, restart_after):
    rows = rows_of(*({"ts_ns": 10 + index} for index in range(sum(sizes))))
    kept = rows[sum(sizes[:restart_after]) :] if restart_after < len(sizes) else rows
    with tempfile.TemporaryDirectory() as folder, TapeWriter(Path(folder) / "some.tape", has_lines=True) as writer:
        place = 0
        for index, size in enumerate(sizes):
            if index == restart_after:
                writer.restart()
            writer.append(rows[place : place + size], np.arange(place, place + size))
            place += size
        assert len(writer) == len(kept)
        facts = {"orders": 1, "tick_size": 0.1, "start_ns": 0, "end_ns": 100, "source": "somewhere"}
        writer.finish(report=TapeReport(len(kept), writer.kinds), **facts)
        tape = read_tape(Path(folder) / "some.tape")
    assert tape.rows["ts_ns"].tolist() == kept["ts_ns"].tolist()
    assert tape.lines.tolist() == list(range(len(rows) - len(kept), len(rows)))
    assert tape.report.kinds == count_kinds(kept)


def test_a_check_in_parts_finds_what_a_check_at_once_finds(monkeypatch):
    monkeypatch.setattr("twin_env.market.data.tape.CHECK_ROWS", 2)
    for bad, message in (
        ({"ts_ns": 9}, "row 3: ts_ns is 9"),
        ({"lots": 0}, "row 3: lots is 0"),
        ({"seq": 1}, "row 3: seq is 1"),
    ):
        with pytest.raises(TapeError, match=message):
            tape_of(rows_of({}, {}, bad, {}))


def test_a_mapped_tape_is_not_copied_and_cannot_be_changed(tmp_path):
    write_tape(tape_of(rows_of({}, {}), lines=np.array([3, 4])), tmp_path / "some.tape")
    tape = read_tape(tmp_path / "some.tape")
    assert not tape.rows.flags.owndata
    for array in (tape.rows, tape.lines):
        with pytest.raises(ValueError, match="WRITEABLE"):
            array.flags.writeable = True
