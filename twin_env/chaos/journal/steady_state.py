"""The steady state: what is normal in this market, and whether a run is."""

from collections.abc import Callable
from typing import Final

import numpy as np

from twin_env.chaos.experiment import Experiment, Metric
from twin_env.chaos.faults.base import Scene
from twin_env.chaos.journal.journal import ProbeRecord
from twin_env.chaos.journal.trace import Trace
from twin_env.market.moments import NS_PER_S

WINDOW_S: Final = 10.0
_EVERY_S: Final = 1.0
_NS_PER_MS: Final = 1e6


class Steady:
    """Looks at a run through the probes of an experiment, beside the paired run.

    Args:
        experiment: Its steady state is what is normal.
        scene: The market.
        calm: The paired run.
        arm_ns: When the experiment begins.
    """

    def __init__(self, experiment: Experiment, scene: Scene, calm: Trace, arm_ns: int) -> None:
        self.probes = experiment.steady_state.probes
        self._scene, self._calm, self._arm_ns = scene, calm, arm_ns
        self._first_mid = float(calm.between(0, arm_ns).mid_ticks[-1]) if calm["t_ns"][0] <= arm_ns else 0.0

    def value(self, metric: Metric, run: Trace, begin_ns: int, end_ns: int) -> float:
        """Return a metric of a run, between two moments."""
        part, calm = run.between(begin_ns, end_ns), self._calm.between(begin_ns, end_ns)
        if metric == "spread_multiple":
            return float(np.median(part.spread_ticks) / max(np.median(calm.spread_ticks), 1.0))
        if metric == "depth_multiple":
            return float(np.median(part.depth_lots) / max(np.median(calm.depth_lots), 1.0))
        if metric == "feed_age_ms":
            return float(np.median(part["t_ns"] - part["feed_ns"])) / _NS_PER_MS
        if metric == "mirror_ticks":
            apart = np.abs(part["desk_bid"] - part["bid"]) + np.abs(part["desk_ask"] - part["ask"])
            return float(np.median(apart)) / 2.0
        if metric == "halted":
            return float(part["closed"][-1])
        return float(abs(part.mid_ticks[-1] - self._first_mid))

    def look(self, run: Trace, begin_ns: int, end_ns: int) -> tuple[ProbeRecord, ...]:
        """Return every probe, between two moments."""
        records = []
        for probe in self.probes:
            value = self.value(probe.metric, run, begin_ns, end_ns)
            records.append(
                ProbeRecord(metric=probe.metric, value=value, low=probe.low, high=probe.high, met=probe.holds(value))
            )
        return tuple(records)

    def recovered_s(self, run: Trace, from_ns: int) -> float | None:
        """Return how long after ``from_ns`` the first ten seconds with every probe in order begin, if any do."""
        last_ns = int(run["t_ns"][-1])
        window_ns = round(min(WINDOW_S * NS_PER_S, max(last_ns - from_ns, NS_PER_S)))
        for begin_ns in range(from_ns, last_ns - window_ns + 1, round(_EVERY_S * NS_PER_S)):
            if all(record.met for record in self.look(run, begin_ns, begin_ns + window_ns)):
                return (begin_ns - from_ns) / NS_PER_S
        return None


def stop_check(experiment: Experiment, steady: Steady) -> Callable[[Trace], bool] | None:
    """Return what tells, after every second, whether an experiment must be given up; ``None`` if nothing can."""
    if not experiment.stop_conditions:
        return None

    def must_stop(run: Trace) -> bool:
        end_ns = int(run["t_ns"][-1])
        begin_ns = end_ns - NS_PER_S
        return any(
            steady.value(condition.metric, run, begin_ns, end_ns) > condition.above
            for condition in experiment.stop_conditions
        )

    return must_stop
