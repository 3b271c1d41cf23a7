"""From an experiment to the effects of a world: times resolved, sizes in ticks, limits checked.

What cannot be done as it is written is refused; nothing is made smaller silently.
"""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from twin_env.chaos.effects import Effect
from twin_env.chaos.experiment import Experiment
from twin_env.chaos.faults.base import Fault, Scene
from twin_env.chaos.plan import most_concurrent
from twin_env.chaos.quantity import Quantity
from twin_env.chaos.when import AfterFault, Anchor, Clock, Offset, OnEvent, Periodic, Random, WithFault
from twin_env.config import ConfigError
from twin_env.core.faults.fault_codes import (
    AFTER,
    EVENT,
    EVENT_NAMES,
    MOMENT,
    OFFSET,
    PROTECTED,
    UNPROTECTED,
    WITH,
)
from twin_env.core.state.codes import NEVER_NS
from twin_env.core.state.layout import EFFECTS, PROGRAM
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
    problems = [*_misfits(experiment, stage), *_crowds(experiment, stage)]
    program = np.zeros(1, PROGRAM)
    compiled: dict[str, tuple[Effect, ...]] = {}
    for fault in sorted(experiment.method, key=lambda fault: fault.name):
        try:
            compiled[fault.name] = fault.effects(stage.scene)
        except ValueError as error:
            problems.append(f"method.{fault.name}: {error}.")
        else:
            problems += _outsized(fault, compiled[fault.name], experiment.blast_radius.max_lots)
    count = sum(map(len, compiled.values()))
    if count > EFFECTS:
        problems.append(f"method comes down to {count} effects, expected {EFFECTS} at most: take a fault away.")
    if problems:
        raise ConfigError(problems)
    _fill_in(program[0], experiment, compiled, stage)
    return program


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


def _crowds(experiment: Experiment, stage: Stage) -> Iterator[str]:
    """Say whether more faults can be on at a time than the blast radius allows."""
    allowed = experiment.blast_radius.max_concurrent
    if len(experiment.method) <= allowed:
        return
    clock_s = {
        fault.name: (moment_of(fault.when, stage) - stage.first_ns) / NS_PER_S
        for fault in experiment.method
        if isinstance(fault.when, Clock | Anchor)
    }
    found = most_concurrent(experiment, clock_s)
    if found > allowed:
        yield (
            f"method has {found} faults that can be on at a time, "
            f"expected at most blast_radius.max_concurrent = {allowed}."
        )


def _outsized(fault: Fault, effects: Sequence[Effect], allowed: int) -> Iterator[str]:
    """Say whether a fault's participants send larger orders than the blast radius allows."""
    lots = max(effect.largest_order_lots for effect in effects)
    if lots > allowed:
        yield (f"method.{fault.name} sends orders of {lots} lots, expected at most blast_radius.max_lots = {allowed}.")


def _fill_in(program: Any, experiment: Experiment, compiled: dict[str, tuple[Effect, ...]], stage: Stage) -> None:
    """Write the effects, fault by fault."""
    program["count"] = sum(map(len, compiled.values()))
    program["scenario"] = experiment.number
    if experiment.protections == "on" and stage.instrument.protections is not None:
        program["protections"] = PROTECTED
        stage.instrument.protections.fill_in(program)
    elif experiment.protections == "off":
        program["protections"] = UNPROTECTED
    firsts, lasts, place = {}, {}, 0
    for name, effects in compiled.items():
        firsts[name] = place
        lasts[name] = place + max(
            range(len(effects)), key=lambda index: effects[index].delay_s + effects[index].duration_s
        )
        place += len(effects)
    for number, (name, effects) in enumerate(compiled.items()):
        fault = experiment.fault(name)
        for index, effect in enumerate(effects):
            record = program["effects"][firsts[name] + index]
            effect.fill_in(record)
            record["key"] = _entity(name, index)
            record["fault"] = number
            record["delay_ns"] = round(effect.delay_s * NS_PER_S)
            record["toxicity"] = 1.0
            record["begin_ns"] = NEVER_NS
            record["trigger"], record["after"] = WITH, firsts[name]
        _set_time(program["effects"][firsts[name]], fault, firsts, lasts, stage)


def _entity(name: str, index: int) -> int:
    """Return what names a effect's random stream: what its fault is called, and which of its effects it is."""
    digest = hashlib.blake2b(f"{name} {index}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") % (1 << _ENTITY_BITS) + 1


def _set_time(effect: Any, fault: Fault, firsts: dict[str, int], lasts: dict[str, int], stage: Stage) -> None:
    """Write when a fault begins, and by which chance, into its first effect."""
    when: Any = fault.when
    effect["leads"] = 1
    effect["toxicity"] = fault.toxicity
    effect["trigger"], effect["begin_ns"], effect["after"] = OFFSET, 0, 0
    if isinstance(when, Offset):
        effect["begin_ns"] = round(when.seconds * NS_PER_S)
    elif isinstance(when, Random):
        effect["begin_ns"] = round(when.from_s * NS_PER_S)
        effect["spread_ns"] = round((when.to_s - when.from_s) * NS_PER_S)
    elif isinstance(when, Periodic):
        effect["begin_ns"], effect["repeats"] = round(when.first_s * NS_PER_S), when.times
        effect["repeat_ns"], effect["jitter_ns"] = round(when.period_s * NS_PER_S), round(when.jitter_s * NS_PER_S)
    elif isinstance(when, Clock | Anchor):
        effect["trigger"], effect["begin_ns"] = MOMENT, moment_of(when, stage)
    else:
        _wait(effect, when, firsts, lasts)


def _wait(effect: Any, when: OnEvent | WithFault | AfterFault, firsts: dict[str, int], lasts: dict[str, int]) -> None:
    """Let a effect wait for an event, or for another fault."""
    effect["begin_ns"] = NEVER_NS
    effect["delay_ns"] = round(when.delay_s * NS_PER_S)
    if isinstance(when, OnEvent):
        effect["trigger"], effect["event"] = EVENT, EVENT_NAMES.index(when.event)
        effect["nth"], effect["threshold"] = when.nth, when.threshold
    elif isinstance(when, WithFault):
        effect["trigger"], effect["after"] = WITH, firsts[when.fault]
    else:
        effect["trigger"], effect["after"] = AFTER, lasts[when.fault]


def moment_of(when: Clock | Anchor, stage: Stage) -> int:
    """Return when a time of the clock, or an anchor, is on the day of the market, in ns since the epoch.

    Raises:
        ValueError: There is no such anchor, or no such time on that day.
    """
    zone = when.zone or stage.day.zone
    today = datetime.fromtimestamp(stage.first_ns / NS_PER_S, UTC).astimezone(ZoneInfo(zone)).date()
    if isinstance(when, Clock):
        return when.ns(date.fromisoformat(when.day) if when.day else today)
    return stage.day.anchor_ns(when.name, today, when.start, when.zone) + round(when.offset_s * NS_PER_S)
