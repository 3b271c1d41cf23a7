"""Train a policy with stable-baselines3: ``python train.py`` is ``twin train``, with the same options."""

import sys

from twin_env.cli.main import main

if __name__ == "__main__":
    sys.exit(main(["train", *sys.argv[1:]]))
