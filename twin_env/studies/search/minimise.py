"""The least that still breaks: first fewer faults, then milder ones.

Delta debugging (Zeller and Hildebrandt, *Simplifying and isolating failure-inducing input*, IEEE TSE 28(2), 2002)
leaves a set of faults of which none can be spared; then every number is made milder, or more usual where the fault's
severities do not say which way is milder, as far as it goes.
"""

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from pydantic import ValidationError

from twin_env.chaos.experiment import Experiment
from twin_env.chaos.faults import KINDS
from twin_env.chaos.faults.base import Fault
from twin_env.chaos.quantity import Quantity
from twin_env.chaos.sampling.fault_templates import DURATION, score_of, worse
from twin_env.chaos.sampling.prior import Choice, Prior

StillBreaks = Callable[[Experiment], bool]
Priors = Mapping[str, Mapping[str, Prior]]
MOST_TESTS: Final = 100
_HALVINGS: Final = 4  # of a score that cannot go to zero
_UNNOTICED: Final = 0.1  # standard deviations that rounding may add


@dataclass(frozen=True)
class Minimised:
    """A smaller experiment.

    Attributes:
        experiment: The smaller experiment.
        tests: How often it was asked whether one breaks.
        breaks: Whether it does: false if the one to begin with did not.
    """

    experiment: Experiment
    tests: int
    breaks: bool


def minimise(
    experiment: Experiment, still_breaks: StillBreaks, *, priors: Priors | None = None, most_tests: int = MOST_TESTS
) -> Minimised:
    """Make an experiment as small as it can be while it still breaks.

    Args:
        experiment: To be minimised.
        still_breaks: Whether one does.
        priors: By kind and field, where they are not the fault's own.
        most_tests: How often that may be asked.
    """
    tester = _Tester(experiment, still_breaks, most_tests)
    faults = list(experiment.method)
    if not tester.breaks(faults):
        return Minimised(experiment, tester.tests, False)
    faults = _fewer(faults, tester)
    for number in range(len(faults)):
        faults = _milder(faults, number, (priors or {}).get(faults[number].kind), tester)
    for number in range(len(faults)):
        rounder = [*faults[:number], _rounded(faults[number]), *faults[number + 1 :]]
        faults = rounder if tester.breaks(rounder) else faults
    return Minimised(tester.make(faults) or experiment, tester.tests, True)


class _Tester:
    """Asks whether faults break, each set of them once."""

    def __init__(self, experiment: Experiment, still_breaks: StillBreaks, most_tests: int) -> None:
        self.tests = 0
        self._experiment = experiment
        self._still_breaks = still_breaks
        self._most_tests = most_tests
        self._known: dict[str, bool] = {}

    def make(self, faults: Sequence[Fault]) -> Experiment | None:
        """Return the experiment with other faults; ``None`` if one waits for a fault that is gone."""
        provenance = self._experiment.provenance.model_copy(update={"parent": self._experiment.hash})
        changes: dict[str, Any] = {"method": tuple(faults), "provenance": provenance}
        try:
            return Experiment(**{**dict(self._experiment), **changes})
        except ValidationError:
            return None

    def breaks(self, faults: Sequence[Fault]) -> bool:
        """Tell whether they do; no once the tests are used up."""
        made = self.make(faults)
        if made is None or not faults:
            return False
        if made.hash not in self._known:
            if self.tests >= self._most_tests:
                return False
            self.tests += 1
            self._known[made.hash] = self._still_breaks(made)
        return self._known[made.hash]


def _fewer(faults: list[Fault], tester: _Tester) -> list[Fault]:
    """Leave out faults until none can be spared (ddmin, Zeller and Hildebrandt 2002, figure 5)."""
    parts = 2
    while len(faults) > 1:
        cuts = [round(len(faults) * number / parts) for number in range(parts + 1)]
        slices = list(itertools.pairwise(cuts))
        subsets = [faults[first:last] for first, last in slices]
        rests = [faults[:first] + faults[last:] for first, last in slices]
        smaller = next((tried for tried in subsets + rests if tester.breaks(tried)), None)
        if smaller is not None:
            parts = 2 if smaller in subsets else max(parts - 1, 2)
            faults = smaller
        elif parts < len(faults):
            parts = min(2 * parts, len(faults))
        else:
            break
    return faults


def _milder(faults: list[Fault], number: int, priors: Mapping[str, Prior] | None, tester: _Tester) -> list[Fault]:
    """Move every number of a fault towards its median: all the way, or as far as a few halvings find it goes."""
    for axis, prior in (priors or KINDS[faults[number].kind].priors).items():
        score = None if isinstance(prior, Choice) else score_of(prior, getattr(faults[number], axis))
        if score is None or not _is_bad(faults[number].kind, axis, score):
            continue
        low, high, share = 0.0, 1.0, 0.0  # shares of the score: the higher breaks, the lower is not known to
        for _ in range(1 + _HALVINGS):
            fault = _with(faults[number], axis, prior.at(share * score))
            changed = [*faults[:number], fault, *faults[number + 1 :]]
            if tester.breaks(changed):
                faults, high = changed, share
            else:
                low = share
            share = (low + high) / 2.0
    return faults


def _is_bad(kind: str, axis: str, score: float) -> bool:
    """Tell whether going to the median makes a fault milder, or at least more usual."""
    sign = worse(kind, axis) or int(axis == DURATION)
    return score * sign > 0.0 if sign else score != 0.0


def _with(fault: Fault, axis: str, value: Any) -> Fault:
    return type(fault)(**{**fault.model_dump(), axis: value})


def _rounded(fault: Fault) -> Fault:
    """Return a fault whose numbers have two digits, for whoever reads it, where that makes none more unusual."""
    for axis, prior in fault.priors.items():
        value = getattr(fault, axis)
        if isinstance(value, Quantity):
            tried = _with(fault, axis, {"value": _two_digits(value.value), "unit": value.unit})
        elif isinstance(value, float):
            tried = _with(fault, axis, _two_digits(value))
        else:
            continue
        before, after = (score_of(prior, getattr(one, axis)) for one in (fault, tried))
        if before is not None and after is not None and abs(after) < abs(before) + _UNNOTICED:
            fault = tried
    return fault


def _two_digits(value: float) -> float:
    return float(f"{value:.2g}")
