"""Write the journal of a run: what was asked for beside what came of it."""

import platform
from typing import Any, Final

import numpy as np

from twin_env.chaos.compile import Stage
from twin_env.chaos.experiment import Experiment
from twin_env.chaos.faults.base import Fault
from twin_env.chaos.journal.journal import (
    Deviation,
    FaultRecord,
    Journal,
    Label,
    Radius,
    Reading,
    SteadyStates,
    VenueRecord,
)
from twin_env.chaos.journal.labels import label
from twin_env.chaos.journal.measurements import Window
from twin_env.chaos.journal.steady_state import Steady
from twin_env.chaos.journal.trace import STEP_NS, MarketRun, Trace
from twin_env.core.state.codes import REASON_NAMES
from twin_env.market.market import Market
from twin_env.market.moments import NS_PER_S
from twin_env.version import __version__

_LONG_NS: Final = 2**61
_CHUNK: Final = NS_PER_S


def write_journal(
    experiment: Experiment,
    market: Market,
    seed: int,
    stage: Stage,
    steady: Steady,
    chaos: MarketRun,
    calm: MarketRun,
    arm_ns: int,
) -> Journal:
    """Return the journal of a run and the paired one.

    Args:
        experiment: What was run.
        market: Where.
        seed: Of the market.
        stage: What it was compiled for.
        steady: Looks at the steady state.
        chaos: The run.
        calm: The paired run.
        arm_ns: From when the experiment's times counted.
    """
    windows = _windows(experiment, chaos, calm)
    records = tuple(_record(fault, windows.get(fault.name), stage, chaos, calm) for fault in experiment.method)
    over_ns = max((window.ended_ns for window in windows.values()), default=arm_ns)
    end_ns = int(chaos.trace["t_ns"][-1])
    before = steady.look(chaos.trace, int(chaos.trace["t_ns"][0]), arm_ns)
    after = steady.look(chaos.trace, max(over_ns, end_ns - 10 * NS_PER_S), end_ns)
    states = SteadyStates(before=before, after=after, recovered_s=steady.recovered_s(chaos.trace, over_ns))
    failed = not all(record.met for record in before)
    return Journal(
        experiment=experiment,
        experiment_hash=experiment.hash,
        status="failed" if failed else "aborted" if chaos.stopped_ns is not None else "completed",
        seed=seed,
        market=market.instrument.symbol,
        start_ns=int(chaos.trace["t_ns"][0]) - STEP_NS,
        end_ns=end_ns,
        baseline=_numbers(stage.scene.baseline),
        scale=_numbers(stage.scene.scale),
        run=records,
        steady_states=states,
        venue=_venue(market, chaos),
        blast_radius=_radius(windows, records, chaos.trace, arm_ns),
        ground_truth=_labels(windows, chaos.trace, calm.trace),
        event_hashes={"chaos": _hash(chaos), "calm": _hash(calm)},
        provenance={"twin_env": __version__, "python": platform.python_version(), "numpy": np.__version__},
    )


def _windows(experiment: Experiment, chaos: MarketRun, calm: MarketRun) -> dict[str, Window]:
    """Return the time of each fault that began, by its name."""
    effects = chaos.effects
    end_ns = int(chaos.trace["t_ns"][-1])
    windows = {}
    for number, name in enumerate(sorted(experiment.names)):
        of_fault = effects[effects["fault"] == number]
        if len(of_fault) and of_fault[0]["begun"] > 0:
            middle_ns = (int(of_fault[0]["began_ns"]) + min(int(of_fault[0]["end_ns"]), end_ns)) // 2
            chunk = (middle_ns - int(chaos.trace["t_ns"][0])) // _CHUNK
            modifiers = chaos.modifiers[int(np.clip(chunk, 0, len(chaos.modifiers) - 1))]
            windows[name] = Window(chaos.trace, calm.trace, of_fault, end_ns, modifiers)
    return windows


