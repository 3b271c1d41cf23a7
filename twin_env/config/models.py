"""Base of all configuration models, and fields that take a preset's name."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final, Literal, get_args, get_origin

from pydantic import BaseModel, ConfigDict, model_validator

EXTENDS: Final = "extends"
"""Key of a document that names another one to build on."""


class Config(BaseModel):
    """Base of all configuration models: immutable, finite numbers, no unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    @model_validator(mode="before")
    @classmethod
    def _refuse_bool_as_number(cls, data: Any) -> Any:
        # Pydantic would read true as 1. The word is no number.
        if not isinstance(data, Mapping):
            return data
        numeric = _numeric_fields(cls)
        return {key: _spell_bools(value) if key in numeric else value for key, value in data.items()}


@dataclass(frozen=True)
class FileField:
    """Annotation of a field whose value may be the name or path of a file in ``folder``, or a mapping that extends one.

    It says so and reads nothing; :class:`twin_env.config.preset_field.Preset` is the one that loads.
    """

    folder: str

    @staticmethod
    def names_file(value: Any) -> bool:
        """Tell whether a value is, or extends, a file."""
        return isinstance(value, str | Path) or (isinstance(value, Mapping) and EXTENDS in value)


def leaves(annotation: Any) -> list[Any]:
    """Return the plain types an annotation is made of: ``tuple[A | B, ...]`` gives A and B."""
    if get_origin(annotation) is Literal:
        return [annotation]
    arguments = get_args(annotation)
    return [leaf for argument in arguments for leaf in leaves(argument)] if arguments else [annotation]


def models_in(annotation: Any) -> list[type[BaseModel]]:
    """Return the models among the plain types of an annotation."""
    return [leaf for leaf in leaves(annotation) if isinstance(leaf, type) and issubclass(leaf, BaseModel)]


def tags_of(model: type[BaseModel]) -> list[str]:
    """Return the values by which a discriminated union can choose ``model``."""
    annotations = [field.annotation for field in model.model_fields.values()]
    return [
        str(tag)
        for annotation in annotations
        if get_origin(annotation) is Literal and len(get_args(annotation)) == 1
        for tag in get_args(annotation)
    ]


@cache
def _numeric_fields(model: type[BaseModel]) -> frozenset[str]:
    """Return the fields that hold numbers and no truth values; asked for at every validation, so remembered."""
    fields = {name: leaves(field.annotation) for name, field in model.model_fields.items()}
    return frozenset(name for name, found in fields.items() if {int, float} & set(found) and bool not in found)


def _spell_bools(value: Any) -> Any:
    if isinstance(value, list | tuple):
        return [_spell_bools(item) for item in value]
    return str(value).lower() if isinstance(value, bool) else value
