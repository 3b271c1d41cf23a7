"""Policies by the names that users type."""

import difflib
from pathlib import Path
from typing import Any, Final

import gymnasium as gym

from agents.policies.breakout import Breakout
from agents.policies.cross import Cross
from agents.policies.flat import Flat
from agents.policies.immediate import Immediate
from agents.policies.policy import Policy, Rule
from agents.policies.pov import Pov
from agents.policies.random_policy import Random, RandomTrader
from agents.policies.twap import Twap
from agents.policies.twap_passive import TwapPassive
from twin_env.config import ConfigError
from twin_env.envs.definition import EnvDefinition
from twin_env.envs.registration import ENVS, definition_of

RULE_POLICIES: Final[dict[str, type[Rule]]] = {
    "immediate": Immediate,
    "twap": Twap,
    "twap_passive": TwapPassive,
    "pov": Pov,
    "random": Random,
    "flat": Flat,
    "breakout": Breakout,
    "cross": Cross,
    "random_trader": RandomTrader,
}
TRAINED: Final = "sb3:"


def rules_of(name: str) -> list[str]:
    """Return the names of the rules made for an environment, by its name in Gymnasium's registry."""
    return [rule for rule, made in RULE_POLICIES.items() if _runs_in(made, definition_of(name))]


def _runs_in(rule: type[Rule], definition: EnvDefinition) -> bool:
    return issubclass(definition.config, rule.acts_on)


def rules_for(env: gym.Env[Any, Any]) -> list[str]:
    """Return the names of the rules that can act in an environment."""
    twin: Any = env.unwrapped
    return [
        name
        for name, rule in RULE_POLICIES.items()
        if _runs_in(rule, twin.definition)
        and twin.config.action.codec in rule.codecs
        and all(feature in twin.layout for feature in rule.needs)
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
    if name in RULE_POLICIES:
        return _make_rule(name, env, seed)
    from agents.policies.trained import load_policy  # only who plays a trained model pays for torch

    return load_policy(trained_path(name), env, device)


def trained_path(name: str) -> Path:
    """Return the path in the name of a trained policy."""
    return Path(name.removeprefix(TRAINED))


def check_name(name: str) -> None:
    """Refuse what is neither a rule nor looks like a path.

    Raises:
        ConfigError: There is no such policy.
    """
    if name in RULE_POLICIES or name.startswith(TRAINED) or "/" in name or Path(name).exists():
        return
    close = difflib.get_close_matches(name, RULE_POLICIES, n=1)
    meant = f" (did you mean {close[0]!r}?)" if close else ""
    raise ConfigError(
        [f"There is no policy {name!r}{meant}, expected one of {', '.join(RULE_POLICIES)}, or a run's folder."]
    )


def _make_rule(name: str, env: gym.Env[Any, Any], seed: int) -> Rule:
    twin: Any = env.unwrapped
    rule, codec = RULE_POLICIES[name], twin.config.action.codec
    if not _runs_in(rule, twin.definition):
        places = [name for name in ENVS if _runs_in(rule, definition_of(name))]
        raise ConfigError([f"Policy {name!r} plays in {' or '.join(places)}, and this is {twin.definition.name}."])
    if codec not in rule.codecs:
        raise ConfigError([f"Policy {name!r} acts through {' or '.join(rule.codecs)}, but action.codec is {codec!r}."])
    unseen = [feature for feature in rule.needs if feature not in twin.layout]
    if unseen:
        raise ConfigError(
            [f"Policy {name!r} reads {', '.join(unseen)}, and observation.preset hides it: choose 'book+flow'."]
        )
    return rule.make(twin.layout, twin.config, seed)
