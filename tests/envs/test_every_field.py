"""No field of a configuration is a dead knob: each changes what the exchange does, or is listed with what else it does.

Every leaf of both configurations is found by walking the models, so a new field is tested without anybody thinking of
it, and fails until it does something here. An episode is played with and without one change: same seeds, same actions.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import lru_cache
from typing import Any, Literal, get_args, get_origin

import gymnasium as gym
import numpy as np
import pytest
from pydantic import BaseModel

from twin_env.config import ConfigError, load_config
from twin_env.envs.batch import Batch
from twin_env.envs.episode_status import RUNNING
from twin_env.envs.execution.config import ExecutionConfig, TaskConfig
from twin_env.envs.registration import ENVS, definition_of
from twin_env.envs.rendering.render import draw_ansi
from twin_env.market.links import ConstantDelay, LinkConfig, LinksConfig, LognormalDelay
from twin_env.market.synthetic import MarketConfig

pytestmark = pytest.mark.jit

ROWS = 3
STEPS = 16
SEEDS = np.array([3, 5, 8], np.uint64)


# Fields. A path names the chosen member of each union on its way: ``links.orders.delay:constant.delay_ms``.

EXEMPT = {
    "market.source:lobster": "a history needs files: tests/market and tests/envs/test_history.py have them",
    "market.source:databento": "likewise",
    "market.source:binance": "likewise",
    "market.source:trades_quotes": "likewise",
    "market.source:bars": "likewise",
    "market.flow": "only beside a history",
    "market.impact": "likewise",
    "market.price_impact": "likewise",
    "market.instrument.day": "moments that experiments name: tests/chaos",
    "chaos": "what goes wrong: tests/chaos has every fault and every field of a draw",
}


def dotted_of(path: str) -> str:
    return ".".join(part.partition(":")[0] for part in path.split("."))


@dataclass(frozen=True)
class Leaf:
    """A field that holds a value, not further fields."""

    env: str
    path: str
    annotation: Any

    @property
    def dotted(self) -> str:
        """As ``load_config`` takes it, without the members of unions."""
        return dotted_of(self.path)

    @property
    def is_tag(self) -> bool:
        """Whether it says which member of a union is meant."""
        return get_origin(self.annotation) is Literal and len(get_args(self.annotation)) == 1

    @property
    def members(self) -> list[str]:
        """The paths of the members of unions it lies in, outermost first."""
        parts = self.path.split(".")
        return [".".join(parts[: place + 1]) for place, part in enumerate(parts) if ":" in part]


def models_in(annotation: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [model for argument in get_args(annotation) for model in models_in(argument)]


def tag_of(model: type[BaseModel]) -> str:
    fields = [field for name, field in model.model_fields.items() if name in ("model", "codec")]
    return str(get_args(fields[0].annotation)[0]) if fields else ""


def walk(env: str, model: type[BaseModel], prefix: str = "", exempt: Mapping[str, str] = EXEMPT) -> Iterator[Leaf]:
    for name, field in model.model_fields.items():
        path = prefix + name
        inner = models_in(field.annotation)
        if path in exempt:
            continue
        if not inner:
            yield Leaf(env, path, field.annotation)
        for member in inner:
            chosen = f"{path}:{tag_of(member)}" if len(inner) > 1 else path
            if chosen not in exempt:
                yield from walk(env, member, f"{chosen}.", exempt)


LEAVES = [leaf for env in ENVS for leaf in walk(env, definition_of(env).config)]


def listed(table: dict[str, Any], leaf: Leaf) -> list[Any]:
    """Return what a table of patterns has for a leaf; patterns name an environment or hold for both."""
    return [found for pattern, found in table.items() if matches(pattern, leaf)]


def matches(pattern: str, leaf: Leaf) -> bool:
    return fnmatchcase(f"{leaf.env} {leaf.path}", pattern) or fnmatchcase(leaf.path, pattern)


# What is played.

BASE: dict[str, dict[str, Any]] = {
    "TwinExecution-v0": {
        "market": "mgc_poisson",
        "links": "vps",
        "task": {"lots": 60, "horizon_s": 24.0, "step_s": 2.0},
        "action": {"codec": "orders", "slots": 2, "sizes": [0.05, 0.1, 0.15]},
    },
    "TwinTrading-v0": {
        "market": "mgc_poisson",
        "links": "vps",
        "task": {"window_s": 24.0, "step_s": 2.0},
    },
}

MEMBERS: dict[str, dict[str, Any]] = {
    "source:anchored": load_config(MarketConfig, "mgc_2025", folder="markets").source.model_dump(),
    "source:poisson": load_config(MarketConfig, "mgc_poisson", folder="markets").source.model_dump(),
    "delay:constant": {"model": "constant", "delay_ms": 400.0},
    "delay:truncated_normal": {"model": "truncated_normal", "mean_ms": 400.0, "sd_ms": 300.0, "min_ms": 200.0},
    "delay:lognormal": {"model": "lognormal", "mean_ms": 400.0, "sd_ms": 200.0, "min_ms": 100.0},
    "delay:shifted_gamma": {"model": "shifted_gamma", "mean_ms": 400.0, "sd_ms": 200.0, "min_ms": 100.0},
    "delay:empirical": {"model": "empirical", "quantiles": ((0.1, 100.0), (0.5, 400.0), (0.9, 1000.0))},
    "action:orders": {"codec": "orders", "slots": 2},
    "action:table": {"codec": "table"},
    "action:ladder": {"codec": "ladder"},
    "action:schedule": {"codec": "schedule"},
    "action:target": {"codec": "target"},
    "action:positions": {"codec": "positions"},
    "action:prices": {"codec": "prices"},
}

# What has to be there for a field to matter.
WILD: dict[str, Any] = {  # a venue that pauses at every step of the price
    "market.protections": True,
    "market.instrument.protections.velocity": {"move_ticks": 3, "window_s": 4.0, "pause_s": 0.5},
    "market.instrument.protections.circuit_breaker": None,
    "market.instrument.protections.price_band_ticks": None,
}
NIGHT = tuple(0.0 if place in (17, 21) else 1.0 for place in range(48))  # half hours in or before which episodes start
SCENES: dict[str, dict[str, Any]] = {
    "market.source:anchored.session.closes": {"market.source.session.activity": NIGHT},
    "TwinTrading-v0 market.source:anchored.session.closes": {"task.start_s": 1780.0},  # 20 s before the quiet
    "market.protections": WILD | {"market.protections": False},
    "market.instrument.protections.velocity.*": WILD,
    "market.instrument.protections.circuit_breaker.*": WILD
    | {
        "market.instrument.protections.velocity": None,
        "market.instrument.protections.circuit_breaker": {"move_ticks": 3, "window_s": 8.0, "pause_s": 1.0},
    },
    "market.instrument.protections.price_band_ticks": WILD
    | {
        "market.instrument.protections.velocity": None,
        "market.instrument.protections.price_band_ticks": 3,
        "market.instrument.protection_ticks": 8,
    },
    "TwinTrading-v0 market.instrument.self_match": {  # orders that reach through the book to those of the other side
        "action.slots": 4,
        "action.sizes_lots": (50,),
        "risk.max_position_lots": 10_000,
    },
    "TwinTrading-v0 links.market_data.delay:truncated_normal.min_ms": {"action.slots": 4},  # more that follows the feed
    "links.feed_recovery_ms": {"links.market_data.loss_probability": 0.5, "action.slots": 4},
    "task.grace_s": {"links.orders.delay": {"model": "constant", "delay_ms": 3000.0}},  # of cancels, then of a sweep
    "reward.drift": {"market": "mgc_2025"},  # a market with an efficient price
    "reward.unfilled": {"task.leftover": "mark", "task.lots": 600},
    "reward.stopped": {"risk.max_loss_ccy": 0.5},
}

# Values that differ where none can be made up, or none that shows within so short a time.
CHANGES: dict[str, Any] = {
    "market.instrument.symbol": "OTHER",
    "market.instrument.currency": "EUR",
    "market.source:anchored.market_orders.longest": 1,
    "market.source:anchored.market_orders.sizes.largest_lots": 2,
    "market.source:anchored.cancels.max_factor": 1.0,
    "market.source:anchored.session.zone": "Asia/Tokyo",
    "market.profile": "history",
    "market.instrument.protections.*.window_s": 0.05,
    "links.feed_recovery_ms": 5000.0,
    "task.min_participation": 0.9,
    "task.max_participation": 0.05,
    "risk.max_loss_ccy": 0.5,
    "risk.max_messages_per_s": 0.2,
}

# Fields that must not change what the exchange does, what they must change instead, and why.
ELSEWHERE: dict[str, tuple[str, str]] = {
    "market.instrument.symbol": ("picture", "a name"),
    "market.instrument.currency": ("picture", "a name"),
    "market.instrument.point_value_ccy": ("info", "the unit of money only"),
    "market.instrument.taker_fee_ccy_per_lot": ("info", "money only: the exchange asks nobody for it"),
    "market.instrument.maker_fee_ccy_per_lot": ("info", "money only: the exchange asks nobody for it"),
    "TwinExecution-v0 market.instrument.self_match": ("nothing", "orders of one side cannot meet"),
    "market.profile": ("room", "room, not behaviour, until it is full"),
    "links.heartbeats.*": ("observation", "heartbeats measure the wire and carry no orders"),
    "links.heartbeat_interval_ms": ("observation", "heartbeats measure the wire and carry no orders"),
    "observation.*": ("observation", "how things are shown"),
    "reward.*": ("reward", "what a policy is told of its result"),
}


# How it is played.


def base_of(leaf: Leaf) -> dict[str, Any]:
    """Return the overrides of the base that lead to a leaf: the members of unions it lies in, and its scene."""
    parts = {member.rpartition(".")[2]: member for member in leaf.members}
    chosen = {dotted_of(path): MEMBERS[part] for part, path in parts.items()}
    return chosen | {key: value for scene in listed(SCENES, leaf) for key, value in scene.items()}


def value_at(config: Any, dotted: str) -> Any:
    for name in dotted.split("."):
        config = getattr(config, name)
    return config


def others(value: Any, annotation: Any) -> Iterator[Any]:
    """Make up values that differ from one."""
    if get_origin(annotation) is Literal:
        yield from (other for other in get_args(annotation) if other != value)
    elif isinstance(value, bool):
        yield not value
    elif isinstance(value, int | float):
        yield from (2 * value, value / 2 if isinstance(value, float) else value - 1, value + 1)
    elif isinstance(value, tuple):
        made = [list(others(item, None)) for item in value]
        yield from (tuple(items) for items in zip(*made, strict=True))


def changed(leaf: Leaf, base: Any) -> Any:
    """Return the configuration with a leaf changed."""
    given = listed(CHANGES, leaf)
    if leaf.is_tag:
        union, _, name = leaf.members[-1].rpartition(".")[2].partition(":")
        place = dotted_of(leaf.members[-1])
        made = [(place, member) for key, member in MEMBERS.items() if key.startswith(f"{union}:") and name not in key]
    else:
        made = [(leaf.dotted, value) for value in given or others(value_at(base, leaf.dotted), leaf.annotation)]
    for place, value in made:
        try:
            config = load_config(type(base), base, **{place: value})
        except ConfigError:
            if given:
                raise
            continue
        if config != base:
            return config
    raise AssertionError(f"{leaf.env} {leaf.path}: no other value can be made up, put one into CHANGES")


def actions_for(space: gym.Space[Any], step: int) -> Any:
    """Draw an action per row; an entry's draws do not depend on how many others there are."""
    numbers = int(np.prod(space.shape)) if space.shape else 1
    draws = np.stack([np.random.default_rng((step, entry)).random(ROWS) for entry in range(numbers)], axis=1)
    if isinstance(space, gym.spaces.Box):
        low, high = np.maximum(space.low, -8.0), np.minimum(space.high, 8.0)  # of entries without bounds, a few ticks
        return (low + (high - low) * draws).astype(space.dtype)
    choices = space.nvec if isinstance(space, gym.spaces.MultiDiscrete) else space.n
    return np.floor(draws * choices).astype(np.int64).reshape(ROWS, *space.shape)


