"""Playing a run file again: the same configuration, seed and inputs, compared byte for byte where it says so."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from twin_env.core.stream import ALL_PLANES
from twin_env.twin.run_file import Run, RunFileError
from twin_env.twin.twin import Twin
from twin_env.version import __version__


@dataclass(frozen=True)
class Replay:
    """A run that was played again.

    Attributes:
        twin: Where it ended.
        checks: Checkpoints that were compared.
        mismatch: The first that differs, in a sentence; ``None`` where all are the same.
    """

    twin: Twin
    checks: int
    mismatch: str | None


def replay_run(run: Run, *, until_ns: int | None = None, planes: int = ALL_PLANES) -> Replay:
    """Play a run file again.

    Args:
        run: What :func:`twin_env.twin.run_file.read_run` read.
        until_ns: Where to stop, and perhaps take over; by default at the last line.
        planes: Which planes of the stream are written.

    Raises:
        RunFileError: Its market is not what it was: data, presets or version changed. Or an input is unknown.
    """
    header = run.header
    if header.get("door") != "twin":
        raise RunFileError(f"{run.path}: is of {header.get('door')!r}, expected a run of a Twin")
    twin = Twin(
        header["market"], header["links"], header["experiment"], header["seed"],
        start_ns=header["start_ns"], planes=planes, wires=header.get("wires", True),
    )  # fmt: skip
    if twin.market.history_hash != header["history_hash"]:
        raise RunFileError(
            f"{run.path}: its market is another one now (written by version {header['version']}, this is "
            f"{__version__}), expected the same data"
        )
    checks, mismatch = 0, None
    for number, line in enumerate(run.inputs, 2):
        if until_ns is not None and line["at_ns"] > until_ns:
            break
        try:
            twin.advance_until(line["at_ns"])
            if line["input"] in ("check", "end"):
                checks += 1
                mismatch = mismatch or _compare(run, line, twin.checkpoint(), twin.market.layout_hash)
            else:
                _input(run, line["input"])(twin, line)
        except RunFileError:
            raise
        except (KeyError, TypeError, ValueError) as error:  # content that no Twin wrote
            raise RunFileError(f"{run.path}: line {number} cannot be played ({error})") from error
    if until_ns is not None:
        twin.advance_until(until_ns)
    return Replay(twin, checks, mismatch)


def _compare(run: Run, line: dict[str, Any], found: dict[str, Any], layout_hash: str) -> str | None:
    # The hash of all bytes says more than that of events, and nothing once a version lays out its worlds otherwise.
    names = found if run.header["layout_hash"] == layout_hash else ["event_hash"]
    for name in names:
        value = found[name]
        if line[name] != value:
            return f"{run.path}: at {line['at_ns']} ns {name} is {value}, expected {line[name]}"
    return None


def _input(run: Run, name: str) -> Callable[[Twin, dict[str, Any]], object]:
    if name not in _INPUTS:
        raise RunFileError(f"{run.path}: input {name!r} is unknown, expected one of {', '.join(_INPUTS)}")
    return _INPUTS[name]


_INPUTS: Final[dict[str, Callable[[Twin, dict[str, Any]], object]]] = {
    "submit": lambda twin, line: twin.desk.repeat_submit(line),
    "submit_oco": lambda twin, line: twin.desk.repeat_submit_oco(line),
    "cancel": lambda twin, line: twin.desk.cancel(twin.desk.id_of(line["number"])),
    "replace": lambda twin, line: twin.desk.repeat_replace(line),
    "inject": lambda twin, line: twin.inject(line["experiment"]),
    "stop_faults": lambda twin, line: twin.stop_faults(),
    "trade_as_external": lambda twin, line: twin.trade_as_external(line["side"], line["lots"]),
}
