"""Evaluations as bundles: pack one that was played, and play one that was packed again."""

import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from agents.batteries.evaluation_log import Begun, sort_episodes
from agents.batteries.evaluation_plan import hash_policy, policy_files
from agents.batteries.rollouts import run_episode
from agents.environments import make_env
from agents.policies.policy import Policy
from agents.policies.registry import RULE_POLICIES, make_policy
from agents.training import runs
from twin_env.alpha.bundle import Bundle, EpisodeFigures, Episodes, Manifest, PolicyFigures, write_bundle
from twin_env.alpha.parts import SPLIT_NAMES
from twin_env.alpha.results import Episode, Result
from twin_env.config import Config, ConfigError
from twin_env.envs.registration import ENVS, definition_of

_MICRO: Final = 1e6
_PROVENANCE: Final = ("python", "packages", "git_commit", "git_modified", "machine")


@dataclass(frozen=True)
class Verified:
    """What came of playing a bundle again.

    Attributes:
        policies: Names of those that played.
        skipped: Names of trained policies whose model is not in the bundle.
        episodes: Per policy.
        moved: The first figure that is another, in a sentence; ``None`` if all are the same.
    """

    policies: tuple[str, ...]
    skipped: tuple[str, ...]
    episodes: int
    moved: str | None


def pack_evaluation(begun: Begun, file: Path, with_models: bool) -> Manifest:
    """Write the bundle of an evaluation that was played to its end.

    Args:
        begun: The evaluation.
        file: Where to.
        with_models: Whether the files of trained policies go into it.

    Raises:
        ConfigError: Episodes are missing, or a model is not the one that played.
        WriteError: The file cannot be written.
    """
    plan, played = begun.plan, sort_episodes(begun)
    wanted = len(plan["policies"]) * plan["seeds"]["episodes"]
    if len(begun.episodes) < wanted:
        raise ConfigError(
            [f"{begun.folder}: has {len(begun.episodes)} of {wanted} episodes; twin evaluate --resume plays the rest."]
        )
    manifest = _describe(begun, played)
    figures = {label: tuple(map(figures_of, episodes)) for label, episodes in played.items()}
    models = {place: dict(_model_files(plan, label)) for place, label in enumerate(plan["policies"]) if with_models}
    write_bundle(file, manifest, Episodes(policies=figures), models)
    return manifest


def _describe(begun: Begun, played: dict[str, list[Episode]]) -> Manifest:
    plan, definition = begun.plan, definition_of(begun.plan["env"])
    results = [Result(label, episodes, objective=definition.objective) for label, episodes in played.items()]
    policies = [
        PolicyFigures(
            policy=result.policy,
            rule=None if plan["models"][result.policy] else plan["names"][result.policy],
            model_sha256=plan["models"][result.policy],
            total_micro=result.total_micro,
            headline=result.headline,
        )
        for result in results
    ]
    return Manifest(
        format=1,
        version=plan["version"],
        provenance={key: begun.provenance[key] for key in _PROVENANCE},
        env=plan["env"],
        env_config=plan["env_config"],
        history=plan["history"],
        first_seed=plan["seeds"]["first"],
        episodes=plan["seeds"]["episodes"],
        policy_seed=plan["policy_seed"],
        baseline=plan["baseline"],
        currency=plan["env_config"]["market"]["instrument"]["currency"],
        policies=tuple(policies),
    )


def figures_of(episode: Episode) -> EpisodeFigures:
    """Return what is compared of an episode."""
    return EpisodeFigures(
        seed=episode.seed,
        steps=episode.steps,
        event_hash=f"{episode.event_hash:016x}",
        parts_micro=tuple(map(int, episode.parts_micro)),
    )


def _model_files(plan: dict[str, Any], label: str) -> Iterator[tuple[str, bytes]]:
    """Yield the files of a trained policy under the names of a run's; nothing for a rule."""
    name = plan["names"][label]
    if hash_policy(name) != plan["models"][label]:
        raise ConfigError([f"{name}: is not the model that played any more, expected it as it was."])
    for place, file in enumerate(policy_files(name)):
        yield runs.MODEL if place == 0 else file.name, file.read_bytes()