@lru_cache(maxsize=4)
def play(env: str, key: str) -> dict[str, Any]:
    """Play an episode in each row and return whatever could be different; ``key`` is the configuration as JSON."""
    definition = definition_of(env)
    batch = Batch(definition, definition.config.model_validate_json(key), ROWS)
    batch.start(np.ones(ROWS, np.bool_), SEEDS)
    shown, infos, rewards = [batch.observations.tolist()], [], []
    for step in range(STEPS):
        running = batch.status == RUNNING
        if not running.any():
            break
        batch.step(running, actions_for(batch.action_space, step))
        shown.append(batch.observations.tolist())
        infos.append(batch.infos.tolist())
        rewards.append(batch.rewards.tolist())
    return {
        "hash": batch.worlds["event_hash"].tolist(),
        "observation": (batch.observation_space, shown),
        "info": infos,
        "reward": rewards,
        "picture": [draw_ansi(batch.worlds[0], batch.tasks[0], batch.market.instrument)],
    }


def differences(before: dict[str, Any], after: dict[str, Any]) -> set[str]:
    return {name for name in before if before[name] != after[name]}


@pytest.mark.parametrize("leaf", LEAVES, ids=[f"{leaf.env}-{leaf.path}" for leaf in LEAVES])
def test_every_field_does_something(leaf):
    base = load_config(definition_of(leaf.env).config, BASE[leaf.env], **base_of(leaf))
    after = changed(leaf, base)
    what, reason = (listed(ELSEWHERE, leaf) or [("hash", "")])[0]
    if what == "room":  # to play in other room compiles every kernel again
        assert base.market.capacities != after.market.capacities
        return
    different = differences(play(leaf.env, base.model_dump_json()), play(leaf.env, after.model_dump_json()))
    if what == "nothing":
        assert not different
        return
    assert what in different, f"{what} is the same; different: {different or 'nothing'}"
    assert what == "hash" or "hash" not in different, f"the exchange does something else, but: {reason}"


@pytest.mark.parametrize("table", [SCENES, CHANGES, ELSEWHERE], ids=["scenes", "changes", "elsewhere"])
def test_the_tables_name_fields_that_are_there(table):
    assert [pattern for pattern in table if not any(matches(pattern, leaf) for leaf in LEAVES)] == []


def test_what_is_exempt_is_there():
    every = [leaf.path for env in ENVS for leaf in walk(env, definition_of(env).config, exempt={})]
    unknown = [path for path in EXEMPT if not any(f"{other}.".startswith((f"{path}.", f"{path}:")) for other in every)]
    assert unknown == []


def test_a_new_field_is_found_wherever_it_is():
    class Task(TaskConfig):
        new: int = 1

    class Constant(ConstantDelay):
        new: int = 1

    class Link(LinkConfig):
        delay: Constant | LognormalDelay

    class Links(LinksConfig):
        reports: Link

    class Wider(ExecutionConfig):
        links: Links
        task: Task = Task()

    found = {leaf.path for leaf in walk("", Wider)} - {leaf.path for leaf in walk("", ExecutionConfig)}
    assert found == {"task.new", "links.reports.delay:constant.new"}
