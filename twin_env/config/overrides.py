"""Change a document before it is validated: by single keys, or by a document that extends it."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from twin_env.config.errors import ConfigError, show
from twin_env.config.models import FileField, models_in
from twin_env.config.sources import Source, read_chain

Fields = list[FieldInfo]


def override(where: str, model: type[BaseModel], data: dict[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """Return the keys with some replaced; dots in a key reach into mappings, presets and defaults.

    Raises:
        ConfigError: A key reaches into something that is no mapping.
    """
    merged = dict(data)
    for dotted, value in changes.items():
        *parents, last = dotted.split(".")
        inner, models = merged, [model]
        for parent in parents:
            fields = _fields(models, parent)
            found = _mapping_at(inner.get(parent), fields)
            if not isinstance(found, Mapping):
                raise ConfigError(
                    [f"{where}: {dotted} cannot be set, {parent} is {show(found)}, expected a mapping there."]
                )
            inner[parent] = dict(found)
            inner, models = inner[parent], _models(fields)
        if _chooses_another(models, inner, last, value):
            prefix = dotted.removesuffix(last)
            beside = [key for key in changes if key.rpartition(".")[0] + "." == prefix]
            inner.clear()  # those keys are the present member's
            inner |= {key.removeprefix(prefix): changes[key] for key in beside}
        inner[last] = value
    return merged


def extend(models: list[type[BaseModel]], base: Mapping[str, Any], data: Mapping[str, Any]) -> dict[str, Any]:
    """Return the keys of ``base`` with those of ``data`` over them; mappings are merged, all else is replaced.

    A mapping that chooses another member of a union replaces the one before: the keys of that were not its own. Where
    the base names a preset, a mapping changes single keys of it.
    """
    if any(_chooses_another(models, base, key, value) for key, value in data.items()):
        return dict(data)
    merged = dict(base)
    for key, value in data.items():
        fields = _fields(models, key)
        below = _mapping_at(base.get(key), fields) if key in base and isinstance(value, Mapping) else None
        merged[key] = extend(_models(fields), below, value) if isinstance(below, Mapping) else value
    return merged


def read_extended(
    model: type[BaseModel], source: str | Path | Mapping[str, Any], folder: str
) -> tuple[dict[str, Any], list[Source]]:
    """Read a document over all it extends; the chain, itself first, comes with it.

    Raises:
        ConfigError: A document cannot be read, or extends itself.
    """
    chain = read_chain(source, model.__name__, folder)
    data = chain[-1].data
    for one in reversed(chain[:-1]):
        data = extend([model], data, one.data)
    return data, chain


def _fields(models: list[type[BaseModel]], key: str) -> Fields:
    return [owner.model_fields[key] for owner in models if key in owner.model_fields]


def _models(fields: Fields) -> list[type[BaseModel]]:
    return [found for field in fields for found in models_in(field.annotation)]


def _chooses_another(models: list[type[BaseModel]], inner: Mapping[str, Any], key: str, value: Any) -> bool:
    """Tell whether setting ``key`` makes ``inner`` another member of a union than it is."""
    if value is None or isinstance(value, dict | list):
        return False
    fields = _fields(models, key)
    present = [inner[key]] if key in inner else [field.default for field in fields if not field.is_required()]
    return value not in present and any(get_args(field.annotation) == (value,) for field in fields)


def _mapping_at(value: Any, fields: Fields) -> Any:
    """Return the mapping a change reaches into: the default for a missing value, the file for a preset."""
    for field in fields:
        if value is None and not field.is_required():
            value = field.get_default(call_default_factory=True, validated_data={})
        for preset in field.metadata:
            if isinstance(preset, FileField) and preset.names_file(value):
                value = read_extended(models_in(field.annotation)[0], value, preset.folder)[0]
    return value.model_dump() if isinstance(value, BaseModel) else {} if value is None else value
