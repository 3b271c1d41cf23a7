"""From a source to a valid configuration."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from twin_env.config.describe import describe
from twin_env.config.errors import ConfigError, show
from twin_env.config.overrides import override, read_extended
from twin_env.config.sources import Source
from twin_env.config.yaml import KeyPath

T = TypeVar("T", bound=BaseModel)


def load_config(
    model: type[T], source: str | Path | Mapping[str, Any] | T | None, /, *, folder: str = "", **overrides: Any
) -> T:
    """Read and validate one configuration.

    Args:
        model: What to return.
        source: A preset's name, looked up as ``configs/<folder>/<name>.yaml``; or the path of
            a YAML file (it ends in .yaml, .yml or .json, or has a slash); or a mapping; or a
            model; or ``None`` for the defaults of ``model``. A file or a mapping with the key ``extends`` changes
            what that names, a preset of the same folder or a path beside the file: mappings are merged.
        folder: Folder of presets, under ``configs``.
        overrides: Values that replace those of ``source``. A key with dots reaches into
            mappings: ``**{"orders.delay.mean_ms": 80}``.

    Raises:
        ConfigError: One sentence for each problem.
    """
    if isinstance(source, model) and not overrides:
        return source
    data, chain = _read(model, source, folder)
    where = chain[0].name
    if overrides:
        where += " with overrides"
        data = override(where, model, data, overrides)
    places: dict[KeyPath, str] = {tuple(dotted.split(".")): where for dotted in overrides}
    try:
        return model.model_validate(data)
    except ValidationError as error:
        raise ConfigError(describe(lambda path: _place(chain, places, path), model, data, error)) from None


def _read(model: type[BaseModel], source: Any, folder: str) -> tuple[dict[str, Any], list[Source]]:
    if source is None:
        return {}, [Source(model.__name__, {}, {})]
    if isinstance(source, model):
        return source.model_dump(), [Source(model.__name__, {}, {})]
    if isinstance(source, str | Path | Mapping):
        return read_extended(model, source, folder)
    raise ConfigError(
        [f"{model.__name__}: the source is {show(source)}, expected a preset, a path, a mapping or a model."]
    )


def _place(chain: list[Source], places: Mapping[KeyPath, str], path: KeyPath) -> str:
    """Return where a key stands: in the overrides, or in the nearest document that has it or a key above it."""
    for length in range(len(path), 0, -1):
        for known in (places, *(one.places for one in chain)):
            if path[:length] in known:
                return known[path[:length]]
    return places[next(iter(places))] if places else chain[0].name
