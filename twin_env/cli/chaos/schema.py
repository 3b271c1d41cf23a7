"""``python -m twin_env.chaos schema``: the forms of experiments and journals, as JSON Schema."""

import argparse
import json
from pathlib import Path
from typing import Any, Final

from pydantic import BaseModel

from twin_env.chaos.experiment import Experiment
from twin_env.chaos.journal.journal import Journal
from twin_env.files import write_text

HELP: Final = "write the JSON Schemas of experiments and journals"
MODELS: Final[dict[str, type[BaseModel]]] = {"experiment.schema.json": Experiment, "journal.schema.json": Journal}
_DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
_TAGS: Final = ("kind", "at")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("--folder", type=Path, default=Path("docs"), help="where to (default %(default)s)")


def run(arguments: argparse.Namespace) -> int:
    """Write both files, name them, and return 0."""
    for name in MODELS:
        path = arguments.folder / name
        write_text(path, schema_text(name))
        print(path)
    return 0


def schema_text(name: str) -> str:
    """Return the text of one of the files."""
    schema: dict[str, Any] = {"$schema": _DIALECT, **MODELS[name].model_json_schema()}
    for definition in schema["$defs"].values():
        _require_tag(definition)
    return json.dumps(schema, indent=2) + "\n"


def _require_tag(definition: dict[str, Any]) -> None:
    """Require what chooses a fault or a time among many: the models have a default for it, a document has not."""
    properties = definition.get("properties", {})
    tags = [tag for tag in _TAGS if "const" in properties.get(tag, {})]
    if tags:
        definition["required"] = [*tags, *definition.get("required", [])]
