"""The forms of experiments and journals, as JSON Schema."""

import json
from typing import Any, Final

from pydantic import BaseModel

from twin_env.chaos.experiment import Experiment
from twin_env.chaos.journal.journal import Journal

MODELS: Final[dict[str, type[BaseModel]]] = {"experiment.schema.json": Experiment, "journal.schema.json": Journal}
_DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
_TAGS: Final = ("kind", "at")


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
