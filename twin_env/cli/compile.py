"""``twin compile``: compile the kernels before they are first needed."""

import argparse
import time
from typing import Final

from twin_env.cli import options

HELP: Final = "compile the kernels ahead of first use (once per version, some minutes of a slow core)"
EXAMPLES: Final = ("twin compile", "twin compile --env TwinTrading-v0 --market mgc_poisson")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument(
        "--env", default="TwinExecution-v0", metavar="ID", help="TwinExecution-v0 or TwinTrading-v0 (%(default)s)"
    )
    options.add_market(parser)
    options.add_json(parser, "the seconds and the folder")


def run(arguments: argparse.Namespace) -> int:
    """Make an environment, reset it, step it once, say how long that took, and return 0."""
    import gymnasium as gym

    from twin_env.core.state import jit  # by this name: whoever imports its members is taken for kernels
    from twin_env.envs.registration import definition_of

    definition_of(arguments.env)
    found, started_s = jit.is_cached(), time.perf_counter()
    env = gym.make(arguments.env, **({"market": arguments.market} if arguments.market else {}))
    env.reset(seed=0)
    env.step(env.action_space.sample())
    env.close()
    took_s = time.perf_counter() - started_s
    said = "loaded, with what was missing compiled" if found else "compiled"
    print(f"{arguments.env}: {said} in {took_s:.1f} s, kept in {jit.cache_root()}")
    if arguments.json:
        arguments.json.write(
            {"env": arguments.env, "found": found, "compile_s": took_s, "cache_folder": str(jit.cache_root())}
        )
    return 0
