"""Argparse with one sentence for a mistake, and the nearest word for a mistyped one."""

import argparse
from collections.abc import Sequence
from typing import Any, Final, NoReturn

from twin_env.config.errors import did_you_mean

REFUSED: Final = 2


class ArgumentParser(argparse.ArgumentParser):
    """Answers bad input with one line instead of the whole usage."""

    def __init__(self, *, examples: Sequence[str] = (), **settings: Any) -> None:
        super().__init__(
            allow_abbrev=False,  # a script must not break when an option with the same beginning is added
            formatter_class=argparse.RawDescriptionHelpFormatter,
            epilog="\n".join(["examples:", *(f"  {line}" for line in examples)]) if examples else None,
            **settings,
        )

    def error(self, message: str) -> NoReturn:
        """Print the message and end with exit code 2."""
        self.exit(REFUSED, f"{self.prog}: {message} (see {self.prog} --help)\n")

    def parse_whole(self, arguments: Sequence[str]) -> argparse.Namespace:
        """Parse a command line; the nearest option is offered for one there is not."""
        namespace, unknown = self.parse_known_args(arguments)
        if unknown:
            word = next((word for word in unknown if word.startswith("-")), unknown[0])
            option = word.partition("=")[0]
            self.error(f"{option!r} is unknown{did_you_mean(option, self._option_string_actions)}")
        return namespace
