"""A whole search: the front, the worst cases made small, how near the nearest is, and what random search found.

Three sets of episodes keep it honest. The search climbs in the first. Its finalists are scored once more in the second,
within the budget, and failures are made smaller there. Every damage that is reported is of the third, in which nothing
was chosen.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Annotated, Final

import numpy as np
from pydantic import Field

from twin_env.chaos.experiment import Experiment
from twin_env.config import Config
from twin_env.statistics import Interval
from twin_env.studies.search.archive import Archive, Cell
from twin_env.studies.search.evaluator import Candidate, Evaluator, Found, Score, best
from twin_env.studies.search.halving import worst
from twin_env.studies.search.minimise import minimise
from twin_env.studies.search.optimisers import method_name
from twin_env.studies.search.random_search import random_search
from twin_env.studies.search.resilience import CONFIRMATIONS, Resilience, resilience
from twin_env.studies.search.result import (
    Breaking,
    Elite,
    Failure,
    FrontPoint,
    SearchReport,
    Spent,
    share_beyond,
)
from twin_env.studies.search.space import Floats, Point, Space

_UNLIMITED: Final = 10**9
_CHECK: Final = 1_000_000  # between the seeds of the three sets of episodes
_WARM: Final = 3  # points that a search takes over from the one with the next smaller radius


class Settings(Config):
    """Of a search.

    Attributes:
        budget: Evaluations of the search, over all radii, and as many of random search; one is one experiment in one
            episode.
        radii: Of the balls, standard deviations.
        seed: Of the search.
        loop_seeds: Episodes a candidate is scored in while searching, at most.
        check_seeds: Episodes the finalists are chosen by, within the budget, and failures are made smaller in.
        fresh_seeds: Episodes of the damages that are reported.
        finalists: Candidates from which the nearest failure is looked for.
        failures: Most that are made small and reported.
        limit: Damage that counts as broken if half of the episodes have it; ``None`` looks for no nearest failure.
        kept_share: Where a failure is below the limit, or there is none: the share of its damage that must stay while
            it is made smaller.
        minimise_tests: Experiments that may be tried for each.
        first_seed: Of the episodes.
    """

    budget: int = Field(default=2400, ge=10, le=10_000_000)
    radii: Annotated[tuple[Annotated[float, Field(gt=0, le=6)], ...], Field(min_length=1)] = (1.0, 2.0, 3.0, 4.0)
    seed: int = Field(default=0, ge=0)
    loop_seeds: int = Field(default=4, ge=1, le=1000)
    check_seeds: int = Field(default=8, ge=2, le=1000)
    fresh_seeds: int = Field(default=32, ge=2, le=10_000)
    finalists: int = Field(default=10, ge=1, le=100)
    failures: int = Field(default=5, ge=0, le=50)
    limit: float | None = None
    kept_share: float = Field(default=0.5, gt=0, le=1)
    minimise_tests: int = Field(default=40, ge=1, le=10_000)
    first_seed: int = Field(default=0, ge=0, le=1_000_000_000)

    def seeds(self, which: int, count: int) -> range:
        """Return the seeds of one of the three sets of episodes."""
        return range(self.first_seed + which * _CHECK, self.first_seed + which * _CHECK + count)


Tell = Callable[[str], object]
Replay = Callable[[str, int], str]
"""Returns the command that plays the experiment of a file again, in the episode of a seed, as it was scored."""


@dataclass(frozen=True)
class Naming:
    """How a report names what was found.

    Attributes:
        unit: Of damage.
        folder: Where the experiments will be written.
        replay: Who scores knows the world and the policy, and so the command that plays an experiment again.
    """

    unit: str
    folder: str
    replay: Replay


def run_study(score: Score, space: Space, settings: Settings, naming: Naming, *, tell: Tell = len) -> SearchReport:
    """Search, and report.

    Args:
        score: Damage of an experiment, one per seed.
        space: Where to search.
        settings: How.
        naming: Of what is found.
        tell: Is called with what begins.

    Raises:
        ConfigError: The library ``cma`` is not installed; nothing was scored.
    """
    return _Study(score, space, settings, naming, tell).run()


class _Study:
    """One search: its judges, and what was scored in which episodes."""

    def __init__(self, score: Score, space: Space, settings: Settings, naming: Naming, tell: Tell) -> None:
        self.score, self.space, self.settings = score, space, settings
        self.naming, self.tell = naming, tell
        self.method = method_name()  # first of all: a library that is missing is told before anything is played
        self.radii = sorted(settings.radii)
        self.checking = Evaluator(score, _UNLIMITED)
        self.minimising = Evaluator(score, _UNLIMITED)
        self.loop = settings.seeds(0, settings.loop_seeds)
        self.check = settings.seeds(1, settings.check_seeds)
        self.fresh = settings.seeds(2, settings.fresh_seeds)
        self._known: dict[tuple[str, range], Floats] = {}

    def run(self) -> SearchReport:
        """Do everything in order."""
        hunts, random_finds = self._search(), self._search_at_random()
        searched = [one for found in hunts for one in found.candidates]
        self.tell("scoring the worst once more")
        front = tuple(self._front_point(number, hunts, random_finds) for number in range(len(self.radii)))
        archive = Archive(self.space)
        archive.add(searched)
        failures = self._failures(searched)
        nearest = self._nearest(searched)
        return SearchReport(
            method=self.method,
            seed=self.settings.seed,
            budget=self.settings.budget,
            unit=self.naming.unit,
            kinds=tuple(self.space.templates),
            sets=self.space.count,
            sets_seen=len({one.point.kinds for one in searched}),
            front=front,
            failures=failures,
            archive=tuple(_elite(cell, one) for cell, one in archive.elites()),
            breaking=None if nearest is None else self._breaking(nearest),
            spent=Spent(
                search=sum(found.evaluations for found in hunts),
                random=sum(found.evaluations for found in random_finds),
                resilience=0 if nearest is None else nearest.evaluations,
                checking=self.checking.spent,
                minimising=self.minimising.spent,
            ),
        )

    def _search(self) -> list[Found]:
        """Search each ball, from what was worst in the smaller ones."""
        founds: list[Found] = []
        for number, radius in enumerate(self.radii):
            self.tell(f"searching within {radius:g} standard deviations")
            before = [one for found in founds for one in found.candidates]
            warm = [one.point for one in best(before, _WARM)]
            founds.append(
                worst(
                    self.score,
                    self.space,
                    self._budget,
                    radius,
                    self._seed(number),
                    seeds=self.loop,
                    final_seeds=self.check,
                    warm=warm,
                )
            )
        return founds

    def _search_at_random(self) -> list[Found]:
        """Draw from each ball."""
        founds: list[Found] = []
        for number, radius in enumerate(self.radii):
            self.tell(f"searching at random within {radius:g} standard deviations")
            seed = self._seed(number)
            founds.append(
                random_search(
                    self.score, self.space, self._budget, radius, seed, seeds=self.loop, final_seeds=self.check
                )
            )
        return founds

    @property
    def _budget(self) -> int:
        """Evaluations of one radius."""
        return self.settings.budget // len(self.radii)

    def _seed(self, number: int) -> int:
        """Return the seed of a radius: another for each, so that each looks at other sets where not all can be seen."""
        return int(np.random.SeedSequence([self.settings.seed, number]).generate_state(1)[0])

    def _rescore(self, point: Point, seeds: range) -> Candidate:
        damages = self._damages(self.space.experiment(point), seeds)
        return Candidate(point, tuple(damages.tolist()), tuple(seeds))

    def _damages(self, experiment: Experiment, seeds: range) -> Floats:
        key = (experiment.hash, seeds)
        if key not in self._known:
            self._known[key] = self.checking.damages(experiment, seeds)
        return self._known[key]

    def _front_point(self, number: int, hunts: Sequence[Found], random_finds: Sequence[Found]) -> FrontPoint:
        """Score what was chosen in a ball, or in a smaller one, in fresh episodes."""
        estimates: list[Interval | None] = []
        words: list[str] = []
        for founds in (hunts, random_finds):
            chosen = [found.chosen for found in founds[: number + 1] if found.chosen]
            first = max(chosen, key=lambda one: one.mean, default=None)
            estimates.append(Interval.student(self._rescore(first.point, self.fresh).damages) if first else None)
            words.append(self.space.experiment(first.point).describe() if first else "")
        return FrontPoint(
            radius=self.radii[number],
            damage=estimates[0],
            words=words[0],
            random_damage=estimates[1],
            random_words=words[1],
        )

    def _failures(self, searched: list[Candidate]) -> tuple[Failure, ...]:
        """Make the worst of each set of kinds small; sets that shrink to the same are one."""
        worst_of: dict[tuple[str, ...], Candidate] = {}
        for one in best(searched, len(searched)):
            worst_of.setdefault(one.point.kinds, one)
        rescored = [
            self._rescore(one.point, self.check) for one in list(worst_of.values())[: 2 * self.settings.failures]
        ]
        found: dict[tuple[str, ...], Failure] = {}
        for one in sorted(rescored, key=lambda one: -one.mean):
            if one.mean <= 0.0 or len(found) >= self.settings.failures:
                break
            self.tell(f"making {' + '.join(one.point.kinds)} smaller")
            failure = self._shrink(one)
            found.setdefault(failure.kinds, failure)
        return tuple(sorted(found.values(), key=lambda failure: -failure.damage.mean))

    def _shrink(self, one: Candidate) -> Failure:
        limit = self.settings.limit
        goal = limit if limit is not None and one.mean >= limit else self.settings.kept_share * one.mean

        def still_breaks(experiment: Experiment) -> bool:
            return float(np.mean(self.minimising.damages(experiment, self.check))) >= goal

        priors = {kind: template.priors for kind, template in self.space.templates.items()}
        experiment = self.space.experiment(one.point, self.settings.seed)
        small = minimise(experiment, still_breaks, priors=priors, most_tests=self.settings.minimise_tests)
        return self._failure(small.experiment, self._damages(experiment, self.fresh))

    def _failure(self, experiment: Experiment, whole: Floats) -> Failure:
        damages = self._damages(experiment, self.fresh)
        seed = self.fresh[int(np.argmax(damages))]
        point = self.space.point_of(experiment)
        file = f"{self.naming.folder}/{experiment.hash[:12]}.yaml"
        return Failure(
            words=experiment.describe(),
            kinds=tuple(fault.kind for fault in experiment.method),
            damage=Interval.student(damages.tolist()),
            whole_damage=Interval.student(whole.tolist()),
            length=point.length if point else None,
            dimensions=len(point.scores) if point else None,
            share_beyond=share_beyond(point.length, len(point.scores)) if point else None,
            seed=seed,
            file=file,
            command=self.naming.replay(file, seed),
            experiment=experiment,
        )

    def _nearest(self, searched: list[Candidate]) -> Resilience | None:
        limit = self.settings.limit
        if limit is None:
            return None
        self.tell(f"looking for the nearest that costs {limit:g} {self.naming.unit}")
        return resilience(
            self.score,
            lambda damages: float(np.median(damages)) >= limit,
            self.space,
            self.radii[-1],
            self._budget + CONFIRMATIONS * self.settings.fresh_seeds,
            self._seed(len(self.radii)),
            starts=[one.point for one in best(searched, self.settings.finalists)],
            seeds=self.check,
            fresh=self.fresh,
        )

    def _breaking(self, nearest: Resilience) -> Breaking:
        return Breaking(
            limit=self.settings.limit or 0.0,
            beta=nearest.beta,
            chance=nearest.chance,
            confirmed=nearest.confirmed,
            words=self.space.experiment(nearest.point).describe() if nearest.point else "",
            searched_to=self.radii[-1],
        )


def _elite(cell: Cell, one: Candidate) -> Elite:
    return Elite(families=cell[0], third=cell[1], kinds=one.point.kinds, damage=one.mean, length=one.point.length)
