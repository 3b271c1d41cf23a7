"""A field of a configuration that says what goes wrong."""

from collections.abc import Mapping
from typing import Any

from pydantic import GetCoreSchemaHandler, ValidationInfo
from pydantic_core import CoreSchema, core_schema

from twin_env.chaos.experiment import Experiment
from twin_env.chaos.read import read_experiment
from twin_env.chaos.sampling.randomisation import FOLDER, SamplerConfig, load_sampler_config
from twin_env.config import preset_names


class ChaosSource:
    """Annotation of a field that takes a sampler's preset, file or keys, or anything that names an experiment."""

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Build pydantic's schema: load what is not a model yet."""
        return core_schema.with_info_before_validator_function(_load, handler(source))


def _load(value: Any, info: ValidationInfo) -> Any:
    """Return a model; a sentence is about the market that stands before it among the fields."""
    if value is None or isinstance(value, SamplerConfig | Experiment):
        return value
    market = info.data.get("market")
    if isinstance(value, Mapping):
        return read_experiment(value, market) if value.keys() & {"method", "kind"} else load_sampler_config(value)
    if isinstance(value, str) and value in preset_names(FOLDER):
        return load_sampler_config(value)
    return read_experiment(value, market)
