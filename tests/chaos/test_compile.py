"""From an experiment to effects: what fits, what is refused, and in which words."""

import re
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

import numpy as np
import pytest

from tests.chaos.worlds import experiment, fault
from twin_env.chaos.compile import Stage, compile_experiment, moment_of
from twin_env.chaos.effects import modify
from twin_env.chaos.faults import KINDS
from twin_env.chaos.faults.base import Baseline, Duration, Fault, Reading, Scene
from twin_env.chaos.faults.crash import FlashCrash
from twin_env.chaos.quantity import Quantity, Scale
from twin_env.chaos.sampling.prior import LogUniform, Sized
from twin_env.chaos.when import Anchor, Clock
from twin_env.config import ConfigError, load_config
from twin_env.core.faults import modifiers
from twin_env.market.instrument import Instrument
from twin_env.market.market import SYNTHETIC_START_NS

SCENE = Scene(Scale(0.1, 1.0, 4300.0, 15.0, 2.0), Baseline(2.0, 60.0, 15.0, 100.0, 1.0, 3.0), True, 50)
PLAYED = replace(SCENE, synthetic=False)
STAGE = Stage(load_config(Instrument, "mgc", folder="instruments"), SCENE, SYNTHETIC_START_NS)
DOCS = Path(__file__).resolve().parents[2] / "docs" / "chaos.md"
NEEDED = (Literal, Duration, Fault, Reading, modifiers, modify, LogUniform, Sized, Quantity)  # by the fault of the docs


def at(clock):
    return datetime.fromtimestamp(clock / 1e9, UTC).strftime("%H:%M:%S")


@pytest.mark.parametrize(
    ("unit", "value", "ticks"),
    [("points", 15, 150), ("ticks", 15, 15), ("percent", 1, 430), ("bps", 10, 43), ("usd_per_contract", 15, 15),
     ("sigma", 2, 30), ("spreads", 3, 6)],
)  # fmt: skip
def test_units(unit, value, ticks):
    assert Quantity(value=value, unit=unit).ticks(SCENE.scale) == ticks


def test_points_between_two_ticks_are_refused():
    with pytest.raises(ConfigError, match=r"method.flash_crash: 15.05 points is 150.5 ticks of 0.1, expected a whole"):
        compile_experiment(experiment(fault("flash_crash", move={"value": 15.05, "unit": "points"})), STAGE)


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"method": [fault("flash_crash", move={"value": 200, "unit": "percent"})]}, "max_move_percent = 5"),
        (
            {"method": [fault("chop", duration_s=7000)]},
            "lasts 7000 s, expected at most blast_radius.max_fault_s = 3600",
        ),
        ({"method": [fault("chop", when={"at": "anchor", "name": "tea_time"})]}, "tea_time"),
        ({"targets": {"symbol": "TSLA"}}, "expected 'MGC'"),
        (
            {"method": [fault("flash_crash", id=f"c{i}", recovery={"fraction": 0.5}) for i in range(5)]},
            "comes down to 15",
        ),
    ],
)
def test_what_does_not_fit_is_refused_in_a_sentence(given, sentence):
    with pytest.raises((ConfigError, ValueError), match=re.escape(sentence)):
        compile_experiment(experiment(*given.pop("method", []), **given), STAGE)


@pytest.mark.parametrize("kind", KINDS)
def test_no_fault_comes_down_to_more_effects_than_it_says(kind):
    variants = [
        fault(kind),
        *({"kind": kind, **fault(kind), **level} for level in KINDS[kind].severity_levels.values()),
    ]
    for variant in variants:
        made = experiment(variant).method[0]
        assert len(made.effects(SCENE)) == made.most_effects
        assert not isinstance(made, FlashCrash) or len(made.effects(PLAYED)) == 1 <= made.most_effects
    crash = experiment(fault("flash_crash", recovery={"fraction": 0.5})).method[0]
    assert len(crash.effects(SCENE)) == crash.most_effects == 3


@pytest.mark.parametrize(
    ("kind", "fields", "lots"),
    [
        ("fat_finger", {"lots": 600}, 600),
        ("fat_finger", {"depth_multiple": 10}, 600),
        ("momentum_ignition", {"depth_multiple": 0.5}, 30),
        ("spoofing", {"depth_multiple": 4, "levels": 4}, 60),
        ("flash_crash", {"wall_lots": 50}, 50),
        ("quote_stuffing", {}, 1),
    ],
)
def test_an_order_larger_than_the_blast_radius_allows_is_refused(kind, fields, lots):
    def compiled(max_lots):
        return compile_experiment(experiment(fault(kind, **fields), blast_radius={"max_lots": max_lots}), STAGE)

    assert compiled(lots)[0]["count"] > 0
    if lots > 1:
        with pytest.raises(ConfigError) as refused:
            compiled(lots - 1)
        expected = f"method.{kind} sends orders of {lots} lots, expected at most blast_radius.max_lots = {lots - 1}."
        assert expected in str(refused.value)


def test_times_of_the_clock_and_anchors_are_on_the_day_of_the_market():
    assert at(moment_of(Clock(time="10:00", zone="America/New_York"), STAGE)) == "14:00:00"
    assert at(moment_of(Clock(time="10:00", zone="Australia/Brisbane"), STAGE)) == "00:00:00"
    assert at(moment_of(Anchor(name="orb_start", start="10:00", offset_s=60), STAGE)) == "14:01:00"
    assert at(moment_of(Anchor(name="orb_end", start="10:00"), STAGE)) == "14:05:00"
    assert at(moment_of(Anchor(name="rth_open"), STAGE)) == "12:20:00"


def test_the_order_of_faults_is_not_in_the_program():
    faults = [fault("flash_crash"), fault("feed_loss"), fault("chop")]
    programs = [compile_experiment(experiment(*order), STAGE) for order in (faults, faults[::-1])]
    assert programs[0].tobytes() == programs[1].tobytes()
    keys = programs[0][0]["effects"]["key"][: programs[0][0]["count"]]
    assert len(np.unique(keys)) == len(keys)


def test_the_fault_of_the_docs_is_one():
    code = re.search(r"```python\n(class PanicSelling.*?)```", DOCS.read_text(encoding="utf-8"), flags=re.DOTALL)
    room = {one.__name__: one for one in NEEDED if hasattr(one, "__name__")} | {
        "Literal": Literal,
        "Duration": Duration,
    }
    room |= {"modifiers": modifiers, "modify": modify, "__name__": __name__}
    exec(code[1], room)
    made = room["PanicSelling"].at("low")
    made_of = [effect.parameters["modifier"] for effect in made.effects(SCENE)]
    assert made_of == [modifiers.BELIEF, modifiers.BUY_LIMIT_SHARE]
    assert made.describe() == "everybody sells for 30 s"
