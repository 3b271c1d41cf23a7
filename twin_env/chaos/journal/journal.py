"""The journal of a run: one can walk through what happened by its journal alone.

It mirrors the experiment, as Chaos Toolkit's does: what was asked for beside what came of it, fault by fault, what was
normal before and after, and the truth a detector is to be scored against.
"""

from typing import Any, Literal

from pydantic import Field

from twin_env.chaos.experiment import Experiment
from twin_env.config import Config

Deviation = Literal["none", "under_achieved", "over_achieved", "blocked_by_venue", "not_begun", "not_exercised"]


class Reading(Config):
    """What was asked for and what was measured; ``achieved`` is ``None`` where there was nothing to measure."""

    name: str
    requested: float
    achieved: float | None
    low: float | None
    high: float | None
    met: bool


class FaultRecord(Config):
    """One fault of a run.

    Attributes:
        id: What it is called.
        kind: What it is.
        plane: Where it acts.
        words: It in plain words.
        requested: Its fields.
        began_ns: When it began, ns since the epoch; ``None`` if it never did.
        ended_ns: When it was over.
        observable_ns: When the desk could see it first.
        begun: How often it began.
        readings: What was asked for beside what came of it.
        deviation: In one word, how they differ.
        sent_lots: Lots its actor sent.
        traded_lots: Lots its actor traded.
        sent_messages: Messages its actor sent.
        refused_messages: Of them, how many the venue refused.
    """

    id: str
    kind: str
    plane: str
    words: str
    requested: dict[str, Any]
    began_ns: int | None
    ended_ns: int | None
    observable_ns: int | None
    begun: int
    readings: tuple[Reading, ...]
    deviation: Deviation
    sent_lots: int = 0
    traded_lots: int = 0
    sent_messages: int = 0
    refused_messages: int = 0


class ProbeRecord(Config):
    """One probe of the steady state: its metric, its value, and whether it held."""

    metric: str
    value: float
    low: float | None
    high: float | None
    met: bool


class SteadyStates(Config):
    """The steady state before the method and after it; ``recovered_s`` is how long that took, ``None``: too long."""

    before: tuple[ProbeRecord, ...]
    after: tuple[ProbeRecord, ...]
    recovered_s: float | None


class Label(Config):
    """Truth for detectors: a signal that was really there, and when it could be seen.

    Attributes:
        fault: Which caused it.
        signal: Its name.
        begins_ns: When the desk could see it first.
        ends_ns: When it was over.
        value: How strong it was, against the paired run.
    """

    fault: str
    signal: str
    begins_ns: int
    ends_ns: int
    value: float


class VenueRecord(Config):
    """What the venue did: whether its protections were on, its pauses, and what it refused."""

    protections: bool
    pauses: int
    halted_s: float
    refused: dict[str, int]


class Radius(Config):
    """How far it really went."""

    fault_s: float
    share_of_time: float
    most_concurrent: int
    aggressor_lots: int
    largest_move_ticks: float


class Journal(Config):
    """The record of one run.

    Attributes:
        experiment: Copy of what was run.
        experiment_hash: Names it.
        status: ``completed``, ``aborted`` by a stop condition, or ``failed`` because the market was not normal before.
        seed: Of the market.
        market: What it was run in.
        start_ns: When the desk began to see and to act, ns since the epoch.
        end_ns: When the run ended.
        baseline: What the paired run without faults was like, in the window of the method.
        scale: What units mean in this market.
        run: The faults.
        steady_states: Normal before and after.
        venue: What the venue did.
        blast_radius: How far it went.
        ground_truth: For detectors.
        event_hashes: Hash of all events of this run and of the paired one.
        provenance: Versions, and what the run was made with.
    """

    experiment: Experiment
    experiment_hash: str
    status: Literal["completed", "aborted", "failed"]
    seed: int
    market: str
    start_ns: int
    end_ns: int
    baseline: dict[str, float]
    scale: dict[str, float]
    run: tuple[FaultRecord, ...]
    steady_states: SteadyStates
    venue: VenueRecord
    blast_radius: Radius
    ground_truth: tuple[Label, ...]
    event_hashes: dict[str, str] = Field(default_factory=dict)
    provenance: dict[str, Any] = Field(default_factory=dict)
