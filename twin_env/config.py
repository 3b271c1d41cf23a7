"""Configuration: frozen models, read from YAML, refused with one sentence per problem.

Every configuration of the product is a :class:`Config`. :func:`load_config` is the
one way in: it takes a preset's name, a path, a mapping or a model, and either
returns a valid model or raises :class:`ConfigError`, which says for every problem
where it is, what was found and what was expected.
"""

import difflib
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final, Literal, TypeVar, get_args, get_origin

import yaml
from pydantic import BaseModel, ConfigDict, GetCoreSchemaHandler, ValidationError, model_validator
from pydantic.fields import FieldInfo
from pydantic_core import CoreSchema, ErrorDetails, core_schema

try:
    from yaml import CSafeLoader as _SafeLoader
except ImportError:  # PyYAML without its C library
    from yaml import SafeLoader as _SafeLoader  # type: ignore[assignment]

_PACKAGE = Path(__file__).resolve().parent
_FOLDERS = (_PACKAGE / "configs", _PACKAGE.parent / "configs")  # an installed copy, a repository
_SUFFIXES: Final = (".yaml", ".yml", ".json")
_SHOWN_CHARACTERS: Final = 60


class ConfigError(ValueError):
    """A configuration that was refused.

    Attributes:
        problems: One sentence each.
    """

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


class Config(BaseModel):
    """Base of all configuration models: immutable, finite numbers, no unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    @model_validator(mode="before")
    @classmethod
    def _refuse_bool_as_number(cls, data: Any) -> Any:
        # YAML reads `on` and `yes` as true and pydantic would read true as 1. The word is no number.
        if not isinstance(data, Mapping):
            return data
        numeric = _numeric_fields(cls)
        return {key: _spell_bools(value) if key in numeric else value for key, value in data.items()}


T = TypeVar("T", bound=BaseModel)


@dataclass(frozen=True)
class Preset:
    """Annotation of a field that also takes the name or path of a file in ``folder``.

    ``instrument: Annotated[Instrument, Preset("instruments")]`` accepts ``mgc``.
    """

    folder: str

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Build pydantic's schema: load what is a name or a path, pass on the rest."""

        def load(value: Any) -> Any:
            return load_config(source, value, folder=self.folder) if isinstance(value, str | Path) else value

        return core_schema.no_info_before_validator_function(load, handler(source))


def load_config(
    model: type[T], source: str | Path | Mapping[str, Any] | T | None, /, *, folder: str = "", **overrides: Any
) -> T:
    """Read and validate one configuration.

    Args:
        model: What to return.
        source: A preset's name, looked up as ``configs/<folder>/<name>.yaml``; or the path of
            a YAML file (it ends in .yaml, .yml or .json, or has a slash); or a mapping; or a
            model; or ``None`` for the defaults of ``model``.
        folder: Folder of presets, under ``configs``.
        overrides: Values that replace those of ``source``. A key with dots reaches into
            mappings: ``**{"orders.delay.mean_ms": 80}``.

    Raises:
        ConfigError: One sentence for each problem.
    """
    if isinstance(source, model) and not overrides:
        return source
    where, data = _read(model, source, folder)
    if overrides:
        where += " with overrides"
        data = _merge(where, model, data, overrides)
    try:
        return model.model_validate(data)
    except ValidationError as error:
        raise ConfigError(_describe(where, model, data, error)) from None


def preset_names(folder: str) -> list[str]:
    """Return the names of the presets in ``configs/<folder>``, sorted."""
    return sorted({path.stem for root in _FOLDERS for path in (root / folder).glob("*.yaml")})


