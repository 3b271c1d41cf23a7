"""Policies by the names that users type."""

import difflib
from pathlib import Path
from typing import Any, Final

import gymnasium as gym

from agents.codecs import make_codec
from agents.immediate import Immediate
from agents.policy import Policy, RulePolicy
from agents.pov import Pov
from agents.random_policy import Random
from agents.twap import Twap
from agents.twap_passive import TwapPassive
from twin_env.config import ConfigError

RULES: Final[dict[str, type[RulePolicy]]] = {
    "immediate": Immediate,
    "twap": Twap,
    "twap_passive": TwapPassive,
    "pov": Pov,
    "random": Random,
}
TRAINED: Final = "sb3:"


def rules_for(env: gym.Env[Any, Any]) -> list[str]:
    """Return the names of the rules that can act in an environment."""
    world: Any = env.unwrapped
    codec, layout = world.config.action.codec, world.layout
    return [
        name
        for name, rule in RULES.items()
        if codec in rule.codecs and all(feature in layout for feature in rule.needs)
    ]


def make_policy(name: str, env: gym.Env[Any, Any], seed: int = 0, device: str = "cpu") -> Policy:
    """Make a policy for an environment.

    Args:
        name: A rule's name; or ``sb3:PATH``, or just PATH, of a trained model: the folder of a
            run, or a model's zip file.
        env: Where it will act. Rules read its observation's layout, its action space and its task.
        seed: Of the policy's own random numbers.
        device: Where a trained model computes.

    Raises:
        ConfigError: There is no such policy, or it does not fit the environment.
    """
    check_name(name)
    if name in RULES:
        return _make_rule(name, env, seed)
    from agents.trained import load_policy  # only who plays a trained model pays for torch

    return load_policy(trained_path(name), env, device)


def trained_path(name: str) -> Path:
    """Return the path in the name of a trained policy."""
    return Path(name.removeprefix(TRAINED))


def check_name(name: str) -> None:
    """Refuse what is neither a rule nor looks like a path.

    Raises:
        ConfigError: There is no such policy.
    """
    if name in RULES or name.startswith(TRAINED) or "/" in name or Path(name).exists():
        return
    close = difflib.get_close_matches(name, RULES, n=1)
    meant = f" (did you mean {close[0]!r}?)" if close else ""
    raise ConfigError([f"There is no policy {name!r}{meant}, expected one of {', '.join(RULES)}, or a run's folder."])


def _make_rule(name: str, env: gym.Env[Any, Any], seed: int) -> RulePolicy:
    world: Any = env.unwrapped
    action, task = world.config.action, world.config.task
    rule = RULES[name]
    if action.codec not in rule.codecs:
        raise ConfigError(
            [f"Policy {name!r} acts through {' or '.join(rule.codecs)}, but action.codec is {action.codec!r}."]
        )
    unseen = [feature for feature in rule.needs if feature not in world.layout]
    if unseen:
        raise ConfigError(
            [f"Policy {name!r} reads {', '.join(unseen)}, and observation.preset hides it: choose 'book+flow'."]
        )
    return rule(world.layout, make_codec(action), task, seed)
