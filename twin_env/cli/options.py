"""Options that several commands have, each with one meaning."""

import argparse
import json
import os
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final, TextIO

from twin_env.config.yaml import YamlError, parse_yaml
from twin_env.files import write_text

STDOUT: Final = "-"
RUNS: Final = Path("runs")


class JsonOutput:
    """Where ``--json`` writes: a file, or standard output for ``-``, which then has nothing else.

    Attributes:
        path: The file; ``None`` for standard output.
    """

    def __init__(self, text: str) -> None:
        self.path = None if text == STDOUT else output_file(text)
        self._stream: TextIO = sys.stdout  # as it is now: while the command runs, its prints go elsewhere

    def __str__(self) -> str:
        return STDOUT if self.path is None else str(self.path)

    @property
    def is_stdout(self) -> bool:
        """Whether the figures go to standard output."""
        return self.path is None

    def write(self, data: Any) -> None:
        """Write plain data, or a text that is JSON already.

        Raises:
            OutputError: The file cannot be written.
        """
        text = data.rstrip("\n") if isinstance(data, str) else json.dumps(data, indent=2)
        if self.path is None:
            print(text, file=self._stream, flush=True)
        else:
            write_text(self.path, text + "\n")


PICTURES: Final = (".png", ".svg", ".pdf")


def output_file(text: str) -> Path:
    """Read the path of a file to be written, and refuse now what would fail after an hour."""
    path = Path(text)
    above = next(folder for folder in path.absolute().parents if folder.exists())
    if path.is_dir() or not above.is_dir() or not os.access(above, os.W_OK):
        raise argparse.ArgumentTypeError(f"{text!r} is not a file that can be written")
    return path


def output_folder(text: str) -> Path:
    """Read the path of a folder to be written into, and refuse now what would fail after an hour."""
    path = Path(text)
    above = next(folder for folder in (path, *path.absolute().parents) if folder.exists())
    if not above.is_dir() or not os.access(above, os.W_OK):
        raise argparse.ArgumentTypeError(f"{text!r} is not a folder that can be written to")
    return path


def picture_file(text: str) -> Path:
    """Read the path of a picture to be drawn."""
    if Path(text).suffix not in PICTURES:
        raise argparse.ArgumentTypeError(f"{text!r} is not the name of a picture, expected {', '.join(PICTURES)}")
    return output_file(text)


def positive(text: str) -> int:
    """Read an integer of at least 1."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not an integer of at least 1")
    return int(text)


def natural(text: str) -> int:
    """Read an integer of at least 0."""
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r} is not an integer of at least 0")
    return int(text)


def setting(text: str) -> tuple[str, Any]:
    """Read ``a.b=c``, the value as a YAML file has it."""
    key, equals, value = text.partition("=")
    if not key or not equals:
        raise argparse.ArgumentTypeError(f"{text!r} is not KEY=VALUE")
    try:
        return key, parse_yaml(value)
    except YamlError as error:
        raise argparse.ArgumentTypeError(f"{text!r}: the value is no YAML, {error.problem}") from None


def add_config(parser: argparse.ArgumentParser, default: str) -> None:
    """Add ``--config`` and ``--env``, and what changes keys: ``--set``, ``--market``, ``--links``, ``--chaos``.

    Args:
        parser: Of the command.
        default: What is used without a configuration, in words.
    """
    parser.add_argument("--config", metavar="PRESET|FILE", help=f"a training configuration; by default {default}")
    parser.add_argument("--env", metavar="ID", help="the environment, TwinExecution-v0 or TwinTrading-v0")
    add_market(parser)
    add_links(parser)
    add_chaos(parser)
    add_set(parser)


def add_set(parser: argparse.ArgumentParser) -> None:
    """Add ``--set``."""
    parser.add_argument(
        "--set",
        dest="settings",
        type=setting,
        nargs="+",
        action="extend",
        default=[],
        metavar="KEY=VALUE",
        help="change keys of the configuration, values as in YAML: task.lots=50 'action={codec: schedule}'; "
        "keys of the environment may leave out env_config.",
    )


def add_market(parser: argparse.ArgumentParser, default: str | None = None) -> None:
    """Add ``--market``."""
    parser.add_argument("--market", default=default, metavar="PRESET|FILE", help=_help("the market", default))


def add_links(parser: argparse.ArgumentParser, default: str | None = None) -> None:
    """Add ``--links``."""
    parser.add_argument("--links", default=default, metavar="PRESET|FILE", help=_help("the wires", default))


def add_chaos(parser: argparse.ArgumentParser, default: str | None = None, what: str = "what goes wrong") -> None:
    """Add ``--chaos``."""
    parser.add_argument(
        "--chaos",
        default=default,
        metavar="PRESET|FILE",
        help=_help(f"{what}: a preset of configs/chaos, library:NAME, a file", default),
    )


def add_policies(parser: argparse.ArgumentParser, **settings: Any) -> None:
    """Add ``--policies``."""
    parser.add_argument("--policies", nargs="+", metavar="NAME|RUN|ZIP", **settings)


def add_episodes(parser: argparse.ArgumentParser, what: str, default: int | None) -> None:
    """Add ``--episodes``."""
    parser.add_argument("--episodes", type=positive, default=default, metavar="N", help=_help(what, default))


def add_seed(parser: argparse.ArgumentParser, what: str, default: int | None = 0) -> None:
    """Add ``--seed``."""
    parser.add_argument("--seed", type=natural, default=default, metavar="N", help=_help(what, default))


def add_json(parser: argparse._ActionsContainer, what: str = "the figures") -> None:
    """Add ``--json``."""
    parser.add_argument(
        "--json", type=JsonOutput, metavar="FILE|-", help=f"write {what} as JSON; - is standard output, tables go aside"
    )


def add_out(parser: argparse.ArgumentParser, what: str, **settings: Any) -> None:
    """Add ``--out``."""
    parser.add_argument(
        "-o", "--out", type=settings.pop("type", Path), help=_help(what, settings.get("default")), **settings
    )


def add_torch(parser: argparse.ArgumentParser) -> None:
    """Add what PyTorch is told."""
    parser.add_argument("--device", default="cpu", help="where PyTorch computes (%(default)s)")
    parser.add_argument(
        "--num-threads", type=positive, default=1, metavar="N", help="threads of PyTorch; more are slower (%(default)s)"
    )


def _help(what: str, default: Any) -> str:
    return what if default is None else f"{what} (%(default)s)"


def config_changes(
    arguments: argparse.Namespace, env_keys: Iterable[str] = ("market", "links", "chaos")
) -> dict[str, Any]:
    """Turn the options of a configuration into overrides of a training configuration.

    Args:
        arguments: Those of :func:`add_config`.
        env_keys: Options that set a key of the environment.
    """
    from agents.training.config import TrainConfig

    changes: dict[str, Any] = {"env": arguments.env} if arguments.env else {}
    changes |= {f"env_config.{key}": getattr(arguments, key) for key in env_keys if getattr(arguments, key) is not None}
    for key, value in arguments.settings:
        is_own = key.partition(".")[0] in TrainConfig.model_fields
        changes[key if is_own else f"env_config.{key}"] = value
    return changes
