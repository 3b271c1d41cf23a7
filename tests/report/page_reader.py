"""Reads a page of an evaluation as a browser would, with the standard library alone, and holds it to its document."""

import json
import math
import re
from dataclasses import dataclass, field
from html.parser import HTMLParser

from twin_env.report.evaluation_page.document import units_of
from twin_env.report.evaluation_page.formats import write

VOID = {"meta", "input", "line", "rect", "circle", "polyline", "path"}
FREE = {"pre", "script", "style", "title"}  # where digits need no path: what was typed, data, and how it is drawn
NUMERIC = {"count", "one", "two", "bps", "bps+", "ccy", "ccy+", "price", "share", "percent", "r+", "ms", "s", "times"}


@dataclass
class Printed:
    path: str
    form: str
    text: str = ""


@dataclass
class Element:
    tag: str
    attributes: dict
    printed: Printed | None = None


@dataclass
class Page(HTMLParser):
    html: str
    open: list = field(default_factory=list)
    elements: list = field(default_factory=list)
    numbers: list = field(default_factory=list)
    loose: list = field(default_factory=list)  # texts with digits that name no path
    texts: list = field(default_factory=list)
    embedded: list = field(default_factory=list)

    def __post_init__(self):
        super().__init__()
        self.feed(self.html)
        self.close()

    def handle_starttag(self, tag, attrs):
        element = Element(tag, dict(attrs))
        self.elements.append(element)
        if "data-path" in element.attributes:
            element.printed = Printed(element.attributes["data-path"], element.attributes["data-format"])
            self.numbers.append(element.printed)
        if tag not in VOID:
            self.open.append(element)

    def handle_startendtag(self, tag, attrs):
        assert tag in VOID, tag
        self.elements.append(Element(tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open.pop().tag == tag

    def handle_data(self, data):
        inner = self.open[-1] if self.open else None
        if inner is not None and inner.attributes.get("id") == "data":
            self.embedded.append(data)
        if inner is None or inner.tag in FREE:
            return
        self.texts.append(data)
        printed = next((element.printed for element in reversed(self.open) if element.printed), None)
        if printed is not None:
            printed.text += data
        elif re.search(r"\d", data) and not any(e.attributes.get("class") == "tick" for e in self.open):
            self.loose.append(data)

    @property
    def document(self):
        (text,) = self.embedded
        return json.loads(text)


def value_at(document, path):
    found = document
    for key in path.split("."):
        found = found[int(key)] if isinstance(found, list) else found[key]
    return found


def number_in(text):
    """The number that a text says, the way a person reads it."""
    digits = re.sub(r"[^0-9.]", "", text)
    value = float(digits) * (-1.0 if "\u2212" in text else 1.0)
    return value / 100.0 if "%" in text else value


def resolution_of(text):
    decimals = len(re.sub(r"[^0-9.]", "", text).partition(".")[2])
    return 0.5 * 10.0**-decimals * (0.01 if "%" in text else 1.0)


def check_numbers(page):
    """Hold every number of a page to the document it embeds: by its format, and read back as a person does."""
    document = page.document
    units = units_of(document)
    for printed in page.numbers:
        value = value_at(document, printed.path)
        assert printed.text == write(value, printed.form, units), f"{printed.path} prints {printed.text!r}"
        if printed.form in NUMERIC:
            read, limit = number_in(printed.text), resolution_of(printed.text) * (1.0 + 1e-9) + 1e-12
            assert math.isclose(read, value, abs_tol=limit, rel_tol=0.0), f"{printed.path} prints {printed.text!r}"
