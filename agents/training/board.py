"""What TensorBoard shows beside the curves: hyperparameters, the configuration, waterfalls, and rules as lines."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import gymnasium as gym
from stable_baselines3.common.logger import HParam, Image, Logger, TensorBoardOutputFormat, configure
from torch.utils.tensorboard import SummaryWriter

from agents.batteries.rollouts import run_episodes
from agents.policies.registry import make_policy, rules_for
from agents.training.config import TrainConfig
from twin_env.alpha.results import Result, check
from twin_env.config import dump_yaml
from twin_env.envs.registration import definition_of
from twin_env.report.board_figures import can_draw, draw_waterfall
from twin_env.report.tensorboard import WATERFALL, write_results

_TEXT_ONLY: Final = ("stdout", "log", "json", "csv")
_TOP: Final = ("env", "algo", "seed", "n_envs", "n_timesteps", "normalize_observations", "normalize_rewards")
_SECTIONS: Final = ("task", "action", "reward", "risk")  # of the environment; the market is in the text


def make_logger(folder: Path, verbose: bool, resumed_at: int | None = None) -> Logger:
    """Make a logger for TensorBoard, and for standard output if that is wanted.

    Args:
        folder: Of the run in TensorBoard.
        verbose: Print each rollout's figures too.
        resumed_at: Step of the checkpoint that training goes on from: points after it are drawn anew.
    """
    logger = configure(str(folder), ["tensorboard", "stdout"] if verbose else ["tensorboard"])
    if resumed_at is not None:
        for output in logger.output_formats:
            if isinstance(output, TensorBoardOutputFormat):
                output.writer.close()
                output.writer = SummaryWriter(str(folder), purge_step=resumed_at + 1)
    return logger


def record_configuration(logger: Logger, config: TrainConfig) -> None:
    """Record the whole configuration as text, and what varies between runs as hyperparameters.

    Metrics of the hyperparameters' table are tags: TensorBoard shows the last value of each.
    """
    text = dump_yaml(config.model_dump(mode="json"))
    logger.record("config", f"```yaml\n{text}```", exclude=_TEXT_ONLY)
    headline = definition_of(config.env).objective.tag
    metrics = dict.fromkeys((headline, f"eval/{headline}", "eval/mean_reward", "rollout/ep_rew_mean"), 0.0)
    logger.record("hparams", HParam(hyperparameters(config), metrics), exclude=_TEXT_ONLY)


def hyperparameters(config: TrainConfig) -> dict[str, Any]:
    """Return the numbers and names that runs differ by, flat: those of the algorithm keep their names."""
    flat = {name: getattr(config, name) for name in _TOP}
    data = config.env_config.model_dump(mode="json")
    for section in _SECTIONS:
        flat |= {f"{section}.{name}": value for name, value in data.get(section, {}).items()}
    flat |= config.hyperparams
    return {
        name: value if isinstance(value, bool | int | float | str) else str(value)
        for name, value in flat.items()
        if value is not None
    }


def draw_rules(env: gym.Env[Any, Any], seeds: Sequence[int], folder: Path, n_timesteps: int) -> list[Result]:
    """Play every rule that can act on the episodes of the evaluations, and draw each over the whole training.

    Args:
        env: Of the evaluations.
        seeds: Of their episodes.
        folder: A folder for each rule goes into it.
        n_timesteps: Where the lines end.

    Returns:
        What the rules reached, in the order of the registry.
    """
    objective = env.unwrapped.definition.objective  # type: ignore[attr-defined]
    results = [
        Result(name, run_episodes(env, make_policy(name, env), seeds), objective=objective) for name in rules_for(env)
    ]
    check(results)
    write_results(folder, results, (0, n_timesteps), env.unwrapped.market.instrument.currency)  # type: ignore[attr-defined]
    return results


def record_waterfall(logger: Logger, result: Result, currency: str) -> None:
    """Record where the money of a policy went as a picture; nothing where matplotlib is not installed."""
    if can_draw():
        logger.record(WATERFALL, Image(draw_waterfall(result, currency), "HWC"), exclude=_TEXT_ONLY)