def _record(fault: Fault, window: Window | None, stage: Stage, chaos: MarketRun, calm: MarketRun) -> FaultRecord:
    """Return the record of one fault."""
    readings: tuple[Reading, ...] = ()
    noted: dict[str, Any] = {"begun": 0, "began_ns": None, "ended_ns": None, "observable_ns": None}
    if window is not None:
        measured = fault.measure(window, stage.scene)
        readings = tuple(
            Reading(
                name=one.name,
                requested=one.requested,
                achieved=one.achieved,
                low=_finite(one.low),
                high=_finite(one.high),
                met=one.met,
            )
            for one in measured
        )
        noted = {
            "begun": int(window.effects[0]["begun"]),
            "began_ns": window.began_ns,
            "ended_ns": window.ended_ns,
            "observable_ns": _observable_ns(window, chaos.trace, calm.trace),
            "sent_lots": window.sent_lots,
            "traded_lots": int(window.effects["traded_lots"].sum()),
            "sent_messages": window.sent_messages,
            "refused_messages": int(window.effects["refused_messages"].sum()),
        }
    return FaultRecord(
        id=fault.name,
        kind=fault.kind,
        plane=fault.plane,
        words=fault.describe(),
        requested=fault.model_dump(mode="json"),
        readings=readings,
        deviation=_deviation(window, readings, chaos),
        **noted,
    )


def _deviation(window: Window | None, readings: tuple[Reading, ...], chaos: MarketRun) -> Deviation:
    """Say in one word how what came of a fault differs from what was asked for."""
    if window is None:
        return "not_begun"
    missed = [reading for reading in readings if not reading.met]
    if not missed:
        return "none"
    if any(reading.achieved is None for reading in missed):
        return "not_exercised"
    if int(window.effects["refused_messages"].sum()) > 0 or _pauses(chaos) > 0:
        return "blocked_by_venue"
    first = missed[0]
    above = first.high is not None and first.achieved is not None and first.achieved > first.high
    return "over_achieved" if above else "under_achieved"


def _observable_ns(window: Window, chaos: Trace, calm: Trace) -> int | None:
    """Return when the desk's book first differed from that of the paired run."""
    first = int(np.searchsorted(chaos["t_ns"], window.began_ns))
    count = min(len(chaos), len(calm))
    differs = chaos["desk_hash"][first:count] != calm["desk_hash"][first:count]
    return int(chaos["t_ns"][first + int(np.argmax(differs))]) if differs.any() else None


def _venue(market: Market, chaos: MarketRun) -> VenueRecord:
    """Return what the venue did."""
    refused = {REASON_NAMES[code]: count for code, count in chaos.rejects.items()}
    closed_s = float(chaos.trace["closed"].sum()) * STEP_NS / NS_PER_S
    return VenueRecord(protections=_protected(chaos), pauses=_pauses(chaos), halted_s=closed_s, refused=refused)


def _protected(chaos: MarketRun) -> bool:
    """Tell whether velocity logic, circuit breaker or price band were on at the end."""
    venue = chaos.venue
    if "guards" not in (venue.dtype.names or ()):
        return False
    return bool((venue["guards"]["move_ticks"] > 0).any() or venue["band_ticks"] > 0)


def _pauses(chaos: MarketRun) -> int:
    """Count how often a protection stopped trading."""
    venue = chaos.venue
    return int(venue["guards"]["trips"].sum()) if "guards" in (venue.dtype.names or ()) else 0


def _radius(windows: dict[str, Window], records: tuple[FaultRecord, ...], run: Trace, arm_ns: int) -> Radius:
    """Return how far a run really went."""
    after = run.between(arm_ns, _LONG_NS)
    active = after["active"] > 0
    mids = after.mid_ticks
    return Radius(
        fault_s=float(active.sum()) * STEP_NS / NS_PER_S,
        share_of_time=float(active.mean()) if len(after) else 0.0,
        most_concurrent=int(after["active"].max(initial=0)),
        aggressor_lots=sum(record.traded_lots for record in records),
        largest_move_ticks=float(np.abs(mids - mids[0]).max()) if len(after) else 0.0,
    )


def _labels(windows: dict[str, Window], chaos: Trace, calm: Trace) -> tuple[Label, ...]:
    """Return the truth for detectors, fault by fault."""
    labels: list[Label] = []
    for name, window in windows.items():
        seen_ns = _observable_ns(window, chaos, calm)
        labels += label(name, window, window.began_ns if seen_ns is None else seen_ns)
    return tuple(labels)


def _numbers(of: Any) -> dict[str, float]:
    return {name: float(getattr(of, name)) for name in of.__dataclass_fields__}


def _hash(run: MarketRun) -> str:
    return f"{run.event_hash:016x}"


def _finite(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
