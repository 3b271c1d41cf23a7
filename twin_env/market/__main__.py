"""``python -m twin_env.market``: look into market data, measure it, fit markets to it."""

import argparse
import sys
from importlib import import_module
from pkgutil import iter_modules

from twin_env.cli import market as commands


def main(argv: list[str] | None = None) -> int:
    """Run one command and return its exit code: 0 done, 2 the input was refused, 130 interrupted."""
    parser = argparse.ArgumentParser(prog="python -m twin_env.market", description=__doc__)
    chosen = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for found in iter_modules(commands.__path__):
        module = import_module(f"{commands.__name__}.{found.name}")
        sub = chosen.add_parser(found.name, help=module.HELP, description=module.HELP)
        module.add_arguments(sub)
        sub.set_defaults(run=module.run)
    arguments = parser.parse_args(argv)
    try:
        return int(arguments.run(arguments))
    except ValueError as error:  # ConfigError and TapeError among them: the input is wrong, not the program
        print(f"error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
