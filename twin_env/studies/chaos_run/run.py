"""Run an experiment on a market, beside the same market without it: same seed, same candidates, nothing else."""

from dataclasses import dataclass, replace
from typing import Any, Final

from twin_env.chaos.compile import Stage, compile_experiment, moment_of
from twin_env.chaos.experiment import Experiment
from twin_env.chaos.faults.base import Fault, Scene
from twin_env.chaos.journal.journal import Journal
from twin_env.chaos.journal.journal_writer import write_journal
from twin_env.chaos.journal.steady_state import Steady, stop_check
from twin_env.chaos.journal.trace import MarketRun, Trace
from twin_env.chaos.when import AfterFault, Anchor, Clock, Offset, OnEvent, Periodic, Random, WithFault
from twin_env.config import ConfigError
from twin_env.market.market import Market
from twin_env.market.moments import NS_PER_S
from twin_env.studies.chaos_run.simulate import simulate
from twin_env.twin.baseline import measure, scene_of, stage_of
from twin_env.twin.opening import open_market

LEAD_S: Final = 30.0
_OWN_PLANES: Final = ("orders", "account", "host", "venue")
_WAIT_S: Final = 60.0  # for what never happens to a desk that does nothing
_LONGEST_S: Final = 6 * 3600.0
_SHORTEST_S: Final = 10.0


@dataclass
class Run:
    """An experiment that was run.

    Attributes:
        journal: What came of it.
        chaos: The run.
        calm: The paired one, without faults.
        scene: The market it was compiled for.
        arm_ns: From when its times count, ns since the epoch.
    """

    journal: Journal
    chaos: MarketRun
    calm: MarketRun
    scene: Scene
    arm_ns: int

    @property
    def trace(self) -> Trace:
        """What the run looked like."""
        return self.chaos.trace


def run_experiment(
    experiment: Experiment, market: str | Any = "mgc_2025", links: str | Any = "retail", *, seed: int = 0
) -> Run:
    """Run an experiment and its paired baseline.

    Args:
        experiment: What goes wrong.
        market: A :class:`~twin_env.market.market.Market`, or a preset's name, path or keys.
        links: Likewise, of the wires; not used with a market that is one.
        seed: Of the market.

    Raises:
        ConfigError: The experiment does not fit the market.
    """
    place = market if isinstance(market, Market) else open_market(market, links)
    stage = stage_of(place)
    arm_ns = _arm_ns(experiment, stage, place)
    start_ns = (
        max(arm_ns - round(LEAD_S * NS_PER_S), place.first_ns) if place.last_ns else arm_ns - round(LEAD_S * NS_PER_S)
    )
    method_s = min(max(_method_s(experiment, stage, arm_ns), _SHORTEST_S), _LONGEST_S)
    end_ns = arm_ns + round((method_s + experiment.rollbacks.settle_s) * NS_PER_S)
    if place.last_ns is not None and end_ns > place.last_ns:
        raise ConfigError([f"the experiment ends {(end_ns - place.last_ns) / NS_PER_S:.0f} s after the history does."])
    busy = any(fault.plane in _OWN_PLANES or isinstance(fault.when, OnEvent) for fault in experiment.method)
    calm = simulate(place, seed, start_ns, end_ns, busy=busy)
    stage = _staged(place, stage, calm, arm_ns, arm_ns + round(method_s * NS_PER_S))
    program = compile_experiment(experiment, stage)
    steady = Steady(experiment, stage.scene, calm.trace, arm_ns)
    chaos = simulate(place, seed, start_ns, end_ns, program, arm_ns, stop_check(experiment, steady), busy)
    journal = write_journal(experiment, place, seed, stage, steady, chaos, calm, arm_ns)
    return Run(journal, chaos, calm, stage.scene, arm_ns)


def _arm_ns(experiment: Experiment, stage: Stage, market: Market) -> int:
    """Return from when times count: shortly before the first time of the clock, else the market's first start."""
    moments = [moment_of(fault.when, stage) for fault in experiment.method if isinstance(fault.when, Clock | Anchor)]
    lead_ns = round(LEAD_S * NS_PER_S)
    return min(moments) if moments else market.first_ns + lead_ns


def _method_s(experiment: Experiment, stage: Stage, arm_ns: int) -> float:
    """Return when the last fault is over by plan, in seconds from when times count."""
    return max((_end_s(experiment, fault, stage, arm_ns) for fault in experiment.method), default=0.0)


def _begin_s(experiment: Experiment, fault: Fault, stage: Stage, arm_ns: int) -> float:
    when: Any = fault.when
    if isinstance(when, Offset):
        return when.seconds
    if isinstance(when, Random):
        return when.to_s
    if isinstance(when, Periodic):
        return min(when.first_s + when.period_s * (when.times - 1), _LONGEST_S / 4)
    if isinstance(when, Clock | Anchor):
        return (moment_of(when, stage) - arm_ns) / NS_PER_S
    if isinstance(when, WithFault):
        return _begin_s(experiment, experiment.fault(when.fault), stage, arm_ns) + float(when.delay_s)
    if isinstance(when, AfterFault):
        return _end_s(experiment, experiment.fault(when.fault), stage, arm_ns) + float(when.delay_s)
    return _WAIT_S


def _end_s(experiment: Experiment, fault: Fault, stage: Stage, arm_ns: int) -> float:
    return _begin_s(experiment, fault, stage, arm_ns) + fault.lasts_s


def _staged(market: Market, stage: Stage, calm: MarketRun, begin_ns: int, end_ns: int) -> Stage:
    """Return the stage with what the paired run was like in the time of the method in the place of its baseline."""
    window = calm.trace.between(begin_ns, end_ns)
    paired = measure(window)
    baseline = replace(paired, sigma_ticks=stage.scene.baseline.sigma_ticks)
    return replace(stage, scene=scene_of(market, baseline, float(window.mid_ticks[0])))
