"""``python -m twin_env``: the command ``twin``."""

import sys

from twin_env.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