def verify(
    bundle: Bundle,
    episodes: int | None = None,
    *,
    is_trusted: bool = False,
    device: str = "cpu",
    tell: Callable[[], object] = lambda: None,
) -> Verified:
    """Play the episodes of a bundle again and compare every figure.

    Args:
        bundle: Of :func:`twin_env.alpha.bundle.read_bundle`.
        episodes: Only the first so many of each policy; ``None`` for all.
        is_trusted: Whether the models in it may be loaded, which runs what their author put there.
        device: Where trained policies compute.
        tell: Called after each episode.

    Raises:
        ConfigError: It holds models and is not trusted, or its environment or a policy cannot be made.
    """
    manifest = bundle.manifest
    if bundle.models and not is_trusted:
        raise ConfigError(
            [f"{bundle.path}: holds models, and loading one runs what its author put there; --trust if you know them."]
        )
    count = min(episodes or manifest.episodes, manifest.episodes)
    with ExitStack() as stack:
        env: Any = _make_env(bundle)
        stack.callback(env.close)
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        names = [_unpack(bundle, place, folder) for place in range(len(manifest.policies))]
        playing = {
            figures.policy: make_policy(name, env, manifest.policy_seed, device)
            for figures, name in zip(manifest.policies, names, strict=True)
            if name is not None
        }
        moved = _compare_history(bundle, env) or _compare(bundle, env, playing, count, tell)
    skipped = [figures.policy for figures in manifest.policies if figures.policy not in playing]
    return Verified(tuple(playing), tuple(skipped), count, moved)


def _make_env(bundle: Bundle) -> Any:
    manifest = bundle.manifest
    if manifest.env not in ENVS:
        raise ConfigError([f"{bundle.path}: env is {manifest.env!r}, expected one of {', '.join(ENVS)}."])
    try:
        config: Config = definition_of(manifest.env).config.model_validate(manifest.env_config)
    except ValueError as error:
        raise ConfigError([f"{bundle.path}: env_config is refused ({str(error).splitlines()[0]})."]) from error
    return make_env(manifest.env, config)


def _unpack(bundle: Bundle, place: int, folder: Path) -> str | None:
    """Return the name to make a policy by, ``None`` for a model that is not there; only the bundle's own are loaded."""
    figures, files = bundle.manifest.policies[place], bundle.models.get(place, {})
    if figures.rule is not None:
        if figures.rule not in RULE_POLICIES:
            raise ConfigError([f"{bundle.path}: rule is {figures.rule!r}, expected one of {', '.join(RULE_POLICIES)}."])
        return figures.rule
    if runs.MODEL not in files:
        return None
    run = folder / str(place)
    run.mkdir()
    for name, data in files.items():  # names are those of MODEL_FILES, the reader saw to it
        (run / name).write_bytes(data)
    if hash_policy(str(run)) != figures.model_sha256:
        raise ConfigError([f"{bundle.path}: the model of {figures.policy} is not the one that played."])
    return str(run)


def _compare_history(bundle: Bundle, env: Any) -> str | None:
    found, expected = env.unwrapped.market.history_hash, bundle.manifest.history
    return None if found == expected else f"the history has the hash {found}, expected {expected}"


def _compare(
    bundle: Bundle, env: Any, policies: dict[str, Policy], count: int, tell: Callable[[], object]
) -> str | None:
    """Return the first figure that moved, ``None`` if none did."""
    first, currency = bundle.manifest.first_seed, bundle.manifest.currency
    for label, policy in policies.items():
        played = []
        for seed, expected in zip(range(first, first + count), bundle.episodes[label], strict=False):
            played.append(run_episode(env, policy, seed))
            tell()
            if moved := compare_episode(figures_of(played[-1]), expected, currency):
                return f"{label}, seed {seed}: {moved}"
        if count == bundle.manifest.episodes and (moved := _compare_totals(bundle, label, played)):
            return f"{label}: {moved}"
    return None


def compare_episode(found: EpisodeFigures, expected: EpisodeFigures, currency: str) -> str | None:
    """Return the first figure of an episode that moved, in words, ``None`` if none did."""
    for name, now, before in zip(SPLIT_NAMES, found.parts_micro, expected.parts_micro, strict=True):
        if now != before:
            return f"{name} is {now / _MICRO:.6f} {currency}, expected {before / _MICRO:.6f}"
    if found.steps != expected.steps:
        return f"it took {found.steps} steps, expected {expected.steps}"
    if found.event_hash != expected.event_hash:
        return f"its event log has the hash {found.event_hash}, expected {expected.event_hash}"
    return None


def _compare_totals(bundle: Bundle, label: str, played: list[Episode]) -> str | None:
    """Return the first figure over all episodes that moved, in words."""
    expected = next(figures for figures in bundle.manifest.policies if figures.policy == label)
    result = Result(label, played, objective=definition_of(bundle.manifest.env).objective)
    for name, now, before in zip(SPLIT_NAMES, result.total_micro, expected.total_micro, strict=True):
        if now != before:
            return f"{name} sums to {now} micro, expected {before}"
    return None if result.headline == expected.headline else f"{result.headline}, expected {expected.headline}"