def read_yaml(path: Path, name: str = "") -> dict[str, Any]:
    """Read a YAML file that holds a mapping.

    Args:
        path: The file.
        name: How error messages call it; its path by default.

    Raises:
        ConfigError: The file is missing, unreadable, not YAML, has a key twice or is no mapping.
    """
    name = name or str(path)
    try:
        data = yaml.load(path.read_text(encoding="utf-8"), Loader=_Loader)
    except OSError as error:
        raise ConfigError([f"{name}: cannot be read ({error.strerror}), expected a YAML file."]) from None
    except UnicodeDecodeError:
        raise ConfigError([f"{name}: is not UTF-8 text, expected a YAML file."]) from None
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise ConfigError([f"{name}: line {line}: {error.problem}, expected valid YAML."]) from None
    except yaml.YAMLError as error:
        raise ConfigError([f"{name}: {str(error).splitlines()[0]}, expected valid YAML."]) from None
    if not isinstance(data, dict | None):
        raise ConfigError([f"{name}: holds {_show(data)}, expected a mapping of keys to values."])
    return data or {}


class _Loader(_SafeLoader):
    """YAML's safe loader, which refuses duplicate keys and reads ``1e6`` as a number."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen = set()
        for key in [key for key, _ in node.value if isinstance(key, yaml.ScalarNode)]:
            if key.value in seen:
                raise yaml.MarkedYAMLError(problem=f"key {key.value!r} is there twice", problem_mark=key.start_mark)
            seen.add(key.value)
        return super().construct_mapping(node, deep)


_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float",
    re.compile(r"^[-+]?(?:[0-9][0-9_]*\.?[0-9_]*|\.[0-9][0-9_]*)[eE][-+]?[0-9]+$"),
    list("-+.0123456789"),
)


def _read(model: type[BaseModel], source: Any, folder: str) -> tuple[str, dict[str, Any]]:
    if source is None:
        return model.__name__, {}
    if isinstance(source, BaseModel) and isinstance(source, model):
        return model.__name__, source.model_dump()
    if isinstance(source, Mapping):
        return model.__name__, dict(source)
    if isinstance(source, Path) or (isinstance(source, str) and is_path(source)):
        return str(source), read_yaml(Path(source), str(source))
    if isinstance(source, str):
        return _read_preset(source, folder)
    raise ConfigError(
        [f"{model.__name__}: the source is {_show(source)}, expected a preset, a path, a mapping or a model."]
    )


def is_path(source: str) -> bool:
    """Tell whether a source is the path of a file; other texts are names."""
    return source.endswith(_SUFFIXES) or "/" in source or os.sep in source


def _read_preset(preset: str, folder: str) -> tuple[str, dict[str, Any]]:
    place = "/".join(filter(None, ("configs", folder)))
    for root in _FOLDERS:
        path = root / folder / f"{preset}.yaml"
        if path.is_file():
            name = f"{place}/{preset}.yaml"
            return name, read_yaml(path, name)
    names = preset_names(folder)
    raise ConfigError(
        [f"{place}: there is no preset {preset!r}{_did_you_mean(preset, names)}, expected {_one_of(names)}."]
    )


def _merge(where: str, model: type[BaseModel], data: dict[str, Any], overrides: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(data)
    for dotted, value in overrides.items():
        *parents, last = dotted.split(".")
        inner, models = merged, [model]
        for parent in parents:
            fields = [owner.model_fields[parent] for owner in models if parent in owner.model_fields]
            found = _mapping_at(inner.get(parent), fields)
            if not isinstance(found, Mapping):
                raise ConfigError(
                    [f"{where}: {dotted} cannot be set, {parent} is {_show(found)}, expected a mapping there."]
                )
            inner[parent] = dict(found)
            inner, models = inner[parent], [found for field in fields for found in _models(field.annotation)]
        if _chooses_another(models, inner, last, value):
            prefix = dotted.removesuffix(last)
            beside = [key for key in overrides if key.rpartition(".")[0] + "." == prefix]
            inner.clear()  # those keys are the present member's
            inner |= {key.removeprefix(prefix): overrides[key] for key in beside}
        inner[last] = value
    return merged


def _chooses_another(models: list[type[BaseModel]], inner: Mapping[str, Any], key: str, value: Any) -> bool:
    """Tell whether setting ``key`` makes ``inner`` another member of a union than it is."""
    fields = [owner.model_fields[key] for owner in models if key in owner.model_fields and value is not None]
    present = [inner[key]] if key in inner else [field.default for field in fields if not field.is_required()]
    return value not in present and any(get_args(field.annotation) == (value,) for field in fields)


def _mapping_at(value: Any, fields: list[FieldInfo]) -> Any:
    """Return the mapping an override reaches into: the default for a missing value, the file for a preset."""
    for field in fields:
        if value is None and not field.is_required():
            value = field.get_default(call_default_factory=True, validated_data={})
        for preset in field.metadata:
            if isinstance(preset, Preset) and isinstance(value, str | Path):
                value = _read(_models(field.annotation)[0], value, preset.folder)[1]
    return value.model_dump() if isinstance(value, BaseModel) else {} if value is None else value


def _leaves(annotation: Any) -> list[Any]:
    """Return the plain types an annotation is made of: ``tuple[A | B, ...]`` gives A and B."""
    if get_origin(annotation) is Literal:
        return [annotation]
    arguments = get_args(annotation)
    return [leaf for argument in arguments for leaf in _leaves(argument)] if arguments else [annotation]


@cache
def _numeric_fields(model: type[BaseModel]) -> frozenset[str]:
    """Return the fields that hold numbers and no truth values; asked for at every validation, so remembered."""
    fields = {name: _leaves(field.annotation) for name, field in model.model_fields.items()}
    return frozenset(name for name, leaves in fields.items() if {int, float} & set(leaves) and bool not in leaves)


def _spell_bools(value: Any) -> Any:
    if isinstance(value, list | tuple):
        return [_spell_bools(item) for item in value]
    return str(value).lower() if isinstance(value, bool) else value


def _models(annotation: Any) -> list[type[BaseModel]]:
    return [leaf for leaf in _leaves(annotation) if isinstance(leaf, type) and issubclass(leaf, BaseModel)]


def _tags(model: type[BaseModel]) -> list[str]:
    """Return the values by which a discriminated union can choose ``model``."""
    annotations = [field.annotation for field in model.model_fields.values()]
    return [
        str(tag)
        for annotation in annotations
        if get_origin(annotation) is Literal and len(get_args(annotation)) == 1
        for tag in get_args(annotation)
    ]


def _follow(model: type[BaseModel], data: Any, loc: tuple[int | str, ...]) -> tuple[str, list[type[BaseModel]], Any]:
    """Translate a pydantic location to the path a user knows.

    Pydantic's locations also name the chosen members of unions, which no file holds.

    Returns:
        The dotted path, the models that may stand there, and the annotation found there.
    """
    path, models, annotation = "", [model], None
    for step in loc:
        owners = [owner for owner in models if step in owner.model_fields]
        tagged = [owner for owner in models if step in _tags(owner)]
        if isinstance(step, int):
            path += f"[{step}]"
            data = data[step] if isinstance(data, list | tuple) and step < len(data) else None
        elif tagged and not owners:
            models = tagged
        elif owners or isinstance(data, Mapping):
            path += f".{step}" if path else step
            data = data.get(step) if isinstance(data, Mapping) else None
            annotation = owners[0].model_fields[step].annotation if owners else None
            models = [found for owner in owners for found in _models(owner.model_fields[step].annotation)]
    return path, models, annotation


def _describe(where: str, model: type[BaseModel], data: Any, error: ValidationError) -> list[str]:
    """Return one sentence per problem; alternatives for one key share a sentence."""
    sentences: dict[str, list[str]] = {}
    details = error.errors()
    for detail in details:
        loc, cause = detail["loc"], detail.get("ctx", {}).get("error")
        if detail["type"] == "too_short" and any(loc == other["loc"][: len(loc)] != other["loc"] for other in details):
            continue  # pydantic did not count the items it refused
        if isinstance(cause, ConfigError):  # of a preset that is named here
            trail = f"{where}: {_follow(model, data, loc)[0]}"
            sentences |= {f"{trail}: {problem}": [] for problem in cause.problems}
            continue
        found, expected = _sentence(model, data, detail)
        sentences.setdefault(f"{where}: {found}", []).extend(filter(None, [expected]))
    return [f"{found}, expected {' or '.join(ways)}." if ways else _stopped(found) for found, ways in sentences.items()]


def _sentence(model: type[BaseModel], data: Any, detail: ErrorDetails) -> tuple[str, str]:
    """Return what was found, and what was expected unless the first says it."""
    kind, value = detail["type"], detail["input"]
    path, models, annotation = _follow(model, data, detail["loc"])
    if kind == "extra_forbidden":
        owners = _follow(model, data, detail["loc"][:-1])[1]
        known = sorted({name for owner in owners for name in owner.model_fields})
        return f"{path} is {_show(value)}, an unknown key{_did_you_mean(detail['loc'][-1], known)}", _one_of(known)
    if kind == "missing":
        return f"{path} is missing", _type_name(annotation)
    if kind in ("union_tag_not_found", "union_tag_invalid"):
        key = detail["ctx"]["discriminator"].strip("'")
        tags, tag = [tag for owner in models for tag in _tags(owner)], detail["ctx"].get("tag")
        found = "missing" if tag is None else f"{tag!r}{_did_you_mean(tag, tags)}"
        return f"{path}.{key} is {found}", _one_of(tags)
    if kind == "value_error" and isinstance(value, Mapping | BaseModel):  # a rule between keys names them itself
        found, _, expected = _expected(detail).partition(", expected ")
        return f"{path}: {found}" if path else found, expected
    return f"{path} is {_show(value)}", _expected(detail)


def _bound(value: Any) -> str:
    return f"{value:.15g}" if isinstance(value, float) else str(value)


_EXPECTED: Final[dict[str, Callable[[dict[str, Any]], str]]] = {
    "literal_error": lambda ctx: f"one of {ctx['expected'].replace(' or ', ', ')}".replace("'", ""),
    "too_long": lambda ctx: f"at most {ctx['max_length']} items",
    "too_short": lambda ctx: f"at least {ctx['min_length']} items",
    "greater_than": lambda ctx: f"more than {_bound(ctx['gt'])}",
    "greater_than_equal": lambda ctx: f"at least {_bound(ctx['ge'])}",
    "less_than": lambda ctx: f"less than {_bound(ctx['lt'])}",
    "less_than_equal": lambda ctx: f"at most {_bound(ctx['le'])}",
    "value_error": lambda ctx: str(ctx["error"]),
    "invalid_key": lambda _: "a text as its key",
    "tuple_type": lambda _: "a list",
    "list_type": lambda _: "a list",
    "model_type": lambda _: "a mapping",
    "model_attributes_type": lambda _: "a mapping",
    "int_from_float": lambda _: "an integer",
    "int_parsing": lambda _: "an integer",
    "int_type": lambda _: "an integer",
}


def _expected(detail: ErrorDetails) -> str:
    known = _EXPECTED.get(detail["type"])
    if known:
        return known(detail.get("ctx", {}))
    text = detail["msg"].removeprefix("Input should be ").partition(", ")[0]
    return text.replace("a valid ", "a ").replace("string", "text")


def _type_name(annotation: Any) -> str:
    if get_origin(annotation) in (tuple, list):
        return "a list"
    if get_origin(annotation) is Literal:
        return _one_of([str(value) for value in get_args(annotation)])
    if _models(annotation):
        return "a mapping"
    return {float: "a number", int: "an integer", str: "a text", Path: "a path"}.get(annotation, "a value")


def _stopped(sentence: str) -> str:
    return sentence if sentence.endswith(".") else f"{sentence}."


def _show(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= _SHOWN_CHARACTERS else f"{text[:_SHOWN_CHARACTERS]}..."


def _one_of(names: list[str]) -> str:
    return f"one of {', '.join(names)}" if names else "none, as there are none"


def _did_you_mean(name: str | int, known: list[str]) -> str:
    close = difflib.get_close_matches(str(name), known, n=1)
    return f" (did you mean {close[0]!r}?)" if close else ""
