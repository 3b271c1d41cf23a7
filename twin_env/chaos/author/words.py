"""Experiments as a person reads them: faults and their times in words, and the document as YAML."""

from collections.abc import Iterator
from typing import Any, Final

from twin_env.chaos.experiment import Experiment
from twin_env.chaos.when import AfterFault, Anchor, Clock, Offset, OnEvent, Periodic, When, WithFault
from twin_env.config import dump_yaml

_WIDTH: Final = 100
_ALWAYS: Final = ("schema_version", "title", "method")


def describe_when(when: When) -> str:
    """Return when a fault begins, a phrase without a full stop."""
    if isinstance(when, Offset):
        return f"{when.seconds:g} s after the start" if when.seconds else "at the start"
    if isinstance(when, Clock):
        return f"at {when.time} {when.zone}" + (f" on {when.day}" if when.day else "")
    if isinstance(when, Anchor):
        name = f"{when.name} ({when.start})" if when.start else when.name
        way = "before" if when.offset_s < 0 else "after"
        return f"{abs(when.offset_s):g} s {way} {name}" if when.offset_s else f"at {name}"
    if isinstance(when, WithFault | AfterFault):
        delay = f"{when.delay_s:g} s after " if when.delay_s else ""
        if isinstance(when, WithFault):
            return f"{delay}{when.fault} begins" if delay else f"together with {when.fault}"
        return f"{delay or 'as soon as '}{when.fault} is over"
    if isinstance(when, OnEvent):
        return _describe_event(when)
    if isinstance(when, Periodic):
        return f"every {when.period_s:g} s, at most {when.times} times"
    return f"at a random time between {when.from_s:g} and {when.to_s:g} s"


def _describe_event(when: OnEvent) -> str:
    what = when.event.replace("_", " ")
    what += f" of {when.threshold:g}" + (" ticks" if when.event == "move" else "") if when.threshold else ""
    nth = f" number {when.nth}" if when.nth > 1 else ""
    return f"{f'{when.delay_s:g} s after' if when.delay_s else 'on'} the event '{what}'{nth}"


def describe_experiment(experiment: Experiment) -> Iterator[str]:
    """Yield an experiment in words, line by line."""
    yield experiment.title
    for fault in experiment.method:
        chance = f", with a chance of {fault.toxicity:.0%}" if fault.toxicity < 1 else ""
        yield f"  {fault.name}: {fault.describe()}; {describe_when(fault.when)}{chance}."
    if not experiment.method:
        yield f"  {experiment.describe()}"


def as_yaml(experiment: Experiment) -> str:
    """Return the document; what is as usual is left out, but nothing of the faults."""
    data: dict[str, Any] = experiment.model_dump(mode="json", exclude_none=True)
    defaults = Experiment(title="as usual").model_dump(mode="json", exclude_none=True)
    data = {key: value for key, value in data.items() if key in _ALWAYS or value != defaults.get(key)}
    data |= {key: {name: said for name, said in data[key].items() if said} for key in ("provenance",) if key in data}
    return dump_yaml(data, width=_WIDTH)
