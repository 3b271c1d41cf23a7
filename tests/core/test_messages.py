"""Messages from files and other tools reach the exchange as they were, or are refused by one sentence."""

import numpy as np
import pytest

from tests.core.worlds import book_template
from twin_env.core.exchange.exchange import handle_all
from twin_env.core.exchange.messages import as_messages
from twin_env.core.state import codes
from twin_env.core.state.layout import EVENT, MESSAGE, SYNTHETIC

PACKED = [(name, MESSAGE[name]) for name in MESSAGE.names]
WIDE = [(name, "i8") for name in sorted(MESSAGE.names)]
GAPS = {"names": MESSAGE.names, "formats": [MESSAGE[name] for name in MESSAGE.names], "itemsize": 200}
GAPS["offsets"] = [12 * number for number in range(len(MESSAGE.names))]


def messages():
    """Two orders that rest, and one that takes the first."""
    rows = np.zeros(3, MESSAGE)
    rows["ts_ns"] = [10, 20, 30]
    rows["kind"], rows["type"], rows["tif"] = codes.NEW, codes.LIMIT, codes.DAY
    rows["side"], rows["price"], rows["lots"] = [-1, 1, 1], [101, 99, 101], [5, 4, 3]
    rows["order"], rows["row"], rows["owner"] = [0, 1, 2], -1, codes.BACKGROUND
    return rows


def as_layout(rows, layout):
    copied = np.zeros(len(rows), layout)
    for name in rows.dtype.names:
        copied[name] = rows[name]
    return copied


def events_of(rows):
    events = np.zeros(100, EVENT)
    return events[: handle_all(book_template(SYNTHETIC), 0, rows, events)].tolist()


def test_messages_loaded_from_a_file_are_played(tmp_path):
    np.save(tmp_path / "day.npy", messages())
    expected = events_of(messages())
    assert codes.TRADED in [event[5] for event in expected]
    assert events_of(np.load(tmp_path / "day.npy")) == expected
    assert events_of(np.load(tmp_path / "day.npy", mmap_mode="r")) == expected


@pytest.mark.parametrize("layout", [PACKED, WIDE, GAPS], ids=["packed", "wide", "gaps"])
def test_any_layout_of_the_same_fields_is_taken(layout):
    rows = as_messages(as_layout(messages(), np.dtype(layout)))
    assert rows.dtype.type is np.record and rows.dtype.isalignedstruct
    assert rows.tobytes() == messages().tobytes()


def test_what_fits_is_not_copied(tmp_path):
    rows = messages()
    assert as_messages(rows) is rows
    np.save(tmp_path / "day.npy", rows)
    loaded = np.load(tmp_path / "day.npy", mmap_mode="r")
    assert loaded.dtype.type is not np.record
    assert np.shares_memory(as_messages(loaded), loaded)
    assert not as_messages(loaded).flags.writeable


def changed(name, value, layout=WIDE):
    rows = as_layout(messages(), np.dtype(layout))
    rows[name][1] = value
    return rows


@pytest.mark.parametrize(
    ("rows", "sentence"),
    [
        (
            np.zeros(3),
            r"messages is an array of float64 with 1 dimensions, expected one dimension of records with ts_ns",
        ),
        (messages()[None], r"with 2 dimensions, expected one dimension"),
        ([(1, 2)], r"messages is <class 'list'>, expected one dimension of records"),
        (np.zeros(1, PACKED[1:]), r"messages has other fields \(ts_ns\), expected ts_ns, recv_ns"),
        (np.zeros(1, [*PACKED, ("venue", "i1")]), r"messages has other fields \(venue\)"),
        (
            changed("price", 99.5, [(name, "f8") for name in MESSAGE.names]),
            r"messages\.\w+ is float64, expected integers",
        ),
        (changed("side", 300), r"messages\[1\]\.side is 300, expected -128 to 127"),
        (changed("order", -(2**31) - 1), r"messages\[1\]\.order is -2147483649, expected -2147483648 to 2147483647"),
        (
            changed("lots", 2**63, [(n, "u8" if n == "lots" else "i8") for n in MESSAGE.names]),
            r"lots is 9223372036854775808",
        ),
    ],
)
def test_what_cannot_be_messages_is_refused_by_one_sentence(rows, sentence):
    with pytest.raises(ValueError, match=sentence) as refused:
        events_of(rows)
    assert "\n" not in str(refused.value)
