"""What a training run is made of, as users write it."""

from typing import Annotated, Any, Final, Literal, Self

from pydantic import Field, field_validator, model_validator

from twin_env.config import Config, Preset
from twin_env.envs.execution.config import ExecutionConfig
from twin_env.envs.execution.face import DEFAULT_CONFIG
from twin_env.registration import ENVS

ON_POLICY: Final = ("ppo", "a2c")


class TrainConfig(Config):
    """A training run.

    Attributes:
        env: Name in Gymnasium's registry.
        env_config: What the environment is made with.
        algo: Algorithm of stable-baselines3; ``sac`` needs the ``schedule`` action.
        policy: Policy class of stable-baselines3.
        n_timesteps: Steps to train for, all environments together; rounded up to whole rollouts.
        n_envs: Environments stepped side by side.
        seed: Names every random number of the run.
        eval_freq: Steps, all environments together, between two evaluations; 0 for none.
        eval_episodes: Episodes of one evaluation, always the same ones.
        normalize_observations: Scale observations by running statistics; they come scaled already.
        normalize_rewards: Scale rewards by running statistics of the return, in training only.
        hyperparams: Arguments of the algorithm, by the names stable-baselines3 gives them. A text
            like ``lin_3e-4`` is a value that falls linearly to zero over the run.
    """

    env: str = "TwinExecution-v0"
    env_config: Annotated[ExecutionConfig, Preset("environments")] = Field(
        default_factory=lambda: ExecutionConfig.model_validate(DEFAULT_CONFIG)
    )
    algo: Literal["ppo", "a2c", "sac"] = "ppo"
    policy: Literal["MlpPolicy"] = "MlpPolicy"
    n_timesteps: Annotated[int, Field(ge=1, le=10**12)] = 150_000
    n_envs: Annotated[int, Field(ge=1, le=1024)] = 8
    seed: Annotated[int, Field(ge=0, lt=2**32)] = 1
    eval_freq: Annotated[int, Field(ge=0)] = 25_000
    eval_episodes: Annotated[int, Field(ge=1)] = 20
    normalize_observations: bool = False
    normalize_rewards: bool = True
    hyperparams: dict[str, Any] = {}

    @field_validator("env")
    @classmethod
    def _is_registered(cls, name: str) -> str:
        if name not in ENVS:
            raise ValueError(f"one of {', '.join(ENVS)}")
        return name

    @model_validator(mode="after")
    def _actions_fit(self) -> Self:
        if self.algo == "sac" and self.env_config.action.codec != "schedule":
            raise ValueError("algo=sac chooses numbers, expected env_config.action.codec=schedule with it")
        return self

    @model_validator(mode="after")
    def _batches_are_whole(self) -> Self:
        if self.algo != "ppo":
            return self
        n_steps, batch_size = self.hyperparams.get("n_steps", 2048), self.hyperparams.get("batch_size", 64)
        if not isinstance(n_steps, int) or not isinstance(batch_size, int) or n_steps < 1 or batch_size < 2:
            raise ValueError(
                f"hyperparams.n_steps={n_steps!r} and batch_size={batch_size!r}, "
                "expected integers, n_steps at least 1 and batch_size at least 2"
            )
        if self.n_envs * n_steps % batch_size:
            raise ValueError(
                f"n_envs={self.n_envs} times hyperparams.n_steps={n_steps} is {self.n_envs * n_steps}, "
                f"expected a multiple of hyperparams.batch_size={batch_size}"
            )
        return self
