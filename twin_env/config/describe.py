"""Turn what pydantic found into sentences."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from twin_env.config.errors import ConfigError, did_you_mean, one_of, show, stopped
from twin_env.config.models import models_in, tags_of
from twin_env.config.yaml import KeyPath


def describe(place: Callable[[KeyPath], str], model: type[BaseModel], data: Any, error: ValidationError) -> list[str]:
    """Return one sentence per problem; alternatives for one key share a sentence.

    Args:
        place: Where a key stands: the document, and the line if that is known.
        model: What the document should be.
        data: The document.
        error: What pydantic found.
    """
    sentences: dict[str, list[str]] = {}
    details = error.errors()
    for detail in details:
        loc, cause = detail["loc"], detail.get("ctx", {}).get("error")
        if detail["type"] == "too_short" and any(loc == other["loc"][: len(loc)] != other["loc"] for other in details):
            continue  # pydantic did not count the items it refused
        way = _follow(model, data, loc)
        where = place(way.keys)
        if isinstance(cause, ConfigError):  # of a preset that is named here
            sentences |= {f"{where}: {way.path}: {problem}": [] for problem in cause.problems}
            continue
        found, expected = _sentence(model, data, detail)
        sentences.setdefault(f"{where}: {found}", []).extend(filter(None, [expected]))
    return [f"{found}, expected {' or '.join(ways)}." if ways else stopped(found) for found, ways in sentences.items()]


@dataclass(frozen=True)
class _Way:
    """Where pydantic found a problem.

    Attributes:
        path: The way to it as a user writes it, with dots.
        keys: The same as keys and numbers of items.
        models: Those that may stand there.
        annotation: Of the field.
    """

    path: str
    keys: KeyPath
    models: list[type[BaseModel]]
    annotation: Any


def _follow(model: type[BaseModel], data: Any, loc: tuple[int | str, ...]) -> _Way:
    """Translate a pydantic location to the path a user knows; pydantic's also name the chosen members of unions."""
    path, models, annotation = "", [model], None
    keys: list[int | str] = []
    for step in loc:
        owners = [owner for owner in models if step in owner.model_fields]
        tagged = [owner for owner in models if step in tags_of(owner)]
        if isinstance(step, int):
            path += f"[{step}]"
            keys.append(step)
            data = data[step] if isinstance(data, list | tuple) and step < len(data) else None
        elif tagged and not owners:
            models = tagged
        elif owners or isinstance(data, Mapping):
            path += f".{step}" if path else step
            keys.append(step)
            data = data.get(step) if isinstance(data, Mapping) else None
            annotation = owners[0].model_fields[step].annotation if owners else None
            models = [found for owner in owners for found in models_in(owner.model_fields[step].annotation)]
    return _Way(path, tuple(keys), models, annotation)


def _sentence(model: type[BaseModel], data: Any, detail: ErrorDetails) -> tuple[str, str]:
    """Return what was found, and what was expected unless the first says it."""
    kind, value = detail["type"], detail["input"]
    way = _follow(model, data, detail["loc"])
    path, models, annotation = way.path, way.models, way.annotation
    if kind == "extra_forbidden":
        owners = _follow(model, data, detail["loc"][:-1]).models
        known = sorted({name for owner in owners for name in owner.model_fields})
        return f"{path} is {show(value)}, an unknown key{did_you_mean(detail['loc'][-1], known)}", one_of(known)
    if kind == "missing":
        return f"{path} is missing", _type_name(annotation)
    if kind in ("union_tag_not_found", "union_tag_invalid"):
        key = detail["ctx"]["discriminator"].strip("'")
        tags, tag = [tag for owner in models for tag in tags_of(owner)], detail["ctx"].get("tag")
        found = "missing" if tag is None else f"{tag!r}{did_you_mean(tag, tags)}"
        return f"{path}.{key} is {found}", one_of(tags)
    if kind == "value_error" and isinstance(value, Mapping | BaseModel):  # a rule between keys names them itself
        found, _, expected = _expected(detail).partition(", expected ")
        return f"{path}: {found}" if path else found, expected
    return f"{path} is {show(value)}", _expected(detail)


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
        return one_of([str(value) for value in get_args(annotation)])
    if models_in(annotation):
        return "a mapping"
    return {float: "a number", int: "an integer", str: "a text", Path: "a path"}.get(annotation, "a value")
