"""Configuration: frozen models, read from YAML 1.2, refused with one sentence per problem.

Every configuration of the product is a :class:`Config`. :func:`load_config` is the one way in: it takes a preset's
name, a path, a mapping or a model, and either returns a valid model or raises :class:`ConfigError`, which says for
every problem where it is, what was found and what was expected. A document may build on another: ``extends: NAME``.
"""

from twin_env.config.errors import ConfigError
from twin_env.config.load import load_config
from twin_env.config.models import Config
from twin_env.config.preset_field import Preset
from twin_env.config.presets import is_path, preset_names
from twin_env.config.sources import first_value, read_yaml
from twin_env.config.yaml import dump_yaml, parse_yaml

__all__ = [
    "Config",
    "ConfigError",
    "Preset",
    "dump_yaml",
    "first_value",
    "is_path",
    "load_config",
    "parse_yaml",
    "preset_names",
    "read_yaml",
]
