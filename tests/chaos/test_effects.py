"""Effects: what a fault asks for stands in the world's record under its name."""

import numpy as np
import pytest

from tests.chaos.test_compile import SCENE, STAGE
from tests.chaos.worlds import ALL_KINDS, experiment, fault
from twin_env.chaos.compile import compile_experiment
from twin_env.chaos.effects import Effect, modify, parameter_names
from twin_env.core.faults.fault_codes import HALT, MECHANISM_NAMES, PATH
from twin_env.core.faults.modifiers import FEE
from twin_env.core.state.fault_records import EFFECT, PARAMETERS
from twin_env.core.state.layout import SYNTHETIC, world_dtype


@pytest.mark.parametrize("kind", ALL_KINDS)
def test_parameters_are_read_under_the_names_they_were_given(kind):
    made = experiment(fault(kind)).method[0].effects(SCENE)
    program = compile_experiment(experiment(fault(kind)), STAGE)[0]
    for effect, record in zip(made, program["effects"], strict=False):
        name = MECHANISM_NAMES[int(record["mechanism"])]
        assert record["mechanism"] == effect.mechanism
        for parameter in parameter_names(effect.mechanism):
            expected = float(effect.parameters.get(parameter, 0))
            assert record["parameters"][name][parameter] == pytest.approx(expected, rel=1e-15)


def test_a_parameter_that_a_mechanism_does_not_have_is_refused():
    with pytest.raises(ValueError, match=r"path has no parameter 'wall', expected one of move_ticks, fall_s, hold_s"):
        Effect(PATH, 1.0, parameters={"wall": 3})
    with pytest.raises(ValueError, match="halt has no parameter 'move_ticks', expected none"):
        Effect(HALT, 1.0, parameters={"move_ticks": 3})


def test_a_modifier_is_an_effect():
    record = np.zeros(1, EFFECT)[0]
    modify(FEE, 3.0, 10.0, ramp_s=2.0).fill_in(record)
    assert record["parameters"]["modifier"]["value"] == 3.0
    assert record["parameters"]["modifier"]["modifier"] == FEE
    assert record["parameters"]["modifier"]["ramp_ns"] == 2_000_000_000
    assert record["duration_ns"] == 10_000_000_000


def test_parameter_records_share_bytes_that_numba_can_address():
    assert set(PARAMETERS.fields) <= set(MECHANISM_NAMES.values())
    for part, offset in PARAMETERS.fields.values():
        assert offset == 0 and part.itemsize % 8 == 0
    assert PARAMETERS.itemsize == max(part.itemsize for part, _ in PARAMETERS.fields.values())
    world = world_dtype(SYNTHETIC)
    assert (world.fields["effects"][1] + EFFECT.fields["parameters"][1]) % 8 == 0 == EFFECT.itemsize % 8
