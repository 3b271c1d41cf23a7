"""From an experiment to the levers of a world: times resolved, sizes in ticks, limits checked.

What cannot be done as it is written is refused; nothing is made smaller without a word.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from twin_env.chaos.effects import Lever
from twin_env.chaos.experiment import Experiment
from twin_env.chaos.faults.base import Fault, Scene
from twin_env.chaos.quantity import Quantity
from twin_env.chaos.when import AfterFault, Anchor, Clock, Offset, OnEvent, Periodic, Random, WithFault
from twin_env.config import ConfigError
from twin_env.core.faults import engine as core
from twin_env.core.faults.triggers import EVENTS
from twin_env.core.state.codes import NEVER_NS
from twin_env.core.state.layout import LEVERS, PROGRAM
from twin_env.market.day import Day
from twin_env.market.instrument import Instrument
from twin_env.market.moments import NS_PER_S

_PERCENT: Final = 100.0
_ENTITY_BITS: Final = 62


@dataclass(frozen=True)
class Stage:
    """Where and when an experiment is played.

    Attributes:
        instrument: What is traded.
        scene: What the market is like.
        first_ns: When its episodes can start, ns since the epoch: the day that times of the clock are on.
    """

    instrument: Instrument
    scene: Scene
    first_ns: int

    @property
    def day(self) -> Day:
        """Moments of the instrument's day."""
        return self.instrument.day


def compile_experiment(experiment: Experiment, stage: Stage) -> NDArray[np.void]:
    """Return the program of an experiment, a ``layout.PROGRAM`` array of one.

    Raises:
        ConfigError: One sentence for each thing that cannot be done in this market.
    """
    problems = list(_misfits(experiment, stage))
    program = np.zeros(1, PROGRAM)
    compiled: dict[str, tuple[Lever, ...]] = {}
    for fault in sorted(experiment.method, key=lambda fault: fault.name):
        try:
            compiled[fault.name] = fault.levers(stage.scene)
        except ValueError as error:
            problems.append(f"method.{fault.name}: {error}.")
    count = sum(map(len, compiled.values()))
    if count > LEVERS:
        problems.append(f"method comes down to {count} levers, expected {LEVERS} at most: take a fault away.")
    if problems:
        raise ConfigError(problems)
    _fill_in(program[0], experiment, compiled, stage)
    return program


def make_fit(experiment: Experiment, stage: Stage) -> Experiment:
    """Return an experiment without as many of its last faults as a world has no room for; nothing may wait for them.

    A draw is made without a market in mind, and what its faults come down to depends on the market.
    """
    counts = [len(fault.levers(stage.scene)) for fault in experiment.method]
    kept = len(counts)
    while sum(counts[:kept]) > LEVERS:
        kept -= 1
    return experiment if kept == len(counts) else experiment.model_copy(update={"method": experiment.method[:kept]})


def _misfits(experiment: Experiment, stage: Stage) -> Iterator[str]:
    """Say what of an experiment does not fit the market or its own blast radius."""
    symbol = experiment.targets.symbol
    if symbol is not None and symbol != stage.instrument.symbol:
        yield f"targets.symbol is {symbol!r}, expected {stage.instrument.symbol!r}: that is what this market trades."
    if experiment.protections == "on" and stage.instrument.protections is None:
        yield f"protections is 'on', and {stage.instrument.symbol} has none, expected 'market' or 'off'."
    radius, scale = experiment.blast_radius, stage.scene.scale
    for fault in experiment.method:
        move = getattr(fault, "move", None)
        if isinstance(move, Quantity):
            share = move.value * scale.ticks_per(move.unit) * scale.tick_size / scale.price * _PERCENT
            if share > radius.max_move_percent:
                yield (
                    f"method.{fault.name}.move is {move}, {share:.3g} % of the price, "
                    f"expected at most blast_radius.max_move_percent = {radius.max_move_percent:g}."
                )
        if fault.lasts_s > radius.max_fault_s:
            yield (
                f"method.{fault.name} lasts {fault.lasts_s:g} s, "
                f"expected at most blast_radius.max_fault_s = {radius.max_fault_s:g}."
            )


