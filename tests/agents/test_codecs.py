"""The policy's side of the action codecs against what the environment makes of an action."""

import math

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from agents.policies.codecs import OrdersCodec, ScheduleCodec, TableCodec, make_codec
from agents.policies.named_observation import NamedObservation
from twin_env.envs.actions.orders import CANCEL, KEEP, LIMIT, MARKET, lots_choices
from twin_env.envs.execution.config import LadderAction, OrdersAction, ScheduleAction, TableAction
from twin_env.envs.layout import Layout, logged
from twin_env.envs.observation import FLOW

fractions = st.lists(st.integers(1, 100), min_size=1, max_size=6, unique=True).map(
    lambda xs: tuple(x / 100 for x in xs)
)


class Seen(dict):
    """A view made of plain numbers."""

    parent_lots = 100

    def lots(self, name):
        return self[name]


def seen(uncommitted, live=(0.0, 0.0, 0.0, 0.0), left=0):
    slots = {f"slot_{slot + 1}_live": value for slot, value in enumerate(live)}
    return Seen(uncommitted=uncommitted, slot_1_left=left, **slots)


def sent(action, lots, uncommitted):
    """What the environment sends for the free slots of an action: see twin_env/envs/actions."""
    total = 0
    for choice, _, size in action.reshape(-1, 3):
        if choice == MARKET:
            total += min(int(lots[size]), uncommitted - total)
    return total


@given(sizes=fractions, wanted=st.integers(-5, 150), uncommitted=st.integers(0, 100), slots=st.integers(1, 4))
def test_take_sends_the_nearest_size_that_is_not_above(sizes, wanted, uncommitted, slots):
    action = OrdersAction(slots=slots, sizes=sizes)
    lots = lots_choices(sizes, 100)
    total = sent(OrdersCodec(action).take(seen(uncommitted), wanted), lots, uncommitted)
    assert total <= max(wanted, 0)
    if slots == 1 and 0 < wanted < uncommitted:
        assert total == max([0, *lots[lots <= wanted]])
    if uncommitted <= wanted:
        assert total == min(uncommitted, slots * lots.max())
    if slots > 1 and wanted > 0:
        one = sent(OrdersCodec(OrdersAction(sizes=sizes)).take(seen(uncommitted), wanted), lots, uncommitted)
        assert total >= one


@given(busy=st.lists(st.booleans(), min_size=4, max_size=4))
def test_take_leaves_busy_slots_alone(busy):
    codec = OrdersCodec(OrdersAction(slots=4, sizes=(0.1,)))
    action = codec.take(seen(100, [float(b) for b in busy]), 40).reshape(4, 3)
    assert [row[0] == MARKET for row in action] == [not b for b in busy]
    assert all(row[0] in (KEEP, MARKET) for row in action)


@pytest.mark.parametrize(
    ("offsets", "place"), [((-1, 0, 1), 1), ((3, 2, 5), 1), ((-1, 1), 1), ((1, -1), 0), ((-4, -2), 1)]
)
def test_join_goes_as_near_to_the_touch_as_the_choices_allow(offsets, place):
    codec = OrdersCodec(OrdersAction(offsets_ticks=offsets, sizes=(0.05, 0.1)))
    assert codec.join(seen(100), 10).tolist() == [LIMIT, place, 1]


def test_an_order_too_small_for_any_size_can_still_move_and_cross():
    codec = OrdersCodec(OrdersAction(sizes=(0.5, 0.1)))
    view = seen(50, left=3)
    assert codec.join(view, 3).tolist() == [LIMIT, 1, 1]
    assert codec.cross(view, 3).tolist() == [MARKET, 1, 1]
    assert codec.join(seen(50), 3).tolist() == codec.hold().tolist()


@given(
    wanted=st.integers(-3, 5000),
    with_lots=st.integers(0, 3000),
    against_lots=st.integers(0, 3000),
    most=st.floats(0.01, 10.0),
)
def test_schedule_takes_exactly_what_is_wanted_or_all_there_is(wanted, with_lots, against_lots, most):
    printed = with_lots + against_lots
    available = most * printed
    assume(abs(available - round(available)) > 1e-3 or available == 0.0)
    layout = Layout({"flow": FLOW, "task": (logged("parent_lots", "lots", ""),)})
    observation = np.zeros(len(layout), np.float32)
    for name, lots in (("with_lots", with_lots), ("against_lots", against_lots)):
        observation[layout.place(name)] = math.log1p(lots) / math.log1p(100.0)
    action = ScheduleCodec(ScheduleAction(codec="schedule", max_participation=most)).take(
        NamedObservation(layout, observation), wanted
    )
    assert action.dtype == np.float32
    assert -1.0 <= action[0] <= 1.0
    carried = 0.5 * (float(action[0]) + 1.0) * most * printed  # as act_schedule does
    assert int(carried) == max(min(wanted, math.floor(available)), 0)


ACTIONS = [
    OrdersAction(slots=2),
    TableAction(codec="table"),
    LadderAction(codec="ladder"),
    ScheduleAction(codec="schedule"),
]


@pytest.mark.parametrize("action", ACTIONS)
def test_hold_and_samples_are_in_the_action_space(action):
    from twin_env.envs.execution.definition import _action_space as action_space

    space, codec, rng = action_space(action), make_codec(action), np.random.default_rng(0)
    assert space.contains(codec.hold())
    assert all(space.contains(codec.sample(rng)) for _ in range(200))


@given(uncommitted=st.integers(0, 100), wanted=st.integers(-5, 150), working=st.integers(0, 50))
def test_a_table_says_what_the_orders_of_one_slot_say(uncommitted, wanted, working):
    offsets, sizes = (-1, 0, 2), (0.1, 0.3, 1.0)
    table = TableCodec(TableAction(codec="table", offsets_ticks=offsets, sizes=sizes))
    orders = OrdersCodec(OrdersAction(offsets_ticks=offsets, sizes=sizes))
    obs = seen(uncommitted, left=working)
    rows = [(choice, 0, 0) for choice in (KEEP, CANCEL)]
    rows += [(LIMIT, offset, size) for offset in range(3) for size in range(3)] + [(MARKET, 0, s) for s in range(3)]
    for name in ("take", "join", "cross"):
        number = int(getattr(table, name)(obs, wanted))
        choice, offset, size = rows[number]
        expected = getattr(orders, name)(obs, wanted).tolist()
        assert choice == expected[0]
        assert choice in (KEEP, CANCEL) or size == expected[2]
        assert choice != LIMIT or offset == expected[1]
