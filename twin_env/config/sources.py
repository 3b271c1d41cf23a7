"""Read what a configuration is made of: files, presets, mappings, and those they extend."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from twin_env.config.errors import ConfigError, show
from twin_env.config.models import EXTENDS
from twin_env.config.presets import find_preset, is_path
from twin_env.config.yaml import MOST_CHARACTERS, Document, KeyPath, YamlError, parse_document

MOST_EXTENDED: Final = 10


@dataclass(frozen=True)
class Source:
    """A document before it is validated.

    Attributes:
        name: How messages call it.
        data: Its keys, without ``extends``.
        places: Where each key stands, "FILE: line 3", by the way to it.
        file: The file it was read from.
        extends: What it builds on, as it was written.
    """

    name: str
    data: dict[str, Any]
    places: Mapping[KeyPath, str]
    file: Path | None = None
    extends: str | None = None


def read_chain(source: str | Path | Mapping[str, Any], name: str, folder: str) -> list[Source]:
    """Read a document and those it extends, itself first.

    Args:
        source: The name of a preset, a path, or the keys themselves.
        name: How messages call keys that come from no file.
        folder: Of presets.

    Raises:
        ConfigError: A document cannot be read, or extends itself.
    """
    found = _split(Source(name, dict(source), {})) if isinstance(source, Mapping) else _read(source, folder)
    chain = [found]
    while found.extends is not None:
        found = _read(_relative(found), folder)
        if found.file in [one.file for one in chain]:
            way = ", which extends ".join(one.name for one in [*chain, found])
            raise ConfigError([f"{way}: a circle, expected documents that end."])
        chain.append(found)
        if len(chain) > MOST_EXTENDED:
            raise ConfigError([f"{chain[0].name}: extends more than {MOST_EXTENDED} documents in a row."])
    return chain


def first_value(source: str | Path, key: str, folder: str) -> Any:
    """Return a key of a document, or of the nearest one it extends that has it; ``None`` if none has.

    Raises:
        ConfigError: A document cannot be read.
    """
    return next((one.data[key] for one in read_chain(source, "", folder) if key in one.data), None)


def read_yaml(path: Path, name: str = "") -> dict[str, Any]:
    """Read a YAML file that holds a mapping, as it is written.

    Args:
        path: The file.
        name: How error messages call it; its path by default.

    Raises:
        ConfigError: The file is missing, unreadable, too large, not YAML, has a key twice or is no mapping.
    """
    data: dict[str, Any] = _read_document(path, name or str(path)).data
    return data


def _read(source: str | Path, folder: str) -> Source:
    if isinstance(source, str) and not is_path(source):
        file, name = find_preset(source, folder)
    else:
        file, name = Path(source), str(source)
    document = _read_document(file, name)
    places = {path: f"{name}: line {line}" for path, line in document.lines.items()}
    return _split(Source(name, document.data, places, file.resolve()))


def _split(source: Source) -> Source:
    """Take ``extends`` out of the keys."""
    if EXTENDS not in source.data:
        return source
    data = dict(source.data)
    extends = data.pop(EXTENDS)
    if not isinstance(extends, str | Path):
        place = source.places.get((EXTENDS,), source.name)
        raise ConfigError([f"{place}: {EXTENDS} is {show(extends)}, expected the name of a preset or a path."])
    return Source(source.name, data, source.places, source.file, str(extends))


def _relative(source: Source) -> str | Path:
    """Return what a document extends; a path counts from the document's folder."""
    extends = source.extends or ""
    return source.file.parent / extends if source.file is not None and is_path(extends) else extends


def _read_document(path: Path, name: str) -> Document:
    try:
        with path.open("rb") as file:
            content = file.read(4 * MOST_CHARACTERS + 1)
        document = parse_document(content.decode("utf-8-sig"))
    except OSError as error:
        raise ConfigError([f"{name}: cannot be read ({error.strerror}), expected a YAML file."]) from None
    except UnicodeDecodeError:
        raise ConfigError([f"{name}: is not UTF-8 text, expected a YAML file."]) from None
    except YamlError as error:
        expected = "" if ", expected " in error.problem else ", expected valid YAML"
        raise ConfigError([f"{name}: {error}{expected}."]) from None
    if document.data is None:
        return Document({}, {})
    if not isinstance(document.data, dict):
        # Not what it holds: whoever mistypes a path need not see the file that is there.
        kind = "a list" if isinstance(document.data, list) else "a single value"
        raise ConfigError([f"{name}: holds {kind}, expected a mapping of keys to values."])
    return document
