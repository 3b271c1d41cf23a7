"""``twin COMMAND``: find the command, read its options, run it, and end with one sentence if it is refused."""

import argparse
import contextlib
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from pkgutil import iter_modules
from types import ModuleType
from typing import Any, Final

from twin_env.cli.options import JsonOutput
from twin_env.cli.parser import REFUSED, ArgumentParser
from twin_env.config.errors import did_you_mean, stopped
from twin_env.extras import EXTRAS, missing

PROGRAM: Final = "twin"
COMMANDS: Final = (
    "train",
    "evaluate",
    "bundle",
    "stress",
    "robustness",
    "replay",
    "record",
    "chaos",
    "market",
    "config",
    "compile",
    "bench",
    "board",
)
INTERRUPTED: Final = 130
_ABOUT: Final = "A digital twin of a live market: train, evaluate and break what trades in it."
_HELP: Final = ("-h", "--help")


@dataclass(frozen=True)
class Command:
    """A command line that was understood.

    Attributes:
        name: How messages call it, "twin chaos run".
        module: What runs it.
        arguments: Its options, and the whole line as ``command``.
    """

    name: str
    module: ModuleType
    arguments: argparse.Namespace


def parse(argv: Sequence[str]) -> Command:
    """Find the command of a line and read its options.

    Raises:
        SystemExit: The line is not understood (2), or asks for help (0).
    """
    words: tuple[str, ...] = COMMANDS
    name, rest = PROGRAM, list(argv)
    module = import_module("twin_env.cli")
    while words:
        if not rest or rest[0] in _HELP or rest[0] == "--version" or rest[0] not in words:
            _end_without_command(name, module, words, rest)
        word = rest.pop(0)
        name, module = f"{name} {word}", import_module(f"{module.__name__}.{word}")
        words = tuple(found.name for found in iter_modules(getattr(module, "__path__", ())))
    arguments = make_parser(name, module).parse_whole(rest)
    arguments.command = [PROGRAM, *argv]
    return Command(name, module, arguments)


def make_parser(name: str, module: Any) -> ArgumentParser:
    """Return the parser of a command."""
    parser = ArgumentParser(prog=name, description=module.HELP, examples=module.EXAMPLES)
    try:
        module.add_arguments(parser)
    except ModuleNotFoundError as error:
        parser.exit(REFUSED, f"{name}: {_missing(error)}.\n")
    return parser


def _end_without_command(name: str, module: ModuleType, words: Sequence[str], rest: Sequence[str]) -> None:
    """Print help, the version, or what is wrong with the word in the place of a command."""
    is_root = name == PROGRAM
    description = _ABOUT if is_root else module.HELP
    parser = ArgumentParser(prog=name, description=description, usage=f"{name} COMMAND ...", add_help=False)
    if not rest:
        parser.error(f"a command is missing, expected one of {', '.join(words)}")
    if rest[0] == "--version" and is_root:
        from twin_env import __version__

        print(f"{PROGRAM} {__version__}")
        parser.exit(0)
    if rest[0] not in _HELP:
        parser.error(f"there is no command {rest[0]!r}{did_you_mean(rest[0], words)}, expected {', '.join(words)}")
    listed = [f"  {word:12}{import_module(f'{module.__name__}.{word}').HELP}" for word in words]
    parser.epilog = "\n".join(["commands:", *listed, "", f"{name} COMMAND --help has the options, with examples."])
    parser.print_help()
    parser.exit(0)


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command line.

    Returns:
        0 done, 1 a finding that counts as a failure, 2 the input was refused, 130 interrupted.

    Raises:
        SystemExit: The line is not understood (2), or asks for help (0).
    """
    command = parse(sys.argv[1:] if argv is None else argv)
    output = getattr(command.arguments, "json", None)
    printed = contextlib.redirect_stdout(sys.stderr) if _is_stdout(output) else contextlib.nullcontext()
    try:
        with printed:
            return int(command.module.run(command.arguments))
    except ValueError as error:  # ConfigError and TapeError among them: the input is wrong, not the program
        return _refuse(command.name, getattr(error, "problems", [str(error)]))
    except ModuleNotFoundError as error:
        return _refuse(command.name, [_missing(error)])
    except BrokenPipeError:  # whoever read has enough; what is left must not be complained about at the end
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return REFUSED
    except OSError as error:
        place = f"{error.filename}: " if error.filename else ""
        return _refuse(command.name, [f"{place}{error.strerror or error}"])
    except KeyboardInterrupt:
        print(f"\n{command.name}: interrupted{getattr(command.module, 'INTERRUPTED', '')}", file=sys.stderr)
        return INTERRUPTED


def _missing(error: ModuleNotFoundError) -> str:
    """Return which extra brings a module that is missing; an error about any other is raised again."""
    package = (error.name or "").partition(".")[0]
    if package not in EXTRAS:
        raise error
    return missing(package)


def _is_stdout(output: Any) -> bool:
    return isinstance(output, JsonOutput) and output.is_stdout


def _refuse(name: str, problems: Sequence[str]) -> int:
    """Print one line per problem, and return the exit code."""
    for problem in problems:
        for line in problem.splitlines() or [""]:
            print(f"{name}: {stopped(line)}", file=sys.stderr)
    return REFUSED
