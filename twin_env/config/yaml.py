"""YAML 1.2 in and out: the core schema, bounded in size, depth and aliases, every key once.

``ruamel.yaml`` splits a text into events; values are made of them here, without recursion and with a count, because a
document of a few hundred bytes can name itself often enough to fill a memory. Only ``null``, ``true``, ``false`` and
numbers are more than text: ``on``, ``yes``, ``10:30`` and ``2025-06-02`` are what they look like.
"""

import copy
import io
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Final

MOST_CHARACTERS: Final = 250_000  # a hundred times the largest preset; the parser is plain Python
MOST_DEPTH: Final = 50
MOST_VALUES: Final = 200_000  # aliases counted as often as they are used

KeyPath = tuple[str | int, ...]

_MERGE: Final = "<<"
_MERGED: Final = object()  # in the place of that key
_WORDS: Final[dict[str, Any]] = dict.fromkeys(("", "~", "null", "Null", "NULL")) | {
    word: word.lower() == "true" for word in ("true", "True", "TRUE", "false", "False", "FALSE")
}
# The core schema of YAML 1.2, section 10.3.2; underscores between digits are allowed besides.
_INTEGER: Final = re.compile(r"[-+]?\d+(_\d+)*|0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT: Final = re.compile(r"[-+]?(\.\d+(_\d+)*|\d+(_\d+)*(\.(\d+(_\d+)*)?)?)([eE][-+]?\d+)?")
_SPECIAL: Final = re.compile(r"([-+]?)\.(inf|Inf|INF)|\.(nan|NaN|NAN)")


class YamlError(ValueError):
    """A text that is not the YAML expected here.

    Attributes:
        problem: What is wrong, without a full stop.
        line: Where, from 1; ``None`` if that is not known.
    """

    def __init__(self, problem: str, line: int | None = None) -> None:
        super().__init__(problem if line is None else f"line {line}: {problem}")
        self.problem = problem
        self.line = line


@dataclass(frozen=True)
class Document:
    """A YAML document.

    Attributes:
        data: Its value.
        lines: The line of each key and item, from 1, by the way to it.
    """

    data: Any
    lines: Mapping[KeyPath, int]


def parse_yaml(text: str) -> Any:
    """Return the value of a YAML text.

    Raises:
        YamlError: It is not YAML, has a key twice, a tag or several documents, or is too large.
    """
    return parse_document(text).data


def parse_document(text: str) -> Document:
    """Return the value of a YAML text with the lines of its keys; raises as :func:`parse_yaml` does."""
    if len(text) > MOST_CHARACTERS:
        raise YamlError(f"the document has {len(text):,} characters, at most {MOST_CHARACTERS:,} are read")
    found = _parse(text)
    return Document(copy.deepcopy(found.data), found.lines)


def resolve(text: str) -> Any:
    """Return what a plain scalar means by the core schema of YAML 1.2."""
    if text in _WORDS:
        return _WORDS[text]
    if _INTEGER.fullmatch(text):
        return int(text, 0) if text[:2] in ("0o", "0x") else int(text)
    if _FLOAT.fullmatch(text):
        return float(text)
    special = _SPECIAL.fullmatch(text)
    if special:
        return float(f"{special[1] or ''}{special[2] or special[3]}")
    return text


@lru_cache(maxsize=128)  # presets are read again and again, and the parser is plain Python
def _parse(text: str) -> Document:
    from ruamel.yaml import YAML  # a seventh of a second that only who reads a file pays
    from ruamel.yaml.error import MarkedYAMLError, YAMLError

    builder = _Builder()
    try:
        for event in YAML(typ="safe", pure=True).parse(io.StringIO(text)):
            builder.take(event)
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise YamlError(str(error.problem or error.context), mark.line + 1 if mark else None) from None
    except YAMLError as error:
        raise YamlError(str(error).splitlines()[0]) from None
    except (OverflowError, ValueError) as error:  # an escape beyond Unicode, a number of thousands of digits
        if isinstance(error, YamlError):
            raise
        raise YamlError(str(error).partition(";")[0]) from None
    return Document(builder.root, builder.lines)


@dataclass
class _Open:
    """A mapping or a list that is not complete yet.

    Attributes:
        value: What it holds so far.
        anchor: Its name, if it has one.
        key: The last key.
        expects_key: Whether a key comes next, and not a value.
        merged: What ``<<`` adds; keys of the mapping itself win.
        size: Values in it, aliases expanded.
    """

    value: Any
    anchor: str | None
    key: Any = None
    expects_key: bool = True
    merged: dict[Any, Any] = field(default_factory=dict)
    size: int = 1


class _Builder:
    """Makes a value of events."""

    def __init__(self) -> None:
        self.root: Any = None
        self.lines: dict[KeyPath, int] = {}
        self._open: list[_Open] = []
        self._path: list[str | int] = []
        self._anchors: dict[str, tuple[Any, int]] = {}
        self._documents = 0

    def take(self, event: Any) -> None:
        """Take the next event."""
        kind, line = type(event).__name__, event.start_mark.line + 1
        if kind == "DocumentStartEvent":
            self._documents += 1
            if self._documents > 1:
                raise YamlError("a second document begins, expected one", line)
        elif kind == "AliasEvent":
            if event.anchor not in self._anchors:
                raise YamlError(f"*{event.anchor} names nothing above it", line)
            self._add(*self._anchors[event.anchor], line)
        elif kind == "ScalarEvent":
            self._refuse_tag(event, line)
            value = resolve(event.value) if event.implicit[0] else event.value
            if event.anchor:
                self._anchors[event.anchor] = value, 1
            self._add(value, 1, line, plain=event.implicit[0])
        elif kind in ("MappingStartEvent", "SequenceStartEvent"):
            self._refuse_tag(event, line)
            self._begin({} if kind == "MappingStartEvent" else [], event.anchor, line)
        elif kind in ("MappingEndEvent", "SequenceEndEvent"):
            self._end(line)

    @staticmethod
    def _refuse_tag(event: Any, line: int) -> None:
        if event.tag is not None:
            raise YamlError(f"the tag {event.tag} is not read here", line)

    def _begin(self, value: Any, anchor: str | None, line: int) -> None:
        if len(self._open) >= MOST_DEPTH:
            raise YamlError(f"values are nested more than {MOST_DEPTH} deep", line)
        if self._open and isinstance(self._open[-1].value, dict) and self._open[-1].expects_key:
            raise YamlError("a key is a list or a mapping, expected a text", line)
        self._note(line)
        self._open.append(_Open(value, anchor))

    def _end(self, line: int) -> None:
        done = self._open.pop()
        if done.merged:
            done.value = done.merged | done.value
        if done.anchor:
            self._anchors[done.anchor] = done.value, done.size
        self._add(done.value, done.size, line, noted=True)

    def _note(self, line: int) -> None:
        """Remember the line of an item; keys are remembered as they come."""
        if self._open and isinstance(self._open[-1].value, list):
            self._path.append(len(self._open[-1].value))
            self.lines[tuple(self._path)] = line

    def _add(self, value: Any, size: int, line: int, *, plain: bool = False, noted: bool = False) -> None:
        if not self._open:
            self.root = value
            return
        parent = self._open[-1]
        parent.size += size
        if sum(one.size for one in self._open) > MOST_VALUES:
            raise YamlError(f"the document has more than {MOST_VALUES:,} values", line)
        if isinstance(parent.value, list):
            if not noted:
                self._note(line)
            parent.value.append(value)
            self._path.pop()
        elif parent.expects_key:
            self._set_key(parent, value, plain, line)
        else:
            self._set_value(parent, value, line)

    def _set_key(self, parent: _Open, key: Any, plain: bool, line: int) -> None:
        if isinstance(key, dict | list):
            raise YamlError("a key is a list or a mapping, expected a text", line)
        if key in parent.value:
            raise YamlError(f"key {key!r} is there twice", line)
        is_merge = plain and key == _MERGE
        parent.key, parent.expects_key = _MERGED if is_merge else key, False
        self._path.append(key)
        if not is_merge:
            self.lines[tuple(self._path)] = line

    def _set_value(self, parent: _Open, value: Any, line: int) -> None:
        if parent.key is _MERGED:
            for part in _mappings(value, line):
                parent.merged = part | parent.merged
        else:
            parent.value[parent.key] = value
        parent.expects_key = True
        self._path.pop()


def _mappings(value: Any, line: int) -> Iterator[dict[Any, Any]]:
    """Return the mappings that ``<<`` names."""
    for part in value if isinstance(value, list) else [value]:
        if not isinstance(part, dict):
            raise YamlError("<< adds something that is no mapping", line)
        yield part


_BREAKS: Final = re.compile("[\x85\u2028\u2029]")


def dump_yaml(data: Any, *, width: int = 120, flow: bool | None = False) -> str:
    """Return plain data as YAML 1.2, keys in the order given.

    Args:
        data: Mappings, lists, texts, numbers, truth values and ``None``.
        width: Of lines, in characters.
        flow: ``None`` writes lists and mappings that hold no others in brackets, ``True`` all, ``False`` none.
    """
    from ruamel.yaml import YAML
    from ruamel.yaml.representer import SafeRepresenter

    class Representer(SafeRepresenter):  # type: ignore[misc, unused-ignore]
        def represent_text(self, text: str) -> Any:
            # One that begins with a colon would be read as a value in brackets, one with a question mark as a key.
            quoted = text == _MERGE or text.startswith((":", "?")) or not isinstance(resolve(text), str)
            # YAML 1.2 breaks no line at these, the library's reader does: only double quotes write them as escapes.
            style = '"' if _BREAKS.search(text) else "'" if quoted else None
            return self.represent_scalar("tag:yaml.org,2002:str", text, style=style)

        def ignore_aliases(self, data: Any) -> bool:
            return True

    Representer.add_representer(str, Representer.represent_text)
    yaml = YAML(typ="safe", pure=True)
    yaml.Representer = Representer
    yaml.default_flow_style = flow
    yaml.width = width
    yaml.allow_unicode = True
    yaml.representer.sort_base_mapping_type_on_output = False
    stream = io.StringIO()
    yaml.dump(data, stream)
    return stream.getvalue().removesuffix("...\n")