def _fill_in(program: Any, experiment: Experiment, compiled: dict[str, tuple[Lever, ...]], stage: Stage) -> None:
    """Write the levers, fault by fault."""
    program["count"] = sum(map(len, compiled.values()))
    program["scenario"] = experiment.number
    if experiment.protections == "on" and stage.instrument.protections is not None:
        program["protections"] = core.PROTECTED
        stage.instrument.protections.fill_in(program)
    elif experiment.protections == "off":
        program["protections"] = core.UNPROTECTED
    firsts, lasts, place = {}, {}, 0
    for name, levers in compiled.items():
        firsts[name] = place
        lasts[name] = place + max(
            range(len(levers)), key=lambda index: levers[index].delay_s + levers[index].duration_s
        )
        place += len(levers)
    for number, (name, levers) in enumerate(compiled.items()):
        fault = experiment.fault(name)
        for index, lever in enumerate(levers):
            record = program["levers"][firsts[name] + index]
            lever.fill_in(record)
            record["key"] = _entity(name, index)
            record["fault"] = number
            record["delay_ns"] = round(lever.delay_s * NS_PER_S)
            record["toxicity"] = 1.0
            record["begin_ns"] = NEVER_NS
            record["trigger"], record["after"] = core.WITH, firsts[name]
        _set_time(program["levers"][firsts[name]], fault, firsts, lasts, stage)


def _entity(name: str, index: int) -> int:
    """Return what names a lever's random stream: what its fault is called, and which of its levers it is."""
    digest = hashlib.blake2b(f"{name} {index}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") % (1 << _ENTITY_BITS) + 1


def _set_time(lever: Any, fault: Fault, firsts: dict[str, int], lasts: dict[str, int], stage: Stage) -> None:
    """Write when a fault begins, and by which chance, into its first lever."""
    when: Any = fault.when
    lever["leads"] = 1
    lever["toxicity"] = fault.toxicity
    lever["trigger"], lever["begin_ns"], lever["after"] = core.OFFSET, 0, 0
    if isinstance(when, Offset):
        lever["begin_ns"] = round(when.seconds * NS_PER_S)
    elif isinstance(when, Random):
        lever["begin_ns"] = round(when.from_s * NS_PER_S)
        lever["spread_ns"] = round((when.to_s - when.from_s) * NS_PER_S)
    elif isinstance(when, Periodic):
        lever["begin_ns"], lever["repeats"] = round(when.first_s * NS_PER_S), when.times
        lever["repeat_ns"], lever["jitter_ns"] = round(when.period_s * NS_PER_S), round(when.jitter_s * NS_PER_S)
    elif isinstance(when, Clock | Anchor):
        lever["trigger"], lever["begin_ns"] = core.MOMENT, moment_of(when, stage)
    else:
        _wait(lever, when, firsts, lasts)


def _wait(lever: Any, when: OnEvent | WithFault | AfterFault, firsts: dict[str, int], lasts: dict[str, int]) -> None:
    """Let a lever wait for an event, or for another fault."""
    lever["begin_ns"] = NEVER_NS
    lever["delay_ns"] = round(when.delay_s * NS_PER_S)
    if isinstance(when, OnEvent):
        lever["trigger"], lever["event"] = core.EVENT, EVENTS.index(when.event)
        lever["nth"], lever["threshold"] = when.nth, when.threshold
    elif isinstance(when, WithFault):
        lever["trigger"], lever["after"] = core.WITH, firsts[when.fault]
    else:
        lever["trigger"], lever["after"] = core.AFTER, lasts[when.fault]


def moment_of(when: Clock | Anchor, stage: Stage) -> int:
    """Return when a time of the clock, or an anchor, is on the day of the market, in ns since the epoch.

    Raises:
        ValueError: There is no such anchor, or no such time on that day.
    """
    zone = when.zone if isinstance(when, Clock) else stage.day.zone
    today = datetime.fromtimestamp(stage.first_ns / NS_PER_S, UTC).astimezone(ZoneInfo(zone)).date()
    if isinstance(when, Clock):
        return when.ns(date.fromisoformat(when.day) if when.day else today)
    return stage.day.anchor_ns(when.name, today, when.start) + round(when.offset_s * NS_PER_S)
