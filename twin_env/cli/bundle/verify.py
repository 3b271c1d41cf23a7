"""``twin bundle verify``: play a bundle again, and say whether its figures are the same."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from twin_env.cli import options
from twin_env.cli.agents_package import require_agents
from twin_env.cli.progress import Progress
from twin_env.cli.train import prepare_torch
from twin_env.version import __version__

if TYPE_CHECKING:
    from agents.batteries.bundles import Verified
    from twin_env.alpha.bundle import Bundle

HELP: Final = "play a bundle again and compare every figure"
EXAMPLES: Final = ("twin bundle verify benchmarks/quickstart_rules.bundle --episodes 10",)
INTERRUPTED: Final = ", not all was compared"
MOVED: Final = 1


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("file", type=Path, metavar="FILE", help="of twin bundle pack")
    options.add_episodes(parser, "only the first so many of each policy; all by default", None)
    parser.add_argument(
        "--trust", action="store_true", help="load the models in it, which runs what their author put there"
    )
    options.add_torch(parser)
    options.add_json(parser, "what was compared")


def run(arguments: argparse.Namespace) -> int:
    """Play and compare; return 0 if every figure is the same, 1 if one moved."""
    require_agents()
    from agents.batteries.bundles import verify
    from twin_env.alpha.bundle import read_bundle

    bundle = read_bundle(arguments.file)
    if bundle.models and arguments.trust:
        prepare_torch(arguments)
    manifest = bundle.manifest
    if manifest.version != __version__:
        print(f"The bundle is of version {manifest.version}, this is {__version__}.")
    with Progress(len(manifest.policies) * min(arguments.episodes or manifest.episodes, manifest.episodes)) as progress:
        settings = {"is_trusted": arguments.trust, "device": arguments.device}
        found = verify(bundle, arguments.episodes, **settings, tell=progress.advance)
    _say(bundle, found)
    if arguments.json:
        arguments.json.write(_facts(bundle, found))
    return 0 if found.moved is None else MOVED


def _say(bundle: "Bundle", found: "Verified") -> None:
    for label in found.skipped:
        print(f"{label}: its model is not in the bundle, so its figures were not compared.")
    if found.moved is not None:
        print(f"Moved: {found.moved}.")
        return
    of = "all" if found.episodes == bundle.manifest.episodes else f"the first {found.episodes} of"
    played = f"{', '.join(found.policies)}: {of} {bundle.manifest.episodes} episodes" if found.policies else "Nothing"
    print(f"{played} played again, every amount and every event log is the same.")


def _facts(bundle: "Bundle", found: "Verified") -> dict[str, Any]:
    return {
        "file": str(bundle.path),
        "version": bundle.manifest.version,
        "policies": list(found.policies),
        "skipped": list(found.skipped),
        "episodes": found.episodes,
        "is_same": found.moved is None,
        "moved": found.moved,
    }
