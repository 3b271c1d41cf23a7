"""Real days through the compiled exchange: the same book as the file, the same events as the reference."""

import gzip
import io
import zipfile

import numpy as np
import pytest

from tests.oracle import NaiveExchange
from twin_env.core.exchange.exchange import handle, handle_all
from twin_env.core.state.jit import kernel
from twin_env.core.state.layout import EVENT, HISTORY
from twin_env.core.state.world import copy_world, create_template, create_worlds
from twin_env.market.data.lobster.reader import read_lobster
from twin_env.reference import Message, ReferenceExchange

pytestmark = pytest.mark.jit

PROTECTION = 50
AAPL = "AAPL_2012-06-21_34200000_37800000_message_50.csv.gz"
AAPL_BOOK = "AAPL_2012-06-21_orderbook_50_first672rows.csv.gz"
AAPL_TOUCHES = "AAPL_2012-06-21_34200000_37800000_orderbook_L1of50.csv.gz"
AMZN = "LOBSTER_SampleFile_AMZN_2012-06-21_5.zip"
NOTHING = 9_999_999_999


@kernel
def play_and_look(worlds, messages, depth, out):
    """Play rows and write the ``depth`` best (ask, lots, bid, lots) of each side after every one."""
    world = worlds[0]
    for row in range(messages.shape[0]):
        world.now_ns = messages[row].ts_ns
        handle(world, messages[row])
        for side in range(2):
            count = world.book.count[side]
            for level in range(depth):
                place = 4 * level + (2 if side == 0 else 0)
                if level < count:
                    key = world.book.key[side, count - 1 - level]
                    out[row, place] = key if side == 0 else -key
                    out[row, place + 1] = world.book.levels[world.book.level[side, count - 1 - level]].lots
                else:
                    out[row, place] = 0
                    out[row, place + 1] = 0


def world_for(tape):
    template = create_template(HISTORY, tape.orders)
    template[0].venue.protection_ticks = PROTECTION
    worlds = create_worlds(HISTORY)
    copy_world(template, 0, worlds, 0)
    return worlds


def equal_rows(tape, truth, depth):
    """Return the share of the file's rows whose ``depth`` best levels the compiled book has, price and lots."""
    seen = np.zeros((len(tape), 4 * depth), np.int64)
    worlds = world_for(tape)
    play_and_look(worlds, tape.rows, depth, seen)
    truth = truth.copy()
    for column in range(0, 4 * depth, 2):
        truth[:, column] = np.where(np.abs(truth[:, column]) == NOTHING, 0, truth[:, column] // 100)
    last_row_of = np.full(len(truth) + 1, -1)
    last_row_of[tape.lines] = np.arange(len(tape))
    last_row_of = np.maximum.accumulate(last_row_of)[1:]
    return float(np.all(seen[last_row_of] == truth, axis=1).mean()), worlds[0]


@pytest.fixture(scope="module")
def aapl(data_dir):
    return read_lobster(data_dir / "lobster" / AAPL, data_dir / "lobster" / AAPL_BOOK, window=False)


def test_the_touch_of_the_aapl_hour_is_that_of_the_file(aapl, data_dir):
    with gzip.open(data_dir / "lobster" / AAPL_TOUCHES, "rt") as lines:
        truth = np.loadtxt(lines, delimiter=",", dtype=np.int64)
    share, world = equal_rows(aapl, truth, depth=1)
    assert share >= 0.998
    assert not any(int(x) for x in world.divergence.tolist())


def test_five_levels_of_the_amzn_day_are_those_of_the_file(data_dir):
    path = data_dir / "lobster" / AMZN
    tape = read_lobster(path)
    with zipfile.ZipFile(path) as archive:
        name = next(name for name in archive.namelist() if "orderbook" in name)
        truth = np.loadtxt(io.StringIO(archive.read(name).decode()), delimiter=",", dtype=np.int64)
    share, world = equal_rows(tape, truth, depth=5)
    assert share >= 0.998
    assert not any(int(x) for x in world.divergence.tolist())


def compiled_events(tape):
    events = np.zeros(2 * len(tape), EVENT)
    count = handle_all(world_for(tape), 0, tape.rows, events)
    return [tuple(event) for event in events[:count].tolist()]


def plain_events(exchange_type, tape):
    exchange = exchange_type(
        protection_ticks=PROTECTION, max_orders=HISTORY.orders, max_levels=HISTORY.levels, max_stops=HISTORY.stops
    )
    return [tuple(event) for row in tape.rows for event in exchange.handle(Message.from_record(row))]


def test_the_reference_makes_the_same_events_of_the_aapl_hour(aapl):
    assert compiled_events(aapl) == plain_events(ReferenceExchange, aapl)


def test_the_oracle_makes_the_same_events_of_the_aapl_hour(aapl):
    assert compiled_events(aapl) == plain_events(NaiveExchange, aapl)
