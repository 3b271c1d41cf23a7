"""The document of an evaluation: its figures, how it was run, and the episodes that its page shows."""

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from agents.training.config import TrainConfig
    from twin_env.alpha.results import Result


def find_trained(arguments: argparse.Namespace) -> list[Path]:
    """Return the paths of the trained policies among the arguments, the latest run last."""
    from agents.policies.registry import RULE_POLICIES, trained_path
    from agents.training import runs

    paths = [trained_path(name) for name in arguments.policies or () if name not in RULE_POLICIES]
    if arguments.latest is not None:
        latest = runs.latest_run(arguments.out if arguments.latest is True else arguments.latest, _named_env(arguments))
        paths += [] if latest in paths else [latest]
    return paths


def _named_env(arguments: argparse.Namespace) -> str | None:
    """Return the environment that the arguments name, ``None`` if the policies are to say."""
    if arguments.env:
        return str(arguments.env)
    if not arguments.config:
        return None
    from agents.training.config import load_train_config

    return load_train_config(arguments.config).env


def describe(
    arguments: argparse.Namespace,
    config: "TrainConfig",
    env: Any,
    results: "Sequence[Result]",
    baseline: "Result",
    studies: dict[str, Any],
) -> dict[str, Any]:
    """Return the document of the evaluation: its figures, what went wrong in its episodes, and how it was run."""
    from agents.batteries.explored import describe_experiments
    from twin_env.alpha.derived import derive
    from twin_env.alpha.results import summarize

    currency = env.unwrapped.market.instrument.currency
    data = summarize(results, baseline, currency) | studies
    data |= {
        "env": config.env,
        "env_config": config.env_config.model_dump(mode="json"),
        "reproduce": reproduce_options(arguments),
    }
    if config.env_config.chaos is not None:
        data["experiments"] = describe_experiments(env, data["seeds"])
    return derive(data)


def reproduce_options(arguments: argparse.Namespace) -> list[str]:
    """Return the options that name the environment again, as they are typed."""
    from agents.training import runs

    source = arguments.config
    if source is None:  # the configuration was that of the first trained policy, if there was one
        folders = [path if path.is_dir() else path.parent for path in find_trained(arguments)]
        source = next((str(file) for folder in folders if (file := folder / runs.CONFIG).is_file()), None)
    named = {"--config": source, "--env": arguments.env}
    named |= {f"--{name}": getattr(arguments, name) for name in ("market", "links", "chaos")}
    typed = [word for option, value in named.items() if value is not None for word in (option, str(value))]
    settings = [f"{key}={json.dumps(value)}" for key, value in arguments.settings]
    return typed + (["--set", *settings] if settings else [])


def explore_policies(
    arguments: argparse.Namespace, env: Any, names: Sequence[str], results: "Sequence[Result]"
) -> list[dict[str, Any]]:
    """Play the worst episode of each policy again, and those that were asked for, and sample their moments."""
    from agents.batteries.explored import explore
    from agents.policies.registry import make_policy

    explored = []
    for name, result in zip(names, results, strict=True):
        policy = make_policy(name, env, arguments.seed, arguments.device)
        explored += explore(env, policy, result, arguments.explore)
    return explored
