"""Failures of different kinds, not the same one many times.

MAP-Elites (Mouret and Clune, *Illuminating search spaces by mapping elites*, arXiv 1504.04909, 2015): a grid of
descriptors that keeps the best of each cell. Descriptors are the families of the faults and the third of the episode in
which the first of them begins.
"""

from collections.abc import Iterable
from typing import Final, Literal

from twin_env.chaos.experiment import Experiment
from twin_env.chaos.faults import KINDS
from twin_env.chaos.when import Offset
from twin_env.studies.search.evaluator import Candidate
from twin_env.studies.search.space import Space

Third = Literal["early", "middle", "late", "any"]
Cell = tuple[str, Third]
THIRDS: Final[tuple[Third, ...]] = ("early", "middle", "late")


class Archive:
    """The most damaging candidate of each cell.

    Attributes:
        space: Of the candidates.
        cells: By families, joined by ``+``, and third.
    """

    def __init__(self, space: Space) -> None:
        self.space = space
        self.cells: dict[Cell, Candidate] = {}

    def add(self, candidates: Iterable[Candidate]) -> None:
        """Keep those that are worse than what their cell has."""
        for one in candidates:
            cell = cell_of(self.space.experiment(one.point), self.space.horizon_s)
            if cell not in self.cells or one.mean > self.cells[cell].mean:
                self.cells[cell] = one

    def elites(self) -> list[tuple[Cell, Candidate]]:
        """Return cells and their candidates, the most damaging first."""
        return sorted(self.cells.items(), key=lambda item: -item[1].mean)


def cell_of(experiment: Experiment, horizon_s: float) -> Cell:
    """Return the cell an experiment belongs to."""
    families = "+".join(sorted({KINDS[fault.kind].family for fault in experiment.method}))
    onsets = [fault.when.seconds for fault in experiment.method if isinstance(fault.when, Offset)]
    if not onsets:
        return families, "any"
    third = min(int(3 * min(onsets) / horizon_s), len(THIRDS) - 1)
    return families, THIRDS[third]
