"""A field of a configuration that says what goes wrong."""

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, GetCoreSchemaHandler
from pydantic_core import CoreSchema, core_schema

from twin_env.chaos.experiment import load_experiment
from twin_env.chaos.read import read_experiment
from twin_env.chaos.sampling.randomisation import FOLDER, load_sampler_config
from twin_env.config import preset_names


class ChaosSource:
    """Annotation of a field that takes a sampler's preset, file or keys, or anything that names an experiment."""

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Build pydantic's schema: load what is not a model yet."""
        return core_schema.no_info_before_validator_function(_load, handler(source))


def _load(value: Any) -> Any:
    if value is None or isinstance(value, BaseModel):
        return value
    if isinstance(value, Mapping):
        return load_experiment(value) if "method" in value else load_sampler_config(value)
    if isinstance(value, str) and value in preset_names(FOLDER):
        return load_sampler_config(value)
    return read_experiment(value)
