"""``twin config show NAME|FILE``: a configuration with everything it extends and every default filled in."""

import argparse
from importlib import import_module
from pathlib import Path
from typing import Final

from pydantic import BaseModel

from twin_env.cli import options
from twin_env.config import ConfigError, dump_yaml, is_path, load_config, preset_names
from twin_env.config.sources import read_chain

HELP: Final = "print a configuration with what it extends, its presets and its defaults filled in"
EXAMPLES: Final = (
    "twin config show mgc_2025",
    "twin config show links/retail --set orders.delay.mean_ms=80",
    "twin config show my_market.yaml --kind markets",
    "twin config show quickstart --json -",
)
KINDS: Final = {
    "markets": ("twin_env.market.synthetic", "MarketConfig"),
    "links": ("twin_env.market.links", "LinksConfig"),
    "instruments": ("twin_env.market.instrument", "Instrument"),
    "chaos": ("twin_env.chaos.sampling.randomisation", "SamplerConfig"),
    "chaos/library": ("twin_env.chaos.experiment", "Experiment"),
    "train": ("agents.training.config", "TrainConfig"),
    "realism": ("twin_env.studies.realism.scores", "RealismBands"),
    "columns": ("twin_env.market.data.columns.column_map", "Columns"),
}
"""Folders of ``configs`` and what their files are; a name that several have means the first."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("name", metavar="NAME|FILE", help="of a preset, alone or as FOLDER/NAME, or a YAML file")
    parser.add_argument(
        "--kind", choices=tuple(KINDS), help="what it is; by default its folder says, or the keys of the file"
    )
    options.add_set(parser)
    options.add_json(parser, "the configuration")


def run(arguments: argparse.Namespace) -> int:
    """Print the configuration under a comment that says where it comes from, and return 0."""
    kind, source = find(arguments.name, arguments.kind)
    config = read(kind, source, arguments)
    chain = [one.name for one in read_chain(source, "", kind)]
    others = [other for other in KINDS if other != kind and source in preset_names(other)]
    print(f"# {', which extends '.join(chain)}; read as {kind}")
    if arguments.settings:
        print(f"# changed by --set: {', '.join(key for key, _ in arguments.settings)}")
    for other in others:
        print(f"# There is configs/{other}/{source}.yaml, too: --kind {other}")
    data = config.model_dump(mode="json")
    print(dump_yaml(data, flow=None), end="")
    if arguments.json:
        arguments.json.write(data)
    return 0


def find(name: str, kind: str | None) -> tuple[str, str]:
    """Return the kind of a configuration, and what :func:`load_config` takes for it.

    Raises:
        ConfigError: There is none of this name, or its keys do not say what it is.
    """
    for folder in KINDS if kind is None else (kind,):
        short = name.removeprefix(f"{folder}/")
        if short in preset_names(folder):
            return folder, short
    if not is_path(name):
        known = sorted({preset for folder in KINDS for preset in preset_names(folder)})
        raise ConfigError([f"there is no preset {name!r}, expected a path or one of {', '.join(known)}."])
    return kind or _kind_of(name), name


def read(kind: str, source: str, arguments: argparse.Namespace) -> BaseModel:
    """Read a configuration of a kind."""
    if kind == "train":
        from agents.training.config import load_train_config

        changes = argparse.Namespace(env=None, settings=arguments.settings)
        return load_train_config(source, **options.config_changes(changes, env_keys=()))
    if kind == "chaos/library":
        from twin_env.chaos.experiment import load_experiment

        return load_experiment(source, **dict(arguments.settings))
    return load_config(_model(kind), source, folder=kind, **dict(arguments.settings))


def _model(kind: str) -> type[BaseModel]:
    module, name = KINDS[kind]
    model: type[BaseModel] = getattr(import_module(module), name)
    return model


def _kind_of(name: str) -> str:
    """Return the kind whose keys a file has: that of its folder, or the only one that fits."""
    if Path(name).parent.name in KINDS:
        return Path(name).parent.name
    keys = {key for one in read_chain(name, "", "") for key in one.data}
    fitting = [kind for kind in KINDS if keys <= set(_model(kind).model_fields)]
    if len(fitting) != 1:
        listed = ", ".join(KINDS)
        raise ConfigError([f"{name}: its keys do not say what it is, expected --kind with one of {listed}."])
    return fitting[0]
