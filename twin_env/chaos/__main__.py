"""``python -m twin_env.chaos``: experiments that break things on purpose, and what came of them."""

import argparse
import sys
from importlib import import_module
from pkgutil import iter_modules

from twin_env.cli import chaos as commands


def main(argv: list[str] | None = None) -> int:
    """Run one command and return its exit code: 0 done, 2 the input was refused, 130 interrupted."""
    parser = argparse.ArgumentParser(prog="python -m twin_env.chaos", description=__doc__)
    chosen = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for found in iter_modules(commands.__path__):
        module = import_module(f"{commands.__name__}.{found.name}")
        sub = chosen.add_parser(found.name, help=module.HELP, description=module.HELP)
        module.add_arguments(sub)
        sub.set_defaults(command_of=module.run)
    arguments = parser.parse_args(argv)
    try:
        return int(arguments.command_of(arguments))
    except ValueError as error:  # ConfigError among them: the input is wrong, not the program
        print(f"error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
