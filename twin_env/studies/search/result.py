"""What a search reports: JSON for machines, plain words for people, and what it does not show."""

from typing import Final

from scipy.stats import chi2

from twin_env.chaos.experiment import Experiment
from twin_env.config import Config
from twin_env.statistics import Interval
from twin_env.studies.search.archive import Third

HONESTY: Final = "Absence of a found failure is not proof."


class FrontPoint(Config):
    """The worst that was found within a radius.

    Attributes:
        radius: Standard deviations.
        damage: Of the search's worst, in fresh episodes; ``None`` if it scored nothing.
        words: That experiment.
        random_damage: Of random search's worst, chosen and scored the same way.
        random_words: That experiment.
    """

    radius: float
    damage: Interval | None
    words: str
    random_damage: Interval | None
    random_words: str


class Failure(Config):
    """One damaging experiment, as small as it could be made.

    Attributes:
        words: It in plain words.
        kinds: Of its faults.
        damage: In fresh episodes, after it was made smaller.
        whole_damage: In the same episodes, before that.
        length: Of its scores, standard deviations; ``None`` if it left the space while it was made smaller.
        dimensions: How many scores it has.
        share_beyond: Share of draws with its faults that are at least as far from the median.
        seed: Of the fresh episode with the most damage.
        file: Where it is written.
        command: Command that replays it.
        experiment: The minimised experiment.
    """

    words: str
    kinds: tuple[str, ...]
    damage: Interval
    whole_damage: Interval
    length: float | None
    dimensions: int | None
    share_beyond: float | None
    seed: int
    file: str
    command: str
    experiment: Experiment


class Elite(Config):
    """One cell of the archive.

    Attributes:
        families: Of the faults.
        third: Of the episode in which the first of them begins.
        kinds: Of the worst candidate.
        damage: Mean in the episodes of the search.
        length: Of its scores, standard deviations.
    """

    families: str
    third: Third
    kinds: tuple[str, ...]
    damage: float
    length: float


class Breaking(Config):
    """How far from usual things must be for the policy to break.

    Attributes:
        limit: Damage that counts as broken if half of the episodes have it.
        beta: Length of the shortest scores that were found to break it; ``None`` if none were.
        chance: ``Phi(-beta)``: the chance to break, to first order.
        confirmed: Whether it broke in fresh episodes too.
        words: That experiment.
        searched_to: Farthest length that was looked at.
    """

    limit: float
    beta: float | None
    chance: float | None
    confirmed: bool
    words: str
    searched_to: float


class Spent(Config):
    """Evaluations by what they were for; one is one experiment in one episode.

    Attributes:
        search: Looking for the worst.
        random: Random search.
        resilience: Looking for the nearest that breaks.
        checking: Scoring the best again, in other episodes.
        minimising: Making them smaller.
    """

    search: int
    random: int
    resilience: int
    checking: int
    minimising: int

    @property
    def total(self) -> int:
        """All of them."""
        return self.search + self.random + self.resilience + self.checking + self.minimising


class SearchReport(Config):
    """All of it.

    Attributes:
        method: The optimiser.
        seed: Of the search.
        budget: Evaluations that search and random search each were allowed.
        unit: Of damage.
        kinds: That were searched.
        sets: How many sets of them there are.
        sets_seen: How many the search looked at.
        front: Damage by radius.
        failures: The worst, different in kind, the most damaging first.
        archive: The worst of each cell.
        breaking: The nearest that breaks; ``None`` if no limit was given.
        spent: Evaluations.
        honesty: What all this does not show.
    """

    method: str
    seed: int
    budget: int
    unit: str
    kinds: tuple[str, ...]
    sets: int
    sets_seen: int
    front: tuple[FrontPoint, ...]
    failures: tuple[Failure, ...]
    archive: tuple[Elite, ...]
    breaking: Breaking | None
    spent: Spent
    honesty: str = HONESTY


def share_beyond(length: float, dimensions: int) -> float:
    """Return the share of standard normal vectors that are at least so long: a chi-square law of their square."""
    return float(chi2.sf(length**2, dimensions))
