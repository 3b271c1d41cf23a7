"""The plan of an experiment: how many of its faults can be on at a time, before it is played.

Faults that wait for each other form a *chain*: their times within it are fixed by plan, from the beginning of the
first. Where a chain stands may be fixed as well (an offset, a time of the clock) or left to chance or to an event; it
then counts at every moment at which it can be.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from twin_env.chaos.experiment import Experiment
from twin_env.chaos.faults.base import Fault
from twin_env.chaos.when import AfterFault, Offset, Periodic, Random, WithFault

_INSTANT_S: Final = 1e-6  # length of a fault that is over at once


@dataclass(frozen=True)
class _Span:
    """A time, begin included and end not, in seconds."""

    begin_s: float
    end_s: float

    def holds(self, moment_s: float) -> bool:
        return self.begin_s <= moment_s < self.end_s

    def shifted(self, by: "_Span") -> "_Span":
        """Return the time it can take when it is moved by anything from a beginning to an end."""
        return _Span(self.begin_s + by.begin_s, self.end_s + by.end_s)


def most_concurrent(experiment: Experiment, clock_s: Mapping[str, float]) -> int:
    """Return how many faults can be on at a time, by their planned times.

    Args:
        experiment: Whose method.
        clock_s: Seconds since any moment at which faults with a time of the clock begin, by name. How these stand to
            offsets is not known before an episode starts, so the most of either kind count together.
    """
    chains: dict[str, dict[str, _Span]] = {}
    for fault in experiment.method:
        first, begin_s = _place_in_chain(experiment, fault)
        chains.setdefault(first, {})[fault.name] = _Span(begin_s, begin_s + max(fault.lasts_s, _INSTANT_S))
    by_clock = [(chains[name], _Span(clock_s[name], clock_s[name])) for name in chains if name in clock_s]
    others = [(chains[name], _reach(experiment.fault(name))) for name in chains if name not in clock_s]
    repeated = {name: experiment.fault(name).when for name in chains}
    for name, when in repeated.items():
        if isinstance(when, Periodic) and _overtakes(chains[name], when):
            chains[name].update({fault: _whole(chains[name]) for fault in chains[name]})
    return _most(by_clock) + _most(others)


def _place_in_chain(experiment: Experiment, fault: Fault) -> tuple[str, float]:
    """Return the first fault of the chain a fault is in, and how many seconds after that one it begins."""
    when: Any = fault.when
    if not isinstance(when, WithFault | AfterFault):
        return fault.name, 0.0
    other = experiment.fault(when.fault)
    first, begin_s = _place_in_chain(experiment, other)
    return first, begin_s + when.delay_s + (other.lasts_s if isinstance(when, AfterFault) else 0.0)


def _reach(first: Fault) -> _Span:
    """Return the earliest and the latest time at which the first fault of a chain can begin."""
    when: Any = first.when
    if isinstance(when, Offset):
        return _Span(when.seconds, when.seconds)
    if isinstance(when, Random):
        return _Span(when.from_s, when.to_s)
    if isinstance(when, Periodic):
        return _Span(when.first_s, when.first_s + (when.times - 1) * (when.period_s + when.jitter_s))
    return _Span(0.0, math.inf)


def _overtakes(chain: Mapping[str, _Span], when: Periodic) -> bool:
    """Tell whether a repetition can begin before the chain of the one before is over."""
    return when.times > 1 and _whole(chain).end_s > when.period_s - when.jitter_s


def _whole(chain: Mapping[str, _Span]) -> _Span:
    return _Span(0.0, max(span.end_s for span in chain.values()))


def _most(chains: list[tuple[dict[str, _Span], _Span]]) -> int:
    """Return the most faults at a time of chains that move freely within their reach."""
    moments = {span.shifted(reach).begin_s for chain, reach in chains for span in chain.values()}
    return max((sum(_at(chain, reach, moment_s) for chain, reach in chains) for moment_s in moments), default=0)


def _at(chain: Mapping[str, _Span], reach: _Span, moment_s: float) -> int:
    """Return the most faults of a chain that are on together, of those that can be on at a moment."""
    near = [span for span in chain.values() if span.shifted(reach).holds(moment_s)]
    return max((sum(span.holds(one.begin_s) for span in near) for one in near), default=0)
