"""What an author understood of a sentence: flat, without defaults, in the sentence's own units.

The grammar and a language model both fill it. Every size is a number with its unit in one short list, so no author
does arithmetic and the schema needs no slot per field of 36 kinds: draft, fault, measure are its three levels. It has
no defaults and does not rely on bounds or lengths, for providers drop both; ``compile`` checks all of it anew.
"""

from typing import TYPE_CHECKING, Final, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field

from twin_env.chaos.faults import KINDS
from twin_env.chaos.when import Event

if TYPE_CHECKING:
    Kind = str
else:
    Kind = Literal[tuple(KINDS)]

SizeUnit = Literal["points", "ticks", "percent", "bps", "usd_per_contract", "sigma", "spreads", "dollars"]
TimeUnit = Literal["us", "ms", "s", "min", "h"]
DraftUnit = Literal[SizeUnit, TimeUnit, "times", "lots", "count", "per_s", "none"]
SlotName = Literal[
    "move", "fall", "hold", "give_back", "half_life", "duration", "multiple", "activity", "refill", "share", "chance",
    "left", "herding", "rate", "lots", "count", "interval", "delay", "pause", "distance",
]  # fmt: skip
Word = Literal[
    "up", "down", "buy", "sell", "both", "requests", "reports", "ahead", "behind", "snapshot", "gap", "never",
    "cancel_orders", "keep_orders", "one_way", "linear", "convex", "smooth", "step",
]  # fmt: skip
SIZE_UNITS: Final = get_args(SizeUnit)
TIME_UNITS: Final = get_args(TimeUnit)


class Drafted(BaseModel):
    """Base of what authors emit: immutable, no unknown keys, finite numbers."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Amount(Drafted):
    """A number with its unit.

    Attributes:
        value: As the sentence has it; never converted.
        unit: ``dollars`` is a bare dollar sign, ``times`` a multiple of the usual, ``none`` a bare number.
    """

    value: float = Field(description="The number as written; do not convert units. Never negative: use words.")
    unit: DraftUnit = Field(description="Its unit as written; 'none' for a bare number, 'dollars' for a plain $.")


class Measure(Amount):
    """An amount and the slot of the fault it fills."""

    slot: SlotName = Field(description="Which slot of the kind it fills; the context lists those of every kind.")


class DraftedTime(Drafted):
    """When a fault begins; fields that ``at`` does not use are null.

    Attributes:
        at: ``start`` of the run, so long after it, by the clock, by a named moment of the day, by an event of the desk,
            with or after another fault of the list, at a random time, or again and again.
        part: Of a named moment or of another fault: at it, during it, before it or after it.
        clock: ``HH:MM`` or ``HH:MM:SS``; of an opening range, when that starts.
        zone: IANA name.
        day: ISO date.
        anchor: Named moment.
        event: Of the desk.
        nth: The how manieth event, or how many times.
        threshold: Of the events ``move`` and ``drawdown``.
        delay: After or before all this; the period of ``every``; the latest of ``random``.
        fault: Index of the other fault, from 0.
    """

    at: Literal["start", "offset", "clock", "anchor", "event", "with", "after", "random", "every"]
    part: Literal["at", "during", "before", "after"]
    clock: str | None = Field(examples=["10:00"])
    zone: str | None = Field(examples=["America/New_York"])
    day: str | None = Field(examples=["2025-06-02"])
    anchor: str | None = Field(examples=["orb_start"])
    event: Event | None
    nth: int | None
    threshold: Amount | None
    delay: Amount | None
    fault: int | None


class DraftedFault(Drafted):
    """One fault.

    Attributes:
        kind: Of fault.
        severity: A severity, if the sentence says how bad; else ``usual``.
        measures: Its sizes.
        words: Directions, sides, ways to recover.
        when: It begins.
    """

    kind: Kind
    severity: Literal["usual", "low", "mid", "high", "extreme"]
    measures: list[Measure]
    words: list[Word]
    when: DraftedTime


class Draft(Drafted):
    """What an author understood.

    Attributes:
        title: One line.
        symbol: The instrument the sentence names; null if it names none.
        protections: Of the venue: ``market`` unless the sentence switches them.
        faults: At most 8.
        assumptions: Readings of the author that the sentence leaves open, one sentence each.
        unplaced: Words of the sentence that found no place.
        refusal: Why no experiment can be made of it, one sentence; else null.
    """

    title: str
    symbol: str | None
    protections: Literal["market", "on", "off"]
    faults: list[DraftedFault] = Field(description="At most 8; empty only if the sentence asks for nothing to happen.")
    assumptions: list[str]
    unplaced: list[str] = Field(description="Words that could change the meaning and found no place.")
    refusal: str | None = Field(description="One sentence if no fault is asked for; else null.")


NO_TIME: Final = DraftedTime(
    at="start", part="at", clock=None, zone=None, day=None, anchor=None, event=None, nth=None, threshold=None,
    delay=None, fault=None,
)  # fmt: skip


def refuse(sentence: str, unplaced: list[str] | None = None) -> Draft:
    """Return the draft of a sentence that no experiment can be made of."""
    return Draft(
        title="", symbol=None, protections="market", faults=[], assumptions=[], unplaced=unplaced or [],
        refusal=sentence,
    )  # fmt: skip
