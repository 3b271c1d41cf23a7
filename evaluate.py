"""Compare policies on the same episodes: ``python evaluate.py`` is ``twin evaluate``, with the same options."""

import sys

from twin_env.cli.main import main

if __name__ == "__main__":
    sys.exit(main(["evaluate", *sys.argv[1:]]))
