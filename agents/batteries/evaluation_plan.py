"""What an evaluation plays, stated so completely that two with the same plan have the same figures."""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from agents.policies.registry import RULE_POLICIES, trained_path
from agents.training import runs
from agents.training.config import TrainConfig
from twin_env.config import ConfigError
from twin_env.config.errors import show
from twin_env.core.state.jit import cache_key
from twin_env.version import __version__

Plan = dict[str, Any]


def make_plan(
    config: TrainConfig, env: Any, names: Sequence[str], seeds: range, baseline: str, policy_seed: int
) -> Plan:
    """Return the plan of an evaluation, ready for JSON.

    Args:
        config: Names the environment, and says how it is made.
        env: Made of it.
        names: Of the policies, as they were typed.
        seeds: Of the episodes.
        baseline: What the others are compared with.
        policy_seed: Of the policies' own random numbers.
    """
    labels = label_policies(names)
    return {
        "version": __version__,
        "kernels": cache_key(),
        "env": config.env,
        "env_config": config.env_config.model_dump(mode="json"),
        "history": env.unwrapped.market.history_hash,
        "policies": labels,
        "names": dict(zip(labels, names, strict=True)),
        "models": {label: hash_policy(name) for label, name in zip(labels, names, strict=True)},
        "baseline": baseline,
        "seeds": {"first": seeds.start, "episodes": len(seeds)},
        "policy_seed": policy_seed,
    }


def label_policies(names: Sequence[str]) -> list[str]:
    """Return what tables call each policy: its rule, or its run, by the whole path where two runs share a name."""
    labels: list[str] = []
    for name in names:
        label = name if name in RULE_POLICIES else runs.run_label(trained_path(name))
        labels.append("_".join(trained_path(name).parts).lstrip("/_") if label in labels else label)
    return labels


def hash_policy(name: str) -> str | None:
    """Return a hash of everything a trained policy is loaded from; ``None`` for a rule."""
    files = policy_files(name)
    if not files:
        return None
    hashed = hashlib.sha256()
    for file in files:
        hashed.update(hashlib.sha256(file.read_bytes()).digest())
    return hashed.hexdigest()


def policy_files(name: str) -> list[Path]:
    """Return the model of a trained policy, and what is read beside it; nothing for a rule."""
    if name in RULE_POLICIES:
        return []
    path = trained_path(name)
    model = runs.find_model(path).file
    beside = (model.parent / runs.STATISTICS, (path if path.is_dir() else path.parent) / runs.CONFIG)
    return [model, *(file for file in beside if file.is_file())]


def check_same(place: Path, begun: Mapping[str, Any], plan: Mapping[str, Any]) -> None:
    """Check that an evaluation which goes on is the one that was begun.

    Raises:
        ConfigError: It is not; names the first thing that differs.
    """
    for key, before, now in _differences("", begun, plan):
        raise ConfigError([f"{place}: was begun with {key}={show(before)} and would go on with {show(now)}."])


def _differences(path: str, before: Any, now: Any) -> Iterator[tuple[str, Any, Any]]:
    """Yield the path, and both values, of everything that differs."""
    if isinstance(before, Mapping) and isinstance(now, Mapping):
        for key in dict.fromkeys([*before, *now]):
            yield from _differences(f"{path}.{key}" if path else key, before.get(key), now.get(key))
    elif isinstance(before, list) and isinstance(now, list) and len(before) == len(now):
        for place, pair in enumerate(zip(before, now, strict=True)):
            yield from _differences(f"{path}[{place}]", *pair)
    elif before != now:
        yield path, before, now
