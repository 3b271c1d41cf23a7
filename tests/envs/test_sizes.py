"""The sizes that an action may choose from where the configuration leaves them open."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twin_env.config import load_config
from twin_env.envs.actions.orders import lots_choices
from twin_env.envs.execution.config import ExecutionConfig
from twin_env.envs.execution.sizes import SIZES, choose_sizes


def sizes_of(action=None, **task):
    given = {"task": task} | ({"action": action} if action else {})
    return ExecutionConfig.model_validate(given).action.sizes


def test_small_parents_have_the_sizes_they_always_had():
    assert sizes_of() == SIZES
    assert sizes_of(lots=20, horizon_s=120, step_s=2) == SIZES
    assert load_config(ExecutionConfig, {}).action.sizes == SIZES


def test_large_parents_have_a_steps_share_as_well():
    sizes = sizes_of(lots=800, horizon_s=300, step_s=5)
    assert sizes[:5] == SIZES
    assert lots_choices(sizes, 800).tolist() == [40, 80, 200, 400, 800, 13, 14]
    assert lots_choices(sizes_of(lots=800, horizon_s=300, step_s=3), 800).tolist() == [40, 80, 200, 400, 800, 8]
    drawn = sizes_of(lots=[5, 800], horizon_s=300, step_s=5)
    assert drawn == sizes  # of the largest


def test_sizes_that_are_given_stay():
    assert sizes_of({"codec": "orders", "sizes": [0.5]}, lots=800) == (0.5,)
    assert sizes_of({"codec": "table"}, lots=800) == (0.25, 1.0)
    assert len(sizes_of({"codec": "table", "sizes": "auto"}, lots=800)) == 7


def test_a_configuration_reads_back_as_it_was_written():
    config = ExecutionConfig.model_validate({"task": {"lots": 800}})
    assert ExecutionConfig.model_validate(config.model_dump(mode="json")) == config


@given(st.integers(1, 100_000), st.floats(1e-4, 1.0))
def test_an_even_pace_can_always_be_followed(lots, step_share):
    choices = lots_choices(choose_sizes(lots, step_share), lots).tolist()
    due = lots * step_share
    assert min(choices) <= max(1, due)
    if due < round(0.05 * lots):
        pace = {int(due), int(due) + 1} if due % 1 > 1e-6 else {round(due)}
        assert pace - {0} <= set(choices)


@pytest.mark.parametrize("sizes", ["some", "", 3])
def test_anything_else_is_refused(sizes):
    with pytest.raises(ValueError, match="sizes"):
        sizes_of({"codec": "orders", "sizes": sizes})
