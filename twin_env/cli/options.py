"""What the command lines of train.py and evaluate.py share."""

import argparse
import ast
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NoReturn

from twin_env.config import ConfigError

REFUSED = 2
INTERRUPTED = 130


class ArgumentParser(argparse.ArgumentParser):
    """Argparse, which answers bad input with one line instead of the whole usage."""

    def error(self, message: str) -> NoReturn:
        """Print the message and end with exit code 2."""
        self.exit(REFUSED, f"{self.prog}: {message} (see {self.prog} --help)\n")


def refuse(program: str, error: ConfigError) -> int:
    """Print one line per problem of an input that was refused, and return the exit code."""
    for problem in error.problems:
        print(f"{program}: {problem}", file=sys.stderr)
    return REFUSED


def run(program: str, command: Callable[[], int], interrupted: str) -> int:
    """Run a command and return its exit code; say in a line what was refused, or what an interruption left behind."""
    try:
        return command()
    except ConfigError as error:
        return refuse(program, error)
    except KeyboardInterrupt:
        print(f"\n{program}: interrupted{interrupted}", file=sys.stderr)
        return INTERRUPTED


def key_value(text: str) -> tuple[str, Any]:
    """Read ``key:value``, the value as Python writes it, or as a text."""
    key, colon, value = text.partition(":")
    if not key or not colon:
        raise argparse.ArgumentTypeError(f"{text!r} is not key:value")
    try:
        return key, ast.literal_eval(value)
    except (ValueError, SyntaxError):
        return key, {"true": True, "false": False, "null": None}.get(value, value)


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


def output_file(text: str) -> Path:
    """Read the path of a file to be written, and refuse now what would fail after an hour."""
    path = Path(text)
    above = next(folder for folder in path.absolute().parents if folder.exists())
    if path.is_dir() or not above.is_dir() or not os.access(above, os.W_OK):
        raise argparse.ArgumentTypeError(f"{text!r} is not a file that can be written")
    return path


def overrides(prefix: str, pairs: Sequence[tuple[str, Any]] | None) -> dict[str, Any]:
    """Turn pairs of ``--env-kwargs`` and ``--hyperparams`` into overrides of a configuration."""
    return {f"{prefix}.{key}": value for key, value in pairs or ()}
