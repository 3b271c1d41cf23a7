"""The page itself: sections drawn by templates, and the document they came from, embedded once."""

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from twin_env.alpha.derived import derive
from twin_env.report.evaluation_page.document import Document, bounded
from twin_env.report.evaluation_page.sections import make_sections

if TYPE_CHECKING:
    from jinja2 import Environment

_FOLDER: Final = "evaluation_page"
_IN_SCRIPTS: Final = (("<", "\\u003c"), (">", "\\u003e"), ("&", "\\u0026"))
"""What must not stand in a script element as it is, and how JSON writes it."""


def render_page(data: Mapping[str, Any]) -> str:
    """Return the report of an evaluation as one HTML file that needs nothing else.

    Args:
        data: The document of the evaluation: what ``alpha.results.summarize`` returns, with what a command adds.
    """
    document = Document(bounded(derive(data)))
    sections, lacking = make_sections(document)
    return (
        _templates()
        .get_template(f"{_FOLDER}/page.html.j2")
        .render(document=document, sections=sections, lacking=lacking, embedded=_embed(document.data))
    )


def _templates() -> "Environment":
    from jinja2 import Environment, PackageLoader, StrictUndefined

    # Everything that is shown is text to be escaped; a name that is not given is an error, not an empty place.
    return Environment(
        loader=PackageLoader("twin_env.report"),
        autoescape=True,
        undefined=StrictUndefined,
        keep_trailing_newline=True,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def _embed(data: Mapping[str, Any]) -> str:
    text = json.dumps(data, allow_nan=False, separators=(",", ":"))
    for sign, written in _IN_SCRIPTS:
        text = text.replace(sign, written)
    return text
