"""The experiments of a batch: what goes wrong in each row's episode, and the program that makes it so."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from twin_env.chaos.compile import Stage, compile_experiment
from twin_env.chaos.experiment import NOTHING, Experiment
from twin_env.chaos.faults.base import Fault
from twin_env.chaos.read import read_experiment
from twin_env.chaos.sampling.randomisation import SamplerConfig
from twin_env.chaos.sampling.sampler import Sampler
from twin_env.config import ConfigError
from twin_env.core.faults.engine import inject
from twin_env.core.state.codes import ACTOR
from twin_env.core.state.layout import PROGRAM
from twin_env.market.market import Market
from twin_env.twin.baseline import stage_of
from twin_env.twin.opening import experiment_of

ExperimentSource = Any  # whatever names one: a model, a mapping, a file, ``library:NAME``, a sentence

Chooser = Callable[[int, int], Experiment]
"""Says what goes wrong in a row's next episode: takes the row and the episode's number."""


class Injection(NamedTuple):
    """What went wrong in a running episode because somebody asked for it.

    Attributes:
        at_ns: When, ns since the epoch: its times count from there.
        experiment: What.
        first: Place of its first effect among the world's.
        faults: For each of its effects the place of its fault in the experiment's sorted names.
    """

    at_ns: int
    experiment: Experiment
    first: int
    faults: tuple[int, ...]


class EpisodeExperiments:
    """Draws, or takes from a reset, what goes wrong in each row.

    Attributes:
        programs: ``layout.PROGRAM`` array, one per row.
        current: What they were compiled from, one per row.
        injected: What was injected into each row's episode, oldest first.
        chooser: Says what goes wrong where a reset does not, instead of the configuration; ``None`` for nobody.
    """

    def __init__(self, source: SamplerConfig | Experiment | None, market: Market, horizon_s: float, count: int) -> None:
        self.programs: NDArray[np.void] = np.zeros(count, PROGRAM)
        self.current: list[Experiment] = [NOTHING] * count
        self.injected: list[list[Injection]] = [[] for _ in range(count)]
        self.chooser: Chooser | None = None
        self._market, self._horizon_s = market, horizon_s
        self._sampler = Sampler(source) if isinstance(source, SamplerConfig) else None
        self._fixed = source if isinstance(source, Experiment) else NOTHING
        self._compiled: dict[str, NDArray[np.void]] = {}

    @property
    def is_idle(self) -> bool:
        """Whether nothing ever goes wrong unless a reset asks for it."""
        return self.chooser is None and self._sampler is None and not self._fixed.method

    def prepare(
        self, chosen: NDArray[np.bool_], seeds: NDArray[np.uint64], sources: Sequence[ExperimentSource | None]
    ) -> None:
        """Settle what goes wrong in the next episode of each chosen row.

        Args:
            chosen: Bool of shape ``(count,)``.
            seeds: uint64 of shape ``(count,)``: the number of an episode draws its experiment.
            sources: What each row's reset asks for; ``None`` for what the configuration says.

        Raises:
            ConfigError: An experiment does not fit the market.
        """
        for row in np.flatnonzero(chosen):
            self.injected[row] = []
        if self.is_idle and not any(source is not None for source in sources):
            for row in np.flatnonzero(chosen):
                if self.current[row] is not NOTHING:
                    self._settle(int(row), NOTHING)
            return
        for row in np.flatnonzero(chosen):
            self._settle(int(row), self._choose(int(row), int(seeds[row]), sources[int(row)] if len(sources) else None))

    def _choose(self, row: int, seed: int, source: ExperimentSource | None) -> Experiment:
        if source is not None:
            return read_experiment(source, self._market.config)
        if self.chooser is not None:
            return self.chooser(row, seed)
        if self._sampler is not None:
            return self._sampler.draw(seed, self._horizon_s).experiment
        return self._fixed

    def _settle(self, row: int, experiment: Experiment) -> None:
        self.current[row] = experiment
        if not experiment.method and experiment.protections == "market":
            self.programs[row] = np.zeros((), PROGRAM)
        elif experiment is self._fixed:
            if "" not in self._compiled:
                self._compiled[""] = compile_experiment(experiment, self._stage)
            self.programs[row] = self._compiled[""][0]
        else:
            self.programs[row] = compile_experiment(experiment, self._stage)[0]

    @property
    def _stage(self) -> Stage:
        return stage_of(self._market)

    def inject(self, worlds: Any, row: int, what: ExperimentSource | Fault) -> Experiment:
        """Let something go wrong in a running episode; times count from now.

        Args:
            worlds: Record array of the batch's worlds.
            row: Which.
            what: A fault, or anything that names an experiment.

        Raises:
            ConfigError: It does not fit the market, or there is no room for it beside what is there.
        """
        experiment = experiment_of(what, self._market)
        program = compile_experiment(experiment, self._stage)
        first = int(worlds["chaos"]["count"][row])
        if not inject(worlds, row, program, 0):
            raise ConfigError(["inject() finds no room for more effects in this episode: reset it first."])
        self.injected[row].append(Injection(int(worlds["now_ns"][row]), experiment, first, _faults_of(program[0])))
        if self.current[row] is NOTHING:
            self.current[row] = experiment
        return experiment

    def owners(self, row: int) -> dict[int, str]:
        """Return the kind of fault behind each participant that the faults of a row's episode may drive.

        Returns:
            By the owner that its orders have at the exchange.
        """
        drawn = Injection(0, self.current[row], 0, _faults_of(self.programs[row]))
        kinds: dict[int, str] = {}
        for one in (drawn, *self.injected[row]):
            by_name = {fault.name: fault.kind for fault in one.experiment.method}
            names = sorted(by_name)
            kinds |= {ACTOR + one.first + place: by_name[names[fault]] for place, fault in enumerate(one.faults)}
        return kinds

    def fork(self) -> "EpisodeExperiments":
        """Return one that goes its own way from here."""
        twin = EpisodeExperiments(None, self._market, self._horizon_s, 0)
        twin.__dict__.update(self.__dict__)
        twin.programs, twin.current = self.programs.copy(), list(self.current)
        twin.injected = [list(one) for one in self.injected]
        return twin


def _faults_of(program: Any) -> tuple[int, ...]:
    """Return for each effect of a program the place of its fault."""
    return tuple(program["effects"]["fault"][: int(program["count"])].tolist())
