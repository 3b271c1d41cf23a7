"""What the benchmarks measure is what they say: one history, the same for everybody who replays it."""

import numpy as np
import pytest

from benchmarks import replay
from benchmarks.history import ORDERS, orders_history
from twin_env.core.flow.flow import TAPE_FLOW
from twin_env.core.state.layout import HISTORY
from twin_env.core.state.world import create_template, create_worlds, start_world
from twin_env.market.data.tape import Tape, TapeReport, count_kinds

pytestmark = pytest.mark.jit


@pytest.fixture(scope="module")
def history():
    return orders_history(20_000)


def test_the_history_is_a_tape_of_all_four_kinds(history):
    first_ns, last_ns = (int(history["ts_ns"][row]) for row in (0, -1))
    tape = Tape(history.copy(), ORDERS, 1.0, first_ns, last_ns, "benchmark", TapeReport(len(history), {}))
    counts = count_kinds(tape.rows)
    assert set(counts) == {"new", "cancel", "reduce", "execute"}
    assert min(counts.values()) > 0.02 * len(tape)


def test_the_history_plays_without_departures(history):
    template = create_template(HISTORY, ORDERS)
    template[0].flow_kind = TAPE_FLOW
    worlds = create_worlds(HISTORY)
    start_world(worlds, 0, template, seed=1, start_ns=int(history["ts_ns"][-1]), tape=history)
    assert worlds[0].tape_row == len(history)
    assert not any(int(count) for count in worlds[0].divergence.tolist())
    assert not worlds[0].rejects.any()


def test_a_peer_that_is_not_installed_has_no_figure(history, monkeypatch):
    monkeypatch.setattr(replay, "find_spec", lambda name: None)
    monkeypatch.setattr(replay, "orders_history", lambda count: history)
    figures = dict(replay.figures(None, 0))
    assert figures.pop("replay.twin_env.rows_per_s") > 0
    assert figures == {f"replay.hftbacktest.{name}.rows_per_s": None for name in replay.PEER_NAMES}


def test_hftbacktest_ends_where_the_replay_here_ends(history):
    pytest.importorskip("hftbacktest", reason="needs the extra 'peers'", exc_type=ModuleNotFoundError)
    from benchmarks.peers import replays

    _, touch = replay.replay(history, ORDERS)
    assert np.all(np.array(touch) > 0)
    assert [name for name, _ in replays(history, touch)] == list(replay.PEER_NAMES)  # raises where it does not
