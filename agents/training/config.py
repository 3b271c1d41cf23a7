"""What a training run is made of, as users write it."""

from pathlib import Path
from typing import Annotated, Any, Final, Literal, Self

from pydantic import Field, create_model, field_validator, model_validator

from agents.training.curriculum import CurriculumChoice
from twin_env.chaos.sampling.randomisation import SamplerConfig
from twin_env.config import Config, Preset, first_value, load_config
from twin_env.envs.execution.config import ExecutionConfig
from twin_env.envs.execution.definition import EXECUTION
from twin_env.envs.registration import DEFAULT_ENV, ENVS, definition_of

FOLDER: Final = "train"
ON_POLICY: Final = ("ppo", "a2c")
_NEEDS: Final = (  # what an algorithm chooses, and the codecs that let it
    ("sac", "numbers", ("schedule", "ladder", "target")),
    ("dqn", "from a list", ("table", "positions")),
)


class TrainConfig(Config):
    """A training run.

    Attributes:
        env: Name in Gymnasium's registry.
        env_config: What the environment is made with.
        algo: Algorithm of stable-baselines3; ``sac`` needs an action of numbers, ``dqn`` one of a list.
        policy: Policy class of stable-baselines3; by default the one that fits ``observation.form``.
        n_timesteps: Steps to train for, all environments together; rounded up to whole rollouts.
        n_envs: Environments stepped side by side.
        seed: Names every random number of the run.
        eval_freq: Steps, all environments together, between two evaluations; 0 for none.
        eval_episodes: Episodes of one evaluation, always the same ones.
        checkpoint_every_steps: Steps, all environments together, between two checkpoints that training
            can go on from; 0 for none.
        normalize_observations: Scale observations by running statistics; they come scaled already.
        normalize_rewards: Scale rewards by running statistics of the return, in training only.
        curriculum: Chooses among the draws of ``env_config.chaos`` by the returns of earlier episodes; ``None`` takes
            every draw as it comes.
        hyperparams: Arguments of the algorithm, by the names stable-baselines3 gives them. A text
            like ``lin_3e-4`` is a value that falls linearly to zero over the run.
    """

    env: str = DEFAULT_ENV
    env_config: Annotated[ExecutionConfig, Preset("environments")] = Field(
        default_factory=lambda: ExecutionConfig.model_validate(EXECUTION.default)
    )
    algo: Literal["ppo", "a2c", "sac", "dqn"] = "ppo"
    policy: Literal["MlpPolicy", "MultiInputPolicy"] | None = None
    n_timesteps: Annotated[int, Field(ge=1, le=10**12)] = 150_000
    n_envs: Annotated[int, Field(ge=1, le=1024)] = 8
    seed: Annotated[int, Field(ge=0, lt=2**32)] = 1
    eval_freq: Annotated[int, Field(ge=0)] = 25_000
    eval_episodes: Annotated[int, Field(ge=1)] = 20
    checkpoint_every_steps: Annotated[int, Field(ge=0)] = 50_000
    normalize_observations: bool = False
    normalize_rewards: bool = True
    curriculum: CurriculumChoice | None = None
    hyperparams: dict[str, Any] = {}

    @field_validator("env")
    @classmethod
    def _is_registered(cls, name: str) -> str:
        if name not in ENVS:
            raise ValueError(f"one of {', '.join(ENVS)}")
        return name

    @model_validator(mode="after")
    def _actions_fit(self) -> Self:
        for algo, what, codecs in _NEEDS:
            if self.algo == algo and self.env_config.action.codec not in codecs:
                known = [codec for codec in codecs if codec in definition_of(self.env).codecs]
                raise ValueError(
                    f"algo={algo} chooses {what}, expected env_config.action.codec={' or '.join(known)} with it"
                )
        return self

    @property
    def policy_class(self) -> str:
        """The policy class that fits the observations."""
        return {"flat": "MlpPolicy", "dict": "MultiInputPolicy"}[self.env_config.observation.form]

    @model_validator(mode="after")
    def _policy_fits(self) -> Self:
        if self.policy not in (None, self.policy_class):
            form = self.env_config.observation.form
            raise ValueError(
                f"policy={self.policy} and env_config.observation.form={form}, "
                f"expected policy={self.policy_class} with it"
            )
        return self

    @model_validator(mode="after")
    def _curriculum_has_draws(self) -> Self:
        if self.curriculum is not None and not isinstance(self.env_config.chaos, SamplerConfig):
            raise ValueError(
                "curriculum chooses among draws, expected env_config.chaos to say from what, such as 'default'"
            )
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


def _model_of(name: str) -> type[TrainConfig]:
    """Return :class:`TrainConfig` with the configuration that a registered environment is made with."""
    if name == DEFAULT_ENV:
        return TrainConfig
    definition = definition_of(name)
    config: Any = Annotated[definition.config, Preset("environments")]
    default = Field(default_factory=lambda: definition.config.model_validate(definition.default))
    return create_model("TrainConfig", __base__=TrainConfig, env=(str, name), env_config=(config, default))


_MODELS: Final = {name: _model_of(name) for name in ENVS}


def load_train_config(source: TrainConfig | str | Path | None = None, **changes: Any) -> TrainConfig:
    """Read a training configuration: the name of its environment says what the rest must be.

    Args:
        source: A preset of ``configs/train``, a file, or a configuration; the defaults without one.
        changes: Single keys, dots reach into mappings.

    Raises:
        ConfigError: One sentence for each problem.
    """
    named = changes.get("env")
    if named is None and source is not None:
        named = source.env if isinstance(source, TrainConfig) else first_value(source, "env", FOLDER)
    model = _MODELS.get(str(named), TrainConfig)
    if isinstance(source, TrainConfig) and type(source) is not model:
        source = None  # another environment's configuration says nothing about this one
    config: TrainConfig = load_config(model, source, folder=FOLDER, **changes)
    return config
